"""What a change of terms comes to: worked out by making it and taking it back, and shown field by field."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction

from apps.approvals.registry import Change

Made = TypeVar("Made")


def tried(work: Callable[[], Made]) -> Made:
    """What `work` makes, with nothing kept of it. Raises what it raises: so a check is the change itself."""
    with transaction.atomic():
        made = work()
        transaction.set_rollback(True)
    return made


def json_kept(value: Any) -> Any:
    """A value as a payload keeps it: decimals and dates as text."""
    if isinstance(value, Mapping):
        return {str(name): json_kept(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [json_kept(one) for one in value]
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, UUID):
        return str(value)
    return value.isoformat() if isinstance(value, dt.date) else value


def json_read(values: Mapping[str, Any], *, dates: frozenset[str], decimals: frozenset[str]) -> dict[str, Any]:
    """Values of a payload with their types again."""
    read = dict(values)
    read |= {name: dt.date.fromisoformat(values[name]) for name in dates if values.get(name) is not None}
    read |= {name: Decimal(values[name]) for name in decimals if values.get(name) is not None}
    return read


def facts_changes(
    before: Mapping[str, Any], after: Mapping[str, Any], *, show: Callable[[str, Any], str]
) -> tuple[Change, ...]:
    """The facts that differ, as rows; facts within facts have rows of their own. `show` gives the text of one."""
    old, new = _flat(before), _flat(after)
    rows = []
    for name in dict.fromkeys([*new, *old]):
        texts = [show(name, facts[name]) if facts.get(name) is not None else "" for facts in (old, new)]
        if texts[0] != texts[1]:
            rows.append(Change(name.replace("_", " ").replace(".", ": ").capitalize(), *texts))
    return tuple(rows)


def _flat(facts: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
