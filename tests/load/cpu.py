"""Processor time by kind of process: on a machine that does other work too, it says what a transfer costs."""

from __future__ import annotations

from collections.abc import Sequence

import psutil
from django.db import connection

from apps.balances.engine import client


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


class Meter:
    """Seconds that PostgreSQL, the engine's memory and other processes have used since it was made."""

    def __init__(self, **pids: Sequence[int]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            self._postmaster = psutil.Process(cursor.fetchone()[0]).parent()
        memory = client.guarded(client.memory().info, "server")["process_id"]
        self._kinds = {"memory": [memory], **pids}
        self._before = self._now()

    def _now(self) -> dict[str, float]:
        found = {name: sum(_seconds(psutil.Process(pid)) for pid in pids) for name, pids in self._kinds.items()}
        if self._postmaster is not None:
            children = self._postmaster.children()
            ended = self._postmaster.cpu_times()
            found["postgresql"] = (
                sum(_seconds(child) for child in children) + ended.children_user + ended.children_system
            )
        return found

    def micros_each(self, count: int) -> dict[str, float]:
        """Microseconds of processor time for each of `count`, by kind."""
        now = self._now()
        return {name: round(1e6 * (now[name] - self._before[name]) / max(count, 1), 1) for name in now}
