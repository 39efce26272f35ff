"""The API against its own description: whatever is sent, every answer is one that the OpenAPI document announces.

Requests go through the WSGI application with all of its middleware. Examples are derived from the document and from
nothing else, the same in every run.
"""

from __future__ import annotations

import functools
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

from config.wsgi import application
from tests.security.conftest import Bank, undone
from tests.security.routes import Route, operations

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


def test_every_route_is_described() -> None:
    described = {(path, method.upper()) for path, item in api().raw_schema["paths"].items() for method in item}

    assert {(route.template, method) for route, method in OPERATIONS} == described
