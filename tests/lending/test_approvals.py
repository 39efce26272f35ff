"""Applications and payouts that wait for the people whom a policy names."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from apps.approvals.models import ApprovalRequest
from apps.approvals.selectors import policies_forget
from apps.approvals.services import policy_activate, policy_draft
from apps.core import clock
from apps.lending.models import Loan, LoanApplication
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory
from tests.factories.identity import RoleFactory, UserFactory, user_make
from tests.factories.lending import loan_make, owed, product_make
from tests.lending.test_journey import STAFF, kes, key, ok

pytestmark = pytest.mark.django_db


def policy(kind: str, *roles: str) -> None:
    """One level after the other for amounts from 1,000.00 on."""
    levels = [{"name": role, "stage": n, "who": {"role": role}} for n, role in enumerate(roles, 1)]
    bands = [{"from": "0", "to": "1000.00", "levels": []}, {"from": "1000.00", "to": None, "levels": levels}]
    draft = policy_draft(
        acting_user=user_make("approvals.manage_policies"), kind=kind, name=kind,
        effective_from=dt.date(2020, 1, 1), document={"segments": [{"name": "All", "when": {}, "bands": bands}]},
    )  # fmt: skip
    policy_activate(acting_user=user_make("approvals.manage_policies"), policy_id=draft.pk, at=clock.now())
    policies_forget()


def approver(code: str) -> ApiClient:
    role = RoleFactory(code=code, permissions=["approvals.decide", "approvals.request", "approvals.view"])
    return ApiClient(UserFactory(roles=[role], is_staff=True))


def decide(client: ApiClient, verdict: str = "approve") -> Any:
    (task,) = ok(client.get("approvals/queue"))["data"]
    path = f"approvals/{task['approval']['id']}"
    seen = client.get(path)
    return client.post(f"{path}/decision", {"verdict": verdict, "comment": "Seen"}, headers={"If-Match": seen["ETag"]})


def submitted(client: ApiClient, amount: str) -> str:
    account = AccountFactory()
    body = {
        "loan_product_id": str(product_make().pk), "member_id": str(account.member_id), "amount": kes(amount),
        "instalments": 12, "account_id": str(account.pk),
    }  # fmt: skip
    draft = ok(client.post("loan-applications", body), 201)
    ok(client.post(f"loan-applications/{draft['id']}/submission", headers={"If-Match": '"1"'}))
    return str(draft["id"])


def test_a_large_application_waits_for_its_levels(api_with: Any) -> None:
    manager, finance = approver("lend-manager"), approver("lend-finance")
    policy("lending.application", "lend-manager", "lend-finance")
    clerk, chief = api_with(*STAFF, "approvals.request"), api_with("lending.view", "lending.decide")
    small, large = submitted(clerk, "500.00"), submitted(clerk, "5000.00")
    ok(chief.post(f"loan-applications/{small}/decision", {"approve": True}))
    past = chief.post(f"loan-applications/{large}/decision", {"approve": True})
    assert (past.status_code, past.json()["code"]) == (409, "application-state-wrong")
    ok(decide(manager))
    assert LoanApplication.objects.get(pk=large).status == "submitted"
    ok(decide(finance))
    assert LoanApplication.objects.get(pk=large).status == "approved"
    again = submitted(clerk, "6000.00")
    ok(decide(manager, "reject"))
    assert LoanApplication.objects.get(pk=again).status == "rejected"


def test_a_payout_that_waits_moves_money_once(api_with: Any) -> None:
    manager = approver("lend-manager")
    policy("lending.disbursement", "lend-manager")
    clerk = api_with(*STAFF, "approvals.request")
    loan = loan_make(disburse=False)
    body, headers = {"amount": kes("12000.00")}, key()
    ok(clerk.post(f"loans/{loan.pk}/disbursements", body, headers=headers), 202)
    assert owed(loan) == (0, 0, 0)
    ok(decide(manager))
    assert owed(loan) == (1_200_000, 0, 0)
    assert ok(clerk.post(f"loans/{loan.pk}/disbursements", body, headers=headers), 202)["status"] == "executed"
    assert owed(loan) == (1_200_000, 0, 0)
    assert Loan.objects.get(pk=loan.pk).status == "active"
    assert ApprovalRequest.objects.get(kind="lending.disbursement").state == "executed"
