"""What holds for every loan, whatever its terms."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.calculations.errors import ScheduleNotPossible
from apps.calculations.loans import (
    Frequency,
    LoanTerms,
    Payment,
    Rounding,
    Schedule,
    ServicingRules,
    due_dates,
    loan_replay,
    loan_schedule,
    payoff_quote,
    periods_of,
)
from tests.calculations.loans.builders import terms

RATES = st.integers(0, 6_000).map(lambda basis_points: Decimal(basis_points) / 10_000)
FREQUENCIES = st.sampled_from(
    [Frequency(), Frequency("weeks"), Frequency("weeks", 2), Frequency("semimonths"), Frequency("months", 3)]
)
ROUNDINGS = st.builds(Rounding, st.sampled_from([1, 5, 100]), st.sampled_from(["half_up", "half_even", "up", "down"]))

STEPS = st.sampled_from([Decimal(0), Decimal("0.05"), Decimal("-0.1")])
LEVEL = ("declining", "equal_instalments")


@st.composite
def loans(draw: st.DrawFn) -> LoanTerms:
    count = draw(st.integers(1, 60))
    frequency = draw(FREQUENCIES)
    start = draw(st.dates(dt.date(2000, 1, 1), dt.date(2060, 1, 1)))
    grace = draw(st.integers(0, count - 1))
    principal = draw(st.integers(10_000, 10**9))
    loan = LoanTerms(
        principal,
        draw(RATES),
        periods_of(start, due_dates(start, count, frequency)),
        step_every=draw(st.integers(1, 24)),
        period_years=frequency.years,
        method=draw(st.sampled_from(["declining", "flat"])),
        amortization=draw(st.sampled_from(["equal_instalments", "equal_principal", "interest_only"])),
        interest=draw(st.sampled_from(["per_period", "ACT/365F", "30E/360", "ACT/ACT ISDA"])),
        interest_rounding=draw(ROUNDINGS),
        principal_rounding=draw(ROUNDINGS),
        instalment_rounding=draw(ROUNDINGS),
        remainder=draw(st.sampled_from(["last", "first", "spread"])),
        first_interest=draw(st.sampled_from(["period", "actual_days"])),
        round_parts=draw(st.booleans()),
        rate_changes=tuple(
            (start + dt.timedelta(days=days), rate)
            for days, rate in draw(st.lists(st.tuples(st.integers(0, 400), RATES), max_size=2))
        ),
        grace_principal=grace,
        grace_interest=draw(st.integers(0, grace)),
        interest_free=draw(st.integers(0, count - 1)),
        balloon=draw(st.integers(0, principal // 2)),
    )
    return replace(loan, step=draw(STEPS)) if (loan.method, loan.amortization) == LEVEL else loan


def schedule_of(loan: LoanTerms) -> Schedule | None:
    try:
        return loan_schedule(loan)
    except ScheduleNotPossible:  # rounding can make an instalment smaller than its interest, or the rest too large
        return None


@given(loans())
@settings(max_examples=200, deadline=None)
def test_principal_adds_up_and_nothing_is_left(loan: LoanTerms) -> None:
    schedule = schedule_of(loan)
    if schedule is None:
        return
    assert schedule.principal == loan.principal
    assert schedule.rows[-1].closing == 0
    assert all(row.interest >= 0 and row.principal >= 0 and row.closing >= 0 for row in schedule.rows)
    for before, after in zip(schedule.rows, schedule.rows[1:], strict=False):
        assert after.opening == before.closing
    assert loan_schedule(loan) == schedule


@st.composite
def stories(draw: st.DrawFn) -> tuple[LoanTerms, list[Payment], dt.date]:
    loan = terms(
        draw(st.integers(10_000, 10**8)),
        str(draw(RATES)),
        draw(st.integers(1, 24)),
        interest=draw(st.sampled_from(["per_period", "ACT/365F"])),
        round_parts=draw(st.booleans()),
    )
    days = (loan.periods[-1].due - loan.start).days + 60
    offsets = draw(st.lists(st.integers(0, days), max_size=8))
    amounts = [draw(st.integers(1, loan.principal)) for _ in offsets]
    payments = [Payment(loan.start + dt.timedelta(days=n), a) for n, a in zip(offsets, amounts, strict=True)]
    last = max(offsets, default=0)
    return loan, payments, loan.start + dt.timedelta(days=draw(st.integers(last, days)))


@given(
    stories(),
    st.sampled_from(["lower_instalment", "shorten_term", "next_instalments"]),
    st.sampled_from(["daily", "due_date"]),
    st.booleans(),
    st.sampled_from(["running", "recorded"]),
    st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_every_story_adds_up_and_replays_to_the_same(
    story: tuple[LoanTerms, list[Payment], dt.date],
    prepayment: str,
    rest: str,
    recalculate: bool,
    overdue: str,
    compounding: bool,
) -> None:
    loan, payments, today = story
    rules = ServicingRules(
        recalculate=recalculate, prepayment=prepayment, rest=rest, overdue=overdue, compounding=compounding
    )
    state = loan_replay(loan, payments, [], rules=rules, as_of=today)
    assert sum(one.row.principal for one in state.rows) == loan.principal
    assert state.rows[-1].row.closing == 0
    assert all(one.row.interest >= 0 and one.row.principal >= 0 for one in state.rows)
    assert all(0 <= one.paid_total <= one.row.total for one in state.rows)
    paid = sum(payment.amount for payment in payments)
    assert sum(one.paid_total for one in state.rows) + state.overpaid == paid
    again = loan_replay(loan, list(reversed(payments)), [], rules=rules, as_of=today)
    if len({payment.date for payment in payments}) == len(payments):
        assert again == state


@given(stories())
@settings(max_examples=150, deadline=None)
def test_a_payoff_that_is_paid_closes_any_loan(story: tuple[LoanTerms, list[Payment], dt.date]) -> None:
    """The quote equals what then happens."""
    loan, payments, today = story
    rules = ServicingRules(recalculate=True)
    state = loan_replay(loan, payments, [], rules=rules, as_of=today)
    quote = payoff_quote(loan_schedule(loan), state, today)
    assert quote.interest >= 0
    if quote.total:
        closed = loan_replay(loan, [*payments, Payment(today, quote.total)], [], rules=rules, as_of=today)
        assert not any(one.outstanding for one in closed.rows)
        assert closed.overpaid == state.overpaid
