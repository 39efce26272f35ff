"""Balances at the ends of days, for statements: from totals of closed periods, of days, and the newest lines.

What is posted into a closed period is nothing, so its totals are kept once and read instead of its days; a bank of many
years reads a few rows for each. Every reading is one statement of SQL, hence of one state of the books.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from apps.ledger.models import AccountingPeriod, JournalEntry, JournalLine, PeriodTotal

CLOSING = "year_close"
"""Kind of the entries that close a year, or open it again."""

CLOSING_YEARS = 80
"""How many years before the last moment closing entries are looked for."""


def closing_reference(year: int) -> str:
    """The reference of the entries that close a year: by its index they are found among millions."""
    return f"YEAR-CLOSE-{year}"


@dataclass(frozen=True, slots=True)
class Place:
    """A column of a statement: the end of a day, of one branch or of all that are read."""

    day: dt.date
    branch_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class BalancesAt:
    """Credit-positive minor units by code of the chart, a mapping a place, up to one journal entry.

    `closings` are the parts of `days` that closing entries of years posted: what an income statement leaves out.
    """

    days: tuple[dict[str, int], ...]
    closings: tuple[dict[str, int], ...]
    as_of_entry: int


@dataclass(frozen=True, slots=True)
class DayNet:
    """What a node of the chart moved by in one foreign currency on one day; credit-positive minor units."""

    currency: str
    code: str
    day: dt.date
    net: int
    closing: int


# `whole` are closed periods with kept totals that no place divides: each counts as one day, its last.
_MOVEMENTS = """
WITH sealed AS (SELECT last_id FROM ledger_seal_state WHERE id = 1),
whole AS MATERIALIZED (
    SELECT p.id, p.starts_on, p.ends_on FROM ledger_accountingperiod p
     WHERE %(totals)s AND p.ends_on <= %(last)s
       AND EXISTS (SELECT 1 FROM ledger_period_total t WHERE t.period_id = p.id)
       AND NOT EXISTS (SELECT 1 FROM unnest(%(days)s::date[]) AS cut WHERE cut >= p.starts_on AND cut < p.ends_on)
), movements AS (
    SELECT t.gl_account_id, t.branch_id, t.currency, w.ends_on AS business_date, t.credit - t.debit AS net, 0 AS closing
      FROM ledger_period_total t JOIN whole w ON w.id = t.period_id
     WHERE %(currency)s::text IS NULL OR t.currency = %(currency)s
    UNION ALL
    SELECT t.gl_account_id, t.branch_id, t.currency, t.business_date, t.credit - t.debit, 0 FROM ledger_daily_total t
     WHERE (%(currency)s::text IS NULL OR t.currency = %(currency)s) AND t.business_date <= %(last)s
       AND NOT EXISTS (SELECT 1 FROM whole w WHERE t.business_date BETWEEN w.starts_on AND w.ends_on)
    UNION ALL
    SELECT a.gl_account_id, a.branch_id, l.currency, l.business_date,
           CASE WHEN l.side = 'C' THEN l.amount ELSE -l.amount END, 0
      FROM ledger_line l JOIN ledger_ledgeraccount a ON a.id = l.account_id
     WHERE l.journal_id > (SELECT last_id FROM sealed)
       AND (%(currency)s::text IS NULL OR l.currency = %(currency)s) AND l.business_date <= %(last)s
    UNION ALL
    SELECT a.gl_account_id, a.branch_id, l.currency, l.business_date, 0,
           CASE WHEN l.side = 'C' THEN l.amount ELSE -l.amount END
      FROM ledger_journal j JOIN ledger_line l ON l.journal_id = j.id
      JOIN ledger_ledgeraccount a ON a.id = l.account_id
     WHERE j.reference <> '' AND j.reference = ANY (%(closings)s::text[]) AND j.kind = %(kind)s
       AND (%(currency)s::text IS NULL OR l.currency = %(currency)s) AND l.business_date <= %(last)s
), moved AS (
    SELECT m.gl_account_id, m.branch_id, m.currency, m.business_date, sum(m.net) AS net, sum(m.closing) AS closing
      FROM movements m
     WHERE %(branches)s::uuid[] IS NULL OR m.branch_id = ANY (%(branches)s::uuid[])
     GROUP BY m.gl_account_id, m.branch_id, m.currency, m.business_date
)
"""

_AT = (
    _MOVEMENTS  # noqa: S608 (all of it is written here)
    + """
SELECT at.place, g.code, sum(d.net), sum(d.closing), (SELECT coalesce(max(id), 0) FROM ledger_journal)
  FROM moved d JOIN ledger_glaccount g ON g.id = d.gl_account_id
  JOIN unnest(%(days)s::date[], %(of_branches)s::uuid[]) WITH ORDINALITY AS at (day, branch_id, place)
    ON d.business_date <= at.day AND (at.branch_id IS NULL OR at.branch_id = d.branch_id)
 GROUP BY at.place, g.code
"""
)

_BY_DAY = (
    _MOVEMENTS  # noqa: S608
    + """
SELECT d.currency, g.code, CASE WHEN d.currency = %(base)s THEN at.place END,
       CASE WHEN d.currency <> %(base)s THEN d.business_date END,
       sum(d.net), sum(d.closing), (SELECT coalesce(max(id), 0) FROM ledger_journal)
  FROM moved d JOIN ledger_glaccount g ON g.id = d.gl_account_id
  LEFT JOIN unnest(%(days)s::date[]) WITH ORDINALITY AS at (day, place)
    ON d.currency = %(base)s AND d.business_date <= at.day
 WHERE d.currency <> %(base)s OR at.place IS NOT NULL
 GROUP BY 1, 2, 3, 4
"""
)

_NOMINAL = (
    _MOVEMENTS
    + """
SELECT d.branch_id, b.code, d.currency, g.code, sum(d.net)::bigint
  FROM moved d JOIN ledger_glaccount g ON g.id = d.gl_account_id JOIN identity_branch b ON b.id = d.branch_id
 WHERE g.type IN ('income', 'expense')
 GROUP BY 1, 2, 3, 4 HAVING sum(d.net) <> 0 ORDER BY b.code, d.currency, g.code
"""
)


def _parameters(
    days: Sequence[dt.date], currency: str | None, branch_ids: Sequence[UUID] | None, *, totals: bool = True
) -> dict[str, Any]:
    last = max(days)
    return {
        "days": list(days),
        "last": last,
        "currency": currency,
        "branches": list(branch_ids) if branch_ids is not None else None,
        "closings": [closing_reference(year) for year in range(last.year - CLOSING_YEARS, last.year + 1)],
        "kind": CLOSING,
        "totals": totals,
    }


def balances_at(*, places: Sequence[Place], currency: str, branch_ids: Sequence[UUID] | None = None) -> BalancesAt:
    """The books of one currency at these places, all as of one moment of reading.

    What moved between two of them is their difference, whatever is posted meanwhile: it is one statement.
    """
    parameters = _parameters([place.day for place in places], currency, branch_ids)
    with connection.cursor() as cursor:
        cursor.execute(_AT, {**parameters, "of_branches": [place.branch_id for place in places]})
        records = cursor.fetchall()
    days: tuple[dict[str, int], ...] = tuple({} for _ in places)
    closings: tuple[dict[str, int], ...] = tuple({} for _ in places)
    for place, code, net, closing, _ in records:
        days[place - 1][code] = int(net)
        if closing:
            closings[place - 1][code] = int(closing)
    return BalancesAt(days, closings, records[0][4] if records else 0)


def balances_by_day(
    *, days: Sequence[dt.date], base: str, branch_ids: Sequence[UUID] | None = None
) -> tuple[BalancesAt, list[DayNet]]:
    """The books of `base` at the ends of these days, and every movement of other currencies by its day.

    For translation, which asks for the rate of the day of each movement; one statement, as `balances_at`.
    """
    parameters = _parameters(days, None, branch_ids, totals=False)
    with connection.cursor() as cursor:
        cursor.execute(_BY_DAY, {**parameters, "base": base})
        records = cursor.fetchall()
    own: tuple[dict[str, int], ...] = tuple({} for _ in days)
    closings: tuple[dict[str, int], ...] = tuple({} for _ in days)
    foreign = []
    for currency, code, place, day, net, closing, _ in records:
        if day is not None:
            foreign.append(DayNet(currency, code, day, int(net), int(closing)))
            continue
        own[place - 1][code] = int(net)
        if closing:
            closings[place - 1][code] = int(closing)
    return BalancesAt(own, closings, records[0][6] if records else 0), foreign


@dataclass(frozen=True, slots=True)
class NominalBalance:
    """What an income or expense node holds in one branch and currency, closing entries counted; minor units."""

    branch_id: UUID
    branch_code: str
    currency: str
    code: str
    net: int


def nominal_balances(*, as_of: dt.date) -> list[NominalBalance]:
    """Income and expense that no closing entry has moved on yet, at the end of a day; zero ones are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_NOMINAL, _parameters([as_of], None, None))
        return [NominalBalance(*row) for row in cursor.fetchall()]


def closing_entries(*, year: int) -> list[JournalEntry]:
    """The entries that closed a year or opened it again, oldest first, with lines, accounts and reversals."""
    entries = JournalEntry.objects.filter(
        reference=closing_reference(year), kind=CLOSING, outcome=JournalEntry.Outcome.OK
    )
    return list(entries.prefetch_related("lines__account", "reversals").order_by("id"))


_KEEP = """
INSERT INTO ledger_period_total (period_id, gl_account_id, branch_id, currency, debit, credit)
SELECT %(period)s, gl_account_id, branch_id, currency, sum(debit), sum(credit) FROM ledger_daily_total
 WHERE business_date BETWEEN %(first)s AND %(last)s
 GROUP BY gl_account_id, branch_id, currency
    ON CONFLICT DO NOTHING
"""

_UNSEALED = """
SELECT EXISTS (SELECT 1 FROM ledger_journal WHERE id > (SELECT last_id FROM ledger_seal_state WHERE id = 1)
                  AND business_date BETWEEN %(first)s AND %(last)s)
"""


def periods_without_totals() -> Iterable[AccountingPeriod]:
    """Closed periods whose totals are not kept yet, oldest first."""
    kept = PeriodTotal.objects.values("period_id")
    closed = AccountingPeriod.objects.filter(status=AccountingPeriod.Status.CLOSED)
    return closed.exclude(pk__in=kept).order_by("starts_on")


def period_totals_keep() -> int:
    """Keep the totals of every closed period whose entries are all sealed; how many periods. Twice is once."""
    kept = 0
    for period in periods_without_totals():
        span: dict[str, Any] = {"period": period.pk, "first": period.starts_on, "last": period.ends_on}
        with transaction.atomic(), connection.cursor() as cursor:
            # Closing waited for postings under way, so what is not sealed now is all there will ever be.
            cursor.execute(_UNSEALED, span)
            if cursor.fetchone()[0]:
                continue
            cursor.execute(_KEEP, span)
            kept += bool(cursor.rowcount)
    return kept


def journal_lines(*, branch_ids: Sequence[UUID] | None) -> QuerySet[JournalLine]:
    """Lines of posted entries in these branches, in all for None; unordered, for reports."""
    lines = JournalLine.objects.order_by()
    return lines if branch_ids is None else lines.filter(account__branch_id__in=branch_ids)


_MONTHLY = (
    _MOVEMENTS
    + """
SELECT d.branch_id, g.code, date_trunc('month', d.business_date)::date, sum(d.net - d.closing)::bigint
  FROM moved d JOIN ledger_glaccount g ON g.id = d.gl_account_id
 WHERE d.business_date >= %(first)s AND g.type IN ('income', 'expense')
 GROUP BY 1, 2, 3 HAVING sum(d.net - d.closing) <> 0
"""
)


def results_by_month(
    *, first: dt.date, last: dt.date, currency: str, branch_ids: Sequence[UUID] | None = None
) -> dict[tuple[UUID, str, dt.date], int]:
    """What income and expenses moved by in each month, by (branch, code, first of the month); closing entries left out.

    Credit-positive minor units.
    """
    parameters = _parameters([last], currency, branch_ids, totals=False)
    with connection.cursor() as cursor:
        cursor.execute(_MONTHLY, {**parameters, "first": first})
        return {(branch, code, month): net for branch, code, month, net in cursor.fetchall()}
