"""A loan with what happened to it: the schedule as it stands, what of it is paid, where each payment went.

`loan_replay` begins at the start every time: the same events give the same state. With `recalculate` interest
follows the days on which principal was really owed, and early payments change the instalments to come.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from apps.calculations.errors import AmountOutOfRange, EventNotPossible, UnknownConvention
from apps.calculations.loans._payments import COMPONENTS, OLDEST_FIRST, Allocation, AllocationOrder, Item, allocate
from apps.calculations.loans._recalculation import OVERDUE, RESTS, STRATEGIES, recalculated
from apps.calculations.loans._rows import Row
from apps.calculations.loans._schedule import loan_schedule
from apps.calculations.loans._terms import LoanTerms
from apps.core.money import MAX_MINOR

EVENTS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that came in, or a credit that counts like it.

    A `strategy` makes it a prepayment: what is more than is due is principal from its date on, whatever the rest, and
    changes the instalments to come by this strategy instead of that of the rules.
    """

    date: dt.date
    amount: int
    strategy: str = ""


@dataclass(frozen=True, slots=True)
class Charge:
    """A fee or penalty with a due date of its own; it falls due with the instalment of that date."""

    due: dt.date
    amount: int
    penalty: bool = False


@dataclass(frozen=True, slots=True)
class ServicingRules:
    """How payments work: the order, whether interest is recalculated, by which rest, what early money does."""

    order: AllocationOrder = OLDEST_FIRST
    recalculate: bool = False
    rest: str = "daily"
    """From when a payment counts for interest: `daily` its date, `due_date` the next due date."""
    prepayment: str = "lower_instalment"
    """`lower_instalment`, `shorten_term`, `next_instalments`."""
    overdue: str = "running"
    """Overdue principal bears interest till today (`running`), in periods with a payment or today (`recorded`), or
    no further interest (`none`): lateness costs penalties then."""
    compounding: bool = False
    """Overdue interest bears interest as well."""

    def check(self) -> None:
        """Raises UnknownConvention."""
        self.order.check()
        if self.rest not in RESTS:
            raise UnknownConvention(f"No rest is called {self.rest}.", pointer="/rest")
        if self.overdue not in OVERDUE:
            raise UnknownConvention(f"No interest on overdue principal is called {self.overdue}.", pointer="/overdue")
        if self.prepayment not in STRATEGIES:
            raise UnknownConvention(f"No strategy is called {self.prepayment}.", pointer="/prepayment")


@dataclass(slots=True)
class RowState:
    """An instalment and what is paid of it."""

    row: Row
    paid: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COMPONENTS, 0))
    paid_date: dt.date | None = None
    in_advance: int = 0
    late: int = 0

    @property
    def paid_total(self) -> int:
        """Everything paid of it."""
        return sum(self.paid.values())

    @property
    def outstanding(self) -> int:
        """What is left to pay."""
        return self.row.total - self.paid_total


@dataclass(frozen=True, slots=True)
class LoanState:
    """The loan on a day."""

    as_of: dt.date
    rows: tuple[RowState, ...]
    allocations: tuple[Allocation, ...]
    overpaid: int

    @property
    def principal_outstanding(self) -> int:
        """Principal owed, due or not."""
        return sum(state.row.principal - state.paid["principal"] for state in self.rows)

    def overdue(self, component: str | None = None) -> int:
        """What is due before the day and not paid, of one component or of all."""
        return sum(
            state.outstanding if component is None else getattr(state.row, component) - state.paid[component]
            for state in self.rows
            if state.row.due < self.as_of
        )


def loan_replay(
    terms: LoanTerms,
    payments: Sequence[Payment],
    charges: Sequence[Charge],
    *,
    rules: ServicingRules,
    as_of: dt.date,
) -> LoanState:
    """The loan on `as_of` after its payments and charges, in order of their dates.

    Raises EventNotPossible for an event before the loan or after `as_of`, AmountOutOfRange for an amount of none.
    """
    rules.check()
    terms.check()
    _check_events(terms, payments, charges, as_of)
    payments = sorted(payments, key=lambda payment: payment.date)
    if rules.recalculate:
        rows = recalculated(terms, payments, charges, rules=rules, as_of=as_of)
    else:
        rows = list(loan_schedule(terms).rows)
        rows = [_charged(row, charges, first=row is rows[0], last=row is rows[-1]) for row in rows]
    return _paid(rows, payments, charges, rules.order, as_of)


def _check_events(terms: LoanTerms, payments: Sequence[Payment], charges: Sequence[Charge], as_of: dt.date) -> None:
    if len(payments) + len(charges) > EVENTS_MAX:
        raise EventNotPossible(f"At most {EVENTS_MAX:,} events.", pointer="/events")
    for payment in payments:
        if not terms.start <= payment.date <= as_of:
            raise EventNotPossible("A payment is between the start of the loan and today.", pointer="/payments")
        if not 0 < payment.amount <= MAX_MINOR:
            raise AmountOutOfRange("A payment is above zero.", pointer="/payments")
        if payment.strategy and payment.strategy not in STRATEGIES:
            raise UnknownConvention(f"No strategy is called {payment.strategy}.", pointer="/payments")
    for charge in charges:
        if charge.due < terms.start:
            raise EventNotPossible("A charge is not due before the loan.", pointer="/charges")
        if not 0 < charge.amount <= MAX_MINOR:
            raise AmountOutOfRange("A charge is above zero.", pointer="/charges")


def falls_in(row: Row, due: dt.date, *, first: bool, last: bool) -> bool:
    """Whether a charge with this due date belongs to the instalment: after its period begins, up to its due date."""
    return (row.start < due or first) and (due <= row.due or last)


def _charged(row: Row, charges: Sequence[Charge], *, first: bool, last: bool) -> Row:
    mine = [charge for charge in charges if falls_in(row, charge.due, first=first, last=last)]
    if not mine:
        return row
    return replace(
        row,
        fees=row.fees + sum(charge.amount for charge in mine if not charge.penalty),
        penalties=row.penalties + sum(charge.amount for charge in mine if charge.penalty),
    )


def items_of(rows: Sequence[Row], charges: Sequence[Charge]) -> list[Item]:
    """The components of the instalments; single charges keep their own due date."""
    items = []
    for row in rows:
        mine = [c for c in charges if falls_in(row, c.due, first=row is rows[0], last=row is rows[-1])]
        for component in COMPONENTS:
            amount = getattr(row, component)
            for charge in mine:
                if component == ("penalties" if charge.penalty else "fees"):
                    items.append(Item(row.number, component, charge.due, charge.amount))
                    amount -= charge.amount
            items.append(Item(row.number, component, row.due, amount))
    return items


def _paid(
    rows: Sequence[Row],
    payments: Sequence[Payment],
    charges: Sequence[Charge],
    order: AllocationOrder,
    as_of: dt.date,
) -> LoanState:
    items = items_of(rows, charges)
    states = {row.number: RowState(row) for row in rows}
    allocations = []
    for payment in payments:
        allocation = allocate(items, payment.amount, payment.date, order)
        allocations.append(allocation)
        for portion in allocation.portions:
            state = states[portion.number]
            state.paid[portion.component] += portion.amount
            state.in_advance += portion.amount if payment.date < state.row.due else 0
            state.late += portion.amount if payment.date > state.row.due else 0
            if not state.outstanding:
                state.paid_date = payment.date
    return LoanState(as_of, tuple(states.values()), tuple(allocations), sum(one.left for one in allocations))
