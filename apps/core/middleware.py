"""Middleware of every request: the request id, and the hosts that we answer for."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from django.conf import settings
from django.core.exceptions import BadRequest, DisallowedHost
from django.core.handlers.exception import response_for_exception
from django.http import HttpRequest, HttpResponse

from apps.core.context import client_ip, request_context
from apps.core.http_stats import request_count
from apps.core.trace import trace_start

API_PREFIX = "/api/"
HEALTH_PREFIX = "/api/v1/health/"


def request_id_middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Gives each request an id: `request.request_id`, on its log lines, in its problems, in `X-Request-ID`.

    An id sent by the caller in X-Request-ID is kept when it is harmless (8 to 64 of A-Z a-z 0-9 . _ -).
    A Host that is not in ALLOWED_HOSTS gets 400, also where the view would never have asked for it.
    """

    trusted_proxies: int = settings.NUMINA.get("TRUSTED_PROXIES", 0)

    def handle(request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        request_id = trace_start(request.META.get("HTTP_X_REQUEST_ID"))
        request.request_id = request_id  # type: ignore[attr-defined]
        ip = client_ip(request.META, trusted_proxies=trusted_proxies)
        request_context.set({"correlation_id": request_id, "ip": ip})
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = _refused(request) or get_response(request)
        response["X-Request-ID"] = request_id
        # Without a length a server must answer in chunks, which costs the server and every client.
        if not response.streaming and not response.has_header("Content-Length"):
            response["Content-Length"] = str(len(response.content))
        request_count(request, status=response.status_code, seconds=time.perf_counter() - started)
        return response

    return handle


def _refused(request: HttpRequest) -> HttpResponse | None:
    """400, by Django's own handler, for a host that is not ours or a NUL in the address; None for all else.

    Orchestrators ask for health by address, so those two paths answer to any name: they say and build nothing by it.
    PostgreSQL takes no NUL, and Django's admin hands paths and filters on unread; the API reads its own.
    """
    if request.path_info.startswith(HEALTH_PREFIX):
        return None
    try:
        _host_check(request)
        nul = "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", "")
        if nul and not request.path_info.startswith(API_PREFIX):
            raise BadRequest("NUL in the address.")
    except (DisallowedHost, BadRequest) as error:
        return response_for_exception(request, error)
    return None


_hosts: dict[str, object] = {}
"""Hosts that were found to be ours, with the setting by which they were."""
_HOSTS_MAX = 1_000


def _host_check(request: HttpRequest) -> None:
    """`request.get_host()`, which takes a host apart each time, for one that was not asked for a moment ago.

    Raises DisallowedHost.
    """
    host, allowed = request.META.get("HTTP_HOST"), settings.ALLOWED_HOSTS
    if host is None or settings.USE_X_FORWARDED_HOST or settings.DEBUG:
        request.get_host()
        return
    if _hosts.get(host) is allowed:
        return
    request.get_host()
    if len(_hosts) >= _HOSTS_MAX:  # of ".bank.example" there are as many as callers invent
        _hosts.clear()
    _hosts[host] = allowed
