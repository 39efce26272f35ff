"""Pages around the inbox: who would approve this, how long decisions take, who stands in for whom."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from apps.approvals import services
from apps.approvals.admin.shown import kind_title, span_text
from apps.approvals.errors import DelegationInvalid
from apps.approvals.registry import actions_all
from apps.approvals.selectors import delegations_visible_to, sla_report
from apps.core import clock
from apps.core.currencies import currency_get
from apps.core.errors import DomainError
from apps.core.money import Money
from apps.core.query_forms import QueryForm, day_typed
from apps.core.record_pages import user_may
from apps.core.text import ungrouped
from apps.identity.models import User
from apps.identity.selectors import branches_visible_to

VIEW, DECIDE = "approvals.view", "approvals.decide"
REPORT_DAYS = 30
ROWS_MAX = 100


def _page(site: Any, request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
    request.current_app = site.name
    crumbs = {"title": title, "page_crumbs": [(title, "")]}
    return TemplateResponse(request, template, {**site.each_context(request), **crumbs, **context})


def simulator_page(site: Any, request: HttpRequest) -> HttpResponse:
    """Which rule would ask, which levels, and who could decide on them now."""
    if not user_may(request, VIEW):
        raise PermissionDenied
    user = cast("User", request.user)
    form = QueryForm(request)
    base = settings.NUMINA["BASE_CURRENCY"]
    kinds = {action.name: action.title for action in actions_all()}
    kind = form.choice("kind", kinds)
    branches = list(branches_visible_to(user).order_by("code"))
    branch = next((row for row in branches if row.code == form.text("branch")), None)
    minor = form.amount("amount", "Amount", currency_get(base).exponent)
    day = form.day("on", "On") or clock.bank_day(clock.now())
    flags = [flag.strip() for flag in form.text("risk_flags").split(",") if flag.strip()]
    facts = {name: form.text(name) for name in ("product", "member_type", "channel")}
    result = None
    if kind:
        amount = Money(minor, base) if minor is not None else None
        result = services.policy_simulate(
            kind=kind, day=day, amount=amount, maker=user, branch=branch, facts={**facts, "risk_flags": flags}
        )
    context = {
        "sim_kinds": sorted(kinds.items(), key=lambda item: item[1]),
        "sim_kind": kind,
        "sim_branches": branches,
        "sim_branch": branch,
        "sim_day": day,
        "sim_base": base,
        "sim_result": result,
        "sim_values": {**facts, "amount": form.text("amount"), "risk_flags": form.text("risk_flags")},
        "page_faults": form.faults,
    }
    return _page(site, request, "approvals/simulator.html", "Who would approve?", context)


def report_page(site: Any, request: HttpRequest) -> HttpResponse:
    """Open, late, decided, decided late, median and 90th percentile, by kind and level."""
    if not user_may(request, VIEW):
        raise PermissionDenied
    user, at = cast("User", request.user), clock.now()
    form = QueryForm(request)
    until = form.day("to", "To") or at.date()
    since = form.day("from", "From") or until - dt.timedelta(days=REPORT_DAYS)
    rows = sla_report(
        since=dt.datetime.combine(since, dt.time(), dt.UTC),
        until=dt.datetime.combine(until + dt.timedelta(days=1), dt.time(), dt.UTC),
        at=at,
        branch_ids=None if user.scope == "all" else list(user.branch_ids),
    )
    shown = [
        {
            "row": row,
            "kind": kind_title(row.kind),
            "median": _span(row.median_seconds),
            "p90": _span(row.p90_seconds),
            "in_time": round(100 * (row.decided - row.decided_late) / row.decided) if row.decided else None,
        }
        for row in rows
    ]
    context = {
        "sla_rows": shown,
        "sla_since": since,
        "sla_until": until,
        "sla_read_at": at,
        "sla_open": sum(row.open for row in rows),
        "sla_late": sum(row.open_late for row in rows),
        "sla_decided": sum(row.decided for row in rows),
        "sla_escalations": sum(row.escalations for row in rows),
        "page_faults": form.faults,
    }
    return _page(site, request, "approvals/report.html", "Time of approvals", context)


def _span(seconds: int | None) -> str:
    return span_text(dt.timedelta(seconds=seconds)) if seconds is not None else ""


def delegations_page(site: Any, request: HttpRequest) -> HttpResponse:
    """Delegations given and received; a POST gives one or takes one back."""
    if not user_may(request, DECIDE):
        raise PermissionDenied
    user = cast("User", request.user)
    if request.method == "POST":
        try:
            _delegation_act(request, user)
        except DomainError as error:
            messages.error(request, error.detail)
        return HttpResponseRedirect(request.get_full_path())
    people = User.objects.filter(is_active=True, user_roles__role__permissions__contains=[DECIDE]).distinct()
    context = {
        "lent_rows": delegations_visible_to(user)[:ROWS_MAX],
        "lent_people": people.exclude(pk=user.pk).order_by("full_name")[:200],
        "lent_base": settings.NUMINA["BASE_CURRENCY"],
        "lent_now": clock.now(),
        "lent_user": user,
    }
    return _page(site, request, "approvals/delegations.html", "Delegations", context)


def _delegation_act(request: HttpRequest, user: User) -> None:
    at, posted = clock.now(), request.POST
    if posted.get("action") == "revoke":
        services.delegation_end(delegation_id=_id(posted.get("delegation", "")), acting_user=user, at=at)
        messages.success(request, "The delegation is revoked.")
        return
    delegate = User.objects.filter(pk=_id(posted.get("delegate", ""))).prefetch_related("user_roles__role").first()
    if delegate is None:
        raise DelegationInvalid("Choose a colleague.")
    base, limit = settings.NUMINA["BASE_CURRENCY"], ungrouped(posted.get("limit", ""))
    _, approval = services.delegation_create(
        acting_user=user,
        delegate=delegate,
        starts_at=_midnight(posted.get("from", "")),
        ends_at=_midnight(posted.get("until", "")) + dt.timedelta(days=1),
        limit=Money.parse(limit, base, positive=True) if limit else None,
        reason=posted.get("reason", "").replace("\x00", "").strip()[:255],
        at=at,
    )
    waits = f" It waits for approval as {approval.number}." if approval is not None else ""
    messages.success(request, f"{delegate.get_full_name()} will stand in for you.{waits}")


def _id(raw: str) -> UUID:
    try:
        return UUID(raw)
    except ValueError:
        raise DelegationInvalid("Choose from the list.") from None


def _midnight(raw: str) -> dt.datetime:
    try:
        return dt.datetime.combine(day_typed(raw), dt.time(), dt.UTC)
    except ValueError:
        raise DelegationInvalid("Give the first and the last day.") from None
