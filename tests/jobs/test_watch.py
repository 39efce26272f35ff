"""Those who look after the machine hear once when requests are answered badly, and when it is over."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.cache import cache

from apps.core import notices
from apps.core.http_stats import BUCKETS_MS, Answered, answered
from apps.jobs.services import service_watch
from tests.factories.identity import user_make
from tests.jobs.conftest import AT

ROUTE = "GET /api/v1/accounts"


def counts(*, good: int, bad: int = 0, slow: int = 0) -> dict[str, int]:
    """Answers as all workers together counted them; slow ones took between 2.5 and 5 s."""
    return {
        f"{ROUTE}|bucket|2": good + bad,
        f"{ROUTE}|bucket|{BUCKETS_MS.index(5_000)}": slow,
        f"{ROUTE}|status|200": good + slow,
        f"{ROUTE}|status|500": bad,
        f"{ROUTE}|micros|": 9,
        "GET /api/v1/health/live|bucket|0": 10_000,
        "GET /api/v1/health/live|status|503": 10_000,
    }


def test_what_counts_say() -> None:
    found = answered(counts(good=90, bad=4, slow=6)).since(answered(counts(good=10)))
    assert (found.total, found.failed) == (90, 4)
    assert (found.slowest_ms(5), found.slowest_ms(10)) == (2_500, 10)  # six of ninety, nine of ninety
    assert answered({}).slowest_ms(5) == 0
    again = Answered(1, 0, (1,) + (0,) * len(BUCKETS_MS))
    assert again.since(found) == again  # the counts began anew


@pytest.mark.parametrize("trouble", [{"bad": 11}, {"slow": 11}], ids=["errors", "slow"])
def test_an_alarm_is_told_at_its_beginning_each_hour_and_at_its_end(
    db: None, monkeypatch: pytest.MonkeyPatch, trouble: dict[str, int]
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(notices, "_notifiers", [lambda **options: told.append(options) or []])
    cache.clear()
    keeper = user_make("jobs.manage")
    total = {"good": 0, "bad": 0, "slow": 0}

    def minute(number: int, **more: int) -> str:
        for name, value in more.items():
            total[name] += value
        return service_watch(counts=counts(**total), at=AT + dt.timedelta(minutes=number))

    more = {name: value * 3 for name, value in trouble.items()}
    assert minute(0, good=100) == "quiet"  # nothing to compare with yet
    assert minute(1, good=300) == "well"
    assert minute(2, **trouble) == "well"  # eleven of 311
    assert not told
    assert minute(3, **more) == minute(4, good=10) == "alarm"
    assert [one["kind"].code for one in told] == ["jobs.service_alarm"]
    assert keeper.pk in told[0]["recipients"]
    assert minute(63, good=1) == "quiet"  # after a gap there is nothing to compare with
    assert minute(64, good=60, **more) == "alarm"
    assert len(told) == 2, "an hour later, again"
    assert minute(65, good=10_000) == minute(66, good=1_000) == "well"
    assert [one["kind"].code for one in told[2:]] == ["jobs.service_well"]
