"""Spreadsheet functions against figures of Excel's and LibreOffice's documentation."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.calculations import excel
from apps.calculations.errors import AmountOutOfRange, CalculationError, NoSolution, PeriodNotValid, RateNotValid

D = Decimal
MONTH = D("0.08") / 12


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (excel.pmt(MONTH, 10, D(10_000)), "-1037.03"),
        (excel.pmt(MONTH, 10, D(10_000), when=1), "-1030.16"),
        (excel.ipmt(D("0.1") / 12, 1, 36, D(8_000)), "-66.67"),
        (excel.ppmt(D("0.1") / 12, 1, 24, D(2_000)), "-75.62"),
        (excel.cumipmt(D("0.09") / 12, 360, D(125_000), 13, 24), "-11135.23"),
        (excel.cumprinc(D("0.09") / 12, 360, D(125_000), 13, 24), "-934.11"),
        (excel.fv(D("0.06") / 12, 10, D(-200), D(-500), 1), "2581.40"),
        (excel.pv(MONTH, 240, D(500)), "-59777.15"),
        (excel.nper(D("0.12") / 12, D(-100), D(-1_000), D(10_000), 1), "59.67"),
        (excel.rate(48, D(-200), D(8_000)) * 100, "0.77"),
        (excel.npv(D("0.1"), [D(-10_000), D(3_000), D(4_200), D(6_800)]), "1188.44"),
        (excel.irr([D(-70_000), D(12_000), D(15_000), D(18_000), D(21_000), D(26_000)]) * 100, "8.66"),
        (excel.irr([D(-70_000), D(12_000), D(15_000), D(18_000), D(21_000)]) * 100, "-2.12"),
        (excel.mirr([D(-120_000), D(39_000), D(30_000), D(21_000), D(37_000), D(46_000)], D("0.1"), D("0.12")), "0.13"),
        (excel.effect(D("0.0525"), 4) * 100, "5.35"),
        (excel.nominal(D("0.053543"), 4) * 100, "5.25"),
        # formulajs, test/financial.js: compounding periods are cut to whole ones, nothing falls below the salvage value
        (excel.effect(D("0.1"), D("4.5")) * 100, "10.38"),
        (excel.nominal(D("0.1"), D("4.5")) * 100, "9.65"),
        (excel.db(D(100_000), D(1_000_000), 6, 1, 6), "0.00"),
        # numpy-financial, test_financial.py: the first flow is now
        (excel.npv(D("0.05"), [D(-15_000), D(1_500), D(2_500), D(3_500), D(4_500), D(6_000)], 0), "122.89"),
        (excel.sln(D(30_000), D(7_500), 10), "2250.00"),
        (excel.syd(D(30_000), D(7_500), 10, 1), "4090.91"),
        (excel.db(D(1_000_000), D(100_000), 6, 1, 7), "186083.33"),
        (excel.db(D(1_000_000), D(100_000), 6, 7, 7), "15845.10"),
        (excel.ddb(D(2_400), D(300), 10, 1), "480.00"),
        (excel.ddb(D(2_400), D(300), 10, 10), "22.12"),
        (excel.vdb(D(2_400), D(300), 10, 0, 1), "480.00"),
        (excel.vdb(D(2_400), D(300), 120, 6, 18), "396.31"),
        (excel.ispmt(D("0.1") / 12, 1, 36, D(8_000_000)), "-64814.81"),
        (excel.rri(96, D(10_000), D(11_000)) * 10_000, "9.93"),
        (excel.pduration(D("0.025"), D(2_000), D(2_200)), "3.86"),
        (excel.fvschedule(D(1), [D("0.09"), D("0.11"), D("0.1")]), "1.33"),
        (excel.level_loan_apr(D(35_000), D("269.5"), 360) * 100, "8.52"),
    ],
)
def test_documented_figures(found: Decimal, expected: str) -> None:
    assert found.quantize(D("0.01"), "ROUND_HALF_UP") == D(expected)


def test_dated_flows() -> None:
    values = [D(-10_000), D(2_750), D(4_250), D(3_250), D(2_750)]
    dates = [dt.date.fromisoformat(t) for t in ("2008-01-01", "2008-03-01", "2008-10-30", "2009-02-15", "2009-04-01")]
    assert round(excel.xnpv(D("0.09"), values, dates), 2) == D("2086.65")
    assert round(excel.xirr(values, dates), 8) == D("0.37336253")
    with pytest.raises(PeriodNotValid):
        excel.xirr(values, dates[:4])
    with pytest.raises(PeriodNotValid):
        excel.xnpv(D("0.09"), values, dates[::-1])


def test_without_interest_nothing_grows() -> None:
    assert excel.pmt(D(0), 60, D(15_000)) == -250
    assert excel.nper(D(0), D(-250), D(15_000)) == 60
    assert excel.ipmt(D(0), 3, 60, D(15_000)) == 0


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("PMT", (D(-1), 10, D(1)), RateNotValid),
        ("PMT", (D("0.1"), 0, D(1)), PeriodNotValid),
        ("IPMT", (D("0.1"), 11, 10, D(1)), PeriodNotValid),
        ("CUMIPMT", (D("0.1"), 10, D(1), 5, 4), PeriodNotValid),
        ("NPER", (D("0.1"), D(-1), D(1_000)), NoSolution),
        ("RATE", (10, D(1), D(1)), NoSolution),
        ("IRR", ([D(1), D(2)],), NoSolution),
        ("EFFECT", (D(0), 4), RateNotValid),
        ("SLN", (D(1), D(0), 0), PeriodNotValid),
        ("FV", (D(1), D(10) ** 15, D(1)), AmountOutOfRange),
    ],
)
def test_errors_have_names(name: str, arguments: tuple[object, ...], error: type[CalculationError]) -> None:
    with pytest.raises(error):
        excel.FUNCTIONS[name](*arguments)


@given(st.integers(1, 5_000), st.integers(1, 480), st.integers(1, 10**9))
@settings(max_examples=60, deadline=None)
def test_rate_finds_what_pmt_used(basis_points: int, nper: int, pv: int) -> None:
    rate = D(basis_points) / 10_000
    payment = excel.pmt(rate, nper, D(pv))
    assert abs(excel.rate(nper, payment, D(pv)) - rate) < D("1e-15")
    assert abs(sum(excel.ppmt(rate, per, nper, D(pv)) for per in range(1, min(nper, 24) + 1)) - excel.cumprinc(
        rate, nper, D(pv), 1, min(nper, 24)
    )) < D("1e-15")  # fmt: skip
