"""What is open, and to whom: walked from the URL patterns, so that a new route cannot be forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.core.api.permissions import ANY_USER, HasPermission
from apps.identity.permissions import PERMISSIONS
from tests.security.routes import METHODS, Route, all_patterns, api_routes, operations

SNAPSHOT = Path(__file__).with_name("urls.txt")

PUBLIC = {
    "api/v1/health/live",
    "api/v1/health/ready",
    "api/v1/schema",
    "api/v1/docs",
    "api/v1/docs/errors",
    "api/v1/auth/register",
    "api/v1/auth/login",
    "api/v1/auth/refresh",
    "api/v1/auth/mfa/code",  # the four below take a token that only its owner got
    "api/v1/auth/mfa/verify",
    "api/v1/auth/password/reset",
    "api/v1/auth/email/confirm",
    "api/v1/auth/password/forgotten",  # answer the same whoever asks for whom; limited
    "api/v1/auth/email/resend",
    "api/v1/statements/verify",
    "api/v1/notifications/reports/<slug:provider>",  # signed by the provider's secret
    "api/v1/reports/links/<str:token>",  # signed by us, for one person and three days
}
"""Open to the world, each on purpose. Adding a line here is a decision about security."""

ANY_USERS = {
    "api/v1/auth/logout",
    "api/v1/auth/factors",
    "api/v1/auth/factors/<uuid:factor_id>",
    "api/v1/auth/factors/<uuid:factor_id>/confirmation",
    "api/v1/auth/password/change",
    "api/v1/auth/recovery-codes",
    "api/v1/auth/sessions",
    "api/v1/auth/sessions/<uuid:session_id>",
    "api/v1/auth/sessions/end-others",
    "api/v1/auth/step-up",
    "api/v1/auth/step-up/verify",
    "api/v1/users/me",
    "api/v1/branches",
    "api/v1/jobs",
    "api/v1/jobs/<uuid:job_id>",
    "api/v1/ledger/business-date",
    "api/v1/notifications",
    "api/v1/notifications/<uuid:notification_id>",
    "api/v1/notifications/<uuid:notification_id>/read",
    "api/v1/notifications/preferences",
    "api/v1/notifications/push-key",
    "api/v1/notifications/read",
    "api/v1/notifications/rhythm",
    "api/v1/notifications/subscriptions",
    "api/v1/notifications/subscriptions/<uuid:subscription_id>",
    "api/v1/notifications/unread",
}
"""Open to whoever is logged in: one's own things, and what every user of a bank needs to know."""


ASKS_FOR_MORE = {"api/v1/reports/tables/<slug:code>"}
"""Each list has a permission of its own besides that of the operation."""


def test_the_list_of_urls_is_the_reviewed_one() -> None:
    present = [f"{', '.join(_methods(path, view)):<12} {path}" for path, view in sorted(all_patterns(), key=_path)]
    reviewed = SNAPSHOT.read_text().splitlines()

    assert present == reviewed, (
        "the URLs changed: review each new one, then write tests/security/urls.txt anew:\n"
        + "\n".join([f"+ {line}" for line in present if line not in reviewed])
        + "\n".join([f"- {line}" for line in reviewed if line not in present])
    )


def _path(entry: tuple[str, Any]) -> str:
    return entry[0]


def _methods(path: str, view: Any) -> list[str]:
    return Route(path, view).methods if path.startswith("api/v1/") else ["page"]


def test_every_operation_names_its_permission() -> None:
    faults = []
    for route, method in operations():
        if route.pattern in PUBLIC:
            continue
        code = getattr(route.view, "permissions", {}).get(method)
        if code == ANY_USER and route.pattern in ANY_USERS:
            continue
        if code not in PERMISSIONS:
            faults.append(f"{method} {route.pattern}: {code}")
        if HasPermission not in route.view.permission_classes or route.view.public:
            faults.append(f"{method} {route.pattern}: does not check it")
    assert not faults, "\n".join(faults)


def test_what_is_whitelisted_exists() -> None:
    assert {route.pattern for route in api_routes()} >= PUBLIC | ANY_USERS


@pytest.mark.parametrize("method", METHODS)
def test_nobody_gets_in_without_a_token(method: str, db: None) -> None:
    faults = []
    for route in api_routes():
        if route.pattern in PUBLIC:
            continue
        some = "019a9d0c-4d1e-7c5e-8f3b-2a1d0c9b8a7f"
        ids = {name: "2020" if f"<int:{name}>" in route.pattern else some for name in route.parameters}
        response = Client().generic(method, route.url(ids), b"{}", "application/json")
        expected = 401 if method in route.methods else 405
        if response.status_code not in {expected, 401}:
            faults.append(f"{method} {route.pattern}: {response.status_code}")
    assert not faults, "\n".join(faults)


def test_a_user_without_the_permission_is_refused_everywhere(bank: Any, api_with: Any) -> None:
    faults = []
    nobody = api_with(scope="all")
    for route, method in operations():
        if route.pattern in PUBLIC | ANY_USERS:
            continue
        response = bank.send(nobody, route, method, bank.body(route, method) or None)
        if response.status_code != 403 or response.json()["code"] != "permission-denied":
            faults.append(f"{method} {route.pattern}: {response.status_code}")
    assert not faults, "\n".join(faults)


def test_each_permission_opens_its_own_operations_and_no_other(bank: Any, api_with: Any) -> None:
    """An operation opens with its code alone, and not with all the others together."""
    faults = []
    for code in sorted(PERMISSIONS):
        others = api_with(*(PERMISSIONS.keys() - {code}), scope="all", branch=bank.branch)
        own = api_with(code, scope="all", branch=bank.branch).step_up()
        for client, opens in ((own, True), (others, False)):
            for route, method in operations():
                if route.pattern in PUBLIC | ANY_USERS | ASKS_FOR_MORE or route.view.permissions[method] != code:
                    continue
                response = bank.send(client, route, method, {"unknown": 1} if method != "GET" else None)
                if opens == (response.status_code == 403):
                    faults.append(f"{code}: {method} {route.pattern} answers {response.status_code}")
    assert not faults, "\n".join(faults)


def test_a_session_of_the_staff_site_does_not_open_the_api(bank: Any) -> None:
    browser = Client()
    browser.force_login(bank.root.user)
    faults = []
    for route, method in operations():
        if route.pattern in PUBLIC:
            continue
        response = bank.send(browser, route, method, bank.body(route, method) or None)
        if response.status_code != 401:
            faults.append(f"{method} {route.pattern}: {response.status_code}")
    assert not faults, "\n".join(faults)


def test_no_debug_routes() -> None:
    paths = [path for path, _ in all_patterns()]

    assert not [path for path in paths if any(word in path for word in ("debug", "__", "silk", "test", "toolbar"))]
