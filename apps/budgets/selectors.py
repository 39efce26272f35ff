"""Reads of budgets: what was planned, spent and promised, and what is left."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import QuerySet, Sum

from apps.budgets.errors import BudgetNotFound, CommitmentNotFound
from apps.budgets.models import Budget, BudgetAlert, BudgetLine, BudgetRule, Commitment, CostCentre, CostCentrePlace
from apps.identity.models import Branch
from apps.ledger.selectors import branches_in_reach, gl_accounts
from apps.ledger.totals import results_by_month

if TYPE_CHECKING:
    from apps.identity.models import User

Place = tuple[UUID, str]
"""A branch and a code of the chart."""


@dataclass(frozen=True, slots=True)
class Variance:
    """A branch's account: planned, spent, promised; minor units on the account's own side."""

    branch_id: UUID
    branch: str
    code: str
    name: str
    type: str
    planned: int
    actual: int
    committed: int
    cost_centre: str = ""

    @property
    def left(self) -> int:
        """What the plan leaves: below zero when it was gone beyond."""
        return self.planned - self.actual - self.committed

    @property
    def is_good(self) -> bool:
        """More than planned is good for income, less for an expense."""
        return self.left <= 0 if self.type == "income" else self.left >= 0


def budgets_all() -> QuerySet[Budget]:
    """All versions of all budgets."""
    return Budget.objects.select_related("created_by")


def budget_get(*, pk: UUID) -> Budget:
    """One version. Raises `BudgetNotFound`."""
    budget = budgets_all().filter(pk=pk).first()
    if budget is None:
        raise BudgetNotFound
    return budget


def budget_active(*, year: int, currency: str) -> Budget | None:
    """The version that holds for a year, or None."""
    return Budget.objects.filter(year=year, currency=currency, status=Budget.Status.ACTIVE).first()


def lines_visible_to(user: User, budget: Budget) -> QuerySet[BudgetLine]:
    """Lines of the branches in reach."""
    lines = budget.lines.select_related("branch", "gl_account").order_by("branch__code", "gl_account__code", "month")
    reach = branches_in_reach(user=user)
    return lines if reach is None else lines.filter(branch_id__in=reach)


def commitments_visible_to(user: User) -> QuerySet[Commitment]:
    """Commitments of the branches in reach."""
    found = Commitment.objects.select_related("branch", "gl_account")
    reach = branches_in_reach(user=user)
    return found if reach is None else found.filter(branch_id__in=reach)


def commitment_get_for(*, user: User, pk: UUID) -> Commitment:
    """One commitment in reach. Raises `CommitmentNotFound`."""
    found = commitments_visible_to(user).filter(pk=pk).first()
    if found is None:
        raise CommitmentNotFound
    return found


def alerts_visible_to(user: User) -> QuerySet[BudgetAlert]:
    """Alerts of the branches in reach."""
    found = BudgetAlert.objects.select_related("branch", "gl_account", "budget")
    reach = branches_in_reach(user=user)
    return found if reach is None else found.filter(branch_id__in=reach)


def rules_all() -> QuerySet[BudgetRule]:
    """All rules of control."""
    return BudgetRule.objects.select_related("gl_account", "changed_by")


def rules_by_code() -> dict[str, BudgetRule]:
    """The rule that counts for each account of the chart: its own, or the nearest above it."""
    parents = dict(gl_accounts().values_list("code", "parent__code"))
    own = {rule.gl_account.code: rule for rule in rules_all()}
    found = {}
    for start in parents:
        code: str | None = start
        while code is not None and code not in own:
            code = parents.get(code)
        if code is not None:
            found[start] = own[code]
    return found


def cost_centres_all() -> QuerySet[CostCentre]:
    """All cost centres."""
    return CostCentre.objects.prefetch_related("places__gl_account", "places__branch")


def cost_centres_of(places: Iterable[Place]) -> dict[Place, str]:
    """The code of the cost centre that each place belongs to; those of nobody are left out.

    Up the chart from the account, at each node the branch's own place before that of every branch.
    """
    known: dict[tuple[UUID | None, str], str] = {
        (branch, code): centre
        for branch, code, centre in CostCentrePlace.objects.order_by().values_list(
            "branch_id", "gl_account__code", "cost_centre__code"
        )
    }
    parents = dict(gl_accounts().values_list("code", "parent__code")) if known else {}
    found: dict[Place, str] = {}
    for branch, start in places:
        code: str | None = start if known else None
        while code is not None and (branch, start) not in found:
            centre = known.get((branch, code)) or known.get((None, code))
            if centre is not None:
                found[branch, start] = centre
            code = parents.get(code)
    return found


def variance(
    *,
    budget: Budget,
    first: dt.date,
    last: dt.date,
    branch_ids: Sequence[UUID] | None = None,
    cost_centre: str = "",
) -> list[Variance]:
    """Planned against spent and promised for whole months from `first` to `last`, by branch and account.

    What was not planned is there too, planned zero. With `cost_centre` only its places.
    """
    planned: dict[tuple[UUID, str], int] = defaultdict(int)
    lines = budget.lines.filter(month__gte=first.replace(day=1), month__lte=last)
    if branch_ids is not None:
        lines = lines.filter(branch_id__in=branch_ids)
    for branch_id, code, amount in lines.values_list("branch_id", "gl_account__code").annotate(sum=Sum("amount")):
        planned[branch_id, code] = amount
    spent = actuals(first=first, last=last, currency=budget.currency, branch_ids=branch_ids)
    promised = committed(first=first, last=last, currency=budget.currency, branch_ids=branch_ids)
    rows = _rows(planned, spent, promised)
    return [row for row in rows if row.cost_centre == cost_centre] if cost_centre else rows


def _rows(*sums: Mapping[Place, int]) -> list[Variance]:
    places = sorted({place for one in sums for place in one}, key=lambda place: (str(place[0]), place[1]))
    codes = {code for _, code in places}
    names = {
        code: (name, kind)
        for code, name, kind in gl_accounts().filter(code__in=codes).values_list("code", "name", "type")
    }
    branches = Branch.objects.in_bulk({branch for branch, _ in places})
    planned, spent, promised = sums
    centres = cost_centres_of(places)
    rows = [
        Variance(
            branch, branches[branch].code, code, *names[code], planned.get((branch, code), 0),
            spent.get((branch, code), 0), promised.get((branch, code), 0), centres.get((branch, code), ""),
        )
        for branch, code in places
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (row.branch, row.code))


def actuals(
    *, first: dt.date, last: dt.date, currency: str, branch_ids: Sequence[UUID] | None = None
) -> dict[Place, int]:
    """What income and expenses came to from a day to a day, each on its own side."""
    kinds = dict(gl_accounts().values_list("code", "type"))
    sums: dict[Place, int] = defaultdict(int)
    read = results_by_month(first=first, last=last, currency=currency, branch_ids=branch_ids)
    for (branch, code, _), net in read.items():
        sums[branch, code] += net if kinds[code] == "income" else -net
    return dict(sums)


def committed(
    *, first: dt.date, last: dt.date, currency: str, branch_ids: Sequence[UUID] | None = None
) -> dict[Place, int]:
    """What is promised and open for months from `first` to `last`."""
    rows = Commitment.objects.filter(
        status=Commitment.Status.OPEN, currency=currency, month__gte=first.replace(day=1), month__lte=last
    )
    if branch_ids is not None:
        rows = rows.filter(branch_id__in=branch_ids)
    grouped = rows.order_by().values_list("branch_id", "gl_account__code").annotate(sum=Sum("amount"))
    return {(branch, code): amount for branch, code, amount in grouped}


def planned_of(*, budget: Budget, place: Place, first: dt.date, last: dt.date) -> int:
    """What is planned for one account of one branch in these months."""
    lines = budget.lines.filter(
        branch_id=place[0], gl_account__code=place[1], month__gte=first.replace(day=1), month__lte=last
    )
    return lines.aggregate(sum=Sum("amount"))["sum"] or 0


def by_cost_centre(rows: Iterable[Variance]) -> list[tuple[str, str, int, int, int, int]]:
    """Cost centre, type of account, then planned, spent, promised and left, added up; those of nobody last."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for row in rows:
        for place, value in enumerate((row.planned, row.actual, row.committed, row.left)):
            sums[row.cost_centre, row.type][place] += value
    ordered = sorted(sums.items(), key=lambda one: (one[0][0] == "", one[0]))
    return [(centre, kind, a, b, c, d) for (centre, kind), (a, b, c, d) in ordered]
