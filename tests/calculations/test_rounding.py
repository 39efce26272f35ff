"""Rounding and allocation: sources' figures, and no minor unit lost."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.calculations.allocation import METHODS, amount_allocate, amount_split
from apps.calculations.errors import AmountOutOfRange, UnknownConvention
from apps.calculations.rounding import (
    cash_round,
    decimal_text,
    decimals_round,
    minor_units,
    mode_name,
    multiple_round,
    whole_round,
)
from apps.core.money import ROUNDING_MODES

MINOR = st.integers(-(10**13), 10**13)
WEIGHTS = st.lists(st.integers(0, 1000), min_size=1, max_size=20).filter(any)


@pytest.mark.parametrize(
    ("minor", "weights", "expected"),
    [(100, [1, 1, 1], [34, 33, 33]), (5, [3, 7], [2, 3]), (5, [7, 3, 0], [4, 1, 0]), (5, [0, 3, 7], [0, 2, 3]),
     (2, [1, 1, 1], [1, 1, 0]), (1, [Decimal("0.33"), Decimal("0.66")], [0, 1]), (101, [3, 7], [30, 71]),
     (0, [0, 0, 1], [0, 0, 0]), (1003, [0, 50, 50], [0, 502, 501])],
)  # fmt: skip
def test_the_largest_remainder(minor: int, weights: list[int], expected: list[int]) -> None:
    assert amount_allocate(minor, weights) == expected
    assert amount_allocate(minor, weights, "largest_remainder_floor") == expected


def test_the_methods_differ_where_they_should() -> None:
    assert amount_allocate(-5, [7, 3]) == [-4, -1]
    assert amount_allocate(-5, [7, 3], "largest_remainder_floor") == [-3, -2]
    thirds = [Decimal("0.33"), Decimal("0.66")]
    assert amount_allocate(1, thirds, "first_come") == [1, 0]
    assert amount_allocate(-1003, [50, 50], "first_come") == [-502, -501]
    assert amount_allocate(100, [1, 1, 1], "last_takes_rest") == [33, 33, 34]
    assert amount_allocate(100, [1, 1, 1, 0], "last_takes_rest") == [33, 33, 34, 0]
    assert amount_allocate(100, [0, 1, 1, 1], "first_takes_rest") == [0, 34, 33, 33]
    assert amount_split(15, 2) == [8, 7]


@pytest.mark.parametrize("weights", [[], [0], [1, -1], [-1]])
def test_weights_that_divide_nothing(weights: list[int]) -> None:
    with pytest.raises(AmountOutOfRange):
        amount_allocate(1, weights)
    with pytest.raises(UnknownConvention):
        amount_allocate(1, [1], "by dice")
    with pytest.raises(AmountOutOfRange):
        amount_split(1, 0)


@given(minor=MINOR, weights=WEIGHTS, method=st.sampled_from(METHODS))
def test_no_minor_unit_is_lost(minor: int, weights: list[int], method: str) -> None:
    shares = amount_allocate(minor, weights, method)
    assert sum(shares) == minor
    assert len(shares) == len(weights)
    assert all(share == 0 for share, weight in zip(shares, weights, strict=True) if weight == 0)
    for share, weight in zip(shares, weights, strict=True):
        away = abs(share - Fraction(minor * weight, sum(weights)))
        assert method.endswith("takes_rest") or away < 1 or (method == "first_come" and away == 1)


@pytest.mark.parametrize(
    ("label", "name"),
    [("HALF_UP", "half_up"), ("halfEven", "half_even"), ("ROUND_HALF_DOWN", "half_down"), ("ROUND_UP", "up"),
     ("half_away_from_zero", "half_up"), ("halfTowardsZero", "half_down"), ("half-positive-infinity", "half_ceiling"),
     ("bankers", "half_even"), ("ROUND_CEILING", "ceiling"), ("half_odd", "half_odd"), ("truncate", "down"),
     # IEEE 754-2019, 4.3, and ECMA-402's names
     ("roundTiesToEven", "half_even"), ("roundTiesToAway", "half_up"), ("roundTowardPositive", "ceiling"),
     ("roundTowardNegative", "floor"), ("roundTowardZero", "down"), ("halfExpand", "half_up"), ("trunc", "down")],
)  # fmt: skip
def test_names_of_rounding_modes(label: str, name: str) -> None:
    assert mode_name(label) == name


def test_modes_nobody_knows() -> None:
    for label in ("", "sideways", None):
        with pytest.raises(UnknownConvention):
            mode_name(label)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("minor", "unit", "mode", "expected"),
    [(510, 100, "half_up", 500), (-4550, 100, "half_up", -4600), (1250, 100, "half_odd", 1300),
     (1250, 100, "half_even", 1200), (10, 100, "half_up", 0), (1250, 100, "half_negative_infinity", 1200)],
)  # fmt: skip
def test_multiples(minor: int, unit: int, mode: str, expected: int) -> None:
    assert multiple_round(minor, unit, mode) == expected


def test_targets_of_rounding() -> None:
    assert str(decimals_round(Decimal("2.345"), 2, "half_even")) == "2.34"
    assert str(decimals_round(Decimal("1250"), -2, "half_up")) == "1300"
    assert str(decimals_round(Fraction(1, 3), 4, "up")) == "0.3334"
    assert minor_units(Decimal("2.34"), "JPY", "up") == 3
    assert minor_units(Decimal("1.0005"), "KWD") == 1000
    assert (cash_round(1003, "CHF"), cash_round(1002, "CHF"), cash_round(1249, "NZD")) == (1005, 1000, 1250)
    assert cash_round(1003, "USD") == 1003
    assert whole_round(Decimal(7), "unnecessary") == 7
    with pytest.raises(AmountOutOfRange):
        whole_round(Decimal("7.5"), "unnecessary")
    with pytest.raises(AmountOutOfRange):
        multiple_round(1, 0, "up")
    with pytest.raises(AmountOutOfRange):
        decimals_round(1, 99, "up")
    assert decimal_text(Decimal("1234.500000"), shift=-2) == "12.345"


@given(value=st.fractions(), unit=st.integers(1, 1000), mode=st.sampled_from(sorted(ROUNDING_MODES)))
def test_rounding_moves_less_than_a_unit(value: Fraction, unit: int, mode: str) -> None:
    rounded = multiple_round(value, unit, mode)
    assert rounded % unit == 0
    assert abs(rounded - value) < unit
