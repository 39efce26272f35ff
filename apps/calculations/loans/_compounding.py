"""Rates that compound otherwise than loans are paid: what they are by the period."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

from apps.calculations.errors import RateNotValid, UnknownConvention
from apps.calculations.loans._terms import RATE_MAX

COMPOUNDINGS: dict[str, int | None] = {
    "per_period": None, "yearly": 1, "half_yearly": 2, "quarterly": 4, "monthly": 12,
}  # fmt: skip
"""How often a nominal rate compounds in a year. per_period: as often as interest is worked out, the usual reading.
yearly: an effective rate. half_yearly: mortgages in Canada (Interest Act, section 6)."""
_DIGITS = 40
_PLACES = Decimal("1e-20")


def rate_by_period(rate: Decimal, compounding: str, years: Fraction) -> Decimal:
    """The nominal rate whose share for a period of `years` grows as `rate` does: ((1 + r/m)^(m y) - 1) / y.

    To 20 decimals. Raises UnknownConvention, RateNotValid.
    """
    if compounding not in COMPOUNDINGS:
        raise UnknownConvention(f"Rates compound {', '.join(COMPOUNDINGS)}.", pointer="/rate_compounding")
    times = COMPOUNDINGS[compounding]
    if times is None:
        return rate
    if rate < 0:
        raise RateNotValid("A rate is not below zero.", pointer="/rate")
    with localcontext() as context:
        context.prec = _DIGITS
        length = Decimal(years.numerator) / years.denominator
        found = ((1 + rate / times) ** (times * length) - 1) / length
        if found > RATE_MAX:
            raise RateNotValid("The rate of a period is above 10,000 % a year.", pointer="/rate")
        return found.quantize(_PLACES)
