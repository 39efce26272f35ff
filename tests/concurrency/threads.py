"""Threads on the real database: each with its own connection, all started at one moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import connections

R = TypeVar("R")


def together(calls: Sequence[Callable[[], R]], *, threads: int | None = None) -> list[R | Exception]:
    """Results in the order of the calls; an exception stands for itself."""
    count = min(threads or len(calls), len(calls))
    barrier = threading.Barrier(count)
    started = threading.local()

    def run(call: Callable[[], R]) -> R | Exception:
        if not getattr(started, "yes", False):
            started.yes = True
            connections["default"].ensure_connection()
            barrier.wait(120)
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - handed to the test, which judges it
            return error

    with ThreadPoolExecutor(count, initializer=None) as pool:
        results = list(pool.map(run, calls))
        list(pool.map(lambda _: _close(barrier), range(count)))
    return results


def _close(barrier: threading.Barrier) -> None:
    barrier.wait(120)  # one of these in each thread
    connections.close_all()


class Background(threading.Thread):
    """A call in a thread of its own; `result()` waits for it and raises what it raised."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._call = call
        self._value: Any = None
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._value = self._call()
        except BaseException as error:  # noqa: BLE001 - raised again in result()
            self._error = error
        finally:
            connections.close_all()

    def result(self, seconds: int = 120) -> Any:
        """What the call returned."""
        self.join(seconds)
        assert not self.is_alive(), "the call is still running"
        if self._error is not None:
            raise self._error
        return self._value
