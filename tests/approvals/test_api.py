"""Approvals over HTTP: boxes, decisions with their versions, bulk, policies, delegations; and who gets in nowhere."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.approvals.models import ApprovalRequest
from apps.identity.limits import limits_clear
from apps.identity.models import AmountLimit
from tests.approvals.support import Bank, fresh
from tests.conftest import ApiClient
from tests.factories.identity import user_make

USE = ("approvals.request",)


@pytest.fixture
def clients(bank: Bank) -> dict[str, ApiClient]:
    for role in bank.roles.values():
        role.permissions = sorted({*role.permissions, *USE})
        role.save()
    return {name: ApiClient(getattr(bank, name)).step_up() for name in ("maker", "manager", "chief", "finance")}


def post(client: ApiClient, request: ApprovalRequest, verb: str, body: Any = None, version: int | None = None) -> Any:
    version = fresh(request).version if version is None else version
    return client.post(f"approvals/{request.public_id}/{verb}", body or {}, headers={"If-Match": f'"{version}"'})


def ids(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [row.get("approval", row)["id"] for row in response.json()["data"]]


def test_each_finds_it_where_it_belongs(bank: Bank, clients: dict[str, ApiClient]) -> None:
    bank.three_levels()
    request = bank.submit(amount="900.00")
    key = str(request.public_id)
    assert ids(clients["manager"].get("approvals/queue")) == [key]
    assert ids(clients["chief"].get("approvals/queue")) == []
    assert ids(clients["maker"].get("approvals/sent")) == [key]
    assert ids(clients["maker"].get("approvals/queue")) == []
    shown = clients["manager"].get(f"approvals/{key}")
    assert (shown["ETag"], shown.json()["status"]) == ('"1"', "pending")
    assert shown.json()["changes"] == [{"label": "Value", "before": "0", "after": "1"}]
    assert [level["status"] for level in shown.json()["levels"]] == ["open", "waiting", "waiting"]
    assert shown.json()["rule"]["policy"] == "Rules"
    done = post(clients["manager"], request, "decision", {"verdict": "approve"})
    assert (done.status_code, done["ETag"]) == (200, '"2"')
    assert ids(clients["manager"].get("approvals/done")) == [key]
    assert ids(clients["chief"].get("approvals/queue", {"kind": "tests.toy"})) == [key]
    assert ids(clients["chief"].get("approvals/queue", {"kind": "tests.other"})) == []
    trail = clients["maker"].get(f"approvals/{key}/trail").json()["data"]
    assert [(event["event"], event["actor_label"]) for event in trail] == [
        ("submitted", bank.maker.email), ("approved", bank.manager.email),
    ]  # fmt: skip


def test_a_decision_needs_its_version_and_is_made_once(bank: Bank, clients: dict[str, ApiClient]) -> None:
    bank.three_levels()
    request = bank.submit()
    manager = clients["manager"]
    path, body = f"approvals/{request.public_id}/decision", {"verdict": "approve"}
    assert manager.post(path, body).json()["code"] == "precondition-required"
    assert post(manager, request, "decision", body, version=9).json()["code"] == "stale-version"
    first = post(manager, request, "decision", body, version=1)
    again = post(manager, request, "decision", body, version=1)
    assert (first.status_code, again.status_code, again["Idempotency-Replayed"]) == (200, 200, "true")
    assert request.decisions.count() == 1
    assert post(manager, request, "decision", {"verdict": "maybe"}).status_code == 400
    assert post(clients["chief"], request, "decision", {"verdict": "reject"}).json()["code"] == "comment-required"


def test_strangers_find_nothing_anywhere(bank: Bank, clients: dict[str, ApiClient]) -> None:
    bank.three_levels()
    request = bank.submit()
    elsewhere = Bank().branch
    stranger = ApiClient(user_make("approvals.request", "approvals.decide", scope="branch", branch=elsewhere))
    assert stranger.get(f"approvals/{request.public_id}").status_code == 404
    assert stranger.get(f"approvals/{request.public_id}/trail").status_code == 404
    bodies = {
        "decision": {"verdict": "approve"},
        "assignment": {"user_id": str(bank.chief.pk)},
        "comments": {"comment": "x"},
    }
    for verb in ("decision", "resubmission", "cancellation", "assignment", "escalation", "retry", "comments"):
        assert post(stranger, request, verb, bodies.get(verb)).status_code == 404, verb
    assert ids(stranger.get("approvals")) == []


VERBS = ["decision", "resubmission", "cancellation", "assignment", "escalation", "retry", "comments"]


@pytest.mark.parametrize("verb", VERBS)
def test_every_entry_point_refuses_without_its_permission(bank: Bank, clients: dict[str, ApiClient], verb: str) -> None:
    bank.three_levels()
    request = bank.submit()
    nobody = ApiClient(user_make("members.view", branch=bank.branch))
    response = post(nobody, request, verb, {"verdict": "approve"} if verb == "decision" else {})
    assert (response.status_code, response.json()["code"]) == (403, "permission-denied")
    assert fresh(request).version == 1


def test_the_maker_is_refused_as_checker(bank: Bank, clients: dict[str, ApiClient]) -> None:
    bank.roles["teller"].permissions += ["approvals.decide"]
    bank.roles["teller"].save()
    bank.policy(bank.level("teller", 1))
    request = bank.submit()
    refused = post(
        ApiClient(type(bank.maker).objects.get(pk=bank.maker.pk)), request, "decision", {"verdict": "approve"}
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "maker-is-not-checker")


def test_returned_changed_and_sent_again(bank: Bank, clients: dict[str, ApiClient]) -> None:
    bank.policy(bank.level("manager", 1))
    request = bank.submit(name="first")
    post(clients["manager"], request, "decision", {"verdict": "return", "comment": "Which?"})
    assert post(clients["manager"], request, "resubmission").status_code == 403
    sent = post(clients["maker"], request, "resubmission", {"payload": {"name": "second"}, "comment": "This"})
    assert (sent.status_code, sent.json()["round"], sent.json()["title"]) == (200, 2, "Toy second")
    comment = clients["maker"].post(f"approvals/{request.public_id}/comments", {"comment": "Please hurry"})
    assert comment.status_code == 200
    assert post(clients["maker"], request, "cancellation", {"comment": "Too late"}).json()["status"] == "cancelled"


def test_handing_on_and_escalating(bank: Bank, clients: dict[str, ApiClient]) -> None:
    bank.policy(bank.level("manager", 1))
    request = bank.submit()
    handed = post(clients["manager"], request, "assignment", {"user_id": str(bank.chief.pk)})
    assert handed.json()["levels"][0]["assignee"]["id"] == str(bank.chief.pk)
    assert ids(clients["chief"].get("approvals/inbox")) == [str(request.public_id)]
    wrong = post(clients["chief"], request, "assignment", {"user_id": str(uuid.uuid4())})
    assert wrong.json()["code"] == "approver-not-usable"
    raised = post(clients["maker"], request, "escalation", {"comment": "Urgent"})
    assert raised.json()["levels"][0]["escalations"] == 1
    assert raised.json()["levels"][0]["assignee"] is None


def test_an_approval_asks_for_the_second_factor_that_the_act_asks_for(bank: Bank, settings: Any) -> None:
    settings.NUMINA = {**settings.NUMINA, "LIMITS": True}
    bank.policy(bank.level("manager", 1))
    request = bank.submit(amount="500.01")
    AmountLimit.objects.create(
        role=bank.roles["manager"], permission="approvals.decide", currency="KES", step_up_above=50_000
    )
    limits_clear()
    manager = ApiClient(bank.manager)
    assert post(manager, request, "decision", {"verdict": "approve"}).json()["code"] == "mfa-step-up-required"
    refusal = {"verdict": "reject", "comment": "No"}
    assert post(manager, request, "decision", refusal).status_code == 200, "to refuse is no danger"
    limits_clear()


def test_bulk_says_what_became_of_each(bank: Bank, clients: dict[str, ApiClient]) -> None:
    bank.policy(bank.level("manager", 1), bulk_limit="500.00")
    small, large, flagged, stale = (
        bank.submit(amount="100.00"), bank.submit(amount="500.01"), bank.submit(amount="1.00", flags=["pep"]),
        bank.submit(amount="2.00"),
    )  # fmt: skip
    items = [{"id": str(row.public_id), "version": row.version} for row in (small, large, flagged)]
    items += [{"id": str(stale.public_id), "version": 7}, {"id": str(uuid.uuid4()), "version": 1}]
    response = clients["manager"].post("approvals/decisions", {"verdict": "approve", "comment": "ok", "items": items})
    assert response.status_code == 200, response.content
    assert (response.json()["done"], response.json()["skipped"]) == (1, 4)
    assert [row["code"] for row in response.json()["items"]] == [
        None, "approval-not-in-bulk", "approval-not-in-bulk", "stale-version", "approval-not-found",
    ]  # fmt: skip
    assert fresh(small).state == "executed"


def test_asking_for_a_kind_without_an_operation_of_its_own(bank: Bank, clients: dict[str, ApiClient]) -> None:
    body = {"kind": "tests.toy", "payload": {"name": "x", "amount": "5.00"}}
    key = {"Idempotency-Key": uuid.uuid4().hex}
    assert clients["maker"].post("approvals", body, headers=key).json()["code"] == "approval-not-needed"
    bank.policy(bank.level("manager", 1))
    sent = clients["maker"].post("approvals", body, headers=key)
    assert (sent.status_code, sent["Location"]) == (202, f"/api/v1/approvals/{sent.json()['id']}")
    assert clients["maker"].post("approvals", body, headers=key).json()["id"] == sent.json()["id"]
    unknown = clients["maker"].post("approvals", {**body, "kind": "no.such"}, headers={"Idempotency-Key": "other"})
    assert unknown.json()["code"] == "approval-kind-unknown"
    refused = clients["manager"].post("approvals", body, headers={"Idempotency-Key": "mine"})
    assert (refused.status_code, refused.json()["permission"]) == (403, "members.view")
    number = {**body, "payload": {"amount": 1}}
    raw = str(number).replace("'", '"').replace('"amount": 1', '"amount": 1.5')
    assert clients["maker"].post("approvals", raw, headers={"Idempotency-Key": "n"}).status_code == 400


def test_policies_are_drafted_activated_and_simulated(bank: Bank, clients: dict[str, ApiClient]) -> None:
    author = ApiClient(user_make("approvals.manage_policies", "approvals.view", branch=bank.head)).step_up()
    bands = [
        {"from": "0", "to": "10.00", "levels": []},
        {"from": "11.00", "to": None, "levels": [bank.level("chief", 1)]},
    ]
    body = {
        "kind": "tests.toy", "name": "Toys", "effective_from": "2026-01-01",
        "document": {"segments": [{"name": "All", "when": {}, "bands": bands}]},
    }  # fmt: skip
    gap = author.post("approvals/policies", body)
    assert (gap.status_code, gap.json()["code"]) == (400, "approval-policy-invalid")
    assert gap.json()["errors"][0]["pointer"] == "/document/segments/0/bands/1/from"
    bands[1]["from"] = "10.00"
    draft = author.post("approvals/policies", body)
    assert draft.status_code == 201, draft.content
    path = draft["Location"].removeprefix("/api/v1/")
    assert author.post(f"{path}/activation").json()["status"] == "active"
    assert author.post(f"{path}/activation").json()["code"] == "approval-policy-state"
    simulated = author.post(
        "approvals/simulations",
        {"kind": "tests.toy", "amount": {"amount": "10.00", "currency": "KES"}, "maker_id": str(bank.maker.pk)},
    ).json()
    assert simulated["asks"]
    assert simulated["levels"][0]["people"] == [bank.chief.full_name]
    assert {row["kind"] for row in clients["maker"].get("approvals/kinds").json()["data"]} >= {
        "payments.transfer", "payments.reversal", "ledger.manual_entry", "accounts.close", "accounts.freeze",
        "identity.user_roles", "approvals.policy", "approvals.delegation",
    }  # fmt: skip
    assert author.get("approvals/reports/sla").json()["data"] == []


def test_delegations_are_given_and_taken_back(bank: Bank, clients: dict[str, ApiClient]) -> None:
    body = {
        "delegate_id": str(bank.chief.pk), "starts_at": "2090-01-01T00:00:00Z", "ends_at": "2090-01-08T00:00:00Z",
        "limit": {"amount": "10.00", "currency": "KES"}, "kinds": ["tests.toy"], "reason": "Leave",
    }  # fmt: skip
    given = clients["manager"].post("approvals/delegations", body)
    assert (given.status_code, given.json()["status"], given.json()["approval_url"]) == (201, "active", "")
    loop = clients["chief"].post("approvals/delegations", {**body, "delegate_id": str(bank.manager.pk)})
    assert loop.json()["code"] == "delegation-loop"
    path = f"approvals/delegations/{given.json()['id']}/revocation"
    codes = ("approvals.decide", "approvals.administer")
    far = ApiClient(user_make(*codes, scope="branch", branch=Bank().branch)).step_up()
    assert far.post(path).status_code == 404  # administers, but not here
    assert clients["finance"].post(path).status_code == 404
    assert clients["chief"].post(path).status_code == 403
    assert clients["manager"].post(path).json()["status"] == "revoked"


def test_lists_cost_the_same_for_any_number_of_rows(bank: Bank, clients: dict[str, ApiClient]) -> None:
    bank.policy(bank.level("manager", 1))
    costs = []
    for more in (1, 6):
        for _ in range(more):
            bank.submit(amount="5.00")
        for client in clients.values():
            client.get("approvals/sent")  # the caller is known from here on
        with CaptureQueriesContext(connection) as queries:
            assert len(ids(clients["manager"].get("approvals/queue"))) >= more
        costs.append(len(queries))
        with CaptureQueriesContext(connection) as queries:
            clients["maker"].get("approvals/sent")
        costs.append(len(queries))
    assert costs[:2] == costs[2:]
    assert costs[0] <= 4
