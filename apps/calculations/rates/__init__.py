"""Rates of a loan: APR by US Regulation Z, annual percentage rate of charge by the EU directive, effective rate."""

from apps.calculations.rates._effective import YEAR_BASES, apr_eu, effective_rate, percent, years_between
from apps.calculations.rates._regulation_z import (
    Transfer,
    UnitPeriod,
    apr_of_unit_periods,
    apr_regulation_z,
    unit_period_of,
    unit_periods_between,
)

__all__ = [
    "YEAR_BASES",
    "Transfer",
    "UnitPeriod",
    "apr_eu",
    "apr_of_unit_periods",
    "apr_regulation_z",
    "effective_rate",
    "percent",
    "unit_period_of",
    "unit_periods_between",
    "years_between",
]
