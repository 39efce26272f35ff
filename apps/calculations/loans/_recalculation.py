"""Rows whose interest follows the principal really owed, day by day or from due date to due date.

* Principal that is due and not paid goes on bearing interest till it is paid, or till the day of the calculation:
  what is to come is projected as if it were paid then. Where overdue principal is `recorded`, a period in which nothing
  happened keeps the interest that was projected for it before: it is as if the schedule were made anew at each payment
  and today, from the period they are in.
  Where it bears `none`, rows do not depend on lateness, and not on the day of the calculation.
* Money before its due date is principal at once (rest `daily`, or a payment with a strategy of its own). What is more
  than the instalment's principal changes the instalments to come, by the strategy.
* A loan that is paid off within a period has interest till that day only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from apps.calculations.loans._interest import Interest, Part
from apps.calculations.loans._payments import Item, allocate
from apps.calculations.loans._rows import Row
from apps.calculations.loans._schedule import Level, _first_interest, _is_free, _principal, _with_fees
from apps.calculations.loans._terms import LoanTerms, Period

if TYPE_CHECKING:
    from apps.calculations.loans._servicing import Charge, Payment, ServicingRules

RESTS = ("daily", "due_date")
OVERDUE = ("running", "recorded", "none")
STRATEGIES = ("lower_instalment", "shorten_term", "next_instalments")


def recalculated(
    terms: LoanTerms,
    payments: Sequence[Payment],
    charges: Sequence[Charge],
    *,
    rules: ServicingRules,
    as_of: dt.date,
) -> list[Row]:
    """The rows of a loan after these payments, in order of their dates."""
    run = _Run(terms, charges, rules, as_of)
    waiting = list(payments)
    for index, period in enumerate(terms.periods):
        mine = [one for one in waiting if one.date <= period.due]
        waiting = waiting[len(mine) :]
        if rules.overdue == "none":
            mine = run.arrears_first(mine, period)
        early = [one for one in mine if run.counts_from(one.date, period, one.strategy) < period.due]
        on_due = [one for one in mine if run.counts_from(one.date, period, one.strategy) >= period.due]
        if run.period(index, period, early, on_due):
            run.charge_after_the_end()
            break
    return run.rows


class _Run:
    """What is known while going from period to period."""

    def __init__(self, terms: LoanTerms, charges: Sequence[Charge], rules: ServicingRules, as_of: dt.date) -> None:
        self.terms, self.charges, self.rules, self.as_of = terms, charges, rules, as_of
        self.interest = Interest(terms)
        self.level = Level(terms, self.interest)
        self.rows: list[Row] = []
        self.items: list[Item] = []
        self.paid_out = terms.tranches or ((terms.start, terms.principal),)
        self.changes: list[tuple[dt.date, int]] = list(self.paid_out)
        """Changes to come of the balance that bears interest."""
        self.bearing = 0
        self.until = as_of
        self.balance = sum(amount for date, amount in self.paid_out if date <= terms.start)
        self.deferred = 0
        self.reduce = 0
        """Paid ahead, to be taken from the principal of the next instalments."""
        self.projected = False
        """Whether what is overdue counts as paid from here on."""
        self.recorded = rules.overdue == "recorded"
        self.bearers: tuple[str, ...] = ("principal", "interest") if rules.compounding else ("principal",)
        if rules.overdue == "none":
            self.bearers = ()
        """What bears interest when it is overdue."""

    def counts_from(self, date: dt.date, period: Period, strategy: str = "") -> dt.date:
        """From which day a payment changes the balance that bears interest."""
        return date if self.rules.rest == "daily" or strategy else period.due

    def arrears_first(self, payments: Sequence[Payment], period: Period) -> list[Payment]:
        """Pay what was due before the period, on the days of the payments; what is left of each of them."""
        left = [
            replace(one, amount=allocate(self.items, one.amount, one.date, self.rules.order).left)
            if one.date < period.due
            else one
            for one in payments
        ]
        return [one for one in left if one.amount]

    def period(self, index: int, period: Period, early: Sequence[Payment], on_due: Sequence[Payment]) -> bool:
        """Add the row of a period. True when the loan has ended with it."""
        terms = self.terms
        tranche = self._tranche(period, period.due)
        ahead = money = 0
        if self.recorded:
            self._begin(period, [*early, *on_due])
        for payment in early:
            left = self._pay_arrears(payment, period)
            money += left
            if left and self._is_payoff(period, payment.date, money):
                return self._paid_off(index, period, payment.date)
            # What is more than the balance pays interest on the due date.
            left = min(left, self.balance + self._tranche(period, payment.date) - ahead)
            ahead += left
            self.changes.append((payment.date, -left))
        self._project(period)
        parts = self._parts(period)
        accrued = 0 if _is_free(terms, index + 1) else self.interest.rounded(parts)
        principal = self._principal(index, accrued, tranche, ahead)
        excess = max(ahead - principal, 0)
        row = self._row(index, period, principal + excess, accrued, tranche, parts)
        self.balance = row.closing
        self.items += self._items(row)
        over = self._pay_on_due(row, money, on_due)
        if over:
            over = min(over, row.closing)
            row = replace(row, principal=row.principal + over, closing=row.closing - over)
            self.balance = row.closing
        self.rows.append(row)
        self.changes.append((period.due, ahead - row.principal))
        self._keep_unpaid(row)
        if excess + over and index + 1 < terms.count:
            named = [one.strategy for one in (*early, *on_due) if one.strategy]
            self._strategy(index, excess + over, named[-1] if named else self.rules.prepayment)
        return not self.balance and not any(date > period.due for date, _ in self.paid_out)

    def _items(self, row: Row) -> list[Item]:
        found = [Item(row.number, name, row.due, getattr(row, name)) for name in ("penalties", "fees", "interest")]
        return [*found, Item(row.number, "principal", row.due, row.principal)]

    def _pay_arrears(self, payment: Payment, period: Period) -> int:
        """Older instalments first; their principal stops bearing interest. What is left is early money."""
        allocation = allocate(self.items, payment.amount, payment.date, self.rules.order)
        if not self.projected:
            self.changes.append((self.counts_from(payment.date, period), -sum(map(allocation.total, self.bearers))))
        return allocation.left

    def _pay_on_due(self, row: Row, money: int, on_due: Sequence[Payment]) -> int:
        """Early money and payments on the due date pay the row as well; what is more than everything due."""
        over = allocate(self.items, money, row.due, self.rules.order).left if money else 0
        for payment in on_due:
            arrears = [item for item in self.items if item.number < row.number]
            before = sum(item.paid for item in arrears if item.component in self.bearers)
            over += allocate(self.items, payment.amount, payment.date, self.rules.order).left
            paid = sum(item.paid for item in arrears if item.component in self.bearers) - before
            if not self.projected:
                self.changes.append((row.due, -paid))
        return over

    def _unpaid(self) -> int:
        return sum(item.left for item in self.items if item.component in self.bearers)

    def _begin(self, period: Period, payments: Sequence[Payment]) -> None:
        """Overdue principal bears interest in a period in which something happens, till the last of it."""
        days = [payment.date for payment in payments]
        if period.start < self.as_of <= period.due:
            days.append(self.as_of)
        self.projected = not days
        if days:
            self.changes.append((period.start, self._unpaid()))
            self.until = max(days)

    def _project(self, period: Period) -> None:
        """From the day of the calculation on, what is overdue counts as paid."""
        if self.recorded:
            if not self.projected and self.until < period.due:
                self.changes.append((self.counts_from(self.until, period), -self._unpaid()))
                self.projected = True
            return
        if not self.projected and self.as_of < period.due:
            self.changes.append((max(self.counts_from(self.as_of, period), period.start), -self._unpaid()))
            self.projected = True

    def _keep_unpaid(self, row: Row) -> None:
        """Principal that is not paid on its due date goes on bearing interest."""
        if self.recorded:
            if not self.projected:
                self.changes.append((row.due, -self._older(row)))
            return
        if self.as_of > row.due and not self.projected:
            unpaid = sum(
                item.left for item in self.items if item.number == row.number and item.component in self.bearers
            )
            self.changes.append((row.due, unpaid))
        elif self.as_of == row.due and not self.projected:
            self.changes.append((row.due, -self._older(row)))
            self.projected = True

    def _older(self, row: Row) -> int:
        """Unpaid principal of the instalments before one."""
        return sum(item.left for item in self.items if item.number < row.number and item.component in self.bearers)

    def _parts(self, period: Period, till: dt.date | None = None) -> tuple[Part, ...]:
        span = period if till is None else Period(period.start, till, till)
        if not span.days:
            return ()
        self.bearing += sum(change for date, change in self.changes if date <= period.start)
        self.changes = [one for one in self.changes if one[0] > period.start]
        return self.interest.parts(span, self.bearing, self.changes)

    def _principal(self, index: int, accrued: int, tranche: int, ahead: int) -> int:
        """The principal of the instalment, less what was paid ahead for it."""
        terms = self.terms
        owed = self.balance + tranche
        if index + 1 == terms.count:
            return owed
        principal = _principal(terms, self.level, index, self.balance, accrued)
        principal = max(min(principal, owed), 0)
        used = min(self.reduce, principal)
        self.reduce -= used
        return principal - used

    def _row(
        self, index: int, period: Period, principal: int, accrued: int, tranche: int, parts: tuple[Part, ...]
    ) -> Row:
        terms, number = self.terms, index + 1
        deferring = number <= terms.grace_interest and number < terms.count
        interest = 0 if deferring else accrued + self.deferred
        self.deferred = self.deferred + accrued if deferring else 0
        if number == 1 and terms.first_interest == "actual_days":
            interest = _first_interest(terms, interest, period)
        closing = self.balance + tranche - principal
        row = Row(
            number, period.start, period.due, self.balance, principal, interest, closing, disbursed=tranche, parts=parts
        )
        return self._with_charges(_with_fees(row, terms.fees), last=number == terms.count)

    def charge_after_the_end(self) -> None:
        """Charges that are due after a loan has ended early fall due with its last row."""
        last = self.rows[-1]
        if last.number < self.terms.count:
            late = [charge for charge in self.charges if charge.due > last.due]
            self.rows[-1] = _charged(last, late)

    def _with_charges(self, row: Row, *, last: bool) -> Row:
        mine = [
            charge
            for charge in self.charges
            if (row.start < charge.due or row.number == 1) and (charge.due <= row.due or last)
        ]
        return _charged(row, mine)

    def _strategy(self, index: int, excess: int, strategy: str) -> None:
        """What early money does to the instalments to come."""
        terms = self.terms
        if strategy == "next_instalments":
            self.reduce += excess
        elif strategy == "lower_instalment" and terms.amortization == "equal_instalments" and self.balance:
            self.level.reset(max(index + 1, terms.grace_principal), self.balance)

    def _is_payoff(self, period: Period, date: dt.date, money: int) -> bool:
        """Whether early money pays principal and interest till its date."""
        later = any(tranche > date for tranche, _ in self.paid_out)
        owed = self.balance + self._tranche(period, date)
        if later or money < owed:
            return False
        return money >= owed + self.deferred + self.interest.rounded(self._parts(period, date))

    def _tranche(self, period: Period, till: dt.date) -> int:
        """What was paid out after the start of a period, up to a day of it."""
        return sum(amount for date, amount in self.paid_out if period.start < date <= till)

    def _paid_off(self, index: int, period: Period, date: dt.date) -> bool:
        """The last row: till the day on which everything was paid."""
        self._project(Period(period.start, date, date))
        parts = self._parts(period, date)
        accrued = 0 if _is_free(self.terms, index + 1) else self.interest.rounded(parts)
        tranche = self._tranche(period, date)
        owed = self.balance + tranche
        self.rows.append(self._row(index, Period(period.start, date, date), owed, accrued, tranche, parts))
        self.balance = 0
        return True


def _charged(row: Row, charges: Sequence[Charge]) -> Row:
    return replace(
        row,
        fees=row.fees + sum(charge.amount for charge in charges if not charge.penalty),
        penalties=row.penalties + sum(charge.amount for charge in charges if charge.penalty),
    )
