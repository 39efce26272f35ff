"""Hot requests in company: their threads wait while one thread handles them together (apps/core/gather.py)."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

import sentry_sdk

from apps.core.gather import Gathering
from config.handlers import may_gather

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]
Answer = tuple[str, list[tuple[str, str]], bytes]


class _Slot:
    """Where a thread waits for its answer."""

    __slots__ = ("answer", "there")

    def __init__(self) -> None:
        self.answer: Any = Gathering.ALONE
        self.there = threading.Lock()
        self.there.acquire()


class Company:
    """An application that handles what may be gathered in company, and all else as `application` does."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._lock = threading.Lock()
        self._gathering: Gathering | None = None
        self._process = 0
        # Sentry wraps the way of a single request; where it listens, all go it.
        self._may = not sentry_sdk.is_initialized()

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        if not self._may or not may_gather(environ):
            return self._application(environ, start_response)
        slot = _Slot()
        self._here().admit(slot, environ)
        slot.there.acquire()
        if slot.answer is Gathering.ALONE:
            if isinstance(environ["wsgi.input"], io.BytesIO):
                environ["wsgi.input"].seek(0)
            return self._application(environ, start_response)
        status, headers, content = slot.answer
        start_response(status, headers)
        return [content]

    def _here(self) -> Gathering:
        """This process's gathering: begun with its first request, and anew after a fork."""
        if self._process != os.getpid() or self._gathering is None:
            with self._lock:
                if self._process != os.getpid() or self._gathering is None:
                    self._gathering = Gathering(self._handled, _deliver)
                    self._process = os.getpid()
        return self._gathering

    def _handled(self, environ: Environ) -> Answer:
        heard: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> None:
            heard[:] = [status, headers]

        content = b"".join(self._application(environ, start_response))
        return heard[0], heard[1], content


def _deliver(done: list[tuple[_Slot, Any]]) -> None:
    for slot, answer in done:
        slot.answer = answer
        slot.there.release()
