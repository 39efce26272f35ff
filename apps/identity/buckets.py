"""Token buckets on Redis, shared by all processes, at the price of a dictionary look-up.

A process does not ask Redis for each request: it takes some tokens at a time and gives them out itself. It begins with
one, takes twice as many when they were gone at once, at most a twentieth of the burst, and drops what it did not use
within a second. So the sum given out never exceeds the limit; a caller spread over many processes may lose the few
tokens that were taken and not used.

When Redis is away each process limits on its own with the same rule, and says so: the limiter fails open, never shut.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from django_redis import get_redis_connection
from redis.exceptions import RedisError

from apps.identity.limits import RateRule

logger = logging.getLogger(__name__)

N = TypeVar("N", float, Decimal)

LEASE_SECONDS = 1.0
LEASE_SHARE = 20
AT_ONCE_SECONDS = 0.25
DENIAL_SECONDS = 1.0
RETRY_REDIS_SECONDS = 5.0
BUCKETS_MAX = 20_000

# KEYS: bucket, block, violations. ARGV: rate, burst, wanted, denied since last asked, violations that block, their
# window, how long a block lasts. Gives: granted (-1 blocked, -2 blocked just now), left, milliseconds to wait.
_SCRIPT = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
local blocked = redis.call('PTTL', KEYS[2])
if blocked > 0 then return {-1, 0, blocked} end
local denied = tonumber(ARGV[4])
if denied > 0 then
  local total = redis.call('INCRBY', KEYS[3], denied)
  redis.call('EXPIRE', KEYS[3], ARGV[6])
  if total >= tonumber(ARGV[5]) then
    redis.call('SET', KEYS[2], total, 'EX', ARGV[7])
    redis.call('DEL', KEYS[3])
    return {-2, 0, ARGV[7] * 1000}
  end
end
local rate, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HMGET', KEYS[1], 'n', 't')
local tokens, since = tonumber(kept[1]) or burst, tonumber(kept[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - since) * rate)
local granted = math.min(wanted, math.floor(tokens))
tokens = tokens - granted
redis.call('HSET', KEYS[1], 'n', string.format('%.6f', tokens), 't', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], math.ceil(burst / rate) + 2)
local wait = 0
if granted == 0 then wait = math.ceil((1 - tokens) / rate * 1000) end
return {granted, math.floor(tokens), wait}
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What asking for one token came to. `wait` is in seconds, 0 when it was given; `left` is about what remains."""

    wait: float
    left: int
    blocked_now: bool = False


@dataclass(frozen=True, slots=True)
class Blocking:
    """When somebody who will not stop is shut out: after so many refusals within a window, for how long (seconds)."""

    after: int
    within: int
    seconds: int


class _Bucket:
    """One caller's share in this process."""

    __slots__ = ("denied", "denied_until", "left", "shared", "size", "taken_at", "tokens", "until")

    def __init__(self, burst: int) -> None:
        self.left = 0  # of the tokens taken from Redis
        self.until = 0.0
        self.taken_at = 0.0
        self.size = 1
        self.shared = burst  # what was left in Redis then
        self.denied = 0
        self.denied_until = 0.0
        self.tokens = float(burst)  # of the process's own bucket, while Redis is away


class Buckets:
    """All buckets of this process. `alert(text)` is called once a minute while Redis is away."""

    def __init__(self, alert: Callable[[str], None], connect: Callable[[], Any] | None = None) -> None:
        self._alert = alert
        self._connect = connect or (lambda: get_redis_connection("default"))
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()
        self._script: Any = None
        self._away_until = 0.0
        self._alerted_at = float("-inf")

    def take(self, key: str, rule: RateRule, blocking: Blocking) -> Taken:
        """One token of the caller's bucket, or how long to wait for one."""
        now = time.monotonic()
        with self._lock:
            bucket = self._buckets.get(key)
            if bucket is None:
                bucket = self._bucket_new(key, rule)
            if bucket.left > 0 and now < bucket.until:
                bucket.left -= 1
                return Taken(0, bucket.shared + bucket.left)
            if now < bucket.denied_until:
                bucket.denied += 1
                return Taken(bucket.denied_until - now, 0)
            wanted = self._wanted(bucket, rule, now)
            denied, bucket.denied = bucket.denied, 0
        if now >= self._away_until:
            try:
                return self._from_redis(key, bucket, rule, blocking, wanted, denied)
            except (RedisError, OSError, NotImplementedError) as error:
                self._redis_away(error)
        with self._lock:
            return _own(bucket, rule, time.monotonic())

    @property
    def degraded(self) -> bool:
        """Is this process limiting on its own?"""
        return time.monotonic() < self._away_until

    def clear(self) -> None:
        """Forget all that this process holds: for tests."""
        with self._lock:
            self._buckets.clear()
            self._script, self._away_until, self._alerted_at = None, 0.0, float("-inf")

    def _bucket_new(self, key: str, rule: RateRule) -> _Bucket:
        if len(self._buckets) >= BUCKETS_MAX:
            for old in list(self._buckets)[: BUCKETS_MAX // 10]:
                del self._buckets[old]
        bucket = self._buckets[key] = _Bucket(rule.burst)
        return bucket

    def _wanted(self, bucket: _Bucket, rule: RateRule, now: float) -> int:
        if bucket.left == 0 and now - bucket.taken_at < AT_ONCE_SECONDS:
            bucket.size = min(bucket.size * 2, max(1, rule.burst // LEASE_SHARE))
        elif bucket.left > 0:  # more was taken than used
            bucket.size = max(1, bucket.size // 2)
        bucket.left = 0
        return bucket.size

    def _from_redis(
        self, key: str, bucket: _Bucket, rule: RateRule, blocking: Blocking, wanted: int, denied: int
    ) -> Taken:
        connection = self._connect()
        if self._script is None:
            self._script = connection.register_script(_SCRIPT)
        who = key.partition("|")[0]  # a block shuts out the caller, whatever the operation
        granted, left, wait_ms = self._script(
            keys=[f"numina:rate:{key}", f"numina:block:{who}", f"numina:violations:{who}"],
            args=[rule.rate, rule.burst, wanted, denied, blocking.after, blocking.within, blocking.seconds],
            client=connection,
        )
        now = time.monotonic()
        with self._lock:
            bucket.tokens = float(left)
            if granted <= 0:
                wait = int(wait_ms) / 1000
                bucket.denied += granted == 0
                bucket.denied_until = now + min(wait, DENIAL_SECONDS)
                return Taken(max(wait, 0.001), 0, blocked_now=granted == -2)
            bucket.left += granted - 1
            bucket.until, bucket.taken_at, bucket.shared = now + LEASE_SECONDS, now, left
            return Taken(0, left + bucket.left)

    def _redis_away(self, error: Exception) -> None:
        now = time.monotonic()
        self._away_until = now + RETRY_REDIS_SECONDS
        if now - self._alerted_at >= 60:
            self._alerted_at = now
            logger.error("rate limits run in each process on its own: %s", type(error).__name__)
            self._alert(type(error).__name__)


def bucket_take(tokens: N, elapsed: N, *, rate: N, burst: N, cost: N) -> tuple[N, N]:
    """(tokens left, seconds to wait): what the script does, for one process alone. Any kind of number.

    `elapsed` are the seconds since `tokens` were left. A wait of 0 means that the cost was paid; it never can be when
    it is above the burst, and then the wait is negative.
    """
    tokens = min(burst, tokens + elapsed * rate)
    if cost <= tokens:
        return tokens - cost, cost * 0
    return tokens, (cost - tokens) / rate if cost <= burst else (burst - cost) / rate


def _own(bucket: _Bucket, rule: RateRule, now: float) -> Taken:
    """The same bucket in this process alone."""
    elapsed = max(0.0, now - (bucket.taken_at or now))
    bucket.tokens, wait = bucket_take(bucket.tokens, elapsed, rate=rule.rate, burst=float(rule.burst), cost=1.0)
    bucket.taken_at = now
    return Taken(wait, math.floor(bucket.tokens))
