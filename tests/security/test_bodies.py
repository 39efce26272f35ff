"""Hostile bodies to every operation: refused with a 4xx that says why, and never a 5xx."""

from __future__ import annotations

import json
from itertools import count, product
from typing import Any

import pytest

from tests.security.conftest import Bank
from tests.security.routes import (
    INJECTIONS,
    api_routes,
    body_fields,
    fault,
    json_operations,
    named,
    query_parameters,
    turn,
    with_bodies,
    with_value,
)

# These send thousands of requests; the lines behind them are measured by the tests that look at the answers.
pytestmark = pytest.mark.no_cover
NUL_AND_SURROGATES = ['"a\\u0000b"', '"\\ud800"', '"a\\udfff"', '"\\ude00\\ud83d"', '"a\x00b"']
MASS = {"balance": "1000000.00", "status": "active", "is_staff": True, "approved_by": "me", "version": 9, "id": "1"}


def test_unknown_fields_are_refused_by_every_operation(bank: Bank) -> None:
    faults = []
    for route, method in json_operations():
        known = {path[0] for path, _ in body_fields(route, method)}
        extra = {name: value for name, value in MASS.items() if name not in known}
        response = bank.send(bank.root, route, method, {**bank.body(route, method), **extra})
        problem = response.json()
        said = {one["pointer"]: one["code"] for one in problem.get("errors", [])}
        if response.status_code != 400 or said != {**said, **{f"/{name}": "unknown-field" for name in extra}}:
            faults.append(fault(method, route, "mass assignment", response))
    assert not faults, "\n".join(faults)


def test_unknown_fields_are_refused_at_every_depth(bank: Bank) -> None:
    faults = []
    for route, method in with_bodies():
        for parent in {path[:-1] for path, _ in body_fields(route, method) if len(path) > 1 and path[-1] != 0}:
            response = bank.send(
                bank.root, route, method, with_value(bank.body(route, method), (*parent, "balance"), "9")
            )
            codes = {one["code"] for one in response.json().get("errors", [])}
            if response.status_code != 400 or "unknown-field" not in codes:
                faults.append(fault(method, route, parent, response))
    assert not faults, "\n".join(faults)


def test_injections_in_every_text_of_every_body(bank: Bank) -> None:
    faults, places = [], count()
    for route, method in with_bodies():
        for path, schema in body_fields(route, method):
            if schema.get("type") != "string":
                continue
            for text in turn(INJECTIONS, next(places), 6):
                body = with_value(bank.body(route, method), path, text)
                response = bank.send(bank.root, route, method, body)
                if response.status_code >= 500:
                    faults.append(fault(method, route, (path, text), response))
    assert not faults, "\n".join(faults)


def test_values_of_the_wrong_kind_in_every_field(bank: Bank) -> None:
    wrong: list[Any] = [None, True, False, 0, -1, 1.5, 10**18, [], [[]], {}, {"a": 1}, ["x"], "", "0", "x" * 10_000]
    faults, places = [], count()
    for route, method in with_bodies():
        paths = [path for path, _ in body_fields(route, method)]
        for place in dict.fromkeys(path[:depth] for path in paths for depth in range(1, len(path) + 1)):
            for value in turn(wrong, next(places), 5):
                response = bank.send(bank.root, route, method, with_value(bank.body(route, method), place, value))
                if response.status_code >= 500:
                    faults.append(fault(method, route, (place, value), response))
    assert not faults, "\n".join(faults)


def test_nul_and_surrogates_in_every_text_of_every_body(bank: Bank) -> None:
    faults = []
    for route, method in with_bodies():
        for path, schema in body_fields(route, method):
            if schema.get("type") != "string":
                continue
            for spelling in NUL_AND_SURROGATES:
                mark = "here-it-comes"
                body = json.dumps(with_value(bank.body(route, method), path, mark)).replace(f'"{mark}"', spelling)
                response = bank.send(bank.root, route, method, body)
                if response.status_code != 400:
                    faults.append(fault(method, route, (path, spelling), response))
    assert not faults, "\n".join(faults)


def test_nul_and_surrogates_in_the_names_of_fields(bank: Bank) -> None:
    faults = []
    for route, method in with_bodies():
        for spelling in NUL_AND_SURROGATES:
            whole = json.dumps(bank.body(route, method) or {"a": 1})
            response = bank.send(bank.root, route, method, whole[:-1] + f", {spelling}: 1}}")
            if response.status_code != 400:
                faults.append(fault(method, route, spelling, response))
    assert not faults, "\n".join(faults)


def test_keys_that_come_twice_are_refused_by_every_operation(bank: Bank) -> None:
    faults = []
    for route, method in with_bodies():
        bodies = [bank.body(route, method) or {"refresh": "x"}]
        if named(route) == "transfer-batches":
            bodies += [{**bodies[0], "mode": mode} for mode in ("independent", "atomic")]
        for body in bodies:
            for text in _doubled(body):
                response = bank.send(bank.root, route, method, text)
                if response.status_code != 400 or response.json()["code"] != "malformed-body":
                    faults.append(fault(method, route, text, response))
    assert not faults, "\n".join(faults)


def _doubled(body: Any) -> list[str]:
    """The body as JSON, once for each key in it at any depth, with that key twice; also spelt with an escape."""
    found = []
    for path in _keys(body):
        mark = "here-it-comes"
        place = body
        for part in path:
            place = place[part]
        text = json.dumps(with_value(body, path, mark))
        name, value = json.dumps(path[-1]), json.dumps(place)
        escaped = f'"\\u{ord(path[-1][0]):04x}{path[-1][1:]}"'
        for first, second in ((name, name), (name, escaped)):
            found.append(text.replace(f'{name}: "{mark}"', f"{first}: {value}, {second}: {value}"))
    return found


def _keys(value: Any, above: tuple[str | int, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [path for name, inner in value.items() for path in [(*above, name), *_keys(inner, (*above, name))]]
    if isinstance(value, list):
        return [path for index, inner in enumerate(value) for path in _keys(inner, (*above, index))]
    return []


NO_OBJECTS = [
    b"",
    b"{",
    b"[]",
    b"1",
    b"null",
    b'"x"',
    b"{}{}",
    b"{'a': 1}",
    b'{"a": NaN}',
    b'{"a": 1e999999}',
    b'{"a": -Infinity}',
    b'{"a": ' + b"9" * 5_000 + b"}",
    b'{"a": 0.' + b"9" * 5_000 + b"}",
    b"\xff\xfe{}",
    b"\xef\xbb\xbf{}",
    b"\x00",
    '{"a": 1}'.encode("utf-16"),
    b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    b"[" * 100_000,
]


def test_bodies_that_are_no_json_object_are_refused(bank: Bank) -> None:
    faults = []
    asked = [(one, body) for place, one in enumerate(with_bodies()) for body in turn(NO_OBJECTS, place, 5)]
    for (route, method), body in asked:
        response = bank.send(bank.root, route, method, body)
        nothing_needed = not body and named(route) in {
            "auth/logout",
            "approvals/{approval_id}/cancellation",
            "approvals/{approval_id}/escalation",
            "approvals/delegations/{delegation_id}/revocation",
            "approvals/policies/{policy_id}/activation",
            "approvals/policies/{policy_id}/withdrawal",
            "audit/verifications",
            "ledger/journal-entries/{transaction_id}/reversal",
            "loan-applications/{application_id}/withdrawal",
            "holds/{hold_id}/capture",
            "authorisations/{authorisation_id}/capture",
            "tills/{till_id}",
            "standing-instructions/{instruction_id}",
            "term-deposits/{term_deposit_id}/break",
            "term-deposits/{term_deposit_id}/break-preview",
            "dividends/{dividend_id}/payment",
            "pending-payments/{pending_id}/signature",
            "loan-collateral/{collateral_id}/release",
            "loan-guarantors/{guarantor_id}/release",
            "reports/years/{year}/close",
            "budgets/{budget_id}/activation",
        }
        if not (400 <= response.status_code < 500) and not nothing_needed:
            faults.append(fault(method, route, body[:20], response))
    assert not faults, "\n".join(faults)


MEDIA_TYPES = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "text/json",
    "application/json; charset=utf-16",
    "application/json; charset=latin-1",
    "application/jsonp",
    "text/html",
    "image/png",
    "application/json/x",
]


def test_other_media_types_are_refused(bank: Bank) -> None:
    faults = []
    for (route, method), content_type in product(with_bodies(), MEDIA_TYPES):
        body = bank.body(route, method) or {"refresh": "x"}
        response = bank.send(bank.root, route, method, body, content_type=content_type)
        if response.status_code != 415:
            faults.append(fault(method, route, content_type, response))
    assert not faults, "\n".join(faults)


def test_compressed_bodies_are_refused(bank: Bank) -> None:
    faults = []
    for route, method in with_bodies():
        body = bank.body(route, method) or {"refresh": "x"}
        response = bank.send(bank.root, route, method, body, headers={"Content-Encoding": "gzip"})
        if response.status_code != 415:
            faults.append(fault(method, route, "gzip", response))
    assert not faults, "\n".join(faults)


def test_huge_bodies_are_refused(bank: Bank) -> None:
    faults = []
    for route, method in with_bodies():
        limit = getattr(route.view, "max_body_bytes", None) or 1024 * 1024
        response = bank.send(bank.root, route, method, b'{"a": "' + b"x" * limit + b'"}')
        if response.status_code != 413:
            faults.append(fault(method, route, "huge", response))
    assert not faults, "\n".join(faults)


DATES = ["0000-01-01", "0001-01-01", "9999-12-31", "10000-01-01", "2026-02-29", "2026-13-01", "2026-00-10", "2026-1-1",
         "20260101", "2026-01-01T00:00:00Z",
         "٢٠٢٦-٠١-٠١", "-2026-01-01", "2026-W01-1", "now", "1900-02-29", ""]  # fmt: skip
TIMES = ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00",
         "2026-02-29T00:00:00Z", "2026-01-01T25:00:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00", "1700000000",
         "2026-01-01T00:00:00+99:99", "2026-01-01 00:00:00Z"]  # fmt: skip


def test_days_that_do_not_exist_are_refused_in_every_field(bank: Bank) -> None:
    faults = []
    for route, method in with_bodies():
        for path, schema in body_fields(route, method):
            for text in {"date": DATES, "date-time": TIMES}.get(schema.get("format", ""), []):
                response = bank.send(bank.root, route, method, with_value(bank.body(route, method), path, text))
                if response.status_code != 400:
                    faults.append(fault(method, route, (path, text), response))
    for route in api_routes():
        for name, schema in query_parameters(route).items():
            for text in {"date": DATES, "date-time": TIMES}.get(schema.get("format", ""), []):
                response = bank.send(bank.root, route, "GET", query=f"?{name}={text.replace('+', '%2B')}")
                if response.status_code != 400:
                    faults.append(fault("GET", route, (name, text), response))
    assert not faults, "\n".join(faults)


EDGES = ["2024-02-29", "1900-01-01", "2200-12-31"]


def test_days_at_the_edge_are_answered(bank: Bank) -> None:
    faults = []
    for (route, method), day in product(with_bodies(), EDGES):
        for path, schema in body_fields(route, method):
            if schema.get("format") == "date":
                response = bank.send(bank.root, route, method, with_value(bank.body(route, method), path, day))
                if response.status_code >= 500:
                    faults.append(fault(method, route, (path, day), response))
    for route, day in product(api_routes(), EDGES):
        for name, schema in query_parameters(route).items():
            if schema.get("format") in {"date", "date-time"}:
                text = day if schema["format"] == "date" else f"{day}T00:00:00Z"
                response = bank.send(bank.root, route, "GET", query=f"?{name}={text}")
                if response.status_code >= 500:
                    faults.append(fault("GET", route, (name, text), response))
    assert not faults, "\n".join(faults)
