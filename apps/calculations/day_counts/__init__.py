"""Day counts: what part of a year lies between two dates. Each convention is an option with a name.

    >>> year_fraction("ACT/360", date(2024, 1, 1), date(2024, 1, 31))
    Fraction(1, 12)

Fractions are exact (`fractions.Fraction`); round them once, at the end. `day_count` gives the same with the days,
the parts it is made of and the formula, to be shown. The start is included and the end is not, as in all sources.
"""

from apps.calculations.day_counts._names import CONVENTIONS, Convention, convention_get
from apps.calculations.day_counts._parts import NO_TERMS, Part, Terms
from apps.calculations.day_counts._results import DayCount, day_count, days_between, year_fraction

__all__ = [
    "CONVENTIONS",
    "NO_TERMS",
    "Convention",
    "DayCount",
    "Part",
    "Terms",
    "convention_get",
    "day_count",
    "days_between",
    "year_fraction",
]
