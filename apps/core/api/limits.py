"""Where limits on how often the API is asked are applied; identity, which knows users and rules, registers how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from apps.core.gather import gathered

COUNTED = "numina.limit_headers"
NO_HEADERS: Mapping[str, str] = {}
Limiter = Callable[[Any, Any], Mapping[str, str]]
"""`limiter(request, view)`: the headers to answer with. Raises TooManyRequests, after noting them on the view."""

_limiters: list[Limiter] = []


def limiter_register(limiter: Limiter) -> None:
    """Make `limiter` the one that is asked before every operation. Called once, by the identity app."""
    _limiters[:] = [limiter]


def limit_take(request: Any, view: Any) -> None:
    """Count the request against its caller's limit and keep the headers of the answer in `view.limit_headers`.

    Raises TooManyRequests. Asked after the permission, so that a refused caller learns nothing of limits. A request
    that began in company and begins anew alone is one request.
    """
    if not _limiters:
        return
    counted = request.META.get(COUNTED)
    view.limit_headers = _limiters[0](request, view) if counted is None else counted
    if gathered():
        request.META[COUNTED] = view.limit_headers
