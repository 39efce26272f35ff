"""How requests look on the staff site: age, what is left of the time, states and risks as labels."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils.safestring import SafeString

from apps.approvals.errors import ApprovalKindUnknown
from apps.approvals.models import ApprovalLevel, ApprovalRequest
from apps.approvals.registry import action_get
from apps.core.display import chip, kind_text

STATE_KINDS = {
    "pending": "info",
    "returned": "warn",
    "approved": "info",
    "rejected": "bad",
    "cancelled": "plain",
    "expired": "plain",
    "executed": "good",
    "failed": "bad",
}
SOON = dt.timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the inbox: a request, and the open level that asks, where there is one."""

    request: ApprovalRequest
    level: ApprovalLevel | None
    kind: str
    age: str
    sla: SafeString
    bulk_problem: str


def span_text(span: dt.timedelta) -> str:
    """1 d 3 h, 2 h 5 min, 7 min: the two largest parts."""
    minutes = max(0, int(span.total_seconds() // 60))
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


def sla_chip(due_at: dt.datetime | None, *, at: dt.datetime) -> SafeString:
    """Late, soon or fine, in words as well as in colour."""
    if due_at is None:
        return chip("No limit")
    if due_at < at:
        return chip(f"{span_text(at - due_at)} late", "bad")
    return chip(f"{span_text(due_at - at)} left", "warn" if due_at - at < SOON else "good")


def state_chip(request: ApprovalRequest) -> SafeString:
    """The state of a request."""
    return chip(request.get_state_display(), STATE_KINDS[request.state])


def risk_chips(request: ApprovalRequest) -> list[SafeString]:
    """A label for each risk flag."""
    return [chip(kind_text(flag), "bad") for flag in request.risk_flags]


def kind_title(kind: str) -> str:
    """The title of a kind of action; its name, where the app that had it is gone."""
    try:
        return action_get(kind).title
    except ApprovalKindUnknown:
        return kind
