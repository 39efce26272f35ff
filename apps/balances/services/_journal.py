"""Manual entries and reversals: what finance staff post by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.balances.errors import EntryNotBalanced, NotReversible
from apps.balances.services._accounts import internal_account_id
from apps.balances.services._posting import Leg, Posting, PostingResult, postings_post
from apps.core.errors import NotFound
from apps.ledger.errors import GLAccountNotPostable
from apps.ledger.selectors import entry_by_id, gl_account_get


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

    Raises `Unprocessable` when the lines do not sum to zero per currency, `GLAccountNotFound`, `GLAccountNotPostable`,
    `PeriodClosed`, `BusinessDateInFuture`.
    """
    sums: dict[str, int] = {}
    for line in lines:
        sums[line.currency] = sums.get(line.currency, 0) + line.amount
    if any(sums.values()):
        raise EntryNotBalanced("Debits and credits of a currency differ.", pointer="/lines")
    legs = []
    for index, line in enumerate(lines):
        gl_account = gl_account_get(code=line.gl_code)
        if gl_account.usage != "detail" or not gl_account.allows_manual or not gl_account.is_active:
            raise GLAccountNotPostable(f"{gl_account} takes no manual entries.", pointer=f"/lines/{index}/account_code")
        account_id = internal_account_id(
            gl_code=line.gl_code, branch_id=line.branch_id, branch_code=line.branch_code, currency=line.currency
        )
        legs.append(Leg(account_id, line.amount, line.currency))
    posting = Posting(
        transaction_id=transaction_id,
        client_id=client_id,
        key=key,
        fingerprint=fingerprint,
        kind="manual",
        legs=tuple(legs),
        business_date=business_date,
        value_date=value_date,
        description=description,
        reference=reference,
        channel="back-office",
    )
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

    Raises `NotFound`, `NotReversible` for a refused entry or one that is itself a reversal. Insufficient funds, a blocked
    account, or an earlier reversal are outcomes.
    """
    entry = entry_by_id(journal_id=journal_id)
    if entry is None:
        raise NotFound()
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
