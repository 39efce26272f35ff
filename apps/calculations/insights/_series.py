"""How a series moves: its line, its season, what stands out of it, and what may follow, with the error of the method.

The forecast is the straight line of least squares through the values with their season taken out, times the season
(classical multiplicative decomposition), or, where no season can be told, the line alone. Its error is found by using
it on the past: the last values are hidden, forecast from those before them, and compared (mean absolute percentage
error, and the naive forecast's beside it). A method that does no better than "as a season before" says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from apps.calculations.errors import TooFewValues
from apps.calculations.insights._spread import quantile
from apps.core.money import minor_round

STEPS_MAX = 120
FENCE = Fraction(3, 2)


@dataclass(frozen=True, slots=True)
class Trend:
    """The line of least squares: value = level + slope * place, places from 0; `fit` is R squared, 0 to 1."""

    level: Fraction
    slope: Fraction
    fit: Fraction

    def at(self, place: int) -> Fraction:
        """The line's value at a place."""
        return self.level + self.slope * place


@dataclass(frozen=True, slots=True)
class Outlier:
    """A value that stands out: its place, and the fences that it is outside of."""

    place: int
    value: int
    low: Fraction
    high: Fraction


@dataclass(frozen=True, slots=True)
class Forecast:
    """What may follow, and how far the method was off when it was used on the past; shares, None when not known.

    `method` is trend_season or trend. `naive_error` is that of repeating the season (or the value) before.
    """

    method: str
    values: tuple[int, ...]
    error: Fraction | None
    naive_error: Fraction | None

    @property
    def beats_naive(self) -> bool | None:
        """Whether it was nearer than repeating what was; None when not known."""
        if self.error is None or self.naive_error is None:
            return None
        return self.error < self.naive_error


def trend(values: Sequence[int | Fraction]) -> Trend:
    """The line of least squares through values at places 0, 1, 2... Raises `TooFewValues` for fewer than two."""
    count = len(values)
    if count < 2:
        raise TooFewValues("A line needs two values.")
    mean_place = Fraction(count - 1, 2)
    mean = Fraction(sum(values), count)
    across = sum((place - mean_place) * (value - mean) for place, value in enumerate(values))
    places = sum((place - mean_place) * (place - mean_place) for place in range(count))
    spread = sum((value - mean) * (value - mean) for value in values)
    slope = Fraction(across) / places
    fit = slope * across / spread if spread else Fraction(1)
    return Trend(mean - slope * mean_place, slope, Fraction(fit))


def seasonality(values: Sequence[int], period: int) -> tuple[Fraction, ...]:
    """How each place of a season stands to the whole: 1 is average. Two whole seasons are needed (`TooFewValues`).

    Ratios to the centred moving average, averaged by place and scaled to an average of 1. Averages of zero or below
    give no ratio; a place without any is 1.
    """
    if period < 2 or len(values) < 2 * period:
        raise TooFewValues("Two whole seasons are needed.")
    ratios: list[list[Fraction]] = [[] for _ in range(period)]
    half = period // 2
    for place in range(half, len(values) - half):
        window = _centred(values, place, period)
        if window > 0:
            ratios[place % period].append(Fraction(values[place]) / window)
    means = [Fraction(sum(some), len(some)) if some else Fraction(1) for some in ratios]
    scale = Fraction(sum(means, Fraction(0)), period)
    return tuple(mean / scale for mean in means) if scale else tuple(Fraction(1) for _ in means)


def _centred(values: Sequence[int], place: int, period: int) -> Fraction:
    """The average of one season around a place; an even season counts its two ends half."""
    half = period // 2
    if period % 2:
        return Fraction(sum(values[place - half : place + half + 1]), period)
    inner = sum(values[place - half + 1 : place + half])
    return (Fraction(values[place - half] + values[place + half], 2) + inner) / period


def outliers(values: Sequence[int]) -> list[Outlier]:
    """Values beyond one and a half times the distance of the quartiles from them (Tukey's fences).

    Raises `TooFewValues` for fewer than four.
    """
    if len(values) < 4:
        raise TooFewValues("Quartiles need four values.")
    ordered = sorted(values)
    low, high = quantile(ordered, Fraction(1, 4)), quantile(ordered, Fraction(3, 4))
    reach = (high - low) * FENCE
    return [
        Outlier(place, value, low - reach, high + reach)
        for place, value in enumerate(values)
        if not low - reach <= value <= high + reach
    ]


def forecast(values: Sequence[int], *, steps: int, period: int = 12) -> Forecast:
    """The next values of a series, rounded half to even, with the method and its back-test.

    Raises `TooFewValues` for fewer than three values, or steps outside 1 to 120.
    """
    if len(values) < 3 or not 1 <= steps <= STEPS_MAX:
        raise TooFewValues(f"Three values, and 1 to {STEPS_MAX} steps, are needed.")
    method, ahead = _project(values, steps, period)
    hidden = min(steps, len(values) // 3)
    error = naive = None
    if hidden and len(values) - hidden >= 3:
        known, real = values[:-hidden], values[-hidden:]
        error = _error(_project(known, hidden, period)[1], real)
        lag = period if len(known) >= period else 1
        naive = _error([known[-lag + place % lag] for place in range(hidden)], real)
    return Forecast(method, tuple(ahead), error, naive)


def _project(values: Sequence[int], steps: int, period: int) -> tuple[str, list[int]]:
    seasons = seasonality(values, period) if len(values) >= 2 * period and min(values) > 0 else None
    if seasons is None or not all(seasons):
        line = trend(values)
        return "trend", [minor_round(line.at(len(values) + step), 1, "half_even") for step in range(steps)]
    line = trend([Fraction(value) / seasons[place % period] for place, value in enumerate(values)])
    places = range(len(values), len(values) + steps)
    return "trend_season", [minor_round(line.at(place) * seasons[place % period], 1, "half_even") for place in places]


def _error(said: Sequence[int], real: Sequence[int]) -> Fraction | None:
    """Mean of the differences as shares of what was real; zeros are left out, of nothing else it is None."""
    shares = [Fraction(abs(one - other), abs(other)) for one, other in zip(said, real, strict=True) if other]
    return sum(shares, Fraction(0)) / len(shares) if shares else None
