"""Accounts and products over HTTP."""

from __future__ import annotations

import uuid
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Account, AccountHolder
from apps.audit.models import AuditEvent
from apps.balances.selectors import balance_read
from apps.core.check_digits import luhn_valid
from apps.notifications.models import Notification
from tests.factories.accounts import AccountFactory, ProductFactory, cash_move
from tests.factories.books import currency_ready, gl_account_ready
from tests.factories.identity import BranchFactory, user_make
from tests.factories.members import MemberFactory

ALL = (
    "members.view",
    "accounts.view",
    "accounts.open",
    "accounts.update",
    "accounts.freeze",
    "accounts.close",
    "products.view",
    "products.manage",
)
V1 = {"If-Match": '"1"'}


def kes(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "KES"}


@pytest.fixture
def staff(api_with: Any, branch: Any) -> Any:
    return api_with(*ALL, scope="branch", branch=branch)


@pytest.fixture
def opening(branch: Any) -> dict[str, Any]:
    return {
        "product_id": str(ProductFactory(overdraft_limit_max=50_000).pk),
        "member_id": str(MemberFactory(branch=branch).pk),
    }


def _faults(response: Any) -> dict[str, str]:
    return {fault["pointer"]: fault["code"] for fault in response.json()["errors"]}


def test_an_account_is_opened(staff: Any, opening: dict[str, Any], branch: Any) -> None:
    joint = MemberFactory(branch=branch)
    body = {**opening, "name": "School fees", "holders": [{"member_id": str(joint.pk), "role": "joint"}]}
    response = staff.post("accounts", body)
    assert response.status_code == 201, response.content
    shown = response.json()
    assert response["Location"] == f"/api/v1/accounts/{shown['id']}"
    assert (shown["status"], shown["currency"], shown["name"]) == ("active", "KES", "School fees")
    assert shown["number"].startswith("01")
    assert luhn_valid(shown["number"])
    assert shown["branch"]["id"] == str(branch.pk)
    assert [holder["member"]["id"] for holder in shown["holders"]] == [str(joint.pk)]
    balance = staff.get(f"accounts/{shown['id']}/balance").json()
    assert balance["booked"] == balance["available"] == balance["pending"] == kes("0.00")
    assert AuditEvent.objects.get(action="accounts.account.opened", object_id=shown["id"]).actor_id == staff.user.pk
    assert Account.objects.get(pk=shown["id"]).history.get().history_user == staff.user


@pytest.mark.parametrize(
    "field",
    ["balance", "status", "number", "ledger_account", "is_staff", "approved_by", "currency", "version", "opened_on"],
)
def test_nothing_else_can_be_set_at_opening(staff: Any, opening: dict[str, Any], field: str) -> None:
    response = staff.post("accounts", {**opening, field: "1"})
    assert (response.status_code, _faults(response)[f"/{field}"]) == (400, "unknown-field")
    assert not staff.user.branch.accounts.exists()


@pytest.mark.parametrize("field", ["balance", "status", "number", "is_staff", "currency", "member_id", "closed_on"])
def test_nothing_else_can_be_changed(staff: Any, branch: Any, field: str) -> None:
    account = AccountFactory(branch=branch)
    response = staff.patch(f"accounts/{account.pk}", {field: "1"}, headers=V1)
    assert (response.status_code, _faults(response)[f"/{field}"]) == (400, "unknown-field")


def test_a_foreign_member_is_not_there(staff: Any, opening: dict[str, Any]) -> None:
    foreign = MemberFactory()
    assert staff.post("accounts", {**opening, "member_id": str(foreign.pk)}).status_code == 404
    holders = [{"member_id": str(foreign.pk), "role": "joint"}]
    response = staff.post("accounts", {**opening, "holders": holders})
    assert (response.status_code, response.json()["code"]) == (422, "holder-invalid")


def test_holders_are_others_and_each_once(staff: Any, opening: dict[str, Any], branch: Any) -> None:
    joint = {"member_id": str(MemberFactory(branch=branch).pk), "role": "joint"}
    for holders in ([joint, joint], [{"member_id": opening["member_id"], "role": "signatory"}]):
        assert staff.post("accounts", {**opening, "holders": holders}).json()["code"] == "holder-invalid"
    assert staff.post("accounts", {**opening, "holders": [{**joint, "role": "owner"}]}).status_code == 400
    assert not staff.user.branch.accounts.exists()


def test_only_an_active_member_and_product_of_an_own_branch(staff: Any, opening: dict[str, Any], branch: Any) -> None:
    other = staff.post("accounts", {**opening, "branch_id": str(BranchFactory().pk)})
    assert other.json()["code"] == "branch-not-usable"
    retired = ProductFactory(is_active=False)
    assert staff.post("accounts", {**opening, "product_id": str(retired.pk)}).json()["code"] == "product-not-usable"
    blocked = MemberFactory(branch=branch)
    type(blocked).objects.filter(pk=blocked.pk).update(status="blocked")
    refused = staff.post("accounts", {**opening, "member_id": str(blocked.pk)})
    assert (refused.status_code, refused.json()["code"]) == (422, "member-not-active")


def test_an_overdraft_stays_within_the_product_and_needs_its_permission(
    staff: Any, opening: dict[str, Any], api_with: Any, branch: Any
) -> None:
    assert (
        staff.post("accounts", {**opening, "overdraft_limit": kes("500.01")}).json()["code"]
        == "overdraft-above-product"
    )
    wrong = staff.post("accounts", {**opening, "overdraft_limit": {"amount": "1.00", "currency": "USD"}})
    assert wrong.json()["code"] == "currency-mismatch"
    opener = api_with("members.view", "accounts.open", "products.view", "accounts.view", scope="branch", branch=branch)
    assert opener.post("accounts", {**opening, "overdraft_limit": kes("1.00")}).status_code == 403
    shown = staff.post("accounts", {**opening, "overdraft_limit": kes("500.00")}).json()
    assert staff.get(f"accounts/{shown['id']}/balance").json()["available"] == kes("500.00")


@pytest.mark.parametrize("amount", ["-1", "NaN", "1e3", "0.001", 5, None, "1,00", "\u0661", " 1", ""])
def test_an_overdraft_is_a_sane_amount(staff: Any, branch: Any, amount: Any) -> None:
    account = AccountFactory(branch=branch)
    body = {"overdraft_limit": {"amount": amount, "currency": "KES"}}
    assert staff.patch(f"accounts/{account.pk}", body, headers=V1).status_code == 400


def test_a_change_needs_the_version_that_was_read(staff: Any, branch: Any) -> None:
    account = AccountFactory(branch=branch, product=ProductFactory(overdraft_limit_max=50_000))
    path = f"accounts/{account.pk}"
    assert staff.patch(path, {"name": "Rent"}).status_code == 428
    changed = staff.patch(path, {"name": "Rent", "overdraft_limit": kes("100.00")}, headers=V1)
    assert (changed.status_code, changed["ETag"]) == (200, '"2"')
    assert balance_read(account_id=account.ledger_account_id).available == 10_000
    assert staff.patch(path, {"name": "Car"}, headers=V1).status_code == 412
    event = AuditEvent.objects.get(action="accounts.account.updated", object_id=account.pk)
    assert event.after == {"name": "Rent", "overdraft_limit": 10_000}
    assert staff.patch(path, {}, headers={"If-Match": '"2"'}).status_code == 400


def test_an_overdraft_in_use_is_not_taken_away(staff: Any, branch: Any) -> None:
    product = ProductFactory(overdraft_limit_max=50_000)
    account = AccountFactory(branch=branch, product=product, overdraft_limit=50_000)
    cash_move(account, "-300.00")
    refused = staff.patch(f"accounts/{account.pk}", {"overdraft_limit": kes("299.99")}, headers=V1)
    assert (refused.status_code, refused.json()["code"]) == (422, "overdraft-in-use")
    assert staff.patch(f"accounts/{account.pk}", {"overdraft_limit": kes("300.00")}, headers=V1).status_code == 200


def test_owners_hear_of_a_block_and_of_its_end_and_of_no_freeze(staff: Any, branch: Any) -> None:
    owner, joint = user_make(scope="own"), user_make(scope="own")
    account = AccountFactory(branch=branch, member=MemberFactory(branch=branch, user=owner))
    AccountHolder.objects.create(account=account, member=MemberFactory(branch=branch, user=joint), role="joint")
    for version, status in enumerate(("debit_blocked", "debit_blocked", "active", "frozen", "active"), 1):
        account.refresh_from_db()
        headers = {"If-Match": f'"{account.version}"'}
        asked = {"status": status, "reason": f"Case {version}"}
        assert staff.post(f"accounts/{account.pk}/status", asked, headers=headers).status_code == 200
    told = Notification.objects.filter(kind="accounts.status").order_by("created_at")
    assert {one.recipient_id for one in told} == {owner.pk, joint.pk}
    assert [one.title for one in told.filter(recipient=joint)] == [
        f"Account {account.number}: blocked for payments out", f"Account {account.number}: open for payments",
    ]  # fmt: skip


@pytest.mark.parametrize(("status", "book"), [("debit_blocked", "D"), ("credit_blocked", "C"), ("frozen", "F")])
def test_a_block_reaches_the_books_and_is_lifted(staff: Any, branch: Any, status: str, book: str) -> None:
    account = AccountFactory(branch=branch, balance="10.00")
    path = f"accounts/{account.pk}/status"
    assert staff.post(path, {"status": status, "reason": "Court order 17"}).status_code == 428
    assert staff.post(path, {"status": status}, headers=V1).status_code == 400
    assert staff.post(path, {"status": "closed", "reason": "x"}, headers=V1).status_code == 400
    response = staff.post(path, {"status": status, "reason": "Court order 17"}, headers=V1)
    assert (response.status_code, response.json()["status_reason"]) == (200, "Court order 17")
    assert balance_read(account_id=account.ledger_account_id).status == book
    with pytest.raises(AssertionError, match="FROZEN"):
        cash_move(account, "5.00" if status == "credit_blocked" else "-5.00")
    freed = staff.post(path, {"status": "active", "reason": "Lifted"}, headers={"If-Match": '"2"'}).json()
    assert (freed["status"], freed["status_reason"]) == ("active", "")
    assert balance_read(account_id=account.ledger_account_id).status == "O"
    events = AuditEvent.objects.filter(action="accounts.account.status_set", object_id=account.pk).order_by("id")
    assert [event.reason for event in events] == ["Court order 17", "Lifted"]


def test_an_account_is_closed_empty_and_for_good(staff: Any, branch: Any) -> None:
    account = AccountFactory(branch=branch, balance="10.00")
    path = f"accounts/{account.pk}/closure"
    refused = staff.post(path, {"reason": "Moved"}, headers=V1)
    assert (refused.status_code, refused.json()["code"]) == (409, "balance-not-zero")
    cash_move(account, "-10.00")
    closed = staff.post(path, {"reason": "Moved"}, headers=V1).json()
    assert (closed["status"], bool(closed["closed_on"])) == ("closed", True)
    with pytest.raises(AssertionError, match="CLOSED"):
        cash_move(account, "1.00")
    again = {"If-Match": '"2"'}
    for tail, body in (("/closure", {"reason": "x"}), ("/status", {"status": "active", "reason": "x"})):
        assert staff.post(f"accounts/{account.pk}{tail}", body, headers=again).json()["code"] == "account-is-closed"
    assert staff.patch(f"accounts/{account.pk}", {"name": "x"}, headers=again).status_code == 409


ROUTES = [
    ("get", "accounts/{}", None),
    ("patch", "accounts/{}", {"name": "x"}),
    ("post", "accounts/{}/status", {"status": "frozen", "reason": "x"}),
    ("post", "accounts/{}/closure", {"reason": "x"}),
    ("get", "accounts/{}/balance", None),
    ("get", "accounts/{}/transactions", None),
    ("get", "accounts/{}/holds", None),
    ("get", "accounts/{}/statement", None),
    ("get", "accounts/{}/statement?format=pdf", None),
    ("get", "accounts/{}/statement?format=csv", None),
]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
@pytest.mark.parametrize("scope", ["own", "branch"])
def test_what_is_not_yours_does_not_exist(
    api_with: Any, branch: Any, scope: str, method: str, path: str, body: Any
) -> None:
    client = api_with(*ALL, scope=scope, branch=branch)
    foreign = AccountFactory(balance="10.00")
    extra = {} if body is None else {"data": body, "headers": V1}
    seen = getattr(client, method)(path.format(foreign.pk), **extra)
    missing = getattr(client, method)(path.format(uuid.uuid4()), **extra)
    assert seen.status_code == missing.status_code == 404
    assert seen.json()["detail"] == missing.json()["detail"]
    foreign.refresh_from_db()
    assert (foreign.version, foreign.status) == (1, "active")
    assert not AuditEvent.objects.filter(action="accounts.statement.issued", object_id=foreign.pk).exists()


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_each_route_needs_its_permission(api_with: Any, method: str, path: str, body: Any) -> None:
    account = AccountFactory()
    client = api_with("members.view")
    extra = {} if body is None else {"data": body, "headers": V1}
    assert getattr(client, method)(path.format(account.pk), **extra).status_code == 403


def test_a_member_sees_own_and_joint_accounts_and_no_reasons(api_with: Any) -> None:
    client = api_with("members.view", "accounts.view", "products.view", scope="own", is_staff=False)
    me = MemberFactory(user=client.user)
    mine, joint = AccountFactory(member=me), AccountFactory(joint=[me])
    AccountFactory()
    Account.objects.filter(pk=mine.pk).update(status_reason="Investigation 9", status="frozen")
    rows = {row["id"]: row for row in client.get("accounts").json()["data"]}
    assert rows.keys() == {str(mine.pk), str(joint.pk)}
    assert rows[str(mine.pk)]["status_reason"] == ""
    assert client.get(f"accounts/{mine.pk}").json()["status_reason"] == ""
    assert len(client.get(f"members/{me.pk}/accounts").json()["data"]) == 2
    assert client.patch(f"accounts/{mine.pk}", {"name": "x"}, headers=V1).status_code == 403


def test_a_list_costs_the_same_whatever_its_length(api_with: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client = api_with(*ALL)
    seen: list[Any] = []
    execute = psycopg.Cursor.execute

    def counted(cursor: Any, query: Any, *args: Any, **options: Any) -> Any:
        seen.append(query)
        return execute(cursor, query, *args, **options)

    # Balances are read past Django's cursors: statements are counted in the driver.
    monkeypatch.setattr(psycopg.Cursor, "execute", counted)

    def statements(query: str) -> int:
        seen.clear()
        assert client.get(f"accounts?{query}").status_code == 200
        return len(seen)

    product, member = ProductFactory(), MemberFactory()
    AccountFactory(product=product, member=member, joint=[MemberFactory()])
    client.get("accounts")  # the principal is cached from here on
    few, few_expanded = statements(""), statements("expand=balance")
    for _ in range(24):
        AccountFactory(product=product, member=member, joint=[MemberFactory()])
    assert statements("") == few == 2  # accounts, holders with their members
    assert statements("expand=balance") == few_expanded == 3


def test_the_reads_of_one_account_are_pinned(api_with: Any) -> None:
    client = api_with(*ALL)
    account = AccountFactory(balance="10.00")
    client.get("accounts")
    for tail, count in (("", 3), ("/balance", 2), ("/transactions", 2), ("/holds", 2)):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"accounts/{account.pk}{tail}").status_code == 200
        assert len(queries) <= count, (tail, [query["sql"][:120] for query in queries])


def test_filters_and_expansion(api_with: Any, branch: Any) -> None:
    client = api_with(*ALL, scope="branch", branch=branch)
    account = AccountFactory(branch=branch, balance="12.50")
    AccountFactory(branch=branch, currency="USD")
    for query in (
        f"number={account.number}",
        "currency=KES",
        f"branch_id={branch.pk}&currency=KES",
        f"member_id={account.member_id}",
    ):
        assert [row["id"] for row in client.get(f"accounts?{query}").json()["data"]] == [str(account.pk)], query
    shown = client.get(f"accounts/{account.pk}?expand=balance").json()
    assert shown["balance"] == {"booked": kes("12.50"), "held": kes("0.00"), "available": kes("12.50")}
    assert "balance" not in client.get(f"accounts/{account.pk}").json()


@pytest.mark.parametrize(
    "path",
    [
        "accounts?color=red",
        "accounts?sort=member__user__password",
        "accounts?limit=1000000000",
        "accounts?expand=member.user",
        "accounts?status=open&status=closed",
        "accounts/{}?x=1",
        "accounts/{}/balance?x=1",
        "accounts/{}/transactions?x=1",
        "accounts/{}/transactions?amount_min=1e3",
        "accounts/{}/transactions?amount_min=0.001",
        "accounts/{}/transactions?from=2026-02-30",
        "accounts/{}/transactions?direction=up",
        "accounts/{}/holds?status=all",
        "account-products?x=1",
    ],
)
def test_parameters_are_declared_or_refused(api_with: Any, path: str) -> None:
    assert api_with(*ALL).get(path.format(AccountFactory().pk)).status_code == 400


def test_a_balance_has_the_version_of_the_books(staff: Any, branch: Any) -> None:
    account = AccountFactory(branch=branch, balance="100.00")
    first = staff.get(f"accounts/{account.pk}/balance")
    body = first.json()
    assert body["account"] == {"id": str(account.pk), "number": account.number}
    assert (body["booked"], body["is_exact"], first["ETag"]) == (kes("100.00"), True, f'"{body["version"]}"')
    cash_move(account, "-0.01")
    second = staff.get(f"accounts/{account.pk}/balance")
    assert (second.json()["booked"], second["ETag"] != first["ETag"]) == (kes("99.99"), True)


def test_transactions_are_listed_newest_first_and_filtered(staff: Any, branch: Any) -> None:
    account = AccountFactory(branch=branch, balance="100.00")
    cash_move(account, "-20.00", kind="fee", description="Monthly fee", reference="F-1")
    cash_move(account, "5.55", counterparty="Acme Ltd")
    path = f"accounts/{account.pk}/transactions"
    rows = staff.get(path).json()["data"]
    assert [(row["direction"], row["amount"]["amount"], row["balance_after"]["amount"]) for row in rows] == [
        ("in", "5.55", "85.55"),
        ("out", "20.00", "80.00"),
        ("in", "100.00", "100.00"),
    ]
    for query, amounts in {
        "direction=out": ["20.00"],
        "kind=fee": ["20.00"],
        "amount_min=20&amount_max=99.99": ["20.00"],
        "q=ACME": ["5.55"],
        "q=f-1": ["20.00"],
        "q=%25": [],
        "from=2199-01-01": [],
        "to=1900-01-01": [],
    }.items():
        assert [row["amount"]["amount"] for row in staff.get(f"{path}?{query}").json()["data"]] == amounts, query
    page = staff.get(f"{path}?limit=2").json()
    cash_move(account, "1.00")  # what is booked meanwhile does not shift the pages
    rest = staff.get(f"{path}?limit=2&cursor={page['next_cursor']}").json()
    assert [row["amount"]["amount"] for row in rest["data"]] == ["100.00"]
    assert rest["has_more"] is False


def test_products_are_managed_over_http(staff: Any, api_with: Any) -> None:
    currency_ready("KES")
    gl_account_ready("2110")
    gl_account_ready("1120")
    body = {
        "code": "SAV-X",
        "name": "Savings",
        "kind": "savings",
        "currency": "KES",
        "account_code": "2110",
        "number_prefix": "77",
        "overdraft_limit_max": kes("0.00"),
        "transaction_limit": kes("1000.00"),
    }
    response = staff.post("account-products", body)
    assert response.status_code == 201, response.content
    path = f"account-products/{response.json()['id']}"
    assert response.json()["transaction_limit"] == kes("1000.00")
    assert staff.post("account-products", body).json()["code"] == "product-code-taken"
    for change, code in (
        ({"account_code": "1120"}, "product-terms-invalid"),
        ({"account_code": "9999"}, "product-terms-invalid"),
        ({"number_prefix": "7a"}, "invalid-text"),
        ({"code": "lower"}, "invalid-text"),
        ({"currency": "CHF", "overdraft_limit_max": None}, "validation-failed"),
        ({"transaction_limit": {"amount": "1.00", "currency": "USD"}}, "currency-mismatch"),
        ({"version": 9}, "validation-failed"),
    ):
        assert staff.post("account-products", {**body, "code": "SAV-Y", **change}).json()["code"] == code, change
    assert staff.patch(path, {"name": "More savings"}).status_code == 428
    changed = staff.patch(path, {"transaction_limit": None, "is_active": False}, headers=V1)
    assert (changed.json()["transaction_limit"], changed["ETag"]) == (None, '"2"')
    assert staff.patch(path, {"code": "OTHER"}, headers={"If-Match": '"2"'}).status_code == 400
    member = api_with("products.view", scope="own", is_staff=False)
    assert member.get(path).status_code == 404  # not offered any more
    assert member.post("account-products", body).status_code == 403
    assert staff.get(path).status_code == 200


def test_a_currency_that_the_bank_does_not_keep(staff: Any) -> None:
    gl_account_ready("2110")
    body = {
        "code": "SAV-CHF",
        "name": "S",
        "kind": "savings",
        "currency": "CHF",
        "account_code": "2110",
        "number_prefix": "1",
    }
    assert staff.post("account-products", body).json()["code"] == "product-terms-invalid"
