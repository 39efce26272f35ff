"""Functions of a series of flows: NPV, XNPV, IRR, XIRR, MIRR.

Flows out are negative, flows in positive. Dates count as actual days over 365 (XNPV, XIRR), as in spreadsheets.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from apps.calculations.errors import NoSolution, PeriodNotValid
from apps.calculations.excel._annuity import checked, precise
from apps.calculations.roots import rate_find

FLOWS_MAX = 10_000
YEAR = 365


def _flows(values: Sequence[Decimal]) -> None:
    if not 0 < len(values) <= FLOWS_MAX:
        raise PeriodNotValid(f"Between 1 and {FLOWS_MAX:,} flows.", pointer="/values")


def _both_signs(values: Sequence[Decimal]) -> None:
    _flows(values)
    if not any(value > 0 for value in values) or not any(value < 0 for value in values):
        raise NoSolution("There are flows of one sign only.", pointer="/values")


def _discounted(rate: Decimal, values: Sequence[Decimal]) -> Decimal:
    """Worth at the first flow; by Horner's rule, one division a flow."""
    factor, total = 1 / (1 + rate), Decimal(0)
    for value in reversed(values):
        total = total * factor + value
    return total


@precise
def npv(rate: Decimal, values: Sequence[Decimal], first_at: int = 1) -> Decimal:
    """NPV: worth of the flows one period before the first of them, as spreadsheets count; `first_at` 0: at the first
    flow itself, as textbooks and numpy do. Raises PeriodNotValid for another one."""
    checked(rate)
    _flows(values)
    if first_at not in (0, 1):
        raise PeriodNotValid("The first flow is now (0) or one period out (1).", pointer="/first_at")
    return _discounted(rate, values) / (1 + rate) ** first_at


@precise
def irr(values: Sequence[Decimal], guess: Decimal = Decimal("0.1")) -> Decimal:
    """IRR: the rate at which the flows are worth nothing; of several that nearest to `guess`. Raises NoSolution."""
    checked(guess)
    _both_signs(values)
    return rate_find(lambda rate: _discounted(rate, values), guess=guess)


@precise
def mirr(values: Sequence[Decimal], finance_rate: Decimal, reinvest_rate: Decimal) -> Decimal:
    """MIRR: flows out financed at one rate, flows in reinvested at another."""
    checked(finance_rate)
    checked(reinvest_rate)
    _both_signs(values)
    periods = len(values) - 1
    gained = sum(
        (value * (1 + reinvest_rate) ** (periods - n) for n, value in enumerate(values) if value > 0), Decimal(0)
    )
    spent = sum((value / (1 + finance_rate) ** n for n, value in enumerate(values) if value < 0), Decimal(0))
    return (gained / -spent) ** (Decimal(1) / periods) - 1


def _days(values: Sequence[Decimal], dates: Sequence[dt.date]) -> list[int]:
    _flows(values)
    if len(values) != len(dates):
        raise PeriodNotValid("There are as many dates as flows.", pointer="/dates")
    days = [(date - dates[0]).days for date in dates]
    if min(days) < 0:
        raise PeriodNotValid("No flow is before the first.", pointer="/dates")
    return days


@precise
def xnpv(rate: Decimal, values: Sequence[Decimal], dates: Sequence[dt.date]) -> Decimal:
    """XNPV: worth of dated flows on the first date."""
    checked(rate)
    growth = 1 + rate
    days = _days(values, dates)
    return sum((value / growth ** (Decimal(day) / YEAR) for value, day in zip(values, days, strict=True)), Decimal(0))


@precise
def xirr(values: Sequence[Decimal], dates: Sequence[dt.date], guess: Decimal = Decimal("0.1")) -> Decimal:
    """XIRR: the effective annual rate of dated flows; of several that nearest to `guess`. Raises NoSolution."""
    checked(guess)
    days = _days(values, dates)
    _both_signs(values)

    def worth(rate: Decimal) -> Decimal:
        day = (-(1 + rate).ln() / YEAR).exp()
        return sum((value * day**n for value, n in zip(values, days, strict=True)), Decimal(0))

    return rate_find(worth, guess=guess)
