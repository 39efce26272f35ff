"""A teller's time at a till: opened with a count, closed with a count, the difference on the books."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from django.db import IntegrityError

from apps.audit.services import record
from apps.balances.services import Book, Leg, Posting, in_database, internal_account_id
from apps.core.api.etag import version_check
from apps.core.retry import retry_transient
from apps.core.trace import trace_id
from apps.ledger.selectors import business_date_current
from apps.payments import locks
from apps.payments.denominations import count_total
from apps.payments.errors import NeedsAnotherPerson, TillInUse, TillNotOpen, VaultTransferOpen
from apps.payments.models import TillMovement, TillSession, VaultTransfer
from apps.payments.selectors import newest_entry, session_get_for, till_get_for

if TYPE_CHECKING:
    from apps.accounts.selectors import AccountRef
    from apps.identity.models import User

CASH_OVER, CASH_SHORT = "4340", "5720"


@retry_transient
def session_open(*, acting_user: User, till_id: UUID, count: dict[str, int], at: dt.datetime) -> TillSession:
    """Open a till with the notes and coins found in it (see `denominations`).

    What differs from the books is kept with the session and is settled at its count. Raises `NotFound`, `TillNotOpen`
    for a till that is out of use, `TillInUse` when the till or the teller has a session that is not closed.
    """
    till = till_get_for(user=acting_user, pk=till_id)
    if not till.is_active:
        raise TillNotOpen("The till is out of use.", pointer="/till_id")
    try:
        with in_database([till.ledger_account_id], actor_id=acting_user.pk, correlation_id=trace_id()) as book:
            session = TillSession.objects.create(
                till=till,
                teller=acting_user,
                business_date=business_date_current(),
                opened_at=at,
                opening_books=-book.balance(till.ledger_account_id).balance,
                opening_counted=count_total(count),
                opening_count=count,
                opened_entry=newest_entry(ledger_id=till.ledger_account_id),
                created_at=at,
            )
            record(
                action="payments.till_session.opened",
                acting_user=acting_user,
                target=session,
                after={"counted": session.opening_counted, "books": session.opening_books},
                at=at,
            )
    except IntegrityError as error:
        raise TillInUse("The till, or you, have a session that is not closed.", pointer="/till_id") from error
    return session


@retry_transient
def session_count(
    *,
    acting_user: User,
    session_id: UUID,
    expected_version: int,
    count: dict[str, int],
    note: str,
    at: dt.datetime,
    for_teller: bool = False,
) -> TillSession:
    """Cash up: count what is in the till. Within its tolerance the difference is booked and the session closed.

    Otherwise the session waits for a supervisor. A supervisor counts `for_teller` who is away; that waits for another
    one in any case. Raises `NotFound`, `PreconditionFailed`, `TillNotOpen`, `VaultTransferOpen`.
    """
    known = session_get_for(user=acting_user, pk=session_id)
    others = _difference_accounts(known)
    ledger_id = known.till.ledger_account_id
    with in_database([ledger_id, *others], actor_id=acting_user.pk, correlation_id=trace_id()) as book:
        session = locks.session_lock(pk=session_id)
        session_check(session, session.teller if for_teller else acting_user)
        version_check(current=session.version, expected=expected_version)
        if session.vault_transfers.filter(status=VaultTransfer.Status.ASKED).exists():
            raise VaultTransferOpen
        session.status = TillSession.Status.COUNTED
        session.counted_at, session.counted, session.count, session.count_note = at, count_total(count), count, note
        session.counted_books = -book.balance(ledger_id).balance
        session.closed_by = acting_user if for_teller else None  # who confirms it is somebody else again
        if not for_teller and abs(session.difference or 0) <= session.till.tolerance:
            _close(book, session, others, acting_user=acting_user, at=at)
        session.version += 1
        session.save()
        _record("counted", session, acting_user, reason=note, at=at)
    return session


@retry_transient
def session_confirm(
    *, acting_user: User, session_id: UUID, expected_version: int, accept: bool, note: str, at: dt.datetime
) -> TillSession:
    """A supervisor takes a count with a difference as it is, which books it, or has the till counted again.

    Raises `NotFound`, `PreconditionFailed`, `TillNotOpen` for a session that does not wait for this, or whose till has
    moved since the count, `NeedsAnotherPerson` for the teller and for who counted.
    """
    known = session_get_for(user=acting_user, pk=session_id)
    others = _difference_accounts(known)
    ledger_id = known.till.ledger_account_id
    with in_database([ledger_id, *others], actor_id=acting_user.pk, correlation_id=trace_id()) as book:
        session = locks.session_lock(pk=session_id)
        version_check(current=session.version, expected=expected_version)
        if session.status != TillSession.Status.COUNTED:
            raise TillNotOpen("There is no count that waits for a supervisor.")
        if acting_user.pk in (session.teller_id, session.closed_by_id):
            raise NeedsAnotherPerson("Nobody confirms the own count.")
        if accept:
            if session.counted_books != -book.balance(ledger_id).balance:  # a payment of the till was reversed
                raise TillNotOpen("The till has moved on the books since the count: have it counted again.")
            _close(book, session, others, acting_user=acting_user, at=at)
        else:
            session.status = TillSession.Status.OPEN
            session.counted = session.counted_books = session.counted_at = session.closed_by = None
            session.count = {}
        session.version += 1
        session.save()
        _record("confirmed" if accept else "returned", session, acting_user, reason=note, at=at)
    return session


def session_check(session: TillSession, teller: User) -> None:
    """Raise `TillNotOpen` unless the session is open and this teller's. Call it under the lock."""
    if session.status != TillSession.Status.OPEN:
        raise TillNotOpen("The session is not open any more.")
    if session.teller_id != teller.pk:
        raise TillNotOpen("The session is another teller's.")


def own_account_check(teller: User, ref: AccountRef) -> None:
    """Raise `NeedsAnotherPerson` for cash of an account that the teller holds: who would look at it?"""
    if ref.belongs_to(teller.pk):
        raise NeedsAnotherPerson("Cash of your own account goes through a colleague's till.", pointer="/account")


def _difference_accounts(session: TillSession) -> tuple[int, int]:
    """Ledger accounts of the branch for cash that is too much, and for cash that is missing."""
    branch = session.till.branch
    over, short = (
        internal_account_id(gl_code=code, branch_id=branch.pk, branch_code=branch.code, currency=session.till.currency)
        for code in (CASH_OVER, CASH_SHORT)
    )
    return over, short


def _close(book: Book, session: TillSession, others: tuple[int, int], *, acting_user: User, at: dt.datetime) -> None:
    """Book the difference, so that the books hold what was counted, and end the session."""
    till, difference = session.till, session.difference or 0
    if difference:
        session.difference_id = uuid5(session.pk, "difference")
        other = others[0] if difference > 0 else others[1]
        book.post(
            Posting(
                transaction_id=session.difference_id,
                client_id=str(session.pk),
                key="difference",
                fingerprint=hashlib.sha256(f"{session.pk} {difference}".encode()).digest(),
                kind="till_difference",
                legs=(
                    Leg(till.ledger_account_id, -difference, till.currency),
                    Leg(other, difference, till.currency),
                ),
                channel="branch",
                description=f"Cash {'over' if difference > 0 else 'short'} at {till.name}"[:200],
            )
        )
        TillMovement.objects.create(
            session=session,
            transaction_id=session.difference_id,
            kind=TillMovement.Kind.DIFFERENCE,
            amount=difference,
            at=at,
        )
    session.status = TillSession.Status.CLOSED
    session.closed_at, session.closed_by = at, acting_user
    session.closed_entry = newest_entry(ledger_id=till.ledger_account_id)


def _record(verb: str, session: TillSession, acting_user: User, *, reason: str, at: dt.datetime) -> None:
    facts: dict[str, Any] = {
        "teller": session.teller.full_name,
        "status": session.status,
        "counted": session.counted,
        "books": session.counted_books,
        "difference": session.difference,
    }
    record(
        action=f"payments.till_session.{verb}",
        acting_user=acting_user,
        target=session,
        after=facts,
        reason=reason,
        at=at,
    )
