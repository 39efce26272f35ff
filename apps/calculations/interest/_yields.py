"""Yields and compound interest by formula, for advertisements, disclosures and checks.

Sources: 12 CFR 1030 (Regulation DD), Appendix A; the compound interest formula A = P (1 + r/n)^(n t).
"""

from __future__ import annotations

from decimal import Decimal, localcontext

from apps.calculations.errors import AmountOutOfRange, RateNotValid
from apps.calculations.roots import PRECISION

Number = Decimal | int


def annual_percentage_yield(interest: Number, principal: Number, days: Number, *, year_days: int = 365) -> Decimal:
    """APY = (1 + interest / principal)^(365 / days) - 1, as a fraction, not rounded.

    The same formula gives the yield earned in a period, with the average daily balance as principal. `year_days` may
    be 366 in a leap year. Raises AmountOutOfRange.
    """
    if principal <= 0:
        raise AmountOutOfRange("The principal is above zero.", pointer="/principal")
    if days <= 0:
        raise AmountOutOfRange("The days are above zero.", pointer="/days")
    if interest <= -principal:
        raise AmountOutOfRange("The interest takes the whole principal.", pointer="/interest")
    with localcontext() as context:
        context.prec = PRECISION
        return (1 + Decimal(interest) / principal) ** (Decimal(year_days) / days) - 1


def annual_percentage_yield_earned(
    interest: Number, balance: Number, days: Number, *, compounding_days: Number = 0, year_days: int = 365
) -> Decimal:
    """The yield earned in a statement period, as a fraction, not rounded (12 CFR 1030, Appendix A part II).

    `balance` is the average daily balance of the period of `days`. (1 + interest / balance)^(365 / days) - 1; with
    `compounding_days`, for statements that come more often than interest compounds:
    (1 + interest / balance / days x compounding_days)^(365 / compounding_days) - 1. Raises AmountOutOfRange.
    """
    if not compounding_days:
        return annual_percentage_yield(interest, balance, days, year_days=year_days)
    if days <= 0 or compounding_days < 0:
        raise AmountOutOfRange("The days are above zero.", pointer="/days")
    with localcontext() as context:
        context.prec = PRECISION
        grown = Decimal(interest) / days * compounding_days
        return annual_percentage_yield(grown, balance, compounding_days, year_days=year_days)


def simple_interest(principal: Number, rate: Decimal, years: Decimal) -> Decimal:
    """principal x rate x years, in the units of the principal, not rounded."""
    with localcontext() as context:
        context.prec = PRECISION
        return principal * rate * years


def compound_interest(principal: Number, rate: Decimal, per_year: Number, periods: Number) -> Decimal:
    """principal x ((1 + rate / per_year)^periods - 1), in the units of the principal, not rounded.

    Raises RateNotValid.
    """
    with localcontext() as context:
        context.prec = PRECISION
        return principal * (_growth(rate, per_year) ** Decimal(periods) - 1)


def recurring_deposit_value(instalment: Number, rate: Decimal, months: int, *, per_year: Number = 4) -> Decimal:
    """What equal monthly instalments, each at the beginning of its month, are worth after `months`, not rounded.

    instalment x ((1 + i)^n - 1) / (1 - (1 + i)^(-per_year / 12)), i = rate / per_year, n = months x per_year / 12:
    months within a compounding period count as fractions of one. Banks in India compound recurring deposits by the
    quarter; the Post Office publishes the value of 10 rupees a month. Raises AmountOutOfRange, RateNotValid.
    """
    if months < 1 or instalment < 0:
        raise AmountOutOfRange("At least one instalment, not below zero.", pointer="/months")
    with localcontext() as context:
        context.prec = PRECISION
        growth = _growth(rate, per_year)
        month = Decimal(per_year) / 12
        if growth == 1:
            return Decimal(instalment) * months
        return instalment * (growth ** (months * month) - 1) / (1 - growth**-month)


def effective_rate(nominal: Decimal, per_year: int) -> Decimal:
    """The yearly rate with compounding: (1 + nominal / per_year)^per_year - 1. Raises RateNotValid."""
    with localcontext() as context:
        context.prec = PRECISION
        return _growth(nominal, per_year) ** per_year - 1


def nominal_rate(effective: Decimal, per_year: int) -> Decimal:
    """The nominal rate that compounds to `effective`: per_year x ((1 + effective)^(1/per_year) - 1).

    Raises RateNotValid.
    """
    if per_year < 1 or effective <= -1:
        raise RateNotValid("At least one period a year, and a rate above -100 %.", pointer="/rate")
    with localcontext() as context:
        context.prec = PRECISION
        return per_year * ((1 + effective) ** (Decimal(1) / per_year) - 1)


def _growth(rate: Decimal, per_year: Number) -> Decimal:
    if per_year <= 0:
        raise RateNotValid("The number of periods a year is above zero.", pointer="/per_year")
    growth = 1 + rate / per_year
    if growth <= 0:
        raise RateNotValid("The rate takes the whole principal in a period.", pointer="/rate")
    return growth
