"""Analytics: summaries of closed dates and the open one say together what the books say, for every reach of a user."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.core.cache import cache

from apps.core import clock
from apps.ledger.sealing import journal_seal_all
from apps.ledger.selectors import business_date_current
from apps.reporting.analytics import chart_read
from apps.reporting.facts import Question, facts_keep, facts_read, interval_next, intervals, stats
from apps.reporting.metrics import METRICS
from tests.factories.accounts import AccountFactory, cash_move
from tests.factories.identity import BranchFactory
from tests.factories.lending_days import today_set
from tests.factories.postings import Books

pytestmark = pytest.mark.django_db


def values(metric: str, since: dt.date, until: dt.date, interval: str = "day", **facts: Any) -> dict[str, Any]:
    facts.setdefault("currency", "KES" if METRICS[metric].money else "")
    answer = facts_read(Question(metric=metric, since=since, until=until, interval=interval, **facts))
    return {
        key: {day: amount for day, (count, amount) in points.items() if count or amount}
        for key, points in answer.values.items()
    }


@pytest.fixture
def week() -> tuple[Books, int, dt.date]:
    """Deposits of 100, 30 back and 50, on three dates of a week that is closed but for its last day."""
    today = business_date_current()
    account = AccountFactory()
    books = Books(branch=account.branch)
    ledger_account = account.ledger_account_id
    for back, amount in ((5, 100_00), (3, -30_00), (0, 50_00)):
        legs = ((books.cash(), -amount), (ledger_account, amount))
        books.post(
            books.posting(*legs, business_date=today - dt.timedelta(days=back), kind="deposit", channel="branch")
        )
    return books, ledger_account, today


def test_kept_and_live_figures_are_those_of_the_books(week: tuple[Books, int, dt.date]) -> None:
    books, account, today = week
    since = today - dt.timedelta(days=6)
    live = {name: values(name, since, today) for name in METRICS}
    assert live["deposits"][""][today - dt.timedelta(days=4)] == 100_00
    assert live["deposits"][""][today] == 120_00
    assert live["cash"] == live["deposits"]
    assert live["paid_in"][""] == {today - dt.timedelta(days=5): 100_00, today: 50_00}

    journal_seal_all(at=clock.now())
    facts_keep(upto=today - dt.timedelta(days=1), at=clock.now())
    assert {name: values(name, since, today) for name in METRICS} == live  # zeros left out

    late = ((books.cash(), -7_00), (account, 7_00))
    books.post(books.posting(*late, business_date=today - dt.timedelta(days=4)))
    facts_keep(upto=today - dt.timedelta(days=1), at=clock.now())  # made anew from the date of the late posting
    after = values("deposits", since, today)[""]
    assert [after[today - dt.timedelta(days=back)] for back in (5, 4, 1, 0)] == [100_00, 107_00, 77_00, 127_00]
    assert values("deposits", since, today, "year")[""] == {today.replace(month=1, day=1): 127_00}


def test_an_answer_is_cached_until_facts_are_kept(week: tuple[Books, int, dt.date]) -> None:
    books, account, today = week
    cache.clear()
    stats.clear()
    since, until = today - dt.timedelta(days=6), today - dt.timedelta(days=1)
    facts_keep(upto=until, at=clock.now())
    first = values("deposits", since, until)
    assert values("deposits", since, until) == first
    assert (stats.hits, stats.misses) == (1, 1)
    late = ((books.cash(), -7_00), (account, 7_00))
    books.post(books.posting(*late, business_date=until))
    facts_keep(upto=until, at=clock.now())
    assert values("deposits", since, until)[""][until] == 77_00


def test_charts_over_http(api_with: Any, week: tuple[Books, int, dt.date]) -> None:
    books, _, today = week
    client = api_with("reporting.analytics")
    said = client.get(
        f"analytics?metric=deposits&interval=day&from={today - dt.timedelta(days=6)}&group_by=branch"
    ).json()
    assert len(said["labels"]) == 7
    assert said["series"] == [
        {
            "key": str(books.branch.pk),
            "name": books.branch.name,
            "values": ["0.00", "100.00", "100.00", "70.00", "70.00", "70.00", "120.00"],
        }
    ]
    assert said["is_live"]
    counted = client.get("analytics?metric=channels&measure=count&group_by=key&interval=year").json()
    assert [(one["key"], sum(one["values"])) for one in counted["series"]] == [("branch", 3)]
    assert {metric["code"] for metric in client.get("analytics/metrics").json()["data"]} == set(METRICS)

    elsewhere = api_with("reporting.analytics", scope="branch", branch=BranchFactory())
    assert elsewhere.get("analytics?metric=deposits").json()["series"] == []
    assert elsewhere.get(f"analytics?metric=deposits&branch={books.branch.code}").status_code == 404
    assert client.get("analytics?metric=nothing").status_code == 400
    long = client.get("analytics?metric=deposits&interval=day&from=2000-01-01")
    assert (long.status_code, long.json()["code"]) == (400, "analytics-too-long")
    assert api_with("ledger.view").get("analytics?metric=deposits").status_code == 403


def test_many_series_are_bounded(week: tuple[Books, int, dt.date]) -> None:
    _, _, today = week
    for _ in range(14):
        other = Books()
        other.move(other.cash(), other.customer(), 1_00)
        cash_move(AccountFactory(branch=other.branch), "2.00")
    chart = chart_read(Question("cash", today, today, "day", group="branch", currency="KES"))
    assert len(chart.series) == 12
    assert chart.series[-1].name == "Others"
    assert sum(one.amounts[0] or 0 for one in chart.series) == 120_00 + 14 * 3_00
    assert Decimal(chart.values("amount")[0][0] or 0) == Decimal("120.00")


def test_intervals_follow_each_other() -> None:
    for interval in ("day", "week", "month", "quarter", "year"):
        days = intervals(dt.date(2024, 2, 29), dt.date(2025, 3, 1), interval)
        assert all(interval_next(one, interval) == other for one, other in pairwise(days))
        assert days[0] <= dt.date(2024, 2, 29)
        assert interval_next(days[-1], interval) > dt.date(2025, 3, 1)


def test_insights_state_their_method_and_its_error(api_with: Any) -> None:
    today = business_date_current().replace(day=15)
    today_set(today)  # on its last day this month would count
    books = Books()
    account = AccountFactory(branch=books.branch).ledger_account_id
    for months in range(30, 0, -1):
        index = today.year * 12 + today.month - 1 - months
        day = dt.date(index // 12, index % 12 + 1, 15)
        amount = 90_000_00 if months == 3 else 1_000_00
        books.post(books.posting((books.cash(), -amount), (account, amount), business_date=day))
    client = api_with("reporting.analytics")
    said = client.get("analytics/insights?metric=deposits").json()
    assert (len(said["values"]), said["values"][0], len(said["forecast"])) == (30, "1000.00", 6)
    (odd,) = said["outliers"]
    assert odd["change"] == "90000.00"
    assert said["forecast_method"] == "trend_season"
    assert said["error"] is not None
    assert "Back-test" in said["method"]
    few = client.get("analytics/insights?metric=disbursed")
    assert (few.status_code, few.json()["code"]) == (422, "insight-too-few")

    spread = client.get("analytics/spread").json()
    assert (spread["accounts"], spread["quartiles"]) == (1, ["119000.00"] * 3)
    cohorts = client.get("analytics/cohorts").json()["data"]
    assert sum(one["size"] for one in cohorts) == 1
    assert client.get("analytics/cohorts?branch=NOWHERE").status_code == 404
