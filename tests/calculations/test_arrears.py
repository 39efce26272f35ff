"""Arrears, penalties, portfolios."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest

from apps.calculations.arrears import (
    NONE,
    Bucket,
    Due,
    Exposure,
    Pause,
    PenaltyRule,
    Risk,
    StageRules,
    bucket_of,
    buckets_check,
    expected_loss,
    instalment_arrears,
    loan_arrears,
    paused_days,
    penalty_for,
    portfolio_at_risk,
    provision_delta,
    provisions_by_bucket,
    stage_moves,
    stage_of,
)
from apps.calculations.calendars import Calendar
from apps.calculations.errors import AmountOutOfRange, ConventionNeeds, PeriodNotValid, RateNotValid, UnknownConvention

BUCKETS = [Bucket("1-30", 1, 30), Bucket("31-60", 31, 60), Bucket("61-90", 61, 90), Bucket("over 90", 91)]
RATES = {"1-30": Decimal("0.1"), "31-60": Decimal("0.25"), "61-90": Decimal("0.5"), "over 90": Decimal(1)}


def d(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


DUES = [Due(d("2026-01-01"), 100), Due(d("2026-02-01"), 200), Due(d("2026-03-01"), 300)]


def test_a_loan_is_as_old_as_its_oldest_arrears() -> None:
    found = loan_arrears(DUES, d("2026-02-15"), BUCKETS)
    assert (found.amount, found.past_due_days, found.bucket, found.since) == (300, 45, "31-60", d("2026-01-01"))
    assert loan_arrears(DUES, d("2026-01-01"), BUCKETS).bucket == NONE
    assert loan_arrears([Due(d("2026-01-01"), 0)], d("2026-02-01"), BUCKETS).amount == 0


def test_a_grace_and_pauses_do_not_count() -> None:
    pause = Pause(d("2026-01-11"), d("2026-01-21"))
    found = loan_arrears(DUES, d("2026-02-15"), BUCKETS, pauses=[pause], grace_days=5)
    assert (found.past_due_days, found.delinquent_days, found.bucket) == (45, 30, "1-30")
    assert found.since == d("2026-01-06")


def test_a_pause_counts_once_and_only_when_it_is_known() -> None:
    known = Pause(d("2026-01-11"), d("2026-01-21"))
    over = Pause(d("2026-01-15"), d("2026-01-25"))
    later = Pause(d("2026-01-01"), d("2026-01-31"), entered=d("2026-03-01"))
    assert paused_days([known, over, later], d("2026-01-01"), d("2026-02-15")) == 14
    with pytest.raises(PeriodNotValid):
        paused_days([Pause(d("2026-01-11"), d("2026-01-01"))], d("2026-01-01"), d("2026-02-15"))


def test_each_instalment_has_its_own_age() -> None:
    assert instalment_arrears(DUES, d("2026-03-15"), BUCKETS) == {"1-30": 300, "31-60": 200, "61-90": 100}


def test_pauses_count_since_the_due_date_or_whole() -> None:
    """Fineract, LoanDelinquency.feature (more of it in tests/cases/data): 30 days late, a pause of 19 ended before."""
    dues = [Due(d("2023-10-16"), 250), Due(d("2023-10-31"), 250)]
    pause = [Pause(d("2023-10-06"), d("2023-10-25"))]
    whole = loan_arrears(dues, d("2023-11-15"), BUCKETS, pauses=pause, grace_days=3, pause_rule="whole")
    assert (whole.past_due_days, whole.delinquent_days) == (30, 8)
    assert loan_arrears(dues, d("2023-11-15"), BUCKETS, pauses=pause, grace_days=3).delinquent_days == 18
    assert instalment_arrears(dues, d("2023-11-15"), BUCKETS, pauses=pause, pause_rule="whole") == {"1-30": 250}
    assert instalment_arrears(dues, d("2023-10-18"), BUCKETS, grace_days=3) == {}, "nothing is, in the loan's grace"
    running = [Pause(d("2023-11-16"), d("2023-12-30"))]
    frozen = loan_arrears(dues, d("2023-11-16"), BUCKETS, pauses=running, pause_rule="whole")
    assert (frozen.delinquent_days, frozen.bucket) == (31, "1-30"), "the bucket of the day before the pause"
    with pytest.raises(UnknownConvention):
        loan_arrears(dues, d("2023-11-15"), BUCKETS, pause_rule="never")


def test_buckets_have_no_holes() -> None:
    for wrong in (
        [Bucket("a", 0)],
        [Bucket("a", 1, 30), Bucket("b", 32)],
        [Bucket("a", 1), Bucket("b", 2)],
        [Bucket("a", 5, 4)],
        [],
    ):
        with pytest.raises(PeriodNotValid):
            buckets_check(wrong)
    assert bucket_of(0, BUCKETS) == NONE
    assert bucket_of(1_000, BUCKETS) == "over 90"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (PenaltyRule("initial_principal", rate=Decimal("0.003")), 1_200),
        (PenaltyRule("overdue", kind="once", rate=Decimal("0.05"), amount=100), 350),
        (PenaltyRule("overdue", amount=100, kind="once", grace_days=4), 0),
        (PenaltyRule("overdue", rate=Decimal("0.01"), grace_days=3), 200),
        (PenaltyRule("overdue", rate=Decimal("0.01"), grace_days=3, grace="after_grace"), 50),
        (PenaltyRule("overdue", rate=Decimal("0.01"), cap=120), 120),
        (PenaltyRule("overdue", rate=Decimal("0.01"), cap_share=Decimal("0.02")), 100),
        (PenaltyRule("overdue", rate=Decimal("0.01"), count_days_off=False), 100),
    ],
    ids=["by day", "once", "in grace", "from due date", "after grace", "cap", "cap share", "business days"],
)
def test_penalties(rule: PenaltyRule, expected: int) -> None:
    """Due on Wednesday 1 February 2006, paid on Sunday the 5th."""
    amounts = {"initial_principal": 100_000, "overdue": 5_000}
    calendar = Calendar.of_dates("weekends", [])
    found = penalty_for(rule, amounts, d("2006-02-01"), d("2006-02-05"), calendar=calendar)
    assert found.amount == expected
    assert found.explain()["amount"] == expected


def test_a_cap_holds_for_all_that_is_charged() -> None:
    rule = PenaltyRule("overdue", rate=Decimal("0.01"), cap=120)
    assert penalty_for(rule, {"overdue": 5_000}, d("2006-02-01"), d("2006-02-05"), charged_before=100).amount == 20
    assert penalty_for(rule, {"overdue": 5_000}, d("2006-02-05"), d("2006-02-01")).amount == 0


def test_penalties_that_cannot_be() -> None:
    day = d("2006-02-01")
    with pytest.raises(ConventionNeeds):
        penalty_for(PenaltyRule("instalment"), {}, day, day)
    with pytest.raises(ConventionNeeds):
        penalty_for(PenaltyRule(count_days_off=False), {"overdue": 1}, day, day)
    with pytest.raises(UnknownConvention):
        penalty_for(PenaltyRule("income"), {}, day, day)
    with pytest.raises(RateNotValid):
        penalty_for(PenaltyRule(rate=Decimal(2)), {"overdue": 1}, day, day)
    with pytest.raises(AmountOutOfRange):
        penalty_for(PenaltyRule(), {"overdue": -1}, day, day)


LOANS = [Exposure("a", 1_000, 0), Exposure("b", 2_000, 31, 50), Exposure("c", 1_000, 91)]


def test_portfolio_at_risk() -> None:
    assert portfolio_at_risk(LOANS, 30) == (3_000, 4_000, Fraction(3, 4))
    assert portfolio_at_risk(LOANS, 90)[2] == Fraction(1, 4)
    assert portfolio_at_risk([], 30)[2] == 0
    with pytest.raises(AmountOutOfRange):
        portfolio_at_risk([Exposure("x", -1, 0)], 30)


def test_provisions_by_bucket_and_what_is_to_be_posted() -> None:
    found = provisions_by_bucket(LOANS, BUCKETS, RATES | {NONE: Decimal("0.01")})
    assert {one.bucket: one.amount for one in found} == {
        NONE: 10,
        "1-30": 0,
        "31-60": 500,
        "61-90": 0,
        "over 90": 1_000,
    }
    assert provision_delta(found, {"31-60": 700, "written off": 5}) == {
        NONE: 10, "31-60": -200, "over 90": 1_000, "written off": -5,
    }  # fmt: skip
    with_interest = provisions_by_bucket(LOANS, BUCKETS, RATES, with_interest=True)
    assert next(one.amount for one in with_interest if one.bucket == "31-60") == 513
    with pytest.raises(ConventionNeeds):
        provisions_by_bucket(LOANS, BUCKETS, {})
    with pytest.raises(RateNotValid):
        provisions_by_bucket(LOANS, BUCKETS, RATES | {"1-30": Decimal(2)})


def test_stages() -> None:
    assert [stage_of(days) for days in (0, 30, 31, 90, 91)] == [1, 1, 2, 2, 3]
    assert stage_of(0, increased_risk=True) == 2
    assert stage_of(0, impaired=True) == 3
    cured = StageRules(cure_days=90)
    assert stage_of(0, rules=cured, before=3, days_clean=89) == 3
    assert stage_of(0, rules=cured, before=3, days_clean=90) == 2
    assert stage_of(0, rules=cured, before=2, days_clean=90) == 1
    assert stage_of(0, before=3) == 1
    with pytest.raises(AmountOutOfRange):
        stage_of(-1)


def test_expected_losses() -> None:
    risk = Risk(100_000, Decimal("0.02"), Decimal("0.1"), Decimal("0.45"))
    assert [expected_loss(risk, stage).amount for stage in (1, 2, 3)] == [900, 4_500, 45_000]
    assert expected_loss(risk, 1).explain()["horizon"] == "12 months"
    discounted = Risk(100_000, Decimal("0.02"), Decimal("0.1"), Decimal("0.45"), Decimal("0.9"))
    assert expected_loss(discounted, 2).amount == 4_050
    with pytest.raises(RateNotValid):
        expected_loss(Risk(1, Decimal(2), Decimal(0), Decimal(0)), 1)


def test_moves_between_stages_are_posted_once() -> None:
    held = {"a": (1, 900), "b": (2, 100), "c": (1, 50)}
    required = {"a": (2, 4_500), "b": (2, 100), "d": (1, 10)}
    moves = stage_moves(held, required)
    assert [(m.name, m.from_stage, m.to_stage, m.delta) for m in moves] == [
        ("a", 1, 2, 3_600),
        ("c", 1, 1, -50),
        ("d", 1, 1, 10),
    ]
    assert stage_moves(required, required) == []
