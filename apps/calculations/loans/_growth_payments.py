"""Payments of a loan with growth factors: what is due first, then the instalment that runs, then the next ones.

Early money leaves the level instalment as it is: it pays the interest that has run by its day and principal up to the
instalment; what is more pays principal of the next instalments. Overdue principal goes on bearing interest till the
day of the calculation, at most till the last due date. Source: Apache Fineract, progressive loans with the rule NEXT
INSTALMENT.
"""

from __future__ import annotations

import copy
import datetime as dt
from dataclasses import dataclass
from fractions import Fraction

from apps.calculations.errors import AmountOutOfRange, EventNotPossible
from apps.calculations.loans._growth import GrowthLoan
from apps.calculations.loans._growth_periods import ROUNDING, GrowthPeriod
from apps.core.money import minor_round


@dataclass(frozen=True, slots=True)
class GrowthPortion:
    """What a payment paid of a period."""

    due: dt.date
    date: dt.date
    interest: int
    principal: int


class GrowthPayer:
    """Takes payments for a loan, in order of their dates."""

    def __init__(self, loan: GrowthLoan) -> None:
        self.loan = loan
        self.portions: list[GrowthPortion] = []
        self.overpaid = 0
        self._till = dt.date.min

    def until(self, date: dt.date) -> None:
        """Let overdue principal bear interest till `date`. Raises EventNotPossible for a day before the last."""
        if date < self._till:
            raise EventNotPossible("Payments are told in order of their dates.", pointer="/date")
        end = min(date, self.loan.periods[-1].due)
        for period in self.loan.periods:
            since = max(period.due, self._till)
            if since < end and period.outstanding_principal:
                unpaid = period.outstanding_principal
                self.loan.correct_balance(since, unpaid)
                self.loan.correct_balance(end, -unpaid)
        self._till = date

    def pay(self, date: dt.date, amount: int) -> None:
        """Money that comes in."""
        if amount <= 0:
            raise AmountOutOfRange("A payment is above zero.", pointer="/amount")
        self.until(date)
        paid = True
        while amount and paid:  # what is paid changes the interest of the others: once more, until nothing is due
            before = amount
            for period in self.loan.periods:
                amount -= self._pay_period(period, date, amount) if amount else 0
            paid = amount < before
        self.overpaid += amount
        self._check()

    def _check(self) -> None:
        """A loan paid in an order that this engine cannot follow is refused, not guessed."""
        periods = self.loan.periods
        owed = sum(sub.disbursed + sub.credited_principal for period in periods for sub in period.subs)
        due = sum(period.due_principal for period in periods)
        open_ = any(period.paid < period.due_interest + period.due_principal for period in periods)
        if due != owed or (self.overpaid and open_) or any(period.paid > period.whole for period in periods):
            raise EventNotPossible("Payments in this order need a schedule by due dates.", pointer="/payments")

    def _pay_period(self, period: GrowthPeriod, date: dt.date, amount: int) -> int:
        owed = sum(one.outstanding_principal for one in self.loan.periods)
        if period.due <= date:
            interest = period.due_interest - period.paid_interest
            principal = period.outstanding_principal
        else:
            run = interest_till(self.loan, period, date) if period.start < date else 0
            interest = max(run - period.paid_interest, 0)
            principal = max(period.whole - max(run, period.paid_interest) - period.paid_principal, 0)
        interest = min(interest, amount)
        principal = min(principal, amount - interest, owed)
        if interest:
            self.loan.pay_interest(period.due, date, interest)
        if principal:
            self.loan.pay_principal(period.due, date, principal)
        if interest or principal:
            self.portions.append(GrowthPortion(period.due, date, interest, principal))
        return interest + principal


def interest_till(loan: GrowthLoan, period: GrowthPeriod, date: dt.date) -> int:
    """The interest of a period that has run by a day within it, with what the period before left over."""
    model = copy.deepcopy(loan)
    index = loan.periods.index(period)
    model.correct_balance(date, 0)
    mine = model.periods[index]
    parts = [sub.interest(mine.due) for sub in mine.subs if sub.end <= date]
    rounded = [minor_round(part, 1, ROUNDING) for part in (parts if loan.round_parts else [sum(parts, Fraction(0))])]
    left_over = model.periods[index - 1].unrecognised if index else 0
    return sum(rounded) + left_over + mine.deferred
