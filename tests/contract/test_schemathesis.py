"""The API against its own description: whatever is sent, every answer is one that the OpenAPI document announces.

Requests go through the WSGI application with all of its middleware. Examples are derived from the document and from
nothing else, the same in every run.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from apps.core.api.permissions import ANY_USER
from config.wsgi import application
from tests.conftest import ApiClient
from tests.factories.identity import user_make
from tests.security.conftest import Bank, undone
from tests.security.routes import Route, operations

pytestmark = pytest.mark.no_cover  # twelve requests an operation, and the making of them

EXAMPLES = 12
CHECKED = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
PAGES = {"api/v1/schema", "api/v1/docs", "api/v1/docs/errors"}
"""Not operations of the API: the description itself and what people read."""

NOTHING_TO_VARY = {"api/v1/health/live", "api/v1/health/ready", "api/v1/reports/links/<str:token>"}
"""Neither a body nor a token, and no parameter but any text: there is no request that is otherwise than described."""

OPERATIONS = [(route, method) for route, method in operations() if route.pattern not in PAGES]
ROLES = {
    role["code"]: (role["scope"], role["permissions"])
    for role in json.loads(Path("fixtures/roles.json").read_text(encoding="utf-8"))
}
"""(scope, permissions) of each role that a new bank has."""

EVERY = pytest.mark.parametrize(
    ("route", "method"), OPERATIONS, ids=[f"{method} {route.template}" for route, method in OPERATIONS]
)
QUIET = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


@functools.cache
def api() -> Any:
    return schemathesis.openapi.from_wsgi("/api/v1/schema?format=json", application)


def _called(case: Any, bank: Bank) -> None:
    """Call and check; whatever it did is undone."""
    with undone():
        response = case.call(headers={"Authorization": f"Bearer {bank.root.access}"})
    case.validate_response(response, checks=CHECKED)


@EVERY
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["as-described", "otherwise"])
def test_every_answer_is_announced(route: Route, method: str, mode: GenerationMode, bank: Bank) -> None:
    if mode is GenerationMode.NEGATIVE and route.pattern in NOTHING_TO_VARY:
        return
    cases = api()[route.template][method].as_strategy(generation_mode=mode)

    @QUIET
    @given(case=cases, ours=st.booleans())
    def run(case: Any, ours: bool) -> None:
        if ours and case.path_parameters:
            case.path_parameters = {name: str(bank.ids[name]) for name in route.parameters}
        _called(case, bank)

    run()


@EVERY
def test_what_succeeds_is_as_described(route: Route, method: str, bank: Bank) -> None:
    case = api()[route.template][method].Case(
        path_parameters={name: str(bank.ids[name]) for name in route.parameters},
        headers=bank.headers(route, method),
        **_body(bank, route, method),
    )

    _called(case, bank)


def _body(bank: Bank, route: Route, method: str) -> dict[str, Any]:
    if route.template.endswith("/imports/transactions") and method == "POST":
        return {"body": b"external_id,account_number\n", "media_type": "text/csv"}
    body = bank.body(route, method)
    return {"body": body, "media_type": "application/json"} if body else {}


@pytest.mark.parametrize("role", sorted(ROLES))
def test_each_role_is_answered_as_announced(role: str, bank: Bank) -> None:
    """As root everything above is open. A role meets refusals and records out of reach: they are announced too."""
    scope, permissions = ROLES[role]
    staff = scope != "own"
    caller = ApiClient(user_make(*permissions, scope=scope, is_staff=staff, branch=bank.branch if staff else None))
    caller.step_up()
    asked = [(route, method) for route, method in OPERATIONS if route.view is not None and not route.view.public]
    open_to = [one for one in asked if one[0].view.permissions.get(one[1]) in permissions]
    closed = [one for one in asked if one not in open_to and one[0].view.permissions.get(one[1]) != ANY_USER]
    for route, method in [*_some(open_to, 8, role), *_some(closed, 3, role)]:
        cases = api()[route.template][method].as_strategy(generation_mode=GenerationMode.POSITIVE)
        status = _as_role(cases, caller, {name: str(bank.ids[name]) for name in route.parameters})
        assert (route, method) in open_to or status & {400, 401, 403, 404, 415} == status, route.template


def _some(operations: list[Any], most: int, role: str) -> list[Any]:
    """At most so many, spread over the list and other ones for each role: the same in every run."""
    step = max(1, len(operations) // most)
    return operations[sorted(ROLES).index(role) % step :: step][:most]


def _as_role(cases: Any, caller: ApiClient, ours: dict[str, str]) -> set[int]:
    """Two requests; the statuses of their answers."""
    met = set()

    @settings(QUIET, max_examples=2)
    @given(case=cases)
    def run(case: Any) -> None:
        if ours:
            case.path_parameters = ours
        with undone():
            response = case.call(headers={"Authorization": f"Bearer {caller.access}"})
        case.validate_response(response, checks=CHECKED)
        met.add(response.status_code)

    run()
    return met


def test_every_route_is_described() -> None:
    described = {(path, method.upper()) for path, item in api().raw_schema["paths"].items() for method in item}

    assert {(route.template, method) for route, method in OPERATIONS} == described
