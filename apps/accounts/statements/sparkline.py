"""The balance during a period as a small SVG, drawn here: nothing runs and nothing is fetched when it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from apps.accounts.selectors import Statement

WIDTH, HEIGHT = 680, 64
_PAD = 4


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A step line in a box of WIDTH x HEIGHT, the area between it and zero, and where zero lies if it is inside."""

    line: str
    area: str
    zero: str
    end_x: str
    end_y: str
    low: int
    high: int


def sparkline_of(statement: Statement) -> Sparkline | None:
    """End-of-day balances as a step line; None when nothing moved, since a flat line says nothing."""
    if not statement.lines:
        return None
    days = (statement.ends_on - statement.starts_on).days + 1
    by_day = {0: statement.opening}
    for line in statement.lines:
        by_day[(line.entry.business_date - statement.starts_on).days + 1] = line.balance
    low, high = min(by_day.values()), max(by_day.values())
    span = high - low or 1

    def x(day: int) -> str:
        return _number(_PAD + Fraction(day * (WIDTH - 2 * _PAD), days))

    def y(balance: int) -> str:
        return _number(HEIGHT - _PAD - Fraction((balance - low) * (HEIGHT - 2 * _PAD), span))

    points = []
    last = statement.opening
    for day, balance in sorted(by_day.items()):
        if day:
            points.append(f"{x(day)},{y(last)}")
        points.append(f"{x(day)},{y(balance)}")
        last = balance
    points.append(f"{x(days)},{y(last)}")
    steps = " ".join(points)
    base = y(0) if low < 0 < high else "0" if high <= 0 else str(HEIGHT)
    return Sparkline(
        line=steps,
        area=f"{x(0)},{base} {steps} {x(days)},{base}",
        zero=y(0) if low < 0 < high else "",
        end_x=x(days),
        end_y=y(last),
        low=low,
        high=high,
    )


def _number(value: Fraction) -> str:
    """Two decimals, without binary fractions, so that the same statement is the same bytes everywhere."""
    hundredths = round(value * 100)
    return f"{hundredths // 100}.{hundredths % 100:02d}"
