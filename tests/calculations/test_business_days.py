"""Business days: conventions beside Strata's and QuantLib's figures; calendars."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.calculations.business_days import CONVENTIONS, convention_name, date_adjust, date_advance, months_add
from apps.calculations.calendars import Calendar, calendar_get, month_end
from apps.calculations.errors import CalendarUnknown, PeriodNotValid, UnknownConvention

DATES = st.dates(dt.date(1999, 1, 1), dt.date(2060, 12, 31))
WEEKDAYS = calendar_get("SAT/SUN")


def d(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


ADJUSTED = [  # date; none, following, modified, half month, preceding, modified preceding, nearest
    ("2014-07-12", "07-12", "07-14", "07-14", "07-14", "07-11", "07-11", "07-11"),
    ("2014-07-13", "07-13", "07-14", "07-14", "07-14", "07-11", "07-11", "07-14"),
    ("2014-08-30", "08-30", "09-01", "08-29", "08-29", "08-29", "08-29", "08-29"),
    ("2014-08-31", "08-31", "09-01", "08-29", "08-29", "08-29", "08-29", "09-01"),
    ("2014-11-01", "11-01", "11-03", "11-03", "11-03", "10-31", "11-03", "10-31"),
    ("2014-11-15", "11-15", "11-17", "11-17", "11-14", "11-14", "11-14", "11-14"),
    ("2014-11-16", "11-16", "11-17", "11-17", "11-17", "11-14", "11-14", "11-17"),
    ("2014-11-17", "11-17", "11-17", "11-17", "11-17", "11-17", "11-17", "11-17"),
]
ORDER = (
    "none", "following", "modified_following", "half_month_modified_following", "preceding", "modified_preceding",
    "nearest",
)  # fmt: skip


@pytest.mark.parametrize("row", ADJUSTED, ids=lambda row: row[0])
def test_adjusted_dates(row: tuple[str, ...]) -> None:
    day, *expected = row
    assert [date_adjust(d(day), name, WEEKDAYS).isoformat()[5:] for name in ORDER] == expected


def test_the_nearest_day_beside_a_holiday() -> None:
    monday_off = Calendar.of_dates("test", [d("2014-07-14")])
    for name in ("nearest", "nearest_by_weekday"):
        found = [date_adjust(d(f"2014-07-{day}"), name, monday_off).day for day in (11, 12, 13, 14)]
        assert found == [11, 11, 15, 15]
    thursday_off = Calendar.of_dates("test", [d("2014-07-10"), d("2014-07-11")])
    assert date_adjust(d("2014-07-11"), "nearest", thursday_off) == d("2014-07-09")
    assert date_adjust(d("2014-07-12"), "nearest", thursday_off) == d("2014-07-14")
    assert date_adjust(d("2014-07-12"), "nearest_by_weekday", thursday_off) == d("2014-07-09")


ADVANCED = [  # South Africa, from QuantLib's tests: convention, start, count, unit, month ends, date
    ("following", "2015-01-31", 1, "months", True, "2015-02-27"),
    ("following", "2015-01-31", 1, "months", False, "2015-03-02"),
    ("modified_following", "2015-01-31", 1, "months", False, "2015-02-27"),
    ("modified_following", "2015-03-25", 1, "months", False, "2015-04-28"),
    ("preceding", "2015-03-03", -1, "months", False, "2015-02-03"),
    ("preceding", "2015-02-03", -2, "business_days", False, "2015-01-30"),
    ("preceding", "2015-03-01", -1, "months", True, "2015-01-30"),
    ("modified_preceding", "2015-03-01", -1, "months", True, "2015-02-02"),
    ("none", "2015-02-03", 4, "business_days", False, "2015-02-09"),
    ("none", "2015-01-31", 1, "months", False, "2015-02-28"),
    ("none", "2015-01-31", 1, "months", True, "2015-02-28"),
    ("none", "2015-02-27", 1, "months", True, "2015-03-27"),
    ("half_month_modified_following", "2015-01-03", 1, "weeks", False, "2015-01-12"),
    ("half_month_modified_following", "2015-03-21", 1, "weeks", False, "2015-03-30"),
    ("nearest", "2015-04-16", 1, "months", False, "2015-05-15"),
    ("nearest", "2015-04-02", 1, "months", False, "2015-05-04"),
    ("following", "2012-02-29", 1, "years", False, "2013-02-28"),
    ("following", "2015-02-07", 0, "months", False, "2015-02-09"),
    ("following", "2015-02-05", 2, "days", False, "2015-02-09"),
]


@pytest.mark.parametrize("row", ADVANCED, ids=lambda row: f"{row[0]}-{row[1]}-{row[2]}-{row[4]}")
def test_dates_a_period_later(row: tuple[str, str, int, str, bool, str]) -> None:
    name, start, count, unit, month_ends, expected = row
    found = date_advance(
        d(start), count, unit, calendar=calendar_get("South Africa"), convention=name, end_of_month=month_ends
    )
    assert found == d(expected)


@pytest.mark.parametrize(
    ("name", "closed", "opened"),
    [("TARGET", "2026-04-06", "2026-06-04"), ("BRAZIL", "2026-06-04", "2026-05-29"), ("KE", "2026-06-01", "2026-07-01"),
     ("US", "2026-11-26", "2026-11-27"), ("NYSE", "2026-04-03", "2026-10-12"), ("FRI/SAT", "2026-11-20", "2026-11-22"),
     ("South Africa", "2015-04-06", "2015-04-07"), ("TARGET+US", "2026-05-25", "2026-05-26"),
     # QuantLib 1.44: UnitedKingdom, FederalReserve, Japan, Sweden; the same days closed from 2004 to 2025
     ("GB", "2026-04-06", "2026-07-13"), ("GB-NIR", "2026-07-13", "2026-07-14"), ("FED", "2021-07-05", "2021-12-24"),
     ("Federal Reserve", "2022-06-20", "2010-12-31"), ("JP", "2025-12-31", "2025-12-30"),
     ("SE", "2025-06-20", "2025-06-19"), ("CA", "2025-05-19", "2025-11-11"), ("HK", "2025-03-01", "2025-03-03"),
     ("DK", "2025-12-24", "2025-12-23"), ("RBI", "2025-09-13", "2025-09-06"),
     ("TARGET", "1999-12-31", "1998-04-10"), ("SUN", "2026-11-22", "2026-11-21"),
     # FpML's business centres, and names in words
     ("GBLO", "2022-06-03", "2022-05-30"), ("WeekendsOnly", "2026-11-21", "2026-11-20"),
     ("Friday/Saturday", "2026-11-20", "2026-11-22")],
)  # fmt: skip
def test_calendars_by_name(name: str, closed: str, opened: str) -> None:
    calendar = calendar_get(name)
    assert not calendar.is_business_day(d(closed))
    assert calendar.is_business_day(d(opened))


def test_calendars_nobody_knows() -> None:
    for name in ("Atlantis", "", "+", "TARGET+", "GB-XXX", "X" * 300, None):
        with pytest.raises(CalendarUnknown):
            calendar_get(name)  # type: ignore[arg-type]


def test_a_calendar_without_business_days_is_an_error() -> None:
    never = Calendar("never", frozenset(range(7)))
    for name in sorted(CONVENTIONS):
        if name != "none":
            with pytest.raises(PeriodNotValid):
                date_adjust(d("2026-01-01"), name, never)


def test_names_of_conventions() -> None:
    assert convention_name("ModifiedFollowing") == convention_name("MODIFIED_FOLLOWING") == "modified_following"
    assert convention_name("Modified Following Bi Monthly") == "half_month_modified_following"
    assert convention_name("NO_ADJUST") == convention_name("Unadjusted") == "none"
    with pytest.raises(UnknownConvention):
        convention_name("sometimes")


@given(day=DATES, name=st.sampled_from(sorted(CONVENTIONS)), place=st.sampled_from(["TARGET", "BRAZIL", "FRI/SAT"]))
def test_adjusted_dates_are_business_days(day: dt.date, name: str, place: str) -> None:
    calendar = calendar_get(place)
    moved = date_adjust(day, name, calendar)
    assert name == "none" or calendar.is_business_day(moved)
    if name.startswith(("modified", "half_month", "end_of_month")):
        assert (moved.year, moved.month) == (day.year, day.month)
    if calendar.is_business_day(day) and name != "end_of_month":
        assert moved == day


@given(start=DATES, end=DATES)
def test_business_days_are_counted_one_by_one(start: dt.date, end: dt.date) -> None:
    calendar = calendar_get("BRAZIL")
    start, end = sorted((start, min(end, start + dt.timedelta(days=800))))
    days = ((start + dt.timedelta(days=n)) for n in range((end - start).days))
    assert calendar.business_days_between(start, end) == sum(map(calendar.is_business_day, days))
    assert calendar.business_days_between(end, start) == -calendar.business_days_between(start, end)


@given(day=DATES, count=st.integers(-300, 300))
def test_business_days_added_are_taken_away_again(day: dt.date, count: int) -> None:
    day = WEEKDAYS.same_or_next(day)
    assert WEEKDAYS.business_days_add(WEEKDAYS.business_days_add(day, count), -count) == day


@given(day=DATES, months=st.integers(-500, 500))
def test_months_later(day: dt.date, months: int) -> None:
    moved = months_add(day, months)
    assert (moved.year * 12 + moved.month) - (day.year * 12 + day.month) == months
    assert moved.day == min(day.day, month_end(moved).day)


@pytest.mark.parametrize(
    ("start", "count", "unit"),
    [("0001-01-01", 1, "days"), ("9999-12-31", 1, "business_days"), ("8999-12-31", 90_000, "weeks"),
     ("1600-01-01", -700, "months"), ("1600-01-01", -90_000, "weeks")],
)  # fmt: skip
def test_dates_at_the_ends_of_the_calendar(start: str, count: int, unit: str) -> None:
    with pytest.raises(PeriodNotValid):
        date_advance(d(start), count, unit, calendar=WEEKDAYS, convention="nearest")
