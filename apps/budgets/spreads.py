"""Spreading a year's amount over its months, to the minor unit."""

from __future__ import annotations

from collections.abc import Sequence

from apps.calculations.allocation import amount_allocate

QUARTER_WEEKS = (4, 4, 5)
SPREADS = ("even", "weeks", "like_last_year")


def spread(total: int, how: str, *, before: Sequence[int] = ()) -> list[int]:
    """Twelve amounts that add up to `total` (minor units, largest remainder): even; by weeks, 4-4-5 a quarter; or in
    the proportions of `before`, the months of the year before, evenly where nothing happened in it. KeyError for more.
    """
    weights: dict[str, Sequence[int]] = {
        "even": [1] * 12,
        "weeks": list(QUARTER_WEEKS) * 4,
        "like_last_year": [max(amount, 0) for amount in before],
    }
    chosen = weights[how]
    return amount_allocate(total, chosen if sum(chosen) else [1] * 12)
