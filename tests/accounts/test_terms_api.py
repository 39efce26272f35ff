"""Terms and fees of products over HTTP, the explained interest of an account, and their staff pages."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import ProductFee, ProductTerms
from apps.core.money import Money
from apps.ledger.selectors import business_date_current
from tests.factories.accounts import AccountFactory, ProductFactory, cash_move
from tests.factories.identity import user_make
from tests.factories.interest import day_close, terms_make

pytestmark = pytest.mark.django_db
FIRST = dt.date(2026, 1, 1)


def kes(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "KES"}


def test_terms_hold_from_an_open_date_and_the_past_stays(api_with: Any) -> None:
    product = ProductFactory()
    api = api_with("products.view", "products.manage")
    url, today = f"account-products/{product.pk}/terms", business_date_current()
    body = {
        "effective_from": (today + dt.timedelta(days=2)).isoformat(),
        "rates": [{"from_balance": kes("0.00"), "rate": "0.01"}, {"from_balance": kes("1000.00"), "rate": "0.05"}],
        "tiering": "banded",
        "tax_rate": "0.15",
    }
    made = api.post(url, body)
    assert made.status_code == 201, made.content
    assert made.json()["rates"][1] == {"from_balance": kes("1000.00"), "rate": "0.05"}
    assert made.json()["posting"] == "monthly"
    assert api.post(url, body).json()["code"] == "terms-date-taken"
    past = {**body, "effective_from": (today - dt.timedelta(days=1)).isoformat()}
    assert api.post(url, past).json()["code"] == "terms-begun"
    begun = api.post(url, {**body, "effective_from": today.isoformat()})
    assert begun.status_code == 201
    listed = api.get(url).json()["data"]
    assert [row["effective_from"] for row in listed] == [body["effective_from"], today.isoformat()]
    assert api.delete(f"{url}/{begun.json()['id']}").json()["code"] == "terms-begun"
    assert api.delete(f"{url}/{made.json()['id']}").status_code == 204
    assert ProductTerms.objects.filter(product=product).count() == 1


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"day_count": "BUS/252"}, "/day_count"),
        ({"rates": [{"from_balance": kes("5.00"), "rate": "0.01"}]}, "/rates/0/tiers"),
        ({"overdraft_rates": [{"from_balance": kes("0.00"), "rate": "0.1"}]}, "/overdraft_rates"),
        ({"balance_method": "average", "compounding": "daily"}, "/compounding"),
        ({"balance_method": "minimum", "posting": "at_end"}, "/posting"),
        ({"minimum_balance": kes("2.00"), "maximum_balance": kes("1.00")}, "/maximum_balance"),
        ({"interest_minimum": {"amount": "1.00", "currency": "USD"}}, "/interest_minimum"),
    ],
)
def test_terms_that_do_not_fit_are_refused(api_with: Any, change: dict[str, Any], pointer: str) -> None:
    product = ProductFactory()
    body = {"effective_from": "2099-01-01", "rates": [{"from_balance": kes("0.00"), "rate": "0.01"}], **change}
    refused = api_with("products.view", "products.manage").post(f"account-products/{product.pk}/terms", body)
    assert refused.status_code in {400, 422}
    problem = refused.json()
    assert pointer in {problem.get("pointer"), *(one["pointer"] for one in problem.get("errors", []))}
    assert not ProductTerms.objects.filter(product=product).exists()


def test_a_real_time_product_has_no_bounds(api_with: Any) -> None:
    """What is measured under the lock of a balance needs a balance that has one."""
    product, api = ProductFactory(engine="realtime"), api_with("products.view", "products.manage")
    body = {"effective_from": "2099-01-01", "rates": []}
    for bound, named in (
        ({"maximum_balance": kes("5.00")}, "/maximum_balance"),
        ({"minimum_balance": kes("5.00"), "minimum_kept": True}, "/minimum_kept"),
    ):
        refused = api.post(f"account-products/{product.pk}/terms", body | bound)
        assert (refused.status_code, refused.json()["code"]) == (422, "terms-invalid")
        assert named in refused.content.decode()
    fee_base = api.post(f"account-products/{product.pk}/terms", body | {"minimum_balance": kes("5.00")})
    assert fee_base.status_code == 201  # what a fee is measured by is no bound


def test_fees_begin_and_end_on_open_dates(api_with: Any) -> None:
    product = ProductFactory()
    api = api_with("products.view", "products.manage")
    url, today = f"account-products/{product.pk}/fees", business_date_current()
    body = {"kind": "monthly", "name": "Keeping", "amount": kes("50.00"), "effective_from": today.isoformat()}
    fee = api.post(url, body)
    assert fee.status_code == 201, fee.content
    assert api.post(url, {**body, "amount": kes("0.00")}).json()["code"] == "fee-invalid"
    assert api.post(url, {**body, "effective_from": "2020-01-01"}).json()["code"] == "terms-begun"
    ended = api.post(f"{url}/{fee.json()['id']}/end", {"effective_to": today.isoformat()})
    assert ended.json()["effective_to"] == today.isoformat()
    assert len(api.get(url, {"kind": "monthly"}).json()["data"]) == 1


def test_interest_is_explained_row_by_row(api_with: Any) -> None:
    """1,000.00 at 3.65 % is 0.10 a day; 500.00 more, back-dated by two days, correct the days from then on."""
    product = ProductFactory()
    terms_make(product, "0.0365")
    account = AccountFactory(product=product, opened_on=FIRST)
    cash_move(account, "1000.00", value_date=FIRST)
    day_close(dt.date(2026, 1, 10))
    cash_move(account, "500.00", value_date=dt.date(2026, 1, 9))
    day_close(dt.date(2026, 1, 11))
    api = api_with("accounts.view")
    told = api.get(f"accounts/{account.pk}/interest", {"from": "2026-01-01", "to": "2026-01-31"}).json()
    assert told["earned"] == told["unpaid"] == "1.25"
    days = {row["date"]: row for row in told["days"]}
    assert len(days) == 11
    assert days["2026-01-08"]["formula"] == "1000 x 0.0365 x 1/365 = 0.1"
    assert days["2026-01-09"]["formula"] == "1500 x 0.0365 x 1/365 = 0.15"
    assert [row["is_correction"] for row in days["2026-01-09"]["rows"]] == [False, True]
    assert told["rules"][0]["convention"]["day_count"] == "ACT/365F"
    assert [row["amount"] for row in told["sources"]] == ["1000", "500"]
    day = api.get(f"accounts/{account.pk}/day-balance", {"date": "2026-01-08"}).json()
    assert (day["booked"], day["valued"]) == (kes("0.00"), kes("1000.00"))
    today = api.get(f"accounts/{account.pk}/day-balance", {"date": business_date_current().isoformat()}).json()
    assert today["booked"] == kes("1500.00")


def test_staff_set_terms_and_see_the_interest(client: Client) -> None:
    product = ProductFactory()
    terms_make(product, "0.0365")
    account = AccountFactory(product=product, opened_on=FIRST)
    cash_move(account, "1000.00", value_date=FIRST)
    day_close(dt.date(2026, 1, 31))
    client.force_login(user_make("accounts.view", "products.view", "products.manage", is_staff=True))
    page = client.get(f"/admin/accounts/account/{account.pk}/interest/?from=2026-01-01&to=2026-01-31")
    said = page.content.decode()
    assert "1000 x 0.0365 x 1/365 = 0.1" in said
    assert "when paid half to even, to a minor unit. What rounding leaves is carried to the next posting" in said
    url = f"/admin/accounts/accountproduct/{product.pk}/terms/"
    today = business_date_current()
    form = {"action": "set", "effective_from": today.isoformat(), "rates": "0 1.5\n50,000 4%", "posting": "quarterly"}
    assert client.post(url + "change/", form).status_code == 302
    terms = ProductTerms.objects.get(product=product, effective_from=today)
    assert terms.rates == [[0, "0.015"], [Money.parse("50000", "KES").minor, "0.04"]]
    fee = {"action": "fee", "name": "Keeping", "kind": "monthly", "amount": "50", "effective_from": today.isoformat()}
    assert client.post(url + "change/", fee).status_code == 302
    row = ProductFee.objects.get(product=product)
    assert client.post(url + "change/", {"action": "end", "fee": str(row.pk)}).status_code == 302
    shown = client.get(url).content.decode()
    assert "In force" in shown
    assert "Keeping" in shown
    refused = client.post(url + "change/", {**form, "rates": "many"}, follow=True)
    assert "is not a balance and a rate" in refused.content.decode()
