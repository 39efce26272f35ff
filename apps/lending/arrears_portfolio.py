"""Reads of arrears: the portfolio at risk by branch, officer and product, and what a loan officer has to do today."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import F, Q, QuerySet

from apps.lending.closing_parts import rows_of
from apps.lending.models import Loan, LoanApplication, LoanInstalment, PaymentPromise
from apps.lending.selectors import applications_visible_to, loans_visible_to

if TYPE_CHECKING:
    from apps.identity.models import User

DIMENSIONS = ("branch", "officer", "product")
BANDS = (1, 30, 60, 90)
OFFICER = "coalesce(o.user_id, a.created_by_id)"

_GROUPS = {
    "branch": ("b.id::text", "b.name"),
    "product": ("p.id::text", "p.name"),
    "officer": (f"coalesce({OFFICER}::text, '')", "coalesce(nullif(trim(u.full_name), ''), u.email, 'Nobody')"),
}
# PAR(n) is the principal of loans with anything more than n days past due; PAR1 counts from the first day on.
_PAR = """
SELECT l.currency, {key} AS key, {label} AS label, count(*)::int,
       sum(-x.balance)::bigint,
       coalesce(sum(-x.balance) FILTER (WHERE s.days_past_due >= 1), 0)::bigint,
       coalesce(sum(-x.balance) FILTER (WHERE s.days_past_due > 30), 0)::bigint,
       coalesce(sum(-x.balance) FILTER (WHERE s.days_past_due > 60), 0)::bigint,
       coalesce(sum(-x.balance) FILTER (WHERE s.days_past_due > 90), 0)::bigint,
       coalesce(sum(s.provision), 0)::bigint, max(s.as_of)
  FROM lending_loan l
  JOIN lending_loanstanding s ON s.loan_id = l.id
  JOIN balances_balance x ON x.account_id = l.principal_account_id
  JOIN identity_branch b ON b.id = l.branch_id
  JOIN lending_loanproduct p ON p.id = l.product_id
  LEFT JOIN lending_loanofficer o ON o.loan_id = l.id
  LEFT JOIN lending_loanapplication a ON a.id = l.application_id
  LEFT JOIN identity_user u ON u.id = {officer}
 WHERE l.status = 'active' AND (%(everywhere)s OR l.branch_id = ANY (%(branches)s))
 GROUP BY 1, 2, 3 ORDER BY 1, 6 DESC, 3
"""


@dataclass(frozen=True, slots=True)
class AtRisk:
    """A row of the portfolio: principal owed and at risk, minor units. `par` is by BANDS."""

    currency: str
    key: str
    label: str
    loans: int
    principal: int
    par: tuple[int, int, int, int]
    provision: int
    as_of: dt.date | None

    @property
    def shares(self) -> list[int]:
        """The parts of the principal at risk, in hundredths of a per cent, by BANDS."""
        return [10_000 * one // self.principal if self.principal else 0 for one in self.par]


def portfolio_read(*, user: User, by: str) -> list[AtRisk]:
    """The portfolio in the user's reach, by one of DIMENSIONS. Raises KeyError for another."""
    key, label = _GROUPS[by]
    branches: Sequence[UUID] = () if user.scope == "all" else list(user.branch_ids) if user.scope == "branch" else ()
    found = rows_of(
        _PAR.format(key=key, label=label, officer=OFFICER),
        {"everywhere": user.scope == "all", "branches": list(branches)},
    )
    return [
        AtRisk(currency, group, name, loans, principal, (par1, par30, par60, par90), provision, as_of)
        for currency, group, name, loans, principal, par1, par30, par60, par90, provision, as_of in found
    ]


def totals_of(rows: Sequence[AtRisk]) -> list[AtRisk]:
    """One row a currency: all of it."""
    found = []
    for currency in sorted({row.currency for row in rows}):
        mine = [row for row in rows if row.currency == currency]
        par = tuple(sum(row.par[n] for row in mine) for n in range(len(BANDS)))
        dates = [row.as_of for row in mine if row.as_of]
        found.append(
            AtRisk(
                currency, "", "All", sum(row.loans for row in mine), sum(row.principal for row in mine), par,  # type: ignore[arg-type]
                sum(row.provision for row in mine), min(dates) if dates else None,
            )
        )  # fmt: skip
    return found


def portfolio_loans(*, user: User, by: str, key: str | None, after: int, currency: str = "") -> QuerySet[Loan]:
    """The loans behind a figure: those of one group (None: of all) late by more than `after` days, the latest first."""
    loans = loans_visible_to(user).filter(status=Loan.Status.ACTIVE, standing__days_past_due__gt=after)
    if currency:
        loans = loans.filter(currency=currency)
    if key is None:
        return loans.order_by("-standing__days_past_due", "pk")
    try:
        wanted = UUID(key) if key else None
    except ValueError:
        return loans.none()
    if by == "officer":
        of_user = Q(officer__user=wanted) | Q(officer__isnull=True, application__created_by=wanted)
        nobody = Q(officer__isnull=True) & (Q(application__isnull=True) | Q(application__created_by__isnull=True))
        loans = loans.filter(of_user if wanted else nobody)
    elif wanted:
        loans = loans.filter(**{by: wanted})
    return loans.order_by("-standing__days_past_due", "pk")


def caseload_of(user: User) -> QuerySet[Loan]:
    """The active loans that a user looks after."""
    mine = Q(officer__user=user) | Q(officer__isnull=True, application__created_by=user)
    return loans_visible_to(user).filter(mine, status=Loan.Status.ACTIVE)


def day_of_officer(*, user: User, today: dt.date, all_in_reach: bool, limit: int) -> dict[str, Any]:
    """What is to do, of the caseload or of the reach: due, overdue, promised, applications that wait."""
    loans = loans_visible_to(user).filter(status=Loan.Status.ACTIVE) if all_in_reach else caseload_of(user)
    rows = LoanInstalment.objects.filter(
        schedule__loan__schedule_id=F("schedule_id"),
        schedule__loan__in=loans.order_by().values("pk"),
        paid_on__isnull=True,
    ).select_related("schedule__loan__member", "schedule__loan__standing")
    promises = PaymentPromise.objects.filter(
        status=PaymentPromise.Status.OPEN, loan__in=loans.order_by().values("pk")
    ).select_related("loan__member")
    applications = applications_visible_to(user).filter(status__in=("draft", "submitted", "approved"))
    if not all_in_reach:
        applications = applications.filter(created_by=user)
    overdue = loans.filter(schedule__rows__paid_on__isnull=True, schedule__rows__due_on__lt=today).distinct()
    return {
        "due": list(rows.filter(due_on=today).order_by("schedule__loan__number")[:limit]),
        "overdue": list(overdue.order_by("-standing__days_past_due", "pk")[:limit]),
        "promises": list(promises.order_by("due_on", "pk")[:limit]),
        "applications": list(applications.order_by("status", "created_at")[:limit]),
        "waiting": applications.filter(status=LoanApplication.Status.SUBMITTED).count(),
    }
