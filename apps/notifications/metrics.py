"""Figures for Prometheus, counted in the database when they are asked for: they are the same from every process."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.db import Error
from prometheus_client.core import REGISTRY, GaugeMetricFamily
from prometheus_client.registry import Collector

from apps.core import clock
from apps.notifications.selectors import delivery_counts, queue_ages, suppression_counts

HOUR = dt.timedelta(hours=1)


class DeliveryCollector(Collector):
    """What became of messages, and how long the oldest has waited."""

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing: registration must not ask the database."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Deliveries by channel and status; the number due and the age of the oldest by channel and urgency."""
        at = clock.now()
        try:
            counts, ages = delivery_counts(since=at - HOUR), queue_ages(at=at)
            held = suppression_counts()
        except Error:
            return
        outcomes = GaugeMetricFamily(
            "numina_notification_deliveries_last_hour",
            "Deliveries of the last hour by what became of them",
            labels=["channel", "status"],
        )
        for channel, status, number in counts:
            outcomes.add_metric([channel, status], number)
        yield outcomes
        due = GaugeMetricFamily("numina_notification_due", "Deliveries that are due", labels=["channel", "bulk"])
        age = GaugeMetricFamily(
            "numina_notification_due_age_seconds", "How long the oldest of them is due", labels=["channel", "bulk"]
        )
        for channel, bulk, number, seconds in ages:
            labels = [channel, "yes" if bulk else "no"]
            due.add_metric(labels, number)
            age.add_metric(labels, seconds)
        yield due
        yield age
        addresses = GaugeMetricFamily(
            "numina_notification_addresses_held_back", "Addresses that nothing is sent to", labels=["channel", "reason"]
        )
        for channel, reason, number in held:
            addresses.add_metric([channel, reason], number)
        yield addresses


_collector = DeliveryCollector()


def register() -> None:
    """Offer the figures to the default registry, once."""
    if _collector not in REGISTRY._collector_to_names:
        REGISTRY.register(_collector)
