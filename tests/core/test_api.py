"""The manners of the API, over HTTP: who may, what is read, how it is refused."""

import json
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from apps.core.api import permissions
from apps.core.api.permissions import denied_register
from apps.core.api.views import ApiView
from apps.core.errors import PermissionDenied

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core.views")]

ORDER = "/api/v1/orders/019a9d0c-4d1e-7c5e-8f3b-2a1d0c9b8a7f"


def call(method: str, path: str, body: Any = None, *, raises: bool = True, may: str | None = "", **headers: str) -> Any:
    """Send `body` (bytes as they are, else as JSON) as a user with the permissions `may`; None for nobody."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
    content_type = headers.pop("content_type", "application/json")
    if may is not None:
        headers["X-Permissions"] = may
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    client = Client(raise_request_exception=raises)
    return client.generic(method, path, content, content_type=content_type, headers=headers)


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """The problem document of a response, checked for what all of them have in common."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    found: dict[str, Any] = response.json()
    assert found["status"] == status
    assert found["code"] == code, found
    assert found["type"] == f"/api/v1/docs/errors#{code}"
    assert found["trace_id"] == response["X-Request-ID"]
    assert found["title"]
    assert found["detail"]
    assert b"secret" not in response.content
    return found


def faults(response: Any, status: int = 400, code: str = "validation-failed") -> dict[str, str]:
    return {fault["pointer"]: fault["code"] for fault in problem(response, status, code)["errors"]}


def post(body: Any, **headers: str) -> Any:
    return call("POST", "/api/v1/orders", body, may="orders.create", Idempotency_Key="k", **headers)


def test_without_a_token_it_is_401_and_says_how() -> None:
    response = call("POST", "/api/v1/orders", {}, may=None)
    problem(response, 401, "not-authenticated")
    assert response["WWW-Authenticate"] == 'Bearer realm="numina"'


def test_a_token_that_is_not_accepted_is_told_apart() -> None:
    response = call("GET", "/api/v1/orders", may="bad")
    problem(response, 401, "invalid-token")
    assert 'error="invalid_token"' in response["WWW-Authenticate"]


def test_a_public_view_does_not_look_at_tokens() -> None:
    assert call("POST", "/api/v1/small", {}, may="bad").status_code == 200


def test_a_missing_permission_is_403_and_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, str]] = []
    monkeypatch.setattr(permissions, "_denied_hooks", [])

    def broken(request: Any, view: Any, error: PermissionDenied) -> None:
        raise RuntimeError

    def hook(request: Any, view: Any, error: PermissionDenied) -> None:
        heard.append((type(view).__name__, error.permission))

    denied_register(broken)
    denied_register(hook)
    denied_register(hook)
    found = problem(call("POST", "/api/v1/orders", {}, may="orders.view"), 403, "permission-denied")
    assert "orders.create" in found["detail"]
    assert found["permission"] == "orders.create"
    assert heard == [("OrdersView", "orders.create")]


def test_a_view_that_names_no_permission_does_not_start() -> None:
    class OpenView(ApiView):
        permissions = {"GET": "orders.view"}

        def get(self, request: Any) -> None: ...

        def post(self, request: Any) -> None: ...

    with pytest.raises(ImproperlyConfigured, match="POST"):
        OpenView.as_view()


@pytest.mark.parametrize("method", ["DELETE", "PUT", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods_are_405_for_everybody(method: str) -> None:
    response = call(method, "/api/v1/orders", may=None)
    problem(response, 405, "method-not-allowed")
    assert response["Allow"] == "GET, POST, HEAD"


def test_a_method_is_not_overridden_by_a_header() -> None:
    response = call("POST", ORDER, {}, may="orders.update", X_HTTP_Method_Override="PATCH")
    problem(response, 405, "method-not-allowed")


def test_head_is_get_without_a_body() -> None:
    response = call("HEAD", "/api/v1/orders")
    assert (response.status_code, response.content) == (200, b"")


def test_unknown_paths_are_problems_below_api_only() -> None:
    for path in ("/api/v1/nothing", "/api/", "/api/v1/orders/"):
        assert call("GET", path).json()["code"] == "not-found"
    assert call("GET", "/nothing")["Content-Type"].startswith("text/html")


def test_what_is_accepted_and_how_it_is_answered() -> None:
    body = {
        "name": "  Amina  W ", "code": "ＡＢ１", "email": "Amina@Example.COM", "kind": "one", "count": 5,
        "urgent": True,
        "due": "2024-02-29", "at": "2026-01-31T08:30:00+03:00", "account": "019A9D0C-4D1E-7C5E-8F3B-2A1D0C9B8A7F",
        "rate": "0.1250", "currency": "KES", "total": {"amount": "12.5", "currency": "KES"},
        "lines": [{"note": "a", "amount": {"amount": "1", "currency": "JPY"}}],
    }  # fmt: skip
    response = post(body)
    assert response.status_code == 201, response.content
    assert response["ETag"] == '"1"'
    assert response["Location"] == "/api/v1/orders/1"
    assert response["Idempotency-Replayed"] == "true"
    shown = response.json()
    assert shown["name"] == "Amina W"
    assert shown["code"] == "AB1"
    assert shown["email"] == "amina@example.com"
    assert shown["at"] == "2026-01-31 05:30:00+00:00"
    assert shown["total"] == "12.50 KES"


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("balance", "1", "unknown-field"), ("is_staff", True, "unknown-field"), ("status", "done", "unknown-field"),
        ("name", 1, "not-text"), ("name", None, "null"), ("name", "  ", "blank"), ("name", "a\u202eb", "invalid-text"),
        ("name", "x" * 41, "invalid-text"), ("name", ["a"], "not-text"), ("name", True, "not-text"),
        ("email", "nobody", "invalid"), ("email", "a@b@c.d", "invalid"), ("kind", "three", "invalid-choice"),
        ("kind", 1, "invalid-choice"), ("kind", {}, "invalid-choice"), ("count", "5", "not-integer"),
        ("count", True, "not-integer"), ("count", 5.0, "not-integer"), ("count", 101, "max-value"),
        ("count", -1, "min-value"), ("urgent", "true", "not-boolean"), ("urgent", 1, "not-boolean"),
        ("due", "2023-02-29", "not-date"), ("due", "20240229", "not-date"), ("due", "0000-01-01", "out-of-range"),
        ("due", "9999-12-31", "out-of-range"), ("due", "2024-02-29T00:00:00Z", "not-date"), ("due", 5, "not-date"),
        ("at", "2026-01-31T08:30:00", "not-time"), ("at", "2026-13-31T08:30:00Z", "not-time"),
        ("at", "9999-12-31T23:59:59-23:59", "out-of-range"), ("account", "1", "invalid"), ("account", 1, "invalid"),
        ("account", "019a9d0c4d1e7c5e8f3b2a1d0c9b8a7f", "invalid"), ("rate", 0.5, "not-text"),
        ("rate", "1e3", "not-text"), ("rate", "NaN", "not-text"), ("rate", "0.12345", "max-decimal-places"),
        ("currency", "XAU", "invalid-currency"), ("currency", 404, "invalid-currency"),
        ("total", "12.50", "not-object"), ("total", 12.5, "not-object"), ("lines", "x", "not-a-list"),
    ],
)  # fmt: skip
def test_what_is_refused_and_where(field: str, value: Any, code: str) -> None:
    assert faults(post({"name": "x", field: value})) == {f"/{field}": code}


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        ({"amount": 12.5, "currency": "KES"}, {"/total/amount": "invalid-amount"}),
        ({"amount": 12, "currency": "KES"}, {"/total/amount": "invalid-amount"}),
        ({"amount": "0", "currency": "KES"}, {"/total/amount": "invalid-amount"}),
        ({"amount": "1.5", "currency": "JPY"}, {"/total/amount": "invalid-amount"}),
        ({"amount": "1", "currency": "kes"}, {"/total/currency": "invalid-currency"}),
        ({"amount": "1"}, {"/total/currency": "required"}),
        ({}, {"/total/amount": "required", "/total/currency": "required"}),
        ({"amount": "1", "currency": "KES", "minor": 1}, {"/total/minor": "unknown-field"}),
    ],
)
def test_money_says_which_part_is_wrong(total: Any, expected: dict[str, str]) -> None:
    assert faults(post({"name": "x", "total": total})) == expected


def test_all_faults_come_at_once_also_deep_down() -> None:
    body = {
        "role~a/b": 1,
        "due": "x",
        "lines": [
            {"note": "a", "amount": {"amount": "1", "currency": "KES"}},
            {"note": "", "amount": {"amount": "1", "currency": "KES"}, "x": 1},
        ],
    }
    assert faults(post(body)) == {
        "/role~0a~1b": "unknown-field",
        "/name": "required",
        "/due": "not-date",
        "/lines/1/note": "blank",
        "/lines/1/x": "unknown-field",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"1", b"null", b'"x"', b"\xff", b"\xef\xbb\xbf{}", b'{"name": "a", "name": "b"}',
        b'{"lines": [{"note": 1, "note": 2}]}', b'{"count": NaN}', b'{"count": Infinity}', b'{"count": -Infinity}',
        b'{"count": 12345678901234567890}', b'{"rate": 0.' + b"1" * 100 + b"}", b'{"name": "a\\u0000b"}',
        b'{"name": "\\ud800"}', b'{"\\udfff": 1}', b'{"name": "a\x00b"}', b"[" * 100_000, b'{"a":' * 100_000,
        b'{"a":' * 33 + b"1" + b"}" * 33, b'{"lines":' + b"[" * 40 + b"]" * 40 + b"}", b"{'name': 'x'}", b"{} {}",
        '{"name": "x"}'.encode("utf-16"),
    ],
    ids=range(26),
)  # fmt: skip
def test_bodies_that_cannot_be_read(body: bytes) -> None:
    if body:
        problem(post(body), 400, "malformed-body")
    else:
        assert faults(post(body)) == {"/name": "required"}


def test_depth_up_to_the_cap_is_read() -> None:
    response = call(
        "POST", "/api/v1/orders", b'{"a":' * 32 + b"1" + b"}" * 32, may="orders.create", Idempotency_Key="k"
    )
    assert "/a" in faults(response)


def test_sizes_above_the_cap_are_413() -> None:
    problem(call("POST", "/api/v1/small", {"name": "x" * 100}), 413, "payload-too-large")
    problem(post({"name": "x" * (1024 * 1024)}), 413, "payload-too-large")
    assert call("POST", "/api/v1/small", {"name": "x"}).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml",
     "application/json; charset=utf-16"],
)  # fmt: skip
def test_other_media_types_are_415(content_type: str) -> None:
    problem(post(b'{"name": "x"}', content_type=content_type), 415, "unsupported-media-type")


def test_compressed_bodies_are_415() -> None:
    problem(post({"name": "x"}, Content_Encoding="gzip"), 415, "unsupported-media-type")


def test_utf8_may_be_named() -> None:
    assert post({"name": "x"}, content_type="application/json; charset=UTF-8").status_code == 201


def test_other_formats_are_406() -> None:
    problem(call("GET", "/api/v1/orders", Accept="text/csv"), 406, "not-acceptable")
    assert call("GET", "/api/v1/orders", Accept="*/*").status_code == 200


def test_the_idempotency_key_is_demanded_where_declared() -> None:
    problem(call("POST", "/api/v1/orders", {"name": "x"}, may="orders.create"), 400, "idempotency-key-missing")
    response = call("POST", "/api/v1/orders", {"name": "x"}, may="orders.create", Idempotency_Key="a b")
    problem(response, 400, "idempotency-key-invalid")


@pytest.mark.parametrize(
    ("tag", "status", "code"),
    [(None, 428, "precondition-required"), ('"2"', 412, "stale-version"), ("3", 412, "stale-version"),
     ('W/"3"', 412, "stale-version"), ("*", 412, "stale-version"), ('"3", "4"', 412, "stale-version"),
     ('"٣"', 412, "stale-version"), ('"03"', 412, "stale-version")],
)  # fmt: skip
def test_if_match_is_demanded(tag: str | None, status: int, code: str) -> None:
    headers = {} if tag is None else {"If_Match": tag}
    problem(call("PATCH", ORDER, {"name": "x"}, may="orders.update", **headers), status, code)


def test_the_right_version_passes_and_the_next_one_is_shown() -> None:
    response = call("PATCH", ORDER, {"count": 1}, may="orders.update", If_Match='"3"')
    assert (response.status_code, response["ETag"], response.json()) == (200, '"4"', {"count": 1})


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [("domain", 422, "unprocessable"), ("missing", 404, "not-found"), ("database", 503, "unavailable"),
     ("gone", 503, "unavailable"), ("busy", 429, "rate-limited"), ("throttled", 429, "rate-limited"),
     ("big", 413, "payload-too-large"), ("redis", 503, "unavailable"), ("denied", 403, "permission-denied"),
     ("odd", 400, "invalid-request"), ("teapot", 400, "invalid-request"), ("bug", 500, "server-error")],
)  # fmt: skip
def test_every_exception_becomes_a_problem_that_says_nothing_of_us(fault: str, status: int, code: str) -> None:
    response = call("GET", f"/api/v1/faults/{fault}", raises=False)
    found = problem(response, status, code)
    assert found["instance"] == f"/api/v1/faults/{fault}"
    assert response.has_header("Retry-After") == (status in (429, 503))


def test_a_bug_reaches_the_log_and_error_tracking(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(RuntimeError, match="secret"):  # the test client listens to the signal, as error tracking does
        call("GET", "/api/v1/faults/bug")
    assert any(record.exc_info for record in caplog.records if record.name == "apps.core.api.problems")


def test_details_of_a_refusal_are_shown() -> None:
    found = problem(call("GET", "/api/v1/faults/domain"), 422, "unprocessable")
    assert (found["detail"], found["limit"], found["errors"]) == ("Not today.", "5", [])
    assert faults(call("GET", "/api/v1/faults/pointer"), 400, "invalid-amount") == {"/amount": "invalid-amount"}


def test_errors_of_models_and_of_nested_serializers_are_flat() -> None:
    assert faults(call("GET", "/api/v1/faults/model")) == {"/name": "invalid", "": "invalid"}
    assert faults(call("GET", "/api/v1/faults/flat")) == {"": "too-odd"}
    assert faults(call("GET", "/api/v1/faults/nested")) == {"/a~1b/1/c~0d": "invalid", "": "invalid"}


def test_the_callers_request_id_is_kept_when_harmless() -> None:
    assert call("GET", "/api/v1/orders", X_Request_ID="mobile-0042")["X-Request-ID"] == "mobile-0042"
    assert call("GET", "/api/v1/orders", X_Request_ID="a b\tc<script>")["X-Request-ID"] != "a b\tc<script>"
