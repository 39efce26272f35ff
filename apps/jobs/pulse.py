"""The pulse of the tasks that beat sends every few seconds: when each last ended, how long it took, and how.

Kept in the cache, since a row a beat would be written far more often than it is read; a lost cache loses the pulse
only. Work that must happen once is a schedule with a row for each date.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from dataclasses import dataclass
from typing import Any

from celery import current_app
from celery.signals import beat_init, task_postrun, task_prerun
from django.core.cache import cache
from django_celery_beat.models import PeriodicTask
from redis.exceptions import RedisError

from apps.core import clock

KEPT_SECONDS = 7 * 86_400
CELERY_OWN = ("celery.backend_cleanup",)
_begun: dict[str, int] = {}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pulse:
    """A task of beat: how often it is sent, and its last end (ISO 8601, empty before the first)."""

    task: str
    every_seconds: int
    at: str = ""
    outcome: str = ""
    milliseconds: int = 0

    @property
    def moment(self) -> dt.datetime | None:
        """When it last ended, as far as the cache knows."""
        return dt.datetime.fromisoformat(self.at) if self.at else None


def watch() -> None:
    """Note the ends of beat's tasks in this process."""
    task_prerun.connect(_on_begin, dispatch_uid="numina-pulse-begin")
    task_postrun.connect(_on_end, dispatch_uid="numina-pulse-end")
    beat_init.connect(entries_forget, dispatch_uid="numina-entries-forget")


def entries_forget(**_: Any) -> None:
    """Remove entries of beat's table that the code does not have any more: beat would send them for ever."""
    stale = PeriodicTask.objects.exclude(name__in=[*current_app.conf.beat_schedule, *CELERY_OWN])
    for entry in stale:
        logger.info("beat's entry %s is not in the code any more and is removed", entry.name)
        entry.delete()


def pulses_all() -> list[Pulse]:
    """All tasks that beat sends, by name, with their last end as far as the cache knows it."""
    names = sorted(current_app.conf.beat_schedule)
    found = cache.get_many([_key(name) for name in names])
    seconds = {name: int(current_app.conf.beat_schedule[name]["schedule"]) for name in names}
    return [Pulse(name, seconds[name], **found.get(_key(name), {})) for name in names]


def _key(name: str) -> str:
    return f"pulse:{name}"


def _on_begin(sender: Any = None, task_id: str = "", **_: Any) -> None:
    if sender is not None and sender.name in current_app.conf.beat_schedule:
        _begun[task_id] = time.monotonic_ns()


def _on_end(sender: Any = None, task_id: str = "", state: str | None = None, **_: Any) -> None:
    begun = _begun.pop(task_id, None)
    if begun is None or sender is None:
        return
    end = {
        "at": clock.now().isoformat(timespec="seconds"),
        "outcome": "done" if state == "SUCCESS" else "failed",
        "milliseconds": (time.monotonic_ns() - begun) // 1_000_000,
    }
    try:
        cache.set(_key(sender.name), end, KEPT_SECONDS)
    except RedisError:  # a task that did its work has not failed because the cache is away
        logger.warning("the pulse of %s could not be noted", sender.name)
