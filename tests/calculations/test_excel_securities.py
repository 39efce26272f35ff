"""Securities and dates of spreadsheets against the examples of Excel's documentation."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from apps.calculations.errors import CalculationError, PeriodNotValid, UnknownConvention
from apps.calculations.excel import FUNCTIONS

D = Decimal


def read(arguments: str) -> list[object]:
    """Arguments as one writes them in a cell: dates, numbers, words after a quote."""
    found: list[object] = []
    for word in arguments.split():
        if word.count("-") == 2:
            found.append(dt.date.fromisoformat(word))
        elif word.startswith("'"):
            found.append(word[1:])
        else:
            found.append(int(word) if word.lstrip("-").isdigit() and len(word) < 4 else D(word))
    return found


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("DISC", "2007-01-25 2007-06-15 97.975 100 1", "0.052420213"),
        ("INTRATE", "2008-02-15 2008-05-15 1000000 1014420 2", "0.05768"),
        ("RECEIVED", "2008-02-15 2008-05-15 1000000 0.0575 2", "1014584.654"),
        ("PRICEDISC", "2008-02-16 2008-03-01 0.0525 100 2", "99.79583"),
        ("YIELDDISC", "2008-02-16 2008-03-01 99.795 100 2", "0.052823"),
        ("PRICEMAT", "2008-02-15 2008-04-13 2007-11-11 0.061 0.061 0", "99.98449888"),
        ("YIELDMAT", "2008-03-15 2008-11-03 2007-11-08 0.0625 100.0123 0", "0.060954334"),
        ("TBILLPRICE", "2008-03-31 2008-06-01 0.09", "98.45"),
        ("TBILLYIELD", "2008-03-31 2008-06-01 98.45", "0.091417"),
        ("TBILLEQ", "2008-03-31 2008-06-01 0.0914", "0.09415149"),
        ("ACCRINTM", "2008-04-01 2008-06-15 0.1 1000 3", "20.54795"),
        ("ACCRINT", "2008-03-01 2008-08-31 2008-05-01 0.1 1000 2 0", "16.666667"),
        ("ACCRINT", "2008-03-05 2008-08-31 2008-05-01 0.1 1000 2 0 0", "15.555556"),
        ("PRICE", "2008-02-15 2017-11-15 0.0575 0.065 100 2 0", "94.63436"),
        ("YIELD", "2008-02-15 2016-11-15 0.0575 95.04287 100 2 0", "0.065"),
        ("DURATION", "2008-01-01 2016-01-01 0.08 0.09 2 1", "5.99377"),
        ("MDURATION", "2008-01-01 2016-01-01 0.08 0.09 2 1", "5.73567"),
        ("COUPDAYBS", "2011-01-25 2011-11-15 2 1", "71"),
        ("COUPDAYS", "2011-01-25 2011-11-15 2 1", "181"),
        ("COUPDAYSNC", "2011-01-25 2011-11-15 2 1", "110"),
        ("COUPNUM", "2007-01-25 2008-11-15 2 1", "4"),
        ("COUPNCD", "2011-01-25 2011-11-15 2 1", "2011-05-15"),
        ("COUPPCD", "2011-01-25 2011-11-15 2 1", "2010-11-15"),
        ("DOLLARDE", "1.02 16", "1.125"),
        ("DOLLARDE", "1.1 32", "1.3125"),
        ("DOLLARFR", "1.125 16", "1.02"),
        ("DOLLARFR", "1.125 32", "1.04"),
        ("YEARFRAC", "2012-01-01 2012-07-30", "0.58055556"),
        ("YEARFRAC", "2012-01-01 2012-07-30 1", "0.57650273"),
        ("YEARFRAC", "2012-07-30 2012-01-01 3", "0.57808219"),
        ("DAYS360", "2011-01-30 2011-02-01", "1"),
        ("DAYS360", "2011-01-01 2011-12-31", "360"),
        ("EDATE", "2011-01-15 -1", "2010-12-15"),
        ("EOMONTH", "2011-01-01 -3", "2010-10-31"),
        ("WORKDAY", "2008-10-01 151", "2009-04-30"),
        ("WORKDAY.INTL", "2012-01-01 90 11", "2012-04-14"),
        ("WORKDAY.INTL", "2012-01-01 30 17", "2012-02-05"),
        ("NETWORKDAYS", "2012-10-01 2013-03-01", "110"),
        ("NETWORKDAYS.INTL", "2006-01-01 2006-01-31", "22"),
        ("NETWORKDAYS.INTL", "2006-02-28 2006-01-31", "-21"),
    ],
)
def test_examples_of_the_documentation(name: str, arguments: str, expected: str) -> None:
    found = FUNCTIONS[name](*read(arguments))
    if isinstance(found, dt.date):
        assert found.isoformat() == expected
    else:
        assert found.quantize(D(expected), "ROUND_HALF_UP") == D(expected)


def test_holidays_and_weekends_of_any_kind() -> None:
    """Thanksgiving, 4 December and 21 January; Fridays and Saturdays; a weekend on Wednesdays and Sundays."""
    autumn = [dt.date(2008, 11, 26), dt.date(2008, 12, 4), dt.date(2009, 1, 21)]
    assert FUNCTIONS["WORKDAY"](dt.date(2008, 10, 1), 151, 1, autumn) == dt.date(2009, 5, 5)
    january = [dt.date(2006, 1, 2), dt.date(2006, 1, 16)]
    first, last = dt.date(2006, 1, 1), dt.date(2006, 2, 1)
    assert FUNCTIONS["NETWORKDAYS.INTL"](first, last, 7, january) == 22
    assert FUNCTIONS["NETWORKDAYS.INTL"](first, last, "0010001", january) == 20


def test_what_price_made_yield_finds() -> None:
    """Also in the last coupon period, where interest is simple, and with a coupon on each month's end."""
    for settlement, maturity in (
        ("2026-03-31", "2026-08-31"),
        ("2024-02-29", "2034-08-31"),
        ("2025-01-01", "2026-02-28"),
    ):
        dates = (dt.date.fromisoformat(settlement), dt.date.fromisoformat(maturity))
        for basis in range(5):
            price = FUNCTIONS["PRICE"](*dates, D("0.05"), D("0.0725"), D(100), 2, basis)
            found = FUNCTIONS["YIELD"](*dates, D("0.05"), price, D(100), 2, basis)
            assert abs(found - D("0.0725")) < D("1e-15")  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("DISC", "2008-06-15 2008-01-25 97 100", PeriodNotValid),
        ("YEARFRAC", "2012-01-01 2012-07-30 5", UnknownConvention),
        ("COUPNUM", "2011-01-25 2011-11-15 3", PeriodNotValid),
        ("TBILLPRICE", "2008-03-31 2010-06-01 0.09", PeriodNotValid),
        ("TBILLPRICE", "2008-03-31 2009-03-31 1.09", CalculationError),
        ("WORKDAY", "2008-10-01 1 8", UnknownConvention),
        ("WORKDAY", "2008-10-01 1 '1111111", UnknownConvention),
        ("DOLLARDE", "1.02 0", CalculationError),
    ],
)
def test_refusals_have_names(name: str, arguments: str, error: type[CalculationError]) -> None:
    with pytest.raises(error):
        FUNCTIONS[name](*read(arguments))
