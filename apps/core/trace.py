"""The id that ties a request, its log lines, its journal entries and its error answer together."""

from __future__ import annotations

import re
from contextvars import ContextVar

from apps.core.ids import uuid7

_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{8,64}")
_current: ContextVar[str] = ContextVar("numina_trace_id", default="")


def trace_id() -> str:
    """The id of the request or job at hand; empty outside of one."""
    return _current.get()


def trace_start(proposed: str | None = None) -> str:
    """Begin a request or job: its id is `proposed` when that is 8 to 64 letters, digits, dots, dashes or
    underscores, else a new one."""
    chosen = proposed if proposed and _ACCEPTED.fullmatch(proposed) else uuid7().hex
    _current.set(chosen)
    return chosen
