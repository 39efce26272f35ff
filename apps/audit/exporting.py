"""The trail as a file: chosen events, each with its link of the chain, and a hash that is noted in the trail itself.

Whoever is shown such a file can have its SHA-256 looked up: the trail says who made it, when, why and with which
filters. A single row can be checked against the chain by its link.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.audit.errors import ExportTooLarge
from apps.audit.models import AuditEvent, Seal
from apps.audit.selectors import events_filtered
from apps.audit.services import record
from apps.core.pdf import pdf_render
from apps.core.sheets import csv_file

ROWS_MAX = {"csv": 100_000, "pdf": 1_000}
"""A PDF of a thousand events takes some ten seconds; more would keep a request waiting for too long."""
HEADINGS = (
    "id",
    "at",
    "kind",
    "action",
    "actor",
    "object_type",
    "object_id",
    "object",
    "before",
    "after",
    "reason",
    "ip",
    "correlation_id",
    "seal",
)


@dataclass(frozen=True, slots=True)
class TrailFile:
    """A file with its name and its hash as the trail has it."""

    name: str
    content: bytes
    content_type: str
    sha256: str
    rows: int


@transaction.atomic
def trail_export(*, acting_user: Any, form: str, filters: dict[str, Any], reason: str, at: dt.datetime) -> TrailFile:
    """The events within the user's reach that match, oldest first, as CSV or PDF. The export itself is recorded.

    Raises ExportTooLarge, naming how many a file may hold.
    """
    events = events_filtered(acting_user, filters).order_by("id")
    limit = ROWS_MAX[form]
    rows = list(events[: limit + 1])
    if len(rows) > limit:
        raise ExportTooLarge(f"More than {limit:,} events match; choose fewer days or another filter.")
    seals = {
        seal.pk: bytes(seal.hash).hex()
        for start in range(0, len(rows), 10_000)
        for seal in Seal.objects.filter(pk__in=[event.pk for event in rows[start : start + 10_000]]).only("hash")
    }
    if form == "csv":
        content, content_type = _csv(rows, seals), "text/csv; charset=utf-8"
    else:
        content, content_type = _pdf(rows, seals, acting_user, filters, reason, at), "application/pdf"
    digest = hashlib.sha256(content).hexdigest()
    record(
        action="audit.trail.exported",
        acting_user=acting_user,
        kind="security",
        object_type="audit.export",
        object_id=digest,
        object_label=f"{len(rows)} events as {form.upper()}",
        after={"sha256": digest, "rows": len(rows), "form": form, "filters": _words(filters)},
        reason=reason,
        at=at,
    )
    return TrailFile(f"audit-trail-{at:%Y%m%d-%H%M%S}.{form}", content, content_type, digest, len(rows))


def export_find(*, sha256: str) -> AuditEvent | None:
    """The event that says who made the file with this hash; None when no file of ours has it."""
    return AuditEvent.objects.filter(object_type="audit.export", object_id=sha256.lower()).order_by("-id").first()


def _csv(rows: list[AuditEvent], seals: dict[int, str]) -> bytes:
    return csv_file(
        HEADINGS,
        (
            (
                event.pk,
                event.at.isoformat(),
                event.kind,
                event.action,
                event.actor_label,
                event.object_type,
                event.object_id,
                event.object_label,
                _json(event.before),
                _json(event.after),
                event.reason,
                event.ip or "",
                event.correlation_id,
                seals.get(event.pk, ""),
            )
            for event in rows
        ),
    )


def _pdf(
    rows: list[AuditEvent],
    seals: dict[int, str],
    acting_user: Any,
    filters: dict[str, Any],
    reason: str,
    at: dt.datetime,
) -> bytes:
    listed = [
        {
            "event": event,
            "at": event.at.strftime("%Y-%m-%d %H:%M:%S"),
            "changes": _changes(event),
            "seal": seals.get(event.pk, "")[:16],
        }
        for event in rows
    ]
    kinds = {kind: sum(event.kind == kind for event in rows) for kind in AuditEvent.Kind.values}
    context = {
        "bank": settings.NUMINA["BANK_NAME"],
        "made_at": at,
        "made": at.strftime("%d %B %Y %H:%M UTC"),
        "made_by": str(acting_user),
        "reason": reason,
        "filters": _words(filters),
        "rows": listed,
        "kinds": kinds,
        "actors": len({event.actor_label for event in rows}),
        "last_seal": next((f"{event.pk}:{seals[event.pk]}" for event in reversed(rows) if event.pk in seals), ""),
    }
    return pdf_render(
        template="audit/trail.html",
        context=context,
        identifier=hashlib.sha256(repr([event.pk for event in rows]).encode()).digest(),
    )


def _changes(event: AuditEvent) -> list[tuple[str, str, str]]:
    before, after = event.before or {}, event.after or {}
    names = sorted({*before, *after})[:12]
    return [(name, _brief(before.get(name)), _brief(after.get(name))) for name in names]


def _brief(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:79] + "\u2026"


def _json(facts: Any) -> str:
    return "" if facts is None else json.dumps(facts, ensure_ascii=False, sort_keys=True)


def _words(filters: dict[str, Any]) -> dict[str, str]:
    return {
        name: value.isoformat() if isinstance(value, dt.datetime) else str(value)
        for name, value in filters.items()
        if value not in (None, "")
    }
