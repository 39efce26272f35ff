"""One request: what changes, its trail and picture, the rule that asks, and the panel on which it is decided."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.approvals import services
from apps.approvals.admin.picture import picture_of
from apps.approvals.admin.shown import kind_title, risk_chips, sla_chip, span_text, state_chip
from apps.approvals.downloads import file_response
from apps.approvals.errors import ApprovalDocumentRefused, ApprovalNotFound, ApproverNotUsable
from apps.approvals.exposure import exposure_of
from apps.approvals.files import BYTES_MAX, ENDINGS
from apps.approvals.models import ApprovalCandidate, ApprovalLevel, ApprovalRequest
from apps.approvals.models._documents import NAME_MAX
from apps.approvals.selectors import level_for, request_get_for, trail_of
from apps.core import clock
from apps.core.display import kind_text, money_text, person
from apps.core.errors import DomainError, PreconditionFailed
from apps.core.record_pages import user_may
from apps.core.text import text_clean
from apps.identity.models import User

USE, DECIDE, ADMINISTER = "approvals.request", "approvals.decide", "approvals.administer"
TABS = (
    ("changes", "Changes"),
    ("documents", "Documents"),
    ("exposure", "Exposure"),
    ("trail", "Trail"),
    ("policy", "Policy"),
)
VERDICTS = {"approve": "Approved", "return": "Returned to its maker", "reject": "Rejected"}
DONE = {
    "cancel": "Withdrawn.", "escalate": "Escalated.", "resubmit": "Sent again.", "comment": "The comment is kept.",
    "attach": "The document is added.", "delegate": "Handed on.",
}  # fmt: skip
FILE_ENDINGS = ",".join(f".{ending}" for ending in ENDINGS)
EVENT_CHIPS = {"approved": "good", "executed": "good", "rejected": "bad", "failed": "bad", "escalated": "warn",
               "returned": "warn", "expired": "warn", "reminded": "warn"}  # fmt: skip
COLLEAGUES_MAX = 50


def task_page(site: Any, request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """A request's page; a POST does what its button says, by the same services as the API."""
    if not user_may(request, USE):
        raise PermissionDenied
    user, at = cast("User", request.user), clock.now()
    try:
        approval = request_get_for(user=user, public_id=approval_id, at=at)
    except ApprovalNotFound:
        raise Http404 from None
    if request.method == "POST":
        return _act(request, user, approval, at)
    tab = request.GET.get("tab", "changes")
    tab = tab if tab in dict(TABS) else "changes"
    request.current_app = site.name
    context = {
        **site.each_context(request),
        "title": f"{approval.number} {approval.title}",
        "page_crumbs": [("Approvals", reverse("admin:approvals_inbox")), (approval.number, "")],
        "task": approval,
        "task_kind": kind_title(approval.kind),
        "task_chips": [state_chip(approval)],
        "task_risks": risk_chips(approval),
        "task_amount": money_text(approval.amount_minor, approval.currency) if approval.currency else "",
        "task_age": span_text(at - approval.created_at),
        "task_sla": sla_chip(approval.due_at, at=at) if approval.due_at else "",
        "task_tabs": [{"slug": slug, "title": title, "active": slug == tab} for slug, title in TABS],
        "task_tab": tab,
        **_panel(request, user, approval, at),
        **_tab(approval, tab, user, at),
    }
    return TemplateResponse(request, "approvals/task.html", context)


def _panel(request: HttpRequest, user: User, approval: ApprovalRequest, at: dt.datetime) -> dict[str, Any]:
    """What this user may do with it now."""
    level = level_for(user=user, request=approval, at=at)
    mine = approval.maker_id == user.pk
    may_all = user_may(request, ADMINISTER)
    return {
        "panel_level": level,
        "panel_colleagues": _colleagues(approval, user) if level is not None else [],
        "panel_may_cancel": (mine or may_all) and approval.state in ("pending", "returned", "failed"),
        "panel_may_escalate": approval.state == "pending" and (mine or may_all or level is not None),
        "panel_may_retry": approval.state == "failed" and (mine or may_all),
        "panel_may_resubmit": approval.state == "returned" and mine,
        "panel_needs_comment": bool(approval.risk_flags),
    }


def _colleagues(approval: ApprovalRequest, user: User) -> list[User]:
    """Those who could be asked instead: people who decide, but for the maker and those whose own affair it is."""
    barred = {approval.maker_id, user.pk, *approval.interested_ids}
    users = User.objects.filter(is_active=True, user_roles__role__permissions__contains=[DECIDE]).distinct()
    return list(users.exclude(pk__in=barred).order_by("full_name")[:COLLEAGUES_MAX])


def _tab(approval: ApprovalRequest, tab: str, user: User, at: dt.datetime) -> dict[str, Any]:
    if tab == "documents":
        may_add = approval.state in ("pending", "returned") and (
            approval.maker_id == user.pk or level_for(user=user, request=approval, at=at) is not None
        )
        documents = list(approval.documents.select_related("added_by"))
        return {"documents": documents, "documents_may_add": may_add, "documents_endings": FILE_ENDINGS}
    if tab == "exposure":
        return {"exposure": exposure_of(user=user, member_ids=approval.member_ids)}
    if tab == "trail":
        levels = list(approval.levels.filter(round=approval.round).select_related("assignee"))
        decided: dict[int, str] = {}
        for row in approval.decisions.filter(round=approval.round).select_related("actor"):
            decided[row.level_id] = row.actor.get_full_name()
        events = [
            {
                "verb": kind_text(event.action.rpartition(".")[2]),
                "kind": EVENT_CHIPS.get(event.action.rpartition(".")[2], "info"),
                "event": event,
                "who": person(event.actor, event.actor_label),
                "facts": event.after or {},
            }
            for event in trail_of(approval).select_related("actor")
        ]
        return {"trail_picture": picture_of(approval, levels, decided), "trail_events": events}
    if tab == "policy":
        levels = list(approval.levels.filter(round=approval.round).select_related("assignee"))
        return {"policy_rule": _rule(approval), "policy_levels": [_level_shown(level) for level in levels]}
    return {}


def _rule(approval: ApprovalRequest) -> dict[str, Any]:
    rule = approval.rule
    if not rule:
        return {}
    base = settings.NUMINA["BASE_CURRENCY"]
    top = rule["to_minor"]
    return {
        **rule,
        "from": money_text(rule["from_minor"], base, with_currency=True),
        "to": money_text(top, base, with_currency=True) if top is not None else "",
        "conditions": [(kind_text(name), ", ".join(values)) for name, values in rule["when"].items()],
    }


def _level_shown(level: ApprovalLevel) -> dict[str, Any]:
    rows = ApprovalCandidate.objects.filter(level=level).select_related("branch", "group", "user")
    asked = []
    for row in rows:
        names = (row.branch.name if row.branch else "", row.group.name if row.group else "")
        parts = [kind_text(row.role_code), *names, row.user.get_full_name() if row.user else ""]
        asked.append(
            " · ".join(str(part) for part in parts if part) + (" (escalation)" if row.origin == "escalation" else "")
        )
    return {"level": level, "asked": asked}


def _act(request: HttpRequest, user: User, approval: ApprovalRequest, at: dt.datetime) -> HttpResponse:
    """Do what the button says; a refusal is shown as it is said, and nothing has changed."""
    action = request.POST.get("action", "")
    comment = request.POST.get("comment", "").replace("\x00", "").strip()[:4000]
    raw = request.POST.get("version", "")
    version = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else 0
    common: dict[str, Any] = {"acting_user": user, "request_id": approval.public_id, "at": at, "comment": comment}
    with_version: dict[str, Any] = {**common, "expected_version": version}
    doing: dict[str, Callable[[], Any]] = {
        "cancel": lambda: services.request_cancel(**with_version),
        "escalate": lambda: services.request_escalate(**with_version),
        "resubmit": lambda: services.request_resubmit(**with_version),
        "comment": lambda: services.request_comment(**common),
        "attach": lambda: services.document_add(
            acting_user=user, request_id=approval.public_id, at=at, **_file(request)
        ),
        "delegate": lambda: services.request_reassign(**with_version, to=_chosen(request)),
    }
    try:
        if action in VERDICTS:
            decided = services.request_decide(**with_version, verdict=action).request
            _say(request, decided, VERDICTS[action])
        elif action == "retry":
            _say(request, services.request_retry(**with_version), "Tried again")
        elif action in doing:
            doing[action]()
            messages.success(request, DONE[action])
    except PreconditionFailed:
        messages.error(request, "It changed since you opened it. This is how it is now; decide again.")
    except DomainError as error:
        messages.error(request, error.detail)
    return HttpResponseRedirect(request.get_full_path())


def _say(request: HttpRequest, decided: ApprovalRequest, words: str) -> None:
    match decided.state:
        case "executed":
            messages.success(request, f"{words}, and carried out.")
        case "failed":
            messages.error(request, f"{words}, but it could not be carried out: {decided.state_reason}")
        case _:
            messages.success(request, f"{words}.")


def _file(request: HttpRequest) -> dict[str, Any]:
    upload = request.FILES.get("file")
    if upload is None:
        raise ApprovalDocumentRefused("Choose a file.")
    if upload.size is None or upload.size > BYTES_MAX:
        raise ApprovalDocumentRefused(f"At most {BYTES_MAX // 1024 // 1024} MB.")
    return {"name": text_clean(upload.name or "", max_length=NAME_MAX), "content": upload.read()}


def document_page(site: Any, request: HttpRequest, document_id: UUID) -> HttpResponse | FileResponse:
    """Download a file that stands beside a request."""
    if not user_may(request, USE):
        raise PermissionDenied
    user = cast("User", request.user)
    try:
        document, stream = services.document_open(acting_user=user, document_id=document_id, at=clock.now())
    except ApprovalNotFound:
        raise Http404 from None
    return file_response(document, stream)


def _chosen(request: HttpRequest) -> User:
    try:
        wanted = UUID(request.POST.get("to", ""))
    except ValueError:
        raise ApproverNotUsable("Choose a colleague.") from None
    user = User.objects.filter(pk=wanted, is_active=True).prefetch_related("user_roles__role").first()
    if user is None:
        raise ApproverNotUsable
    return user
