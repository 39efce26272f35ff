"""How the trail looks as a file: CSV and PDF, each row with its link of the chain. Written as it is read."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from django.conf import settings

from apps.audit.models import AuditEvent
from apps.core.pdf import pdf_render
from apps.core.sheets import csv_write

Row = tuple[AuditEvent, str]
"""An event and its seal in hexadecimal digits; empty while it has none."""

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
class About:
    """What a file says of itself."""

    made_by: str
    reason: str
    filters: dict[str, str]
    at: dt.datetime


def csv_draw(file: IO[bytes], rows: Iterable[Row]) -> None:
    """The events as CSV, a line at a time."""
    csv_write(
        file,
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
                seal,
            )
            for event, seal in rows
        ),
    )


def pdf_draw(file: IO[bytes], rows: Iterable[Row], about: About) -> None:
    """The events as PDF, with changes in brief."""
    kinds = dict.fromkeys(AuditEvent.Kind.values, 0)
    actors, last_seal, ids, listed = set(), "", hashlib.sha256(), []
    for event, seal in rows:
        kinds[event.kind] += 1
        actors.add(event.actor_label)
        ids.update(b"%d," % event.pk)
        last_seal = f"{event.pk}:{seal}" if seal else last_seal
        listed.append(
            {
                "event": event,
                "at": event.at.strftime("%Y-%m-%d %H:%M:%S"),
                "changes": list(_changes(event)),
                "seal": seal[:16],
            }
        )
    context = {
        "bank": settings.NUMINA["BANK_NAME"],
        "made_at": about.at,
        "made": about.at.strftime("%d %B %Y %H:%M UTC"),
        "made_by": about.made_by,
        "reason": about.reason,
        "filters": about.filters,
        "rows": listed,
        "kinds": kinds,
        "actors": len(actors),
        "last_seal": last_seal,
    }
    file.write(pdf_render(template="audit/trail.html", context=context, identifier=ids.digest()))


def _changes(event: AuditEvent) -> Iterator[tuple[str, str, str]]:
    before, after = event.before or {}, event.after or {}
    for name in sorted({*before, *after})[:12]:
        yield name, _brief(before.get(name)), _brief(after.get(name))


def _brief(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:79] + "\u2026"


def _json(facts: Any) -> str:
    return "" if facts is None else json.dumps(facts, ensure_ascii=False, sort_keys=True)
