"""A loan is changed on its way: re-amortised, re-aged, rescheduled, given a moratorium; early money compared.

What has fallen due by the day of the change stays as it is. What is left of the principal gets a schedule of its own,
from the last due date before the change, so that no day of interest is lost and none counts twice. Unpaid interest
and fees of the past are `arrears`: `capitalised` (added to the principal), `first_instalment`, or `spread`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from apps.calculations.errors import EventNotPossible, PeriodNotValid, ScheduleNotPossible, UnknownConvention
from apps.calculations.loans._dates import MONTHLY, Frequency, due_dates, periods_of
from apps.calculations.loans._recalculation import STRATEGIES
from apps.calculations.loans._rows import Row, Schedule
from apps.calculations.loans._schedule import loan_schedule
from apps.calculations.loans._servicing import Charge, LoanState, Payment, ServicingRules, loan_replay
from apps.calculations.loans._terms import LoanTerms, Period

ARREARS = ("capitalised", "first_instalment", "spread")
MORATORIUM_INTEREST = ("deferred", "forgiven", "capitalised", "paid")


@dataclass(frozen=True, slots=True)
class Change:
    """A loan before and after a change. `past` are the instalments that had fallen due, `after` those to come."""

    date: dt.date
    past: tuple[Row, ...]
    before: tuple[Row, ...]
    after: Schedule
    capitalised: int
    """Interest and fees that became principal."""

    @property
    def interest_difference(self) -> int:
        """Interest to come after the change, less that before it."""
        return self.after.interest - sum(row.interest for row in self.before)


@dataclass(frozen=True, slots=True)
class _Cut:
    past: tuple[Row, ...]
    to_come: tuple[Row, ...]
    start: dt.date
    principal: int
    arrears: int


def _cut(state: LoanState, date: dt.date, terms: LoanTerms) -> _Cut:
    """The loan at the last due date up to `date`."""
    past = [one for one in state.rows if one.row.due <= date]
    to_come = [one for one in state.rows if one.row.due > date]
    if not to_come and not state.principal_outstanding:
        raise EventNotPossible("Nothing of the loan is left to change.", pointer="/date")
    arrears = sum(one.outstanding - (one.row.principal - one.paid["principal"]) for one in past)
    start = past[-1].row.due if past else terms.start
    return _Cut(
        tuple(one.row for one in past),
        tuple(one.row for one in to_come),
        start,
        state.principal_outstanding,
        arrears,
    )


def _after(
    terms: LoanTerms, cut: _Cut, periods: Sequence[Period], arrears: str, **changes: object
) -> tuple[Schedule, int]:
    """The schedule of what is left, with the arrears where they belong."""
    if arrears not in ARREARS:
        raise UnknownConvention(f"No way of arrears is called {arrears}.", pointer="/arrears")
    capitalised = cut.arrears if arrears == "capitalised" else 0
    values = {
        "principal": cut.principal + capitalised,
        "periods": tuple(periods),
        "tranches": (),
        "instalment": None,
        "instalment_principal": None,
        "grace_principal": 0,
        "grace_interest": 0,
        "interest_free": 0,
        "shares": (),
        "step": Decimal(0),  # what a change leaves is paid level
        "amortization": "equal_principal" if terms.amortization == "shares" else terms.amortization,
        "balloon": min(terms.balloon, cut.principal),
        "first_interest": "period",
        "rate": next(
            (rate for date, rate in sorted(terms.rate_changes, reverse=True) if date <= cut.start), terms.rate
        ),
        "rate_changes": tuple(change for change in terms.rate_changes if change[0] > cut.start),
        "fees": tuple(fee for fee in terms.fees if fee.kind == "per_instalment"),
    }
    schedule = loan_schedule(replace(terms, **(values | changes)))  # type: ignore[arg-type]
    left = cut.arrears - capitalised
    if left:
        schedule = replace(schedule, rows=_with_arrears(schedule.rows, left, arrears))
    return schedule, capitalised


def _with_arrears(rows: Sequence[Row], left: int, arrears: str) -> tuple[Row, ...]:
    count = len(rows) if arrears == "spread" else 1
    part = left // count
    extra = [part] * count + [0] * (len(rows) - count)
    extra[0] += left - part * count
    return tuple(replace(row, interest=row.interest + more) for row, more in zip(rows, extra, strict=True))


def reamortise(terms: LoanTerms, state: LoanState, date: dt.date, *, arrears: str = "capitalised") -> Change:
    """Spread everything that is unpaid over the due dates to come. Raises EventNotPossible when there are none."""
    cut = _cut(state, date, terms)
    periods = [period for period in terms.periods if period.due > date]
    if not periods:
        raise EventNotPossible("No due date is left; re-age the loan instead.", pointer="/date")
    after, capitalised = _after(terms, cut, periods, arrears)
    return Change(date, cut.past, cut.to_come, after, capitalised)


def reage(
    terms: LoanTerms,
    state: LoanState,
    date: dt.date,
    *,
    first_due: dt.date,
    count: int,
    frequency: Frequency,
    arrears: str = "spread",
) -> Change:
    """Everything unpaid falls due in `count` new instalments from `first_due` on; nothing is overdue any more."""
    if first_due <= date:
        raise PeriodNotValid("The first new due date is after the change.", pointer="/first_due")
    cut = _cut(state, date, terms)
    dues = due_dates(cut.start, count, frequency, first_due=first_due)
    after, capitalised = _after(
        terms, cut, periods_of(cut.start, dues), arrears, period_years=frequency.years, annuity_years=None
    )
    return Change(date, cut.past, cut.to_come, after, capitalised)


def reschedule(
    terms: LoanTerms,
    state: LoanState,
    date: dt.date,
    *,
    rate: Decimal | None = None,
    extra_periods: int = 0,
    frequency: Frequency = MONTHLY,
    grace_principal: int = 0,
    arrears: str = "capitalised",
) -> Change:
    """Another rate, more instalments, or grace on principal for the due dates to come."""
    cut = _cut(state, date, terms)
    dues = [period.due for period in terms.periods if period.due > date]
    if extra_periods < 0:
        raise PeriodNotValid("No instalment is taken away.", pointer="/extra_periods")
    if not dues:
        raise PeriodNotValid("No due date is left: name a first due date and instalments.", pointer="/date")
    if extra_periods:
        dues += due_dates(dues[-1], extra_periods, frequency)
    changes: dict[str, object] = {"grace_principal": grace_principal}
    if rate is not None:
        changes |= {"rate": rate, "rate_changes": ()}
    after, capitalised = _after(terms, cut, periods_of(cut.start, dues), arrears, **changes)
    return Change(date, cut.past, cut.to_come, after, capitalised)


def moratorium(
    terms: LoanTerms,
    state: LoanState,
    date: dt.date,
    *,
    periods: int,
    interest: str = "deferred",
    extend: bool = True,
    frequency: Frequency = MONTHLY,
    arrears: str = "capitalised",
) -> Change:
    """No principal for `periods`; their interest is deferred, forgiven, capitalised or paid.

    `extend` adds as many due dates at the end; else the instalments after the moratorium grow. Capitalised interest is
    that of each period, added to the principal at its end.
    """
    if interest not in MORATORIUM_INTEREST:
        raise UnknownConvention(f"No interest is called {interest}.", pointer="/interest")
    cut = _cut(state, date, terms)
    dues = [period.due for period in terms.periods if period.due > date]
    if not 0 < periods < len(dues) + (periods if extend else 0):
        raise PeriodNotValid("A moratorium leaves a due date after it.", pointer="/periods")
    if extend:
        dues += due_dates(dues[-1] if dues else cut.start, periods, frequency)
    spans = periods_of(cut.start, dues)
    if interest == "capitalised":
        return _capitalising(terms, cut, date, spans, periods, arrears)
    changes: dict[str, object] = {"grace_principal": periods}
    if interest == "deferred":
        changes["grace_interest"] = periods
    elif interest == "forgiven":
        changes["interest_free"] = periods
    after, capitalised = _after(terms, cut, spans, arrears, **changes)
    return Change(date, cut.past, cut.to_come, after, capitalised)


def _capitalising(
    terms: LoanTerms, cut: _Cut, date: dt.date, spans: Sequence[Period], periods: int, arrears: str
) -> Change:
    """Interest on interest: each period of the moratorium adds its interest to the principal."""
    added, principal = 0, cut.principal
    for span in spans[:periods]:
        step = replace(cut, principal=principal, arrears=0)
        probe, _ = _after(terms, step, [span], "capitalised", amortization="interest_only", balloon=0)
        added += probe.interest
        principal += probe.interest
    grown = replace(cut, principal=principal, start=spans[periods].start)
    after, capitalised = _after(terms, grown, spans[periods:], arrears)
    return Change(date, cut.past, cut.to_come, after, capitalised + added)


@dataclass(frozen=True, slots=True)
class Prepayment:
    """What early money does to a loan by one strategy."""

    strategy: str
    state: LoanState
    interest: int
    interest_saved: int
    instalments: int
    instalments_saved: int
    next_instalment: int
    last_due: dt.date


def prepayment_compare(
    terms: LoanTerms,
    payments: Sequence[Payment],
    charges: Sequence[Charge],
    *,
    rules: ServicingRules,
    extra: Payment,
    strategies: Sequence[str] = STRATEGIES,
) -> list[Prepayment]:
    """The loan after an extra payment by each strategy, against the loan without it, on the day of the payment.

    What the loan would be if everything else is paid when it is due. Raises ScheduleNotPossible for rules that do not
    recalculate interest: there early money changes nothing.
    """
    if not rules.recalculate:
        raise ScheduleNotPossible("Without recalculation of interest early money saves none.", pointer="/rules")
    base = loan_replay(terms, payments, charges, rules=rules, as_of=extra.date)
    interest = sum(one.row.interest for one in base.rows)
    found = []
    for strategy in strategies:
        chosen = replace(rules, prepayment=strategy)
        state = loan_replay(terms, [*payments, extra], charges, rules=chosen, as_of=extra.date)
        owed = sum(one.row.interest for one in state.rows)
        rows = [one for one in state.rows if one.row.total]
        coming = [one for one in rows if one.row.due > extra.date and one.outstanding]
        found.append(
            Prepayment(
                strategy,
                state,
                owed,
                interest - owed,
                len(rows),
                len(base.rows) - len(rows),
                coming[0].outstanding if coming else 0,
                rows[-1].row.due,
            )
        )
    return found
