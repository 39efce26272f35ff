"""A second factor is asked for before money above a limit, settings of security, exports of many, changes of rights.

Walked from the routes: a new operation of such a kind fails here until it asks, and a new permission until somebody
says of which kind it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.api.permissions import ANY_USER
from apps.identity.limits import limits_clear
from apps.identity.models import AmountLimit, Role
from apps.identity.permissions import AMOUNT_PERMISSIONS, PERMISSIONS, STEP_UP_PERMISSIONS
from tests.conftest import ApiClient
from tests.security.conftest import Bank, undone
from tests.security.routes import Route, document, operations

ASKED = "mfa-step-up-required"

PLAIN = {
    "accounts.freeze",
    "accounts.note",
    "accounts.open",
    "approvals.request",
    "audit.verify",
    "balances.operate",
    "budgets.manage",
    "calculations.use",
    "compliance.clear",
    "compliance.decide",
    "compliance.request",
    "jobs.close",
    "jobs.manage",
    "ledger.manage_chart",
    "ledger.manage_periods",
    "lending.apply",
    "lending.decide",
    "lending.manage_products",
    "lending.secure",
    "members.create",
    "members.reveal",
    "members.update",
    "notifications.manage",
    "payments.manage_tills",
    "payments.run_instructions",
    "payments.stop_cheques",
    "reporting.define",
    "reporting.layouts",
    "reporting.read",
    "reporting.reopen_year",
}
"""Neither moves money nor touches rights, security or many persons at once."""

ENDS = {
    ("DELETE", "reports/schedules/{schedule_id}"),
    ("DELETE", "dividends/{dividend_id}"),
}
"""What only ends something, and gives nothing away."""

ALSO = {
    ("POST", "approvals/delegations"),
    ("POST", "auth/recovery-codes"),
    ("DELETE", "auth/factors/{factor_id}"),
    ("GET", "audit/exports/{export_id}/file"),
    ("GET", "statements/batches/{batch_id}/file"),
    ("GET", "privacy/requests/{privacy_request_id}/data"),
}
"""Asked for whatever the permission."""

NO_MONEY = {
    "account-products", "account-products/{product_id}", "account-products/{product_id}/fees",
    "account-products/{product_id}/fees/{fee_id}/end", "account-products/{product_id}/terms",
    "account-products/{product_id}/terms/{terms_id}", "dividends", "dividends/{dividend_id}",
    "accounts/{account_id}", "accounts/{account_id}/holders", "accounts/{account_id}/holders/{holder_id}/end",
    "accounts/{account_id}/mandate", "accounts/{account_id}/nominee", "term-deposits/{term_deposit_id}",
    "term-deposits/{term_deposit_id}/break-preview",
    "approvals/delegations", "approvals/delegations/{delegation_id}/revocation",
    "authorisations/{authorisation_id}/release", "holds/{hold_id}/release",
    "cheque-books", "till-sessions", "till-sessions/{till_session_id}/count", "till-sessions/{till_session_id}/closure",
    "vault-transfers/{vault_transfer_id}/cancellation",
    "pending-payments/{pending_id}/refusal",
    "standing-instructions/{instruction_id}/cancellation", "standing-instructions/{instruction_id}/pause",
    "standing-instructions/{instruction_id}/resume",
    "standing-instructions/{instruction_id}/run",  # what its terms, measured when they were made, allow
    "loans/{loan_id}/pauses",
    "term-deposits/{term_deposit_id}/instalments",  # the term of this bank has none; it is measured as the placing is
    "loan-repayments", "approvals/decisions",  # each item says of itself that it needs a second factor
    "approvals/{approval_id}/decision",  # in tests/approvals: nobody decides on what root of this bank asked for
}  # fmt: skip
"""Operations with a permission for money that move none."""

OF_ONE = {
    "accounts/{account_id}/statement", "privacy/requests/{privacy_request_id}/certificate",
    "approvals/documents/{document_id}", "imports/transactions/{run_id}/refusals",
}  # fmt: skip
"""Files about one account, one person, or what the caller sent."""

SUMS = {
    "ledger/trial-balance", "reports/balance-sheet", "reports/income-statement", "reports/changes-in-equity",
    "reports/cash-flow", "reports/links/{token}",
}  # fmt: skip
"""Files of the bank's own figures, without persons."""

MANY = {
    "audit/exports", "audit/exports/{export_id}/file", "statements/batches/{batch_id}/file",
    "reports/tables/{code}", "reports/definitions/{definition_id}/result", "reports/runs/{report_id}/file",
}  # fmt: skip
"""Files about many persons: those of lists below; the others above."""


def _name(route: Route) -> str:
    return route.template.removeprefix("/api/v1/")


def _code(response: Any) -> str:
    return str(response.json().get("code")) if response.headers["Content-Type"].endswith("json") else "a file"


@pytest.fixture
def stale(bank: Bank) -> Bank:
    """The bank, whose root has just signed in and shown nothing since."""
    return replace(bank, root=ApiClient(bank.root.user))


MORE = {"amount": {"amount": "1.00", "currency": "KES"}}
"""For operations that the bank's only loan is not in the state for: what is asked comes after."""


@pytest.fixture
def measured(stale: Bank, settings: Any) -> Iterator[Bank]:
    """Whatever is moved is above the limit of root's role."""
    settings.NUMINA = {**settings.NUMINA, "LIMITS": True}
    role = Role.objects.get(user_roles__user=stale.root.user)
    AmountLimit.objects.bulk_create(
        AmountLimit(role=role, permission=code, currency="KES", step_up_above=0) for code in AMOUNT_PERMISSIONS
    )
    limits_clear()
    yield stale
    limits_clear()


def test_each_permission_is_of_one_kind() -> None:
    acts = {
        route.view.permissions[method]
        for route, method in operations("POST", "PUT", "PATCH", "DELETE")
        if getattr(route.view, "permissions", {}).get(method, ANY_USER) != ANY_USER
    }
    looks = {code for code in acts if code.endswith((".view", ".view_tills"))}
    unsaid = acts - looks - STEP_UP_PERMISSIONS - AMOUNT_PERMISSIONS - PLAIN
    assert not unsaid, f"money, security, or neither? See apps.identity.permissions and PLAIN: {sorted(unsaid)}"
    assert not STEP_UP_PERMISSIONS & AMOUNT_PERMISSIONS
    assert PERMISSIONS.keys() >= STEP_UP_PERMISSIONS | AMOUNT_PERMISSIONS | PLAIN


def test_rights_security_and_exports_ask_for_a_second_factor(stale: Bank) -> None:
    faults, asked = [], 0
    for route, method in operations():
        code = getattr(route.view, "permissions", {}).get(method)
        named = (method, _name(route))
        wanted = named in ALSO or (method != "GET" and code in STEP_UP_PERMISSIONS and named not in ENDS)
        if not wanted:
            continue
        asked += 1
        answer = stale.send(stale.root, route, method, stale.body(route, method) or None)
        if (answer.status_code, _code(answer)) != (403, ASKED):
            faults.append(f"{method} {route.pattern}: {answer.status_code} {_code(answer)}")
    assert not faults, "\n".join(faults)
    assert asked >= len(ALSO) + 18


def test_money_above_a_limit_asks_for_a_second_factor(measured: Bank) -> None:
    faults, asked = [], 0
    for route, method in operations("POST", "PUT", "PATCH", "DELETE"):
        code = getattr(route.view, "permissions", {}).get(method)
        if code not in AMOUNT_PERMISSIONS or _name(route) in NO_MONEY:
            continue
        asked += 1
        body = measured.body(route, method)
        if not body and _name(route) in {"loans/{loan_id}/disbursements", "loans/{loan_id}/closure"}:
            body = MORE
        if "confirm" in body:
            body = {**body, "confirm": True}
        answer = measured.send(measured.root, route, method, body or None)
        if (answer.status_code, _code(answer)) != (403, ASKED):
            faults.append(f"{code}: {method} {route.pattern}: {answer.status_code} {answer.content[:160]!r}")
    assert not faults, "\n".join(faults)
    assert asked >= 25


def test_each_file_is_of_one_of_many_or_of_sums(stale: Bank) -> None:
    files = set()
    for path, item in document()["paths"].items():
        for operation in item.values():
            for answer in operation.get("responses", {}).values():
                if any(not kind.endswith("json") for kind in answer.get("content", {})):
                    files.add(path.removeprefix("/api/v1/"))
    assert files - OF_ONE - SUMS - MANY <= {"docs", "docs/errors", "schema"}, "of one, of many, or of sums?"
    for path in ("reports/tables/members-standing?format=csv", "reports/tables/loan-portfolio?format=xlsx"):
        answer = stale.root.get(path)
        assert _code(answer) in {ASKED, "not-found"}, path


ACTS = [
    ("identity_user_invite", "GET", None, {}),
    ("identity_user_roles", "GET", "user_id", {}),
    ("identity_role_permissions", "GET", "role_id", {}),
    ("identity_role_limit", "GET", "role_id", {}),
    ("audit_auditevent_export", "GET", None, {}),
    ("audit_export_file", "GET", "export_id", {}),
    ("accounts_termdeposit_act", "POST", "term_deposit_id", {"action": "break", "version": "1"}),
    ("accounts_dividend_act", "POST", "dividend_id", {"action": "pay", "version": "1"}),
    ("accounts_account_close", "POST", "account_id", {"version": "1", "reason": "Leaves"}),
    ("payments_chequedeposit_return", "POST", "cheque_id", {"version": "1", "reason": "Bounced"}),
]


def test_the_staff_site_asks_as_well(measured: Bank) -> None:
    browser = Client(raise_request_exception=False)
    browser.force_login(measured.root.user)
    session = browser.session
    session["numina_verified"] = 0
    session.save()
    form = "/admin/accounts/account/1/"
    faults = []
    for name, method, ident, data in ACTS:
        url = reverse(f"admin:{name}", args=[measured.ids[ident]] if ident else [])
        with undone():
            answer = browser.generic(method, url, headers={"Referer": f"http://testserver{form}"}) if not data else (
                browser.post(url, data, headers={"Referer": f"http://testserver{form}"})
            )  # fmt: skip
        place = answer.headers.get("Location", "")
        if not place.startswith(reverse("admin:security_confirm")):
            faults.append(f"{method} {name}: {answer.status_code} {place}")
        elif data and not place.endswith("next=%2Fadmin%2Faccounts%2Faccount%2F1%2F"):
            faults.append(f"{method} {name}: does not lead back to its form, but to {place}")
    assert not faults, "\n".join(faults)


def test_the_pages_that_change_rights_are_behind_the_gate(settings: Any) -> None:
    """A page that hangs on a user, a role or the trail and is not one that only shows."""
    shows = {"change", "changelist", "history", "add", "delete"}
    names = {
        getattr(pattern, "name", "") or ""
        for pattern in _admin_patterns()
    }  # fmt: skip
    acts = {
        name
        for name in names
        if name.startswith(("identity_user_", "identity_role_", "audit_auditevent_", "audit_export_"))
        and name.rpartition("_")[2] not in shows
    }
    assert acts <= settings.NUMINA["STAFF_DANGEROUS"], sorted(acts - settings.NUMINA["STAFF_DANGEROUS"])


def _admin_patterns() -> Any:
    from django.contrib import admin

    def walk(patterns: Any) -> Any:
        for one in patterns:
            if hasattr(one, "url_patterns"):
                yield from walk(one.url_patterns)
            else:
                yield one

    return walk(admin.site.get_urls())
