"""The replay: events in order, segment by segment.

Within a segment the calculation engine works with one set of terms. A change (reschedule, moratorium, top-up) ends a
segment: what had fallen due stays, what is unpaid of it becomes principal, and what is left gets terms of its own from
the last due date on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from apps.calculations.errors import EventNotPossible
from apps.calculations.loans import (
    COMPONENTS,
    Allocation,
    AllocationOrder,
    Change,
    Charge,
    Item,
    LoanState,
    LoanTerms,
    Payment,
    Payoff,
    Row,
    allocate,
    items_of,
    loan_replay,
    moratorium,
    reage,
    reschedule,
)
from apps.lending.conventions import Conventions
from apps.lending.servicing._position import Happening, PaidRow, Portions, Position
from apps.lending.servicing._quote import closing_rows, loan_state
from apps.lending.servicing._rows import paid_rows

EVERYTHING = "*"
"""The component of a settlement's discount: charges first, over all rows, principal last."""
CHARGES_FIRST = AllocationOrder(COMPONENTS, sweep="component")


@dataclass(frozen=True, slots=True)
class Loaned:
    """What a replay needs to know of the contract."""

    conventions: Conventions
    principal: int
    rate: Decimal
    instalments: int
    first_due: dt.date | None = None


@dataclass(frozen=True, slots=True)
class _Money:
    """A payment of the segment; a waiver pays one `component` only."""

    id: Hashable
    date: dt.date
    amount: int
    strategy: str = ""
    component: str = ""


@dataclass(frozen=True, slots=True)
class _Paid:
    """What a payment paid of a component of a row of the segment."""

    id: Hashable
    number: int
    component: str
    amount: int


def replay(loaned: Loaned, happenings: Sequence[Happening]) -> Position:
    """The position after these events, by date and then in the given order. Raises CalculationErrors."""
    run = _Run(loaned)
    for one in sorted(happenings, key=lambda happening: happening.date):
        run.happen(one)
    return run.position()


class _Run:
    """What is known while going from event to event."""

    def __init__(self, loaned: Loaned) -> None:
        self.loaned, self.conventions = loaned, loaned.conventions
        self.terms: LoanTerms | None = None
        self.past: list[PaidRow] = []
        self.closed: list[Row] | None = None
        self.closing: Payoff | None = None
        self.money: list[_Money] = []
        self.charges: list[Charge] = []
        self.portions: dict[Hashable, Portions] = {}
        self.made_charges = self.made_penalties = 0
        self.is_written_off = False
        self.handlers: dict[str, Callable[[Happening], None]] = {
            "disbursement": self.disbursement,
            "repayment": self.repayment,
            "payoff": self.payoff,
            "charge": self.charge,
            "waiver": self.waiver,
            "rate_change": self.rate_change,
            "reschedule": self.reschedule,
            "moratorium": self.moratorium,
            "top_up": self.top_up,
            "write_off": self.write_off,
        }

    def happen(self, one: Happening) -> None:
        """One event. Recoveries and refunds change nothing of the schedule."""
        handler = self.handlers.get(one.kind)
        if handler is None:
            return
        if one.kind != "disbursement" and (self.terms is None or one.date < self.start):
            raise EventNotPossible("Nothing happens to a loan before it is paid out.", pointer="/value_date")
        if self.closed is not None or self.is_written_off:
            raise EventNotPossible("The loan was closed before that.", pointer="/value_date")
        handler(one)

    @property
    def start(self) -> dt.date:
        """The first day of the loan."""
        return self.past[0].row.start if self.past else self.now.start

    @property
    def now(self) -> LoanTerms:
        """The terms of the segment."""
        if self.terms is None:
            raise EventNotPossible("The loan has not been paid out.", pointer="/value_date")
        return self.terms

    # -- money

    def disbursement(self, one: Happening) -> None:
        if self.terms is None:
            self.terms = self.conventions.terms(
                principal=one.amount,
                rate=self.loaned.rate,
                instalments=self.loaned.instalments,
                start=one.date,
                first_due=self.loaned.first_due,
                agreed=self.loaned.principal,
            )
            return
        terms = self.terms
        if not terms.start <= one.date < terms.periods[-1].due:
            raise EventNotPossible("A tranche is paid out before the last due date.", pointer="/value_date")
        tranches = terms.tranches or ((terms.start, terms.principal),)
        self.terms = replace(
            terms, principal=terms.principal + one.amount, tranches=(*tranches, (one.date, one.amount))
        )
        self.terms.check()

    def repayment(self, one: Happening) -> None:
        strategy = str(one.details.get("strategy", "")) if self.conventions.follows_payments else ""
        self.money.append(_Money(one.id, one.date, one.amount, strategy))

    def charge(self, one: Happening) -> None:
        is_penalty = bool(one.details.get("penalty"))
        self.charges.append(Charge(max(one.date, self.now.start), one.amount, is_penalty))
        self.made_charges += one.amount
        self.made_penalties += one.amount if is_penalty else 0

    def waiver(self, one: Happening) -> None:
        self.money.append(_Money(one.id, one.date, one.amount, component=str(one.details["component"])))

    def payoff(self, one: Happening) -> None:
        rows, _ = self.evaluated()
        self.closed, self.closing = closing_rows(self.now, rows, one.date, self.conventions)
        discount = int(one.details.get("discount", 0))
        if discount:
            self.money.append(_Money(one.id, one.date, discount, component=EVERYTHING))
        self.money.append(_Money(one.id, one.date, one.amount))

    def write_off(self, one: Happening) -> None:
        self.is_written_off = True

    # -- changes

    def rate_change(self, one: Happening) -> None:
        if not self.conventions.follows_payments:
            raise EventNotPossible("Flat interest is agreed for the whole term.", pointer="/rate")
        terms = self.now
        changes = tuple(change for change in terms.rate_changes if change[0] != one.date)
        self.terms = replace(terms, rate_changes=(*changes, (one.date, Decimal(one.details["rate"]))))
        self.terms.check()

    def reschedule(self, one: Happening) -> None:
        details = one.details
        rate = Decimal(details["rate"]) if details.get("rate") is not None else None
        frequency = self.conventions.frequency
        if details.get("first_due"):
            first_due = dt.date.fromisoformat(details["first_due"])
            count = int(details["instalments"])
            self.cut(
                one,
                lambda terms, state: reage(
                    terms if rate is None else replace(terms, rate=rate, rate_changes=()), state, one.date,
                    first_due=first_due, count=count, frequency=frequency, arrears="capitalised",
                ),
            )  # fmt: skip
            return
        self.cut(
            one,
            lambda terms, state: reschedule(
                terms, state, one.date, rate=rate, frequency=frequency,
                extra_periods=int(details.get("extra_instalments", 0)),
                grace_principal=int(details.get("grace_principal", 0)),
            ),
        )  # fmt: skip

    def moratorium(self, one: Happening) -> None:
        details = one.details
        self.cut(
            one,
            lambda terms, state: moratorium(
                terms, state, one.date, periods=int(details["periods"]),
                interest=str(details.get("interest", "deferred")),
                extend=bool(details.get("extend", True)), frequency=self.conventions.frequency,
            ),
        )  # fmt: skip

    def top_up(self, one: Happening) -> None:
        extra = int(one.details.get("extra_instalments", 0))
        self.cut(
            one,
            lambda terms, state: reschedule(
                terms, state, one.date, extra_periods=extra, frequency=self.conventions.frequency
            ),
        )
        terms = self.now
        whole = terms.principal + one.amount
        if one.date > terms.start:
            tranches = ((terms.start, terms.principal), (one.date, one.amount))
            self.terms = replace(terms, principal=whole, tranches=tranches, instalment_principal=whole)
        else:
            self.terms = replace(terms, principal=whole)

    def cut(self, one: Happening, change: Callable[[LoanTerms, LoanState], Change]) -> None:
        """End the segment: what fell due stays, what is left gets new terms, what was paid ahead is carried on."""
        rows, paid = self.evaluated()
        past = [row for row in rows if row.row.due <= one.date]
        _deferred_fall_due(past)
        ahead = [PaidRow(row.row, 0, 0) for row in rows if row.row.due > one.date]
        made = change(self.now, loan_state([*past, *ahead], one.date))
        for n, row in enumerate(past, len(self.past) + 1):
            owed = row.row.principal - row.paid["principal"]
            row.row = replace(row.row, number=n, principal=row.paid["principal"], closing=row.row.closing + owed)
            for name in ("interest", "fees", "penalties"):
                row.paid[name] = getattr(row.row, name)
            row.paid_on = row.paid_on or one.date
        start, kept = made.after.terms.start, len(past)
        self.count([entry for entry in paid if entry.number <= kept])
        carried: dict[Hashable, int] = {}
        for entry in paid:
            if entry.number > kept:
                carried[entry.id] = carried.get(entry.id, 0) + entry.amount
        self.money = [
            replace(money, date=max(money.date, start), amount=carried[money.id])
            for money in self.money
            if money.id in carried
        ]
        # Charges of the running period are not among the past ones: they stay what they are. After the last row they
        # fell due with it.
        self.charges = [charge for charge in self.charges if not past or (ahead and charge.due > past[-1].row.due)]
        self.past += past
        self.terms = made.after.terms

    # -- what comes of it

    def evaluated(self) -> tuple[list[PaidRow], list[_Paid]]:
        """The rows of the segment with what is paid of them, and where each payment went."""
        terms = self.now
        money = sorted(self.money, key=lambda one: one.date)
        last = max([terms.start, *(one.date for one in money)])
        payments = [Payment(one.date, one.amount, one.strategy) for one in money]
        plain: Sequence[Row] = self.closed or tuple(
            state.row
            for state in loan_replay(terms, payments, self.charges, rules=self.conventions.rules, as_of=last).rows
        )
        rows = paid_rows(terms, plain, self.charges)
        items = items_of(plain, self.charges)
        by_number = {row.row.number: row for row in rows}
        paid: list[_Paid] = []
        for one in money:
            left = one.amount
            for allocation in self.allocated(items, one):
                left = allocation.left
                for portion in allocation.portions:
                    row = by_number[portion.number]
                    row.paid[portion.component] += portion.amount
                    paid.append(_Paid(one.id, portion.number, portion.component, portion.amount))
                    if not row.left:
                        row.paid_on = one.date
            if left:
                paid.append(_Paid(one.id, 0, "overpaid", left))
        return rows, paid

    def count(self, paid: Sequence[_Paid]) -> None:
        """Add what payments paid to where their money went."""
        for entry in paid:
            self.portions.setdefault(entry.id, Portions()).add(entry.component, entry.amount)

    def allocated(self, items: Sequence[Item], one: _Money) -> list[Allocation]:
        """Where a payment goes: by the order; a prepayment to what is due, then to principal; a waiver to its part."""
        order = self.conventions.rules.order
        if one.component == EVERYTHING:
            return [allocate(items, one.amount, one.date, CHARGES_FIRST)]
        if one.component:
            mine = [item for item in items if item.component == one.component and item.due <= one.date]
            return [allocate(mine, one.amount, one.date, order)]
        if not one.strategy:
            return [allocate(items, one.amount, one.date, order)]
        due = allocate([item for item in items if item.due <= one.date], one.amount, one.date, order)
        early = [item for item in items if item.due > one.date and item.component == "principal"]
        principal = allocate(early, due.left, one.date, order)
        return [due, principal, allocate(items, principal.left, one.date, order)]

    def position(self) -> Position:
        """What came of it all."""
        if self.terms is None:
            return Position((), {}, None)
        rows, paid = self.evaluated()
        for n, row in enumerate(rows, len(self.past) + 1):
            row.row = replace(row.row, number=n)
        self.count(paid)
        return Position(
            (*self.past, *rows), self.portions, self.terms, self.made_charges, self.made_penalties,
            self.is_written_off, self.closing,
        )  # fmt: skip


def _deferred_fall_due(past: Sequence[PaidRow]) -> None:
    """Interest that was earned and deferred falls due with the last row before a change: it becomes principal there."""
    pending = sum(row.accrues for row in past) - sum(row.row.interest for row in past)
    if pending > 0:
        past[-1].row = replace(past[-1].row, interest=past[-1].row.interest + pending)
