"""Cohorts: of those who began in one month, how many were still active in each month after."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Cohort:
    """Who began in a month: how many, and how many of them were active 0, 1, 2... months later."""

    start: dt.date
    size: int
    active: tuple[int, ...]

    @property
    def kept(self) -> tuple[Fraction, ...]:
        """The shares that were active; of nobody, zero."""
        return tuple(Fraction(count, self.size) if self.size else Fraction(0) for count in self.active)


def cohorts(began: Mapping[str, dt.date], activity: Iterable[tuple[str, dt.date]], *, until: dt.date) -> list[Cohort]:
    """Cohorts by month of beginning, oldest first, up to the month of `until`.

    `activity` are (who, day); days before somebody's month of beginning, after `until`, and of strangers are left out.
    """
    last = _index(until)
    starts = {who: _index(day) for who, day in began.items() if _index(day) <= last}
    seen: dict[int, dict[int, set[str]]] = {}
    for who, day in activity:
        start, month = starts.get(who), _index(day)
        if start is not None and start <= month <= last:
            seen.setdefault(start, {}).setdefault(month - start, set()).add(who)
    sizes: dict[int, int] = {}
    for start in starts.values():
        sizes[start] = sizes.get(start, 0) + 1
    return [
        Cohort(
            dt.date(start // 12, start % 12 + 1, 1),
            size,
            tuple(len(seen.get(start, {}).get(months, ())) for months in range(last - start + 1)),
        )
        for start, size in sorted(sizes.items())
    ]


def _index(day: dt.date) -> int:
    return day.year * 12 + day.month - 1
