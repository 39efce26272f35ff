"""Quiet hours and digests by the clock on the person's wall, on ordinary days and when clocks change."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from apps.notifications.timing import digest_time, quiet_end

BERLIN = "Europe/Berlin"


def at(text: str, zone: str = BERLIN, fold: int = 0) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(dt.UTC)


def hour(text: str) -> dt.time:
    return dt.time.fromisoformat(text)


@pytest.mark.parametrize(
    ("moment", "begins", "ends", "expected"),
    [
        ("2026-01-10T12:00", "22:00", "07:00", "2026-01-10T12:00"),
        ("2026-01-10T21:59", "22:00", "07:00", "2026-01-10T21:59"),
        ("2026-01-10T22:00", "22:00", "07:00", "2026-01-11T07:00"),
        ("2026-01-11T03:00", "22:00", "07:00", "2026-01-11T07:00"),
        ("2026-01-11T07:00", "22:00", "07:00", "2026-01-11T07:00"),
        ("2026-01-10T13:30", "13:00", "14:00", "2026-01-10T14:00"),
        ("2026-01-10T14:00", "13:00", "14:00", "2026-01-10T14:00"),
        ("2026-01-10T13:30", "13:00", "13:00", "2026-01-10T13:30"),
        ("2026-12-31T23:30", "22:00", "07:00", "2027-01-01T07:00"),
    ],
)
def test_quiet_hours_hold_a_message_until_they_end(moment: str, begins: str, ends: str, expected: str) -> None:
    found = quiet_end(at=at(moment), quiet_from=hour(begins), quiet_until=hour(ends), time_zone=BERLIN)

    assert found == at(expected)


def test_quiet_hours_are_the_persons_own_not_the_banks() -> None:
    moment = at("2026-01-10T20:00", "UTC")

    found = [
        quiet_end(at=moment, quiet_from=hour("22:00"), quiet_until=hour("07:00"), time_zone=zone)
        for zone in ("UTC", "Africa/Nairobi", "Pacific/Kiritimati")
    ]

    assert found == [moment, at("2026-01-11T07:00", "Africa/Nairobi"), moment]


def test_a_night_that_loses_an_hour_ends_by_the_clock() -> None:
    found = quiet_end(at=at("2026-03-28T23:00"), quiet_from=hour("22:00"), quiet_until=hour("07:00"), time_zone=BERLIN)

    assert found == dt.datetime(2026, 3, 29, 5, 0, tzinfo=dt.UTC)
    assert found - at("2026-03-28T23:00") == dt.timedelta(hours=7)


def test_a_night_that_has_an_hour_twice_ends_by_the_clock() -> None:
    found = quiet_end(at=at("2026-10-24T23:00"), quiet_from=hour("22:00"), quiet_until=hour("07:00"), time_zone=BERLIN)

    assert found == dt.datetime(2026, 10, 25, 6, 0, tzinfo=dt.UTC)
    assert found - at("2026-10-24T23:00") == dt.timedelta(hours=9)


def test_an_end_in_the_hour_that_the_clock_skips_still_comes() -> None:
    found = quiet_end(at=at("2026-03-29T01:30"), quiet_from=hour("22:00"), quiet_until=hour("02:30"), time_zone=BERLIN)

    assert at("2026-03-29T01:30") < found <= dt.datetime(2026, 3, 29, 1, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize("fold", [0, 1])
def test_an_end_in_the_hour_that_comes_twice_never_lies_in_the_past(fold: int) -> None:
    moment = at("2026-10-25T02:15", fold=fold)

    found = quiet_end(at=moment, quiet_from=hour("22:00"), quiet_until=hour("02:30"), time_zone=BERLIN)

    assert moment <= found <= moment + dt.timedelta(minutes=15)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-01-10T07:59", "2026-01-10T08:00"),
        ("2026-01-10T08:00", "2026-01-11T08:00"),
        ("2026-03-28T09:00", "2026-03-29T08:00"),
        ("2026-10-24T09:00", "2026-10-25T08:00"),
    ],
)
def test_the_digest_comes_with_the_next_eight_o_clock(moment: str, expected: str) -> None:
    assert digest_time(at=at(moment), digest_at=hour("08:00"), time_zone=BERLIN) == at(expected)
