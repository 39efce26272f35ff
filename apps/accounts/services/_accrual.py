"""Daily interest: one row an account and day, set-based; corrections where a back-dated movement changed a day."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Min

from apps.accounts import locks
from apps.accounts.interest_terms import boundary_at
from apps.accounts.models import Account, CloseMark, InterestTotal, ProductTerms, Reaccrual
from apps.accounts.partitions import Range, range_of, range_with
from apps.accounts.services._accrual_sql import accrual_statement
from apps.accounts.services._bank_postings import CLIENT

_ADD = """
INSERT INTO accounts_interest_total AS t (product_id, branch_id, side, exact, booked) VALUES (%s, %s, %s, %s, 0)
    ON CONFLICT (product_id, branch_id, side) DO UPDATE SET exact = t.exact + excluded.exact
"""
_UNFOLDED = """
SELECT EXISTS (SELECT FROM ledger_line l JOIN ledger_journal j ON j.id = l.journal_id
                WHERE l.account_id = %s AND l.journal_id > %s AND j.value_date < %s)
"""
# A close pays many accounts, and then remembers whom: what lies between the two is paid, and must not be paid again.
_UNREMEMBERED = """
SELECT EXISTS (
    SELECT FROM accounts_account a
      JOIN ledger_line l ON l.account_id = a.ledger_account_id
      JOIN ledger_journal j ON j.id = l.journal_id AND j.kind = 'interest'
      JOIN balances_transaction_key k ON k.transaction_id = j.transaction_id AND k.client_id = %s
     WHERE a.ledger_account_id = %s
       AND l.business_date >= coalesce(
           (SELECT max(p.business_date) FROM accounts_interest_posting p WHERE p.account_id = a.id), '-infinity')
       AND NOT EXISTS (SELECT FROM accounts_interest_posting p
                        WHERE p.account_id = a.id AND p.transaction_id = j.transaction_id))
"""
Totals = dict[tuple[UUID, UUID, str], Decimal]


@dataclass
class _Versions:
    """All terms by product, each list in order of their dates; and those that are agreed with single accounts."""

    by_product: dict[UUID, list[ProductTerms]] = field(default_factory=lambda: defaultdict(list))
    agreed: list[ProductTerms] = field(default_factory=list)

    @classmethod
    def read(cls, accounts: Range) -> _Versions:
        found = cls()
        for terms in ProductTerms.objects.order_by("product", "effective_from"):
            found.by_product[terms.product_id].append(terms)
        held = Account.objects.filter(
            ledger_account__gte=accounts.low, ledger_account__lte=accounts.high, fixed_terms__isnull=False
        )
        found.agreed = list(ProductTerms.objects.filter(pk__in=held.values("fixed_terms").distinct()))
        return found

    def on(self, day: dt.date) -> Iterator[tuple[ProductTerms, bool]]:
        """Terms with interest that hold on a day: (terms, agreed with single accounts)."""
        for versions in self.by_product.values():
            number = bisect_right([one.effective_from for one in versions], day)
            if number and _bears(versions[number - 1]):
                yield versions[number - 1], False
        for terms in self.agreed:
            if terms.effective_from <= day and _bears(terms):
                yield terms, True


def _bears(terms: ProductTerms) -> bool:
    return bool(terms.rates or terms.overdraft_rates)


@transaction.atomic
def interest_accrue(*, partition: str, business_date: dt.date, through: dt.date) -> dict[str, int]:
    """Accrue the interest of a range of accounts for the days up to `through`, at the close of `business_date`.

    First the days that back-dated movements changed, then the days that have not accrued. All in one transaction;
    a date that is done is left alone. Returns facts: days, rows, corrections.
    """
    mark = locks.close_mark_lock(partition=partition)
    if mark.accrued_on is not None and mark.accrued_on >= business_date:
        return {"days": 0, "rows": 0, "corrections": 0}
    run = _Run(range_of(partition), business_date)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL work_mem = '64MB'")  # the rows of a range, before they are written
    if mark.accrued_through is not None:
        run.corrections(mark.accrued_through)
    start = mark.accrued_through + dt.timedelta(days=1) if mark.accrued_through else run.first_day(through)
    days = [start + dt.timedelta(days=n) for n in range((through - start).days + 1)]
    for day in days:
        run.day(day)
    totals_add(run.totals)
    mark.accrued_on = business_date
    mark.accrued_through = max(mark.accrued_through or through, through)
    mark.save(update_fields=["accrued_on", "accrued_through"])
    return {"days": len(days), "rows": run.rows, "corrections": run.corrected}


def interest_waits(*, ledger_id: int, before: dt.date, missing: bool = False) -> bool:
    """Does the account wait for a close, because its interest is not yet right?

    Value dates before a day changed, or the close has paid it and does not know so yet; with `missing` also while days
    before have not accrued at all. Under the lock of the balance.
    """
    with connection.cursor() as cursor:
        cursor.execute(_UNREMEMBERED, [CLIENT, ledger_id])
        if cursor.fetchone()[0]:
            return True
    mark = CloseMark.objects.filter(pk=range_with(ledger_id).name).first()
    if mark is None or mark.accrued_through is None:
        return False
    if missing and mark.accrued_through < before - dt.timedelta(days=1):
        return True
    if Reaccrual.objects.filter(account_id=ledger_id).exists():
        return True
    with connection.cursor() as cursor:
        cursor.execute(_UNFOLDED, [ledger_id, mark.journal_id, before])
        return bool(cursor.fetchone()[0])


def interest_catch_up(*, ledger_id: int, until: dt.date) -> None:
    """Accrue the days before `until` that no close has, on an account that is being closed: no close comes back to it.

    Inside the transaction that closes it, and only when `interest_waits` says no: then its balances are known.
    """
    part = range_with(ledger_id).name
    if not CloseMark.objects.filter(pk=part, accrued_through__lt=until - dt.timedelta(days=1)).exists():
        return
    through = locks.close_mark_lock(partition=part).accrued_through or until
    run = _Run(Range(ledger_id, ledger_id), until)
    for number in range(1, (until - through).days):
        run.day(through + dt.timedelta(days=number))
    totals_add(run.totals)


def totals_add(totals: Totals) -> None:
    """Add exact interest (minor units) to the totals by product, branch and side, inside the caller's transaction."""
    rows: list[list[Any]] = [[*key, amount] for key, amount in sorted(totals.items(), key=str) if amount]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_ADD, rows)


class _Run:
    """One close of a range: what was written, and what it adds to the totals."""

    def __init__(self, accounts: Range, business_date: dt.date) -> None:
        self.accounts, self.business_date = accounts, business_date
        self.versions = _Versions.read(accounts)
        self.totals: Totals = defaultdict(Decimal)
        self.rows = self.corrected = 0

    def first_day(self, through: dt.date) -> dt.date:
        """Where accrual begins when there was none: the first account's opening, or the first terms."""
        held = Account.objects.filter(ledger_account__gte=self.accounts.low, ledger_account__lte=self.accounts.high)
        opened = held.aggregate(first=Min("opened_on"))["first"]
        starts = [versions[0].effective_from for versions in self.versions.by_product.values()]
        return max(opened, min(starts)) if opened and starts else through

    def day(self, day: dt.date) -> None:
        """Accrue one day."""
        for terms, agreed in self.versions.on(day):
            self.rows += self._execute(terms, day, agreed=agreed, correction=False)

    def corrections(self, accrued_through: dt.date) -> None:
        """Accrue anew what back-dated movements changed, and forget that it was noted."""
        noted = Reaccrual.objects.filter(account_id__gte=self.accounts.low, account_id__lte=self.accounts.high)
        since = noted.aggregate(first=Min("since"))["first"]
        if since is None:
            return
        for number in range((accrued_through - since).days + 1):
            day = since + dt.timedelta(days=number)
            for terms, agreed in self.versions.on(day):
                if terms.balance_method == ProductTerms.Method.DAILY or _period_ends(terms, day):
                    self.corrected += self._execute(terms, day, agreed=agreed, correction=True)
        noted.delete()

    def _execute(self, terms: ProductTerms, day: dt.date, *, agreed: bool, correction: bool) -> int:
        statement, values = accrual_statement(terms, day=day, agreed=agreed, correction=correction)
        values |= {"low": self.accounts.low, "high": self.accounts.high, "accrued_on": self.business_date}
        written = 0
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            for branch, rows, earned, owed in cursor.fetchall():
                written += rows
                self.totals[terms.product_id, branch, InterestTotal.Side.EARNED.value] += earned
                self.totals[terms.product_id, branch, InterestTotal.Side.OWED.value] += owed
        return written


def _period_ends(terms: ProductTerms, day: dt.date) -> bool:
    """Is the day the last of a period? What is left of the running one is put right by its next row."""
    after = day + dt.timedelta(days=1)
    return boundary_at(terms.posting, after) == after
