"""The API's own handler leaves out what only pages need, and answers as the whole chain does."""

from __future__ import annotations

import io
import re
import sys
from typing import Any

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

from apps.core.api.lean import body_peek
from apps.core.gather import alone, gathered
from apps.identity.services import token_pair_issue
from config import company, handlers
from config.handlers import PAGES_ONLY, ApiHandler, by_path
from tests.factories.accounts import AccountFactory
from tests.factories.identity import user_make

VOLATILE = {"Set-Cookie", "RateLimit"}
AS_OF = re.compile(rb'(?<="as_of":")[^"]+')


def called(application: Any, method: str, path: str, **headers: str) -> tuple[str, dict[str, str], bytes]:
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "SCRIPT_NAME": "", "SERVER_NAME": "testserver",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "testserver", "REMOTE_ADDR": "127.0.0.1",
        "wsgi.input": io.BytesIO(b"{}"), "wsgi.errors": sys.stderr, "wsgi.url_scheme": "http", "CONTENT_LENGTH": "2",
        "CONTENT_TYPE": "application/json", "HTTP_X_REQUEST_ID": "0123456789abcdef", **headers,
    }  # fmt: skip
    heard: list[Any] = []
    answer = application(environ, lambda status, found, _=None: heard.append((status, dict(found))))
    body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    shown = {name: value for name, value in heard[0][1].items() if name not in VOLATILE}
    return heard[0][0], shown, AS_OF.sub(b"now", body)


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/api/v1/health/live", {}),
        ("POST", "/api/v1/transfers", {}),
        ("POST", "/api/v1/transfers", {"HTTP_COOKIE": "sessionid=1"}),
        ("GET", "/api/v1/nothing", {}),
        ("GET", "/api/v1/transfers", {"HTTP_HOST": "elsewhere.example"}),
    ],
    ids=["public", "no token", "a cookie is no token", "no such address", "not our host"],
)
def test_both_handlers_answer_alike(db: None, method: str, path: str, headers: dict[str, str]) -> None:
    few, all_layers = (called(handler(), method, path, **headers) for handler in (ApiHandler, WSGIHandler))
    assert few == all_layers


@pytest.mark.parametrize(
    ("method", "what", "headers"),
    [
        ("GET", "accounts/{account}/balance", {}),
        ("GET", "accounts/{account}/balance", {"wsgi.url_scheme": "https"}),
        ("GET", "accounts/{account}/balance", {"QUERY_STRING": "consistency=strict"}),
        ("GET", "accounts/{account}/balance", {"QUERY_STRING": "colour=red"}),
        ("GET", "accounts/{account}/balance", {"HTTP_AUTHORIZATION": "Bearer no"}),
        ("GET", "accounts/{account}/balance", {"HTTP_HOST": "elsewhere.example"}),
        ("GET", "accounts/01890000-0000-7000-8000-000000000000/balance", {}),
        ("POST", "transfers", {"HTTP_IDEMPOTENCY_KEY": "a-key-of-this-test"}),
        ("POST", "transfers", {}),
        ("POST", "transfers", {"CONTENT_TYPE": "text/plain", "HTTP_IDEMPOTENCY_KEY": "a-key-of-this-test"}),
    ],
    ids=["read", "by TLS", "query", "bad query", "bad token", "bad host", "no such", "faults", "no key", "no JSON"],
)
def test_few_steps_answer_as_all_layers(
    db: None, settings: Any, method: str, what: str, headers: dict[str, str]
) -> None:
    settings.SECURE_HSTS_SECONDS = 3600
    account = AccountFactory()
    token = token_pair_issue(user=user_make("accounts.view", "transfers.create", scope="all")).access
    path = "/api/v1/" + what.format(account=account.pk)
    headers = {"HTTP_AUTHORIZATION": f"Bearer {token}", **headers}
    handler = ApiHandler()
    called(handler, method, path, **headers)  # a shape of path that is asked for the first time takes the long way
    assert handlers._lean_match({"PATH_INFO": path, "REQUEST_METHOD": method}) or "HTTP_HOST" in headers
    assert called(handler, method, path, **headers) == called(WSGIHandler(), method, path, **headers)


def test_where_the_layers_let_nobody_in_few_steps_do_not_either(db: None, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    path = f"/api/v1/accounts/{AccountFactory().pk}/balance"
    handler = ApiHandler()
    for _ in range(2):
        status, found, _ = called(handler, "GET", path)
        assert (status[:3], found["Location"]) == ("301", f"https://testserver{path}")
        assert called(handler, "GET", path, **{"wsgi.url_scheme": "https"})[0][:3] == "401"


def test_the_path_chooses_and_the_settings_stay(db: None) -> None:
    layers = list(settings.MIDDLEWARE)
    pages: list[str] = []

    def pages_handler(environ: dict[str, Any], start_response: Any) -> Any:
        pages.append(environ["PATH_INFO"])
        return WSGIHandler()(environ, start_response)

    application = by_path(pages_handler)
    assert called(application, "GET", "/api/v1/health/live")[0] == "200 OK"
    called(application, "GET", "/admin/login/")
    assert pages == ["/admin/login/"]
    assert layers == settings.MIDDLEWARE
    assert set(layers) >= PAGES_ONLY


def test_what_leaves_the_company_begins_anew(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    heard: list[tuple[bool, bytes]] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        heard.append((gathered(), environ["wsgi.input"].read()))
        if environ["PATH_INFO"] == "/writes":
            alone()
        start_response("201 Created", [("X-Company", str(gathered()))])
        return [b"done"]

    monkeypatch.setattr(company, "may_gather", lambda environ: body_peek(environ) is not None)
    here = company.Company(application)
    assert called(here, "POST", "/reads") == ("201 Created", {"X-Company": "True"}, b"done")
    assert called(here, "POST", "/writes") == ("201 Created", {"X-Company": "False"}, b"done")
    assert called(here, "POST", "/large", CONTENT_LENGTH="100000")[1] == {"X-Company": "False"}
    assert heard == [(True, b"{}"), (True, b"{}"), (False, b"{}"), (False, b"{}")]
    assert here._gathering is not None
    here._gathering.stop()
