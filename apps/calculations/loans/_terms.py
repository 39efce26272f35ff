"""What a loan's schedule is made of. Each convention is an option with a name; nothing is guessed.

Money is whole minor units (int), rates are annual fractions (Decimal, 0.12 is 12 %), parts of years are Fraction.
docs/reference/loan-calculations.md has the table of options with their sources.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from apps.calculations.day_counts import CONVENTIONS
from apps.calculations.errors import (
    AmountOutOfRange,
    ConventionNeeds,
    PeriodNotValid,
    RateNotValid,
    ScheduleNotPossible,
    UnknownConvention,
)
from apps.core.money import MAX_MINOR, ROUNDING_MODES

INSTALMENTS_MAX = 1_200
RATE_MAX = Decimal(100)
STEP_MIN, STEP_MAX = Decimal("-0.9"), Decimal(1)

METHODS = ("declining", "flat")
AMORTIZATIONS = ("equal_instalments", "equal_principal", "interest_only", "shares")
REMAINDERS = ("last", "first", "spread")
FIRST_INTEREST = ("period", "actual_days")
PER_PERIOD = "per_period"
FEE_KINDS = ("upfront", "financed", "per_instalment")
FEE_BASES = ("flat", "principal", "interest", "principal_and_interest", "outstanding")


@dataclass(frozen=True, slots=True)
class Rounding:
    """To a multiple of `unit` minor units, by a mode of apps.core.money.ROUNDING_MODES."""

    unit: int = 1
    mode: str = "half_up"

    def check(self, pointer: str) -> None:
        """Raises AmountOutOfRange or UnknownConvention."""
        if self.unit < 1:
            raise AmountOutOfRange("The unit of rounding is at least one minor unit.", pointer=f"{pointer}/unit")
        if self.mode not in ROUNDING_MODES:
            raise UnknownConvention(f"No rounding is called {self.mode}.", pointer=f"{pointer}/mode")


CENT = Rounding()
"""To the minor unit, half up."""


@dataclass(frozen=True, slots=True)
class Period:
    """From one due date to the next. `nominal_due` is the due date before it moved off a day off."""

    start: dt.date
    due: dt.date
    nominal_due: dt.date

    @property
    def days(self) -> int:
        """Calendar days from start to due date."""
        return (self.due - self.start).days


@dataclass(frozen=True, slots=True)
class Fee:
    """A charge of the loan: `amount` minor units where `base` is flat, else `share` of the base.

    `upfront` is withheld from what is paid out, `financed` is added to the principal, `per_instalment` falls due with
    each instalment. Bases: principal and interest are those of the instalment (of the loan, for the other kinds).
    """

    name: str
    kind: str
    base: str = "flat"
    amount: int = 0
    share: Decimal = Decimal(0)
    penalty: bool = False


@dataclass(frozen=True, slots=True)
class LoanTerms:
    """The terms of one loan. `check` says what is wrong with them; see the module's note on units."""

    principal: int
    rate: Decimal
    periods: tuple[Period, ...]
    method: str = "declining"
    amortization: str = "equal_instalments"
    interest: str = PER_PERIOD
    """`per_period`: the rate times `period_years`, whatever the days; else a day count, day by day."""
    period_years: Fraction = Fraction(1, 12)
    """The length of a nominal period, in years."""
    annuity_years: Fraction | None = None
    """The length of a period for the level instalment; None: the periods as they are (growth factors)."""
    first_interest: str = "period"
    """`actual_days`: the first interest is for its days to the moved due date, over those to the nominal one."""
    interest_rounding: Rounding = CENT
    round_parts: bool = False
    """Each part of a period with its own balance or rate is rounded; else their sum."""
    principal_rounding: Rounding = CENT
    instalment_rounding: Rounding = CENT
    instalment: int | None = None
    """A level instalment that was agreed; None: worked out."""
    step: Decimal = Decimal(0)
    """By what share the level instalment rises (or falls, below zero) each `step_every` instalments after the grace."""
    step_every: int = 12
    remainder: str = "last"
    """Who takes what rounding leaves: the last instalment, the first, or `spread`: worked out anew each time."""
    balloon: int = 0
    """Principal that is due with the last instalment on top of it."""
    grace_principal: int = 0
    grace_interest: int = 0
    """Periods whose interest is deferred to the first instalment after them."""
    interest_free: int = 0
    """Periods whose interest is forgiven."""
    interest_in_grace: bool = True
    """Whether interest is charged while principal has grace."""
    shares: tuple[tuple[Fraction, Fraction | None], ...] = ()
    """For `shares`: of principal and of flat interest, per instalment after the grace."""
    tranches: tuple[tuple[dt.date, int], ...] = ()
    """When the principal is paid out; empty: all at the start."""
    instalment_principal: int | None = None
    """The principal the level instalment is worked out of; None: what has been paid out."""
    rate_changes: tuple[tuple[dt.date, Decimal], ...] = ()
    """From a date on, another rate; the level instalment is worked out anew from the next period that starts."""
    fees: tuple[Fee, ...] = field(default=())

    @property
    def start(self) -> dt.date:
        """The first day of the loan."""
        return self.periods[0].start

    @property
    def count(self) -> int:
        """The number of instalments."""
        return len(self.periods)

    def check(self) -> None:
        """Raises a CalculationError with the pointer of the first term that cannot be."""
        self._check_periods()
        self._check_amounts()
        for name, value, known in (
            ("method", self.method, METHODS),
            ("amortization", self.amortization, AMORTIZATIONS),
            ("remainder", self.remainder, REMAINDERS),
            ("first_interest", self.first_interest, FIRST_INTEREST),
            ("interest", self.interest, (PER_PERIOD, *CONVENTIONS)),
        ):
            if value not in known:
                raise UnknownConvention(f"No {name} is called {value}.", pointer=f"/{name}")
        for name in ("interest_rounding", "principal_rounding", "instalment_rounding"):
            getattr(self, name).check(f"/{name}")
        self._check_graces()
        self._check_steps()
        for n, fee in enumerate(self.fees):
            if fee.kind not in FEE_KINDS or fee.base not in FEE_BASES:
                raise UnknownConvention(f"No fee is {fee.kind} of {fee.base}.", pointer=f"/fees/{n}")
            if fee.amount < 0 or fee.share < 0:
                raise AmountOutOfRange("A fee is not below zero.", pointer=f"/fees/{n}")

    def _check_periods(self) -> None:
        if not 0 < self.count <= INSTALMENTS_MAX:
            raise PeriodNotValid(f"Between 1 and {INSTALMENTS_MAX:,} instalments.", pointer="/instalments")
        at = self.start
        for n, period in enumerate(self.periods):
            if period.start != at or period.due <= period.start:
                raise PeriodNotValid("Each period starts where the one before ends.", pointer=f"/periods/{n}")
            at = period.due
        if self.period_years <= 0:
            raise PeriodNotValid("A period is longer than nothing.", pointer="/period_years")

    def _check_amounts(self) -> None:
        if not 0 < self.principal <= MAX_MINOR:
            raise AmountOutOfRange("The principal is above zero and at most the largest amount.", pointer="/principal")
        if not 0 <= self.balloon <= self.principal:
            raise AmountOutOfRange("The balloon is part of the principal.", pointer="/balloon")
        for pointer, rate in [("/rate", self.rate), *(("/rate_changes", rate) for _, rate in self.rate_changes)]:
            if not 0 <= rate <= RATE_MAX:
                raise RateNotValid("A rate is between 0 and 10,000 %.", pointer=pointer)
        if self.tranches and (
            sum(amount for _, amount in self.tranches) != self.principal
            or any(amount <= 0 for _, amount in self.tranches)
        ):
            raise AmountOutOfRange("The tranches make up the principal.", pointer="/tranches")
        if any(not self.start <= date < self.periods[-1].due for date, _ in self.tranches):
            raise PeriodNotValid("A tranche is paid out before the last due date.", pointer="/tranches")

    def _check_steps(self) -> None:
        if not STEP_MIN <= self.step <= STEP_MAX:
            raise RateNotValid("Instalments step by -90 % to 100 %.", pointer="/step")
        if not 1 <= self.step_every <= INSTALMENTS_MAX:
            raise PeriodNotValid(f"A step each 1 to {INSTALMENTS_MAX:,} instalments.", pointer="/step_every")
        if self.step and (self.method, self.amortization) != ("declining", "equal_instalments"):
            raise ConventionNeeds("Steps are those of a level instalment on a declining balance.", pointer="/step")

    def _check_graces(self) -> None:
        if self.remainder == "first" and self.tranches:
            raise ConventionNeeds("With tranches the first instalment cannot take the rest.", pointer="/remainder")
        for name in ("grace_principal", "grace_interest", "interest_free"):
            if not 0 <= getattr(self, name) < self.count + (name != "grace_principal"):
                raise PeriodNotValid("A grace leaves an instalment after it.", pointer=f"/{name}")
        if self.amortization != "shares":
            return
        if len(self.shares) != self.count - self.grace_principal:
            raise ConventionNeeds("One share for each instalment after the grace.", pointer="/shares")
        if sum(share for share, _ in self.shares) != 1:
            raise ScheduleNotPossible("The shares of principal add up to one.", pointer="/shares")
