"""Terminals: an authorisation holds the money, a capture takes it, a release or its time gives it back."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.audit.services import record
from apps.balances.selectors import hold_find
from apps.balances.services import hold_place, in_database
from apps.core.errors import IdempotencyKeyReused, NotFound
from apps.core.money import Money
from apps.core.trace import trace_id
from apps.identity.selectors import branches_visible_to
from apps.ledger.errors import BranchUnknown
from apps.payments.errors import TerminalCodeTaken, TerminalNotUsable
from apps.payments.models import Authorisation, Terminal
from apps.payments.selectors import authorisation_find, authorisation_get_for, product_limits, terminal_by_code
from apps.payments.services import _holds
from apps.payments.services._common import Asked, currency_check, limit_check, usable_ref
from apps.payments.services._rules import rules_check, stand_in
from apps.payments.services._signatures import signatures_check

if TYPE_CHECKING:
    from apps.identity.models import User


@transaction.atomic
def terminal_create(
    *,
    acting_user: User | None,
    code: str,
    name: str,
    channel: str,
    currency: str,
    amount_max: int,
    hold_minutes: int,
    branch_code: str = "",
) -> Terminal:
    """Make a terminal known. Raises `BranchUnknown`, `TerminalCodeTaken`."""
    branch = None
    if branch_code and acting_user is not None:
        branch = branches_visible_to(acting_user).filter(code=branch_code).first()
        if branch is None:
            raise BranchUnknown(f"There is no branch {branch_code[:20]}.", pointer="/branch")
    try:
        with transaction.atomic():
            terminal = Terminal.objects.create(
                code=code,
                name=name,
                channel=channel,
                currency=currency,
                amount_max=amount_max,
                hold_minutes=hold_minutes,
                branch=branch,
            )
    except IntegrityError as error:
        raise TerminalCodeTaken(f"There is a terminal {code}.", pointer="/code") from error
    facts = {"channel": channel, "currency": currency, "amount_max": amount_max, "hold_minutes": hold_minutes}
    record(action="payments.terminal.created", acting_user=acting_user, target=terminal, after=facts)
    return terminal


def authorisation_place(
    *, asked: Asked, terminal_code: str, account: str, amount: Money, reference: str, at: dt.datetime
) -> tuple[Authorisation, bool]:
    """Hold money for a terminal until it is captured, released, or its time is over; and whether it stood before.

    Raises `NotFound` for an unknown terminal, `TerminalNotUsable`, `PaymentAccountNotFound`, `CurrencyMismatch`,
    `TransactionLimitExceeded`, `SignaturesMissing`, `IdempotencyKeyReused`, and what `balances.services.hold_place`
    raises.
    """
    known = authorisation_find(transaction_id=asked.transaction_id)
    if known is not None:
        placed = hold_find(transaction_id=asked.transaction_id)
        if placed is None or bytes(placed.fingerprint) != asked.fingerprint:
            raise IdempotencyKeyReused
        return known, True
    terminal = terminal_by_code(code=terminal_code)
    if terminal is None:
        raise NotFound("No such terminal.", pointer="/terminal")
    ref = usable_ref(user=asked.user, name=account, pointer="/account")
    currency_check(ref=ref, amount=amount, pointer="/amount/currency")
    limit_check(ref=ref, amount=amount, limits=product_limits())
    signatures_check(user=asked.user, ref=ref, amount=amount, pointer="/amount")  # a card is one signatory's
    if not terminal.is_active or terminal.currency != amount.currency or amount.minor > terminal.amount_max:
        most = Money(terminal.amount_max, terminal.currency)
        raise TerminalNotUsable(f"This terminal may ask for at most {most}.", pointer="/amount")
    try:
        with in_database([ref.ledger_id], actor_id=asked.user.pk, correlation_id=trace_id()) as book:
            rules_check(amount=amount, channel=terminal.channel, debit=ref, stand=stand_in(book))
            hold, _ = hold_place(
                transaction_id=asked.transaction_id,
                fingerprint=asked.fingerprint,
                client_id=asked.client_id,
                key=asked.key,
                account_id=ref.ledger_id,
                amount=amount.minor,
                reason=f"{terminal.name}, {reference}"[:200],
                expires_at=at + dt.timedelta(minutes=terminal.hold_minutes),
                actor_id=asked.user.pk,
                at=at,
            )
            made = Authorisation.objects.create(
                terminal=terminal, account_id=ref.account_id, reference=reference, hold_id=hold.pk, created_at=at
            )
    except IntegrityError as error:
        raise TerminalNotUsable("The terminal has used this reference before.", pointer="/reference") from error
    return authorisation_get_for(user=asked.user, pk=made.pk), False


def authorisation_capture(
    *, asked: Asked, authorisation_id: UUID, amount: Money | None, at: dt.datetime
) -> tuple[Authorisation, bool]:
    """Take the money that was held, all of it or `amount`; the rest is given back. And whether it was taken before.

    Raises `NotFound`, `CurrencyMismatch`, `InvalidAmount`, `HoldNotActive`, and the refusals of a posting.
    """
    known = authorisation_get_for(user=asked.user, pk=authorisation_id)
    _, replayed = _holds.hold_capture(
        asked=asked,
        hold_id=known.hold_id,
        expected_version=known.hold.version,
        amount=amount,
        destination=None,
        channel=known.terminal.channel,
        description=f"{known.terminal.name}, {known.reference}"[:200],
        at=at,
    )
    Authorisation.objects.filter(pk=known.pk, capture_id=None).update(capture_id=asked.transaction_id)
    return authorisation_get_for(user=asked.user, pk=authorisation_id), replayed


def authorisation_release(*, acting_user: User, authorisation_id: UUID, at: dt.datetime) -> Authorisation:
    """Give the money back untaken. Raises `NotFound`, `HoldNotActive`."""
    known = authorisation_get_for(user=acting_user, pk=authorisation_id)
    _holds.hold_release(user=acting_user, hold_id=known.hold_id, expected_version=known.hold.version, at=at)
    return authorisation_get_for(user=acting_user, pk=authorisation_id)
