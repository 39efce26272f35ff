"""Tills, sessions and what moved in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import QuerySet

from apps.balances.selectors import balance_read
from apps.core.errors import NotFound
from apps.ledger.account_lines import lines_of
from apps.payments.models import Till, TillMovement, TillSession, VaultTransfer

if TYPE_CHECKING:
    from apps.identity.models import User

REPORT_LINES_MAX = 5_000


def tills_visible_to(user: User) -> QuerySet[Till]:
    """Tills of the whole bank or of the user's branches; members see none."""
    tills = Till.objects.select_related("branch")
    if user.scope == "all":
        return tills
    return tills.filter(branch_id__in=user.branch_ids) if user.scope == "branch" else tills.none()


def till_get_for(*, user: User, pk: UUID) -> Till:
    """The till, if it is in the user's reach. Raises `NotFound`."""
    till = tills_visible_to(user).filter(pk=pk).first()
    if till is None:
        raise NotFound("No such till.")
    return till


def sessions_visible_to(user: User) -> QuerySet[TillSession]:
    """Sessions at the tills in the user's reach."""
    sessions = TillSession.objects.select_related("till__branch", "teller", "closed_by")
    if user.scope == "all":
        return sessions
    if user.scope == "branch":
        return sessions.filter(till__branch_id__in=user.branch_ids)
    return sessions.none()


def session_get_for(*, user: User, pk: UUID) -> TillSession:
    """The session, if it is in the user's reach. Raises `NotFound`."""
    session = sessions_visible_to(user).filter(pk=pk).first()
    if session is None:
        raise NotFound("No such session.")
    return session


def session_current(*, teller_id: UUID) -> TillSession | None:
    """The session that the teller has not closed yet."""
    sessions = TillSession.objects.select_related("till__branch", "teller")
    return sessions.filter(teller_id=teller_id).exclude(status=TillSession.Status.CLOSED).first()


def movements_of(session: TillSession) -> QuerySet[TillMovement]:
    """What moved in a session, newest first, with the accounts it moved on."""
    return session.movements.select_related("account__member", "session__till")


def vault_transfer_get_for(*, user: User, pk: UUID) -> VaultTransfer:
    """A transfer between till and vault, if its till is in the user's reach. Raises `NotFound`."""
    found = VaultTransfer.objects.select_related("session__till__branch", "asked_by", "decided_by").filter(pk=pk)
    transfer = found.filter(session__in=sessions_visible_to(user).values("pk")).first()
    if transfer is None:
        raise NotFound("No such vault transfer.")
    return transfer


@dataclass(frozen=True, slots=True)
class SessionReport:
    """A session from its opening to its close, or to now, from the ledger's lines. Minor units, cash above zero.

    `opening` and `closing` are the till in the books; `totals` and `counts` are of the movements by kind; `others` are
    lines on the till's account that no movement of the session explains, such as a reversal. `ties` says that opening
    and lines make the closing, and that each movement has its line.
    """

    session: TillSession
    opening: int
    closing: int
    totals: dict[str, int]
    counts: dict[str, int]
    others: list[Any]
    ties: bool


def session_report(session: TillSession) -> SessionReport:
    """The report of a session."""
    ledger_id = session.till.ledger_account_id
    closing = session.counted if session.closed_entry is not None else -balance_read(account_id=ledger_id).booked
    found = lines_of(account_id=ledger_id).filter(journal_id__gt=session.opened_entry)
    if session.closed_entry is not None:
        found = found.filter(journal_id__lte=session.closed_entry)
    lines = list(found.order_by("journal_id", "line_no"))
    movements = {one.transaction_id: one.amount for one in session.movements.all()}
    totals: dict[str, int] = {}
    counts: dict[str, int] = {}
    for kind, amount in session.movements.values_list("kind", "amount"):
        totals[kind] = totals.get(kind, 0) + amount
        counts[kind] = counts.get(kind, 0) + 1
    matched = {
        line.journal.transaction_id
        for line in lines
        if movements.get(line.journal.transaction_id) == -line.signed_amount
    }
    moved = -sum(line.signed_amount for line in lines)
    return SessionReport(
        session=session,
        opening=session.opening_books,
        closing=closing or 0,
        totals=totals,
        counts=counts,
        others=[line for line in lines if line.journal.transaction_id not in matched],
        ties=session.opening_books + moved == closing and matched == movements.keys(),
    )


def newest_entry(*, ledger_id: int) -> int:
    """Number of the newest entry on a ledger account, 0 for none. Stable under the lock of its balance."""
    newest = lines_of(account_id=ledger_id).order_by("-journal_id", "-line_no").values_list("journal_id", flat=True)
    return newest.first() or 0
