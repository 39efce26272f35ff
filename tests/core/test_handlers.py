"""The API's own handler leaves out what only pages need, and answers as the whole chain does."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

from config.handlers import PAGES_ONLY, ApiHandler, by_path

VOLATILE = {"Set-Cookie", "RateLimit"}


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
    answer.close()
    return heard[0][0], {name: value for name, value in heard[0][1].items() if name not in VOLATILE}, body


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
