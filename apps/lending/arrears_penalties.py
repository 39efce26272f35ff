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
from apps.core.ids import uuid7
from apps.core.money import minor_round
from apps.core.retry import retry_transient
from apps.lending import locks
from apps.lending.closing_accrual import bank_posting
from apps.lending.closing_parts import LEGS_MAX, Group, Listed, groups_of, packed, rows_of, versions_of
from apps.lending.closing_sql import PAUSED

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
WITH news AS (
    SELECT * FROM unnest(%(loan)s::uuid[], %(event)s::uuid[], %(transaction)s::uuid[], %(fingerprint)s::text[],
                         %(journal)s::bigint[], %(amount)s::bigint[])
        AS n (loan_id, event_id, transaction_id, fingerprint, journal_id, amount)
), events AS (
    INSERT INTO lending_loanevent (id, created_at, updated_at, version, loan_id, sequence, kind, value_date,
        business_date, amount, details, principal, interest, fees, penalties, overpaid, channel, reference, description,
        transaction_id, fingerprint, journal_id, reversal_reason)
    SELECT n.event_id, now(), now(), 1, n.loan_id,
           1 + coalesce((SELECT max(e.sequence) FROM lending_loanevent e WHERE e.loan_id = n.loan_id), 0),
           'charge', %(day)s, %(day)s, n.amount, '{"penalty": true}', 0, 0, 0, 0, 0, 'bank', '', 'Penalty for lateness',
           n.transaction_id, decode(n.fingerprint, 'hex'), n.journal_id, ''
      FROM news n
), rows AS (
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

_NOTED = """
INSERT INTO lending_loanpenalty (loan_id, due_on, rule, as_of, days_late, days, base, exact, amount, event_id)
SELECT loan_id, due_on, rule, %(day)s, days_late, days, base, exact, amount, event_id
  FROM unnest(%(loan)s::uuid[], %(due_on)s::date[], %(rule)s::int[], %(days_late)s::int[], %(days)s::int[],
              %(base)s::bigint[], %(exact)s::numeric[], %(amount)s::bigint[], %(event)s::uuid[])
    AS n (loan_id, due_on, rule, days_late, days, base, exact, amount, event_id)
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


class Charged(NamedTuple):
    """What one close charges for one instalment by one rule; the columns of `LoanPenalty`."""

    loan: UUID
    due_on: dt.date
    rule: int
    days_late: int
    days: int
    base: int
    exact: Decimal
    amount: int


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
        entries: dict[UUID, int | None] = {}
        by_group: dict[tuple[UUID, UUID], list[tuple[Late, int]]] = defaultdict(list)
        for late, rows in charged:
            by_group[late.branch_id, late.product_id].append((late, sum(row.amount for row in rows)))
        for key, members in by_group.items():
            for start in range(0, len(members), LEGS_MAX):
                some = members[start : start + LEGS_MAX]
                posting = _posting(some, groups[key].currency, income[key], day)
                (outcome,) = book.post(posting)
                entries.update({late.loan_id: outcome.journal_id for late, _ in some})
        _write(made, entries, day)
    return len(charged), sum(row.amount for _, rows in charged for row in rows)


def _penalties(
    loans: Sequence[UUID], rules: Mapping[UUID, Sequence[PenaltyRule]], day: dt.date
) -> list[tuple[Late, list[Charged]]]:
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


def _row(late: Late, number: int, rule: PenaltyRule, before: Before, day: dt.date) -> Charged | None:
    base = getattr(late, rule.base)
    days, exact, amount = penalty_step(rule, base, late.days_late, before)
    if not days:
        return None
    return Charged(late.loan_id, late.due_on, number, late.days_late, days, base, exact, amount)


def _posting(members: Iterable[tuple[Late, int]], currency: str, income: int, day: dt.date) -> Posting:
    legs = [Leg(late.charges_account, -amount, currency) for late, amount in members]
    legs.append(Leg(income, -sum(leg.amount for leg in legs), currency))
    return bank_posting(kind=KIND, legs=legs, day=day, description="Penalties on loans")


def _write(made: Sequence[tuple[Late, list[Charged]]], entries: Mapping[UUID, int | None], day: dt.date) -> None:
    """The charge as an event of the loan, the schedule's row, the standing, and how it came about."""
    totals = {rows[0].loan: sum(row.amount for row in rows) for _, rows in made}
    charged = {loan: amount for loan, amount in totals.items() if amount}
    keys = {loan: f"{KIND}:{loan}:{day}" for loan in charged}
    events = {loan: uuid7() for loan in charged}
    if charged:
        rows_of(
            _WRITE,
            {
                "loan": list(charged), "event": list(events.values()), "amount": list(charged.values()),
                "transaction": [uuid5(loan, key) for loan, key in keys.items()],
                "fingerprint": [hashlib.sha256(key.encode()).hexdigest() for key in keys.values()],
                "journal": [entries[loan] for loan in charged], "day": day,
            },
        )  # fmt: skip
    noted = [row for _, rows in made for row in rows]
    if noted:
        columns: dict[str, Any] = {name: [getattr(row, name) for row in noted] for name in Charged._fields}
        rows_of(_NOTED, {**columns, "event": [events.get(row.loan) for row in noted], "day": day})
