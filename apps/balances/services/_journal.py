"""Manual entries and reversals: what finance staff post by hand."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.balances.controls import entry_controls_run
from apps.balances.errors import EntryNotBalanced, NotReversible
from apps.balances.selectors import transaction_find
from apps.balances.services._accounts import internal_account_id
from apps.balances.services._door import in_database
from apps.balances.services._posting import LEGS_MAX, Leg, Outcome, Posting, PostingResult, postings_post
from apps.core.errors import NotFound
from apps.ledger.errors import GLAccountNotPostable, GLAccountUnknown
from apps.ledger.selectors import business_date_current, entry_by_id, gl_accounts_by_code

MANUAL = "manual"
"""The kind of entries that people write."""
ENTRY_LINES_MAX = LEGS_MAX


@dataclass(frozen=True, slots=True)
class ManualLine:
    """A line of a manual entry: chart code, branch, and credit-positive minor units of a currency."""

    gl_code: str
    branch_id: UUID
    branch_code: str
    currency: str
    amount: int


def entry_post(
    *,
    transaction_id: UUID,
    client_id: str,
    key: str,
    fingerprint: bytes,
    lines: Sequence[ManualLine],
    description: str,
    reference: str,
    business_date: dt.date | None,
    value_date: dt.date | None,
    actor_id: UUID,
    correlation_id: str = "",
) -> PostingResult:
    """Post a manual entry over the bank's own accounts. Refusals are outcomes, as with `postings_post`.

    Raises `EntryNotBalanced` when the lines do not sum to zero per currency, `GLAccountUnknown`,
    `GLAccountNotPostable`, `CurrencyNotKept`, `PeriodClosed`, `BusinessDateInFuture`, and what a control raises.
    """
    known = _decided(transaction_id, fingerprint)
    if known is not None:  # the first answer stands, whatever became of the chart since
        return known
    sums: Counter[str] = Counter()
    for line in lines:
        sums[line.currency] += line.amount
    if any(sums.values()):
        raise EntryNotBalanced("Debits and credits of a currency differ.", pointer="/lines")
    nodes = gl_accounts_by_code(codes={line.gl_code for line in lines})
    for index, line in enumerate(lines):
        node = nodes.get(line.gl_code)
        pointer = f"/lines/{index}/account_code"
        if node is None:
            raise GLAccountUnknown(f"The chart of accounts has no {line.gl_code}.", pointer=pointer)
        if node.usage != "detail" or not node.allows_manual or not node.is_active:
            raise GLAccountNotPostable(f"{node} takes no manual entries.", pointer=pointer)
    legs = tuple(
        Leg(
            internal_account_id(
                gl_code=line.gl_code, branch_id=line.branch_id, branch_code=line.branch_code, currency=line.currency
            ),
            line.amount,
            line.currency,
        )
        for line in lines
    )
    posting = Posting(
        transaction_id=transaction_id,
        client_id=client_id,
        key=key,
        fingerprint=fingerprint,
        kind=MANUAL,
        legs=legs,
        business_date=business_date,
        value_date=value_date,
        description=description,
        reference=reference,
        channel="back-office",
    )
    if not any(nodes[line.gl_code].type == "expense" for line in lines):
        return postings_post([posting], actor_id=actor_id, correlation_id=correlation_id)
    # What is left of a budget is asked again under locks that the posting holds: of two entries one takes it.
    with in_database({leg.account_id for leg in legs}, actor_id=actor_id, correlation_id=correlation_id):
        entry_controls_run(lines, business_date or business_date_current(), posting=True)
        return postings_post([posting], actor_id=actor_id, correlation_id=correlation_id)


def entry_reverse(
    *,
    journal_id: int,
    transaction_id: UUID,
    client_id: str,
    key: str,
    fingerprint: bytes,
    description: str,
    actor_id: UUID | None,
    correlation_id: str = "",
) -> PostingResult:
    """Post the mirror image of an entry, today. The entry itself stays as it is.

    Raises `NotFound`, `NotReversible` for a refused entry or one that is itself a reversal. Insufficient funds, a
    blocked account, or an earlier reversal are outcomes.
    """
    entry = entry_by_id(journal_id=journal_id)
    if entry is None:
        raise NotFound
    if entry.outcome != "OK" or entry.reverses_id is not None:
        raise NotReversible("Only a posted entry that is not itself a reversal can be reversed.")
    lines = sorted(entry.lines.all(), key=lambda line: line.signed_amount, reverse=True)
    posting = Posting(
        transaction_id=transaction_id,
        client_id=client_id,
        key=key,
        fingerprint=fingerprint,
        kind="reversal",
        # What was credited is debited first, so that funds are checked before they are handed on.
        legs=tuple(Leg(line.account_id, -line.signed_amount, line.currency) for line in lines),
        value_date=None,
        channel=entry.channel,
        description=description or f"Reversal of {entry.kind} {entry.transaction_id}"[:200],
        counterparty=entry.counterparty,
        reference=entry.reference,
        reverses=entry.pk,
    )
    return postings_post([posting], actor_id=actor_id, correlation_id=correlation_id)


def _decided(transaction_id: UUID, fingerprint: bytes) -> PostingResult | None:
    """The result of a manual entry that was decided before under this key, or None."""
    key = transaction_find(transaction_id=transaction_id)
    if key is None or key.journal is None:
        return None
    same = bytes(key.fingerprint) == fingerprint
    outcome = Outcome(key.outcome if same else "REUSED", key.journal_id if same else None, replayed=True)
    return PostingResult([outcome], key.journal.booked_at, key.journal.business_date, {})
