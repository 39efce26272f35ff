"""Dividing money so that no minor unit is lost. All amounts are whole minor units; shares add up to the amount."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from apps.calculations.errors import AmountOutOfRange, UnknownConvention
from apps.core.money import minor_allocate

Weight = int | Decimal | Fraction

METHODS = ("largest_remainder", "largest_remainder_floor", "first_come", "last_takes_rest", "first_takes_rest")
"""largest_remainder: rounded towards zero, what is left goes to the largest fractions, the earlier ones first
(Hamilton); a negative amount is divided as its opposite. largest_remainder_floor: the same, rounded down, so that what
is left is always above zero (moneyphp 4). first_come: what is left goes to the first shares with a weight (Fowler;
Dinero). last_takes_rest, first_takes_rest: one share takes all that is left, as the last instalment of a loan does."""

PARTS_MAX = 10_000


def amount_allocate(minor: int, weights: Sequence[Weight], method: str = "largest_remainder") -> list[int]:
    """Shares of `minor` in the ratio of the weights, in their order.

    Weights are zero or more and not all zero; a weight of zero gets nothing. Raises AmountOutOfRange,
    UnknownConvention.
    """
    if method not in METHODS:
        raise UnknownConvention(f"Methods are {', '.join(METHODS)}.", pointer="/method")
    if not 1 <= len(weights) <= PARTS_MAX:
        raise AmountOutOfRange(f"From 1 to {PARTS_MAX} shares.", pointer="/weights")
    ratios = [Fraction(weight) for weight in weights]
    total = sum(ratios)
    if total <= 0 or min(ratios) < 0:
        raise AmountOutOfRange("Weights are zero or more and not all zero.", pointer="/weights")
    if method == "largest_remainder":
        return minor_allocate(minor, ratios)
    exact = [minor * ratio / total for ratio in ratios]
    if method == "largest_remainder_floor":
        shares = [value.numerator // value.denominator for value in exact]
        by_fraction = sorted(range(len(shares)), key=lambda index: (shares[index] - exact[index], index))
        return _hand_out(shares, minor - sum(shares), by_fraction)
    shares = [int(value) for value in exact]  # towards zero
    left = minor - sum(shares)
    with_weight = [index for index, ratio in enumerate(ratios) if ratio]
    if method == "first_come":
        return _hand_out(shares, left, with_weight)
    shares[with_weight[-1 if method == "last_takes_rest" else 0]] += left
    return shares


def amount_split(minor: int, parts: int, method: str = "largest_remainder") -> list[int]:
    """Equal shares; the earlier ones get the minor units that are left. Raises AmountOutOfRange."""
    if not 1 <= parts <= PARTS_MAX:
        raise AmountOutOfRange(f"From 1 to {PARTS_MAX} shares.", pointer="/parts")
    return amount_allocate(minor, [1] * parts, method)


def _hand_out(shares: list[int], left: int, order: Sequence[int]) -> list[int]:
    step = 1 if left > 0 else -1
    for index in order[: abs(left)]:
        shares[index] += step
    return shares
