"""Annual percentage rates: the examples of Regulation Z, Appendix J (c), from their dates, and of the EU directive."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest

from apps.calculations.errors import AmountOutOfRange, NoSolution, PeriodNotValid, UnknownConvention
from apps.calculations.loans import months_on
from apps.calculations.rates import (
    Transfer,
    UnitPeriod,
    apr_eu,
    apr_of_unit_periods,
    apr_regulation_z,
    effective_rate,
    percent,
    unit_periods_between,
    years_between,
)
from apps.calculations.roots import rate_find, root_between

Flows = list[tuple[dt.date, Decimal]]


def d(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def paid(amount: str, first: str, count: int, *, months: int = 0, days: int = 0) -> Flows:
    """Equal payments from a date on."""
    begin = d(first)
    return [(months_on(begin, months * n) + dt.timedelta(days=days * n), Decimal(amount)) for n in range(count)]


SEMIMONTHLY = sorted(paid("219.17", "1978-03-01", 12, months=1) + paid("219.17", "1978-03-16", 12, months=1))


@pytest.mark.parametrize(
    ("advance", "payments", "expected"),
    [
        (("1978-01-10", "5000"), paid("230", "1978-02-10", 24, months=1), "9.69"),
        (("1978-02-10", "6000"), paid("200", "1978-04-01", 36, months=1), "11.82"),
        (("1978-02-23", "5000"), SEMIMONTHLY, "10.34"),
        (("1978-05-23", "10000"), paid("385", "1978-10-01", 40, months=3), "8.97"),
        (("1978-07-23", "10000"), paid("385", "1978-10-01", 40, months=3), "9.32"),
        (("1978-03-20", "500"), paid("17.60", "1978-04-21", 30, days=7), "14.96"),
        (("1978-01-10", "5000"), paid("250", "1978-02-10", 1) + paid("230", "1978-03-10", 23, months=1), "10.08"),
        (("1978-03-18", "400"), paid("39.50", "1978-04-20", 1) + paid("38.31", "1978-05-18", 11, days=28), "28.50"),
        (("1978-01-10", "5000"), paid("230", "1978-02-10", 23, months=1) + paid("280", "1980-01-10", 1), "10.50"),
        (("1978-04-03", "200"), paid("9.50", "1978-04-11", 19, days=14) + paid("30", "1979-01-02", 1), "12.22"),
        (
            ("1978-01-10", "8000"),
            paid("449.36", "1978-03-01", 1) + paid("465", "1978-05-01", 18, months=2) + paid("200", "1981-05-01", 1),
            "7.30",
        ),
        (("1978-01-03", "1000"), paid("1080", "1978-09-15", 1), "11.45"),
        (("2023-10-26", "1000"), paid("220", "2023-11-30", 5, days=1), "94.15"),
        (("2023-11-24", "1000"), paid("250", "2023-11-30", 5, days=7), "434.30"),
        (("2023-10-26", "1000"), paid("500", "2023-11-30", 5, months=12), "78.34"),
    ],
    ids=[
        *("monthly", "long first", "semimonthly", "quarterly", "quarterly short", "weekly", "odd first", "four weeks"),
        *("odd last", "two weeks", "two months", "single", "daily", "weekly short", "yearly"),
    ],
)
def test_regulation_z_from_dates(advance: tuple[str, str], payments: Flows, expected: str) -> None:
    rate, _ = apr_regulation_z([(d(advance[0]), Decimal(advance[1]))], payments)
    assert percent(rate) == Decimal(expected)


def test_unit_periods_are_counted_back_from_the_payment() -> None:
    assert unit_periods_between(d("1978-02-10"), d("1978-04-01"), UnitPeriod(months=Decimal(1))) == (
        1,
        Decimal(19) / 30,
    )
    assert unit_periods_between(d("1978-05-23"), d("1978-10-01"), UnitPeriod(months=Decimal(3)))[0] == 1
    with pytest.raises(PeriodNotValid):
        unit_periods_between(d("1978-04-01"), d("1978-02-10"), UnitPeriod(days=7))


@pytest.mark.parametrize(
    ("flows", "expected"),
    [
        ([("0", "1000"), ("1.495890411", "-1200")], "12.96"),
        ([("0", "950"), ("1.495890411", "-1200")], "16.90"),
        ([("0", "1000"), ("1", "-600"), ("2", "-600")], "13.07"),
        ([("0", "1000"), ("0.25", "-272"), ("0.5", "-272"), ("1", "-544")], "13.19"),
    ],
    ids=["A1", "A2", "A3", "B4"],
)
def test_the_eu_directive(flows: list[tuple[str, str]], expected: str) -> None:
    assert percent(effective_rate([(Decimal(t), Decimal(a)) for t, a in flows])) == Decimal(expected)


def test_years_by_convention() -> None:
    start, end = d("1994-01-01"), d("1995-07-01")
    assert years_between(start, end, "days_365") == Fraction(546, 365)
    assert years_between(start, end, "months") == Fraction(3, 2)
    assert years_between(start, d("1994-01-15"), "weeks") == Fraction(2, 52)
    assert years_between(d("2023-12-31"), d("2024-12-31"), "days_actual") == Fraction(1, 365) + Fraction(365, 366)
    with pytest.raises(UnknownConvention):
        years_between(start, end, "fortnights")
    with pytest.raises(PeriodNotValid):
        years_between(end, start, "days_365")


@pytest.mark.parametrize(
    ("flows", "expected"),
    [([("2012-10-10", 500)], "0.00"), ([("2012-12-10", 500)], "0.00"), ([("2012-10-15", 510)], "324.44"),
     ([("2012-11-10", 270), ("2012-12-10", 270)], "84.63")],
)  # fmt: skip
def test_short_credit_and_credit_that_costs_nothing(flows: list[tuple[str, int]], expected: str) -> None:
    """FSharp.Finance.Personal, AprUnitedKingdomTests and AprEuropeanUnionTests: 500 on 10 October 2012."""
    drawn, payments = [(d("2012-10-10"), Decimal(500))], [(d(date), Decimal(amount)) for date, amount in flows]
    assert percent(apr_eu(drawn, payments)) == Decimal(expected)
    if flows == [("2012-12-10", 500)]:
        assert apr_regulation_z(drawn, payments)[0] == 0


def test_years_with_many_decimals() -> None:
    third = Decimal(1) / 3
    rate = effective_rate([(Decimal(0), Decimal(1000)), (third, Decimal(-500)), (2 * third, Decimal(-540))])
    plain = effective_rate(
        [(Fraction(0), Decimal(1000)), (Fraction(1, 3), Decimal(-500)), (Fraction(2, 3), Decimal(-540))]
    )
    assert abs(rate - plain) < Decimal("1e-10")


def test_dated_flows_of_the_directive() -> None:
    rate = apr_eu([(d("1994-01-01"), Decimal(1000))], [(d("1995-07-01"), Decimal(1200))])
    assert percent(rate) == Decimal("12.96")


def test_what_has_no_rate_is_refused() -> None:
    with pytest.raises(NoSolution):
        effective_rate([(Decimal(0), Decimal(100)), (Decimal(1), Decimal(100))])
    with pytest.raises(NoSolution):
        apr_regulation_z([], [])
    with pytest.raises(AmountOutOfRange):
        apr_of_unit_periods([Transfer(Decimal(0), 0)], [Transfer(Decimal(1), 1)], per_year=12)
    with pytest.raises(NoSolution):
        root_between(lambda x: x * x + 1, Decimal(-1), Decimal(1))
    with pytest.raises(NoSolution):
        rate_find(lambda x: x * x + 1)


def test_a_root_is_found_within_its_tolerance() -> None:
    found = root_between(lambda x: x * x - 2, Decimal(0), Decimal(2))
    assert abs(found - Decimal(2).sqrt()) < Decimal("1e-20")
