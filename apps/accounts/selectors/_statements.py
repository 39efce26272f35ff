"""Statements: what moved in a period, with the proof that it adds up."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from apps.accounts.errors import StatementTooLong
from apps.accounts.models import Account, StatementBatch, StatementIssue
from apps.accounts.partitions import range_with
from apps.accounts.statements.codes import code_matches, code_normal
from apps.core.errors import InvalidParameter, NotFound
from apps.ledger.account_lines import Folded, PeriodLine, account_period

if TYPE_CHECKING:
    from apps.identity.models import User

DAYS_MAX = 366
LINES_MAX = 50_000


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement and the balance after it, minor units. `amount` is positive for what was paid in."""

    entry: PeriodLine
    balance: int

    @property
    def amount(self) -> int:
        return self.entry.amount


@dataclass(frozen=True, slots=True)
class Statement:
    """An account from `starts_on` to `ends_on`, both included; amounts in minor units of `currency`.

    The opening balance is that of the balances by day; the lines must lead from it to the one they have at the end.

    Lines are ordered by business date, then by entry, each with its running balance. A late entry with an earlier
    business date stands under that date, so running balances are those of business dates, not of moments.
    `ledger_balance` is the balance in the books when the period reaches the newest entry, otherwise None; then
    `closing` equals it, or there would be no statement.
    """

    account: Account
    starts_on: dt.date
    ends_on: dt.date
    opening: int
    paid_in: int
    paid_out: int
    closing: int
    lines: list[StatementLine]
    last_entry: int
    ledger_balance: int | None

    @property
    def currency(self) -> str:
        return self.account.currency


def statement_of(*, account: Account, starts_on: dt.date, ends_on: dt.date, lines_max: int = LINES_MAX) -> Statement:
    """The statement of an account. At most 366 days and `lines_max` lines: `StatementTooLong`.

    Raises `InvalidParameter` when the period ends before it starts, and RuntimeError when the books contradict
    themselves: a statement that does not add up is never shown.
    """
    days = (ends_on - starts_on).days + 1
    if days < 1:
        fault = {"pointer": "/query/to", "code": "invalid", "detail": "The period ends before it starts."}
        raise InvalidParameter([fault])
    if days > DAYS_MAX:
        raise StatementTooLong(f"At most {DAYS_MAX} days.", pointer="/query/from")
    period = account_period(
        account_id=account.ledger_account_id,
        since=starts_on,
        until=ends_on,
        limit=lines_max,
        folded=_folded(account.ledger_account_id, starts_on, ends_on),
    )
    if period.count > lines_max:
        raise StatementTooLong(f"The period has {period.count} entries, at most {lines_max} are given.")
    balance = period.opening
    paid_in = paid_out = 0
    lines = []
    for entry in period.lines:
        balance += entry.amount
        paid_in += max(entry.amount, 0)
        paid_out += max(-entry.amount, 0)
        lines.append(StatementLine(entry, balance))
    complete = period.last_date is None or period.last_date <= ends_on
    adds_up = period.opening + paid_in - paid_out == balance == period.closing
    if not adds_up or (complete and balance != period.balance):
        raise RuntimeError(f"the lines of account {account.number} do not add up to its balance")
    return Statement(
        account=account,
        starts_on=starts_on,
        ends_on=ends_on,
        opening=period.opening,
        paid_in=paid_in,
        paid_out=paid_out,
        closing=balance,
        lines=lines,
        last_entry=period.last_entry,
        ledger_balance=period.balance if complete else None,
    )


# One statement: the rows and the mark of the fold that wrote them belong together.
_FOLDED = """
SELECT coalesce((SELECT s.booked FROM accounts_day_balance s
                  WHERE s.account_id = %(account)s AND s.day < %(since)s ORDER BY s.day DESC LIMIT 1), 0),
       coalesce((SELECT s.booked FROM accounts_day_balance s
                  WHERE s.account_id = %(account)s AND s.day <= %(until)s ORDER BY s.day DESC LIMIT 1), 0),
       coalesce((SELECT m.journal_id FROM accounts_close_mark m WHERE m.partition = %(partition)s), 0)
"""


def _folded(ledger_id: int, since: dt.date, until: dt.date) -> Folded:
    """The balances by day before the period and at its end, as the last close left them."""
    part = range_with(ledger_id).name
    values: dict[str, Any] = {"account": ledger_id, "since": since, "until": until, "partition": part}
    with connection.cursor() as cursor:
        cursor.execute(_FOLDED, values)
        return Folded(*cursor.fetchone())


def statement_verify(*, code: str) -> StatementIssue:
    """The statement that was issued under a code, as typed from paper. Raises `NotFound` for every other code."""
    issue = StatementIssue.objects.select_related("account__member", "account__product").filter(code=code_normal(code))
    found = issue.first()
    if found is None or not code_matches(found):
        raise NotFound("No statement was issued under this code.")
    return found


def batches_visible_to(user: User) -> QuerySet[StatementBatch]:
    """One's own batches; all of them for those who see the whole bank."""
    batches = StatementBatch.objects.select_related("product", "branch", "requested_by")
    return batches if user.scope == "all" else batches.filter(requested_by=user.pk)


def batch_get_for(*, user: User, pk: UUID) -> StatementBatch:
    """The batch, if the user may see it. Raises `NotFound`."""
    batch = batches_visible_to(user).filter(pk=pk).first()
    if batch is None:
        raise NotFound("No such batch of statements.")
    return batch
