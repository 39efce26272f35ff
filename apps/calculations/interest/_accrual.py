"""The calculation itself: day by day where it must be, in runs of equal days where it may be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

from apps.calculations.day_counts import year_fraction
from apps.calculations.errors import AmountOutOfRange, PeriodNotValid
from apps.calculations.interest._balances import Account, Balances
from apps.calculations.interest._periods import boundaries
from apps.calculations.interest._rates import RatePeriod, sliced, tiers_on
from apps.calculations.interest._results import Accrual, InterestResult, Posting, Slice
from apps.calculations.interest._terms import InterestTerms
from apps.calculations.roots import PRECISION
from apps.calculations.rounding import decimals_round, multiple_round, whole_round

_ZERO = Decimal(0)
_NOISE = Decimal("1e-20")
_MOST = Decimal("1e19")
"""Above it, 40 digits would not reach the 20th decimal."""


def _clean(value: Decimal) -> Decimal:
    """Without what divisions leave behind the 20th decimal: a sum of thirds is whole again, and half a unit a tie."""
    if abs(value) >= _MOST:
        raise AmountOutOfRange("The interest is larger than any account can hold.", pointer="/rates")
    return value.quantize(_NOISE)


def interest_calculate(terms: InterestTerms, account: Account) -> InterestResult:
    """Accruals and postings from the account's start up to and without its end.

    interest = balance x rate x year fraction, for each run of days with the same balance and rate; interest that is
    not posted yet earns interest from the next compounding date on. A posting on a date is for the days before it and
    counts in the balance of that date. Raises PeriodNotValid, RateNotValid, UnknownConvention, ConventionNeeds,
    AmountOutOfRange.
    """
    terms.check()
    account.check()
    with localcontext() as context:
        context.prec, context.rounding = PRECISION, ROUND_HALF_EVEN
        return _Run(terms, account).result()


class _Run:
    """One calculation: what has accrued so far, and what has been posted to the balance."""

    def __init__(self, terms: InterestTerms, account: Account) -> None:
        self.terms, self.account = terms, account
        self.balances = Balances(account)
        self.posted = 0
        self.since = account.start
        self.credit = self.debit = self.compounded = _ZERO  # since the last posting
        self.accruals: list[Accrual] = []
        self.postings: list[Posting] = []

    def result(self) -> InterestResult:
        terms, start, end = self.terms, self.account.start, self.account.end
        posting = set(boundaries(terms.posting, start, end, terms.anchor)) | ({end} if terms.close else set())
        compounding = set(boundaries(terms.compounding, start, end, terms.anchor))
        periods = self._periods()
        if terms.balance != "daily" and (posting | compounding) - periods - {end}:
            raise PeriodNotValid("A calculation period ends wherever interest is posted.", pointer="/calculation")
        steps = sorted({start, end} | posting | compounding | periods)
        for begin, stop in pairwise(steps):
            for accrual in self._accrue(begin, stop):
                self._add(accrual)
            if stop in compounding:
                self.compounded = self.credit - self.debit
            if stop in posting:
                self._post(stop)
        return InterestResult(
            terms,
            tuple(self.accruals),
            tuple(self.postings),
            interest=sum((accrual.interest for accrual in self.accruals), _ZERO),
            unposted=_clean(self.credit - self.debit),
            closing_minor=self.balances.closing(end - dt.timedelta(days=1)) + self.posted,
        )

    def _periods(self) -> set[dt.date]:
        """Ends of the periods of minimum and average balances."""
        if self.terms.balance == "daily" and self.terms.rate_per == "year":
            return set()
        start, end = self.account.start, self.account.end
        return set(boundaries(self.terms.calculation_frequency, start, end, self.terms.anchor))

    def _accrue(self, begin: dt.date, stop: dt.date) -> Iterator[Accrual]:
        """The accruals of a step, which has no posting, compounding or end of a calculation period inside."""
        terms = self.terms
        overdrawn = bool(terms.overdraft_rates)
        if terms.balance == "daily":
            for first, last, balance in self.balances.runs(begin, stop):
                yield from self._on(first, last, balance + self.posted + self.compounded)
            return
        if terms.balance == "minimum":
            base = Decimal(self.balances.minimum(begin, stop, within_day=terms.within_day))
        else:
            base = self.balances.average(begin, stop)
        base += self.posted + self.compounded
        if base > 0:
            yield from self._on(begin, stop, base)
        if overdrawn:  # what is owed is owed by the day
            for first, last, balance in self.balances.runs(begin, stop):
                if balance + self.posted < 0:
                    yield from self._on(first, last, Decimal(balance + self.posted))

    def _on(self, begin: dt.date, stop: dt.date, balance: Decimal) -> Iterator[Accrual]:
        """Accruals on one balance, split where rates change; by the day where each day is rounded."""
        terms = self.terms
        balance = Decimal(balance)
        owed = balance < 0
        rates = terms.overdraft_rates if owed else terms.rates
        if balance == 0 or (owed and not rates) or (not owed and balance < terms.minimum_minor):
            return
        marks = {begin, stop} | {period.effective_from for period in rates if begin < period.effective_from < stop}
        if terms.accrual_decimals is not None and terms.rate_per == "year":
            marks |= {begin + dt.timedelta(days=n) for n in range((stop - begin).days)}
        for first, last in pairwise(sorted(marks)):
            yield self._accrual(first, last, balance, rates, owed=owed)

    def _accrual(
        self, first: dt.date, last: dt.date, balance: Decimal, rates: tuple[RatePeriod, ...], *, owed: bool
    ) -> Accrual:
        terms = self.terms
        fraction = self._fraction(first, last)
        tiers = tiers_on(rates, first, "/overdraft_rates" if owed else "/rates")
        parts = sliced(tiers, abs(balance), banded=terms.tiering == "banded", above=terms.tier_above)
        yearly = sum((amount * rate for amount, rate in parts), _ZERO)
        interest = yearly * fraction.numerator / fraction.denominator
        if terms.accrual_decimals is not None:
            interest = decimals_round(interest, terms.accrual_decimals, terms.accrual_rounding)
        slices = tuple(Slice(amount, rate) for amount, rate in parts)
        return Accrual(first, last, balance, self.compounded, fraction, slices, -interest if owed else interest)

    def _fraction(self, first: dt.date, last: dt.date) -> Fraction:
        """The part of a year; of a rate per period, 1 for the period that ends and nothing before."""
        if self.terms.rate_per == "year":
            return year_fraction(self.terms.day_count, first, last, self.terms.day_count_terms)
        frequency, anchor = self.terms.calculation_frequency, self.terms.anchor
        ends = boundaries(frequency, self.account.start, self.account.end, anchor)
        stop = next((day for day in ends if day >= last), None)
        if stop is None:
            return Fraction(0)
        begin = max([day for day in ends if day < last], default=self.account.start)
        return Fraction((last - first).days, (stop - begin).days)

    def _add(self, accrual: Accrual) -> None:
        self.accruals.append(accrual)
        if accrual.interest >= 0:
            self.credit += accrual.interest
        else:
            self.debit -= accrual.interest

    def _post(self, day: dt.date) -> None:
        terms = self.terms
        credit = int(multiple_round(_clean(self.credit), terms.posting_unit, terms.posting_rounding))
        debit = int(multiple_round(_clean(self.debit), terms.posting_unit, terms.posting_rounding))
        tax = 0
        if terms.withholding and credit > 0:
            rate = tiers_on(terms.withholding, day, "/withholding")[0].rate
            tax = whole_round(credit * rate, terms.withholding_rounding)
        exact = self.credit - self.debit
        carried = exact - credit + debit if terms.remainder == "carry" else _ZERO
        posting = Posting(day, self.since, credit, debit, tax, _clean(exact), _clean(carried))
        self.postings.append(posting)
        if terms.capitalise:
            self.posted += posting.net
        self.credit = self.credit - credit if terms.remainder == "carry" else _ZERO
        self.debit = self.debit - debit if terms.remainder == "carry" else _ZERO
        self.compounded, self.since = _ZERO, day
