"""The books of all currencies in the bank's own: what is held at the rate of the day, what moved at its day's rate.

Assets and liabilities at the closing rate, income, expenses and equity at the rate of the day on which they were posted
(IAS 21.39, with the rate of the transaction rather than an average, 21.22); what is left over is the difference from
translation, a line of equity (21.39c, 21.41). Each node is rounded half to even, once.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from apps.core.currencies import currency_get
from apps.core.money import minor_round
from apps.ledger.totals import BalancesAt, DayNet
from apps.reporting.errors import TranslationRateMissing

TRANSLATION = "~translation"
AT_CLOSING_RATE = ("asset", "liability")


@dataclass(frozen=True, slots=True)
class Rates:
    """Units of the base currency for one unit of another, by currency: the days they begin on, ascending."""

    known: Mapping[str, Sequence[tuple[dt.date, Fraction]]]

    def of(self, currency: str, day: dt.date) -> Fraction:
        """The last rate on or before a day. Raises `TranslationRateMissing`."""
        rows = self.known.get(currency, ())
        place = bisect_right(rows, day, key=lambda row: row[0])
        if place == 0:
            raise TranslationRateMissing(f"No rate of {currency} is known on {day.isoformat()}.")
        return rows[place - 1][1]


def translated(
    base: BalancesAt,
    foreign: Sequence[DayNet],
    *,
    days: Sequence[dt.date],
    types: Mapping[str, str],
    rates: Rates,
    currency: str,
) -> BalancesAt:
    """`base` with the other currencies in it, at each of `days`. Raises `TranslationRateMissing`."""
    own_exponent = currency_get(currency).exponent
    own, closings = [], []
    for place, day in enumerate(days):
        held: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        sums: dict[str, Fraction] = defaultdict(Fraction)
        closed: dict[str, Fraction] = defaultdict(Fraction)
        for row in foreign:
            if row.day > day:
                continue
            if types[row.code] in AT_CLOSING_RATE:
                held[row.currency][row.code] += row.net
                continue
            rate = rates.of(row.currency, row.day) * _scale(row.currency, own_exponent)
            sums[row.code] += row.net * rate
            closed[row.code] += row.closing * rate
        for other, nets in held.items():
            if any(nets.values()):
                rate = rates.of(other, day) * _scale(other, own_exponent)
                for code, net in nets.items():
                    sums[code] += net * rate
        moved = {code: minor_round(amount, 1, "half_even") for code, amount in sums.items()}
        own.append(_added(base.days[place], {**moved, TRANSLATION: -sum(moved.values())}))
        shut = {code: minor_round(amount, 1, "half_even") for code, amount in closed.items()}
        closings.append(_added(base.closings[place], {**shut, TRANSLATION: -sum(shut.values())}))
    return BalancesAt(tuple(own), tuple(closings), base.as_of_entry)


def _scale(currency: str, own_exponent: int) -> Fraction:
    """From minor units of one currency to those of the base, at a rate of one."""
    return Fraction(10) ** (own_exponent - currency_get(currency).exponent)


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {code: net for code in one.keys() | other.keys() if (net := one.get(code, 0) + other.get(code, 0))}
