"""Turns facts into what may be kept for years: JSON-ready, bounded, and without secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

REDACTED = "[redacted]"
STRING_MAX = 2_000
ITEMS_MAX = 200
DEPTH_MAX = 6

# Names under which secrets travel. A match hides the value, whatever it is.
SECRET_NAME = re.compile(
    r"passw|secret|token|credential|authoriz|cookie|otp|api_?key|private_?key|signature|\bhash\b|(^|_)pin$|(^|_)cvv$",
    re.IGNORECASE,
)
# Text that is a secret wherever it stands: bearer headers and JWTs.
SECRET_TEXT = re.compile(r"(?i:bearer)\s+[\w\-.~+/=]+|\beyJ[\w-]+\.[\w-]+\.[\w-]*")


def facts_clean(facts: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The facts as they may be stored; None stays None."""
    return None if facts is None else _mapping(facts, 0)


def text_safe(text: str, limit: int = STRING_MAX) -> str:
    """Text PostgreSQL takes (no NUL, no lone surrogate), without tokens, cut at `limit`."""
    text = text[: limit * 2].replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    return SECRET_TEXT.sub(REDACTED, text)[:limit]


def _mapping(facts: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    kept = list(facts.items())[:ITEMS_MAX]
    return {
        text_safe(str(name), 120): REDACTED if SECRET_NAME.search(str(name)) else _value(value, depth + 1)
        for name, value in kept
    }


def _value(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return text_safe(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if depth >= DEPTH_MAX:
        return text_safe(str(value), 200)
    if isinstance(value, Mapping):
        return _mapping(value, depth)
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
        return [_value(item, depth + 1) for item in items[:ITEMS_MAX]]
    # Decimal, UUID, Money, model instances: as they read. A float too: JSON numbers would round it again.
    return text_safe(str(value))
