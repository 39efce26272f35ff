"""What an event would do: position, schedule and entry, worked out and nothing changed.

A preview shows the plan, and carrying out does the plan: they cannot differ (ADR 0028).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from apps.balances.services import internal_account_id
from apps.core.display import money_text
from apps.core.ids import uuid7
from apps.lending.errors import EventDateNotAllowed, EventNotReversible, LoanOverpaid, LoanStateWrong, PayoffDiffers
from apps.lending.mapping import LOAN_ACCOUNTS, mapping_of
from apps.lending.models import Loan, LoanEvent, LoanProduct, LoanStanding
from apps.lending.selectors import Servicing
from apps.lending.services._asked import Counter, EventAsked
from apps.lending.servicing import Books, Happening, Portions, Position, books_due, moves_between

Kind = LoanEvent.Kind
NEW = "new"
"""The id of the event to be, among those that stand."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an event would do. `legs` by role, credit-positive minor units; `event` None takes one back."""

    servicing: Servicing
    event: EventAsked | None
    taken_back: LoanEvent | None
    after: Position
    horizon: dt.date
    books: Books
    """What the books hold after it."""
    legs: tuple[Counter, ...]
    stamp: tuple[Any, ...]
    today: dt.date
    ends: bool
    """Whether the loan is closed with it."""

    @property
    def account_ids(self) -> set[int]:
        """Every ledger account that is moved, and the loan's own, which is locked in any case."""
        return {self.servicing.loan.principal_account_id, *(leg.ledger_id for leg in self.legs)}

    @property
    def portions(self) -> Portions:
        """Where the money of the new event goes."""
        return self.after.portions.get(NEW, Portions())


def stamp_of(servicing: Servicing, today: dt.date) -> tuple[Any, ...]:
    """What a plan depends on: while it is the same, the plan is."""
    return standing_stamp(servicing.loan, servicing.standing, len(servicing.events), today)


def standing_stamp(loan: Loan, standing: LoanStanding, events: int, today: dt.date) -> tuple[Any, ...]:
    """The same of a loan, its standing, and how many events of it stand."""
    return (
        loan.version, today, standing.booked_through, standing.interest_booked, standing.charges_booked,
        standing.suspended, standing.is_non_accrual, standing.provision, events,
    )  # fmt: skip


def books_held(*, servicing: Servicing) -> Books:
    """What the books hold of a loan by what is kept of it. The proof compares that with the books themselves."""
    loan, standing, rows = servicing.loan, servicing.standing, servicing.rows
    if loan.status == Loan.Status.WRITTEN_OFF:
        return Books(0, 0, 0, standing.interest_booked, standing.charges_booked, standing.penalties_booked, 0)
    return Books(
        principal=sum(row.principal - row.principal_paid for row in rows),
        interest=standing.interest_booked - sum(row.interest_paid for row in rows),
        charges=standing.charges_booked - sum(row.fees_paid + row.penalties_paid for row in rows),
        earned=standing.interest_booked,
        charged=standing.charges_booked,
        penalties=standing.penalties_booked,
        suspended=standing.suspended,
    )


def event_plan(servicing: Servicing, event: EventAsked, *, today: dt.date) -> Plan:
    """What a new event would do. Raises what the loan's state, the date and the calculations refuse."""
    _date_check(servicing.loan, event.value_date, today)
    after = servicing.position(Happening(NEW, event.kind, event.value_date, event.amount, event.details))
    if event.kind == Kind.PAYOFF and not after.is_settled:
        left = sum(one.left for one in after.rows)
        missing = money_text(left, servicing.loan.currency, with_currency=True)
        raise PayoffDiffers(f"{missing} is missing.", pointer="/amount", missing_minor=left)
    return _plan(servicing, after, event=event, taken_back=None, counters=event.counters, today=today)


def reversal_plan(servicing: Servicing, event: LoanEvent, *, today: dt.date) -> Plan:
    """What taking an event back would do: the loan as if it had never been. Raises `EventNotReversible`."""
    _reversible_check(servicing, event)
    after = servicing.position(without=event.pk)
    back = tuple(Counter(role, ledger_id, -amount) for role, ledger_id, amount in event.details.get("money", ()))
    return _plan(servicing, after, event=None, taken_back=event, counters=back, today=today)


def _date_check(loan: Loan, value_date: dt.date, today: dt.date) -> None:
    if value_date > today:
        raise EventDateNotAllowed("Not in the future.", pointer="/value_date")
    if loan.started_on is not None and value_date < loan.started_on:
        raise EventDateNotAllowed(f"Not before the loan, which began on {loan.started_on}.", pointer="/value_date")


def _reversible_check(servicing: Servicing, event: LoanEvent) -> None:
    if event.reversed_at is not None:
        raise EventNotReversible("It is reversed already.")
    later = [one for one in servicing.events if one.sequence > event.sequence]
    if event.kind in (Kind.WRITE_OFF, Kind.REFUND):
        raise EventNotReversible("Enter what came in as a recovery instead.")
    alone = (Kind.REPAYMENT, Kind.CHARGE, Kind.WAIVER, Kind.RECOVERY)
    blockers = [one for one in later if event.kind not in alone or one.kind in (Kind.PAYOFF, Kind.WRITE_OFF)]
    if blockers:
        raise EventNotReversible(f"Reverse the {blockers[-1].get_kind_display().lower()} after it first.")


def _plan(
    servicing: Servicing,
    after: Position,
    *,
    event: EventAsked | None,
    taken_back: LoanEvent | None,
    counters: Sequence[Counter],
    today: dt.date,
) -> Plan:
    loan, standing = servicing.loan, servicing.standing
    horizon = max(standing.booked_through or today, today)
    suspends = standing.is_non_accrual or loan.product.accounting == LoanProduct.Accounting.CASH
    held = books_held(servicing=servicing)
    ends = _ends(servicing, after, taken_back)
    # A loan that ends has nothing left to earn: what was paid ahead of its time is earned now.
    last = max(one.row.due for one in after.rows) if ends else horizon
    books = books_due(after, max(horizon, last), suspends=suspends)
    if loan.status == Loan.Status.WRITTEN_OFF:
        books = held
    elif after.is_written_off:
        books = replace(books, principal=0, interest=0, charges=0, suspended=0)
    moves = dict(moves_between(held, books))
    legs = [*counters, *_overpaid(servicing, after)]
    if event is not None and event.kind == Kind.WRITE_OFF:
        moves["interest_income"] = moves.get("interest_income", 0) + books.suspended - held.suspended
        legs += _loss(servicing, moves)
    ids = account_ids_of(loan, [role for role, amount in moves.items() if amount])
    legs += [Counter(role, ids[role], amount) for role, amount in moves.items() if amount]
    if sum(leg.amount for leg in legs):
        raise RuntimeError(f"the entry of loan {loan.number} does not balance: {legs}")
    return Plan(
        servicing, event, taken_back, after, horizon, books, tuple(legs), stamp_of(servicing, today), today, ends
    )  # fmt: skip


def _ends(servicing: Servicing, after: Position, taken_back: LoanEvent | None) -> bool:
    """Whether nothing is left to pay, and nothing of the principal is still to be paid out."""
    out = sum(one.amount for one in servicing.events if one.kind == Kind.DISBURSEMENT and one != taken_back)
    return after.is_settled and (out >= servicing.loan.principal or after.closing is not None)


def account_ids_of(loan: Loan, roles: Sequence[str]) -> dict[str, int]:
    """Ledger accounts by role: the loan's own, and the bank's of the loan's branch, opened at their first use."""
    mapping = mapping_of(loan.product.mapping)
    own = dict(
        zip(LOAN_ACCOUNTS, (loan.principal_account_id, loan.interest_account_id, loan.charges_account_id), strict=True)
    )
    return {
        role: own[role]
        if role in own
        else internal_account_id(
            gl_code=mapping[role], branch_id=loan.branch_id, branch_code=loan.branch.code, currency=loan.currency
        )
        for role in roles
    }


def _overpaid(servicing: Servicing, after: Position) -> list[Counter]:
    """What is more than is owed goes to the loan's account, and comes back from it. Raises `LoanOverpaid`."""
    before = sum(event.overpaid for event in servicing.events)
    more = sum(portions.overpaid for portions in after.portions.values()) - before
    if not more:
        return []
    account = servicing.loan.account
    if account is None:
        excess = money_text(more, servicing.loan.currency, with_currency=True)
        raise LoanOverpaid(f"{excess} more than is owed.", pointer="/amount", excess_minor=more)
    return [Counter("overpaid", account.ledger_account_id, more)]


def _loss(servicing: Servicing, moves: dict[str, int]) -> list[Counter]:
    """What a write-off costs: the allowance first, then expense."""
    standing = servicing.standing
    loss = sum(moves.values())
    used = min(standing.provision, loss)
    roles = {f"allowance_{standing.provision_stage or standing.stage}": used, "write_off": loss - used}
    ids = account_ids_of(servicing.loan, [role for role, amount in roles.items() if amount])
    return [Counter(role, ids[role], -amount) for role, amount in roles.items() if amount]


def state_require(loan: Loan, *states: str) -> None:
    """Raises `LoanStateWrong` unless the loan is in one of these states."""
    if loan.status not in states:
        raise LoanStateWrong(f"The loan is {loan.get_status_display().lower()}.")


def new_id() -> UUID:
    """The id of an event to be."""
    return uuid7()
