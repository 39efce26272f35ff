"""Django's handler once more, for the API, without the layers that only pages need.

Each layer costs a request some 20 µs, also one that passes it by; six of eleven do nothing for a request with a token.
The hottest requests, those that a LeanView answers, go past the others too: what those add to an answer is the same for
every answer, and is found out once. What protects and what is written down is the same on all ways: a test compares
their answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import sentry_sdk
from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch, URLResolver
from django.utils.log import log_response
from simple_history.middleware import HistoryRequestMiddleware

from apps.core.api.lean import LeanView
from apps.core.gather import gathered
from apps.core.middleware import request_id_middleware
from config.routing import ShapeResolver, all_routes

API_PREFIX = "/api/"
MATCH = "numina.match"
PAGES_ONLY = frozenset(
    {
        "whitenoise.middleware.WhiteNoiseMiddleware",  # files are below /static/
        "config.middleware.PageSessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",  # the API takes no cookies; all of its views are exempt
        "config.middleware.PageAuthenticationMiddleware",
        "apps.identity.staff_gate.StaffGateMiddleware",
        "config.middleware.PageMessageMiddleware",
    }
)


Answer = Callable[[HttpRequest], HttpResponse]
OF_EACH_ANSWER = frozenset({"Content-Type", "Content-Length", "X-Request-ID"})


class _FewLayers(WSGIHandler):
    def load_middleware(self, is_async: bool = False) -> None:
        """As Django's, of the layers that are not only for pages. Called once, before there are threads."""
        layers = settings.MIDDLEWARE
        settings.MIDDLEWARE = [layer for layer in layers if layer not in PAGES_ONLY]
        try:
            super().load_middleware(is_async)
        finally:
            settings.MIDDLEWARE = layers


class _Bare(_FewLayers):
    """The layers around an empty answer: what is in it then is theirs."""

    def _get_response(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse()


class ApiHandler(_FewLayers):
    """Handles requests of the API."""

    def __init__(self) -> None:
        super().__init__()
        self._bare = _Bare()
        # Sentry wraps the long way; where it listens, nothing may go past it.
        self._may_be_lean = not sentry_sdk.is_initialized()
        self._reading = _safe(request_id_middleware(_viewed))
        self._changing = _safe(request_id_middleware(HistoryRequestMiddleware(_viewed)))
        self._kept_headers: dict[bool, Mapping[str, str]] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # type: ignore[override]
        """As Django's; in a few steps for what a LeanView answers."""
        match = _lean_match(environ) if self._may_be_lean else None
        if match is None:
            return super().__call__(environ, start_response)
        in_company = gathered()
        if not in_company:  # its thread looks after its connection itself, and writes no history
            request_started.send(sender=type(self), environ=environ)
        request = self.request_class(environ)
        kept = self._headers_of_layers(request)
        if kept is None:
            return super().__call__(environ, start_response)
        request.resolver_match = match
        response = (self._reading if in_company or request.method == "GET" else self._changing)(request)
        if response.status_code >= 400:
            log_response("%s: %s", response.reason_phrase, request.path, response=response, request=request)
        content = response.content
        start_response(
            f"{response.status_code} {response.reason_phrase}", list({**kept, **dict(response.items())}.items())
        )
        if not in_company:
            request_finished.send(sender=type(self))
        return [content]

    def _headers_of_layers(self, request: HttpRequest) -> Mapping[str, str] | None:
        """What the layers add to every answer, by whether the request came by TLS; None where they answer."""
        secure = request.is_secure()
        if secure not in self._kept_headers:
            response = self._bare.get_response(request)
            if response.status_code != 200:
                return None
            self._kept_headers[secure] = {name: value for name, value in response.items() if name not in OF_EACH_ANSWER}
        return self._kept_headers[secure]

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """As Django's, by the shape of the whole path."""
        match = request.resolver_match = _routes().resolve(request.path_info)
        return match


def _viewed(request: HttpRequest) -> HttpResponse:
    match: Any = request.resolver_match
    return match.func(request, **match.kwargs)


def _safe(layer: Answer) -> Answer:
    safe: Any = convert_exception_to_response(layer)
    return safe


def may_gather(environ: dict[str, Any]) -> bool:
    """Whether the request's view answers it in company with others; the view, once found, is kept for the handler."""
    match = _lean_match(environ)
    if match is None or not environ["PATH_INFO"].startswith(API_PREFIX):
        return False
    environ[MATCH] = match
    view: Any = match.func
    return bool(view.view_class.gathers(environ))


def _lean_match(environ: Mapping[str, Any]) -> ResolverMatch | None:
    """The view of a request that takes few steps; None for all others, and for addresses that were never asked for."""
    if MATCH in environ:
        found: ResolverMatch = environ[MATCH]
        return found
    match = _routes().known(environ.get("PATH_INFO", ""))
    if match is None or environ.get("SCRIPT_NAME") or settings.FORCE_SCRIPT_NAME:
        return None
    view = getattr(match.func, "view_class", None)
    if view is None or not issubclass(view, LeanView) or environ["REQUEST_METHOD"] not in view.lean_methods:
        return None
    return match


@lru_cache(maxsize=1)
def _routes() -> ShapeResolver:
    return all_routes()


def routes_load() -> None:
    """Import every view and compile every route now, before the first request and not with it."""
    resolvers: list[URLResolver] = [_routes()]
    while resolvers:
        for route in resolvers.pop().url_patterns:
            route.pattern.match("")
            if isinstance(route, URLResolver):
                resolvers.append(route)


Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def by_path(pages: Application) -> Application:
    """An application that gives requests of the API to a handler of their own, and all others to `pages`."""
    api = ApiHandler()

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        handler = api if environ.get("PATH_INFO", "").startswith(API_PREFIX) else pages
        return handler(environ, start_response)

    return application
