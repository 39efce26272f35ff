"""The bank's own cheques: books of numbered leaves, leaves paid over the counter or by clearing, leaves stopped."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max

from apps.approvals.errors import ApprovalRequired
from apps.approvals.services import approval_possible
from apps.audit.services import record
from apps.balances.errors import AccountClosed
from apps.balances.selectors import balance_read
from apps.balances.services import in_database, internal_account_id
from apps.core.money import Money
from apps.core.retry import retry_transient
from apps.core.trace import trace_id
from apps.payments import locks
from apps.payments.channels import CHANNELS
from apps.payments.errors import ChequeNotPayable, ChequeNumbersTaken
from apps.payments.models import ChequeBook, ChequeLeaf, TillMovement
from apps.payments.selectors import KIND_WITHDRAWAL, Payment, payment_find, product_limits, session_get_for
from apps.payments.services._common import (
    Asked,
    Details,
    currency_check,
    decided_before,
    limit_check,
    posting_of,
    usable_ref,
)
from apps.payments.services._counter import till_check
from apps.payments.services._rules import channel_check, rules_check, stand_in
from apps.payments.services._sessions import own_account_check, session_check
from apps.payments.services._signatures import signatures_check, signatures_keep

if TYPE_CHECKING:
    from apps.identity.models import User

CASH = "payments.cash"
"""The kind of action whose policies also bind cheques that are paid in cash."""
Status = ChequeLeaf.Status


@transaction.atomic
def cheque_book_issue(*, acting_user: User, account: str, leaves: int, issued_on: dt.date) -> ChequeBook:
    """Issue the next book on an account, its leaves numbered on from the last one.

    Raises `PaymentAccountNotFound`, `ChannelNotAllowed`, `AccountClosed`, and `ChequeNumbersTaken` when another book
    was issued at this moment.
    """
    ref = usable_ref(user=acting_user, name=account, pointer="/account")
    channel_check(ref=ref, channel="cheque")
    if balance_read(account_id=ref.ledger_id).status == "X":
        raise AccountClosed
    last = ChequeLeaf.objects.filter(account=ref.account_id).aggregate(last=Max("number"))["last"] or 0
    book = ChequeBook.objects.create(
        account_id=ref.account_id,
        first_number=last + 1,
        last_number=last + leaves,
        issued_on=issued_on,
        issued_by=acting_user,
    )
    try:
        with transaction.atomic():
            ChequeLeaf.objects.bulk_create(
                [
                    ChequeLeaf(book=book, account_id=ref.account_id, number=number)
                    for number in range(book.first_number, book.last_number + 1)
                ]
            )
    except IntegrityError as error:
        raise ChequeNumbersTaken from error
    record(
        action="payments.cheque_book.issued",
        acting_user=acting_user,
        target=book,
        after={"account": ref.number, "first": book.first_number, "last": book.last_number},
    )
    return book


@transaction.atomic
def cheque_stop(
    *, acting_user: User, account: str, first: int, last: int, reason: str, at: dt.datetime
) -> list[ChequeLeaf]:
    """Stop the unused leaves from `first` to `last`; returns them. Raises `PaymentAccountNotFound`, and
    `ChequeNotPayable` when one of them is not there or was paid."""
    ref = usable_ref(user=acting_user, name=account, pointer="/account")
    leaves = locks.cheque_leaves_lock(account_id=ref.account_id, first=first, last=last)
    if len(leaves) != last - first + 1:
        raise ChequeNotPayable("The account has no such leaf.", pointer="/first_number")
    for leaf in leaves:
        if leaf.status == Status.PAID:
            raise ChequeNotPayable(f"Leaf {leaf} was paid.", pointer="/first_number")
    ChequeLeaf.objects.filter(pk__in=[leaf.pk for leaf in leaves]).update(
        status=Status.STOPPED, stop_reason=reason, changed_at=at, changed_by=acting_user
    )
    record(
        action="payments.cheque_leaf.stopped",
        acting_user=acting_user,
        object_type="accounts.account",
        object_id=str(ref.account_id),
        object_label=ref.number,
        after={"first": first, "last": last},
        reason=reason,
        at=at,
    )
    return list(ChequeLeaf.objects.select_related("account", "book").filter(pk__in=[leaf.pk for leaf in leaves]))


@retry_transient
def cheque_pay(
    *,
    asked: Asked,
    account: str,
    number: int,
    amount: Money,
    payee: str,
    session_id: UUID | None,
    at: dt.datetime,
    signed_by: Iterable[UUID] = (),
) -> Payment:
    """Pay a cheque that was drawn on an account: in cash at an open till, or to the clearing without a session.

    `signed_by` are the members who signed it, where the account's mandate asks for several. Raises `ChequeNotPayable`,
    `ApprovalRequired` for cash that a policy wants approved, `ChannelNotAllowed`, `BalanceBelowMinimum`, what
    `cash_pay` raises, and the refusals of a posting, which are not kept.
    """
    if (before := decided_before(asked)) is not None:
        return before
    ref = usable_ref(user=asked.user, name=account, pointer="/account")
    currency_check(ref=ref, amount=amount, pointer="/amount/currency")
    limit_check(ref=ref, amount=amount, limits=product_limits())
    signed = signatures_check(user=asked.user, ref=ref, amount=amount, signed_by=signed_by)
    if session_id is not None:
        own_account_check(asked.user, ref)
        if approval_possible(kind=CASH, amount=amount, at=at):
            raise ApprovalRequired("So much cash needs approval: pay it out as a withdrawal, which asks.")
        credit = session_get_for(user=asked.user, pk=session_id).till.ledger_account_id
    else:
        credit = internal_account_id(
            gl_code=CHANNELS["cheque"].withdrawal, branch_id=ref.branch_id, branch_code=ref.branch_code,
            currency=ref.currency,
        )  # fmt: skip
    posting = posting_of(
        asked,
        kind=KIND_WITHDRAWAL,
        amount=amount,
        debit=ref.ledger_id,
        credit=credit,
        details=Details(
            description=f"Cheque {number:06d}", counterparty=payee, reference=f"{number:06d}", channel="cheque"
        ),
    )
    with in_database([ref.ledger_id, credit], actor_id=asked.user.pk, correlation_id=trace_id()) as book:
        if (before := decided_before(asked)) is not None:
            return before  # the same request came twice at one moment, and this one waited
        rules_check(amount=amount, channel="cheque", debit=ref, stand=stand_in(book))
        if session_id is not None:
            session = locks.session_lock(pk=session_id)
            session_check(session, asked.user)
            till_check(session, amount, cash=-book.balance(credit).balance, paid_out=True)
        leaf = _leaf_unused(ref.account_id, number)
        (outcome,) = book.post(posting)
        signatures_keep(user=asked.user, ref=ref, transaction_id=posting.transaction_id, members=signed)
        leaf.status, leaf.amount, leaf.transaction_id = Status.PAID, amount.minor, posting.transaction_id
        leaf.changed_at, leaf.changed_by = at, asked.user
        leaf.save()
        if session_id is not None:
            TillMovement.objects.create(
                session=session,
                transaction_id=posting.transaction_id,
                kind=TillMovement.Kind.WITHDRAWAL,
                amount=-amount.minor,
                account_id=ref.account_id,
                at=at,
            )
    payment = payment_find(transaction_id=posting.transaction_id, replayed=outcome.replayed)
    if payment is None:
        raise RuntimeError("a posting that committed is not in the books")
    return payment


def _leaf_unused(account_id: UUID, number: int) -> ChequeLeaf:
    """The leaf, locked. Raises ChequeNotPayable."""
    leaf = next(iter(locks.cheque_leaves_lock(account_id=account_id, first=number, last=number)), None)
    if leaf is None or leaf.status != Status.UNUSED:
        was = "not issued" if leaf is None else leaf.get_status_display().lower()
        raise ChequeNotPayable(f"The leaf is {was}.", pointer="/number")
    return leaf
