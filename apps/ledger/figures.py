"""Reads for screens: bounded, and for totals never over the lines but over the daily totals and what is newer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.ledger.models import BusinessDate, GLAccount, JournalEntry, JournalLine
from apps.ledger.selectors import TrialBalance, trial_balance

LINES_PAGE = 25
# Free text of the journal is not indexed; a search looks through the newest entries only.
TEXT_SEARCH_ENTRIES = 50_000


def business_date_or_none() -> dt.date | None:
    """The open business day; None before reference data is loaded."""
    return BusinessDate.objects.values_list("current", flat=True).filter(pk=1).first()


@dataclass(frozen=True, slots=True)
class MonthTotal:
    """Debits and credits of one month, minor units; `month` is its first day."""

    month: dt.date
    debit: int
    credit: int


# The row without a month carries everything before `since`.
_MONTHS = """
WITH sealed AS (SELECT last_id FROM ledger_seal_state WHERE id = 1),
movements AS (
    SELECT t.business_date, t.debit, t.credit
      FROM ledger_daily_total t JOIN ledger_glaccount g ON g.id = t.gl_account_id
     WHERE g.code = ANY (%(codes)s) AND t.currency = %(currency)s
       AND (%(branches)s::uuid[] IS NULL OR t.branch_id = ANY (%(branches)s::uuid[]))
    UNION ALL
    SELECT l.business_date, CASE WHEN l.side = 'D' THEN l.amount ELSE 0 END,
           CASE WHEN l.side = 'C' THEN l.amount ELSE 0 END
      FROM ledger_line l JOIN ledger_ledgeraccount a ON a.id = l.account_id
      JOIN ledger_glaccount g ON g.id = a.gl_account_id
     WHERE l.journal_id > (SELECT last_id FROM sealed) AND g.code = ANY (%(codes)s) AND l.currency = %(currency)s
       AND (%(branches)s::uuid[] IS NULL OR a.branch_id = ANY (%(branches)s::uuid[]))
)
SELECT CASE WHEN business_date >= %(since)s THEN date_trunc('month', business_date)::date END AS month,
       sum(debit)::bigint, sum(credit)::bigint
  FROM movements WHERE business_date <= %(until)s GROUP BY 1
"""


def month_totals(
    *,
    gl_codes: Sequence[str],
    currency: str,
    since: dt.date,
    until: dt.date,
    branch_ids: Sequence[UUID] | None = None,
) -> tuple[int, list[MonthTotal]]:
    """Net before `since` (credit-positive minor units), then every month to `until`, also those without movements."""
    with connection.cursor() as cursor:
        parameters: dict[str, Any] = {
            "codes": list(gl_codes),
            "currency": currency,
            "since": since,
            "until": until,
            "branches": list(branch_ids) if branch_ids is not None else None,
        }
        cursor.execute(_MONTHS, parameters)
        found = {month: (debit, credit) for month, debit, credit in cursor.fetchall()}
    debit_before, credit_before = found.get(None, (0, 0))
    months = []
    month = since.replace(day=1)
    while month <= until:
        months.append(MonthTotal(month, *found.get(month, (0, 0))))
        month = (month + dt.timedelta(days=32)).replace(day=1)
    return credit_before - debit_before, months


def entries_of_day(*, day: dt.date, branch_ids: Collection[UUID] | None = None) -> int:
    """How many entries were posted on a business date, over the index of dates; in these branches, in all for None."""
    return entries_touching(posted_entries().filter(business_date=day), branch_ids=branch_ids).count()


def posted_entries() -> QuerySet[JournalEntry]:
    """Posted entries, newest first, with their lines and accounts."""
    return JournalEntry.objects.filter(outcome=JournalEntry.Outcome.OK).prefetch_related("lines__account__gl_account")


def entries_touching(entries: QuerySet[JournalEntry], *, branch_ids: Collection[UUID] | None) -> QuerySet[JournalEntry]:
    """Entries with a line in one of these branches; all of them for None."""
    if branch_ids is None:
        return entries
    lines = JournalLine.objects.filter(journal_id=OuterRef("pk"), account__branch_id__in=branch_ids)
    return entries.filter(Exists(lines))


def entries_search(entries: QuerySet[JournalEntry], term: str) -> QuerySet[JournalEntry]:
    """Entries by number, transaction id, or the beginning of a reference or part of a description among the newest."""
    term = term.strip()
    bare = term.removeprefix("#").replace(",", "")
    if bare.isascii() and bare.isdigit() and len(bare) <= 18:
        return entries.filter(pk=int(bare))
    try:
        return entries.filter(key__transaction_id=UUID(term))
    except ValueError:
        pass
    newest = JournalEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    text = Q(reference__istartswith=term) | Q(description__icontains=term) | Q(counterparty__icontains=term)
    return entries.filter(text, pk__gt=newest - TEXT_SEARCH_ENTRIES)


@dataclass(frozen=True, slots=True)
class LineFilter:
    """What a list of lines is narrowed to. Amounts are minor units; `direction` is in, out or empty (credit is in)."""

    since: dt.date | None = None
    until: dt.date | None = None
    direction: str = ""
    kind: str = ""
    low: int | None = None
    high: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class LinePage:
    """Lines of an account, newest first, and the keys of the pages around them (None: no such page)."""

    lines: list[JournalLine]
    newer: str | None
    older: str | None


def account_lines(
    *, account_id: int, narrow: LineFilter, after: str | None = None, before: str | None = None, limit: int = LINES_PAGE
) -> LinePage:
    """One page of an account's lines: older than key `after`, or newer than key `before`, or the newest.

    A key is "<journal>-<line>". Raises ValueError for anything else.
    """
    lines = _narrowed(account_id, narrow)
    if before:
        journal_id, line_no = _key(before)
        newer = lines.filter(Q(journal_id__gt=journal_id) | Q(journal_id=journal_id, line_no__gt=line_no))
        page = list(newer.order_by("journal_id", "line_no")[: limit + 1])
        more = len(page) > limit
        page = page[:limit][::-1]
        return LinePage(page, _line_key(page[0]) if more else None, _line_key(page[-1]) if page else None)
    if after:
        journal_id, line_no = _key(after)
        lines = lines.filter(Q(journal_id__lt=journal_id) | Q(journal_id=journal_id, line_no__lt=line_no))
    page = list(lines.order_by("-journal_id", "-line_no")[: limit + 1])
    more = len(page) > limit
    page = page[:limit]
    return LinePage(page, _line_key(page[0]) if after and page else None, _line_key(page[-1]) if more else None)


def _narrowed(account_id: int, narrow: LineFilter) -> QuerySet[JournalLine]:
    lines = JournalLine.objects.filter(account_id=account_id).select_related("journal")
    if narrow.since:
        lines = lines.filter(business_date__gte=narrow.since)
    if narrow.until:
        lines = lines.filter(business_date__lte=narrow.until)
    if narrow.direction in ("in", "out"):
        lines = lines.filter(side="C" if narrow.direction == "in" else "D")
    if narrow.kind:
        lines = lines.filter(journal__kind=narrow.kind)
    if narrow.low is not None:
        lines = lines.filter(amount__gte=narrow.low)
    if narrow.high is not None:
        lines = lines.filter(amount__lte=narrow.high)
    if narrow.text:
        text = narrow.text
        lines = lines.filter(
            Q(journal__description__icontains=text)
            | Q(journal__reference__istartswith=text)
            | Q(journal__counterparty__icontains=text)
        )
    return lines


def _key(text: str) -> tuple[int, int]:
    journal_id, _, line_no = text.partition("-")
    if not (journal_id.isdigit() and line_no.isdigit() and len(journal_id) <= 18 and len(line_no) <= 5):
        raise ValueError("not a key of a line")
    return int(journal_id), int(line_no)


def _line_key(line: JournalLine) -> str:
    return f"{line.journal_id}-{line.line_no}"


_NODE = """
WITH sealed AS (SELECT last_id FROM ledger_seal_state WHERE id = 1),
movements AS (
    SELECT t.branch_id, t.currency, t.debit, t.credit FROM ledger_daily_total t
     WHERE t.gl_account_id = %(node)s AND t.business_date <= %(as_of)s
    UNION ALL
    SELECT a.branch_id, l.currency, CASE WHEN l.side = 'D' THEN l.amount ELSE 0 END,
           CASE WHEN l.side = 'C' THEN l.amount ELSE 0 END
      FROM ledger_line l JOIN ledger_ledgeraccount a ON a.id = l.account_id
     WHERE l.journal_id > (SELECT last_id FROM sealed) AND a.gl_account_id = %(node)s
       AND l.business_date <= %(as_of)s
)
SELECT branch_id, currency, sum(debit)::bigint, sum(credit)::bigint FROM movements
 WHERE %(branches)s::uuid[] IS NULL OR branch_id = ANY (%(branches)s::uuid[])
 GROUP BY branch_id, currency
"""


@dataclass(frozen=True, slots=True)
class NodeBalance:
    """What a node of the chart holds in one branch and currency, minor units."""

    branch_id: UUID
    currency: str
    debit: int
    credit: int

    @property
    def net(self) -> int:
        """Credit-positive."""
        return self.credit - self.debit


def node_balances(
    *, gl_account_id: UUID, as_of: dt.date, branch_ids: Sequence[UUID] | None = None
) -> list[NodeBalance]:
    """A node by branch and currency at the end of a business date, exact for any date."""
    with connection.cursor() as cursor:
        branches = list(branch_ids) if branch_ids is not None else None
        cursor.execute(_NODE, {"node": gl_account_id, "as_of": as_of, "branches": branches})
        return [NodeBalance(*row) for row in cursor.fetchall()]


@dataclass(slots=True)
class ChartNode:
    """A node of the chart with its depth and, by currency, its balance with all nodes below it (credit-positive)."""

    account: GLAccount
    depth: int
    balances: dict[str, int] = field(default_factory=dict)
    has_children: bool = False
    shown: int | None = None  # its figure in the currency of the page, as it grows on its own side


def chart_tree(*, as_of: dt.date, branch_ids: Sequence[UUID] | None = None) -> tuple[list[ChartNode], TrialBalance]:
    """The chart in reading order with rolled-up balances, and the trial balance that they come from."""
    accounts = list(GLAccount.objects.order_by("code"))
    children: dict[Any, list[GLAccount]] = {}
    for account in accounts:
        children.setdefault(account.parent_id, []).append(account)
    balance = trial_balance(as_of=as_of, branch_ids=branch_ids)
    own: dict[UUID, dict[str, int]] = {}
    for row in balance.rows:
        own.setdefault(row.gl_account_id, {})[row.currency] = row.net
    nodes: list[ChartNode] = []

    def walk(account: GLAccount, depth: int) -> ChartNode:
        below = children.get(account.pk, [])
        node = ChartNode(account, depth, dict(own.get(account.pk, {})), bool(below))
        nodes.append(node)
        for child in below:
            for currency, net in walk(child, depth + 1).balances.items():
                node.balances[currency] = node.balances.get(currency, 0) + net
        return node

    for root in children.get(None, []):
        walk(root, 0)
    return nodes, balance
