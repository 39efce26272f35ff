"""What an account's interest depends on: each choice is an option with a name."""

from __future__ import annotations

from dataclasses import dataclass

from apps.calculations.day_counts import NO_TERMS, convention_get
from apps.calculations.day_counts import Terms as DayCountTerms
from apps.calculations.errors import AmountOutOfRange, UnknownConvention
from apps.calculations.interest._periods import ANCHORS, FREQUENCIES
from apps.calculations.interest._rates import RatePeriod, rates_check
from apps.calculations.rounding import mode_name

BALANCES = ("daily", "minimum", "average")
"""Interest is paid on: the balance of each day; the lowest of a calculation period; its average of days."""
TIERINGS = ("whole", "banded")
"""whole: the rate of the tier for the whole balance (Regulation DD, method A). banded: each slice at its own (B)."""
REMAINDERS = ("carry", "drop")
"""What a posting leaves below its smallest unit: kept for the next one, or dropped."""


@dataclass(frozen=True)
class InterestTerms:
    """The terms of interest.

    `rates` (and `overdraft_rates` for balances below zero, on their amount) are fractions a year, or for each
    calculation period when `rate_per` is "period" (earned whole when the period ends, however long it was).
    `calculation` sets the periods of minimum and average balances, and "" is the posting's. `compounding`: when
    interest that is not yet posted begins to earn interest. `accrual_decimals`: decimals of a minor unit to which each
    day's interest is rounded; None keeps it exact. `posting_unit`: minor units that a posting is a multiple of.
    `withholding`: (from date, fraction) of the tax kept back from interest paid. `minimum_minor`: a balance below it
    earns nothing. `capitalise`: postings are added to the balance. `close`: all is posted at the end.
    """

    rates: tuple[RatePeriod, ...]
    day_count: str = "ACT/365F"
    balance: str = "daily"
    within_day: bool = False
    tiering: str = "whole"
    tier_above: bool = False
    rate_per: str = "year"
    calculation: str = ""
    compounding: str = "none"
    posting: str = "monthly"
    anchor: str = "calendar"
    overdraft_rates: tuple[RatePeriod, ...] = ()
    minimum_minor: int = 0
    accrual_decimals: int | None = None
    accrual_rounding: str = "half_even"
    posting_rounding: str = "half_even"
    posting_unit: int = 1
    remainder: str = "carry"
    withholding: tuple[RatePeriod, ...] = ()
    withholding_rounding: str = "half_up"
    capitalise: bool = True
    close: bool = False
    day_count_terms: DayCountTerms = NO_TERMS

    def check(self) -> None:
        """Raises UnknownConvention, RateNotValid, AmountOutOfRange; the pointer names the field."""
        convention_get(self.day_count, pointer="/day_count")
        rates_check(self.rates, "/rates")
        if self.overdraft_rates:
            rates_check(self.overdraft_rates, "/overdraft_rates")
        if self.withholding:
            rates_check(self.withholding, "/withholding")
        for name, value, known in (
            ("balance", self.balance, BALANCES),
            ("tiering", self.tiering, TIERINGS),
            ("rate_per", self.rate_per, ("year", "period")),
            ("remainder", self.remainder, REMAINDERS),
            ("anchor", self.anchor, ANCHORS),
            ("compounding", self.compounding, FREQUENCIES),
            ("posting", self.posting, FREQUENCIES),
            ("calculation", self.calculation or "none", FREQUENCIES),
        ):
            if value not in known:
                raise UnknownConvention(f"One of {', '.join(known)}.", pointer=f"/{name}")
        for name in ("accrual_rounding", "posting_rounding", "withholding_rounding"):
            mode_name(getattr(self, name), pointer=f"/{name}")
        if self.posting_unit < 1:
            raise AmountOutOfRange("The unit is at least one minor unit.", pointer="/posting_unit")
        if self.minimum_minor < 0:
            raise AmountOutOfRange("The minimum is zero or more.", pointer="/minimum_minor")
        if self.accrual_decimals is not None and not 0 <= self.accrual_decimals <= 12:
            raise AmountOutOfRange("From 0 to 12 decimals.", pointer="/accrual_decimals")
        if self.rate_per == "period" and self.balance == "daily" and self.calculation_frequency == "none":
            raise UnknownConvention("A rate per period needs a calculation period.", pointer="/calculation")

    @property
    def calculation_frequency(self) -> str:
        """The periods over which balances are taken."""
        return self.calculation or self.posting
