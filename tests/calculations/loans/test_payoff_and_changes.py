"""Closing a loan early, and changing it on its way."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.calculations.errors import EventNotPossible, PeriodNotValid, ScheduleNotPossible, UnknownConvention
from apps.calculations.loans import (
    MONTHLY,
    Charge,
    ClosingFee,
    DailyLoan,
    LoanState,
    Payment,
    ServicingRules,
    accrued_to,
    daily_settlement,
    loan_replay,
    loan_schedule,
    moratorium,
    payoff_quote,
    prepayment_compare,
    reage,
    reamortise,
    reschedule,
    unearned_interest,
)
from tests.calculations.loans.builders import START, daily, day, terms

RULES = ServicingRules(recalculate=True)


def state_on(date: str, *payments: tuple[str, int]) -> LoanState:
    made = [Payment(day(d), a) for d, a in payments]
    return loan_replay(daily(), made, [], rules=RULES, as_of=day(date))


def test_an_actuarial_payoff_has_interest_by_days() -> None:
    quote = payoff_quote(loan_schedule(daily()), state_on("2022-11-16"), day("2022-11-16"))
    assert (quote.principal, quote.interest, quote.total) == (500_000, 2_466, 502_466)
    assert quote.explain()["interest_parts"][0]["days"] == 15


def test_after_payments_only_the_running_period_bears_interest() -> None:
    quote = payoff_quote(loan_schedule(daily()), state_on("2022-12-11", ("2022-12-01", 86_200)), day("2022-12-11"))
    assert (quote.principal, quote.interest) == (418_732, 1_377)


def test_deferred_interest_is_due_when_the_loan_is_closed() -> None:
    loan = daily(grace_principal=3, grace_interest=3)
    state = loan_replay(loan, [], [], rules=RULES, as_of=day("2022-12-16"))
    quote = payoff_quote(loan_schedule(loan), state, day("2022-12-16"))
    assert quote.interest == 4_932 + 2_466
    free = daily(interest_free=2)
    state = loan_replay(free, [], [], rules=RULES, as_of=day("2022-11-16"))
    assert payoff_quote(loan_schedule(free), state, day("2022-11-16")).interest == 0


def test_flat_interest_is_due_by_the_days_of_its_period() -> None:
    loan = terms(method="flat")
    state = loan_replay(loan, [], [], rules=ServicingRules(), as_of=day("2022-11-16"))
    assert payoff_quote(loan_schedule(loan), state, day("2022-11-16")).interest == 2_500


def test_the_rule_of_78() -> None:
    """12 instalments with 10 to come: 55 of 78 parts are unearned."""
    rows = loan_schedule(terms(principal=120_000, count=12, method="flat", rate="0.078")).rows
    interest = sum(row.interest for row in rows)
    assert interest == 9_360
    assert unearned_interest(rows, rows[1].due, "rule_of_78") == 9_360 * 55 // 78
    assert unearned_interest(rows, rows[-1].due, "rule_of_78") == 0
    assert unearned_interest(rows, START, "rule_of_78") == interest
    assert unearned_interest(rows, rows[1].due, "none") == 0
    with pytest.raises(UnknownConvention):
        unearned_interest(rows, START, "rule_of_79")


def test_a_fee_for_closing_early() -> None:
    fee = ClosingFee(amount=500, share=Decimal("0.01"), base="principal")
    quote = payoff_quote(loan_schedule(daily()), state_on("2022-11-16"), day("2022-11-16"), fee=fee)
    assert quote.fee == 5_500
    with pytest.raises(EventNotPossible):
        payoff_quote(loan_schedule(daily()), state_on("2022-11-16"), day("2022-10-16"))


def test_a_quote_that_is_paid_closes_the_loan() -> None:
    """The preview equals what then happens."""
    before = ("2022-12-01", 86_200)
    quote = payoff_quote(loan_schedule(daily()), state_on("2022-12-15", before), day("2022-12-15"))
    after = state_on("2022-12-15", before, ("2022-12-15", quote.total))
    assert (after.principal_outstanding, after.overpaid) == (0, 0)
    assert all(not one.outstanding for one in after.rows)


def test_a_charge_paid_before_it_is_due_falls_away() -> None:
    loan, coming = terms(), [Charge(day("2022-12-28"), 5_000)]
    early = ServicingRules(recalculate=True, prepayment="next_instalments")
    state = loan_replay(loan, [Payment(day("2022-12-10"), 506_500)], coming, rules=early, as_of=day("2022-12-15"))
    assert sum(one.paid["fees"] for one in state.rows) > 0
    quote = payoff_quote(loan_schedule(loan), state, day("2022-12-15"))
    assert min(quote.principal, quote.interest, quote.fees, quote.penalties) >= 0
    assert quote.total == quote.principal + quote.interest


def test_settlement_by_the_day() -> None:
    loan = DailyLoan(25_000, day("2023-11-28"), Decimal("0.008"))
    payments = [Payment(day(d), 10_053) for d in ("2023-12-22", "2024-01-22", "2024-02-22")]
    assert daily_settlement(loan, payments, day("2024-03-19")) == (8_156, 1_696)
    graced = DailyLoan(120_000, START, Decimal("0.008"), grace_days=3)
    assert daily_settlement(graced, [], day("2022-11-04")) == (120_000, 0)
    assert daily_settlement(graced, [], day("2022-11-05")) == (120_000, 3_840)
    capped = DailyLoan(10_000, START, Decimal("0.008"), cap=Decimal(1))
    assert daily_settlement(capped, [], day("2024-11-05")) == (10_000, 10_000)
    # FSharp.Finance.Personal, SettlementTests 13: paid too much, refunded with 8 % a year
    settled = DailyLoan(150_000, day("2022-11-01"), Decimal("0.008"), cap=Decimal(1), credit_rate=Decimal("0.08"))
    paid = [Payment(settled.start + timedelta(days=n), 50_000) for n in (14, 44, 75, 106, 134)]
    assert daily_settlement(settled, paid, day("2024-01-31")) == (-6_793, -480)


def test_accrued_to_a_day() -> None:
    loan = daily()
    assert accrued_to(loan, loan.periods[0], 500_000, day("2022-11-16")) == 2_466
    assert accrued_to(loan, loan.periods[0], 500_000, START) == 0
    with pytest.raises(PeriodNotValid):
        accrued_to(loan, loan.periods[0], 500_000, day("2022-12-02"))


def test_reamortising_spreads_what_is_unpaid() -> None:
    state = state_on("2022-12-15")
    change = reamortise(daily(), state, day("2022-12-15"))
    assert change.capitalised == 4_932
    assert change.after.principal == 504_932
    assert [row.due for row in change.after.rows] == [period.due for period in daily().periods[1:]]
    assert change.after.rows[-1].closing == 0
    kept = reamortise(daily(), state, day("2022-12-15"), arrears="first_instalment")
    assert kept.capitalised == 0
    assert kept.after.interest == loan_schedule(kept.after.terms).interest + 4_932


def test_reageing_makes_nothing_overdue() -> None:
    state = state_on("2023-06-15")
    change = reage(daily(), state, day("2023-06-15"), first_due=day("2023-07-01"), count=6, frequency=MONTHLY)
    assert [row.due.month for row in change.after.rows] == [7, 8, 9, 10, 11, 12]
    assert change.after.principal == 500_000
    assert sum(row.total for row in change.after.rows) > sum(one.outstanding for one in state.rows)
    with pytest.raises(PeriodNotValid):
        reage(daily(), state, day("2023-06-15"), first_due=day("2023-06-15"), count=6, frequency=MONTHLY)
    with pytest.raises(EventNotPossible):
        reamortise(daily(), state, day("2023-06-15"))


def test_a_reschedule_has_another_rate_and_more_instalments() -> None:
    state = state_on("2022-12-01", ("2022-12-01", 86_200))
    change = reschedule(daily(), state, day("2022-12-01"), rate=Decimal("0.06"), extra_periods=3)
    assert len(change.after.rows) == 8
    assert change.after.rows[0].interest == round(418_732 * 31 * 6 / 36_500)
    assert change.after.rows[-1].due == day("2023-08-01")
    with pytest.raises(PeriodNotValid):
        reschedule(daily(), state, day("2022-12-01"), extra_periods=-1)


@pytest.mark.parametrize("interest", ["deferred", "forgiven", "capitalised", "paid"])
def test_a_moratorium(interest: str) -> None:
    state = state_on("2022-12-01", ("2022-12-01", 86_200))
    change = moratorium(daily(), state, day("2022-12-01"), periods=2, interest=interest)
    rows = change.after.rows
    dues = {"deferred": 0, "forgiven": 0, "paid": 8_534 - 413}
    if interest == "capitalised":
        assert (len(rows), rows[0].due) == (5, day("2023-03-01"))
        assert change.after.principal == 418_732 + change.capitalised
    else:
        assert len(rows) == 7
        assert sum(row.total for row in rows[:2]) == pytest.approx(dues[interest], abs=500)
        assert rows[2].interest > 2 * rows[3].interest if interest == "deferred" else rows[2].interest < 5_000
    assert rows[-1].closing == 0
    assert rows[-1].due == day("2023-07-01")


def test_early_money_is_compared() -> None:
    found = {
        one.strategy: one
        for one in prepayment_compare(daily(), [], [], rules=RULES, extra=Payment(day("2022-12-01"), 250_000))
    }
    assert found["shorten_term"].instalments_saved == 1
    assert found["lower_instalment"].next_instalment < 60_000
    assert found["shorten_term"].interest_saved > found["lower_instalment"].interest_saved > 0
    with pytest.raises(ScheduleNotPossible):
        prepayment_compare(daily(), [], [], rules=ServicingRules(), extra=Payment(START, 1))
