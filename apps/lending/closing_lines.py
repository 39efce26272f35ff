"""Credit lines at the close of business: how old their arrears are, and what is provided for them.

Interest of a month is due at its end. A line is as old as the oldest month whose interest is not paid; it is provided
for as the loans of its product are, by bucket or by IFRS 9, on what is drawn.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
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
from apps.lending.models import CreditLine, ProvisionPolicy
from apps.lending.selectors import terms_on

KIND = "credit_line_provision"
ALLOWANCES = ("allowance_1", "allowance_2", "allowance_3")
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
 WHERE c.status IN ('active', 'blocked') OR c.provision > 0
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
    """Age every open line, and bring its allowance to what is needed; only differences are booked.

    Facts: lines, late, and the change of the allowances in minor units of all currencies.
    """
    lines = late = amount = 0
    for line_id, since, overdue in rows_of(_OLDEST, {"day": business_date}):
        age = _Age(since, overdue, business_date)
        lines, late, amount = lines + 1, late + bool(age.days), amount + _provide(line_id, age)
    return {"lines": lines, "late": late, "amount": amount}


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
        for role in (*ALLOWANCES, "impairment")
    }
    owed_ids = [line.principal_account_id or 0, line.interest_account_id or 0]
    with in_database([*owed_ids, *roles.values()], actor_id=None) as book:
        fresh = locks.credit_line_lock(pk=line_id)
        if fresh is None:
            return 0
        principal, interest = (max(-book.balance(one).balance, 0) for one in owed_ids)
        stage, required, bucket, why = _needed(fresh, age, arrears, policy, principal, interest)
        held, held_stage = fresh.provision, fresh.provision_stage
        legs: dict[int, int] = defaultdict(int)
        if held:
            legs[roles[f"allowance_{held_stage}"]] -= held
        legs[roles[f"allowance_{stage}"]] += required
        legs[roles["impairment"]] -= required - held
        moved = [Leg(account, amount, fresh.currency) for account, amount in legs.items() if amount]
        if moved:
            book.post(bank_posting(kind=KIND, legs=moved, day=age.day, description="Provisions for credit lines"))
            after = {"provision": required, "stage": stage, "days": age.days, **why}
            before = {"provision": held, "stage": held_stage}
            record(action="lending.credit_line.provided", acting_user=None, target=fresh, before=before, after=after)
        CreditLine.objects.filter(pk=line_id).update(
            as_of=age.day, overdue_since=age.since, days_past_due=age.days, overdue_interest=age.overdue,
            bucket=bucket, stage=stage, provision=required, provision_stage=stage if required else None,
        )  # fmt: skip
        return required - held


def _needed(
    line: CreditLine, age: _Age, arrears: ArrearsTerms, policy: ProvisionPolicy | None, principal: int, interest: int
) -> tuple[int, int, str, dict[str, str | int]]:
    """Stage, allowance, bucket, and what the allowance was worked out from."""
    days = max(age.days - arrears.grace_days, 0)
    bucket = bucket_of(days, arrears.buckets) if arrears.buckets else NONE
    shown = "" if bucket == NONE else bucket
    rules = StageRules(policy.stage_2_after, policy.stage_3_after, 0) if policy else StageRules()
    stage = stage_of(days, rules=rules, impaired=days > arrears.non_accrual_days)
    if policy is None or policy.method == ProvisionPolicy.Method.BUCKETS:
        share = arrears.provisions.get(bucket, 0)
        required = whole_round(principal * share, "half_up") if share else 0
        return stage, required, shown, {"exposure": principal, "share": str(share), "bucket": bucket}
    exposure = principal + (interest if policy.with_interest else 0)
    loss = expected_loss(Risk(exposure, policy.pd_12_months, policy.pd_lifetime, policy.lgd), stage)
    return stage, loss.amount, shown, {"exposure": exposure, "pd": str(loss.pd), "lgd": str(loss.lgd)}
