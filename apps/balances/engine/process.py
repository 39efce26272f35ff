"""The engine's process: a journaler, a poster and a keeper for every partition, each in a thread of its own.

Any number of processes may run. One that stops, or is killed, leaves nothing that another does not take up; when the
last one stops in good order, it ends the epoch, so that the database does all the work until one runs again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import redis
from django.db import Error as DatabaseError
from django.db import connection

from apps.balances.engine import alerts, checks, client, control
from apps.balances.engine.journaler import Journaler
from apps.balances.engine.notices import notices_send
from apps.balances.engine.rows import FEW
from apps.core import clock

logger = logging.getLogger(__name__)

PRESENCE = 7005
IDLE_WAIT_MS = 200
GATHER_SECONDS = 0.005
"""Commits of few entries begin at most so often: one costs as much as twenty entries."""
POST_EVERY_SECONDS = 0.2
KEEP_EVERY_SECONDS = 0.5
JANITOR_EVERY_SECONDS = 60
SAMPLE_EVERY_SECONDS = 5
IDLE_SEQUENCES = 1_000_000
RETRY_SECONDS_MAX = 5


class Loop(threading.Thread):
    """Calls a step again and again; an error is logged, waited for longer each time, and never the end."""

    def __init__(self, name: str, step: Callable[[], None], stopping: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self._step = step
        self._stopping = stopping

    def run(self) -> None:
        failures, prepared = 0, None
        while not self._stopping.is_set():
            try:
                if prepared is None or connection.connection is not prepared:
                    session_prepare()
                    prepared = connection.connection
                self._step()
                failures = 0
            except Exception as error:
                failures += 1
                expected = isinstance(error, DatabaseError | redis.RedisError | client.MemoryUnreachable | OSError)
                alerts.failing(what=self.name, failures=failures, error=error)
                if not expected:
                    logger.exception("%s failed", self.name)
                connection.close()
                self._stopping.wait(min(0.1 * 2**failures, RETRY_SECONDS_MAX))
        connection.close()


class Engine:
    """All loops of this process."""

    def __init__(self, *, healthy_ms: int = control.HEALTHY_MS) -> None:
        self.stopping = threading.Event()
        self.healthy_ms = healthy_ms
        self._healthy_since = 0
        self._loops: list[Loop] = []

    def start(self) -> None:
        """Start the loops of every partition."""
        for partition in control.engine_partitions():
            self._loops += [
                Loop(f"journaler {partition}", self._journaling(partition), self.stopping),
                Loop(f"poster {partition}", self._posting(partition), self.stopping),
                Loop(f"keeper {partition}", self._keeping(partition), self.stopping),
                Loop(f"janitor {partition}", self._tidying(partition), self.stopping),
            ]
        for loop in self._loops:
            loop.start()

    def stop(self) -> None:
        """Stop the loops; the last process to stop ends the epochs and posts what is journaled."""
        self.stopping.set()
        for loop in self._loops:
            loop.join(5)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [PRESENCE])
            last = bool(cursor.fetchone()[0])
        if last:
            for partition in control.engine_partitions():
                part = control.part_read(partition)
                control.fence(partition=partition, epoch=part.epoch, why="stopped")
                control.post_all(partition)
                control.to_safe(partition)
        connection.close()

    def _journaling(self, partition: int) -> Callable[[], None]:
        journaler = Journaler(partition)

        def step() -> None:
            began = time.monotonic()
            done = journaler.run_once()
            if done == 0:
                self._idle(journaler)
            elif 1 < done < FEW:  # several clients send one by one: the next commit is for those who come meanwhile
                self.stopping.wait(max(0.0, began + GATHER_SECONDS - time.monotonic()))

        return step

    def _idle(self, journaler: Journaler) -> None:
        """Sleep until there is an entry, or a moment."""
        try:
            if not journaler.wait(milliseconds=IDLE_WAIT_MS):
                self.stopping.wait(IDLE_WAIT_MS / 1_000)
            elif not journaler.leads:  # another journals it
                self.stopping.wait(0.02)
        except (client.MemoryUnreachable, client.MemoryFault, client.MemoryFull):
            self.stopping.wait(IDLE_WAIT_MS / 1_000)

    def _posting(self, partition: int) -> Callable[[], None]:
        def step() -> None:
            posted = control.post_some(partition)
            if posted < control.POST_ENTRIES:
                self.stopping.wait(POST_EVERY_SECONDS)

        return step

    def _keeping(self, partition: int) -> Callable[[], None]:
        present: list[object] = [None]

        def step() -> None:
            if present[0] is not connection.connection or present[0] is None:  # again after PostgreSQL failed over
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_lock_shared(%s)", [PRESENCE])
                present[0] = connection.connection
            self._watch_memory()
            part = control.part_read(partition)
            if part.mode == "DRAIN":
                control.post_all(partition)
                control.to_safe(partition)
            elif part.mode == "SAFE" and part.hold is None and self._may_activate(part):
                control.activate(partition=partition)
            self.stopping.wait(KEEP_EVERY_SECONDS)

        return step

    def _watch_memory(self) -> None:
        try:
            client.guarded(client.memory().ping)
            self._healthy_since = self._healthy_since or time.monotonic_ns() // 1_000_000
        except (client.MemoryUnreachable, client.MemoryFault, client.MemoryFull):
            self._healthy_since = 0

    def _may_activate(self, part: control.Part) -> bool:
        """After a harmless end at once; else when the memory has been well for a while."""
        if not self._healthy_since:
            return False
        if part.fenced_why in control.HARMLESS:
            return True
        well = time.monotonic_ns() // 1_000_000 - self._healthy_since
        return min(well, part.ms_in_mode) >= self.healthy_ms

    def _tidying(self, partition: int) -> Callable[[], None]:
        last_tidy = [0.0]

        def step() -> None:
            self.stopping.wait(SAMPLE_EVERY_SECONDS)
            if self.stopping.is_set():
                return
            notices_send(partition=partition, at=clock.now())
            part = control.part_read(partition)
            if part.mode == "FAST":
                checks.sample_check(partition=partition)
            if time.monotonic() - last_tidy[0] >= JANITOR_EVERY_SECONDS:
                last_tidy[0] = time.monotonic()
                tidy(partition)

        return step


def tidy(partition: int) -> None:
    """The janitor: unlink what earlier epochs left in memory, and hand idle accounts back to the database."""
    from apps.balances.engine.ownership import accounts_bring_home

    part = control.part_read(partition)
    client.old_epochs_unlink(partition=partition, epoch=part.epoch)
    if part.mode == "FAST" and part.head_seq > IDLE_SEQUENCES:
        idle = client.idle_accounts(partition=partition, epoch=part.epoch, before_seq=part.head_seq - IDLE_SEQUENCES)
        if idle:
            accounts_bring_home(idle)


def session_prepare() -> None:
    """A session that is never cancelled in the middle of a commit, and that PostgreSQL ends when we hang inside one."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = '5s'")
