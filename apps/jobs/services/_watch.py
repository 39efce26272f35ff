"""Alarms on how requests are answered: too many errors of ours, or too slow. Asked once a minute by beat.

The counts of all web workers are on Redis; a mark of each minute is kept there for as long as the window is. People are
told when the alarm begins, each hour while it lasts, and when it ends.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.cache import cache

from apps.core.http_stats import Answered, answered
from apps.core.notices import notify
from apps.jobs.notices import SERVICE_ALARM, SERVICE_WELL, ServiceState

MARKS, SINCE = "jobs:watch-marks", "jobs:watch-alarm-since"
KEPT_SECONDS = 86_400
REPEATED = dt.timedelta(hours=1)
TOLD_MAX = 100


def service_watch(*, counts: Mapping[str, int], at: dt.datetime) -> str:
    """Compare the answers of the last minutes with the bank's bounds: "quiet" (too few to say), "well" or "alarm".

    `counts` as `http_stats.counts_shared` gives them. The bounds are NUMINA["ALARM"]: `minutes` looked at,
    `answers_min` below which nothing is said, `errors_percent` of 5xx, and `slow_ms`, which the slowest in twenty must
    not exceed.
    """
    bounds = settings.NUMINA["ALARM"]
    found = _window(answered(counts), minutes=bounds["minutes"], at=at)
    if found is None or found.total < bounds["answers_min"]:
        return "quiet"
    slow = found.slowest_ms(5)
    errors = (Decimal(found.failed) * 100 / found.total).quantize(Decimal("0.1"))
    bad = errors > bounds["errors_percent"] or slow >= bounds["slow_ms"]
    state = ServiceState(bounds["minutes"], found.total, errors, slow)
    since: dt.datetime | None = cache.get(SINCE)
    if bad and (since is None or at - since >= REPEATED):
        cache.set(SINCE, at, KEPT_SECONDS)
        _tell(SERVICE_ALARM, state, at)
    elif not bad and since is not None:
        cache.delete(SINCE)
        _tell(SERVICE_WELL, state, at)
    return "alarm" if bad else "well"


def _window(now: Answered, *, minutes: int, at: dt.datetime) -> Answered | None:
    """What was answered since the oldest mark of the window, which gets this moment's mark; None for the first."""
    oldest = at - dt.timedelta(minutes=minutes)
    marks = [(moment, mark) for moment, mark in cache.get(MARKS, []) if oldest <= moment < at]
    cache.set(MARKS, [*marks, (at, now)], KEPT_SECONDS)
    return now.since(marks[0][1]) if marks else None


def _tell(kind: Any, state: ServiceState, at: dt.datetime) -> None:
    keepers = get_user_model().objects.filter(is_active=True, roles__permissions__contains=["jobs.manage"])
    notify(
        kind,
        recipients=keepers.distinct().values_list("pk", flat=True)[:TOLD_MAX],
        context=state,
        at=at,
        key=f"{kind.code} {at.isoformat()}",
    )
