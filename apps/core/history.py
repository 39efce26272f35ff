"""simple-history's rows as a readable list of changes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.utils.text import capfirst

from apps.core import display

ENTRIES_MAX = 100
# Changed by every save, or a copy of other fields: noise to a reader.
SILENT = frozenset({"updated_at", "version", "search_text", "created_at"})
VERBS = {"+": ("Created", "good"), "~": ("Changed", "info"), "-": ("Deleted", "bad")}


@dataclass(frozen=True, slots=True)
class Change:
    """A field's value before and after."""

    label: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One saved version of a record: when, by whom, why, and what it changed."""

    at: dt.datetime
    user: str
    verb: str
    kind: str
    reason: str
    changes: list[Change]


def changes_of(record: Any) -> list[HistoryEntry]:
    """The record's newest versions, at most ENTRIES_MAX, each compared with the one before it."""
    rows = list(
        record.history.select_related("history_user").order_by("-history_date", "-history_id")[: ENTRIES_MAX + 1]
    )
    entries = []
    for index, row in enumerate(rows[:ENTRIES_MAX]):
        older = rows[index + 1] if index + 1 < len(rows) else None
        verb, kind = VERBS[row.history_type]
        entries.append(
            HistoryEntry(
                at=row.history_date,
                user=display.person(row.history_user),
                verb=verb,
                kind=kind,
                reason=row.history_change_reason or "",
                changes=_compare(row, older),
            )
        )
    return entries


def _compare(row: Any, older: Any) -> list[Change]:
    changes = []
    for field in row.tracked_fields:
        if field.name in SILENT or field.primary_key:
            continue
        after = getattr(row, field.attname)
        before = getattr(older, field.attname) if older is not None else None
        if before == after or (older is None and after in (None, "", [])):
            continue
        label = capfirst(str(field.verbose_name))
        changes.append(Change(label, _show(older, field) if older is not None else "", _show(row, field)))
    return changes


def _show(row: Any, field: models.Field[Any, Any]) -> object:
    value = getattr(row, field.attname)
    if value is None or value in ("", []):
        return display.EMPTY
    if mask := getattr(field, "mask", None):  # encrypted fields
        return mask(value)
    if field.choices:
        return dict(field.flatchoices).get(value, value)
    if isinstance(field, models.ForeignKey):
        try:
            return str(getattr(row, field.name))
        except ObjectDoesNotExist:
            return str(value)
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, dt.datetime):
        return display.moment_text(value)
    if isinstance(value, dt.date):
        return display.day_text(value)
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return value
