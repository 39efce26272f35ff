"""Day counts beside the figures of their sources: ISDA's papers, QuantLib's and OpenGamma Strata's tests."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.calculations.calendars import calendar_get
from apps.calculations.day_counts import CONVENTIONS, Terms, convention_get, day_count, days_between, year_fraction
from apps.calculations.errors import ConventionNeeds, PeriodNotValid, UnknownConvention

F = Fraction
DATES = st.dates(dt.date(1990, 1, 1), dt.date(2060, 12, 31))


def d(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


# (convention, start, end, days over basis): the same periods under each convention.
ACTUAL = [
    ("ACT/ACT ISDA", "2011-12-28", "2012-02-28", F(4, 365) + F(58, 366)),
    ("ACT/ACT ISDA", "2011-12-28", "2016-03-01", F(4, 365) + F(60, 366) + 4),
    ("ACT/ACT ISDA", "2012-02-29", "2012-03-28", F(28, 366)),
    ("ACT/ACT ISDA", "2003-11-01", "2004-05-01", F(61, 365) + F(121, 366)),
    ("ACT/ACT ISDA", "1999-02-01", "1999-07-01", F(150, 365)),
    ("ACT/ACT ISDA", "1999-07-01", "2000-07-01", F(184, 365) + F(182, 366)),
    ("ACT/ACT Year", "2011-12-28", "2012-02-29", F(63, 366)),
    ("ACT/ACT Year", "2011-12-28", "2016-02-28", F(62, 366) + 4),
    ("ACT/ACT Year", "2012-02-29", "2012-03-28", F(28, 365)),
    ("ACT/ACT Year", "2011-02-28", "2011-03-02", F(2, 365)),
    ("ACT/ACT Year", "2011-03-01", "2011-03-02", F(1, 366)),
    ("ACT/ACT Year", "2012-02-28", "2016-03-02", F(3, 366) + 4),
    ("ACT/ACT Year", "2012-02-29", "2016-03-02", F(2, 365) + 4),
    ("ACT/ACT Year", "2012-02-29", "2016-02-29", F(4)),
    ("ACT/365 Actual", "2011-12-28", "2012-02-28", F(62, 365)),
    ("ACT/365 Actual", "2011-12-28", "2012-02-29", F(63, 366)),
    ("ACT/365 Actual", "2012-02-29", "2012-03-28", F(28, 365)),
    ("NL/365", "2011-12-28", "2016-03-01", F(63 + 4 * 365, 365)),
    ("NL/365", "2012-02-28", "2012-03-28", F(28, 365)),
    ("NL/360", "2011-12-28", "2012-02-29", F(62, 360)),
    ("ACT/366", "2002-02-01", "2002-02-04", F(3, 366)),
    ("ACT/365.25", "2009-09-16", "2016-07-26", F(2505 * 4, 1461)),
    ("ACT/364", "2012-02-28", "2012-03-28", F(29, 364)),
    ("1/1", "2011-12-28", "2016-03-01", F(1)),
]
AFB = [  # the same for both readings of the rule
    ("1994-02-10", "1997-06-30", F(140, 365) + 3), ("1994-02-10", "1994-06-30", F(140, 365)),
    ("2004-02-28", "2005-03-01", 1 + F(2, 366)),
    ("2003-02-28", "2008-02-27", 4 + F(364, 365)), ("2003-02-28", "2008-02-29", F(5)),
    ("2003-11-01", "2004-05-01", F(182, 366)), ("2000-01-30", "2000-06-30", F(152, 366)),
    ("2011-12-28", "2012-03-01", F(64, 366)), ("2012-03-01", "2012-03-28", F(27, 365)),
]  # fmt: skip
AFB_FEBRUARY = [  # where going back from 28 February makes the difference: (start, end, plain, by ISDA)
    ("2004-02-28", "2008-02-28", F(4), 4 + F(1, 365)),
    ("2004-02-29", "2008-02-28", 3 + F(365, 366), F(4)),
    ("2004-02-29", "2005-02-28", F(365, 366), F(1)),
    ("2004-02-27", "2008-02-28", 4 + F(1, 365), 4 + F(2, 365)),
]


@pytest.mark.parametrize(("name", "start", "end", "expected"), ACTUAL)
def test_actual_days(name: str, start: str, end: str, expected: F) -> None:
    assert year_fraction(name, d(start), d(end)) == expected


@pytest.mark.parametrize(("start", "end", "expected"), AFB)
def test_afb(start: str, end: str, expected: F) -> None:
    for name in ("ACT/ACT AFB", "ACT/ACT AFB February"):
        assert year_fraction(name, d(start), d(end)) == expected


@pytest.mark.parametrize(("start", "end", "plain", "isda"), AFB_FEBRUARY)
def test_the_two_readings_of_afb(start: str, end: str, plain: F, isda: F) -> None:
    assert year_fraction("ACT/ACT AFB", d(start), d(end)) == plain
    assert year_fraction("ACT/ACT AFB February", d(start), d(end)) == isda


# (start, end): days of 30/360, US, PSA, NASD, 30E, 30E+, Italian
THIRTY = [
    ("2006-08-31", "2007-02-28", 178, 178, 178, 178, 178, 178, 180),
    ("2007-02-28", "2007-08-31", 183, 180, 180, 183, 182, 183, 180),
    ("2008-02-29", "2008-08-31", 182, 180, 180, 182, 181, 182, 180),
    ("2006-02-28", "2006-03-03", 5, 3, 3, 5, 5, 5, 3),
    ("2006-09-30", "2006-10-31", 30, 30, 30, 30, 30, 31, 30),
    ("2008-02-28", "2008-03-31", 33, 33, 33, 33, 32, 33, 30),
    ("2012-02-29", "2013-02-28", 359, 360, 358, 359, 359, 359, 360),
    ("2012-05-29", "2013-08-31", 452, 452, 452, 452, 451, 452, 451),
    ("2012-05-31", "2013-08-31", 450, 450, 450, 450, 450, 451, 450),
    ("2011-12-28", "2016-03-01", 1503, 1503, 1503, 1503, 1503, 1503, 1503),
]
NAMES = ("30/360", "30/360 US", "30/360 PSA", "30/360 NASD", "30E/360", "30E+/360", "30/360 Italian")


@pytest.mark.parametrize("row", THIRTY, ids=lambda row: f"{row[0]}..{row[1]}")
def test_months_of_thirty_days(row: tuple[object, ...]) -> None:
    start, end, *expected = row
    found = [days_between(name, d(str(start)), d(str(end))) for name in NAMES]
    assert found == expected


@pytest.mark.parametrize(
    ("start", "end", "before", "at_maturity"),
    [("2011-08-31", "2012-02-29", 180, 179), ("2007-02-28", "2008-02-28", 358, 358),
     ("2008-02-29", "2009-02-28", 360, 358), ("2006-02-14", "2006-02-28", 16, 14),
     ("2011-02-28", "2012-02-29", 360, 359), ("2012-05-29", "2013-08-31", 451, 451)],
)  # fmt: skip
def test_the_end_of_february_at_maturity(start: str, end: str, before: int, at_maturity: int) -> None:
    assert days_between("30E/360 ISDA", d(start), d(end)) == before
    assert days_between("30E/360 ISDA", d(start), d(end), Terms(maturity=d(end))) == at_maturity


def test_the_february_rule_by_its_flag() -> None:
    start, end = d("2012-02-29"), d("2012-03-31")
    assert days_between("30U/360", start, end) == days_between("30/360", start, end) == 32
    assert days_between("30U/360", start, end, Terms(end_of_month=True)) == 30


ICMA = [  # ISDA's paper of 1998: start, end, reference period, fraction
    ("2003-11-01", "2004-05-01", "2003-11-01", "2004-05-01", F(1, 2)),
    ("1999-02-01", "1999-07-01", "1998-07-01", "1999-07-01", F(150, 365)),
    ("1999-07-01", "2000-07-01", "1999-07-01", "2000-07-01", F(1)),
    ("2002-08-15", "2003-07-15", "2003-01-15", "2003-07-15", F(153, 368) + F(1, 2)),
    ("2000-01-30", "2000-06-30", "2000-01-30", "2000-07-30", F(152, 364)),
    ("2017-01-17", "2017-08-31", "2017-02-28", "2017-08-31", F(42, 368) + F(1, 2)),
    ("2000-01-01", "2000-01-11", "2000-01-01", "2000-01-11", F(10, 366)),
]


@pytest.mark.parametrize(("start", "end", "first", "last", "expected"), ICMA)
def test_icma_by_reference_period(start: str, end: str, first: str, last: str, expected: F) -> None:
    terms = Terms(reference_start=d(first), reference_end=d(last))
    assert year_fraction("ACT/ACT ICMA", d(start), d(end), terms) == expected


SCHEDULES = [  # start, end, next coupon, schedule, coupons a year, month ends, fraction
    ("2003-11-01", "2004-04-30", "2004-05-01", "2003-11-01", "2004-05-01", 2, True, F(181, 364)),
    ("2011-10-01", "2011-11-12", "2012-02-29", "2011-10-01", "2012-05-29", 4, True, F(42, 364)),
    ("2011-10-01", "2012-01-12", "2012-02-29", "2011-10-01", "2012-05-29", 4, True, F(60, 364) + F(43, 364)),
    ("2011-07-01", "2011-11-12", "2012-02-29", "2011-07-01", "2012-05-29", 4, True, F(61, 368) + F(73, 364)),
    ("2011-10-01", "2012-01-12", "2012-02-29", "2011-10-01", "2012-05-29", 4, False, F(59, 368) + F(44, 368)),
    ("2011-08-31", "2012-01-12", "2012-01-31", "2011-05-31", "2012-01-31", 4, True, F(91, 364) + F(43, 364)),
    ("1999-11-30", "2000-04-30", "2000-04-30", "1999-05-31", "2000-04-30", 4, True, F(91, 364) + F(61, 368)),
    ("1999-11-30", "2000-04-30", "2000-04-30", "1999-05-31", "2000-04-30", 4, False, F(91, 364) + F(61, 360)),
    ("2011-01-01", "2011-03-02", "2011-07-01", "2010-01-01", "2015-01-01", 2, False, F(60, 362)),
]


@pytest.mark.parametrize("row", SCHEDULES, ids=lambda row: f"{row[0]}..{row[1]}-{row[6]}")
def test_icma_by_schedule(row: tuple[str, str, str, str, str, int, bool, F]) -> None:
    start, end, coupon, first, maturity, frequency, month_ends, expected = row
    terms = Terms(
        frequency=frequency, period_end=d(coupon), schedule_start=d(first), maturity=d(maturity),
        end_of_month=month_ends,
    )  # fmt: skip
    assert year_fraction("ACT/ACT ICMA", d(start), d(end), terms) == expected


@pytest.mark.parametrize(
    ("end", "frequency", "coupon", "basis"),
    [("2012-02-28", 1, "2012-02-28", 365), ("2012-02-28", 1, "2012-02-29", 366), ("2012-02-28", 2, "2012-02-28", 366),
     ("2012-02-29", 2, "2012-03-01", 366)],
)  # fmt: skip
def test_act_365_l(end: str, frequency: int, coupon: str, basis: int) -> None:
    start = d("2011-12-28")
    terms = Terms(frequency=frequency, period_end=d(coupon))
    assert year_fraction("ACT/365L", start, d(end), terms) == F((d(end) - start).days, basis)


BUSINESS = [  # Brazil, from QuantLib's tests
    ("2002-02-01", "2002-02-04", 1), ("2002-02-04", "2003-05-16", 321), ("2003-05-16", "2003-12-17", 152),
    ("2003-12-17", "2004-12-17", 251), ("2004-12-17", "2005-12-19", 252), ("2005-12-19", "2006-01-02", 10),
    ("2006-01-02", "2006-03-13", 48), ("2006-03-13", "2006-05-15", 42), ("2006-03-17", "2006-05-15", 38),
    ("2006-05-15", "2006-07-26", 51), ("2006-07-26", "2007-06-28", 230), ("2007-06-28", "2009-09-16", 558),
    ("2009-09-16", "2016-07-26", 1724),
]  # fmt: skip


@pytest.mark.parametrize(("start", "end", "days"), BUSINESS)
def test_business_days_over_252(start: str, end: str, days: int) -> None:
    terms = Terms(calendar=calendar_get("Brazil"))
    assert year_fraction("BUS/252", d(start), d(end), terms) == F(days, 252)
    assert day_count("BUS/252", d(end), d(start), terms, signed=True).fraction == F(-days, 252)


@pytest.mark.parametrize(
    ("start", "end", "zero", "one"),
    [("2007-01-01", "2007-01-31", F(30, 360), F(30, 365)), ("2007-12-31", "2008-02-29", F(59, 360), F(60, 366)),
     ("2012-02-29", "2013-02-28", F(1), F(365, 366)), ("2011-02-28", "2011-03-31", F(31, 360), F(31, 365)),
     ("2006-03-15", "2009-03-15", F(3), F(1096 * 4, 1461))],
)  # fmt: skip
def test_spreadsheets(start: str, end: str, zero: F, one: F) -> None:
    assert year_fraction("30/360 Excel", d(start), d(end)) == zero
    assert year_fraction("ACT/ACT Excel", d(start), d(end)) == one


def test_the_canadian_bond() -> None:
    terms = Terms(reference_start=d("2018-03-10"), reference_end=d("2018-09-10"))
    assert year_fraction("ACT/365 Canadian", d("2018-03-10"), d("2018-09-10"), terms) == F(1, 2)
    assert year_fraction("ACT/365 Canadian", d("2018-03-10"), d("2018-04-10"), terms) == F(31, 365)
    assert year_fraction("ACT/365 Canadian", d("2018-03-10"), d("2018-09-09"), terms) == F(1, 2) - F(1, 365)
    for short in (Terms(), Terms(reference_start=d("2018-09-10"), reference_end=d("2018-09-15"))):
        with pytest.raises(ConventionNeeds):
            year_fraction("ACT/365 Canadian", d("2018-09-10"), d("2018-09-12"), short)


def test_whole_months_of_the_simple_count() -> None:
    assert year_fraction("Simple", d("2002-01-31"), d("2002-04-30")) == F(1, 4)
    assert year_fraction("Simple", d("2002-01-15"), d("2002-01-20")) == F(5, 360)


def test_the_last_day_may_count_too() -> None:
    assert year_fraction("ACT/360", d("2022-01-12"), d("2023-02-01"), Terms(include_end=True)) == F(386, 360)


@pytest.mark.parametrize(
    ("label", "name"),
    [("30/360 bond basis (ISDA 30/360)", "30/360"), ("30E/360 (Eurobond)", "30E/360"), ("act/365f", "ACT/365F"),
     ("Actual/365 (Fixed)", "ACT/365F"), ("Actual/Actual (ISMA)", "ACT/ACT ICMA"), ("30u/360 eom", "30/360 US"),
     ("Actual/Actual", "ACT/ACT ISDA"), ("Business/252(Brazil)", "BUS/252"), ("ACT/360 (money market)", "ACT/360")],
)  # fmt: skip
def test_names_that_people_use(label: str, name: str) -> None:
    assert convention_get(label).name == name


def test_names_nobody_knows() -> None:
    for label in ("", "ACT", "31/360", "x" * 200, None):
        with pytest.raises(UnknownConvention):
            convention_get(label)  # type: ignore[arg-type]


def test_no_two_conventions_share_a_name() -> None:
    names = [label for one in CONVENTIONS.values() for label in (one.name, *one.aliases)]
    assert all(convention_get(label).name in CONVENTIONS for label in names)
    for one in CONVENTIONS.values():
        assert {convention_get(label).name for label in one.aliases} <= {one.name}


TERMS = Terms(
    frequency=2, reference_start=d("2020-01-15"), reference_end=d("2020-07-15"), calendar=calendar_get("TARGET")
)


@given(name=st.sampled_from(sorted(CONVENTIONS)), start=DATES, end=DATES)
def test_parts_add_up_and_backwards_is_an_error(name: str, start: dt.date, end: dt.date) -> None:
    if end < start:
        with pytest.raises(PeriodNotValid):
            year_fraction(name, start, end, TERMS)
        return
    found = day_count(name, start, end, TERMS)
    assert found.fraction == year_fraction(name, start, end, TERMS)
    assert found.fraction == sum(F(part.days) / part.basis for part in found.parts)
    assert found.fraction >= -F(2, 360)  # 30/360 PSA has a negative day after the end of a February


@given(
    name=st.sampled_from([one.name for one in CONVENTIONS.values() if one.additive]),
    dates=st.lists(DATES, min_size=3, max_size=3).map(sorted),
)
def test_a_split_period_equals_the_whole(name: str, dates: list[dt.date]) -> None:
    start, middle, end = dates
    whole = year_fraction(name, start, end, TERMS)
    assert year_fraction(name, start, middle, TERMS) + year_fraction(name, middle, end, TERMS) == whole


@pytest.mark.parametrize(
    ("name", "start", "end", "terms", "pointer"),
    [
        ("ACT/ACT AFB", "0001-01-01", "0001-01-01", {}, "/start"),
        ("30E/365", "9990-06-22", "9999-12-31", {}, "/start"),
        ("30E/365", "8999-06-22", "9999-12-31", {}, "/end"),
        ("BUS/252", "1600-01-01", "2100-01-01", {"calendar": calendar_get("BRAZIL")}, "/end"),
        ("ACT/ACT ICMA", "2000-02-29", "2045-10-20", {"frequency": 1, "period_end": d("2000-02-29")}, "/period_end"),
        ("ACT/ACT ICMA", "2000-02-29", "2045-10-20",
         {"reference_start": d("1958-06-16"), "reference_end": d("2160-01-01")}, "/reference_period"),
        ("ACT/ACT ICMA", "2000-02-29", "2045-10-20",
         {"reference_start": d("1958-06-16"), "reference_end": d("9999-12-31")}, "/reference_period"),
    ],
)  # fmt: skip
def test_dates_that_cannot_be_counted(name: str, start: str, end: str, terms: dict[str, Any], pointer: str) -> None:
    with pytest.raises(PeriodNotValid) as refused:
        day_count(name, d(start), d(end), Terms(**terms))
    assert refused.value.pointer == pointer


@pytest.mark.parametrize("name", ["30/360 PSA", "30E/360 ISDA", "30/360 US", "30/360 DAYS360", "30E/365"])
def test_the_end_of_february_alone_is_no_day(name: str) -> None:
    leap = d("2024-02-29")
    assert day_count(name, leap, leap, Terms(maturity=leap)).fraction == 0


def test_afb_over_centuries_in_one_step() -> None:
    assert year_fraction("ACT/ACT AFB February", d("1700-02-28"), d("2099-02-28")) == 399
