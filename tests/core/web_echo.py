"""The web adapter around a small WSGI application that says what it was asked: `granian --interface rsgi`."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")

from config import wsgi

KEPT = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "SERVER_PROTOCOL", "REMOTE_ADDR", "wsgi.url_scheme")


class Pieces:
    """A streamed answer: so many pieces of 10,000 bytes."""

    streaming = True

    def __init__(self, count: int) -> None:
        self.count = count

    def __iter__(self) -> Iterable[bytes]:
        return iter([b"x" * 10_000] * self.count)


def echo(environ: dict[str, Any], start_response: Any) -> Any:
    path = environ["PATH_INFO"]
    if path == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return Pieces(100)
    if path == "/fails":
        raise RuntimeError("on purpose")
    if path == "/slow":
        time.sleep(0.2)
    size = 0
    while piece := environ["wsgi.input"].read(65_536):
        size += len(piece)
    asked = {name: environ[name] for name in KEPT}
    asked |= {name: value for name, value in environ.items() if name.startswith(("HTTP_", "CONTENT_"))}
    content = json.dumps({**asked, "size": size}).encode()
    start_response("200 OK", [("Set-Cookie", "a=1"), ("Set-Cookie", " b=2"), ("Content-Length", str(len(content)))])
    return [content]


wsgi.application = echo

from config.rsgi import application  # noqa: E402

__all__ = ["application"]
