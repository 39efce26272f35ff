"""Schedules by their options. Figures of OpenCBS and Fineract are from their tests."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from apps.calculations.errors import (
    AmountOutOfRange,
    CalculationError,
    ConventionNeeds,
    PeriodNotValid,
    RateNotValid,
    ScheduleNotPossible,
    UnknownConvention,
)
from apps.calculations.loans import (
    MONTHLY,
    Fee,
    Frequency,
    LoanTerms,
    Period,
    Rounding,
    due_dates,
    explain,
    loan_schedule,
    options,
    periods_of,
)
from tests.calculations.loans.builders import START, day, terms

UNIT = Rounding(100, "half_up")
OPENCBS: dict[str, Any] = {
    "interest_rounding": Rounding(1, "half_up"), "instalment_rounding": Rounding(1, "half_up"), "remainder": "spread",
}  # fmt: skip


def rows(**options: Any) -> list[tuple[int, int]]:
    """(interest, principal) of each row."""
    return [(row.interest, row.principal) for row in loan_schedule(terms(**options)).rows]


def test_the_last_instalment_takes_what_rounding_leaves() -> None:
    schedule = loan_schedule(terms(count=18, instalment_rounding=UNIT, interest_rounding=Rounding(1, "half_even")))
    assert schedule.instalments == (30_500,)
    assert [row.total for row in schedule.rows[:17]] == [30_500] * 17
    assert (schedule.rows[-1].total, schedule.interest, schedule.total) == (30_322, 48_822, 548_822)


@pytest.mark.parametrize(
    ("remainder", "expected"),
    [
        ("last", [(30, 155), (25, 160), (21, 164), (16, 169), (11, 174), (5, 178)]),
        ("first", [(30, 153), (25, 160), (21, 164), (16, 169), (11, 174), (5, 180)]),
        ("spread", [(30, 155), (25, 160), (21, 163), (16, 169), (11, 173), (5, 180)]),
    ],
)
def test_who_takes_the_rest(remainder: str, expected: list[tuple[int, int]]) -> None:
    found = rows(principal=1_000, rate="0.36", remainder=remainder)
    assert found == expected


def test_grace_on_principal_leaves_interest_due() -> None:
    found = rows(principal=1_000, rate="0.36", grace_principal=3, remainder="spread")
    assert found == [(30, 0), (30, 0), (30, 0), (30, 324), (20, 333), (10, 343)]


def test_interest_need_not_be_charged_in_the_grace() -> None:
    found = rows(principal=1_000, rate="0.36", grace_principal=2, interest_in_grace=False)
    assert [interest for interest, _ in found[:3]] == [0, 0, 30]


def test_deferred_interest_falls_due_after_its_grace() -> None:
    schedule = loan_schedule(terms(count=18, grace_principal=6, grace_interest=3, instalment_rounding=UNIT))
    assert [row.interest for row in schedule.rows[:7]] == [0, 0, 0, 20_000, 5_000, 5_000, 5_000]
    assert schedule.rows[6].principal == 39_400


@pytest.mark.parametrize("amortization", ["equal_instalments", "equal_principal", "interest_only"])
def test_flat_interest_may_be_forgiven_altogether(amortization: str) -> None:
    assert [one[0] for one in rows(method="flat", amortization=amortization, interest_free=6)] == [0] * 6


def test_forgiven_interest_never_falls_due() -> None:
    schedule = loan_schedule(terms(interest_free=2))
    assert [row.interest for row in schedule.rows[:2]] == [0, 0]
    assert schedule.principal == 500_000


def test_equal_principal() -> None:
    options = {"amortization": "equal_principal", "remainder": "spread", "principal_rounding": Rounding(1, "half_even")}
    found = rows(principal=1_000, rate="0.36", grace_principal=3, **options)
    assert found == [(30, 0), (30, 0), (30, 0), (30, 333), (20, 334), (10, 333)]


def test_interest_only_and_balloon() -> None:
    assert rows(amortization="interest_only")[-1] == (5_000, 500_000)
    schedule = loan_schedule(terms(balloon=200_000))
    levels = {row.total for row in schedule.rows[:-1]}
    assert len(levels) == 1
    assert schedule.rows[-1].total - 200_000 == pytest.approx(levels.pop(), abs=5)


def test_flat_interest_is_on_the_whole_principal() -> None:
    found = rows(principal=100_000, rate="0.36", method="flat", remainder="spread")
    assert found == [(3_000, 16_667)] * 3 + [(3_000, 16_666), (3_000, 16_667), (3_000, 16_666)]


def test_flat_instalments_in_whole_units() -> None:
    schedule = loan_schedule(terms(principal=500_000, count=12, rate="0.03", method="flat", instalment_rounding=UNIT))
    assert {row.total for row in schedule.rows[:-1]} == {43_000}
    assert schedule.rows[0].interest == 1_250
    assert schedule.principal == 500_000


def test_shares_carry_what_rounding_leaves() -> None:
    tenth, half = Fraction(1, 10), Fraction(1, 2)
    shares = tuple((half if n == 5 else tenth, half if n == 2 else tenth) for n in range(6))
    options = {
        "method": "flat",
        "amortization": "shares",
        "shares": shares,
        "principal_rounding": Rounding(1, "half_even"),
    }
    found = rows(principal=987, rate="0.36", interest_rounding=Rounding(1, "half_even"), **options)
    assert found == [(18, 99), (18, 98), (88, 99), (18, 99), (18, 98), (18, 494)]


def test_the_first_interest_can_be_for_its_days() -> None:
    fortnight = Frequency("days", 14)
    dues = due_dates(day("2006-01-01"), 6, fortnight)
    periods = periods_of(day("2006-01-01"), dues, adjust=lambda d: d + dt.timedelta(days=1) if d.weekday() == 6 else d)
    loan = terms(principal=100_000, rate="0.03", count=6)
    loan = type(loan)(
        100_000, Decimal("0.03"), periods, period_years=Fraction(1), first_interest="actual_days", **OPENCBS
    )
    schedule = loan_schedule(loan)
    assert [(row.interest, row.principal) for row in schedule.rows[:2]] == [(3_214, 15_460), (2_536, 15_924)]
    assert schedule.rows[0].due == day("2006-01-16")


def test_tranches_bear_interest_from_their_day() -> None:
    loan = terms(
        interest="ACT/365F",
        tranches=((START, 300_000), (day("2022-11-16"), 200_000)),
        instalment_principal=500_000,
    )
    first = loan_schedule(loan).rows[0]
    assert [(part.balance, part.start, part.end) for part in first.parts] == [
        (300_000, START, day("2022-11-16")),
        (500_000, day("2022-11-16"), day("2022-12-01")),
    ]
    assert first.interest == round((300_000 * 15 + 500_000 * 15) * 12 / 36_500)


def test_a_change_of_the_rate_within_a_period_makes_two_parts_and_a_new_level() -> None:
    loan = terms(interest="ACT/365F", rate_changes=((day("2022-12-10"), Decimal("0.06")),))
    schedule = loan_schedule(loan)
    assert len(schedule.rows[1].parts) == 2
    assert len(schedule.instalments) == 2
    assert schedule.instalments[1] < schedule.instalments[0]
    assert schedule.rows[-1].closing == 0


def test_fees_are_withheld_financed_or_added() -> None:
    fees = (
        Fee("entry", "upfront", "principal", share=Decimal("0.01")),
        Fee("file", "financed", amount=10_000),
        Fee("account", "per_instalment", "principal_and_interest", share=Decimal("0.015")),
        Fee("letter", "per_instalment", amount=100, penalty=True),
    )
    schedule = loan_schedule(terms(fees=fees))
    assert (schedule.principal, schedule.financed, schedule.disbursed_net) == (510_000, 10_000, 500_000 - 5_100)
    first = schedule.rows[0]
    assert first.fees == round((first.principal + first.interest) * 0.015)
    assert first.penalties == 100
    assert first.total == first.principal + first.interest + first.fees + 100


def test_a_rate_that_compounds_otherwise() -> None:
    # mortgagecomparecalculator.com: 500,000 at 5 % over 25 years: 2,908 a month in Canada, 2,923 in the United States
    canada = options.rate_by_period(Decimal("0.05"), "half_yearly", MONTHLY.years)
    assert abs(canada / 12 - Decimal("0.0041239154651443")) < Decimal("1e-15")
    for rate, level in ((canada, 290_802), (Decimal("0.05"), 292_295)):
        schedule = loan_schedule(replace(terms(50_000_000, count=300), rate=rate))
        assert schedule.instalments == (level,)
        assert sum(row.principal for row in schedule.rows) == 50_000_000
    year = options.rate_by_period(Decimal("0.12"), "yearly", MONTHLY.years) / 12
    assert abs((1 + year) ** 12 - Decimal("1.12")) < Decimal("1e-17")
    with pytest.raises(UnknownConvention):
        options.rate_by_period(Decimal("0.05"), "hourly", MONTHLY.years)
    with pytest.raises(RateNotValid):
        options.rate_by_period(Decimal(90), "monthly", Frequency("years", 6).years)


def test_instalments_in_steps() -> None:
    """A growing annuity: 1,000 a year, 5 % more each year, at 10 %, for ten years: 20,000 (1 - (1.05/1.1)^10)."""
    worth = 100_000 * (1 - (Decimal("1.05") / Decimal("1.1")) ** 10) / Decimal("0.05")
    loan = terms(round(worth), "0.10", 10, frequency=Frequency("years"), step=Decimal("0.05"), step_every=1)
    schedule = loan_schedule(loan)
    assert [row.total for row in schedule.rows[:3]] == [100_000, 105_000, 110_250]
    assert abs(schedule.rows[-1].total - 155_133) <= 2
    assert schedule.instalments[:2] == (100_000, 105_000)
    falling = loan_schedule(terms(count=24, step=Decimal("-0.2"), grace_principal=3))
    assert [row.principal for row in falling.rows[:3]] == [0, 0, 0]
    assert abs(falling.rows[20].total - falling.rows[3].total * Decimal("0.8")) <= 1
    assert falling.rows[-1].closing == 0
    with pytest.raises(ScheduleNotPossible):  # the first ones would not cover their interest
        loan_schedule(terms(count=240, rate="0.24", step=Decimal("0.2")))


def test_explain_has_inputs_conventions_formula_rounding_and_rows() -> None:
    found = explain(loan_schedule(terms(interest="ACT/360")))
    assert set(found) == {"inputs", "conventions", "formula", "rounding", "level_instalments", "rows"}
    assert found["rows"][0]["interest"][0]["formula"] == "500000 x 0.12 x 1/12 = 5000.000000"
    assert len(found["rows"]) == 6


@pytest.mark.parametrize(
    ("options", "error", "pointer"),
    [
        ({"principal": 0}, AmountOutOfRange, "/principal"),
        ({"rate": "-0.01"}, RateNotValid, "/rate"),
        ({"method": "compound"}, UnknownConvention, "/method"),
        ({"interest": "ACT/999"}, UnknownConvention, "/interest"),
        ({"amortization": "bullet"}, UnknownConvention, "/amortization"),
        ({"balloon": 600_000}, AmountOutOfRange, "/balloon"),
        ({"grace_principal": 6}, PeriodNotValid, "/grace_principal"),
        ({"amortization": "shares"}, ConventionNeeds, "/shares"),
        ({"amortization": "shares", "shares": ((Fraction(1, 2), None),) * 6}, ScheduleNotPossible, "/shares"),
        ({"tranches": ((START, 1),)}, AmountOutOfRange, "/tranches"),
        ({"instalment": 100}, ScheduleNotPossible, "/instalment"),
        ({"instalment_rounding": Rounding(0)}, AmountOutOfRange, "/instalment_rounding/unit"),
        ({"interest_rounding": Rounding(1, "sideways")}, UnknownConvention, "/interest_rounding/mode"),
        ({"fees": (Fee("x", "upfront", amount=500_000),)}, AmountOutOfRange, "/fees"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_what_cannot_be_is_named(options: dict[str, Any], error: type[CalculationError], pointer: str) -> None:
    with pytest.raises(error) as caught:
        loan_schedule(terms(**options))
    assert caught.value.pointer == pointer


def test_periods_follow_one_another() -> None:
    gap = (Period(START, day("2022-12-01"), day("2022-12-01")), Period(day("2022-12-02"), day("2023-01-01"), START))
    with pytest.raises(PeriodNotValid):
        loan_schedule(LoanTerms(1_000, Decimal("0.1"), gap))


@pytest.mark.parametrize(
    ("frequency", "expected"),
    [
        (Frequency("weeks"), ["2024-02-07", "2024-02-14", "2024-02-21"]),
        (Frequency("weeks", 2), ["2024-02-14", "2024-02-28", "2024-03-13"]),
        (Frequency("semimonths", 1, (15, 31)), ["2024-02-15", "2024-02-29", "2024-03-15"]),
        (Frequency("months"), ["2024-02-29", "2024-03-31", "2024-04-30"]),
        (Frequency("months", 3), ["2024-04-30", "2024-07-31", "2024-10-31"]),
        (Frequency("years"), ["2025-01-31", "2026-01-31", "2027-01-31"]),
        (Frequency("days", 10), ["2024-02-10", "2024-02-20", "2024-03-01"]),
    ],
    ids=["weekly", "biweekly", "semimonthly", "monthly", "quarterly", "yearly", "days"],
)
def test_due_dates(frequency: Frequency, expected: list[str]) -> None:
    assert [date.isoformat() for date in due_dates(day("2024-01-31"), 3, frequency)] == expected


def test_a_first_due_date_of_its_own_and_a_season() -> None:
    dates = due_dates(day("2024-01-10"), 4, Frequency(), first_due=day("2024-03-01"), season=(3, 4, 9))
    assert [date.isoformat() for date in dates] == ["2024-03-01", "2024-04-01", "2024-09-01", "2025-03-01"]
    with pytest.raises(PeriodNotValid):
        due_dates(START, 2, Frequency("years"), season=(3,))
    with pytest.raises(PeriodNotValid):
        due_dates(START, 2, Frequency(), first_due=START)
    with pytest.raises(UnknownConvention):
        due_dates(START, 2, Frequency("fortnights"))
