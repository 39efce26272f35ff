"""The one clock. Views and tasks read it and pass the time on; services take time as an argument."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings

_frozen: ContextVar[datetime | None] = ContextVar("numina_frozen_clock", default=None)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _frozen.get() or datetime.now(UTC)


def bank_day(at: datetime) -> date:
    """The calendar day of a moment at the head office: where rules change with the day, it is the bank's."""
    return at.astimezone(ZoneInfo(settings.NUMINA["TIME_ZONE"])).date()


@contextmanager
def frozen(at: datetime) -> Iterator[datetime]:
    """Within the block, in this thread or task, `now()` is `at` (aware; turned into UTC). For tests and dry runs."""
    if at.tzinfo is None:
        raise ValueError("the clock takes aware datetimes only")
    moment = at.astimezone(UTC)
    token = _frozen.set(moment)
    try:
        yield moment
    finally:
        _frozen.reset(token)
