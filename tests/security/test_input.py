"""Hostile paths, parameters, headers and methods: refused with a 4xx that says why, and never a 5xx."""

from __future__ import annotations

from itertools import count, product

import pytest

from apps.core.api.lean import MoneyView
from tests.security.conftest import Bank
from tests.security.routes import (
    INJECTIONS,
    api_routes,
    fault,
    named,
    operations,
    query_parameters,
    turn,
)

# These send thousands of requests; the lines behind them are measured by the tests that look at the answers.
pytestmark = pytest.mark.no_cover
PAGES = {"docs", "docs/errors"}


QUERIES = ["unknown=1", "a__b=1", "sort=password", "sort=branch__code", "limit=1000000000", "id=1", "limit[]=1"]


def test_unknown_parameters_are_refused_by_every_operation(bank: Bank) -> None:
    faults = []
    for (route, method), query in product(operations(), QUERIES):
        if named(route) in PAGES:
            continue  # for people, who may come by any link
        response = bank.send(bank.root, route, method, bank.body(route, method) or None, query=f"?{query}")
        if response.status_code != 400:
            faults.append(fault(method, route, query, response))
    assert not faults, "\n".join(faults)


LIMITS = ["0", "-1", "1e3", "1.5", "", "٣", "1_0", " 1", "0x10", "9" * 400]


def test_limits_that_are_no_limits_are_refused_by_every_list(bank: Bank) -> None:
    faults = []
    for route, limit in product(api_routes(), LIMITS):
        if "limit" in query_parameters(route):
            response = bank.send(bank.root, route, "GET", query=f"?limit={limit}")
            if response.status_code != 400:
                faults.append(fault("GET", route, limit, response))
    assert not faults, "\n".join(faults)


def test_every_list_opens_in_every_order_and_page_by_page(bank: Bank) -> None:
    faults = []
    for route in api_routes():
        parameters = query_parameters(route)
        for sort in parameters.get("sort", {}).get("enum", []):
            response = bank.send(bank.root, route, "GET", query=f"?sort={sort}&limit=1")
            if response.status_code == 200 and (cursor := response.json()["next_cursor"]):
                response = bank.send(bank.root, route, "GET", query=f"?sort={sort}&limit=1&cursor={cursor}")
            if response.status_code != 200:
                faults.append(fault("GET", route, sort, response))
    assert not faults, "\n".join(faults)


CURSORS = ["x", "%00", "bnVsbA", "W10", "WzEsMl0", "{}", "🦊", "a" * 1024, "a" * 100_000]


def test_cursors_that_are_not_ours_are_refused_by_every_list(bank: Bank) -> None:
    faults = []
    for route, cursor in product(api_routes(), CURSORS):
        if "cursor" in query_parameters(route):
            response = bank.send(bank.root, route, "GET", query=f"?cursor={cursor}")
            if response.status_code != 400:
                faults.append(fault("GET", route, cursor, response))
    assert not faults, "\n".join(faults)


def test_a_parameter_that_comes_twice_is_refused(bank: Bank) -> None:
    faults = []
    for route in api_routes():
        for name in query_parameters(route):
            response = bank.send(bank.root, route, "GET", query=f"?{name}=1&{name}=2")
            if response.status_code != 400:
                faults.append(fault("GET", route, name, response))
    assert not faults, "\n".join(faults)


def test_injections_in_every_parameter(bank: Bank) -> None:
    from urllib.parse import quote

    faults, places = [], count()
    for route in api_routes():
        for name, schema in query_parameters(route).items():
            if schema.get("type") != "string":
                continue
            for text in turn(INJECTIONS, next(places), 6):
                response = bank.send(bank.root, route, "GET", query=f"?{name}={quote(text)}")
                if response.status_code >= 500:
                    faults.append(fault("GET", route, (name, text), response))
                elif response["Content-Type"].startswith("text/html"):
                    faults.append(fault("GET", route, "answers in HTML", response))
            for raw in ("%00", "a%00b", "%ed%a0%80", "%ff%fe", "%c0%af"):
                response = bank.send(bank.root, route, "GET", query=f"?{name}={raw}")
                if (response.status_code != 400 and raw in {"%00", "a%00b"}) or response.status_code >= 500:
                    faults.append(fault("GET", route, (name, raw), response))
    assert not faults, "\n".join(faults)


OVERRIDES = ["DELETE", "PATCH", "GET"]


def test_methods_cannot_be_overridden(bank: Bank) -> None:
    faults = []
    for route, override in product(api_routes(), OVERRIDES):
        if route.view is None:
            continue
        for method in ("GET", "POST"):
            if method in route.methods:
                continue
            headers = dict.fromkeys(("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"), override)
            response = bank.send(bank.root, route, method, headers=headers)
            if response.status_code != 405 or response["Allow"].split(", ")[0] not in {*route.methods, "HEAD"}:
                faults.append(fault(method, route, override, response))
    assert not faults, "\n".join(faults)


OTHER_METHODS = ["TRACE", "OPTIONS", "CONNECT", "DELETE", "PUT", "FOO"]


def test_other_methods_are_refused(bank: Bank) -> None:
    faults = []
    for route, method in product(api_routes(), OTHER_METHODS):
        if method not in route.methods:
            response = bank.send(bank.root, route, method)
            if response.status_code != 405:
                faults.append(fault(method, route, "", response))
    assert not faults, "\n".join(faults)


NO_IDS = [
    "x",
    "1",
    "-1",
    "0",
    "%00",
    "..",
    "..%2f..",
    "%2e%2e",
    "1'--",
    "019a9d0c4d1e7c5e8f3b2a1d0c9b8a7f",
    "null",
    "%F0%9F%A6%8A",
    "%ff",
    "{019a9d0c-4d1e-7c5e-8f3b-2a1d0c9b8a7f}",
    "019a9d0c-4d1e-7c5e-8f3b-2a1d0c9b8a7f%0a",
    "x" * 4_000,
    "%ed%a0%80",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
]


def test_ids_that_are_no_ids_are_not_found(bank: Bank) -> None:
    faults = []
    for (route, method), ident in product(operations(), NO_IDS):
        if route.parameters:
            url = route.url(dict.fromkeys(route.parameters, ident))
            response = bank.send(bank.root, route, method, bank.body(route, method) or None, url=url)
            if response.status_code != 404 or response["Content-Type"] != "application/problem+json":
                faults.append(fault(method, route, ident, response))
    assert not faults, "\n".join(faults)


NO_HEADERS = [
    {"Idempotency-Key": ""},
    {"Idempotency-Key": "x" * 256},
    {"Idempotency-Key": "a b"},
    {"Idempotency-Key": "é"},
    {"If-Match": "*"},
    {"If-Match": "1"},
    {"If-Match": 'W/"1"'},
    {"If-Match": '"1", "2"'},
    {"If-Match": '"99999999999"'},
    {"If-Match": '"9999999999"'},
]


def test_headers_that_are_demanded_are_read_strictly(bank: Bank) -> None:
    faults = []
    for (route, method), headers in product(operations("POST", "PUT", "PATCH"), NO_HEADERS):
        (name,) = headers
        if name in bank.headers(route, method):
            response = bank.send(bank.root, route, method, bank.body(route, method) or None, headers=headers)
            if not 400 <= response.status_code < 500:
                faults.append(fault(method, route, headers, response))
    assert not faults, "\n".join(faults)


ACCEPTED = ["text/html", "application/xml", "image/*", "garbage", "application/json;q=0", "*" * 5_000]


def test_answers_never_become_html(bank: Bank) -> None:
    faults = []
    for (route, method), accept in product(operations("GET"), ACCEPTED):
        if route.view is not None and not issubclass(route.view, MoneyView):
            response = bank.send(bank.root, route, method, headers={"Accept": accept})
            kind = response["Content-Type"]
            if response.status_code >= 500 or "html" in kind:
                faults.append(fault(method, route, accept, response))
    assert not faults, "\n".join(faults)


NO_TOKENS = [
    "",
    "Bearer",
    "Bearer ",
    "Bearer x",
    "Bearer a.b.c",
    "Basic YTpi",
    "Bearer \x00",
    "bearer é",
    "Bearer " + "x" * 100_000,
    "Bearer eyJhbGciOiJub25lIn0.e30.",
    "Bearer a b",
]


def test_tokens_that_are_no_tokens_get_401(bank: Bank) -> None:
    faults = []
    for (route, method), token in product(operations(), NO_TOKENS):
        if route.view is None or route.view.public:
            continue
        response = bank.send(bank.root, route, method, headers={"Authorization": token})
        if response.status_code != 401:
            faults.append(fault(method, route, token[:30], response))
    assert not faults, "\n".join(faults)
