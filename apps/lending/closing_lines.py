"""Credit lines at the close of business: how old their arrears are, what is in suspense, what is provided for them.

Interest of a month is due at its end. A line is as old as the oldest month whose interest is not paid. Late past the
limit of its terms its unpaid interest is in suspense, until nothing is overdue. It is provided for as the loans of its
product are, by bucket or by IFRS 9, on what is drawn, and goes a stage back when it is cured.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from apps.audit.services import record
from apps.balances import services as balances
from apps.balances.services import Leg, in_database
from apps.calculations.arrears import NONE, Risk, StageRules, bucket_of, expected_loss, stage_of
from apps.calculations.rounding import whole_round
from apps.core.retry import retry_transient
from apps.lending import locks
from apps.lending.closing_accrual import bank_posting
from apps.lending.closing_parts import rows_of
from apps.lending.conventions import ArrearsTerms, arrears_read
from apps.lending.mapping import mapping_of
from apps.lending.models import CreditLine, LoanProduct, ProvisionPolicy
from apps.lending.selectors import terms_on

KIND = "credit_line_provision"
SUSPENSE = "credit_line_suspense"
ROLES = ("allowance_1", "allowance_2", "allowance_3", "impairment", "suspense", "interest_income")
_OLDEST = """
WITH months AS (
    SELECT d.line_id, (date_trunc('month', d.business_date) + interval '1 month - 1 day')::date AS due,
           sum(d.booked) AS booked
      FROM lending_creditlineday d GROUP BY 1, 2
), totals AS (
    SELECT line_id, due, sum(booked) OVER (PARTITION BY line_id ORDER BY due) AS total FROM months
), paid AS (
    SELECT line_id, sum(interest) AS amount FROM lending_creditlineevent GROUP BY 1
)
SELECT c.id, min(t.due) FILTER (WHERE t.total > coalesce(p.amount, 0)),
       greatest(coalesce(max(t.total), 0) - coalesce(max(p.amount), 0), 0)::bigint
  FROM lending_creditline c
  LEFT JOIN totals t ON t.line_id = c.id AND t.due < %(day)s
  LEFT JOIN paid p ON p.line_id = c.id
 WHERE c.status IN ('active', 'blocked') OR c.provision > 0 OR c.suspended > 0
 GROUP BY c.id ORDER BY c.id
"""


@dataclass(frozen=True, slots=True)
class _Age:
    """Since when interest is overdue, and how much, minor units."""

    since: dt.date | None
    overdue: int
    day: dt.date

    @property
    def days(self) -> int:
        return (self.day - self.since).days if self.since is not None else 0


def credit_lines_provide(*, business_date: dt.date) -> dict[str, int]:
    """Age every open line, and bring suspense and allowance to what is needed; only differences are booked.

    Facts: lines, late, and the change of the allowances in minor units of all currencies.
    """
    lines = late = amount = 0
    for line_id, since, overdue in rows_of(_OLDEST, {"day": business_date}):
        age = _Age(since, overdue, business_date)
        lines, late, amount = lines + 1, late + bool(age.days), amount + _provide(line_id, age)
    return {"lines": lines, "late": late, "amount": amount}


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where a line stands after a close: allowance and suspense in minor units."""

    stage: int
    bucket: str
    non_accrual: bool
    suspended: int
    required: int
    basis: dict[str, str | int]


@retry_transient
def _provide(line_id: UUID, age: _Age) -> int:
    line = CreditLine.objects.select_related("product", "branch").get(pk=line_id)
    terms = terms_on(product_id=line.product_id, day=line.opened_on or age.day)
    arrears = arrears_read(terms.arrears if terms is not None else {})
    policy = (
        ProvisionPolicy.objects.filter(product=line.product_id, effective_from__lte=age.day)
        .order_by("-effective_from")
        .first()
    )
    mapping = mapping_of(line.product.mapping)
    roles = {
        role: balances.internal_account_id(
            gl_code=mapping[role], branch_id=line.branch_id, branch_code=line.branch.code, currency=line.currency
        )
        for role in ROLES
    }
    owed_ids = [line.principal_account_id or 0, line.interest_account_id or 0]
    with in_database([*owed_ids, *roles.values()], actor_id=None) as book:
        fresh = locks.credit_line_lock(pk=line_id)
        if fresh is None:
            return 0
        principal, interest = (max(-book.balance(one).balance, 0) for one in owed_ids)
        then = _standing(fresh, age, arrears, policy, principal, interest)
        for kind, words, legs in (
            (SUSPENSE, "Interest of credit lines in suspense", _suspense_legs(fresh, then, roles)),
            (KIND, "Provisions for credit lines", _allowance_legs(fresh, then, roles)),
        ):
            moved = [Leg(account, amount, fresh.currency) for account, amount in legs.items() if amount]
            if moved:
                book.post(bank_posting(kind=kind, legs=moved, day=age.day, description=words))
        change = then.required - fresh.provision
        _keep(fresh, then, age)
        return change


def _standing(
    line: CreditLine, age: _Age, arrears: ArrearsTerms, policy: ProvisionPolicy | None, principal: int, interest: int
) -> _Standing:
    days = max(age.days - arrears.grace_days, 0)
    bucket = bucket_of(days, arrears.buckets) if arrears.buckets else NONE
    non_accrual = age.since is not None and (days > arrears.non_accrual_days or line.is_non_accrual)
    by_cash = line.product.accounting == LoanProduct.Accounting.CASH
    suspended = interest if non_accrual or by_cash else 0
    rules = StageRules(policy.stage_2_after, policy.stage_3_after, policy.cure_days) if policy else StageRules()
    late_on = age.day if age.since is not None else line.late_on
    clean = rules.cure_days if late_on is None else (age.day - late_on).days
    stage = stage_of(days, rules=rules, impaired=non_accrual, before=line.stage, days_clean=clean)
    if line.as_of == age.day:  # the close is run again: not back a second stage
        stage = max(stage, line.stage)
    basis: dict[str, str | int]
    if policy is None or policy.method == ProvisionPolicy.Method.BUCKETS:
        share = arrears.provisions.get(bucket, 0)
        required = whole_round(principal * share, "half_up") if share else 0
        basis = {"method": "buckets", "exposure": principal, "share": str(share), "bucket": bucket}
    else:
        exposure = principal + (interest - suspended if policy.with_interest else 0)
        loss = expected_loss(Risk(exposure, policy.pd_12_months, policy.pd_lifetime, policy.lgd), stage)
        required = loss.amount
        basis = {"method": "ifrs9", "exposure": exposure, "pd": str(loss.pd), "lgd": str(loss.lgd)}
    basis |= {"days": days, "stage": stage, "day": str(age.day)}
    return _Standing(stage, "" if bucket == NONE else bucket, non_accrual, suspended, required, basis)


def _suspense_legs(line: CreditLine, then: _Standing, roles: Mapping[str, int]) -> dict[int, int]:
    """What is in suspense is no income: the difference goes from one to the other."""
    change = then.suspended - line.suspended
    return {roles["interest_income"]: -change, roles["suspense"]: change}


def _allowance_legs(line: CreditLine, then: _Standing, roles: Mapping[str, int]) -> dict[int, int]:
    legs: dict[int, int] = defaultdict(int)
    if line.provision:
        legs[roles[f"allowance_{line.provision_stage}"]] -= line.provision
    legs[roles[f"allowance_{then.stage}"]] += then.required
    legs[roles["impairment"]] -= then.required - line.provision
    return legs


def _keep(line: CreditLine, then: _Standing, age: _Age) -> None:
    """What is kept of the line, and the audit of what changed."""
    names = ("provision", "stage", "suspended", "is_non_accrual")
    before = {name: getattr(line, name) for name in names}
    after = dict(zip(names, (then.required, then.stage, then.suspended, then.non_accrual), strict=True))
    if after != before:
        record(
            action="lending.credit_line.provided", acting_user=None, target=line, before=before,
            after={**after, "days": age.days, **then.basis},
        )  # fmt: skip
    CreditLine.objects.filter(pk=line.pk).update(
        as_of=age.day, overdue_since=age.since, days_past_due=age.days, overdue_interest=age.overdue,
        late_on=age.day if age.since is not None else line.late_on, bucket=then.bucket,
        provision_stage=then.stage if then.required else None, provision_basis=then.basis,
        non_accrual_since=(line.non_accrual_since or age.day) if then.non_accrual else None, **after,
    )  # fmt: skip
