"""What the database says about a seeding: none, cut off, finished. The audit trail is where it is written down."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from apps.audit.models import AuditEvent
from apps.members.models import Member


@dataclass(frozen=True, slots=True)
class SeedState:
    """`members` in the database; with `started`, the seeding's profile, seed and business day."""

    members: int
    started: bool = False
    finished: bool = False
    profile: str = ""
    seed: int = 0
    today: dt.date | None = None


def state_read() -> SeedState:
    """How far the database is seeded."""
    members = Member.objects.count()
    events = AuditEvent.objects.filter(action__in=("backoffice.seed.started", "backoffice.seed.finished"))
    by_action = {event.action: event for event in events.order_by("id")}
    started = by_action.get("backoffice.seed.started")
    if started is None or started.after is None:
        return SeedState(members=members)
    return SeedState(
        members=members,
        started=True,
        finished="backoffice.seed.finished" in by_action,
        profile=started.after["profile"],
        seed=started.after["seed"],
        today=dt.date.fromisoformat(started.after["today"]),
    )
