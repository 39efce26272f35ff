"""Middleware of every request: the request id."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from apps.core.context import client_ip, request_context
from apps.core.trace import trace_start


def request_id_middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Gives each request an id: `request.request_id`, on its log lines, in its problems, in `X-Request-ID`.

    An id sent by the caller in X-Request-ID is kept when it is harmless (8 to 64 of A-Z a-z 0-9 . _ -).
    """

    trusted_proxies: int = settings.NUMINA.get("TRUSTED_PROXIES", 0)

    def handle(request: HttpRequest) -> HttpResponse:
        request_id = trace_start(request.META.get("HTTP_X_REQUEST_ID"))
        request.request_id = request_id  # type: ignore[attr-defined]
        ip = client_ip(request.META, trusted_proxies=trusted_proxies)
        request_context.set({"correlation_id": request_id, "ip": ip})
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = get_response(request)
        response["X-Request-ID"] = request_id
        # Without a length a server must answer in chunks, which costs the server and every client.
        if not response.streaming and not response.has_header("Content-Length"):
            response["Content-Length"] = str(len(response.content))
        return response

    return handle
