"""How often each cache had what was asked for: counted where the look-up happens, shown as metrics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric


@dataclass
class CacheStats:
    """Hits and misses of one cache of this process. Counted without a lock: a rate does not miss a few."""

    name: str
    hits: int = 0
    misses: int = 0

    def __post_init__(self) -> None:
        _known.append(self)

    @property
    def rate(self) -> float | None:
        """Hits per look-up, from 0 to 1; None before the first."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else None

    def clear(self) -> None:
        """Count from the beginning: for tests."""
        self.hits = self.misses = 0


_known: list[CacheStats] = []


def caches_known() -> list[CacheStats]:
    """The counts of all caches of this process, by name."""
    return sorted(_known, key=lambda stats: stats.name)


class _Collector:
    """Gives the counts to whoever reads the metrics."""

    def collect(self) -> Iterator[Metric]:
        hits = CounterMetricFamily("numina_cache_hits", "Look-ups that found their value", labels=["cache"])
        misses = CounterMetricFamily("numina_cache_misses", "Look-ups that went further", labels=["cache"])
        for stats in caches_known():
            hits.add_metric([stats.name], stats.hits)
            misses.add_metric([stats.name], stats.misses)
        yield hits
        yield misses


REGISTRY.register(_Collector())
