"""Where the money of a loan comes from and goes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from apps.accounts.selectors import account_is_of
from apps.balances.services import internal_account_id
from apps.core.errors import CurrencyMismatch
from apps.lending.errors import PayOutNotPossible
from apps.lending.models import Loan
from apps.payments.channels import CHANNELS
from apps.payments.errors import NeedsAnotherPerson, PaymentAccountNotFound, TillNotOpen
from apps.payments.selectors import account_ref, session_current, usable_accounts

if TYPE_CHECKING:
    from apps.identity.models import User

PAYROLL = "payroll"
OWN_CHANNELS = {PAYROLL: "2420"}
"""Channels that only loans have, with the account that the money waits on."""
CHANNEL_NAMES = (*CHANNELS, *OWN_CHANNELS)


@dataclass(frozen=True, slots=True)
class Side:
    """The bank's or the member's side of a movement."""

    ledger_id: int
    account_id: UUID | None
    channel: str
    till: UUID | None = None
    """The open session of the teller, where it is cash."""


def side_of(*, user: User | None, loan: Loan, account: str | None, channel: str | None, inward: bool) -> Side:
    """The other side of a loan's money: an account (number or id), or the bank's account of a channel.

    Neither means the loan's own account. The account is one of the borrower, alone or with others: a loan is no way to
    the money of somebody else, and what goes on to others is a transfer with its own limits.

    Cash goes through the user's own open till. Raises `PaymentAccountNotFound`, `CurrencyMismatch`,
    `PayOutNotPossible`, `TillNotOpen`, and `NeedsAnotherPerson` for the teller's own loan.
    """
    if account is not None and channel is not None:
        raise PayOutNotPossible("Either an account or a channel.", pointer="/channel")
    if channel is not None:
        return _channel(user, loan, channel, inward=inward)
    if account is None:
        if loan.account is None:
            raise PayOutNotPossible("The loan has no account: name one, or a channel.", pointer="/account")
        return Side(loan.account.ledger_account_id, loan.account_id, "account")
    ref = account_ref(name=account, pointer="/account")
    if user is not None and user.scope != "all" and not usable_accounts(user=user, refs=[ref]):
        raise PaymentAccountNotFound("No such account.", pointer="/account")
    if not account_is_of(account_id=ref.account_id, member_id=loan.member_id):
        raise PayOutNotPossible("Only an account of the borrower.", pointer="/account")
    if ref.currency != loan.currency:
        raise CurrencyMismatch(f"The account is in {ref.currency}, the loan in {loan.currency}.", pointer="/account")
    return Side(ref.ledger_id, ref.account_id, "account")


def _channel(user: User | None, loan: Loan, channel: str, *, inward: bool) -> Side:
    branch = loan.branch
    if channel in OWN_CHANNELS:
        code = OWN_CHANNELS[channel]
    elif channel in CHANNELS:
        kind = CHANNELS[channel]
        code = kind.deposit if inward else kind.withdrawal
        if kind.is_cash and user is not None:
            return _till(user, loan, channel)
    else:
        raise PayOutNotPossible(f"There is no channel {channel[:20]}.", pointer="/channel")
    ledger_id = internal_account_id(gl_code=code, branch_id=branch.pk, branch_code=branch.code, currency=loan.currency)
    return Side(ledger_id, None, channel)


def _till(user: User, loan: Loan, channel: str) -> Side:
    session = session_current(teller_id=user.pk)
    if session is None or session.status != session.Status.OPEN:
        raise TillNotOpen("Cash is taken and paid at your own till: open it first.", pointer="/channel")
    if loan.member.user_id == user.pk:
        raise NeedsAnotherPerson("Cash of your own loan goes through a colleague's till.", pointer="/channel")
    if session.till.currency != loan.currency:
        raise CurrencyMismatch(f"Your till holds {session.till.currency}.", pointer="/channel")
    return Side(session.till.ledger_account_id, None, channel, session.pk)
