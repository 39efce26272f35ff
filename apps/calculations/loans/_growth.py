"""A loan with growth factors: tranches, changes of the rate, payments and pauses within a period.

The level instalment is balance x product of growths / sum of the growths after each due date; the last instalment
takes what rounding leaves, and where that is much, the level is moved until it is little. The conventions are those
of Apache Fineract's progressive loans (docs/reference/loan-calculations.md).
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from apps.calculations.errors import AmountOutOfRange, EventNotPossible, RateNotValid
from apps.calculations.loans._growth_periods import ROUNDING, FactorRule, GrowthPeriod, SubPeriod
from apps.calculations.loans._schedule import exact_decimal, level_instalment
from apps.calculations.loans._terms import RATE_MAX, Rounding
from apps.core.money import minor_round

ADJUSTMENTS_MAX = 3
EVEN = Rounding(1, ROUNDING)
_DAY = dt.timedelta(days=1)


class GrowthLoan:
    """A loan that is told what happens to it, and knows at any time what is due of each period."""

    def __init__(
        self,
        periods: Sequence[tuple[dt.date, dt.date]],
        rate: Decimal,
        rule: FactorRule,
        *,
        rounding: Rounding = EVEN,
        decimals: int = 2,
        round_parts: bool = False,
    ) -> None:
        self.rule, self.rounding, self.decimals, self.round_parts = rule, rounding, decimals, round_parts
        self.rates: list[tuple[dt.date, Fraction]] = [(dt.date.min, Fraction(rate))]
        self.periods = [GrowthPeriod(start, due, [SubPeriod(start, due)]) for start, due in periods]
        self.last_tranche = dt.date.min

    # -- what happens

    def disburse(self, date: dt.date, amount: int) -> None:
        """A tranche is paid out; the instalments from its period on are worked out anew."""
        if amount <= 0:
            raise AmountOutOfRange("A tranche is above zero.", pointer="/amount")
        self._in_order(date)
        began = any(period.instalment for period in self.periods)
        period = self._change(date, disbursed=amount)
        self.last_tranche = date
        self._level_from(self._next_due(period, date), afresh=began)

    def change_rate(self, date: dt.date, rate: Decimal) -> None:
        """From `date` on another rate: interest from the evening before."""
        if not 0 <= rate <= RATE_MAX:
            raise RateNotValid("A rate is between 0 and 10,000 %.", pointer="/rate")
        self._in_order(date)
        since = date - _DAY
        self.rates = sorted([*(entry for entry in self.rates if entry[0] != since), (since, Fraction(rate))])
        self._level_from(self._next_due(self._change(since), since), afresh=False)

    def pay_interest(self, due: dt.date, date: dt.date, amount: int) -> None:
        """Interest of the period that ends on `due` is paid on `date`."""
        period = self._ending(due)
        left = sum(p.due_interest - p.paid_interest for p in self.periods)
        period.paid_interest += min(amount, max(left, 0))
        self._refresh()
        self._last_takes_rest(date)

    def pay_principal(self, due: dt.date, date: dt.date, amount: int) -> None:
        """Principal of the period that ends on `due` is paid on `date`; from then on it bears no interest."""
        if not amount:
            return
        period = self._ending(due)
        left = self._disbursed() + self._credited_principal() - sum(p.paid_principal for p in self.periods)
        period.paid_principal += min(amount, max(left, 0))
        self.correct_balance(min(due, date), -amount)
        if (
            sum(not p.is_paid for p in self.periods) > 1
            and date < period.start
            and (period.paid > period.whole or period.paid == period.first_instalment + period.credited)
        ):
            period.instalment = period.paid - period.credited
        self._last_takes_rest(min(due, date))

    def correct_balance(self, date: dt.date, amount: int) -> None:
        """The balance that bears interest changes, what is due does not."""
        period = self._change(date, correction=amount)
        self._factors([period])
        self._refresh()
        self._last_takes_rest(date)

    def charge_back(self, date: dt.date, principal: int = 0, interest: int = 0) -> None:
        """Money that was paid is owed again, with the instalment of the period of `date`."""
        self._change(date, correction=principal)
        period = next((p for p in self.periods if p.start <= date < p.due), self.periods[-1])
        sub = next((sub for sub in reversed(period.subs) if sub.start == date), None)
        if sub is None:
            raise EventNotPossible("A charge-back is within the loan.", pointer="/date")
        sub.credited_principal += principal
        sub.credited_interest += interest
        self._factors([period])
        self._refresh()
        self._last_takes_rest(date)

    def pause_interest(self, start: dt.date, end: dt.date) -> None:
        """No interest from `start` to `end`, both included."""
        if end < start:
            raise EventNotPossible("A pause ends after it starts.", pointer="/end")
        touched = [p for p in self.periods if p.start < end and p.due >= start]
        for period in touched:
            first, last = max(start - _DAY, period.start), min(end, period.due)
            if not any(sub.start == first for sub in period.subs):
                self._cut(period, first)
            if not any(sub.end == last for sub in period.subs):
                self._cut(period, last)
            for sub in period.subs:
                if first <= sub.start and sub.end <= last:
                    sub.paused = True
        self._factors(touched)
        self._refresh()
        self._last_takes_rest(start)

    # -- how it is worked out

    def _in_order(self, date: dt.date) -> None:
        """Instalments are worked out of what had been paid out: later tranches must not be there yet."""
        if date < self.last_tranche:
            raise EventNotPossible("Tranches and rates are told in order of their dates.", pointer="/date")

    def _change(self, date: dt.date, *, disbursed: int = 0, correction: int = 0) -> GrowthPeriod:
        """The period of a date, cut there unless it is already."""
        for n, period in enumerate(self.periods):
            if period.start < date <= period.due or (n == 0 and date == period.start):
                break
        else:
            raise EventNotPossible("The date is outside the loan.", pointer="/date")
        maturity = period is self.periods[-1] and date == period.due
        if maturity:
            sub = period.subs[-1] if period.subs[-1].start == period.subs[-1].end else None
        else:
            sub = next((sub for sub in period.subs if sub.end == date), None)
        sub = sub or self._cut(period, date)
        sub.disbursed += disbursed
        sub.correction += correction
        return period

    def _cut(self, period: GrowthPeriod, date: dt.date) -> SubPeriod:
        """End a sub-period on `date` and begin another; the one that ends."""
        found = [sub for sub in period.subs if sub.start < date <= sub.end]
        sub = found[-1] if found else period.subs[0]
        end = min(max(date, sub.start), sub.end)
        period.subs.insert(period.subs.index(sub) + 1, SubPeriod(end, sub.end, sub.paused))
        sub.end = end
        return sub

    def _next_due(self, period: GrowthPeriod, date: dt.date) -> dt.date:
        """From which due date on the level changes: a change on a due date is for the next period."""
        index = self.periods.index(period)
        if date == period.due and index + 1 < len(self.periods):
            return self.periods[index + 1].due
        return period.due

    def _ending(self, due: dt.date) -> GrowthPeriod:
        for period in self.periods:
            if period.due == due:
                return period
        raise EventNotPossible("No period ends on this date.", pointer="/due")

    def _factors(self, periods: Sequence[GrowthPeriod]) -> None:
        every = Fraction(self.rule.every)
        for period in periods:
            ratio = self.rule.ratio(period)
            for sub in period.subs:
                rate = next(rate for since, rate in reversed(self.rates) if since <= sub.start)
                sub.factor = self.rule.factor(rate, sub.start, sub.end, period, every)
                sub.factor_till_due = self.rule.factor(rate, sub.start, period.due, period, ratio)

    def _refresh(self) -> None:
        previous = None
        for period in self.periods:
            period.work_out(previous, round_parts=self.round_parts)
            previous = period

    def _level_from(self, due: dt.date, *, afresh: bool) -> None:
        """Work the level instalment out for the periods from `due` on; `afresh` as if nothing had been paid."""
        related = [period for period in self.periods if period.due >= due]
        self._factors(related)
        self._refresh()
        if afresh:
            model = self._unpaid_copy()
            model._level_from(due, afresh=False)
            for period, worked in zip(related, model.periods[-len(related) :], strict=True):
                period.instalment, period.first_instalment = worked.instalment, worked.first_instalment
        else:
            self._set_level(related)
        self._refresh()
        self._last_takes_rest(due)
        if not afresh:
            self._even_out(related)

    def _unpaid_copy(self) -> GrowthLoan:
        model = copy.deepcopy(self)
        for period in model.periods:
            period.paid_principal = period.paid_interest = period.deferred = 0
            for sub in period.subs:
                sub.correction = 0
        return model

    def _set_level(self, related: Sequence[GrowthPeriod]) -> None:
        index = self.periods.index(related[0])
        balance = self.periods[index - 1].balance_after if index else 0
        balance += sum(sub.disbursed for sub in related[0].subs)
        level = level_instalment(balance, [exact_decimal(period.growth) for period in related], 0, self.rounding)
        for period in related:
            if level >= period.paid:
                period.instalment = period.first_instalment = level

    def _disbursed(self) -> int:
        return sum(sub.disbursed for period in self.periods for sub in period.subs)

    def _credited_principal(self) -> int:
        return sum(sub.credited_principal for period in self.periods for sub in period.subs)

    def _last_takes_rest(self, till: dt.date) -> None:
        """The last unpaid instalment makes the instalments add up to the principal and its interest."""
        left = self._disbursed() - sum(period.paid_principal for period in self.periods)
        for period in self.periods:
            if period.outstanding_principal > left:
                period.instalment -= period.outstanding_principal - left
                period.instalment = max(period.instalment, period.paid - period.credited, 0)
        unpaid = [period for period in self.periods if not period.is_paid]
        if not unpaid and not any(period.paid_principal for period in self.periods):
            unpaid = [period for period in self.periods[-1:] if period.balance_after > 0]
        if not unpaid:
            self._refresh()
            return
        last = unpaid[-1]
        last.deferred = 0
        for period in self.periods:
            period.moved_up = False
        self._refresh()
        interest = sum(period.due_interest for period in self.periods)
        owed = self._disbursed() + self._credited_principal() + interest
        last.instalment += owed - sum(period.whole for period in self.periods)
        if last.instalment < last.paid - last.credited:
            last.instalment = last.paid - last.credited
            self._refresh()
            self._last_takes_rest(till)
            return
        self._refresh()
        if last is not self.periods[-1]:
            self._defer_interest(last, till)

    def _defer_interest(self, last: GrowthPeriod, till: dt.date) -> None:
        """Interest that has run by `till` in paid periods after the last unpaid one is due with that."""
        model = copy.deepcopy(self)
        for period in model.periods:
            for sub in period.subs:
                if sub.start < till < sub.end:
                    sub.end = till
        model._factors(model.periods)
        for period in model.periods:
            for sub in period.subs:
                if till < sub.end:
                    sub.factor = sub.factor_till_due = Fraction(0)
        model._refresh()
        for period in reversed(model.periods):
            if period.unrecognised > 0 and period.due > last.due:
                last.deferred = period.unrecognised
                for later in self.periods:
                    later.moved_up = later.moved_up or later.due > last.due
                self._refresh()
                return

    def _difference(self, periods: Sequence[GrowthPeriod]) -> tuple[int, int]:
        """The level, and how far the last instalment is from it."""
        for one, two in zip(reversed(periods[:-1]), reversed(periods), strict=False):
            if not one.is_paid and not two.is_paid:
                return one.instalment, two.instalment - one.instalment
        return periods[0].instalment, 0

    def _even_out(self, related: Sequence[GrowthPeriod]) -> None:
        """Share a last instalment that is far off among the others, as long as that brings it nearer."""
        for _ in range(ADJUSTMENTS_MAX):
            level, difference = self._difference(related)
            half = len(related) // 2
            if not half or not difference or abs(difference) * 100 <= half * 10**self.decimals:
                return
            overpaid = sum(period.paid > level for period in related)
            moved = level + minor_round(Fraction(difference, max(1, len(related) - overpaid)), 1, ROUNDING)
            moved = minor_round(moved, self.rounding.unit, self.rounding.mode)
            if moved == level:
                return
            model = copy.deepcopy(self)
            theirs = model.periods[-len(related) :]
            for period in theirs:
                if moved >= period.paid:
                    period.instalment = period.first_instalment = moved
            model._refresh()
            model._last_takes_rest(related[0].due)
            if abs(model._difference(model.periods)[1]) >= abs(difference):
                return
            for period, worked in zip(related, theirs, strict=True):
                period.instalment = period.first_instalment = worked.instalment
            self._refresh()
