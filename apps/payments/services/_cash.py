"""Money into and out of the bank: the other side is the bank's own account of the channel."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from apps.accounts.selectors import AccountRef
from apps.balances.services import internal_account_id
from apps.core.errors import DomainError
from apps.core.money import Money
from apps.payments.channels import CHANNELS
from apps.payments.errors import BranchMissing
from apps.payments.selectors import KIND_DEPOSIT, KIND_WITHDRAWAL, Payment, product_limits
from apps.payments.services._common import (
    Asked,
    Details,
    currency_check,
    decided_before,
    limit_check,
    payment_post,
    usable_ref,
    value_date_check,
)
from apps.payments.services._rules import rules_check, till_needed_check
from apps.payments.services._signatures import signatures_check, signatures_keep

if TYPE_CHECKING:
    from apps.identity.models import User


def deposit_post(*, asked: Asked, account: str, amount: Money, details: Details) -> Payment:
    """Money that came in by `details.channel`, onto an account (number or id).

    Cash by people goes through a till, see `cash_take`. Raises `PaymentAccountNotFound`, `CurrencyMismatch`,
    `TillNotOpen`, `ChannelNotAllowed`, `BalanceAboveMaximum`, `ValueDateNotAllowed`, `BranchMissing`,
    `IdempotencyKeyReused`. A blocked or closed account is an outcome.
    """
    try:
        ref = usable_ref(user=asked.user, name=account, pointer="/account")
        currency_check(ref=ref, amount=amount, pointer="/amount/currency")
        till_needed_check(asked, details.channel)
        rules_check(amount=amount, channel=details.channel, credit=ref)
        value_date_check(details.value_date)
        own = channel_account(user=asked.user, ref=ref, channel=details.channel, currency=amount.currency, inward=True)
    except DomainError:
        return _again(asked)
    return payment_post(
        asked,
        kind=KIND_DEPOSIT,
        amount=amount,
        debit=own,
        credit=ref.ledger_id,
        source=None,
        destination=ref,
        details=details,
    )


def withdrawal_post(
    *, asked: Asked, account: str, amount: Money, details: Details, signed_by: Iterable[UUID] = ()
) -> Payment:
    """Money paid out by `details.channel` from an account (number or id).

    `signed_by` are the members who signed, where the account's mandate asks for several. Raises as `deposit_post`, and
    `TransactionLimitExceeded`, `SignaturesMissing`, `SignatoryUnknown`. Insufficient funds, a blocked or closed account
    are outcomes.
    """
    try:
        ref = usable_ref(user=asked.user, name=account, pointer="/account")
        currency_check(ref=ref, amount=amount, pointer="/amount/currency")
        limit_check(ref=ref, amount=amount, limits=product_limits())
        till_needed_check(asked, details.channel)
        rules_check(amount=amount, channel=details.channel, debit=ref)
        value_date_check(details.value_date)
        own = channel_account(user=asked.user, ref=ref, channel=details.channel, currency=amount.currency, inward=False)
        signed = signatures_check(user=asked.user, ref=ref, amount=amount, signed_by=signed_by)
    except DomainError:
        return _again(asked)
    signatures_keep(user=asked.user, ref=ref, transaction_id=asked.transaction_id, members=signed)
    return payment_post(
        asked,
        kind=KIND_WITHDRAWAL,
        amount=amount,
        debit=ref.ledger_id,
        credit=own,
        source=ref,
        destination=None,
        details=details,
    )


def channel_account(*, user: User, ref: AccountRef, channel: str, currency: str, inward: bool) -> int:
    """Ledger account id of the bank's side of a channel: cash at the user's branch, others at the account's.

    It is opened at its first use. Raises `BranchMissing` for cash when the user belongs to no branch.
    """
    kind = CHANNELS[channel]
    branch_id, branch_code = ref.branch_id, ref.branch_code
    if kind.is_cash:
        if user.branch is None:
            raise BranchMissing("Cash is taken and paid at a branch, and you belong to none.")
        branch_id, branch_code = user.branch.pk, user.branch.code
    return internal_account_id(
        gl_code=kind.deposit if inward else kind.withdrawal,
        branch_id=branch_id,
        branch_code=branch_code,
        currency=currency,
    )


def _again(asked: Asked) -> Payment:
    """In an except block: the answer of the first time when there is one, else the refusal goes on."""
    payment = decided_before(asked)
    if payment is None:
        raise  # noqa: PLE0704 - called while the refusal is handled
    return payment
