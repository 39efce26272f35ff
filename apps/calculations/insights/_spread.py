"""How amounts are spread: mean, median, quartiles, deviation, concentration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

from apps.calculations.errors import TooFewValues

VALUES_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Distribution:
    """How values are spread. `deviation` is that of the whole (not of a sample), rounded down to a whole unit."""

    count: int
    total: int
    mean: Fraction
    least: int
    quartiles: tuple[Fraction, Fraction, Fraction]
    most: int
    deviation: int
    concentration: Fraction


def distribution(values: Sequence[int]) -> Distribution:
    """The spread of whole numbers, minor units say. Raises `TooFewValues` for none, and for more than a million."""
    if not 0 < len(values) <= VALUES_MAX:
        raise TooFewValues(f"1 to {VALUES_MAX} values are needed.")
    ordered = sorted(values)
    count, total = len(ordered), sum(ordered)
    squares = sum(value * value for value in ordered)
    variance = Fraction(squares, count) - Fraction(total, count) ** 2
    return Distribution(
        count=count,
        total=total,
        mean=Fraction(total, count),
        least=ordered[0],
        quartiles=tuple(quantile(ordered, Fraction(place, 4)) for place in (1, 2, 3)),  # type: ignore[arg-type]
        most=ordered[-1],
        deviation=isqrt(int(variance)),
        concentration=gini(ordered),
    )


def quantile(ordered: Sequence[int], share: Fraction) -> Fraction:
    """The value below which `share` of ascending values lie, between two neighbours by straight line.

    Hyndman and Fan's definition 7, the one of spreadsheets (PERCENTILE.INC). Raises `TooFewValues`.
    """
    if not ordered or not 0 <= share <= 1:
        raise TooFewValues("A share from 0 to 1 of at least one value.")
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def gini(values: Sequence[int]) -> Fraction:
    """Concentration by Gini's coefficient: 0 where all have the same, near 1 where one has all. Values below 0 are 0.

    G = 2 * sum(i * x_i) / (n * sum(x_i)) - (n + 1) / n over ascending x, i from 1. Nothing at all is 0.
    """
    ordered = sorted(max(value, 0) for value in values)
    total, count = sum(ordered), len(ordered)
    if not total:
        return Fraction(0)
    weighted = sum(place * value for place, value in enumerate(ordered, 1))
    return Fraction(2 * weighted, count * total) - Fraction(count + 1, count)
