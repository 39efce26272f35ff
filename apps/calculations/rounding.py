"""Rounding by named rules, exactly: to whole numbers, decimals, multiples, minor units, coins.

The rules are those of `apps.core.money`; here they get the other names that sources use, and the common targets.
"""

from __future__ import annotations

import re
from decimal import Decimal, localcontext
from fractions import Fraction

from apps.calculations.errors import AmountOutOfRange, UnknownConvention
from apps.core.currencies import currency_get
from apps.core.money import ROUNDING_MODES, ratio_round

Number = int | Decimal | Fraction

CASH_UNITS: dict[str, int] = {
    "AUD": 5, "CAD": 5, "CHF": 5, "CZK": 100, "DKK": 50, "HUF": 500, "MYR": 5, "NOK": 100, "NZD": 10, "SEK": 100,
    "SGD": 5,
}  # fmt: skip
"""The smallest coin in minor units where it is not one minor unit (Swedish rounding)."""

_ALIASES = {
    "towards_zero": "down", "toward_zero": "down", "truncate": "down", "away_from_zero": "up",
    "towards_positive": "ceiling", "ceil": "ceiling", "half_towards_zero": "half_down", "half_toward_zero": "half_down",
    "half_away_from_zero": "half_up", "half_positive_infinity": "half_ceiling",
    "half_negative_infinity": "half_floor", "bankers": "half_even", "banker": "half_even", "commercial": "half_up",
    "half_ceil": "half_ceiling", "unnecessary": "exact",
    "ties_to_even": "half_even", "ties_to_away": "half_up", "toward_positive": "ceiling", "toward_negative": "floor",
    "towards_negative": "floor", "trunc": "down", "expand": "up", "half_trunc": "half_down", "half_expand": "half_up",
}  # fmt: skip


def mode_name(name: str, *, pointer: str = "/rounding") -> str:
    """The rule's name in ROUNDING_MODES (or "exact") for a name as sources write it: HALF_UP, halfUp, ROUND_HALF_UP.

    Raises UnknownConvention.
    """
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name) if isinstance(name, str) and len(name) <= 64 else ""
    key = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_").removeprefix("round_").removeprefix("rounding_")
    key = _ALIASES.get(key, key)
    if key not in ROUNDING_MODES and key != "exact":
        raise UnknownConvention(f"Rounding modes are {', '.join(sorted(ROUNDING_MODES))}.", pointer=pointer)
    return key


def whole_round(value: Number, mode: str) -> int:
    """The whole number that a number rounds to. "exact" refuses to round.

    Raises UnknownConvention, AmountOutOfRange.
    """
    numerator, denominator = value.as_integer_ratio()
    name = mode_name(mode)
    if name == "exact":
        if denominator != 1:
            raise AmountOutOfRange("The number has a fraction and must not be rounded.", pointer="/value")
        return numerator
    return ratio_round(numerator, denominator, name)


def multiple_round(value: Number, unit: Number, mode: str) -> Fraction:
    """The multiple of `unit` that a number rounds to: 0.05, 10, 1/3. Raises AmountOutOfRange for a unit not above 0."""
    if unit <= 0:
        raise AmountOutOfRange("The unit is above zero.", pointer="/unit")
    step = Fraction(unit)
    return whole_round(Fraction(value) / step, mode) * step


def decimals_round(value: Number, decimals: int, mode: str) -> Decimal:
    """A number with this many decimals (negative: tens, hundreds), written with all of them.

    Raises AmountOutOfRange.
    """
    if not -18 <= decimals <= 30:
        raise AmountOutOfRange("From -18 to 30 decimals.", pointer="/decimals")
    scaled = whole_round(Fraction(value) * Fraction(10) ** decimals, mode)
    return Decimal(scaled).scaleb(-decimals) if decimals >= 0 else Decimal(scaled * 10**-decimals)


def minor_units(value: Number, currency: str, mode: str = "half_even") -> int:
    """Minor units of an amount in units of an ISO 4217 currency, rounded once. Raises InvalidCurrency."""
    return whole_round(Fraction(value) * 10 ** currency_get(currency).exponent, mode)


def cash_round(minor: int, currency: str, mode: str = "half_up") -> int:
    """Minor units that can be paid in coins: a multiple of the currency's smallest coin (CASH_UNITS).

    Raises InvalidCurrency.
    """
    unit = CASH_UNITS.get(currency_get(currency).code, 1)
    return int(multiple_round(minor, unit, mode))


def decimal_text(value: Number, *, places: int = 10, shift: int = 0) -> str:
    """A number times 10^shift for people: no exponent, at most this many decimals, no zeros at the end."""
    with localcontext() as context:
        context.prec = 80
        numerator, denominator = value.as_integer_ratio()
        text = f"{round((Decimal(numerator) / denominator).scaleb(shift), places):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
