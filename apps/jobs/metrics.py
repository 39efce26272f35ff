"""Figures of the queues for Prometheus, counted when they are asked for: they are the same from every process."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import suppress

from django.db import Error
from prometheus_client.core import REGISTRY, GaugeMetricFamily
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from apps.core import clock
from apps.jobs.pulse import pulses_all
from apps.jobs.selectors import queue_states

FIGURES = {
    "messages": ("numina_queue_messages", "Messages that wait in the broker"),
    "waiting": ("numina_jobs_waiting", "Jobs that wait"),
    "oldest_seconds": ("numina_jobs_oldest_seconds", "How long the oldest waiting job has been due"),
    "running": ("numina_jobs_running", "Jobs at work"),
    "stuck": ("numina_jobs_stuck", "Jobs whose worker is lost, or that are due for ten minutes"),
    "failed_today": ("numina_jobs_failed_last_day", "Jobs that failed for good in the last 24 hours"),
    "dead_letters": ("numina_dead_letters", "Failed jobs that wait for a decision"),
}


class QueueCollector(Collector):
    """The queues as they stand."""

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing: registration must not ask the database."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Each figure by queue; without what an absent database or broker would have to say."""
        at = clock.now()
        try:
            states = queue_states(at=at)
        except Error:
            return
        for name, (metric, text) in FIGURES.items():
            family = GaugeMetricFamily(metric, text, labels=["queue"])
            for state in states:
                value = getattr(state, name)
                if value is not None:
                    family.add_metric([state.queue], value)
            yield family
        with suppress(RedisError):
            yield from _tasks(at)


def _tasks(at: dt.datetime) -> Iterator[GaugeMetricFamily]:
    """The tasks that beat sends: one whose age grows far beyond its period is not run, or never ends."""
    age = GaugeMetricFamily("numina_task_age_seconds", "Since the task last ended", labels=["task"])
    period = GaugeMetricFamily("numina_task_period_seconds", "How often beat sends the task", labels=["task"])
    failed = GaugeMetricFamily("numina_task_failed", "1 when its last run failed", labels=["task"])
    for pulse in pulses_all():
        period.add_metric([pulse.task], pulse.every_seconds)
        if pulse.moment is not None:
            age.add_metric([pulse.task], (at - pulse.moment).total_seconds())
            failed.add_metric([pulse.task], pulse.outcome == "failed")
    yield from (age, period, failed)


_collector = QueueCollector()


def register() -> None:
    """Offer the figures to the default registry, once."""
    if _collector not in REGISTRY._collector_to_names:
        REGISTRY.register(_collector)
