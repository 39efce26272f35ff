"""Closing an account: interest and fees are settled, what is left is paid out, and nothing may stay open."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

from apps.accounts.closures import account_ties, account_ties_end
from apps.accounts.errors import AccountNotSettled, PayoutNotPossible
from apps.accounts.models import Account, FeeCharge, ProductFee, ProductTerms
from apps.accounts.product_books import PURPOSES, books_of
from apps.accounts.selectors import account_facts, fees_on, terms_of_account
from apps.accounts.services._accounts import CLOSED, account_changed, account_locked, reason_check
from apps.accounts.services._accrual import interest_catch_up, interest_waits
from apps.accounts.services._bank_postings import bank_posting
from apps.accounts.services._fees import DueFee, fee_amount, fee_posting, fees_due, fees_mark_charged, fees_unnoted
from apps.accounts.services._interest_posting import KIND as INTEREST
from apps.accounts.services._interest_posting import (
    Due,
    dues_record,
    interest_due,
    interest_legs,
    interest_text,
    posting_key,
)
from apps.balances import services as balances
from apps.balances.errors import BalanceNotZero
from apps.balances.services import Book, Leg
from apps.core.errors import NotFound
from apps.core.ids import uuid7
from apps.core.retry import retry_transient
from apps.ledger.errors import GLAccountNotFound

if TYPE_CHECKING:
    from apps.identity.models import User

REASON_MAX = 200


def closure_ledger_ids(*, account_id: UUID, payout_to: UUID | None = None) -> list[int]:
    """The ledger accounts that closing an account moves money on: its own, the bank's for interest and fees, and the
    one that is paid. Ask before the transaction. Raises `NotFound`, `PayoutNotPossible`."""
    account = account_with_books(account_id)
    books = books_of(account.product)
    codes = {books.interest_payable, books.overdraft_receivable, books.tax_payable, books.fee_income}
    needed = terms_of_account(account=account, day=dt.date.max) is not None or _fees(account)
    ids = [account.ledger_account_id]
    for code in sorted(codes) if needed else ():
        with suppress(GLAccountNotFound):  # what the bank's chart does not have, nothing was booked to
            ids.append(
                balances.internal_account_id(
                    gl_code=code,
                    branch_id=account.branch_id,
                    branch_code=account.branch.code,
                    currency=account.currency,
                )
            )
    return ids if payout_to is None else [*ids, _payout(account, payout_to).ledger_account_id]


def _fees(account: Account) -> bool:
    return ProductFee.objects.filter(product=account.product_id).exists()


def account_with_books(account_id: UUID) -> Account:
    """The account with its branch, its product and what the product books to. Raises `NotFound`."""
    names = (f"product__{purpose}" for purpose in PURPOSES)
    account = Account.objects.select_related("branch", *names).filter(pk=account_id).first()
    if account is None:
        raise NotFound("No such account.")
    return account


def _payout(account: Account, payout_to: UUID) -> Account:
    """Raises `PayoutNotPossible`: not there, the same, closed, or in another currency."""
    other = Account.objects.filter(pk=payout_to).exclude(pk=account.pk).first()
    if other is None or other.currency != account.currency or other.status == Account.Status.CLOSED:
        raise PayoutNotPossible(pointer="/payout_account_id")
    return other


@retry_transient
def account_close(
    *,
    acting_user: User | None,
    account_id: UUID,
    expected_version: int,
    reason: str,
    closed_on: dt.date,
    at: dt.datetime,
    payout_to: UUID | None = None,
) -> Account:
    """Close an account for good. `closed_on` is the open business day, whose interest is not paid any more.

    What has accrued is paid, fees that are due are charged, those of closing as far as they are there, and what is left
    goes to the account `payout_to` when there is one; standing instructions and unused cheque leaves end with it; all
    in one transaction.

    Raises `NotFound`, `PreconditionFailed`, `AccountIsClosed`, `AccountNotSettled` while something is open on it (a
    hold, a cheque in clearing, a term deposit, a loan) or when its past changed and interest has to accrue anew first,
    `BalanceNotZero` while there is money on it, `InsufficientFunds` when it cannot bear its fees, `PayoutNotPossible`.
    """
    reason = reason_check(reason)
    ids = closure_ledger_ids(account_id=account_id, payout_to=payout_to)
    with balances.in_database(ids, actor_id=acting_user.pk if acting_user is not None else None) as book:
        if blocks := account_ties(account_id).blocks:
            raise AccountNotSettled(f"First: {' '.join(blocks)}")
        ended = f"The account was closed: {reason}"[:REASON_MAX]
        account_ties_end(account_id=account_id, acting_user=acting_user, reason=ended, at=at)
        account = account_locked(account_id, expected_version)
        before = account_facts(account)
        full = account_with_books(account_id)
        try:
            _interest_settle(book, full, closed_on)
            fees_settle(book, full, closed_on)
            _closing_fees(book, full, closed_on)
        except GLAccountNotFound as error:
            raise AccountNotSettled(f"{error.detail} What is due on the account is booked to it.") from error
        state = book.balance(full.ledger_account_id)
        if payout_to is not None and state.balance > 0 and not state.held:
            _pay_out(book, full, _payout(full, payout_to), closed_on)
            state = book.balance(full.ledger_account_id)
        if state.balance or state.held:
            raise BalanceNotZero("Pay the balance out first, or name an account to pay it to.")
        book.change(full.ledger_account_id, status=CLOSED, overdraft_limit=0)
        account.status = Account.Status.CLOSED
        account.status_reason = reason
        account.status_until = None
        account.overdraft_limit = 0
        account.closed_on = closed_on
        return account_changed(account, before, acting_user=acting_user, action="closed", reason=reason)


def _interest_settle(book: Book, account: Account, closed_on: dt.date) -> None:
    terms: ProductTerms | None = terms_of_account(account=account, day=closed_on)
    if terms is None:
        return
    if interest_waits(ledger_id=account.ledger_account_id, before=closed_on):
        raise AccountNotSettled(
            "Its interest of the days before is not settled: close it after the next close of business."
        )
    interest_catch_up(ledger_id=account.ledger_account_id, until=closed_on)
    dues: list[Due] = interest_due(terms=terms, until=closed_on, account_id=account.pk)
    for due in dues:
        legs = interest_legs(due, books_of(account.product), account.currency)
        if legs:
            book.post(
                bank_posting(
                    key=posting_key(due, closed_on, closed_on),
                    kind=INTEREST,
                    legs=legs,
                    business_date=closed_on,
                    description=interest_text(due, closed_on, account.currency),
                )
            )
    dues_record(terms, dues, {}, until=closed_on, business_date=closed_on)


def fees_settle(book: Book, account: Account, day: dt.date, *, all_of_them: bool = True) -> None:
    """Charge the fees that are noted and due on the account; those that it cannot bear stay due unless it is
    `all_of_them`. Raises `InsufficientFunds`, and `AccountNotSettled` while a close is charging them."""
    codes = {account.product_id: (books_of(account.product).fee_income, account.currency)}
    dues, ledger_id = fees_due(account_id=account.pk), account.ledger_account_id
    if dues and fees_unnoted(account_id=account.pk, ledger_id=ledger_id, since=min(due.due_on for due in dues)):
        raise AccountNotSettled("A close of business is charging its fees: do it after that.")
    charged = []
    for due in dues:
        if all_of_them or book.balance(ledger_id).available >= due.amount:
            book.post(fee_posting(due, codes, day))
            charged.append(due)
    fees_mark_charged(charged, day)


def _closing_fees(book: Book, account: Account, closed_on: dt.date) -> None:
    codes = {account.product_id: (books_of(account.product).fee_income, account.currency)}
    for fee in fees_on(day=closed_on, kinds=[ProductFee.Kind.CLOSING], product_id=account.product_id):
        base = max(book.balance(account.ledger_account_id).balance, 0)
        amount = min(fee_amount(fee, base), base)  # no more than is there: an empty account is closed as well
        if amount:
            charge = _charge_note(account, fee, base, amount, closed_on)
            book.post(fee_posting(charge, codes, closed_on))
            fees_mark_charged([charge], closed_on)


def _charge_note(account: Account, fee: ProductFee, base: int, amount: int, day: dt.date) -> DueFee:
    FeeCharge.objects.create(account=account, fee=fee, period=day, base=base, amount=amount, due_on=day)
    return fees_due(account_id=account.pk)[-1]


def _pay_out(book: Book, account: Account, other: Account, closed_on: dt.date) -> None:
    amount = book.balance(account.ledger_account_id).balance
    legs = (
        Leg(account.ledger_account_id, -amount, account.currency),
        Leg(other.ledger_account_id, amount, account.currency),
    )
    book.post(
        bank_posting(
            key=f"payout:{account.pk}:{uuid7()}",
            kind="payout",
            legs=legs,
            business_date=closed_on,
            description=f"Balance of {account.number}, closed",
        )
    )
