"""Penalties at the close of business: what lateness costs by the rules of the terms, as charges of the loans.

The rules are those of `apps.calculations.arrears.PenaltyRule`, day by day: each close charges its own days on what is
late at that moment. What an instalment and rule were charged is the exact sum of their rows, rounded, up to the cap.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from apps.accounts.partitions import Range, range_of
from apps.balances import services as balances
from apps.balances.services import Leg, Posting
from apps.calculations.arrears import PenaltyRule
from apps.core.money import minor_round
from apps.core.retry import retry_transient
from apps.lending import locks
from apps.lending.closing_accrual import bank_posting
from apps.lending.closing_parts import LEGS_MAX, Group, Listed, groups_of, packed, rows_of, versions_of
from apps.lending.closing_sql import PAUSED
from apps.lending.models import LoanEvent, LoanPenalty

KIND = "loan_penalty"
ONE_LOAN = ("outstanding_principal", "initial_principal")
"""Bases that are of the loan: charged by the day they count once, for the oldest instalment."""

_LATE = """
SELECT DISTINCT l.branch_id, l.product_id, l.charges_account_id, l.id
  FROM lending_loan l JOIN lending_loaninstalment i ON i.schedule_id = l.schedule_id
 WHERE l.status = 'active' AND l.terms_id = ANY (%(terms)s) AND l.interest_account_id BETWEEN %(low)s AND %(high)s
   AND i.paid_on IS NULL AND i.due_on < %(day)s
 ORDER BY l.branch_id, l.product_id, l.charges_account_id
"""
_FACTS = f"""
SELECT l.id, l.branch_id, l.product_id, l.terms_id, l.charges_account_id, l.principal, i.due_on,
       i.principal - i.principal_paid, i.interest - i.interest_paid,
       i.principal + i.interest + i.fees + i.penalties
           - i.principal_paid - i.interest_paid - i.fees_paid - i.penalties_paid
           - (i.penalties - i.penalties_paid),
       i.principal + i.interest + i.fees,
       (SELECT sum(o.principal - o.principal_paid) FROM lending_loaninstalment o WHERE o.schedule_id = l.schedule_id),
       (%(day)s - i.due_on - {PAUSED.format(since="i.due_on")})::int
  FROM lending_loan l JOIN lending_loaninstalment i ON i.schedule_id = l.schedule_id
 WHERE l.id = ANY (%(loans)s) AND l.status = 'active' AND i.paid_on IS NULL AND i.due_on < %(day)s
 ORDER BY l.branch_id, l.product_id, l.id, i.due_on
"""  # noqa: S608 our own words
_BEFORE = """
SELECT loan_id, due_on, rule, sum(days)::int, sum(exact), sum(amount)::bigint FROM lending_loanpenalty
 WHERE loan_id = ANY (%(loans)s) GROUP BY loan_id, due_on, rule
"""
# The row of the schedule in which the day falls; before the first one the first, after the last one the last.
_WRITE = """
WITH news AS (SELECT * FROM unnest(%(loan)s::uuid[], %(amount)s::bigint[]) AS n (loan_id, amount)),
rows AS (
    UPDATE lending_loaninstalment i
       SET penalties = i.penalties + n.amount, charged = i.charged + n.amount, paid_on = NULL
      FROM news n JOIN lending_loan l ON l.id = n.loan_id
     WHERE i.id = coalesce(
               (SELECT x.id FROM lending_loaninstalment x WHERE x.schedule_id = l.schedule_id AND x.due_on >= %(day)s
                 ORDER BY x.number LIMIT 1),
               (SELECT x.id FROM lending_loaninstalment x WHERE x.schedule_id = l.schedule_id
                 ORDER BY x.number DESC LIMIT 1))
)
UPDATE lending_loanstanding s
   SET charges_booked = s.charges_booked + n.amount, penalties_booked = s.penalties_booked + n.amount
  FROM news n WHERE s.loan_id = n.loan_id
"""


class Late(NamedTuple):
    """An instalment that is late, as the rules see it. Minor units."""

    loan_id: UUID
    branch_id: UUID
    product_id: UUID
    terms_id: UUID
    charges_account: int
    initial_principal: int
    due_on: dt.date
    overdue_principal: int
    overdue_interest: int
    overdue: int
    instalment: int
    outstanding_principal: int
    days_late: int


@dataclass(slots=True)
class Before:
    """What was charged for an instalment by a rule."""

    days: int = 0
    exact: Decimal = Decimal(0)
    amount: int = 0


def penalty_step(rule: PenaltyRule, base: int, days_late: int, before: Before) -> tuple[int, Decimal, int]:
    """What one more close charges: (days, exact, amount). `days_late` is without pauses.

    days = those that count by now less those charged; exact = (base x rate + amount) x days;
    amount = round(all exact so far) up to the cap, less what was charged.
    """
    counted = 0 if days_late <= rule.grace_days else days_late - (rule.grace_days if rule.grace == "after_grace" else 0)
    if rule.kind == "once":
        counted = min(counted, 1)
    days = max(counted - before.days, 0)
    exact = (base * Decimal(rule.rate) + rule.amount) * days
    total = minor_round(Fraction(before.exact + exact), rule.rounding.unit, rule.rounding.mode)
    caps = [] if rule.cap is None else [rule.cap]
    if rule.cap_share is not None:
        caps.append(minor_round(base * Fraction(rule.cap_share), 1, "down"))
    if caps:
        total = min(total, *caps)
    return days, exact, max(total - before.amount, 0)


def loans_penalise(*, partition: str, business_date: dt.date) -> dict[str, int]:
    """Charge what lateness costs on the loans of a range, at the close of `business_date`.

    Each instalment and rule once a date. Returns facts: loans charged, and how much in minor units of all currencies.
    """
    accounts = range_of(partition)
    rules = {one.terms.pk: one.penalties for one in versions_of(accounts) if one.penalties}
    if not rules:
        return {"loans": 0, "amount": 0}
    groups = groups_of(accounts)
    income = {key: group.account("penalty_income") for key, group in groups.items()}
    loans = amount = 0
    for pack in packed(_listed(accounts, rules, business_date), {key: frozenset([one]) for key, one in income.items()}):
        count, charged = _pack_penalise(pack, rules, groups, income, business_date)
        loans, amount = loans + count, amount + charged
    return {"loans": loans, "amount": amount}


def _listed(accounts: Range, rules: Mapping[UUID, Any], day: dt.date) -> list[Listed]:
    found = rows_of(_LATE, {"terms": list(rules), "low": accounts.low, "high": accounts.high, "day": day})
    return [Listed(loan, (branch, product), (charges,)) for branch, product, charges, loan in found]


@retry_transient
def _pack_penalise(
    pack: Sequence[Listed],
    rules: Mapping[UUID, Sequence[PenaltyRule]],
    groups: Mapping[tuple[UUID, UUID], Group],
    income: Mapping[tuple[UUID, UUID], int],
    day: dt.date,
) -> tuple[int, int]:
    ids = {one for loan in pack for one in loan.accounts} | {income[key] for key in {loan.group for loan in pack}}
    loans = [loan.loan_id for loan in pack]
    with balances.in_database(ids, actor_id=None) as book:
        locks.loans_lock(ids=loans)
        made = _penalties(loans, rules, day)
        charged = [(late, rows) for late, rows in made if sum(row.amount for row in rows)]
        entries: dict[UUID, tuple[UUID, int | None]] = {}
        by_group: dict[tuple[UUID, UUID], list[tuple[Late, int]]] = defaultdict(list)
        for late, rows in charged:
            by_group[late.branch_id, late.product_id].append((late, sum(row.amount for row in rows)))
        for key, members in by_group.items():
            for start in range(0, len(members), LEGS_MAX):
                some = members[start : start + LEGS_MAX]
                posting = _posting(some, groups[key].currency, income[key], day)
                (outcome,) = book.post(posting)
                entries.update({late.loan_id: (posting.transaction_id, outcome.journal_id) for late, _ in some})
        _write(made, entries, day)
    return len(charged), sum(row.amount for _, rows in charged for row in rows)


def _penalties(
    loans: Sequence[UUID], rules: Mapping[UUID, Sequence[PenaltyRule]], day: dt.date
) -> list[tuple[Late, list[LoanPenalty]]]:
    """The rows of each loan that the close of a day makes; the loan's facts are those of its oldest instalment."""
    before = {row[:3]: Before(*row[3:]) for row in rows_of(_BEFORE, {"loans": list(loans)})}
    by_loan: dict[UUID, list[Late]] = defaultdict(list)
    for late in map(Late._make, rows_of(_FACTS, {"loans": list(loans), "day": day})):
        by_loan[late.loan_id].append(late)
    made = []
    for found in by_loan.values():
        rows = [
            row
            for late in found
            for number, rule in enumerate(rules.get(late.terms_id, ()))
            if late is found[0] or rule.kind == "once" or rule.base not in ONE_LOAN
            if (row := _row(late, number, rule, before.get((late.loan_id, late.due_on, number), Before()), day))
        ]
        if rows:
            made.append((found[0], rows))
    return made


def _row(late: Late, number: int, rule: PenaltyRule, before: Before, day: dt.date) -> LoanPenalty | None:
    base = getattr(late, rule.base)
    days, exact, amount = penalty_step(rule, base, late.days_late, before)
    if not days:
        return None
    return LoanPenalty(
        loan_id=late.loan_id, due_on=late.due_on, rule=number, as_of=day, days_late=late.days_late, days=days,
        base=base, exact=exact, amount=amount,
    )  # fmt: skip


def _posting(members: Iterable[tuple[Late, int]], currency: str, income: int, day: dt.date) -> Posting:
    legs = [Leg(late.charges_account, -amount, currency) for late, amount in members]
    legs.append(Leg(income, -sum(leg.amount for leg in legs), currency))
    return bank_posting(kind=KIND, legs=legs, day=day, description="Penalties on loans")


def _write(
    made: Sequence[tuple[Late, list[LoanPenalty]]], entries: Mapping[UUID, tuple[UUID, int | None]], day: dt.date
) -> None:
    """The charge as an event of the loan, the schedule's row, the standing, and how it came about."""
    loans = list(entries)
    last = dict(
        rows_of(
            "SELECT loan_id, max(sequence) FROM lending_loanevent WHERE loan_id = ANY (%(loans)s) GROUP BY loan_id",
            {"loans": loans},
        )
    )
    events, totals = {}, {}
    for _, rows in made:
        loan_id, total = rows[0].loan_id, sum(row.amount for row in rows)
        if not total:
            continue
        key = f"{KIND}:{loan_id}:{day}"
        totals[loan_id] = total
        events[loan_id] = LoanEvent(
            loan_id=loan_id, sequence=last.get(loan_id, 0) + 1, kind=LoanEvent.Kind.CHARGE, value_date=day,
            business_date=day, amount=total, details={"penalty": True}, channel="bank",
            description="Penalty for lateness",
            transaction_id=uuid5(loan_id, key), fingerprint=hashlib.sha256(key.encode()).digest(),
            journal_id=entries[loan_id][1],
        )  # fmt: skip
        for row in rows:
            row.event = events[loan_id]
    LoanEvent.objects.bulk_create(events.values())
    LoanPenalty.objects.bulk_create([row for _, rows in made for row in rows])
    if totals:
        rows_of(_WRITE, {"loan": list(totals), "amount": list(totals.values()), "day": day})
