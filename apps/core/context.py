"""Facts of the request being served that records deep below need: its correlation id and where it came from.

The middleware fills it; commands and tasks may. Nothing decides on these values: they are only written down.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypedDict


class RequestContext(TypedDict, total=False):
    """`correlation_id` joins log lines, audit events and problem documents; `ip` is the client's address."""

    correlation_id: str
    ip: str


_EMPTY: RequestContext = {}

request_context: ContextVar[RequestContext] = ContextVar("numina_request_context", default=_EMPTY)


def context_get() -> RequestContext:
    """The facts of the present request; empty outside one. Not to be changed in place."""
    return request_context.get()


@contextmanager
def context_set(*, correlation_id: str = "", ip: str = "") -> Iterator[None]:
    """Within the block the given facts are the context: for tasks, commands and tests."""
    facts: RequestContext = {}
    if correlation_id:
        facts["correlation_id"] = correlation_id
    if ip:
        facts["ip"] = ip
    token = request_context.set(facts)
    try:
        yield
    finally:
        request_context.reset(token)
