"""Loan calculations over HTTP: answers, previews that come true, refusals that point at what is wrong."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from apps.calculations.api import loans
from tests.conftest import ApiClient

LOAN: dict[str, Any] = loans.LOAN_EXAMPLE
FINERACT: dict[str, Any] = {
    "currency": "EUR",
    "principal": "5000.00",
    "rate_percent": "12",
    "start": "2022-11-01",
    "instalments": 6,
    "interest": "ACT/365F",
    "level": "days_30_365",
    "round_parts": True,
    "interest_rounding": {"mode": "half_even"},
    "instalment_rounding": {"unit": "1.00", "mode": "half_even"},
}


@pytest.fixture
def caller(api_with: Any) -> ApiClient:
    client: ApiClient = api_with("calculations.use")
    return client


def told(**more: Any) -> dict[str, Any]:
    return {"loan": copy.deepcopy(FINERACT), **more}


@pytest.mark.parametrize("path", ["loan-schedule", "apr", "payoff", "what-if"])
def test_who_may_not_calculate(api: ApiClient, api_with: Any, path: str) -> None:
    assert api.post(f"calculations/{path}", {}).status_code == 401
    assert api_with("members.view").post(f"calculations/{path}", {}).status_code == 403


def test_a_schedule(caller: ApiClient) -> None:
    answer = caller.post("calculations/loan-schedule", LOAN | {"explain": True})
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["instalments"] == ["305.00"]
    assert body["rows"][0] == {
        "number": 1, "start": "2026-01-31", "due": "2026-02-28", "days": 28, "opening": "5000.00", "disbursed": "0.00",
        "principal": "255.00", "interest": "50.00", "fees": "0.00", "penalties": "0.00", "total": "305.00",
        "closing": "4745.00",
    }  # fmt: skip
    assert body["totals"]["principal"] == "5000.00"
    assert body["rows"][-1]["closing"] == "0.00"
    assert len(body["explain"]["rows"]) == 18


def test_every_option_is_read(caller: ApiClient) -> None:
    answer = caller.post(
        "calculations/loan-schedule",
        {
            "currency": "KES",
            "principal": "1000.00",
            "rate_percent": "36",
            "start": "2026-01-01",
            "due_dates": ["2026-02-01", "2026-03-01", "2026-04-01"],
            "calendar": "TARGET",
            "day_rule": "modified_following",
            "tranches": [{"date": "2026-01-01", "amount": "600.00"}, {"date": "2026-01-15", "amount": "400.00"}],
            "rate_changes": [{"date": "2026-03-01", "rate_percent": "24"}],
            "interest": "30E/360",
            "grace_principal": 1,
            "fees": [
                {"name": "entry", "kind": "upfront", "base": "principal", "percent": "1"},
                {"name": "account", "kind": "per_instalment", "amount": "2.50"},
            ],
        },
    )
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert [row["due"] for row in body["rows"]] == ["2026-02-02", "2026-03-02", "2026-04-01"]
    assert body["rows"][0]["disbursed"] == "400.00"
    assert body["disbursed_net"] == "990.00"
    assert {row["fees"] for row in body["rows"]} == {"2.50"}
    assert len(body["instalments"]) == 2


def test_apr_by_both_methods(caller: ApiClient) -> None:
    flows = {
        "currency": "USD",
        "advances": [{"date": "1978-01-03", "amount": "1000.00"}],
        "payments": [{"date": "1978-09-15", "amount": "1080.00"}],
    }
    us = caller.post("calculations/apr", flows | {"method": "us_actuarial"}).json()
    assert (us["apr_percent"], us["counted_in"], us["finance_charge"]) == ("11.45", "255 days", "80.00")
    eu = caller.post("calculations/apr", flows | {"method": "eu"}).json()
    assert eu["apr_percent"] == "11.65"


def test_a_payoff_that_is_paid_closes_the_loan(caller: ApiClient) -> None:
    payment = {"date": "2022-12-01", "amount": "862.00"}
    quote = caller.post("calculations/payoff", told(date="2022-12-11", payments=[payment])).json()
    assert (quote["principal"], quote["interest"], quote["total"]) == ("4187.32", "13.77", "4201.09")
    paid = [payment, {"date": "2022-12-11", "amount": quote["total"]}]
    closed = caller.post("calculations/payoff", told(date="2022-12-11", payments=paid)).json()
    assert closed["total"] == "0.00"


def test_a_payoff_with_a_fee_and_another_rebate(caller: ApiClient) -> None:
    fee = {"percent": "1", "amount": "5.00"}
    quote = caller.post("calculations/payoff", told(date="2022-11-16", rebate="rule_of_78", fee=fee)).json()
    assert quote["closing_fee"] == "55.00"
    assert quote["explain"]["convention"] == "rule_of_78"


def test_a_preview_of_early_money_equals_what_then_happens(caller: ApiClient) -> None:
    body = told(date="2022-12-01", change="prepayment", amount="1500.00", strategies=["lower_instalment"])
    preview = caller.post("calculations/what-if", body).json()
    outcome = preview["outcomes"][0]
    assert (outcome["next_instalment"], outcome["rows"][0]["principal"]) == ("731.00", "1450.68")
    paid = told(
        date="2022-12-01",
        payments=[{"date": "2022-12-01", "amount": "1500.00"}],
        change="reamortise",
    )
    assert caller.post("calculations/what-if", paid).json()["before"] == outcome["rows"]


@pytest.mark.parametrize(
    "change",
    [
        {"change": "reamortise"},
        {"change": "reage", "first_due": "2023-02-01", "periods": 12, "arrears": "spread"},
        {"change": "reschedule", "periods": 3, "rate_percent": "6"},
        {"change": "moratorium", "periods": 2, "interest": "forgiven"},
        {"change": "prepayment", "amount": "500.00"},
    ],
    ids=lambda change: change["change"],
)
def test_changes_leave_nothing_at_the_end(caller: ApiClient, change: dict[str, Any]) -> None:
    answer = caller.post("calculations/what-if", told(date="2022-12-20", **change))
    assert answer.status_code == 200, answer.content
    for outcome in answer.json()["outcomes"]:
        assert outcome["rows"][-1]["closing"] == "0.00"


FUTURE = told(date="2022-12-01", payments=[{"date": "2023-01-01", "amount": "1.00"}])
NO_AMOUNT = told(date="2022-12-01", charges=[{"due": "2022-12-01", "amount": "x"}])
BIG_BALLOON = told(date="2022-12-01", change="reamortise") | {"loan": FINERACT | {"balloon": "9999.00"}}
PAID_BEFORE = {
    "currency": "EUR",
    "advances": [{"date": "2026-01-01", "amount": "1.00"}],
    "payments": [{"date": "2025-01-01", "amount": "2.00"}],
}
ENDLESS = {name: value for name, value in LOAN.items() if name != "instalments"}


@pytest.mark.parametrize(
    ("path", "body", "code", "pointer"),
    [
        ("loan-schedule", LOAN | {"principal": "0.00"}, "invalid-amount", "/principal"),
        ("loan-schedule", LOAN | {"principal": "1.234"}, "invalid-amount", "/principal"),
        ("loan-schedule", LOAN | {"rate_percent": "100001"}, "rate-not-valid", "/rate_percent"),
        ("loan-schedule", LOAN | {"balloon": "6000.00"}, "calculation-out-of-range", "/balloon"),
        ("loan-schedule", LOAN | {"instalment": "1.00"}, "schedule-not-possible", "/instalment"),
        ("loan-schedule", LOAN | {"first_due": "2026-01-01"}, "period-not-valid", "/first_due"),
        ("loan-schedule", LOAN | {"calendar": "Atlantis"}, "calendar-unknown", "/calendar"),
        ("loan-schedule", LOAN | {"due_dates": ["2026-01-01"]}, "period-not-valid", "/due_dates/0"),
        ("loan-schedule", ENDLESS, "convention-needs-more", "/instalments"),
        ("loan-schedule", LOAN | {"frequency": {"every": 366}, "instalments": 20}, "period-not-valid", "/instalments"),
        ("payoff", told(date="2022-10-01"), "event-not-possible", "/date"),
        ("payoff", FUTURE, "event-not-possible", "/payments"),
        ("payoff", NO_AMOUNT, "invalid-amount", "/charges/0/amount"),
        ("what-if", told(date="2022-12-01", change="prepayment"), "convention-needs-more", "/amount"),
        ("what-if", told(date="2022-12-01", change="reage", periods=1), "convention-needs-more", "/first_due"),
        ("what-if", BIG_BALLOON, "calculation-out-of-range", "/loan/balloon"),
        ("apr", PAID_BEFORE, "period-not-valid", "/payments"),
        ("apr", PAID_BEFORE | {"method": "us_actuarial"}, "period-not-valid", "/payments"),
    ],
)
def test_refusals_point_at_what_is_wrong(
    caller: ApiClient, path: str, body: dict[str, Any], code: str, pointer: str
) -> None:
    answer = caller.post(f"calculations/{path}", body)
    assert answer.status_code == (400 if code == "invalid-amount" else 422), answer.content
    assert (answer.json()["code"], answer.json()["errors"][0]["pointer"]) == (code, pointer)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("principal", 5000),
        ("rate_percent", 12),
        ("rate_percent", "-1"),
        ("method", "compound"),
        ("interest", "ACT/999"),
        ("instalments", 0),
        ("instalments", 1_201),
        ("season", [13]),
        ("remainder", "middle"),
        ("surprise", 1),
        ("frequency", {"unit": "fortnights"}),
        ("frequency", {"every": 0}),
    ],
)
def test_fields_that_cannot_be_read(caller: ApiClient, field: str, value: Any) -> None:
    answer = caller.post("calculations/loan-schedule", LOAN | {field: value})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"].startswith(f"/{field}")


def test_360_instalments_over_http(caller: ApiClient) -> None:
    answer = caller.post("calculations/loan-schedule", LOAN | {"instalments": 360, "interest": "ACT/365F"})
    assert answer.status_code == 200
    assert len(answer.json()["rows"]) == 360


def test_a_rate_that_compounds_and_instalments_in_steps(caller: ApiClient) -> None:
    mortgage = {"currency": "CAD", "principal": "500000.00", "rate_percent": "5", "start": "2026-01-01"}
    answer = caller.post(
        "calculations/loan-schedule", mortgage | {"instalments": 300, "rate_compounding": "half_yearly"}
    )
    assert answer.json()["instalments"] == ["2908.02"], answer.content
    rising = LOAN | {"step_percent": "10", "step_every": 6, "instalment_rounding": {"unit": "1.00"}}
    body = caller.post("calculations/loan-schedule", rising).json()
    assert len(body["instalments"]) == 3
    assert body["totals"]["principal"] == "5000.00"
    for wrong, pointer in (
        (LOAN | {"rate_compounding": "yearly", "method": "flat"}, "/rate_compounding"),
        (LOAN | {"step_percent": "5", "amortization": "interest_only"}, "/step_percent"),
        (LOAN | {"step_percent": "-91"}, "/step_percent"),
    ):
        refused = caller.post("calculations/loan-schedule", wrong)
        assert refused.status_code in (400, 422)
        assert refused.json()["errors"][0]["pointer"] == pointer
