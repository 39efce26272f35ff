"""Charts are drawn from zero, to a round number, and say each value."""

import pytest

from apps.core.charts import HEIGHT, Values, bars, line, nice_ceiling, short_number


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (-5, 1), (1, 1), (1.1, 2), (2.2, 2.5), (3, 4), (99, 100), (101, 200), (0.03, 0.04)]
)
def test_the_axis_ends_at_a_round_number(value: float, top: float) -> None:
    assert nice_ceiling(value) == pytest.approx(top)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (999, "999"), (1250, "1.25 k"), (7_500_000, "7.5 m"), (2e9, "2 bn"), (-4000, "-4 k")]
)
def test_axis_numbers_are_short(value: float, text: str) -> None:
    assert short_number(value) == text


def test_bars_stand_on_the_baseline_and_are_as_high_as_their_value() -> None:
    chart = bars("t", ["Jan", "Feb"], [Values("In", "c", [100, 50], ["100", "50"])])
    tall, half = chart.series[0].marks
    assert tall.height == pytest.approx(2 * half.height, abs=0.2)
    assert tall.y + tall.height == pytest.approx(chart.baseline)
    assert tall.label == "Jan: In 100"
    assert chart.rows == [("Jan", ["100"]), ("Feb", ["50"])]


def test_bars_hang_from_zero_where_the_values_are_below_it() -> None:
    chart = bars("Result", ["Sep", "Oct"], [Values("Westlands", "a", [300, -1000], ["300", "-1,000"])])
    gain, loss = chart.series[0].marks
    zero = {text: y for y, text in chart.grid}["0"]
    assert gain.y + gain.height == pytest.approx(zero)
    assert (loss.y, loss.height) == (pytest.approx(zero), pytest.approx(chart.baseline - zero))
    assert min(gain.height, loss.height) > 0


def test_a_line_goes_below_zero_where_the_values_do() -> None:
    chart = line("t", ["Jan", "Feb"], Values("Net", "c", [-10, 10], ["-10", "10"]))
    assert all(0 <= mark.y <= HEIGHT for mark in chart.series[0].marks)
    assert chart.grid[0][1] == "-10"


def test_nothing_is_drawn_of_nothing() -> None:
    assert bars("t", [], []).rows == []
    assert line("t", [], Values("Net", "c", [], [])).series[0].area == ""


def test_few_things_are_counted_in_whole_steps() -> None:
    drawn = bars("Undone", ["Nov"], [Values("All", "nm-series-1", [2], ["2"])])
    assert [text for _, text in drawn.grid] == ["0", "1", "2", "3", "4"]
