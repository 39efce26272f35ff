"""Cash over the counter, at the teller's own open till."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from apps.balances.services import Book, in_database
from apps.core.errors import CurrencyMismatch
from apps.core.money import Money
from apps.core.retry import retry_transient
from apps.core.trace import trace_id
from apps.payments import locks
from apps.payments.denominations import count_check
from apps.payments.errors import CashNotThere, TillLimitExceeded
from apps.payments.models import TillMovement, TillSession
from apps.payments.selectors import (
    KIND_DEPOSIT,
    KIND_WITHDRAWAL,
    Payment,
    payment_find,
    product_limits,
    session_get_for,
)
from apps.payments.services._common import (
    Asked,
    Details,
    currency_check,
    decided_before,
    limit_check,
    posting_of,
    usable_ref,
)
from apps.payments.services._rules import rules_check, stand_in
from apps.payments.services._sessions import own_account_check, session_check
from apps.payments.services._signatures import signatures_check, signatures_keep

if TYPE_CHECKING:
    from apps.identity.models import User


def cash_take(
    *,
    asked: Asked,
    session_id: UUID,
    account: str,
    amount: Money,
    count: dict[str, int],
    details: Details,
    at: dt.datetime,
) -> Payment:
    """Take cash at an open till onto an account (number or id). `count` is empty where it was not noted.

    Raises `NotFound`, `TillNotOpen`, `TillLimitExceeded` (one transaction, or what the till may hold),
    `CountNotRight`, `PaymentAccountNotFound`, `NeedsAnotherPerson` for the teller's own account, `CurrencyMismatch`,
    `IdempotencyKeyReused`, and the refusals of a posting. A refusal is not kept: the same key may be sent again.
    """
    return _counter(asked, session_id, account, amount, count, details, at, paid_out=False)


def cash_pay(
    *,
    asked: Asked,
    session_id: UUID,
    account: str,
    amount: Money,
    count: dict[str, int],
    details: Details,
    at: dt.datetime,
    signed_by: Iterable[UUID] = (),
) -> Payment:
    """Pay cash out of an open till from an account; `signed_by` are the members who signed, where its mandate asks for
    several. Raises as `cash_take`, and `CashNotThere`, `TransactionLimitExceeded`, `SignaturesMissing`,
    `SignatoryUnknown`."""
    return _counter(asked, session_id, account, amount, count, details, at, paid_out=True, signed_by=signed_by)


@retry_transient
def _counter(
    asked: Asked,
    session_id: UUID,
    account: str,
    amount: Money,
    count: dict[str, int],
    details: Details,
    at: dt.datetime,
    *,
    paid_out: bool,
    signed_by: Iterable[UUID] = (),
) -> Payment:
    before = decided_before(asked)
    if before is not None:
        return before
    till_id = session_get_for(user=asked.user, pk=session_id).till.ledger_account_id
    ref = usable_ref(user=asked.user, name=account, pointer="/account")
    own_account_check(asked.user, ref)
    currency_check(ref=ref, amount=amount, pointer="/amount/currency")
    signed: frozenset[UUID] = frozenset()
    if paid_out:
        limit_check(ref=ref, amount=amount, limits=product_limits())
        signed = signatures_check(user=asked.user, ref=ref, amount=amount, signed_by=signed_by)
    count_check(count, amount)
    posting = posting_of(
        asked,
        kind=KIND_WITHDRAWAL if paid_out else KIND_DEPOSIT,
        amount=amount,
        debit=ref.ledger_id if paid_out else till_id,
        credit=till_id if paid_out else ref.ledger_id,
        details=details,
    )
    with in_database([till_id, ref.ledger_id], actor_id=asked.user.pk, correlation_id=trace_id()) as book:
        if (before := decided_before(asked)) is not None:
            return before  # the same request came twice at one moment, and this one waited
        session = locks.session_lock(pk=session_id)
        session_check(session, asked.user)
        till_check(session, amount, cash=-book.balance(till_id).balance, paid_out=paid_out)
        rules_check(
            amount=amount,
            channel="branch",
            debit=ref if paid_out else None,
            credit=None if paid_out else ref,
            stand=stand_in(book),
        )
        (outcome,) = book.post(posting)
        signatures_keep(user=asked.user, ref=ref, transaction_id=posting.transaction_id, members=signed)
        if not outcome.replayed:
            TillMovement.objects.create(
                session=session,
                transaction_id=posting.transaction_id,
                kind=TillMovement.Kind.WITHDRAWAL if paid_out else TillMovement.Kind.DEPOSIT,
                amount=-amount.minor if paid_out else amount.minor,
                account_id=ref.account_id,
                count=count,
                at=at,
            )
    payment = payment_find(transaction_id=posting.transaction_id, replayed=outcome.replayed)
    if payment is None:
        raise RuntimeError("a posting that committed is not in the books")
    return payment


def till_cash_move(
    *, book: Book, session_id: UUID, teller: User, transaction_id: UUID, amount: Money, paid_out: bool, at: dt.datetime
) -> None:
    """Take or pay cash at a teller's open till for another app, which posts the entry under the same id; before it.

    Call it inside `in_database`, opened for the till's account among others. Raises `TillNotOpen`,
    `TillLimitExceeded`, `CashNotThere`, `CurrencyMismatch`.
    """
    session = locks.session_lock(pk=session_id)
    session_check(session, teller)
    cash = -book.balance(session.till.ledger_account_id).balance
    till_check(session, amount, cash=cash, paid_out=paid_out)
    TillMovement.objects.create(
        session=session,
        transaction_id=transaction_id,
        kind=TillMovement.Kind.WITHDRAWAL if paid_out else TillMovement.Kind.DEPOSIT,
        amount=-amount.minor if paid_out else amount.minor,
        count={},
        at=at,
    )


def till_check(session: TillSession, amount: Money, *, cash: int, paid_out: bool) -> None:
    """Raise `CurrencyMismatch`, `TillLimitExceeded` or `CashNotThere`; `cash` is what the till holds, minor units."""
    till = session.till
    till_limit_check(session, amount)
    if paid_out and cash < amount.minor:
        raise CashNotThere(f"The till holds {Money(cash, till.currency)}.", pointer="/amount")
    if not paid_out and cash + amount.minor > till.holding_limit:
        most = Money(till.holding_limit, till.currency)
        raise TillLimitExceeded(f"The till may hold at most {most}: bring cash to the vault.", pointer="/amount")


def till_limit_check(session: TillSession, amount: Money) -> None:
    """Raise `CurrencyMismatch`, or `TillLimitExceeded` for more than one transaction at the till may move."""
    till = session.till
    if amount.currency != till.currency:
        raise CurrencyMismatch(f"The till holds {till.currency}.", pointer="/amount/currency")
    if amount.minor > till.transaction_limit:
        most = Money(till.transaction_limit, till.currency)
        raise TillLimitExceeded(f"One transaction at this till may move at most {most}.", pointer="/amount")
