"""Charts drawn on the server as SVG: no script, readable in light and dark, every value also as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 560, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 8, 10, 26
STEPS = 4
LABELS_MAX = 9
"""More labels than these below an axis run into each other; those between are left out, the last one stays."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A bar (x, y, width, height) or a point of a line (x, y) with what it says."""

    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True, slots=True)
class Series:
    """One set of values: its marks, and for a line its path and the area below it."""

    name: str
    css: str
    marks: list[Mark]
    path: str = ""
    area: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """What templates/numina/chart.html draws; `rows` is the same as a table for those who do not see it."""

    title: str
    width: int
    height: int
    left: int
    right: int
    baseline: float
    grid: list[tuple[float, str]]
    labels: list[tuple[float, str]]
    series: list[Series]
    columns: list[str]
    rows: list[tuple[str, list[str]]]
    over: str = "Month"


@dataclass(frozen=True, slots=True)
class Values:
    """A series before it is drawn: numbers, and each number as people read it."""

    name: str
    css: str
    numbers: Sequence[float]
    texts: Sequence[str]


def bars(title: str, labels: Sequence[str], series: Sequence[Values]) -> Chart:
    """Groups of bars side by side, from zero: upwards, and downwards where a number is below it."""
    low, top = _axis(series)
    slot = (WIDTH - LEFT - RIGHT) / max(len(labels), 1)
    bar = slot * 0.68 / max(len(series), 1)
    drawn = []
    for position, values in enumerate(series):
        marks = []
        for index, number in enumerate(values.numbers):
            x = LEFT + slot * index + slot * 0.16 + bar * position
            ends = _y(number, low, top), _y(0, low, top)
            text = f"{labels[index]}: {values.name} {values.texts[index]}"
            height = round(abs(ends[0] - ends[1]), 1)
            marks.append(Mark(round(x, 1), min(ends), round(bar * 0.92, 1), height, text))
        drawn.append(Series(values.name, values.css, marks))
    return _chart(title, labels, series, drawn, low, top)


def line(title: str, labels: Sequence[str], values: Values) -> Chart:
    """One line with the area below it. The axis begins at zero: growth is not made larger than it is."""
    return lines(title, labels, [values])


def lines(title: str, labels: Sequence[str], series: Sequence[Values]) -> Chart:
    """Lines over one axis that begins at zero, or below it; one alone has its area filled."""
    low, top = _axis(series)
    slot = (WIDTH - LEFT - RIGHT) / max(len(labels), 1)
    base = _y(low, low, top)
    drawn = []
    for values in series:
        marks = [
            Mark(round(LEFT + slot * (index + 0.5), 1), _y(number, low, top), 0, 0, f"{labels[index]}: {text}")
            for index, (number, text) in enumerate(zip(values.numbers, values.texts, strict=True))
        ]
        path = " ".join(f"{'L' if index else 'M'}{mark.x},{mark.y}" for index, mark in enumerate(marks))
        area = f"{path} L{marks[-1].x},{base} L{marks[0].x},{base} Z" if marks and len(series) == 1 else ""
        drawn.append(Series(values.name, values.css, marks, path, area))
    return _chart(title, labels, series, drawn, low, top)


WHOLE_BELOW = 1000
WHOLE_TOPS = (4, 8, 12, 16, 20, 40, 60, 80, 100, 120, 160, 200, 240, 300, 400, 600, 800, 1000)
"""Multiples of the axis's four steps."""


def _axis(series: Sequence[Values]) -> tuple[float, float]:
    """Where the axis begins and ends: at zero or below it; above zero, or at it where all is below."""
    numbers = [0.0, *(number for values in series for number in values.numbers)]
    low = -nice_ceiling(-min(numbers)) if min(numbers) < 0 else 0.0
    top = nice_ceiling(max(numbers)) if max(numbers) > 0 or not low else 0.0
    if not low and top < WHOLE_BELOW and all(number == int(number) for number in numbers):
        top = next(one for one in WHOLE_TOPS if one >= top)  # few things are counted in whole steps
    return low, top


def nice_ceiling(value: float) -> float:
    """The next round number that the axis can be divided by: 1, 2, 2.5, 4, 5 or 8 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 1.0
    while power * 10 <= value:
        power *= 10
    while power > value:
        power /= 10
    return next(power * factor for factor in (1, 2, 2.5, 4, 5, 8, 10) if power * factor >= value)


def short_number(value: float) -> str:
    """1,250,000 as 1.25 m: for axes."""
    for size, suffix in ((1e9, " bn"), (1e6, " m"), (1e3, " k")):
        if abs(value) >= size:
            return f"{value / size:.2f}".rstrip("0").rstrip(".") + suffix
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _y(number: float, low: float, top: float) -> float:
    share = (number - low) / (top - low) if top > low else 0
    return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def _chart(
    title: str, labels: Sequence[str], values: Sequence[Values], drawn: list[Series], low: float, top: float
) -> Chart:
    slot = (WIDTH - LEFT - RIGHT) / max(len(labels), 1)
    every = -(-len(labels) // LABELS_MAX)
    steps = [low + (top - low) * step / STEPS for step in range(STEPS + 1)]
    if 0 not in steps:  # the line on which bars stand or from which they hang
        steps[min(range(1, STEPS), key=lambda place: abs(steps[place]))] = 0.0
    return Chart(
        title=title,
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        baseline=_y(low, low, top),
        grid=[(_y(step, low, top), short_number(step)) for step in steps],
        labels=[
            (round(LEFT + slot * (index + 0.5), 1), text)
            for index, text in enumerate(labels)
            if (len(labels) - 1 - index) % every == 0
        ],
        series=drawn,
        columns=[one.name for one in values],
        rows=[(label, [one.texts[index] for one in values]) for index, label in enumerate(labels)],
    )
