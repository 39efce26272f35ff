"""Money: whole minor units of one currency. Decimal strings at the edge, integers inside, no float anywhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from apps.core.currencies import currency_get, minor_format
from apps.core.errors import CurrencyMismatch, InvalidAmount

MAX_MINOR = 10**13
"""The largest amount of one movement, in minor units, either way."""

_AMOUNT = re.compile(r"(-?)([0-9]{1,13})(?:\.([0-9]+))?")


def _half(away: Callable[[int, bool], bool]) -> Callable[[int, int, int], int]:
    """A rule that goes to the nearest whole; `away(floor, negative)` says whether a tie goes up from the floor."""

    def rule(floor: int, remainder: int, denominator: int) -> int:
        twice = 2 * remainder
        if twice == denominator:
            return floor + away(floor, floor < 0)
        return floor + (twice > denominator)

    return rule


_RULES: dict[str, Callable[[int, int, int], int]] = {
    "half_up": _half(lambda _floor, negative: not negative),
    "half_down": _half(lambda _floor, negative: negative),
    "half_even": _half(lambda floor, _negative: floor % 2 == 1),
    "half_odd": _half(lambda floor, _negative: floor % 2 == 0),
    "half_ceiling": _half(lambda _floor, _negative: True),
    "half_floor": _half(lambda _floor, _negative: False),
    "up": lambda floor, remainder, _: floor + (remainder > 0 and floor >= 0),
    "down": lambda floor, remainder, _: floor + (remainder > 0 and floor < 0),
    "ceiling": lambda floor, remainder, _: floor + (remainder > 0),
    "floor": lambda floor, _remainder, _denominator: floor,
}

ROUNDING_MODES = frozenset(_RULES)
"""half_up: ties away from zero; half_down: ties towards zero; half_even, half_odd: ties to the even, odd neighbour;
half_ceiling, half_floor: ties towards plus or minus infinity; up, down: away from, towards zero;
ceiling, floor: towards plus, minus infinity."""


def ratio_round(numerator: int, denominator: int, mode: str) -> int:
    """The whole number that `numerator / denominator` rounds to, exactly. `mode` is one of ROUNDING_MODES."""
    if denominator == 0:
        raise ZeroDivisionError("rounding a ratio with denominator zero")
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    floor, remainder = divmod(numerator, denominator)
    try:
        rule = _RULES[mode]
    except KeyError:
        raise ValueError(f"unknown rounding mode {mode!r}") from None
    return rule(floor, remainder, denominator)


def minor_round(value: Decimal | Fraction | int, unit: int, mode: str) -> int:
    """Minor units, possibly with a fraction, rounded to a multiple of `unit` minor units (5 for 0.05)."""
    if unit < 1:
        raise ValueError("the unit is at least one minor unit")
    numerator, denominator = _exact(value)
    return ratio_round(numerator, denominator * unit, mode) * unit


def money_round(value: Decimal | Fraction | int, currency: str, mode: str = "half_even") -> Money:
    """An amount in whole units of the currency (12.345 KES) as Money, rounded once to the minor unit."""
    scale = 10 ** currency_get(currency).exponent
    numerator, denominator = _exact(value)
    return Money(ratio_round(numerator * scale, denominator, mode), currency)


def amount_parse(
    text: object, exponent: int, *, positive: bool = False, signed: bool = False, pointer: str | None = None
) -> int:
    """Minor units of a decimal string with at most `exponent` decimals and 13 digits before the point.

    ASCII digits only; no sign unless `signed`, no exponent, no spaces, no grouping. `positive` refuses zero.
    Raises InvalidAmount.
    """
    if not isinstance(text, str):
        raise InvalidAmount('The amount must be a decimal string such as "12.50".', pointer=pointer)
    found = _AMOUNT.fullmatch(text)
    if found is None or (found[1] and not signed):
        raise InvalidAmount(
            'Not a decimal string such as "12.50" with up to 13 digits before the point.', pointer=pointer
        )
    part = found[3] or ""
    if len(part) > exponent:
        decimals = "no decimals" if exponent == 0 else f"at most {exponent} decimals"
        raise InvalidAmount(f"This currency takes {decimals}.", pointer=pointer)
    minor = int(found[2] + part.ljust(exponent, "0"))
    if minor > MAX_MINOR:
        raise InvalidAmount("The amount is above the largest that one movement may have.", pointer=pointer)
    if positive and (minor == 0 or found[1]):
        raise InvalidAmount("The amount must be above zero.", pointer=pointer)
    return -minor if found[1] else minor


@dataclass(frozen=True, slots=True)
class Money:
    """Whole minor units of one currency: Money(1250, "KES") is KES 12.50."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"minor units are int, not {type(self.minor).__name__}")
        currency_get(self.currency)

    @classmethod
    def parse(
        cls, text: object, currency: str, *, positive: bool = False, signed: bool = False, pointer: str | None = None
    ) -> Money:
        """Money of a decimal string as `amount_parse` reads it. Raises InvalidAmount or InvalidCurrency."""
        exponent = currency_get(currency).exponent
        return cls(amount_parse(text, exponent, positive=positive, signed=signed, pointer=pointer), currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Nothing, in this currency."""
        return cls(0, currency)

    @property
    def amount(self) -> str:
        """The decimal string of the API, always with all decimals of the currency: "12.50"."""
        return minor_format(self.minor, self.currency)

    @property
    def decimal(self) -> Decimal:
        """The amount as Decimal in units of the currency, for calculations that are rounded once at their end."""
        return Decimal(self.minor).scaleb(-currency_get(self.currency).exponent)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def __bool__(self) -> bool:
        return self.minor != 0

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __abs__(self) -> Money:
        return Money(abs(self.minor), self.currency)

    def __add__(self, other: object) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: object) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        return Money(self.minor - self._same(other).minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other).minor

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other).minor

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same(other).minor

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same(other).minor

    def round_to(self, unit: int, mode: str) -> Money:
        """Rounded to a multiple of `unit` minor units, as cash is."""
        return Money(minor_round(self.minor, unit, mode), self.currency)

    def allocate(self, ratios: Sequence[int | Decimal | Fraction]) -> list[Money]:
        """Parts in the given ratios that add up to the whole; see `minor_allocate`."""
        return [Money(minor, self.currency) for minor in minor_allocate(self.minor, ratios)]

    def split(self, parts: int) -> list[Money]:
        """Equal parts that add up to the whole; the first ones get the minor units that are left."""
        return self.allocate([1] * parts)

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} cannot be put together.")
        return other


def minor_allocate(minor: int, ratios: Sequence[int | Decimal | Fraction]) -> list[int]:
    """Minor units divided by the largest remainder, adding up exactly; ties go to the earlier part.

    Ratios are zero or more and not all zero; a part with ratio zero gets nothing. A negative amount is divided as
    its opposite. Raises ValueError for ratios that cannot divide anything.
    """
    weights = [Fraction(*_exact(ratio)) for ratio in ratios]
    total = sum(weights)
    if total <= 0 or any(weight < 0 for weight in weights):
        raise ValueError("ratios are zero or more and not all zero")
    sign = -1 if minor < 0 else 1
    exact = [abs(minor) * weight / total for weight in weights]
    parts = [value.numerator // value.denominator for value in exact]
    left = abs(minor) - sum(parts)
    order = sorted(range(len(parts)), key=lambda index: (parts[index] - exact[index], index))
    for index in order[:left]:
        parts[index] += 1
    return [sign * part for part in parts]


def _exact(value: Decimal | Fraction | int) -> tuple[int, int]:
    if isinstance(value, bool | float) or not isinstance(value, int | Decimal | Fraction):
        raise TypeError(f"money is counted in int, Decimal or Fraction, not {type(value).__name__}")
    return value.as_integer_ratio()
