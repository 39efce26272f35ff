"""Statistics on figures of a bank: how they are spread, how they move, what stands out, what may come; each explained.

Pure functions on exact numbers: integers and Fractions in, Decimals and Fractions out; nothing is guessed in secret.
"""

from apps.calculations.insights._cohorts import Cohort, cohorts
from apps.calculations.insights._series import (
    Forecast,
    Outlier,
    Trend,
    forecast,
    outliers,
    seasonality,
    trend,
)
from apps.calculations.insights._spread import Distribution, distribution, gini, quantile

__all__ = [
    "Cohort",
    "Distribution",
    "Forecast",
    "Outlier",
    "Trend",
    "cohorts",
    "distribution",
    "forecast",
    "gini",
    "outliers",
    "quantile",
    "seasonality",
    "trend",
]
