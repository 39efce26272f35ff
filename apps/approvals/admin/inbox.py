"""The inbox: what waits for the user, what the user asked for and decided, and deciding on many at once."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from apps.approvals.admin.shown import Row, kind_title, sla_chip, span_text
from apps.approvals.errors import ApprovalNotFound
from apps.approvals.models import ApprovalLevel, ApprovalRequest
from apps.approvals.registry import actions_all
from apps.approvals.selectors import levels_in_box, queue_count, request_get_for, requests_in_box
from apps.approvals.services import BulkItem, bulk_problem, requests_decide
from apps.core import clock
from apps.core.currencies import currency_get
from apps.core.query_forms import QueryForm
from apps.core.record_pages import user_may
from apps.identity.models import User

USE, DECIDE = "approvals.request", "approvals.decide"
TABS = (
    ("queue", "My queue", DECIDE),
    ("inbox", "Mine", DECIDE),
    ("delegated", "Delegated", DECIDE),
    ("breached", "Breached", DECIDE),
    ("sent", "Sent by me", USE),
    ("done", "Done", DECIDE),
    ("all", "All", "approvals.view"),
)
EMPTY = {
    "queue": ("Nothing waits for you", "Requests that ask your role, branch or committee appear here."),
    "inbox": ("Nothing is in your hands", "What a colleague hands on to you appears here."),
    "delegated": ("Nothing delegated", "While you stand in for somebody, what waits for them appears here."),
    "breached": ("Nothing is late", "Open levels whose time is up appear here."),
    "sent": ("You have not asked for anything", "What you ask approval for appears here, with what became of it."),
    "done": ("You have not decided on anything", "Your decisions appear here."),
    "all": ("No requests", "Requests of your reach appear here."),
}
LEVEL_BOXES = frozenset({"queue", "inbox", "delegated", "breached"})
PAGE_ROWS = 25
PAGES_MAX = 400


def badge(request: HttpRequest) -> str:
    """How many open levels ask the user, for the navigation; empty for none."""
    user: Any = request.user
    if not user_may(request, DECIDE):
        return ""
    waiting = queue_count(user=user, at=clock.now())
    return "99+" if waiting > 99 else str(waiting or "")


def inbox_page(site: Any, request: HttpRequest) -> HttpResponse:
    """A box of the inbox; a POST decides on the rows that were chosen."""
    if not user_may(request, USE):
        raise PermissionDenied
    user = cast("User", request.user)
    at = clock.now()
    results = _bulk(request, user, at) if request.method == "POST" else []
    form = QueryForm(request)
    tabs = [(box, title) for box, title, code in TABS if user_may(request, code)]
    box = form.choice("box", {name for name, _ in tabs}) or tabs[0][0]
    kinds = {action.name: action.title for action in actions_all()}
    kind = form.choice("kind", kinds)
    page = _page_number(form)
    rows, has_more = _rows(user, box, kind=kind, page=page, at=at)
    request.current_app = site.name
    context = {
        **site.each_context(request),
        "title": "Approvals",
        "page_crumbs": [("Approvals", "")],
        "inbox_tabs": [{"box": name, "title": title, "active": name == box} for name, title in tabs],
        "inbox_box": box,
        "inbox_kind": kind,
        "inbox_kinds": sorted(kinds.items(), key=lambda item: item[1]),
        "inbox_rows": rows,
        "inbox_page": page,
        "inbox_has_more": has_more,
        "inbox_may_decide": box in LEVEL_BOXES,
        "inbox_empty": EMPTY[box],
        "inbox_results": results,
        "inbox_exponent": currency_get(settings.NUMINA["BASE_CURRENCY"]).exponent,
        "inbox_done": sum(result["error"] is None for result in results),
        "page_faults": form.faults,
    }
    return TemplateResponse(request, "approvals/inbox.html", context)


def _page_number(form: QueryForm) -> int:
    raw = form.text("page", characters=4)
    return min(max(int(raw), 1), PAGES_MAX) if raw.isascii() and raw.isdigit() else 1


def _rows(user: User, box: str, *, kind: str, page: int, at: dt.datetime) -> tuple[list[Row], bool]:
    window = slice((page - 1) * PAGE_ROWS, page * PAGE_ROWS + 1)
    if box in LEVEL_BOXES:
        levels = levels_in_box(user=user, box=box, at=at)
        if kind:
            levels = levels.filter(request__kind=kind)
        found = [_row(level.request, level, at) for level in levels.order_by("due_at", "id")[window]]
    else:
        requests = requests_in_box(user=user, box=box)
        if kind:
            requests = requests.filter(kind=kind)
        found = [_row(request, None, at) for request in requests.order_by("-created_at", "-public_id")[window]]
    return found[:PAGE_ROWS], len(found) > PAGE_ROWS


def _row(request: ApprovalRequest, level: ApprovalLevel | None, at: dt.datetime) -> Row:
    due_at = level.due_at if level is not None else request.due_at
    return Row(
        request=request,
        level=level,
        kind=kind_title(request.kind),
        age=span_text(at - request.created_at),
        sla=sla_chip(due_at, at=at),
        bulk_problem=bulk_problem(request=request),
    )


def _bulk(request: HttpRequest, user: User, at: dt.datetime) -> list[dict[str, Any]]:
    """Decide on the chosen rows and say of each what became of it."""
    verdict = request.POST.get("verdict", "")
    items = []
    for raw in request.POST.getlist("item"):
        name, _, version = raw.partition(":")
        try:
            items.append(BulkItem(UUID(name), int(version)))
        except ValueError:
            continue
    if verdict not in ("approve", "reject") or not items:
        messages.warning(request, "Choose rows first.")
        return []
    comment = request.POST.get("comment", "").replace("\x00", "").strip()[:4000]
    decided = requests_decide(acting_user=user, items=items, verdict=verdict, comment=comment, at=at)
    shown = []
    for result in decided:
        with suppress(ApprovalNotFound):  # what is none of the user's business is not named
            known = request_get_for(user=user, public_id=result.request_id, at=at)
            shown.append({"request": known, "state": result.request, "error": result.error})
    return shown
