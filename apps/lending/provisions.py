"""Provisions at the close of business: what each loan needs, by bucket or by IFRS 9, and the entry of the difference.

The statement is `apps.calculations.arrears.stage_of` and `expected_loss` for a range of loans at once.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.accounts.partitions import Range, range_of
from apps.audit.services import record
from apps.balances import services as balances
from apps.balances.services import Leg
from apps.calculations.arrears import StageRules
from apps.core.retry import retry_transient
from apps.identity.models import User
from apps.lending import locks
from apps.lending.closing_accrual import bank_posting
from apps.lending.closing_parts import Group, Version, groups_of, rows_of, versions_of
from apps.lending.closing_sql import PAUSED
from apps.lending.errors import LoanProductNotUsable, LoanTermsInvalid, LoanTermsPast
from apps.lending.models import LoanProduct, ProvisionPolicy

KIND = "loan_provision"
STAGES = (1, 2, 3)
ROLES = ("allowance_1", "allowance_2", "allowance_3", "impairment")
USUAL = StageRules()

PACK = 2_000
"""Loans that are provided for in one transaction: all of them are locked that long."""
_LISTED = """
SELECT l.id FROM lending_loan l JOIN lending_loanstanding s ON s.loan_id = l.id
 WHERE l.branch_id = %(branch)s AND l.product_id = %(product)s
   AND l.interest_account_id BETWEEN %(low)s AND %(high)s AND (l.status = 'active' OR s.provision > 0)
 ORDER BY l.interest_account_id
"""
_CHANGED = f"""
WITH needed AS MATERIALIZED (
    SELECT s.loan_id, s.provision AS held, s.provision_stage AS held_stage, s.stage AS before, s.bucket, d.late,
           y.method, g.stage, e.exposure, x.pd, x.lgd,
           CASE WHEN l.status = 'active' THEN floor(e.exposure * x.pd * x.lgd + 0.5)::bigint ELSE 0 END AS required
      FROM lending_loan l
      JOIN lending_loanstanding s ON s.loan_id = l.id
      JOIN unnest(%(terms)s::uuid[], %(graces)s::int[]) AS t (terms_id, grace) ON t.terms_id = l.terms_id
     CROSS JOIN (SELECT %(method)s::text AS method, %(stage_2)s::int AS stage_2, %(stage_3)s::int AS stage_3,
                        %(cure)s::int AS cure) y
     CROSS JOIN LATERAL (
         SELECT CASE WHEN s.overdue_since IS NULL THEN 0
                     ELSE greatest(s.as_of - s.overdue_since - t.grace - {PAUSED.format(since="s.overdue_since")}, 0)
                END AS late) d
     CROSS JOIN LATERAL (
         SELECT CASE WHEN s.is_non_accrual OR d.late > y.stage_3 THEN 3 WHEN d.late > y.stage_2 THEN 2
                     ELSE 1 END AS stage) c
     CROSS JOIN LATERAL (
         SELECT CASE WHEN y.cure = 0 OR c.stage >= s.stage THEN c.stage
                     WHEN s.overdue_since IS NOT NULL OR EXISTS (
                         SELECT FROM lending_loanday n WHERE n.loan_id = l.id AND n.days_past_due > 0
                            AND n.business_date > %(day)s::date - y.cure) THEN s.stage
                     WHEN EXISTS (  -- a close that broke off and is run again does not go back a second stage
                         SELECT FROM lending_provisionchange h WHERE h.loan_id = l.id
                            AND h.business_date = %(day)s) THEN s.stage
                     ELSE greatest(c.stage, s.stage - 1) END AS stage) g
     CROSS JOIN LATERAL (
         SELECT -p.balance + CASE WHEN %(with_interest)s THEN greatest(-i.balance - s.suspended, 0) ELSE 0 END
                AS exposure
           FROM balances_balance p, balances_balance i
          WHERE p.account_id = l.principal_account_id AND i.account_id = l.interest_account_id) e
     CROSS JOIN LATERAL (
         SELECT CASE WHEN y.method = 'buckets' THEN coalesce((
                         SELECT b.share FROM unnest(%(share_terms)s::uuid[], %(share_names)s::text[],
                                                    %(shares)s::numeric[])
                                        AS b (terms_id, name, share)
                          WHERE b.terms_id = l.terms_id AND b.name = s.bucket), 0)
                     WHEN g.stage = 1 THEN %(pd_12)s::numeric WHEN g.stage = 2 THEN %(pd_life)s::numeric
                     ELSE 1 END AS pd,
                CASE WHEN y.method = 'buckets' THEN 1 ELSE %(lgd)s::numeric END AS lgd) x
     WHERE l.id = ANY (%(loans)s)
), changed AS (
    UPDATE lending_loanstanding s
       SET stage = n.stage, provision = n.required, provision_stage = CASE WHEN n.required > 0 THEN n.stage END
      FROM needed n
     WHERE s.loan_id = n.loan_id
       AND (n.held <> n.required OR n.stage <> n.before
            OR n.held_stage IS DISTINCT FROM CASE WHEN n.required > 0 THEN n.stage END)
 RETURNING n.*
), noted AS (
    INSERT INTO lending_provisionchange AS h (loan_id, business_date, from_stage, to_stage, held, required, exposure,
                                              days, bucket, method, pd, lgd)
    SELECT loan_id, %(day)s, held_stage, stage, held, required, exposure, late, bucket, method, pd, lgd FROM changed
        ON CONFLICT (loan_id, business_date) DO UPDATE
       SET to_stage = excluded.to_stage, required = excluded.required, exposure = excluded.exposure,
           days = excluded.days, bucket = excluded.bucket, method = excluded.method, pd = excluded.pd,
           lgd = excluded.lgd
)
SELECT held_stage, stage, count(*), sum(held)::bigint, sum(required)::bigint FROM changed GROUP BY held_stage, stage
"""  # noqa: S608 our own words


def loans_provide(*, partition: str, business_date: dt.date) -> dict[str, int]:
    """Bring the allowances of a range of loans to what is needed, an entry a branch and product, dated the close.

    Only differences are booked: a second run finds none. Returns facts: loans that changed, and by how much in minor
    units of all currencies.
    """
    accounts = range_of(partition)
    versions = versions_of(accounts, provided=True)
    policies = _policies(business_date)
    loans = amount = 0
    for key, group in groups_of(accounts, provided=True).items():
        mine = [one for one in versions if one.terms.product_id == key[1]]
        roles = group.accounts(ROLES)
        values = _values(mine, policies.get(key[1]), accounts, business_date)
        ids = [one for (one,) in rows_of(_LISTED, {**values, "branch": key[0], "product": key[1]})]
        for start in range(0, len(ids), PACK):
            count, delta = _pack_provide(ids[start : start + PACK], group, roles, values)
            loans, amount = loans + count, amount + delta
    return {"loans": loans, "amount": amount}


@retry_transient
def _pack_provide(
    loans: Sequence[UUID], group: Group, roles: Mapping[str, int], values: Mapping[str, Any]
) -> tuple[int, int]:
    legs: dict[int, int] = defaultdict(int)
    with balances.in_database(set(roles.values()), actor_id=None) as book:
        locks.loans_lock(ids=loans)
        found = rows_of(_CHANGED, {**values, "loans": loans})
        for held_stage, stage, _, held, required in found:
            if held:
                legs[roles[f"allowance_{held_stage}"]] -= held
            legs[roles[f"allowance_{stage}"]] += required
            legs[roles["impairment"]] -= required - held
        moved = [Leg(account, amount, group.currency) for account, amount in legs.items() if amount]
        if moved:
            book.post(bank_posting(kind=KIND, legs=moved, day=values["day"], description="Provisions for loans"))
    return sum(row[2] for row in found), sum(row[4] - row[3] for row in found)


def _policies(day: dt.date) -> dict[UUID, ProvisionPolicy]:
    found = ProvisionPolicy.objects.filter(effective_from__lte=day).order_by("effective_from")
    return {one.product_id: one for one in found}


def _values(
    versions: Sequence[Version], policy: ProvisionPolicy | None, accounts: Range, day: dt.date
) -> dict[str, Any]:
    shares = [
        (one.terms.pk, "" if name == "none" else name, share)
        for one in versions
        for name, share in one.arrears.provisions.items()
    ]
    return {
        "terms": [one.terms.pk for one in versions],
        "graces": [one.arrears.grace_days for one in versions],
        "share_terms": [terms for terms, _, _ in shares],
        "share_names": [name for _, name, _ in shares],
        "shares": [share for _, _, share in shares],
        "method": policy.method if policy else ProvisionPolicy.Method.BUCKETS.value,
        "stage_2": policy.stage_2_after if policy else USUAL.stage_2_after,
        "stage_3": policy.stage_3_after if policy else USUAL.stage_3_after,
        "cure": policy.cure_days if policy else USUAL.cure_days,
        "pd_12": policy.pd_12_months if policy else Decimal(0),
        "pd_life": policy.pd_lifetime if policy else Decimal(0),
        "lgd": policy.lgd if policy else Decimal(1),
        "with_interest": bool(policy and policy.with_interest),
        "low": accounts.low,
        "high": accounts.high,
        "day": day,
    }


def provision_policy_set(
    *,
    acting_user: User | None,
    product_id: UUID,
    effective_from: dt.date,
    today: dt.date,
    at: dt.datetime,
    **values: Any,
) -> ProvisionPolicy:
    """How loans of a product are provided for from a business date on; the closes before it stay as they were.

    `values` are fields of `ProvisionPolicy`: method, days of the stages, probabilities and loss as fractions.
    Raises LoanProductNotUsable, LoanTermsPast for a day before `today` or that has a policy, LoanTermsInvalid.
    """
    product = product_of(product_id)
    if effective_from < today:
        raise LoanTermsPast("A policy begins on the open business day or later.", pointer="/effective_from")
    if ProvisionPolicy.objects.filter(product=product, effective_from=effective_from).exists():
        raise LoanTermsPast("There is a policy from that day on.", pointer="/effective_from")
    policy = ProvisionPolicy(product=product, effective_from=effective_from, **values)
    for name in ("pd_12_months", "pd_lifetime", "lgd"):
        if not 0 <= getattr(policy, name) <= 1:
            raise LoanTermsInvalid("A fraction between 0 and 1.", pointer=f"/{name}")
    if policy.stage_3_after < policy.stage_2_after:
        raise LoanTermsInvalid("Stage 3 does not begin before stage 2.", pointer="/stage_3_after")
    policy.save(force_insert=True)
    record(
        action="lending.provision_policy.set",
        acting_user=acting_user,
        target=policy,
        after={"product": product.code, "effective_from": str(effective_from), "method": policy.method},
        at=at,
    )
    return policy


def product_of(product_id: UUID) -> LoanProduct:
    """The product. Raises LoanProductNotUsable."""
    product = LoanProduct.objects.filter(pk=product_id).first()
    if product is None:
        raise LoanProductNotUsable("There is no such loan product.", pointer="/product_id")
    return product
