"""The calculation engine over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from apps.calculations.api import views
from tests.conftest import ApiClient


@pytest.fixture
def caller(api_with: Any) -> ApiClient:
    client: ApiClient = api_with("calculations.use")
    return client


def test_who_may_not_calculate(api: ApiClient, api_with: Any) -> None:
    assert api.post("calculations/day-count", {}).status_code == 401
    assert api_with("members.view").post("calculations/day-count", {}).status_code == 403


def test_a_day_count_with_its_parts(caller: ApiClient) -> None:
    answer = caller.post("calculations/day-count", views.DAY_COUNT_EXAMPLE.value)
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["decimal"] == "0.915760869565"
    assert body["days"] == 334
    assert body["fraction"] == {"numerator": 337, "denominator": 368}
    assert [(part["days"], part["basis"]) for part in body["explanation"]["parts"]] == [(153, "368"), (181, "362")]


def test_a_count_of_business_days(caller: ApiClient) -> None:
    answer = caller.post(
        "calculations/day-count",
        {"convention": "bus/252", "start": "2006-01-02", "end": "2006-03-13", "calendar": "BRAZIL"},
    )
    assert (answer.json()["convention"], answer.json()["days"]) == ("BUS/252", 48)


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"convention": "ACT/361"}, "unknown-convention", "/convention"),
        ({"convention": "BUS/252"}, "convention-needs-more", "/calendar"),
        ({"convention": "BUS/252", "calendar": "Atlantis"}, "calendar-unknown", "/calendar"),
        ({"convention": "ACT/ACT ICMA"}, "convention-needs-more", "/frequency"),
        ({"convention": "ACT/ACT ICMA", "frequency": 5}, "convention-needs-more", "/frequency"),
        ({"end": "2025-12-31"}, "period-not-valid", "/end"),
    ],
    ids=["unknown", "calendar", "atlantis", "icma", "five", "backwards"],
)
def test_what_cannot_be_counted(caller: ApiClient, change: dict[str, str], code: str, pointer: str) -> None:
    answer = caller.post(
        "calculations/day-count", {"convention": "ACT/360", "start": "2026-01-01", "end": "2026-02-01", **change}
    )
    assert answer.status_code == 422
    assert answer.json()["code"] == code
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_unknown_fields_are_refused(caller: ApiClient) -> None:
    answer = caller.post("calculations/day-count", {**views.DAY_COUNT_EXAMPLE.value, "day": 1})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/day"


def test_the_conventions_by_name(caller: ApiClient) -> None:
    body = caller.get("calculations/conventions").json()
    names = {convention["name"] for convention in body["day_counts"]}
    assert {"ACT/360", "30E/360", "ACT/ACT ICMA", "BUS/252"} <= names
    assert "modified_following" in body["business_days"]


def test_a_month_later_on_a_business_day(caller: ApiClient) -> None:
    answer = caller.post("calculations/business-day", views.BUSINESS_DAY_EXAMPLE.value)
    assert answer.status_code == 200, answer.content
    assert answer.json() == {
        "date": "2026-02-27",
        "business_day": True,
        "calendar": "TARGET",
        "business_day_convention": "modified_following",
    }


def test_listed_holidays_close_the_calendar(caller: ApiClient) -> None:
    body = {"date": "2026-07-01", "calendar": "SAT/SUN", "holidays": ["2026-07-01", "2026-07-02"]}
    assert caller.post("calculations/business-day", body).json()["date"] == "2026-07-03"


def test_dates_of_a_standing_order(caller: ApiClient) -> None:
    answer = caller.post("calculations/recurrence", views.RECURRENCE_EXAMPLE.value)
    assert answer.status_code == 200, answer.content
    found = answer.json()["occurrences"]
    assert [row["nominal"] for row in found][:3] == ["2026-01-31", "2026-02-28", "2026-03-31"]
    assert [row["date"] for row in found][:3] == ["2026-01-30", "2026-02-27", "2026-03-31"]


@pytest.mark.parametrize(
    ("rule", "detail"),
    [("FREQ=HOURLY", "FREQ"), ("FREQ=DAILY;COUNT=0", "COUNT"), ("FREQ=MONTHLY;BYMONTHDAY=99", "cannot"), ("x", "part")],
    ids=["hourly", "none", "day 99", "nonsense"],
)
def test_rules_that_are_none(caller: ApiClient, rule: str, detail: str) -> None:
    answer = caller.post("calculations/recurrence", {"rule": rule, "start": "2026-01-01"})
    assert answer.status_code == 422, answer.content
    assert answer.json()["code"] == "recurrence-not-valid"
    assert detail in answer.json()["detail"]


def test_interest_with_every_row(caller: ApiClient) -> None:
    answer = caller.post("calculations/interest", views.INTEREST_EXAMPLE.value)
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert [row["date"] for row in body["postings"]] == ["2026-02-01", "2026-03-01", "2026-04-01"]
    rows = body["explanation"]["rows"]
    assert len(rows) == 90
    assert rows[0]["slices"] == [{"amount": "50000", "rate": "0.03"}, {"amount": "50000", "rate": "0.045"}]
    assert rows[0]["interest"] == "10.2739726027"
    posted = sum(float(row["credit"]) for row in body["postings"])
    assert float(body["posted"]) == pytest.approx(posted)
    closing = 75_000 + sum(float(row["net"]) for row in body["postings"])
    assert float(body["closing_balance"]) == pytest.approx(closing)


@pytest.mark.parametrize(
    ("change", "status", "code", "pointer"),
    [
        ({"opening_balance": "1.005"}, 422, "calculation-out-of-range", "/opening_balance"),
        ({"movements": [{"date": "2025-01-01", "amount": "1"}]}, 422, "period-not-valid", "/movements/0/date"),
        ({"rates": [{"tiers": [{"from_balance": "5", "rate": "0.1"}]}]}, 422, "rate-not-valid", "/rates/0/tiers"),
        (
            {"rates": [{"tiers": [{"from_balance": "0", "rate": "500"}]}]},
            422,
            "rate-not-valid",
            "/rates/0/tiers/0/rate",
        ),
        ({"day_count": "lunar"}, 422, "unknown-convention", "/day_count"),
        ({"posting_rounding": "sideways"}, 422, "unknown-convention", "/posting_rounding"),
        ({"balance": "average", "calculation": "quarterly"}, 422, "period-not-valid", "/calculation"),
        ({"end": "2046-01-01"}, 422, "period-not-valid", "/end"),
        ({"rates": []}, 400, "validation-failed", "/rates"),
        ({"opening_balance": 5}, 400, "validation-failed", "/opening_balance"),
    ],
    ids=[
        "thousandths",
        "early",
        "first tier",
        "percent",
        "lunar",
        "sideways",
        "quarters",
        "long",
        "no rates",
        "number",
    ],
)
def test_terms_that_make_no_sense(
    caller: ApiClient, change: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    answer = caller.post("calculations/interest", {**views.INTEREST_EXAMPLE.value, **change})
    assert answer.status_code == status, answer.content
    assert answer.json()["code"] == code
    assert answer.json()["errors"][0]["pointer"] == pointer
