"""Finds the view of an API path by the path's shape, without trying hundreds of patterns on each request."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.urls import ResolverMatch, URLResolver, include
from django.urls.resolvers import RoutePattern

# As Django's converter `uuid` takes them.
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ANY = "*"


class ShapeResolver(URLResolver):
    """An URLResolver that remembers which route fits paths of a shape: the path with each UUID replaced by `*`.

    Remembered is only what Django's own search found, and only where all that the route captures are those UUIDs in
    their order; so the memory holds at most one shape a route, whatever callers send. With about 300 routes this costs
    a request some 10 µs instead of 80.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._matches: dict[str, ResolverMatch] = {}

    def resolve(self, path: str) -> ResolverMatch:
        """As URLResolver's. Raises Resolver404."""
        shape, count = _UUID.subn(_ANY, path)
        known = self._matches.get(shape)
        if known is not None and _ANY not in path:
            return (
                _again(known, dict(zip(known.kwargs, map(UUID, _UUID.findall(path)), strict=True))) if count else known
            )
        match = super().resolve(path)
        if not match.args and list(match.kwargs.values()) == list(map(UUID, _UUID.findall(path))):
            self._matches[shape] = match
        return match


def _again(match: ResolverMatch, kwargs: dict[str, Any]) -> ResolverMatch:
    return ResolverMatch(
        match.func,
        (),
        kwargs,
        match.url_name,
        [*match.app_names],
        [*match.namespaces],
        match.route,
        tried=None,
        captured_kwargs=kwargs,
        extra_kwargs={},
    )


def api_routes(route: str, module: str) -> ShapeResolver:
    """The routes of a module below a prefix, like `path(route, include(module))`."""
    urls, app_name, namespace = include(module)
    return ShapeResolver(RoutePattern(route, is_endpoint=False), urls, None, app_name=app_name, namespace=namespace)
