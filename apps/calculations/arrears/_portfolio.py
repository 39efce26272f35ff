"""A portfolio: at risk, provisions by bucket, expected losses by IFRS 9 with moves between the stages.

PAR(n) is the outstanding principal of loans with anything more than n days past due, over that of all loans (CGAP).
The expected loss is EAD x PD x LGD: in stage 1 with the probability of default in 12 months, in stages 2 and 3 with
that of the whole life (IFRS 9, 5.5.3 to 5.5.5). Days past due of more than 30 presume a significant increase of the
risk (5.5.11), of more than 90 a default (B5.5.37); both can be set otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from apps.calculations.arrears._ageing import NONE, Bucket, bucket_of, buckets_check
from apps.calculations.errors import AmountOutOfRange, ConventionNeeds, RateNotValid
from apps.calculations.loans import CENT, Rounding
from apps.core.money import minor_round

STAGES = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Exposure:
    """A loan in a portfolio: outstanding principal and accrued interest in minor units, days past due."""

    name: str
    principal: int
    days: int
    interest: int = 0


def portfolio_at_risk(exposures: Iterable[Exposure], days: int) -> tuple[int, int, Fraction]:
    """What is at risk, all of it, and the ratio: PAR(days)."""
    loans = list(exposures)
    if any(loan.principal < 0 for loan in loans):
        raise AmountOutOfRange("An outstanding principal is not below zero.", pointer="/exposures")
    at_risk = sum(loan.principal for loan in loans if loan.days > days)
    total = sum(loan.principal for loan in loans)
    return at_risk, total, Fraction(at_risk, total) if total else Fraction(0)


@dataclass(frozen=True, slots=True)
class Provision:
    """The provision of one bucket."""

    bucket: str
    exposure: int
    rate: Decimal
    amount: int


def provisions_by_bucket(
    exposures: Iterable[Exposure],
    buckets: Sequence[Bucket],
    rates: Mapping[str, Decimal],
    *,
    with_interest: bool = False,
    rounding: Rounding = CENT,
) -> list[Provision]:
    """What is to be provided for in each bucket: outstanding principal, with interest where asked, times the rate.

    `rates` has a rate for each bucket, and for `none` (loans without arrears) where they are provided for.
    """
    buckets_check(buckets)
    missing = [bucket.name for bucket in buckets if bucket.name not in rates]
    if missing:
        raise ConventionNeeds(f"No rate for {missing[0]}.", pointer=f"/rates/{missing[0]}")
    if any(not 0 <= rate <= 1 for rate in rates.values()):
        raise RateNotValid("Rates are between 0 and 100 %.", pointer="/rates")
    sums = dict.fromkeys([NONE, *(bucket.name for bucket in buckets)], 0)
    for loan in exposures:
        sums[bucket_of(loan.days, buckets)] += loan.principal + (loan.interest if with_interest else 0)
    found = []
    for name, exposure in sums.items():
        rate = rates.get(name, Decimal(0))
        found.append(
            Provision(name, exposure, rate, minor_round(exposure * Fraction(rate), rounding.unit, rounding.mode))
        )
    return found


@dataclass(frozen=True, slots=True)
class StageRules:
    """When a loan is in which stage. `cure_days`: so long without arrears before it goes one stage back."""

    stage_2_after: int = 30
    stage_3_after: int = 90
    cure_days: int = 0


@dataclass(frozen=True, slots=True)
class Risk:
    """What the expected loss is made of: exposure in minor units, probabilities and loss as fractions."""

    exposure: int
    pd_12_months: Decimal
    pd_lifetime: Decimal
    lgd: Decimal
    discount: Decimal = Decimal(1)
    """The factor of the effective interest rate, from the expected default to today."""


@dataclass(frozen=True, slots=True)
class ExpectedLoss:
    """The expected loss of a loan and how it came about."""

    stage: int
    exposure: int
    pd: Decimal
    lgd: Decimal
    amount: int

    def explain(self) -> dict[str, Any]:
        """Stage, formula, figures."""
        horizon = "12 months" if self.stage == 1 else "lifetime"
        return {
            "stage": self.stage,
            "horizon": horizon,
            "formula": "ECL = EAD x PD x LGD",
            "figures": f"{self.exposure} x {self.pd} x {self.lgd} = {self.amount}",
        }


def stage_of(
    days: int,
    *,
    rules: StageRules = StageRules(),
    increased_risk: bool = False,
    impaired: bool = False,
    before: int = 1,
    days_clean: int = 0,
) -> int:
    """The stage of a loan: by days past due, by signs of risk, and not back before it is cured.

    `before` is the stage it was in, `days_clean` since when it has had no arrears.
    """
    if before not in STAGES or days < 0 or days_clean < 0:
        raise AmountOutOfRange("A stage is 1, 2 or 3; days are not below zero.", pointer="/days")
    if impaired or days > rules.stage_3_after:
        return 3
    stage = 2 if increased_risk or days > rules.stage_2_after else 1
    if stage < before and days_clean < rules.cure_days:
        return before
    return max(stage, before - 1) if rules.cure_days and stage < before else stage


def expected_loss(risk: Risk, stage: int, *, rounding: Rounding = CENT) -> ExpectedLoss:
    """ECL = EAD x PD x LGD of the stage; in stage 3 the default has happened: PD is 1."""
    if stage not in STAGES:
        raise AmountOutOfRange("A stage is 1, 2 or 3.", pointer="/stage")
    if risk.exposure < 0:
        raise AmountOutOfRange("An exposure is not below zero.", pointer="/exposure")
    for name in ("pd_12_months", "pd_lifetime", "lgd", "discount"):
        if not 0 <= getattr(risk, name) <= 1:
            raise RateNotValid("Probabilities, losses and discounts are between 0 and 1.", pointer=f"/{name}")
    pd = {1: risk.pd_12_months, 2: risk.pd_lifetime, 3: Decimal(1)}[stage]
    exact = risk.exposure * Fraction(pd) * Fraction(risk.lgd) * Fraction(risk.discount)
    return ExpectedLoss(stage, risk.exposure, pd, risk.lgd, minor_round(exact, rounding.unit, rounding.mode))


@dataclass(frozen=True, slots=True)
class StageMove:
    """What is to be posted for a loan: the allowance goes from one stage to another and changes by `delta`."""

    name: str
    from_stage: int
    to_stage: int
    held: int
    required: int

    @property
    def delta(self) -> int:
        """Above zero is an expense, below zero a release."""
        return self.required - self.held


def stage_moves(held: Mapping[str, tuple[int, int]], required: Mapping[str, tuple[int, int]]) -> list[StageMove]:
    """What changes from the allowances held to those required, each name to (stage, amount); new and gone ones too.

    Only what changes is in the list: posting it twice posts nothing the second time.
    """
    moves = []
    for name in sorted({*held, *required}):
        from_stage, old = held.get(name, (1, 0))
        to_stage, new = required.get(name, (from_stage, 0))
        if (from_stage, old) != (to_stage, new):
            moves.append(StageMove(name, from_stage, to_stage, old, new))
    return moves


def provision_delta(required: Iterable[Provision], held: Mapping[str, int]) -> dict[str, int]:
    """What to post for each bucket to get from the provisions held to those required; zeros left out."""
    wanted = {provision.bucket: provision.amount for provision in required}
    deltas = {
        name: wanted.get(name, 0) - held.get(name, 0) for name in [*wanted, *(n for n in held if n not in wanted)]
    }
    return {name: delta for name, delta in deltas.items() if delta}
