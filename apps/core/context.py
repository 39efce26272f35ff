"""Facts of the request being served that records deep below need: its correlation id and where it came from.

The middleware fills it; commands and tasks may. Nothing decides on these values: they are only written down.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TypedDict

from apps.core.trace import trace_id


class RequestContext(TypedDict, total=False):
    """`correlation_id` joins log lines, audit events and problem documents; `ip` is the client's address."""

    correlation_id: str
    ip: str


_EMPTY: RequestContext = {}

request_context: ContextVar[RequestContext] = ContextVar("numina_request_context", default=_EMPTY)


def context_get() -> RequestContext:
    """The facts of the present request. Outside one there is no address, and the correlation id may be empty."""
    facts = request_context.get()
    return {"correlation_id": facts.get("correlation_id") or trace_id(), "ip": facts.get("ip", "")}


@contextmanager
def context_set(*, correlation_id: str = "", ip: str = "") -> Iterator[None]:
    """Within the block the given facts are the context: for tasks, commands and tests."""
    token = request_context.set({"correlation_id": correlation_id, "ip": ip})
    try:
        yield
    finally:
        request_context.reset(token)


def client_ip(meta: Mapping[str, str], *, trusted_proxies: int) -> str:
    """The client's address from a WSGI environ; empty when there is none.

    `trusted_proxies` is how many proxies of ours stand before us: each appends to X-Forwarded-For the address it saw,
    so the client is that many places from the right. What stands further left was sent by the client and is ignored,
    like the whole header when there is no proxy of ours.
    """
    address = meta.get("REMOTE_ADDR", "")
    if trusted_proxies > 0:
        hops = [hop.strip() for hop in meta.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
        if len(hops) >= trusted_proxies:
            address = hops[-trusted_proxies]
    return _address(address)


@lru_cache(maxsize=10_000)
def _address(text: str) -> str:
    """In its canonical form; empty for what is none. Kept, since the same few callers ask all day."""
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return ""
