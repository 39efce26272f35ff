"""How often, how fast and with what status each route is answered: counted by each process, shared, shown as metrics.

A worker keeps its counts and adds them to one hash in the cache's server now and then; /metrics reads the hash, so that
it says the same whichever worker is asked. Counts that the server does not take are kept for the next time.
"""

from __future__ import annotations

import logging
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.http import HttpRequest
from django_redis import get_redis_connection
from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

logger = logging.getLogger(__name__)

KEY = "numina:http-stats"
EVERY_SECONDS = 2.0
BUCKETS_MS = (5, 10, 25, 50, 100, 200, 300, 500, 1_000, 2_500, 5_000)
BOUNDS = [*[str(bound / 1_000) for bound in BUCKETS_MS], "+Inf"]  # seconds, as Prometheus names them
_MEASURES = frozenset({"bucket", "micros", "status"})


class _Counts:
    """The counts of this process that are not shared yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # [answers, microseconds] by method, route, status and bucket: names are made when they are shared.
        self._seen: dict[tuple[str, str, int, int], list[int]] = {}
        self._unshared: Counter[str] = Counter()
        self._shared_at = 0.0

    def add(self, method: str, route: str, status: int, micros: int) -> None:
        key = (method, route, status, bisect_left(BUCKETS_MS, micros / 1_000))
        with self._lock:
            seen = self._seen.get(key)
            if seen is None:
                seen = self._seen[key] = [0, 0]
            seen[0] += 1
            seen[1] += micros
            due = time.monotonic() - self._shared_at >= EVERY_SECONDS
        if due:
            self.share()

    def share(self) -> None:
        """Add the counts to the shared ones; they stay here when that fails."""
        with self._lock:
            seen, self._seen = self._seen, {}
            counts, self._unshared = self._unshared, Counter()
            self._shared_at = time.monotonic()
        for (method, route, status, bucket), (number, micros) in seen.items():
            name = f"{method} /{route}".replace("|", "/")
            counts[f"{name}|bucket|{bucket}"] += number
            counts[f"{name}|micros|"] += micros
            counts[f"{name}|status|{status}"] += number
        if not counts:
            return
        try:
            pipe = get_redis_connection("default").pipeline(transaction=True)
            for name, number in counts.items():
                pipe.hincrby(KEY, name, number)
            pipe.execute()
        except Exception as error:  # noqa: BLE001 - a metric is never worth an answer
            logger.debug("request counts were not shared: %s", error)
            with self._lock:
                self._unshared.update(counts)


_counts = _Counts()


def request_count(request: HttpRequest, *, status: int, seconds: float) -> None:
    """Count one answered request under its method and route; unknown addresses under one name."""
    match = request.resolver_match
    route = match.route if match is not None else "unknown"
    _counts.add(str(request.method), route, status, round(seconds * 1_000_000))


def counts_shared() -> dict[str, int]:
    """All counts of all processes; empty while the cache's server is away."""
    _counts.share()
    try:
        found = get_redis_connection("default").hgetall(KEY)
    except Exception as error:  # noqa: BLE001 - the other figures are shown all the same
        logger.debug("request counts cannot be read: %s", error)
        return {}
    return {name.decode(): int(number) for name, number in found.items()}


@dataclass(frozen=True, slots=True)
class Answered:
    """How requests were answered: how many, how many of them with 5xx, and how many within each of BUCKETS_MS."""

    total: int
    failed: int
    buckets: tuple[int, ...]

    def since(self, before: Answered) -> Answered:
        """What came on top of `before`; everything, where the counts began anew in between."""
        if before.total > self.total:
            return self
        buckets = tuple(now - then for now, then in zip(self.buckets, before.buckets, strict=True))
        return Answered(self.total - before.total, self.failed - before.failed, buckets)

    def slowest_ms(self, percent: int) -> int:
        """What the slowest `percent` of a hundred exceeded in milliseconds: one of BUCKETS_MS, or 0 below the first."""
        wanted, seen = self.total * (100 - percent) / 100, 0
        for bound, number in zip((0, *BUCKETS_MS), self.buckets, strict=True):
            seen += number
            if seen > wanted:
                return bound
        return 0


def answered(counts: Mapping[str, int]) -> Answered:
    """All routes of `counts_shared()` together; what asks after our own health is left out."""
    failed, buckets = 0, [0] * (len(BUCKETS_MS) + 1)
    for name, number in counts.items():
        route, measure, detail = name.rsplit("|", 2)
        if "/health/" in route or route.endswith("/metrics"):
            continue
        if measure == "bucket":
            buckets[int(detail)] += number
        elif measure == "status" and detail.startswith("5"):
            failed += number
    return Answered(sum(buckets), failed, tuple(buckets))


class _Collector:
    """Gives the counts to whoever reads the metrics."""

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        took = HistogramMetricFamily("numina_http_request_seconds", "Time to the answer, by route", labels=["route"])
        answers = CounterMetricFamily("numina_http_answers", "Answers, by route and status", labels=["route", "status"])
        routes: dict[str, dict[str, dict[str, int]]] = {}
        for name, number in sorted(counts_shared().items()):
            route, measure, detail = name.rsplit("|", 2)
            routes.setdefault(route, {kind: {} for kind in _MEASURES})[measure][detail] = number
        for route, measures in routes.items():
            total, buckets = 0, []
            for place, bound in enumerate(BOUNDS):
                total += measures["bucket"].get(str(place), 0)
                buckets.append((bound, total))
            took.add_metric([route], buckets, sum_value=measures["micros"].get("", 0) / 1_000_000)
            for status, number in measures["status"].items():
                answers.add_metric([route, status], number)
        yield took
        yield answers


REGISTRY.register(_Collector())
