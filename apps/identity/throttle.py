"""How often each caller may ask the API: the rule that fits, a token of its bucket, the headers, and what follows."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from prometheus_client import Counter, Gauge

from apps.core import clock
from apps.core.api.limits import NO_HEADERS
from apps.core.context import client_ip
from apps.core.errors import TooManyRequests
from apps.core.trail import trail_record
from apps.identity.buckets import Blocking, Buckets
from apps.identity.limits import RateRule, rate_rule

LOGGED_EVERY_SECONDS = 60.0
LOGGED_MAX = 10_000

refused_total = Counter("numina_rate_limit_refused", "Requests refused by rate limits", ["operation"])
blocked_total = Counter("numina_rate_limit_blocks", "Callers shut out for a while after many refusals")
degraded_gauge = Gauge("numina_rate_limit_degraded", "1 while this process limits without Redis")


def request_limit(request: Any, view: Any) -> Mapping[str, str]:
    """Take a token for this request and give the headers to answer with; none where no rule applies.

    Signed-in callers are counted as themselves, a machine by its key, everybody else by address; public operations are
    limited only by rules that name them. Raises TooManyRequests with whole seconds to wait.
    """
    match = getattr(request, "resolver_match", None)
    if match is None or not settings.NUMINA["LIMITS"]:
        return NO_HEADERS
    operation = match.view_name
    user = None if view.public else request.user
    if user is None:
        rule = rate_rule(operation, (), "", at=clock.now(), named_only=True)
    else:
        rule = rate_rule(operation, user.role_codes, user.plan, at=clock.now())
    if rule is None:
        return NO_HEADERS
    who = str(user.api_key_id or user.pk) if user is not None else _address(request)
    taken = buckets.take(f"{who}|{rule.name}", rule, _blocking())
    headers = _headers(rule, taken.left)
    if taken.wait:
        view.limit_headers = headers
        _refused(user, who, operation, rule, blocked_now=taken.blocked_now)
        raise TooManyRequests(
            f"At most {rule.requests} requests in {rule.per_seconds} seconds.", retry_after=math.ceil(taken.wait)
        )
    return headers


def _headers(rule: RateRule, left: int) -> dict[str, str]:
    """As draft-ietf-httpapi-ratelimit-headers has them; `t` is when the bucket is full again."""
    full_in = math.ceil((rule.burst - left) / rule.rate)
    return {
        "RateLimit-Policy": f'"{rule.name}";q={rule.burst};w={math.ceil(rule.burst / rule.rate)}',
        "RateLimit": f'"{rule.name}";r={left};t={max(full_in, 0)}',
    }


def _blocking() -> Blocking:
    numina = settings.NUMINA
    return Blocking(numina["RATE_BLOCK_AFTER"], numina["RATE_BLOCK_WINDOW"], numina["RATE_BLOCK_SECONDS"])


def _address(request: Any) -> str:
    return client_ip(request.META, trusted_proxies=settings.NUMINA.get("TRUSTED_PROXIES", 0)) or "unknown"


class _Log:
    """Says when to write a refusal down: the first a minute of each caller and operation, with the count since."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def admit(self, key: str) -> int | None:
        now = time.monotonic()
        with self._lock:
            started, held = self._seen.get(key, (float("-inf"), 0))
            if now - started < LOGGED_EVERY_SECONDS:
                self._seen[key] = (started, held + 1)
                return None
            if len(self._seen) >= LOGGED_MAX:
                self._seen.clear()
            self._seen[key] = (now, 0)
            return held

    def clear(self) -> None:
        with self._lock:
            self._seen.clear()


def _refused(user: Any, who: str, operation: str, rule: RateRule, *, blocked_now: bool) -> None:
    refused_total.labels(operation).inc()
    if blocked_now:
        blocked_total.inc()
    held = log.admit(f"{who}|{operation}")
    if held is None and not blocked_now:
        return
    _record(
        "identity.rate.blocked" if blocked_now else "identity.rate.exceeded",
        acting_user=user,
        object_label=operation,
        after={
            "limit": f"{rule.requests} in {rule.per_seconds} s",
            "held_back_before": held or 0,
            **({"seconds": settings.NUMINA["RATE_BLOCK_SECONDS"]} if blocked_now else {}),
        },
    )


def _alert(reason: str) -> None:
    degraded_gauge.set(1)
    _record("identity.rate.degraded", acting_user=None, object_label="Redis", after={"reason": reason})


def _record(action: str, *, acting_user: Any, **facts: Any) -> None:
    label = "" if acting_user is not None else "anonymous"
    try:
        trail_record(
            action=action, acting_user=acting_user, actor_label=label, kind="security", object_type="view", **facts
        )
    except DatabaseError:
        # The answer is what counts: with the database away nothing else works either.
        return


def throttle_clear() -> None:
    """Forget buckets and what was logged: for tests."""
    buckets.clear()
    log.clear()
    degraded_gauge.set(0)


log = _Log()
buckets = Buckets(_alert)
degraded_gauge.set_function(lambda: float(buckets.degraded))
