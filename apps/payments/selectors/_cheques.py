"""Cheques paid in, the bank's own leaves, terminals and what they asked for."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.accounts.selectors import accounts_visible_to
from apps.core.errors import NotFound
from apps.payments.models import Authorisation, ChequeBook, ChequeDeposit, ChequeLeaf, Terminal

if TYPE_CHECKING:
    from apps.identity.models import User


def _within(user: User) -> Q:
    """The condition that a row's account is in the user's reach; the user holds accounts.view."""
    if user.scope == "all" and user.has_permission("accounts.view"):
        return Q()
    return Q(account__in=accounts_visible_to(user).order_by().values("pk"))


def cheque_deposits_visible_to(user: User) -> QuerySet[ChequeDeposit]:
    """Cheques paid in onto accounts in the user's reach."""
    return ChequeDeposit.objects.select_related("account__branch").filter(_within(user))


def cheque_deposit_get_for(*, user: User, pk: UUID) -> ChequeDeposit:
    """The cheque, if its account is in the user's reach. Raises `NotFound`."""
    cheque = cheque_deposits_visible_to(user).filter(pk=pk).first()
    if cheque is None:
        raise NotFound("No such cheque.")
    return cheque


def cheque_deposit_find(*, transaction_id: UUID) -> ChequeDeposit | None:
    """The cheque that a transaction booked."""
    return ChequeDeposit.objects.select_related("account__branch").filter(transaction_id=transaction_id).first()


def cheque_paid_in(*, transaction_id: UUID) -> bool:
    """Has the transaction booked a cheque of another bank? It is undone by a return, until it has cleared."""
    return ChequeDeposit.objects.filter(transaction_id=transaction_id).exists()


def cheque_keeps_hold(*, hold_id: UUID) -> bool:
    """Is the hold that of a cheque in clearing?"""
    return ChequeDeposit.objects.filter(hold=hold_id, status=ChequeDeposit.Status.CLEARING).exists()


def cheques_due(*, on: dt.date) -> QuerySet[ChequeDeposit]:
    """Cheques whose time in clearing is over by a business date."""
    return ChequeDeposit.objects.filter(status=ChequeDeposit.Status.CLEARING, clears_on__lte=on)


def cheque_books_visible_to(user: User) -> QuerySet[ChequeBook]:
    """Books issued on accounts in the user's reach."""
    return ChequeBook.objects.select_related("account__branch").filter(_within(user))


def cheque_leaves_visible_to(user: User) -> QuerySet[ChequeLeaf]:
    """Leaves of accounts in the user's reach."""
    return ChequeLeaf.objects.select_related("account").filter(_within(user))


def terminals() -> QuerySet[Terminal]:
    """All terminals."""
    return Terminal.objects.select_related("branch")


def terminal_by_code(*, code: str) -> Terminal | None:
    """The terminal with this code."""
    return Terminal.objects.filter(code=code).first()


def authorisations_visible_to(user: User) -> QuerySet[Authorisation]:
    """Authorisations on accounts in the user's reach."""
    return Authorisation.objects.select_related("terminal", "account", "hold").filter(_within(user))


def authorisation_get_for(*, user: User, pk: UUID) -> Authorisation:
    """The authorisation, if its account is in the user's reach. Raises `NotFound`."""
    found = authorisations_visible_to(user).filter(pk=pk).first()
    if found is None:
        raise NotFound("No such authorisation.")
    return found


def authorisation_find(*, transaction_id: UUID) -> Authorisation | None:
    """The authorisation whose hold was placed under a transaction id."""
    found = Authorisation.objects.select_related("terminal", "account", "hold")
    return found.filter(hold__transaction_id=transaction_id).first()
