"""One account's lines: as pages, newest first, and as a period with the balance it opened with."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from apps.ledger.models import JournalLine


def lines_of(*, account_id: int) -> QuerySet[JournalLine]:
    """The lines of one ledger account with their entries; order by (-journal_id, -line_no), which is indexed."""
    return JournalLine.objects.filter(account_id=account_id).select_related("journal")


@dataclass(frozen=True, slots=True)
class PeriodLine:
    """A line as a statement shows it. `amount` is credit-positive minor units."""

    entry_number: int
    line_no: int
    transaction_id: UUID
    kind: str
    business_date: dt.date
    value_date: dt.date
    booked_at: dt.datetime
    channel: str
    description: str
    counterparty: str
    reference: str
    amount: int


@dataclass(frozen=True, slots=True)
class AccountPeriod:
    """Lines of a period by (business date, entry), read in one snapshot. Minor units, credit-positive.

    `opening` is the sum of all lines before the period, `closing` that of all up to its end. `count` says how many
    lines the period has; `lines` is empty when there are more than were asked for. `last_entry` is the newest entry up
    to the end of the period (0 for none). `balance` is the account's balance after its newest entry of all,
    `last_date` the latest business date of all.
    """

    opening: int
    closing: int
    count: int
    last_entry: int
    last_date: dt.date | None
    balance: int
    lines: list[PeriodLine]


@dataclass(frozen=True, slots=True)
class Folded:
    """What the entries up to `journal_id` come to before a period and at its end; it stays so, as entries do."""

    before: int = 0
    at_end: int = 0
    journal_id: int = 0


# One statement, hence one snapshot: postings that commit meanwhile are in all of it or in none.
_PERIOD = """
WITH facts AS (
    SELECT coalesce(sum(CASE side WHEN 'C' THEN amount ELSE -amount END)
                    FILTER (WHERE business_date < %(since)s AND journal_id > %(folded)s), 0)::bigint AS opening,
           coalesce(sum(CASE side WHEN 'C' THEN amount ELSE -amount END)
                    FILTER (WHERE business_date <= %(until)s AND journal_id > %(folded)s), 0)::bigint AS closing,
           count(*) FILTER (WHERE business_date BETWEEN %(since)s AND %(until)s) AS count,
           coalesce(max(journal_id) FILTER (WHERE business_date <= %(until)s), 0) AS last_entry,
           max(business_date) AS last_date
      FROM ledger_line WHERE account_id = %(account)s
), newest AS (
    SELECT balance_after FROM ledger_line WHERE account_id = %(account)s
     ORDER BY journal_id DESC, line_no DESC LIMIT 1
)
SELECT f.opening, f.closing, f.count, f.last_entry, f.last_date, coalesce(n.balance_after, 0),
       l.journal_id, l.line_no, j.transaction_id, j.kind, l.business_date, j.value_date, j.booked_at, j.channel,
       j.description, j.counterparty, j.reference, CASE l.side WHEN 'C' THEN l.amount ELSE -l.amount END
  FROM facts f
  LEFT JOIN newest n ON true
  LEFT JOIN ledger_line l ON l.account_id = %(account)s AND l.business_date BETWEEN %(since)s AND %(until)s
                         AND f.count <= %(limit)s
  LEFT JOIN ledger_journal j ON j.id = l.journal_id
 ORDER BY l.business_date, l.journal_id, l.line_no
"""


def account_period(
    *, account_id: int, since: dt.date, until: dt.date, limit: int, folded: Folded | None = None
) -> AccountPeriod:
    """What moved on one ledger account from `since` to `until`, both included, if that is at most `limit` lines.

    With `folded` only later entries are added up for the two balances.
    """
    folded = folded or Folded()
    with connection.cursor() as cursor:
        values: dict[str, Any] = {
            "account": account_id, "since": since, "until": until, "limit": limit, "folded": folded.journal_id,
        }  # fmt: skip
        cursor.execute(_PERIOD, values)
        rows = cursor.fetchall()
    opening, closing, count, last_entry, last_date, balance = rows[0][:6]
    lines = [PeriodLine(*row[6:]) for row in rows if row[6] is not None]
    return AccountPeriod(folded.before + opening, folded.at_end + closing, count, last_entry, last_date, balance, lines)
