"""The API as its URL patterns have it, and as its OpenAPI document has it: what the tests of this folder walk."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.urls import URLPattern, URLResolver, get_resolver

from apps.core.api.docs import schema_bytes

INJECTIONS = [
    "';--",
    "' OR 1=1 --",
    "\\'; DROP TABLE ledger_journal; --",
    "{{7*7}}",
    "{% debug %}",
    "${7*7}",
    "%s%n%(x)s",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "../../etc/passwd",
    "%00",
    "a\\u0000b",
    "=cmd|'/c calc'!A1",
    "\u202eevil",
    "\u200b",
    "\ufb01",
    "\U0001f600" * 50,
    "ı",
    "x" * 5_000,
    "a:b & c | !d <-> (e)",
    "%",
    "_",
    "*",
    "",
    " ",
]
T = TypeVar("T")


def turn(values: Sequence[T], place: int, number: int) -> list[T]:
    """`number` of the values, at each place the next ones: all are tried many times, and none everywhere."""
    start = place * number
    return [values[(start + step) % len(values)] for step in range(min(number, len(values)))]


METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
API_ROOT = "api/v1/"
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Route:
    """A URL pattern below /api/v1/ with its view class, or its plain function where it has none."""

    pattern: str
    callback: Any

    @property
    def view(self) -> Any:
        return getattr(self.callback, "cls", None)

    @property
    def parameters(self) -> list[str]:
        return _PARAMETER.findall(self.pattern)

    @property
    def methods(self) -> list[str]:
        if self.view is None:
            return ["GET"]
        return [name for name in METHODS if hasattr(self.view, name.lower())]

    @property
    def template(self) -> str:
        """As OpenAPI writes it: /api/v1/members/{member_id}."""
        return "/" + _PARAMETER.sub(r"{\1}", self.pattern)

    def url(self, ids: dict[str, Any]) -> str:
        return "/" + _PARAMETER.sub(lambda found: str(ids[found[1]]), self.pattern)


def all_patterns(resolver: Any = None, above: str = "") -> Iterator[tuple[str, Any]]:
    """Every URL pattern of the site with its view."""
    for entry in (resolver or get_resolver()).url_patterns:
        path = above + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from all_patterns(entry, path)
        elif isinstance(entry, URLPattern):
            yield path, entry.callback


def api_routes() -> list[Route]:
    return [Route(path, callback) for path, callback in all_patterns() if path.startswith(API_ROOT)]


def operations(*methods: str) -> list[tuple[Route, str]]:
    """(route, method) of all operations, or of those with one of the methods."""
    return [(route, name) for route in api_routes() for name in route.methods if not methods or name in methods]


@functools.cache
def document() -> dict[str, Any]:
    """The OpenAPI document."""
    made: dict[str, Any] = json.loads(schema_bytes("json"))
    return made


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without its outermost references."""
    while "$ref" in schema or len(schema.get("allOf", [])) == 1:
        if "$ref" in schema:
            target: Any = document()
            for part in schema["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            schema = target
        else:
            schema = schema["allOf"][0]
    return schema


def query_parameters(route: Route, method: str = "GET") -> dict[str, dict[str, Any]]:
    """The schemas of the operation's query parameters by name."""
    operation = document()["paths"].get(route.template, {}).get(method.lower(), {})
    found = operation.get("parameters", [])
    return {one["name"]: resolved(one["schema"]) for one in found if one["in"] == "query"}


def body_fields(route: Route, method: str) -> list[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """(path, schema) of all scalar fields of the operation's JSON body; the first item stands for each list."""
    operation = document()["paths"][route.template][method.lower()]
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return []
    return list(_scalars(content["application/json"]["schema"], ()))


def _scalars(
    schema: dict[str, Any], path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    schema = resolved(schema)
    if schema.get("type") == "object":
        for name, inner in schema.get("properties", {}).items():
            yield from _scalars(inner, (*path, name))
    elif schema.get("type") == "array":
        yield from _scalars(schema["items"], (*path, 0))
    else:
        yield path, schema


def with_value(body: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """A copy of the body with one value replaced; what is missing on the way is made."""
    import copy

    made: Any = copy.deepcopy(body)
    place = made
    for part, following in zip(path, (*path[1:], None), strict=True):
        if following is None:
            if isinstance(part, int) and len(place) <= part:
                place.append(value)
            else:
                place[part] = value
        elif isinstance(part, int):
            if len(place) <= part:
                place.append([] if isinstance(following, int) else {})
            place = place[part]
        else:
            fresh: Any = [] if isinstance(following, int) else {}
            if part not in place or place[part] is None:
                place[part] = fresh
            place = place[part]
    return dict(made)


NO_BODY = {
    "holds/{hold_id}/release",
    "vault-transfers/{vault_transfer_id}/cancellation",
    "standing-instructions/{instruction_id}/resume",
    "standing-instructions/{instruction_id}/run",
    "authorisations/{authorisation_id}/release",
    "ledger/periods/{period_id}/closure",
    "auth/step-up",
    "auth/recovery-codes",
    "auth/sessions/end-others",
    "notifications/read",
    "notifications/{notification_id}/read",
    "notifications/deliveries/{delivery_id}/retry",
}
CSV = "imports/transactions"
SIGNED = "notifications/reports/{provider}"  # nothing is read before the signature is right: tests/notifications


def named(route: Route) -> str:
    return route.template.removeprefix("/api/v1/")


def json_operations() -> list[tuple[Route, str]]:
    return [
        (route, method) for route, method in operations("POST", "PUT", "PATCH") if named(route) not in {CSV, SIGNED}
    ]


def with_bodies() -> list[tuple[Route, str]]:
    return [(route, method) for route, method in json_operations() if named(route) not in NO_BODY]


def fault(method: str, route: Route, what: Any, response: Any) -> str:
    return f"{method} {route.pattern} {str(what)[:80]!r}: {response.status_code} {response.content[:200]!r}"
