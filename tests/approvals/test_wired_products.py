"""Waivers of fees, and changes of rates, fees and limits, where a policy asks for approval."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from apps.accounts.models import FeeCharge, ProductFee, ProductTerms
from apps.approvals.registry import actions_all
from apps.balances.selectors import balance_read
from apps.ledger.models import JournalEntry
from apps.ledger.selectors import business_date_current
from apps.lending.models import LoanProductTerms
from tests.approvals.support import Bank
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory, ProductFactory, cash_move
from tests.factories.identity import user_make
from tests.factories.interest import day_close, fee_make, terms_make
from tests.factories.lending import product_make
from tests.factories.members import MemberFactory

MAKES = ("accounts.view", "accounts.waive_fees", "approvals.request", "products.manage", "products.view",
         "lending.manage_products", "lending.view")  # fmt: skip


class Desk:
    """A maker who may change products and waive fees, and one who decides."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self.maker = ApiClient(user_make(*MAKES, branch=bank.head, scope="all"))
        self.checker = ApiClient(bank.finance)
        bank.roles["finance"].permissions = ["approvals.decide", "approvals.request", "approvals.view"]
        bank.roles["finance"].save()

    def asks(self, kind: str) -> None:
        self.bank.policy(self.bank.level("finance", 1), kind=kind)

    def decide(self, response: Any, verdict: str = "approve") -> Any:
        assert response.status_code == 202, response.content
        location = response["Location"].removeprefix("/api/v1/")
        found = self.checker.get(location)
        body = {"verdict": verdict, "comment": "Seen"}
        decided = self.checker.post(f"{location}/decision", body, headers={"If-Match": found["ETag"]})
        return decided.json() | {"changes": found.json()["changes"]}


@pytest.fixture
def desk(bank: Bank) -> Desk:
    return Desk(bank)


def rows(decided: Any) -> dict[str, tuple[str, str]]:
    return {row["label"]: (row["before"], row["after"]) for row in decided["changes"]}


def test_a_fee_is_let_go_before_it_is_charged_and_given_back_afterwards(desk: Desk) -> None:
    product = ProductFactory()
    terms_make(product, "")
    fee_make(product, "monthly", amount=50_00)
    account = AccountFactory(
        product=product, member=MemberFactory(branch=desk.bank.branch), branch=desk.bank.branch,
        opened_on=dt.date(2026, 1, 1),
    )  # fmt: skip
    cash_move(account, "40.00", business_date=dt.date(2026, 1, 1))
    day_close(dt.date(2026, 1, 31))
    due = desk.maker.get(f"accounts/{account.pk}/fees?status=due").json()["data"][0]
    path = f"accounts/{account.pk}/fees"
    assert desk.maker.post(f"{path}/{due['id']}/waiver", {"reason": "New here"}).json()["status"] == "waived"
    assert balance_read(account_id=account.ledger_account_id).booked == 40_00
    cash_move(account, "100.00", business_date=dt.date(2026, 2, 1))
    day_close(dt.date(2026, 2, 28))
    charged = desk.maker.get(f"{path}?status=charged").json()["data"][0]
    assert balance_read(account_id=account.ledger_account_id).booked == 90_00

    desk.asks("accounts.fee_waiver")
    waiting = desk.maker.post(f"{path}/{charged['id']}/waiver", {"reason": "Our mistake"})
    again = desk.maker.post(f"{path}/{charged['id']}/waiver", {"reason": "Our mistake"})
    assert (again.status_code, again.json()["code"]) == (409, "approval-pending")
    decided = desk.decide(waiting)

    assert (decided["status"], decided["amount"]["amount"]) == ("executed", "50.00")
    assert rows(decided)["State"] == ("Charged", "Waived")
    assert balance_read(account_id=account.ledger_account_id).booked == 140_00
    entry = JournalEntry.objects.latest("pk")
    assert (entry.kind, entry.reverses.transaction_id) == ("reversal", FeeCharge.objects.get(
        pk=charged["id"]).transaction_id)  # fmt: skip
    twice = desk.maker.post(f"{path}/{charged['id']}/waiver", {"reason": "Once more"})
    assert (twice.status_code, twice.json()["code"]) == (409, "fee-waived")


def test_rates_fees_and_limits_of_deposits_change_once_they_are_approved(desk: Desk) -> None:
    product = ProductFactory()
    terms_make(product, "0.03", tax_rate=Decimal("0.15"))
    fee = fee_make(product, "monthly", amount=50_00)
    desk.asks("accounts.product_change")
    path, day = f"account-products/{product.pk}", business_date_current().isoformat()
    rates = [{"from_balance": {"amount": "0.00", "currency": "KES"}, "rate": "0.045"}]

    waiting = desk.maker.post(f"{path}/terms", {"effective_from": day, "rates": rates})
    assert ProductTerms.objects.filter(product=product).count() == 1  # what was tried left nothing
    decided = desk.decide(waiting)
    assert decided["status"] == "executed"
    assert rows(decided)["Rates"] == ("3 % from 0.00", "4.5 % from 0.00")
    assert rows(decided)["Tax rate"] == ("15 %", "0 %")
    assert ProductTerms.objects.get(product=product, effective_from=day).rates == [[0, "0.045"]]

    ended = desk.decide(desk.maker.post(f"{path}/fees/{fee.pk}/end", {"effective_to": day}))
    assert rows(ended)["Effective to"] == ("", day)
    added = {"kind": "closing", "name": "Closing", "amount": {"amount": "9.00", "currency": "KES"}}
    assert rows(desk.decide(desk.maker.post(f"{path}/fees", {**added, "effective_from": day})))["Amount"] == (
        "", "KES 9.00",
    )  # fmt: skip
    assert set(ProductFee.objects.filter(product=product).values_list("name", "effective_to")) == {
        ("monthly fee", business_date_current()), ("Closing", None),
    }  # fmt: skip
    limit = {"transaction_limit": {"amount": "700.00", "currency": "KES"}}
    changed = desk.maker.patch(path, limit, headers={"If-Match": desk.maker.get(path)["ETag"]})
    assert rows(desk.decide(changed))["Transaction limit"][1] == "KES 700.00"
    assert desk.maker.get(path).json()["transaction_limit"]["amount"] == "700.00"

    refused = desk.maker.post(f"{path}/terms", {"effective_from": "2020-01-01", "rates": rates})
    assert (refused.status_code, refused.json()["code"]) == (409, "terms-begun")


def test_terms_of_loans_change_once_they_are_approved_and_not_when_rejected(desk: Desk) -> None:
    product = product_make()
    newest = product.terms.latest("effective_from")
    desk.asks("lending.product_change")
    day = (max(newest.effective_from, business_date_current()) + dt.timedelta(days=1)).isoformat()
    body = {
        "effective_from": day, "instalments_min": 2, "instalments_max": 48,
        "principal_min": {"amount": "10.00", "currency": "KES"},
        "principal_max": {"amount": "90000.00", "currency": "KES"},
        "rate_percent": "15", "rate_min_percent": "10", "rate_max_percent": "30",
    }  # fmt: skip
    path = f"loan-products/{product.pk}/terms"
    assert desk.decide(desk.maker.post(path, body), "reject")["status"] == "rejected"
    assert LoanProductTerms.objects.filter(product=product).count() == 1
    decided = desk.decide(desk.maker.post(path, body))
    assert decided["status"] == "executed"
    assert rows(decided)["Rate"][1] == "15 % (10 % to 30 %)"
    assert rows(decided)["Principal"][1] == "KES 10.00 to KES 90,000.00"
    assert LoanProductTerms.objects.get(product=product, effective_from=day).instalments_max == 48


def test_a_payload_that_no_action_can_read_is_a_fault_of_the_caller(desk: Desk) -> None:
    for action in actions_all():
        asker = ApiClient(user_make("approvals.request", action.permission, branch=desk.bank.head, scope="all"))
        desk.asks(action.name)
        for number, payload in enumerate(({}, {"account_id": 7, "product_id": [], "values": 3, "loan_id": None})):
            key = {"Idempotency-Key": f"{action.name}-{number}"}
            answer = asker.post("approvals", {"kind": action.name, "payload": payload}, headers=key)
            assert 400 <= answer.status_code < 500 or action.name.startswith("tests."), (action.name, answer.content)
