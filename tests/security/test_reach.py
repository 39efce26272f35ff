"""What is not yours looks the same as what does not exist: every route with an id, for callers out of reach."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from apps.identity.models import Session
from tests.conftest import ApiClient
from tests.security.conftest import Bank
from tests.security.routes import Route, api_routes, operations, query_parameters, with_value

# These send thousands of requests; the lines behind them are measured by the tests that look at the answers.
pytestmark = pytest.mark.no_cover
BANK_WIDE = {
    "product_id",
    "dividend_id",  # what accounts get of it is limited to those in reach
    "terms_id",  # of a product
    "fee_id",  # of a product
    "loan_product_id",
    "period_id",
    "code_or_id",
    "verification_id",
    "policy_id",
    "provider",
    "role_id",
    "year",
    "kind",
    "code",
    "token",
    "budget_id",
}
"""What belongs to the whole bank: whoever holds the permission sees it. Who may not is in test_inventory."""

NO_SUCH = "019a9d0c-4d1e-7c5e-8f3b-2a1d0c9b8a7f"

LISTS_IN_REACH = {
    "term-deposits",
    "api-keys",
    "auth/factors",
    "auth/sessions",
    "compliance/flags",
    "privacy/requests",
    "members",
    "accounts",
    "holds",
    "notifications",
    "notifications/deliveries",
    "notifications/subscriptions",
    "notifications/suppressions",
    "imports/transactions",
    "users",
    "credit-lines",
    "loan-applications",
    "loan-groups",
    "loans",
    "ledger/journal-entries",
    "audit/logs",
    "approvals",
    "approvals/breached",
    "approvals/delegated",
    "approvals/delegations",
    "approvals/done",
    "approvals/inbox",
    "approvals/queue",
    "approvals/sent",
    "jobs",
    "budgets/alerts",
    "budgets/commitments",
    "reports/definitions",
    "reports/runs",
    "reports/schedules",
    "dead-letters",
    "close-of-business",
    "tills",
    "till-sessions",
    "standing-instructions",
    "cheque-deposits",
    "cheque-books",
    "cheque-leaves",
    "authorisations",
    "pending-payments",
    "statements/batches",
}


def _scoped(*methods: str) -> list[tuple[Route, str]]:
    return [(route, method) for route, method in operations(*methods) if set(route.parameters) - BANK_WIDE]


def _said(response: Any, route: Route, bank: Bank) -> dict[str, Any]:
    """The answer without what names the request."""
    body = json.loads(response.content)
    return {name: value for name, value in body.items() if name not in {"instance", "trace_id", "transaction_id"}}


def test_things_out_of_reach_are_not_found(bank: Bank, outsiders: dict[str, ApiClient]) -> None:
    faults = []
    for who, client in outsiders.items():
        for route, method in _scoped():
            response = bank.send(client, route, method, bank.body(route, method) or None)
            if response.status_code != 404:
                faults.append(f"{who}: {method} {route.pattern} answers {response.status_code}")
                continue
            nowhere = route.url({**bank.ids, route.parameters[0]: NO_SUCH})
            missing = bank.send(client, route, method, bank.body(route, method) or None, url=nowhere)
            if _said(response, route, bank) != _said(missing, route, bank):
                faults.append(f"{who}: {method} {route.pattern} tells the foreign from the missing")
    assert not faults, "\n".join(faults)


def test_the_same_things_are_found_by_those_in_reach(bank: Bank) -> None:
    """The test above would pass where nothing works: it does work, for somebody."""
    faults = []
    for route, method in operations("GET"):
        if route.parameters:
            response = bank.send(bank.root, route, method)
            if response.status_code != 200:
                faults.append(f"{method} {route.pattern}: {response.status_code} {response.content[:200]!r}")
    assert not faults, "\n".join(faults)


def test_bodies_of_this_suite_are_accepted(bank: Bank) -> None:
    """Attacks that vary a good body mean something only when the body is good."""
    faults = []
    for (method, path), body in bank.bodies.items():
        route = next(one for one in api_routes() if one.template == f"/api/v1/{path}")
        headers = {}
        if route.view.if_match_methods & {method}:
            record = route.url(bank.ids)
            while not (found := bank.root.get(record)).has_header("ETag"):
                record = record.rsplit("/", 1)[0]  # a part, such as a user's roles, has its record's version
            headers["If-Match"] = found["ETag"]
        if path.endswith(("closure", "invitation")):
            continue  # need an account with nothing on it, and somebody who has never signed in
        response = bank.send(bank.root, route, method, body, headers=headers)
        if response.status_code not in {200, 201, 202, 204}:
            faults.append(f"{method} {path}: {response.status_code} {response.content[:300]!r}")
    assert not faults, "\n".join(faults)


def test_lists_show_nothing_out_of_reach(bank: Bank, outsiders: dict[str, ApiClient]) -> None:
    faults = []
    own = {str(client.user.pk) for client in outsiders.values()}  # type: ignore[union-attr]
    own |= {str(pk) for pk in Session.objects.filter(user__in=own).values_list("pk", flat=True)}
    for who, client in outsiders.items():
        for route in api_routes():
            if route.template.removeprefix("/api/v1/") not in LISTS_IN_REACH:
                continue
            rows = bank.send(client, route, "GET").json()["data"]
            foreign = [row for row in rows if row["id"] not in own and row.get("actor_id") not in own]
            if foreign:
                faults.append(f"{who}: {route.pattern} shows {foreign[:1]}")
    assert not faults, "\n".join(faults)


def test_filters_do_not_reach_further(bank: Bank, outsiders: dict[str, ApiClient]) -> None:
    """Naming a foreign thing in a filter finds nothing, and says no more than for a thing that does not exist."""
    account = bank.bodies["POST", "deposits"]["account"]
    attempts = {
        "members": [{"branch_id": str(bank.branch.pk)}, {"q": "Alice"}],
        "accounts": [
            {"member_id": str(bank.ids["member_id"])},
            {"branch_id": str(bank.branch.pk), "expand": "balance"},
            {"number": account},
        ],
        "holds": [{"account": account}],
        "users": [{"branch": bank.branch.code}, {"email": bank.root.user.email}],  # type: ignore[union-attr]
        "ledger/journal-entries": [{"account": account}, {"outcome": "any"}],
        "audit/logs": [{"object_id": str(bank.ids["member_id"])}, {"actor_id": str(bank.root.user.pk)}],  # type: ignore[union-attr]
    }
    faults = []
    for who, client in outsiders.items():
        for path, queries in attempts.items():
            for query in queries:
                response = client.get(path, query)
                if response.status_code != 200 or response.json()["data"]:
                    faults.append(f"{who}: {path} {query}: {response.status_code} {response.content[:200]!r}")
    assert not faults, "\n".join(faults)


BODY_REFERENCES = [
    ("transfers", ("source_account",), "number"),
    ("transfer-batches", ("items", 0, "source_account"), "number"),
    ("deposits", ("account",), "number"),
    ("withdrawals", ("account",), "number"),
    ("holds", ("account",), "number"),
    ("standing-instructions", ("source_account",), "number"),
    ("cheque-deposits", ("account",), "number"),
    ("cheque-payments", ("account",), "number"),
    ("authorisations", ("account",), "number"),
    ("accounts", ("member_id",), "member_id"),
    ("accounts", ("holders", 0, "member_id"), "member_id"),
]


@pytest.mark.parametrize(("path", "where", "what"), BODY_REFERENCES)
def test_bodies_name_nothing_out_of_reach(
    bank: Bank, outsiders: dict[str, ApiClient], path: str, where: tuple[str | int, ...], what: str
) -> None:
    route = next(one for one in api_routes() if one.template == f"/api/v1/{path}")
    account = bank.bodies["POST", "deposits"]["account"]
    foreign = {"number": [account, str(bank.ids["account_id"])]}.get(what) or [str(bank.ids[what])]
    body = bank.body(route, "POST")
    if where[0] == "holders":
        body = with_value(body, ("holders", 0, "role"), "joint")
    for who, client in outsiders.items():
        for one in foreign:
            response = bank.send(client, route, "POST", with_value(body, where, one))
            missing = bank.send(client, route, "POST", with_value(body, where, _like(one)))
            assert response.status_code == missing.status_code, f"{who}: {response.content!r} {missing.content!r}"
            if path != "transfer-batches":
                assert response.status_code >= 400, f"{who}: {response.content!r}"
                assert _said(response, route, bank) == _said(missing, route, bank), who
            else:
                codes = [
                    [(item["status"], item.get("code")) for item in one.json()["items"]] for one in (response, missing)
                ]
                assert codes[0] == codes[1], who
                assert codes[0][0][0] == "rejected", who


def _like(reference: str) -> str:
    return NO_SUCH if len(reference) == 36 else "999999999999"


def test_a_branch_may_not_register_members_for_another(bank: Bank, outsiders: dict[str, ApiClient]) -> None:
    client = outsiders["staff of another branch"]
    route = next(one for one in api_routes() if one.template == "/api/v1/members")
    body = bank.body(route, "POST")

    foreign = bank.send(client, route, "POST", {**body, "branch_id": str(bank.branch.pk)})
    missing = bank.send(client, route, "POST", {**body, "branch_id": NO_SUCH})
    own = bank.send(client, route, "POST", {**body, "branch_id": str(bank.elsewhere.pk)})

    assert own.status_code == 201, own.content
    assert 400 <= foreign.status_code < 500
    assert foreign.json()["code"] == missing.json()["code"]


def test_moving_a_member_to_a_branch_out_of_reach_is_refused(bank: Bank) -> None:
    from apps.identity.permissions import PERMISSIONS
    from tests.factories.identity import user_make

    client = ApiClient(user_make(*PERMISSIONS, scope="branch", branch=bank.branch))
    route = next(one for one in api_routes() if one.template == "/api/v1/members/{member_id}")

    response = bank.send(client, route, "PATCH", {"branch_id": str(bank.elsewhere.pk)})

    assert 400 <= response.status_code < 500


def test_keys_of_one_caller_are_nothing_to_another(bank: Bank, outsiders: dict[str, ApiClient]) -> None:
    """The same Idempotency-Key by somebody else is another operation, never the first one's answer."""
    key = {"Idempotency-Key": uuid.uuid4().hex}
    body = bank.bodies["POST", "transfers"]
    first = bank.root.post("transfers", body, headers=key)
    assert first.status_code == 201

    for client in outsiders.values():
        response = client.post("transfers", body, headers=key)
        assert response.status_code >= 400
        assert "Idempotency-Replayed" not in response
        assert first.json()["id"] not in response.content.decode()


def test_cursors_of_one_caller_show_another_nothing(bank: Bank, outsiders: dict[str, ApiClient]) -> None:
    for path in ("accounts", "members"):
        cursor = bank.root.get(path, {"limit": 1}).json()["next_cursor"]
        if cursor is None:
            continue
        for client in outsiders.values():
            response = client.get(path, {"limit": 1, "cursor": cursor})
            assert response.status_code in {200, 400}
            assert response.json().get("data", []) == []


def test_every_list_in_reach_is_covered() -> None:
    """A new list is either limited to the caller's reach, and in the tests above, or named here as open to its role."""
    open_to_the_role = {
        "account-products",
        "amount-limits",
        "approvals/policies",
        "audit/verifications",
        "branches",
        "budgets",
        "budgets/cost-centres",
        "budgets/rules",
        "dividends",
        "loan-products",
        "roles",
        "terminals",
        "ledger/accounts",
        "ledger/periods",
        "reports/layouts",
        "reports/rates",
        "reports/years",
    }
    lists = {
        route.template.removeprefix("/api/v1/")
        for route in api_routes()
        if not route.parameters and "limit" in query_parameters(route)
    }
    assert lists == LISTS_IN_REACH | open_to_the_role
