"""From the application to the last payment, over HTTP."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest

from apps.ledger.selectors import business_date_current
from apps.lending.models import Loan, LoanEvent
from apps.notifications.models import Delivery
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory
from tests.factories.identity import user_make
from tests.factories.lending import chart_ready, loan_make, owed, product_make
from tests.factories.members import MemberFactory

pytestmark = pytest.mark.django_db

STAFF = (
    "lending.view", "lending.apply", "lending.disburse", "lending.repay", "lending.change", "lending.reverse",
    "members.view", "accounts.view",
)  # fmt: skip


def kes(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "KES"}


def key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}


def ok(response: Any, status: int = 200) -> Any:
    assert response.status_code == status, response.content
    return response.json()


def test_from_application_to_closing(api_with: Any) -> None:
    clerk = api_with(*STAFF)
    chief = api_with("lending.view", "lending.decide", "lending.manage_products")
    borrower = user_make("lending.view", "lending.apply", "lending.repay", "accounts.view", scope="own", is_staff=False)
    member = MemberFactory(user=borrower)
    account = AccountFactory(member=member, balance="500.00")
    chart_ready()
    product = ok(
        chief.post(
            "loan-products",
            {
                "code": f"J-{uuid.uuid4().hex[:8].upper()}", "name": "Personal", "kind": "personal", "currency": "KES",
                "borrowers": ["person"], "number_prefix": "51",
                "terms": {
                    "effective_from": "2020-01-01", "principal_min": kes("100.00"), "principal_max": kes("50000.00"),
                    "instalments_min": 3, "instalments_max": 24, "rate_percent": "12", "rate_min_percent": "10",
                    "rate_max_percent": "24",
                    "fees": [{"name": "Processing", "kind": "upfront", "base": "principal", "share": "0.01"}],
                    "requirements": {
                        "instalment_share_max": "0.5",
                        "documents": [{"code": "id", "name": "Copy of the identity card"}],
                    },
                },
            },
        ),
        201,
    )  # fmt: skip
    me = ApiClient(borrower)
    rows = ok(me.post(f"loan-products/{product['id']}/preview", {"amount": kes("12000.00"), "instalments": 12}))["rows"]
    assert sum(float(row["principal"]["amount"]) for row in rows) == 12000
    draft = ok(
        me.post(
            "loan-applications",
            {
                "loan_product_id": product["id"], "member_id": str(member.pk), "amount": kes("12000.00"),
                "instalments": 12, "purpose": "Sewing machines", "account_id": str(account.pk),
                "finances": {"income": kes("2000.00"), "expenses": kes("500.00")},
            },
        ),
        201,
    )  # fmt: skip
    one = f"loan-applications/{draft['id']}"
    refused = me.post(f"{one}/submission", headers={"If-Match": '"1"'})
    assert (refused.status_code, refused.json()["code"]) == (422, "loan-not-affordable")
    changed = me.patch(one, {"finances": {"income": kes("4000.00")}}, headers={"If-Match": '"1"'})
    ok(me.post(f"{one}/submission", headers={"If-Match": changed["ETag"]}))
    found = ok(me.get(one))["affordability"]
    assert (found["share"], found["income"]) == ("0.2665", kes("4000.00"))
    assert me.post(f"{one}/decision", {"approve": True}).status_code == 403
    missing = chief.post(f"{one}/decision", {"approve": True})
    assert missing.json()["code"] == "application-incomplete"
    ok(clerk.post(f"{one}/documents", {"code": "id", "received_on": "2026-01-05"}))
    offer = ok(chief.post(f"{one}/decision", {"approve": True, "rate_percent": "11", "amount": kes("10000.00")}))
    assert (offer["status"], offer["offered_rate_percent"]) == ("approved", "11")
    told = Delivery.objects.get(recipient=borrower, notification__kind="lending.offer_made", channel="email")
    assert "10,000.00" in told.notification.title
    loan = ok(me.post(f"{one}/acceptance"), 201)
    assert loan["status"] == "approved"
    path = f"loans/{loan['id']}"

    started = (business_date_current() - dt.timedelta(days=40)).isoformat()
    payout = {"amount": kes("10000.00"), "value_date": started}
    preview = ok(clerk.post(f"{path}/preview", {**payout, "kind": "disbursement"}))
    entry = {line["role"]: (line["side"], line["amount"]["amount"]) for line in preview["entry"]}
    assert entry["principal"] == ("debit", "10000.00")
    assert entry["money"] == ("credit", "9900.00")
    assert entry["fee_income"] == ("credit", "100.00")
    assert entry["interest"][1] == entry["interest_income"][1]
    again = key()
    first = ok(clerk.post(f"{path}/disbursements", payout, headers=again), 201)
    assert ok(clerk.post(f"{path}/disbursements", payout, headers=again), 201)["id"] == first["id"]
    assert LoanEvent.objects.filter(loan=loan["id"]).count() == 1
    schedule = ok(me.get(f"{path}/schedule"))
    assert schedule["rows"] == preview["after"]

    assert me.post(f"{path}/repayments", {"amount": kes("5.00"), "channel": "cash"}, headers=key()).status_code == 403
    paid = ok(me.post(f"{path}/repayments", {"amount": kes("800.00")}, headers=key()), 201)
    due = schedule["rows"][0]
    assert paid["interest"] == due["interest"]
    extra = {"amount": kes("2000.00"), "channel": "mobile", "strategy": "shorten_term"}
    shorter = ok(clerk.post(f"{path}/preview", {**extra, "kind": "repayment"}))
    ok(clerk.post(f"{path}/repayments", extra, headers=key()), 201)
    now = ok(clerk.get(f"{path}/schedule"))
    assert now["rows"] == shorter["after"]
    assert len(now["rows"]) < 12
    assert now["version"] == 2
    explained = ok(me.get(f"{path}/explain?number=2"))
    assert explained["amount"] == now["rows"][1]["total"]
    assert explained["rows"]
    assert ok(me.get(f"{path}/explain?figure=owed"))["amount"] == ok(me.get(path))["owed"]["total"]
    assert me.get(f"{path}/explain?figure=owed&number=2").status_code == 400
    earned = ok(me.get(f"{path}/explain?date={business_date_current().isoformat()}"))
    assert _minor(earned["amount"]) == owed(Loan.objects.get(pk=loan["id"]))[1] + _minor(paid["interest"])

    quote = ok(me.get(f"{path}/payoff"))
    wrong = clerk.post(f"{path}/closure", {"amount": kes("1.00"), "channel": "mobile"}, headers=key())
    assert (wrong.status_code, wrong.json()["code"]) == (422, "payoff-differs")
    ok(clerk.post(f"{path}/closure", {"amount": quote["total"], "channel": "mobile"}, headers=key()), 201)
    closed = ok(me.get(path))
    assert closed["status"] == "closed"
    assert closed["owed"]["total"]["amount"] == "0.00"
    kinds = [event["kind"] for event in ok(me.get(f"{path}/transactions"))["data"]]
    assert {event["kind"] for event in ok(me.get(f"{path}/transactions?kind=repayment"))["data"]} == {"repayment"}
    assert kinds == ["payoff", "repayment", "repayment", "disbursement"]


def _minor(money: dict[str, str]) -> int:
    return round(float(money["amount"]) * 100)


def test_lists_take_few_queries(api_with: Any, django_assert_max_num_queries: Any) -> None:
    client = api_with(*STAFF)
    product = product_make()
    for _ in range(2):
        loan_make(product=product)
    for path, most in (("loans", 6), ("loan-applications", 6), ("loan-products", 6)):
        client.get(path)
        with django_assert_max_num_queries(most):
            assert len(ok(client.get(path))["data"]) >= 1


def test_a_payroll_file_takes_each_line_for_itself(api_with: Any) -> None:
    client = api_with(*STAFF)
    loan = loan_make(start=business_date_current() - dt.timedelta(days=40))
    body = {
        "items": [
            {"loan": loan.number, "amount": kes("100.00"), "reference": "July"},
            {"loan": "999", "amount": kes("100.00")},
            {"loan": loan.number, "amount": {"amount": "1.00", "currency": "USD"}},
            {"loan": loan.number, "amount": kes("100.00"), "reference": "August"},
        ]
    }
    headers = {"Idempotency-Key": "k" * 255}  # the longest: each line has one of its own all the same
    answer = ok(client.post("loan-repayments", body, headers=headers))
    assert [item["code"] for item in answer["items"]] == ["", "loan-not-found", "currency-mismatch", ""]
    again = ok(client.post("loan-repayments", body, headers=headers))
    assert again["items"][0]["event_id"] == answer["items"][0]["event_id"]
    assert LoanEvent.objects.filter(loan=loan, kind="repayment").count() == 2


def test_terms_hold_from_a_day_on_and_loans_keep_theirs(api_with: Any) -> None:
    client = api_with(*STAFF, "lending.manage_products")
    product = product_make()
    loan = loan_make(product=product)
    today = business_date_current()
    terms = {
        "effective_from": today.isoformat(), "principal_min": kes("1.00"), "principal_max": kes("90000.00"),
        "instalments_min": 1, "instalments_max": 60, "rate_percent": "24", "rate_min_percent": "24",
        "rate_max_percent": "30",
    }  # fmt: skip
    path = f"loan-products/{product.pk}"
    early = client.post(f"{path}/terms", {**terms, "effective_from": (today - dt.timedelta(days=1)).isoformat()})
    assert (early.status_code, early.json()["code"]) == (422, "loan-terms-past")
    assert ok(client.post(f"{path}/terms", terms), 201)["number"] == 2
    rows = ok(client.post(f"{path}/preview", {"amount": kes("1000.00"), "instalments": 12}))["rows"]
    assert rows[0]["interest"]["amount"] == "20.00"
    assert ok(client.get(f"loans/{loan.pk}"))["rate_percent"] == "12"
    kept = ok(client.get(f"loans/{loan.pk}/schedule"))["rows"]
    assert kept[0]["interest"]["amount"] == "120.00"
