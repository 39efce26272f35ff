"""Cash flows and variances."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest

from apps.calculations.errors import AmountOutOfRange, PeriodNotValid, RateNotValid, UnknownConvention
from apps.calculations.loans import loan_schedule
from apps.calculations.projections import Flow, cash_flow, flows_of_rows, variances
from tests.calculations.loans.builders import terms


def test_a_schedule_flows_in_month_by_month() -> None:
    schedule = loan_schedule(terms())
    months = cash_flow(flows_of_rows(schedule.rows), dt.date(2022, 11, 1), 8, opening=1_000)
    assert [month.inflow > 0 for month in months] == [False, *[True] * 6, False]
    assert months[-1].closing == 1_000 + schedule.total
    assert months[1].by_kind["interest"] == 5_000


def test_only_what_is_expected_to_be_paid() -> None:
    schedule = loan_schedule(terms())
    expected = sum(flow.amount for flow in flows_of_rows(schedule.rows, paid_share=Decimal("0.9")))
    assert expected == pytest.approx(schedule.total * 0.9, abs=12)
    with pytest.raises(RateNotValid):
        flows_of_rows(schedule.rows, paid_share=Decimal(2))


def test_money_out_lowers_the_balance() -> None:
    flows = [Flow(dt.date(2026, 1, 31), -300, "rent"), Flow(dt.date(2026, 2, 1), 100), Flow(dt.date(2026, 3, 1), 5)]
    months = cash_flow(flows, dt.date(2026, 1, 1), 2)
    assert [(month.inflow, month.outflow, month.closing) for month in months] == [(0, 300, -300), (100, 0, -200)]
    with pytest.raises(PeriodNotValid):
        cash_flow(flows, dt.date(2026, 1, 2), 2)


def test_variances() -> None:
    found = {one.name: one for one in variances({"interest": 100, "fees": 50}, {"interest": 90, "other": 5})}
    assert (found["interest"].difference, found["interest"].share) == (-10, Fraction(-1, 10))
    assert not found["interest"].favourable
    assert (found["other"].share, found["other"].favourable) == (None, True)
    spent = variances({"rent": 100}, {"rent": 105}, kind="expense", tolerance=Decimal("0.05"))[0]
    assert (spent.favourable, spent.within) == (False, True)
    with pytest.raises(UnknownConvention):
        variances({}, {}, kind="luck")
    with pytest.raises(AmountOutOfRange):
        variances({}, {}, tolerance=Decimal(-1))
