"""Growth factors with events within a period. Figures are those of Fineract's tests of its progressive loans."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest

from apps.calculations.errors import AmountOutOfRange, EventNotPossible, RateNotValid
from apps.calculations.loans import FactorRule, GrowthLoan, GrowthPayer, interest_till

HALF_YEAR = [(dt.date(2024, month, 1), dt.date(2024, month + 1, 1)) for month in range(1, 7)]
MONTHS_30_360 = FactorRule(360, 30, "months", 1)

Row = tuple[int, int, int, int]


def loan(rate: str = "0.07", rule: FactorRule = MONTHS_30_360) -> GrowthLoan:
    return GrowthLoan(HALF_YEAR, Decimal(rate), rule, round_parts=True)


def shown(of: GrowthLoan) -> list[Row]:
    """Instalment, interest, principal, balance after."""
    return [(p.whole, p.due_interest, p.due_principal, p.balance_after) for p in of.periods]


def date(month: int, day: int) -> dt.date:
    return dt.date(2024, month, day)


def test_the_level_instalment_and_the_rest_in_the_last() -> None:
    found = loan("0.15678", FactorRule(365, None, "months", 1))
    found.disburse(date(1, 1), 10_000)
    assert [row[0] for row in shown(found)] == [1_743] * 5 + [1_747]
    assert found.periods[5].balance_after == 0


def test_tranches_on_a_due_date_and_within_a_period() -> None:
    on_due = loan("0.094822")
    on_due.disburse(date(1, 1), 10_000)
    on_due.disburse(date(3, 1), 10_000)
    assert shown(on_due)[1:3] == [(1_713, 66, 1_647, 16_719), (4_263, 132, 4_131, 12_588)]
    within = loan("0.094822")
    within.disburse(date(1, 1), 10_000)
    within.disburse(date(1, 8), 20_000)
    assert shown(within)[0] == (5_133, 202, 4_931, 25_069)
    assert [round(float(sub.factor), 12) for sub in within.periods[0].subs] == [0.0, 0.001784284946, 0.006117548387]


def test_a_rate_changes_from_the_evening_before() -> None:
    found = loan()
    found.disburse(date(1, 1), 10_000)
    found.change_rate(date(2, 15), Decimal("0.04"))
    assert shown(found)[:3] == [(1_701, 58, 1_643, 8_357), (1_690, 37, 1_653, 6_704), (1_690, 22, 1_668, 5_036)]


def test_principal_paid_ahead_bears_no_interest_and_moves_it_to_the_next() -> None:
    found = loan()
    found.disburse(date(1, 1), 10_000)
    found.pay_interest(date(2, 1), date(2, 1), 58)
    found.pay_principal(date(2, 1), date(2, 1), 1_643)
    found.pay_principal(date(3, 1), date(2, 1), 1_690)
    found.change_rate(date(2, 2), Decimal("0.04"))
    assert shown(found) == [
        (1_701, 58, 1_643, 6_667),
        (1_701, 0, 1_701, 6_656),
        (1_683, 44, 1_639, 5_017),
        (1_683, 17, 1_666, 3_351),
        (1_683, 11, 1_672, 1_679),
        (1_685, 6, 1_679, 0),
    ]


def test_the_last_instalment_can_be_paid_first() -> None:
    found = loan()
    found.disburse(date(1, 1), 10_000)
    found.pay_principal(date(7, 1), date(1, 15), 1_701)
    found.change_rate(date(1, 20), Decimal("0.04"))
    assert shown(found) == [
        (1_680, 44, 1_636, 6_663),
        (1_680, 22, 1_658, 5_005),
        (1_680, 17, 1_663, 3_342),
        (1_680, 11, 1_669, 1_673),
        (1_679, 6, 1_673, 0),
        (1_701, 0, 1_701, 0),
    ]


def test_a_pause_bears_no_interest() -> None:
    found = loan()
    found.disburse(date(1, 1), 10_000)
    before = sum(row[1] for row in shown(found))
    found.pause_interest(date(2, 2), date(2, 29))
    after = shown(found)
    assert after[1][1] < 5
    assert sum(row[1] for row in after) < before
    assert sum(row[2] for row in after) == 10_000


def test_a_charge_back_is_owed_again() -> None:
    found = loan()
    found.disburse(date(1, 1), 10_000)
    found.pay_interest(date(2, 1), date(2, 1), 58)
    found.pay_principal(date(2, 1), date(2, 1), 1_643)
    found.charge_back(date(2, 10), principal=1_643)
    assert found.periods[1].whole == 1_701 + 1_643
    assert sum(p.due_principal for p in found.periods) == 10_000 + 1_643
    assert found.periods[-1].balance_after == 0


def test_days_of_leap_years_and_of_two_years() -> None:
    rule = FactorRule(None, None, "months", 1)
    found = GrowthLoan([(dt.date(2023, 12, 12), dt.date(2024, 1, 12))], Decimal("0.12"), rule)
    found.disburse(dt.date(2023, 12, 12), 1_000_000)
    assert found.periods[0].due_interest == 10_181


def test_money_ahead_pays_principal_of_the_next_instalment() -> None:
    """Fineract, progressive loans: 9.00 more than what is due."""
    quarter = [(date(month, 1), date(month + 1, 1)) for month in (6, 7, 8)]
    found = GrowthLoan(quarter, Decimal("0.12"), MONTHS_30_360)
    found.disburse(date(6, 1), 120_000)
    payer = GrowthPayer(found)
    payer.pay(date(7, 1), 41_703)
    assert shown(found) == [
        (40_803, 1_200, 39_603, 79_497),
        (40_803, 795, 40_008, 40_389),
        (40_793, 404, 40_389, 0),
    ]
    assert [(portion.due, portion.interest, portion.principal) for portion in payer.portions] == [
        (date(7, 1), 1_200, 39_603),
        (date(8, 1), 0, 900),
    ]


def test_an_instalment_paid_early_has_interest_till_that_day() -> None:
    found = loan()
    found.disburse(date(1, 1), 10_000)
    GrowthPayer(found).pay(date(1, 15), 1_701)
    assert shown(found)[0] == (1_701, 26, 1_675, 8_325)
    assert interest_till(found, found.periods[1], date(2, 15)) > 0


def test_nothing_paid_bears_interest_on_everything_till_the_last_due_date() -> None:
    found = loan()
    found.disburse(date(1, 1), 10_000)
    GrowthPayer(found).until(date(7, 15))
    assert [row[1] for row in shown(found)] == [58] * 6
    assert [row[0] for row in shown(found)] == [1_701] * 5 + [1_843]


def test_more_than_the_loan_is_overpaid_and_order_matters() -> None:
    found = loan()
    found.disburse(date(1, 1), 10_000)
    payer = GrowthPayer(found)
    payer.pay(date(1, 1), 12_000)
    assert payer.overpaid == 2_000
    with pytest.raises(EventNotPossible):
        payer.pay(dt.date(2023, 12, 31), 1)
    with pytest.raises(AmountOutOfRange):
        payer.pay(date(1, 2), 0)


def test_what_cannot_happen_is_refused() -> None:
    found = loan()
    with pytest.raises(AmountOutOfRange):
        found.disburse(date(1, 1), 0)
    with pytest.raises(EventNotPossible):
        found.disburse(date(7, 2), 100)
    with pytest.raises(RateNotValid):
        found.change_rate(date(2, 1), Decimal(-1))
    with pytest.raises(EventNotPossible):
        found.pay_principal(date(2, 2), date(2, 1), 100)
    with pytest.raises(EventNotPossible):
        found.pause_interest(date(3, 1), date(2, 1))
    found.disburse(date(3, 1), 10_000)
    with pytest.raises(EventNotPossible):
        found.disburse(date(2, 1), 10_000)
    with pytest.raises(EventNotPossible):
        found.change_rate(date(2, 1), Decimal("0.05"))


def test_a_year_of_366_days_for_the_period_of_the_leap_day_alone() -> None:
    """Fineract's FEB_29_PERIOD_ONLY: February 2024 over 366, the other months of the year over 365, and no share of the
    turn of the year. Figures: days over the length of the year."""
    year_end = (dt.date(2024, 12, 15), dt.date(2025, 1, 15))
    found = GrowthLoan(
        [*HALF_YEAR[:3], year_end], Decimal("0.1"), FactorRule(None, None, "months", 1, leap_day_only=True)
    )
    found.disburse(date(1, 1), 10_000)
    tenth = Fraction(1, 10)
    lengths = [tenth * 31 / 365, tenth * 29 / 366, tenth * 31 / 365, tenth * 31 / 365]
    assert [period.growth for period in found.periods] == lengths


def test_interest_by_whole_periods_takes_no_notice_of_their_days() -> None:
    """A twelfth of 12 % for January as for February, a 52nd of 10.4 % a week."""
    months = loan("0.12", FactorRule.nominal("months", 1))
    months.disburse(date(1, 1), 10_000)
    assert [period.growth for period in months.periods] == [Fraction(1, 100)] * 6
    weeks = [(date(1, 1), date(1, 8)), (date(1, 8), date(1, 15))]
    weekly = GrowthLoan(weeks, Decimal("0.104"), FactorRule.nominal("weeks", 1))
    weekly.disburse(date(1, 1), 10_000)
    assert [period.growth for period in weekly.periods] == [Fraction(2, 1000)] * 2
