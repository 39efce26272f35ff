"""Reads of the ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from apps.ledger.errors import GLAccountNotFound
from apps.ledger.models import (
    AccountingPeriod,
    BusinessDate,
    Currency,
    GLAccount,
    JournalEntry,
    JournalLine,
    JournalSeal,
    LedgerAccount,
)

if TYPE_CHECKING:
    from apps.identity.models import User


def business_date_current() -> dt.date:
    """The bank's open business day."""
    return BusinessDate.objects.values_list("current", flat=True).get(pk=1)


def currency_is_kept(*, code: str) -> bool:
    """Does the bank keep books in this currency?"""
    return Currency.objects.filter(pk=code, is_enabled=True).exists()


def gl_account_get(*, code: str) -> GLAccount:
    """The chart's node with this code. Raises `GLAccountNotFound`."""
    try:
        return GLAccount.objects.get(code=code)
    except GLAccount.DoesNotExist as error:
        raise GLAccountNotFound(f"The chart of accounts has no {code}.") from error


def gl_accounts_by_code(*, codes: Iterable[str]) -> dict[str, GLAccount]:
    """The chart's nodes with these codes, in one query; codes that it does not have are left out."""
    return {account.code: account for account in GLAccount.objects.filter(code__in=list(codes))}


def gl_account_find(*, code_or_id: str) -> GLAccount:
    """A node by its code or by its UUID. Raises `GLAccountNotFound`."""
    if not code_or_id.isprintable():  # PostgreSQL takes no NUL, and no code has one
        raise GLAccountNotFound
    node = GLAccount.objects.select_related("parent").filter(code=code_or_id).first()
    if node is None:
        try:
            node = GLAccount.objects.select_related("parent").filter(pk=UUID(code_or_id)).first()
        except ValueError:
            node = None
    if node is None:
        raise GLAccountNotFound
    return node


def gl_accounts() -> QuerySet[GLAccount]:
    """The chart of accounts with the parent of each node."""
    return GLAccount.objects.select_related("parent")


def branches_in_reach(*, user: User) -> list[UUID] | None:
    """The branches whose books `user` may see: None for the whole bank, the own ones, or nothing at all."""
    if user.scope == "all":
        return None
    return list(user.branch_ids)


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """What a list of entries is narrowed to; None or empty is no condition. `outcome` "any" shows refusals too."""

    since: dt.date | None = None
    until: dt.date | None = None
    kind: str | None = None
    account: str | None = None
    gl_code: str | None = None
    reference: str | None = None
    outcome: str = "OK"


def journal_entries_visible(
    *, user: User, narrow: EntryFilter | None = None, transaction_id: UUID | None = None
) -> QuerySet[JournalEntry]:
    """Entries that `user` may see, with the lines in reach (a branch sees its own), seals and reversals.

    An entry without a line in reach is not there; refusals have no lines and are seen by the whole bank's roles only.
    """
    reach = branches_in_reach(user=user)
    lines = JournalLine.objects.select_related("account__gl_account", "account__branch")
    if reach is not None:
        lines = lines.filter(account__branch_id__in=reach)
    reversals = JournalEntry.objects.filter(outcome=JournalEntry.Outcome.OK)
    entries = JournalEntry.objects.select_related("reverses", "seal").prefetch_related(
        Prefetch("lines", lines), Prefetch("reversals", reversals)
    )
    if transaction_id is not None:
        entries = entries.filter(key__transaction_id=transaction_id)
    if reach is not None:
        entries = entries.filter(_has_line(account__branch_id__in=reach))
    return entries if narrow is None else _entries_narrowed(entries, narrow)


def _entries_narrowed(entries: QuerySet[JournalEntry], narrow: EntryFilter) -> QuerySet[JournalEntry]:
    if narrow.outcome != "any":
        entries = entries.filter(outcome=narrow.outcome)
    if narrow.since is not None:
        entries = entries.filter(business_date__gte=narrow.since)
    if narrow.until is not None:
        entries = entries.filter(business_date__lte=narrow.until)
    if narrow.kind:
        entries = entries.filter(kind=narrow.kind)
    if narrow.reference:
        entries = entries.filter(reference=narrow.reference)
    if narrow.account:
        entries = entries.filter(_has_line(account__number=narrow.account))
    if narrow.gl_code:
        entries = entries.filter(_has_line(account__gl_account__code=narrow.gl_code))
    return entries


def _has_line(**conditions: Any) -> Exists:
    return Exists(JournalLine.objects.filter(journal_id=OuterRef("pk"), **conditions))


def internal_account_find(*, gl_code: str, branch_id: UUID, currency: str, stripe: int) -> int | None:
    """Id of the bank's own account for a chart node, branch, currency and stripe, if it exists."""
    return (
        LedgerAccount.objects.filter(
            gl_account__code=gl_code,
            branch_id=branch_id,
            currency_id=currency,
            stripe=stripe,
            kind=LedgerAccount.Kind.INTERNAL,
        )
        .values_list("id", flat=True)
        .first()
    )


def journal_entries(*, refused: bool = False) -> QuerySet[JournalEntry]:
    """Entries of the journal, newest first, with their lines and accounts; refused ones only when asked for."""
    entries = JournalEntry.objects.prefetch_related("lines__account__gl_account")
    return entries if refused else entries.filter(outcome=JournalEntry.Outcome.OK)


def entry_by_id(*, journal_id: int) -> JournalEntry | None:
    """One entry with its lines and their accounts, or None."""
    return JournalEntry.objects.filter(pk=journal_id).prefetch_related("lines__account__gl_account").first()


def business_day() -> BusinessDate:
    """The open business day and when it was opened."""
    return BusinessDate.objects.get(pk=1)


def period_find(*, pk: UUID) -> AccountingPeriod | None:
    """One accounting period, or None."""
    return AccountingPeriod.objects.filter(pk=pk).first()


def sealed_count() -> int:
    """How many journal entries are sealed."""
    return JournalSeal.objects.count()


def unsealed_count() -> int:
    """How many journal entries wait for the seal."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM ledger_journal WHERE id > (SELECT last_id FROM ledger_seal_state WHERE id = 1)"
        )
        return int(cursor.fetchone()[0])


def periods() -> QuerySet[AccountingPeriod]:
    """Accounting periods, newest first."""
    return AccountingPeriod.objects.all()


@dataclass(frozen=True, slots=True)
class TrialBalanceRow:
    """A node of the chart in one currency, minor units. `net` is credit-positive; `debit`, `credit` show it by side."""

    gl_account_id: UUID
    code: str
    name: str
    type: str
    currency: str
    turnover_debit: int
    turnover_credit: int

    @property
    def net(self) -> int:
        return self.turnover_credit - self.turnover_debit

    @property
    def debit(self) -> int:
        return max(-self.net, 0)

    @property
    def credit(self) -> int:
        return max(self.net, 0)


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """The trial balance at the end of `as_of`, up to journal entry `as_of_entry`. It balances when all `differences`
    (currency -> minor units, credit-positive) are zero; a branch alone carries its position against others there."""

    as_of: dt.date
    as_of_entry: int
    branch_ids: tuple[UUID, ...]
    rows: list[TrialBalanceRow]
    differences: dict[str, int]


# One statement, hence one snapshot: sealed days from the daily totals, the few entries after the seal from the lines.
_TRIAL_BALANCE = """
WITH sealed AS (SELECT last_id FROM ledger_seal_state WHERE id = 1),
movements AS (
    SELECT t.gl_account_id, t.branch_id, t.currency, t.debit, t.credit FROM ledger_daily_total t
     WHERE t.business_date <= %(as_of)s AND t.business_date >= %(since)s
    UNION ALL
    SELECT a.gl_account_id, a.branch_id, l.currency,
           CASE WHEN l.side = 'D' THEN l.amount ELSE 0 END, CASE WHEN l.side = 'C' THEN l.amount ELSE 0 END
      FROM ledger_line l JOIN ledger_ledgeraccount a ON a.id = l.account_id
     WHERE l.journal_id > (SELECT last_id FROM sealed)
       AND l.business_date <= %(as_of)s AND l.business_date >= %(since)s
)
SELECT g.id, g.code, g.name, g.type, m.currency, sum(m.debit), sum(m.credit),
       (SELECT coalesce(max(id), 0) FROM ledger_journal)
  FROM movements m JOIN ledger_glaccount g ON g.id = m.gl_account_id
 WHERE (%(branches)s::uuid[] IS NULL OR m.branch_id = ANY (%(branches)s::uuid[]))
   AND (%(currency)s::text IS NULL OR m.currency = %(currency)s)
 GROUP BY g.id, g.code, g.name, g.type, m.currency
 ORDER BY m.currency, g.code
"""


def trial_balance(
    *,
    as_of: dt.date,
    since: dt.date | None = None,
    branch_ids: Sequence[UUID] | None = None,
    currency: str | None = None,
) -> TrialBalance:
    """The trial balance at the end of a business date; with `since`, the movements from that date on.

    Exact at any moment, for any date: sealed days are read from their totals, newer entries from their lines.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _TRIAL_BALANCE,
            {
                "as_of": as_of,
                "since": since or dt.date.min,
                "branches": list(branch_ids) if branch_ids is not None else None,
                "currency": currency,
            },
        )
        records = cursor.fetchall()
    rows = [
        TrialBalanceRow(gl_id, code, name, kind, unit, int(debit), int(credit))
        for gl_id, code, name, kind, unit, debit, credit, _ in records
    ]
    differences: dict[str, int] = {}
    for row in rows:
        differences[row.currency] = differences.get(row.currency, 0) + row.net
    return TrialBalance(
        as_of=as_of,
        as_of_entry=records[0][7] if records else 0,
        branch_ids=tuple(branch_ids or ()),
        rows=rows,
        differences=differences,
    )
