"""The age of the active key and the progress of a rotation, for Prometheus. Read from the database at each scrape."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import Error
from prometheus_client.core import REGISTRY, GaugeMetricFamily
from prometheus_client.registry import Collector

from apps.core import clock


class KeysCollector(Collector):
    """numina_key_age_days, numina_key_rotation_values_total and _done; nothing while the database is away."""

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing: registration must not ask the database."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The figures now."""
        from apps.vault.selectors import keys_state

        try:
            state = keys_state(at=clock.now())
        except Error:
            return
        yield GaugeMetricFamily("numina_key_age_days", "Age of the active data key", value=state.age_days)
        if state.rotation is not None:
            total, done = state.rotation.total, state.rotation.done
            yield GaugeMetricFamily("numina_key_rotation_values", "Values to re-encrypt", value=total)
            yield GaugeMetricFamily("numina_key_rotation_done", "Values re-encrypted", value=done)


_collector = KeysCollector()


def register() -> None:
    """Offer the figures to the default registry, once."""
    if _collector not in REGISTRY._collector_to_names:
        REGISTRY.register(_collector)
