"""Cash flows to come, and how what happened differs from what was planned."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from apps.calculations.errors import AmountOutOfRange, PeriodNotValid, RateNotValid, UnknownConvention
from apps.calculations.loans import Row, months_on
from apps.core.money import minor_round

MONTHS_MAX = 600
KINDS = ("income", "expense")


@dataclass(frozen=True, slots=True)
class Flow:
    """Money on a day: in above zero, out below, minor units."""

    date: dt.date
    amount: int
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Month:
    """The flows of a month, and the balance after it."""

    start: dt.date
    opening: int
    inflow: int
    outflow: int
    by_kind: Mapping[str, int]

    @property
    def closing(self) -> int:
        """What is there after the month."""
        return self.opening + self.inflow - self.outflow


def flows_of_rows(rows: Iterable[Row], *, paid_share: Decimal = Decimal(1)) -> list[Flow]:
    """What a schedule brings: principal, interest and charges on their due dates, as far as they are expected.

    `paid_share` is the part that is expected to be paid (1 less the expected default).
    """
    if not 0 <= paid_share <= 1:
        raise RateNotValid("The share that is paid is between 0 and 1.", pointer="/paid_share")
    share = Fraction(paid_share)
    flows = []
    for row in rows:
        for kind, amount in (
            ("principal", row.principal),
            ("interest", row.interest),
            ("charges", row.fees + row.penalties),
        ):
            if amount:
                flows.append(Flow(row.due, minor_round(amount * share, 1, "half_even"), kind))
    return flows


def cash_flow(flows: Iterable[Flow], start: dt.date, months: int, *, opening: int = 0) -> list[Month]:
    """The months from `start` on with their flows. Flows before and after are left out.

    `start` is the first of a month. Raises PeriodNotValid.
    """
    if start.day != 1 or not 0 < months <= MONTHS_MAX:
        raise PeriodNotValid(f"From the first of a month, 1 to {MONTHS_MAX} months.", pointer="/start")
    starts = [months_on(start, n) for n in range(months)]
    end = months_on(start, months)
    sums: dict[dt.date, list[Flow]] = {first: [] for first in starts}
    for flow in flows:
        if start <= flow.date < end:
            sums[flow.date.replace(day=1)].append(flow)
    found, balance = [], opening
    for first in starts:
        mine = sums[first]
        kinds: dict[str, int] = {}
        for flow in mine:
            kinds[flow.kind] = kinds.get(flow.kind, 0) + flow.amount
        inflow = sum(flow.amount for flow in mine if flow.amount > 0)
        outflow = -sum(flow.amount for flow in mine if flow.amount < 0)
        found.append(Month(first, balance, inflow, outflow, kinds))
        balance = found[-1].closing
    return found


@dataclass(frozen=True, slots=True)
class Variance:
    """What happened against what was planned. `share` is None where nothing was planned."""

    name: str
    planned: int
    actual: int
    share: Fraction | None
    favourable: bool
    within: bool

    @property
    def difference(self) -> int:
        """Actual less planned."""
        return self.actual - self.planned


def variances(
    planned: Mapping[str, int], actual: Mapping[str, int], *, kind: str = "income", tolerance: Decimal = Decimal(0)
) -> Sequence[Variance]:
    """Line by line, in order of the plan; what was not planned at the end.

    More is favourable for income, less for an expense. `within` the tolerance: a share of what was planned.
    """
    if kind not in KINDS:
        raise UnknownConvention(f"No kind is called {kind}.", pointer="/kind")
    if tolerance < 0:
        raise AmountOutOfRange("A tolerance is not below zero.", pointer="/tolerance")
    found = []
    for name in [*planned, *(name for name in actual if name not in planned)]:
        plan, real = planned.get(name, 0), actual.get(name, 0)
        difference = real - plan
        favourable = difference >= 0 if kind == "income" else difference <= 0
        share = Fraction(difference, abs(plan)) if plan else None
        within = abs(difference) <= abs(plan) * Fraction(tolerance)
        found.append(Variance(name, plan, real, share, favourable, within))
    return found
