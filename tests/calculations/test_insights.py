"""Statistics: against figures worked out by hand, and by what must hold for any values."""

from __future__ import annotations

import datetime as dt
import statistics
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.calculations.errors import CalculationError
from apps.calculations.insights import cohorts, distribution, forecast, gini, outliers, seasonality, trend

AMOUNTS = st.lists(st.integers(0, 10**9), min_size=2, max_size=40)


@settings(max_examples=40)
@given(AMOUNTS)
def test_a_distribution_agrees_with_the_standard_library(values: list[int]) -> None:
    found = distribution(values)
    assert found.mean == Fraction(sum(values), len(values))
    assert [float(one) for one in found.quartiles] == pytest.approx(
        statistics.quantiles(values, n=4, method="inclusive")
    )
    assert abs(found.deviation - statistics.pstdev(values)) <= 1
    assert 0 <= found.concentration < 1


def test_concentration() -> None:
    assert gini([5, 5, 5, 5]) == gini([0, 0]) == 0
    assert gini([0, 0, 0, 10]) == Fraction(3, 4)
    assert gini([1, 2, 3, 4]) == Fraction(1, 4)


@settings(max_examples=40)
@given(st.integers(-1000, 1000), st.integers(-50, 50), st.integers(3, 30))
def test_a_line_is_found_again_and_carried_on(level: int, slope: int, count: int) -> None:
    values = [level + slope * place for place in range(count)]
    line = trend(values)
    assert (line.level, line.slope, line.fit) == (level, slope, 1)
    assert forecast(values, steps=2, period=60).values == (level + slope * count, level + slope * (count + 1))


def test_a_season_is_found_and_the_forecast_follows_it() -> None:
    season = [8, 10, 12, 10]
    values = [1_000 * season[place % 4] for place in range(24)]
    assert seasonality(values, 4) == (Fraction(4, 5), 1, Fraction(6, 5), 1)
    said = forecast(values, steps=4, period=4)
    assert (said.method, said.values) == ("trend_season", (8_000, 10_000, 12_000, 10_000))
    assert (said.error, said.naive_error, said.beats_naive) == (0, 0, False)
    growing = [(100 + 10 * place) * season[place % 4] for place in range(32)]
    ahead = forecast(growing, steps=8, period=4)
    assert ahead.beats_naive
    assert ahead.error is not None
    assert ahead.error < Fraction(2, 100)


def test_what_stands_out() -> None:
    assert [(one.place, one.value) for one in outliers([10, 12, 11, 13, 12, 90, 11, 10])] == [(5, 90)]
    assert outliers([5] * 8) == []


def test_cohorts_count_who_came_back() -> None:
    began = {"a": dt.date(2026, 1, 5), "b": dt.date(2026, 1, 30), "c": dt.date(2026, 3, 1), "d": dt.date(2027, 1, 1)}
    activity = [
        ("a", dt.date(2026, 1, 6)), ("a", dt.date(2026, 3, 1)), ("a", dt.date(2026, 3, 9)), ("b", dt.date(2026, 2, 1)),
        ("c", dt.date(2026, 2, 1)), ("x", dt.date(2026, 2, 1)), ("c", dt.date(2026, 9, 1)),
    ]  # fmt: skip
    found = cohorts(began, activity, until=dt.date(2026, 3, 31))
    assert [(one.start, one.size, one.active) for one in found] == [
        (dt.date(2026, 1, 1), 2, (1, 1, 1)),
        (dt.date(2026, 3, 1), 1, (0,)),
    ]
    assert found[0].kept == (Fraction(1, 2),) * 3


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: distribution([]),
        lambda: trend([1]),
        lambda: seasonality([1] * 7, 4),
        lambda: outliers([1, 2, 3]),
        lambda: forecast([1, 2], steps=1),
        lambda: forecast([1, 2, 3], steps=0),
    ],
)
def test_too_few_values_are_refused(wrong: object) -> None:
    with pytest.raises(CalculationError) as error:
        wrong()  # type: ignore[operator]
    assert error.value.code == "too-few-values"
