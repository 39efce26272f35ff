"""Django's handler once more, for the API, without the layers that only pages need.

Each layer costs a request some 20 µs, also one that passes it by; six of eleven do nothing for a request with a token.
What protects and what is written down is the same: a test compares the answers of both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.urls import ResolverMatch

from config.routing import ShapeResolver, all_routes

API_PREFIX = "/api/"
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


class ApiHandler(WSGIHandler):
    """Handles requests of the API."""

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """As Django's, by the shape of the whole path."""
        match = request.resolver_match = _routes().resolve(request.path_info)
        return match

    def load_middleware(self, is_async: bool = False) -> None:
        """As Django's, of the layers that are not only for pages. Called once, before there are threads."""
        layers = settings.MIDDLEWARE
        settings.MIDDLEWARE = [layer for layer in layers if layer not in PAGES_ONLY]
        try:
            super().load_middleware(is_async)
        finally:
            settings.MIDDLEWARE = layers


@lru_cache(maxsize=1)
def _routes() -> ShapeResolver:
    return all_routes()


Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def by_path(pages: Application) -> Application:
    """An application that gives requests of the API to a handler of their own, and all others to `pages`."""
    api = ApiHandler()

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        handler = api if environ.get("PATH_INFO", "").startswith(API_PREFIX) else pages
        return handler(environ, start_response)

    return application
