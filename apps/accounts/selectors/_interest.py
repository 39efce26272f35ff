"""Balances of past days and interest, explained: which figures, which rule, which rounding, from which rows."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from apps.accounts.errors import StatementTooLong
from apps.accounts.interest_terms import Tiers, day_fraction, engine_terms, tiers_of
from apps.accounts.models import Account, Accrual, InterestPosting, ProductTerms
from apps.accounts.partitions import range_with
from apps.calculations.interest import Account as NoMovements
from apps.calculations.interest import explain, interest_calculate
from apps.calculations.rounding import decimal_text
from apps.core.currencies import currency_get

EXPLAIN_DAYS_MAX = 366
SOURCES_MAX = 500

# The row of the day and what the journal has got since it was folded: exact at any moment, and nearly always one row.
_AT = """
SELECT coalesce((SELECT s.{column} FROM accounts_day_balance s
                  WHERE s.account_id = %(account)s AND s.day <= %(day)s ORDER BY s.day DESC LIMIT 1), 0)
     + coalesce((SELECT sum(CASE l.side WHEN 'C' THEN l.amount ELSE -l.amount END)
                   FROM ledger_line l JOIN ledger_journal j ON j.id = l.journal_id
                  WHERE l.account_id = %(account)s AND {date} <= %(day)s AND l.journal_id > coalesce(
                        (SELECT m.journal_id FROM accounts_close_mark m WHERE m.partition = %(partition)s), 0)), 0)
"""
_SOURCES = """
SELECT j.id, j.transaction_id, j.kind, l.business_date, j.value_date,
       CASE l.side WHEN 'C' THEN l.amount ELSE -l.amount END
  FROM ledger_line l JOIN ledger_journal j ON j.id = l.journal_id
 WHERE l.account_id = %s AND j.value_date BETWEEN %s AND %s ORDER BY j.value_date, j.id LIMIT %s
"""


def balance_at(*, ledger_id: int, day: dt.date, valued: bool = False) -> int:
    """The balance at the end of a day, minor units: by business date, or by value date as interest sees it."""
    part = range_with(ledger_id).name
    statement = _AT.format(
        column="valued" if valued else "booked", date="j.value_date" if valued else "l.business_date"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, {"account": ledger_id, "day": day, "partition": part})
        return int(cursor.fetchone()[0])


@dataclass(frozen=True, slots=True)
class ExplainedDay:
    """The interest of one day: what it was taken on, at which rates, and the rows that make it up. Minor units."""

    day: dt.date
    terms: ProductTerms
    base: Decimal
    fraction: str
    slices: list[tuple[Decimal, Decimal]]
    earned: Decimal
    owed: Decimal
    rows: list[Accrual]

    @property
    def is_corrected(self) -> bool:
        """Has a later movement changed it?"""
        return any(row.is_correction for row in self.rows)


@dataclass(frozen=True, slots=True)
class InterestExplained:
    """Interest of an account over some days, with all it is made of; amounts in minor units."""

    account: Account
    starts_on: dt.date
    ends_on: dt.date
    days: list[ExplainedDay]
    conventions: list[tuple[ProductTerms, dict[str, Any]]]
    postings: list[InterestPosting]
    sources: list[tuple[Any, ...]]
    earned: Decimal
    owed: Decimal
    unpaid: Decimal


def interest_explained(*, account: Account, starts_on: dt.date, ends_on: dt.date) -> InterestExplained:
    """How the interest of an account came about from `starts_on` to `ends_on`, both included.

    At most 366 days (`StatementTooLong`). `unpaid` is all that has accrued and was not posted, whatever the period.
    """
    days = (ends_on - starts_on).days + 1
    if not 1 <= days <= EXPLAIN_DAYS_MAX:
        raise StatementTooLong(f"From 1 to {EXPLAIN_DAYS_MAX} days.", pointer="/query/from")
    wanted = [starts_on + dt.timedelta(days=number) for number in range(days)]
    by_day: dict[dt.date, list[Accrual]] = defaultdict(list)
    rows = Accrual.objects.filter(day__in=wanted, account_id=account.ledger_account_id)
    for row in rows.order_by("day", "accrued_on"):
        by_day[row.day].append(row)
    known: dict[UUID, ProductTerms] = ProductTerms.objects.in_bulk(
        {row.terms_id for group in by_day.values() for row in group}
    )
    explained = [_explained(day, group, known[group[-1].terms_id]) for day, group in sorted(by_day.items())]
    with connection.cursor() as cursor:
        cursor.execute(_SOURCES, [account.ledger_account_id, starts_on, ends_on, SOURCES_MAX])
        sources = cursor.fetchall()
    return InterestExplained(
        account=account,
        starts_on=starts_on,
        ends_on=ends_on,
        days=explained,
        conventions=[(terms, convention_of(terms)) for terms in known.values()],
        postings=list(
            InterestPosting.objects.filter(account=account, until__gt=starts_on, since__lte=ends_on)[:SOURCES_MAX]
        ),
        sources=sources,
        earned=sum((one.earned for one in explained), Decimal(0)),
        owed=sum((one.owed for one in explained), Decimal(0)),
        unpaid=interest_unpaid(account=account),
    )


def interest_unpaid(*, account: Account) -> Decimal:
    """What has accrued and is not posted, earned less owed, in minor units, exactly."""
    with connection.cursor() as cursor:
        cursor.execute(_UNPAID, {"id": account.pk, "account": account.ledger_account_id, "opened": account.opened_on})
        return Decimal(cursor.fetchone()[0])


_UNPAID = """
WITH p AS (SELECT until, business_date, carried_earned - carried_owed AS carried FROM accounts_interest_posting
            WHERE account_id = %(id)s AND status = 'posted' ORDER BY until DESC, id DESC LIMIT 1),
     span AS (SELECT coalesce((SELECT until FROM p), %(opened)s) AS since,
                     (SELECT max(accrued_through) FROM accounts_close_mark) AS through)
SELECT coalesce((SELECT carried FROM p), 0)
     + coalesce((SELECT sum(x.earned - x.owed) FROM span,
                   LATERAL generate_series(span.since, span.through, interval '1 day') AS d (day)
                   JOIN accounts_accrual x ON x.day = d.day::date AND x.account_id = %(account)s), 0)
     + coalesce((SELECT sum(x.earned - x.owed) FROM accounts_accrual x, p
                  WHERE x.is_correction AND x.account_id = %(account)s AND x.accrued_on > p.business_date
                    AND x.day < p.until), 0)
"""


def convention_of(terms: ProductTerms) -> dict[str, Any]:
    """Day count, formula and rounding of terms in words, as the calculation engine gives them."""
    nothing = NoMovements(terms.effective_from, terms.effective_from, 0)
    told = explain(interest_calculate(engine_terms(terms), nothing))
    return {name: told[name] for name in ("convention", "formula", "rounding")}


def _explained(day: dt.date, rows: list[Accrual], terms: ProductTerms) -> ExplainedDay:
    fraction = day_fraction(terms.day_count, day)
    base = rows[-1].base
    tiers = tiers_of(terms.rates if base >= 0 else terms.overdraft_rates)
    return ExplainedDay(
        day=day,
        terms=terms,
        base=base,
        fraction=f"{fraction.numerator}/{fraction.denominator}",
        slices=_slices(tiers, abs(base), banded=terms.tiering == ProductTerms.Tiering.BANDED),
        earned=sum((row.earned for row in rows), Decimal(0)),
        owed=sum((row.owed for row in rows), Decimal(0)),
        rows=rows,
    )


def _slices(tiers: Tiers, base: Decimal, *, banded: bool) -> list[tuple[Decimal, Decimal]]:
    """(amount, rate): the whole balance at the rate of its tier, or each slice at its own."""
    reached = [tier for tier in tiers if base >= tier[0]]
    if not reached:
        return []
    if not banded:
        return [(base, reached[-1][1])]
    tops = [Decimal(start) for start, _ in reached[1:]] + [base]
    return [(top - start, rate) for (start, rate), top in zip(reached, tops, strict=True)]


def formula_of(day: ExplainedDay, currency: str) -> str:
    """The figures of a day in the formula: 1000 x 0.05 x 1/365 = 0.136986."""
    shift = -currency_get(currency).exponent
    parts = " + ".join(f"{decimal_text(amount, shift=shift)} x {decimal_text(rate)}" for amount, rate in day.slices)
    sum_text = f"({parts})" if len(day.slices) > 1 else parts
    result = decimal_text(day.earned - day.owed, shift=shift, places=12)
    if day.terms.balance_method == ProductTerms.Method.DAILY:
        sign = "-" if day.base < 0 else ""
        return f"{sign}{sum_text} x {day.fraction} = {result}"
    return f"{sum_text} x fraction of the period so far, less what it had earned = {result}"
