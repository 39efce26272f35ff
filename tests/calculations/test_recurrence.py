"""Recurrence: RFC 5545, month ends, holidays."""

from __future__ import annotations

import datetime as dt
from itertools import islice

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from apps.calculations.calendars import calendar_get
from apps.calculations.errors import ConventionNeeds, RecurrenceNotValid
from apps.calculations.recurrence import occurrences

NEW_YEAR = dt.date(2026, 1, 1)


def _dates(rule: str, start: dt.date = NEW_YEAR, **options: object) -> list[str]:
    return [one.date.isoformat() for one in occurrences(rule, start, **options)]  # type: ignore[arg-type]


def test_short_months_are_left_out_unless_told_otherwise() -> None:
    rule = "FREQ=MONTHLY;COUNT=4"
    start = dt.date(2026, 1, 31)
    assert _dates(rule, start) == ["2026-01-31", "2026-03-31", "2026-05-31", "2026-07-31"]
    assert _dates(rule, start, month_end="last") == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]
    assert _dates("FREQ=MONTHLY;BYMONTHDAY=30;COUNT=2", dt.date(2024, 2, 1), month_end="last") == [
        "2024-02-29", "2024-03-30",
    ]  # fmt: skip
    assert _dates("FREQ=YEARLY;COUNT=3", dt.date(2024, 2, 29), month_end="last") == [
        "2024-02-29", "2025-02-28", "2026-02-28",
    ]  # fmt: skip


def test_month_ends_change_nothing_where_every_month_has_the_day() -> None:
    for rule in ("FREQ=MONTHLY;BYMONTHDAY=28;COUNT=5", "FREQ=MONTHLY;BYDAY=-1FR;COUNT=5", "FREQ=WEEKLY;COUNT=5"):
        assert _dates(rule, month_end="last") == _dates(rule)


def test_payments_move_to_business_days_and_keep_their_nominal_date() -> None:
    found = list(
        occurrences("FREQ=MONTHLY;BYMONTHDAY=1;COUNT=3", NEW_YEAR, convention="following", calendar=calendar_get("KE"))
    )
    assert [one.nominal.isoformat() for one in found] == ["2026-01-01", "2026-02-01", "2026-03-01"]
    assert [one.date.isoformat() for one in found] == ["2026-01-02", "2026-02-02", "2026-03-02"]


def test_exceptions_count_for_the_count_as_in_the_rfc() -> None:
    assert _dates("FREQ=DAILY;COUNT=3", exclude={dt.date(2026, 1, 2)}) == ["2026-01-01", "2026-01-03"]


def test_the_last_day_of_until_belongs_to_the_rule() -> None:
    for until in ("20260103", "20260103T140000Z", "20260103T235959"):
        assert _dates(f"FREQ=DAILY;UNTIL={until}")[-1] == "2026-01-03"


def test_a_midnight_ends_the_day_before_as_in_the_examples_of_the_rfc() -> None:
    start = dt.date(1997, 9, 2)  # RFC 5545, 3.8.5.3: "September 2-30; ... December 1-23", and five weeks
    assert _dates("FREQ=DAILY;UNTIL=19971224T000000Z", start)[-1] == "1997-12-23"
    weeks = _dates("FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH", start)
    assert (len(weeks), weeks[-1]) == (10, "1997-10-02")


@pytest.mark.parametrize(
    ("rule", "start", "dates"),
    [  # RFC 7529, 4.1 and its examples: months and years without the day
        ("FREQ=MONTHLY;SKIP=OMIT;COUNT=3", "2014-01-31", "2014-01-31 2014-03-31 2014-05-31"),
        ("RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=BACKWARD;COUNT=4", "2014-01-31",
         "2014-01-31 2014-02-28 2014-03-31 2014-04-30"),
        ("RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=FORWARD;COUNT=4", "2014-01-31",
         "2014-01-31 2014-03-01 2014-03-31 2014-05-01"),
        ("RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=FORWARD;COUNT=3", "2016-02-29", "2016-02-29 2017-03-01 2018-03-01"),
        ("RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=FORWARD;UNTIL=20140228", "2014-01-31", "2014-01-31"),
    ],
)  # fmt: skip
def test_days_that_a_month_does_not_have_by_rfc_7529(rule: str, start: str, dates: str) -> None:
    assert _dates(rule, dt.date.fromisoformat(start)) == dates.split()


def test_rules_without_an_end_are_lazy_and_end_with_the_calendar() -> None:
    assert len(list(islice(occurrences("FREQ=WEEKLY", NEW_YEAR), 10))) == 10
    assert _dates("FREQ=YEARLY", dt.date(2190, 1, 1))[-1] == "2200-01-01"
    assert len(_dates("FREQ=DAILY", limit=7)) == 7


@pytest.mark.parametrize(
    "rule",
    [
        "", "FREQ=SECONDLY", "COUNT=5", "FREQ=DAILY;FREQ=DAILY", "FREQ=DAILY;BYMONTHDAY=0", "FREQ=DAILY;BYDAY=XX",
        "FREQ=MONTHLY;BYMONTH=13", "FREQ=DAILY;COUNT=1;UNTIL=20260101", "FREQ=DAILY;COUNT=99999", "FREQ=DAILY;UNTIL=0",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=1", "FREQ=MONTHLY;INTERVAL=-1", "FREQ=DAILY;X-BANK=1",
        "FREQ=DAILY;SKIP=NO", "FREQ=DAILY;RSCALE=HEBREW",
        "FREQ=WEEKLY;BYMONTHDAY=1",
        "FREQ=WEEKLY;BYDAY=1MO", "FREQ=MONTHLY;BYDAY=1MO,50MO", "FREQ=YEARLY;BYMONTH=12;BYDAY=-6FR",
        "FREQ=DAILY;INTERVAL=7;BYDAY=MO", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "A" * 501,
    ],
)  # fmt: skip
def test_rules_that_are_refused(rule: str) -> None:
    with pytest.raises(RecurrenceNotValid):
        list(occurrences(rule, NEW_YEAR))


@pytest.mark.parametrize(
    "parts", ["", ";BYDAY=MO,FR", ";BYMONTH=2,3", ";BYMONTHDAY=-1,15", ";BYYEARDAY=1,-1,100", ";INTERVAL=10;BYDAY=SA"]
)
def test_days_are_those_of_dateutil(parts: str) -> None:
    midnight = dt.datetime.combine(dt.date(2023, 11, 5), dt.time())
    moments = islice(rrulestr(f"FREQ=DAILY{parts}", dtstart=midnight), 60)
    expected = [moment.date().isoformat() for moment in moments]
    assert _dates(f"FREQ=DAILY{parts}", dt.date(2023, 11, 5), limit=60) == expected


def test_moving_needs_a_calendar() -> None:
    with pytest.raises(ConventionNeeds):
        list(occurrences("FREQ=DAILY;COUNT=1", NEW_YEAR, convention="following"))


@given(
    start=st.dates(dt.date(2000, 1, 1), dt.date(2100, 1, 1)),
    frequency=st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    interval=st.integers(1, 12),
    month_end=st.sampled_from(["skip", "last"]),
)
def test_dates_go_forward_and_are_business_days(start: dt.date, frequency: str, interval: int, month_end: str) -> None:
    calendar = calendar_get("TARGET")
    found = list(
        occurrences(
            f"FREQ={frequency};INTERVAL={interval};COUNT=8", start, month_end=month_end,
            convention="modified_following", calendar=calendar,
        )
    )  # fmt: skip
    nominal = [one.nominal for one in found]
    assert nominal == sorted(set(nominal))
    assert nominal[:1] == [start]
    assert all(calendar.is_business_day(one.date) for one in found)
    if month_end == "last":
        assert len(found) == min(8, len(found) if nominal[-1].year >= 2199 else 8)
