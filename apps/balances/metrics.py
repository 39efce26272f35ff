"""The engine's figures for Prometheus, read where they are kept when asked for: the same from every process."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import Error
from prometheus_client.core import REGISTRY, GaugeMetricFamily
from prometheus_client.registry import Collector

from apps.balances.engine.status import engine_status, fences_by_cause

MODES = ("FAST", "DRAIN", "SAFE")


class EngineCollector(Collector):
    """Modes, queues, heads, ages, drift and fences of every partition."""

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing: registration must not ask the database."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One gauge a figure, by partition."""
        try:
            parts, fences = engine_status(), fences_by_cause()
        except Error:
            return
        mode = GaugeMetricFamily("numina_engine_mode", "1 for the mode of the partition", labels=["partition", "mode"])
        for part in parts:
            for name in MODES:
                mode.add_metric([str(part.partition), name], int(part.mode == name))
        yield mode
        for name, text, attribute in (
            ("queue", "Executed transfers that are not journaled; absent while memory cannot be read", "queue"),
            ("head_age_seconds", "How long the journal stands still while transfers wait for it", "head_age"),
            ("epoch", "Number of the engine's period", "epoch"),
            ("head_sequence", "Transfers journaled in this period: its rate is the throughput", "head_seq"),
            ("posted_sequence", "Transfers posted in this period", "posted_seq"),
            ("posted_age_ms", "Age of the oldest journaled transfer that is not posted", "posted_age_ms"),
            ("accounts", "Accounts that the engine executes now", "accounts"),
            ("poison", "Transfers that the books refused", "poison"),
            ("processes", "Engine processes at work", "processes"),
            ("drift_accounts", "Accounts of the last sample that differ between memory and books", "drift"),
            ("verify_differences", "Differences that the last full check found", "verified"),
        ):
            gauge = GaugeMetricFamily(f"numina_engine_{name}", text, labels=["partition"])
            for part in parts:
                value = getattr(part, attribute)
                if value is not None:
                    gauge.add_metric([str(part.partition)], value)
            yield gauge
        causes = GaugeMetricFamily(
            "numina_engine_fences", "Periods ended since the beginning, by cause", labels=["partition", "cause"]
        )
        for partition, cause, number in fences:
            causes.add_metric([str(partition), cause], number)
        yield causes


_collector = EngineCollector()


def register() -> None:
    """Offer the figures to the default registry, once."""
    if _collector not in REGISTRY._collector_to_names:
        REGISTRY.register(_collector)
