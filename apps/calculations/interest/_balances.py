"""Balances of an account by day, from its movements."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, localcontext

from apps.calculations.errors import PeriodNotValid
from apps.calculations.roots import PRECISION

DAYS_MAX = 40_000
MOVEMENTS_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Movement:
    """A change of the balance with its value date; `minor` is signed. Order within a day is the order given."""

    date: dt.date
    minor: int


@dataclass(frozen=True)
class Account:
    """What happened on an account from `start` up to and without `end`.

    `opening_minor` is the balance at the start of the first day; None for an account that opens with its first
    movement. Movements are in order of their value dates.
    """

    start: dt.date
    end: dt.date
    opening_minor: int | None = None
    movements: tuple[Movement, ...] = field(default=())

    def check(self) -> None:
        """Raises PeriodNotValid: an end before the start, too long, movements out of order or before the start."""
        if self.end < self.start:
            raise PeriodNotValid("The end is before the start.", pointer="/end")
        if (self.end - self.start).days > DAYS_MAX:
            raise PeriodNotValid(f"At most {DAYS_MAX} days.", pointer="/end")
        if len(self.movements) > MOVEMENTS_MAX:
            raise PeriodNotValid(f"At most {MOVEMENTS_MAX} movements.", pointer="/movements")
        for index, movement in enumerate(self.movements):
            if movement.date < self.start:
                raise PeriodNotValid("A movement is before the start.", pointer=f"/movements/{index}/date")
            if index and movement.date < self.movements[index - 1].date:
                raise PeriodNotValid("Movements are in order of their dates.", pointer=f"/movements/{index}/date")


class Balances:
    """The balance at the end of each day, and the lowest within it."""

    def __init__(self, account: Account) -> None:
        self._days: list[dt.date] = []
        self._closing: list[int] = []
        self._lowest: list[int] = []
        balance = account.opening_minor
        if balance is not None:
            self._put(account.start, balance, balance)
        for movement in account.movements:
            before = balance
            balance = (balance or 0) + movement.minor
            self._put(movement.date, balance, balance if before is None else min(before, balance))

    def _put(self, day: dt.date, closing: int, lowest: int) -> None:
        if self._days and self._days[-1] == day:
            self._closing[-1], self._lowest[-1] = closing, min(self._lowest[-1], closing)
        else:
            self._days.append(day)
            self._closing.append(closing)
            self._lowest.append(lowest)

    @property
    def changes(self) -> list[dt.date]:
        """The days on which the balance changes."""
        return list(self._days)

    def closing(self, day: dt.date) -> int:
        """The balance at the end of a day; zero before the account opened."""
        index = bisect_right(self._days, day)
        return self._closing[index - 1] if index else 0

    def runs(self, start: dt.date, end: dt.date) -> Iterator[tuple[dt.date, dt.date, int]]:
        """(from, up to and without, balance at the end of each of these days), without days before it opened."""
        marks = [day for day in self._days if start < day < end]
        for begin, stop in zip([start, *marks], [*marks, end], strict=True):
            if begin < stop and self._days and begin >= self._days[0]:
                yield begin, stop, self.closing(begin)

    def minimum(self, start: dt.date, end: dt.date, *, within_day: bool) -> int:
        """The lowest balance of the days from `start` up to and without `end`; with `within_day` at any moment."""
        values = [balance for _, _, balance in self.runs(start, end)]
        if within_day:
            values += [low for day, low in zip(self._days, self._lowest, strict=True) if start <= day < end]
        return min(values, default=0)

    def average(self, start: dt.date, end: dt.date) -> Decimal:
        """The sum of the balances of each day over the number of days; balances below zero count as zero."""
        total = sum(max(balance, 0) * (stop - begin).days for begin, stop, balance in self.runs(start, end))
        days = (end - start).days
        return Decimal(total) / days if days else Decimal(0)


def average_daily_balance(account: Account) -> Decimal:
    """Minor units: the sum of the end-of-day balances over the days of the period (12 CFR 1030.7, Appendix A part II).

    Balances below zero count as zero. Raises PeriodNotValid.
    """
    account.check()
    with localcontext() as context:
        context.prec = PRECISION
        return Balances(account).average(account.start, account.end)
