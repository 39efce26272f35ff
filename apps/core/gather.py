"""Requests that are under way at the same moment take their slow steps together.

A question to PostgreSQL or to the engine's memory costs a hundred microseconds on both sides, of which what is asked
takes a few. So the hottest requests are gathered on one thread: each runs by itself, in a greenlet, until it comes to a
step that is a `Together`; when all have come to one, each step is taken once, for all who stand there. The code of a
request does not know: outside of a gathering, a step is taken for one.

Nobody waits for another's slow way. A request that wants to write, opens a transaction or fails in a way that nobody
foresaw goes its way `Alone`: nothing was done for it yet, and it begins anew on a thread of its own.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from django.db import connection
from greenlet import GreenletExit, getcurrent, greenlet

logger = logging.getLogger(__name__)

A = TypeVar("A")
R = TypeVar("R")
Request = tuple[Any, Any]
"""Whose it is, as the answer will name it, and what it asks."""

SWEEP = 64
"""Requests that begin before those that have begun go on: a latecomer may wait for so many."""


class Alone(BaseException):
    """This request cannot go on in company. Not an Exception, so that nobody on the way makes an answer of it."""


class _Member(greenlet):
    """One request on its way."""

    whose: Any = None
    parked: object | None = None


def gathered() -> bool:
    """Whether the request being served is in a gathering."""
    return isinstance(getcurrent(), _Member)


def alone() -> None:
    """Say that what comes now writes, or waits for locks. Raises Alone in a gathering."""
    if gathered():
        raise Alone


class Together(Generic[A, R]):
    """A step that is taken once for all who come to it: `many` answers a list of questions in their order.

    An answer that is an Exception is raised where the question was asked; one that `many` raises, everywhere.
    """

    def __init__(self, many: Callable[[list[A]], Sequence[R | Exception]]) -> None:
        self.many = many

    def __call__(self, question: A) -> R:
        member = getcurrent()
        if isinstance(member, _Member):
            answer = member.parent.switch(self, question)
        else:
            (answer,) = self.many([question])
        if isinstance(answer, Exception):
            raise answer
        return answer


class Gate:
    """What one request waits for until any thread opens it. In a gathering only the request waits, not the thread."""

    def __init__(self) -> None:
        member = getcurrent()
        self._member = member if isinstance(member, _Member) else None
        self._gathering = _here.gathering if self._member else None
        self._is_open = False
        if self._member is None:
            self._lock = threading.Lock()  # an Event costs ten times as much
            self._lock.acquire()

    def open(self) -> None:
        """Let who waits here go on. Called once."""
        self._is_open = True
        if self._gathering is None:
            self._lock.release()
        else:
            self._gathering._arrivals.put(self)

    def wait(self, seconds: float) -> bool:
        """Whether it was opened within so long."""
        if self._member is None:
            return self._is_open or self._lock.acquire(timeout=seconds)
        if not self._is_open:
            self._member.parent.switch(self, seconds)
        return self._is_open


def pause(seconds: float) -> None:
    """Sleep; in a gathering only this request does."""
    if gathered():
        Gate().wait(seconds)
    else:
        time.sleep(seconds)


class _Here(threading.local):
    gathering: Gathering


_here = _Here()


class Gathering:
    """A thread on which requests are handled in company.

    `handle(request)` makes the answer; `deliver([(whose, answer), ...])` is given what is done, on this thread, with
    `ALONE` for those that must begin anew elsewhere.
    """

    ALONE = object()

    def __init__(
        self, handle: Callable[[Any], Any], deliver: Callable[[list[tuple[Any, Any]]], None], *, name: str = "gathering"
    ) -> None:
        self._handle = handle
        self._deliver = deliver
        self._arrivals: queue.SimpleQueue[Request | Gate | None] = queue.SimpleQueue()
        self._ready: deque[tuple[_Member, tuple[Any, ...]]] = deque()
        self._asked: dict[Together[Any, Any], list[tuple[_Member, Any]]] = {}
        self._timers: list[tuple[float, int, _Member, object]] = []
        self._numbers = itertools.count()
        self._done: list[tuple[Any, Any]] = []
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def admit(self, whose: Any, request: Any) -> None:
        """Have a request handled. From any thread."""
        self._arrivals.put((whose, request))

    def stop(self) -> None:
        """End the thread, once what is under way has come to its next step."""
        self._arrivals.put(None)
        self._thread.join(5)

    def _run(self) -> None:
        _here.gathering = self
        connection.execute_wrappers.append(_reads_only)
        try:
            while self._arrive():
                self._go_on()
                connection.close_if_unusable_or_obsolete()
        finally:
            connection.close()

    def _arrive(self) -> bool:
        """Wait for a request, a gate or a timer, and take what else is there; False when this is the end."""
        wait = max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None
        try:
            arrival = self._arrivals.get(timeout=wait)
            for _ in range(SWEEP):
                if arrival is None:
                    return False
                self._begin(arrival)
                arrival = self._arrivals.get_nowait()
            self._arrivals.put(arrival)
        except queue.Empty:
            pass
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            _, _, member, parked = heapq.heappop(self._timers)
            if member.parked is parked:
                self._wake(member)
        return True

    def _begin(self, arrival: Request | Gate) -> None:
        if isinstance(arrival, Gate):
            if arrival._member is not None and arrival._member.parked is arrival:
                self._wake(arrival._member)
            return
        member = _Member(self._handled)
        member.whose, request = arrival
        self._ready.append((member, (request,)))

    def _wake(self, member: _Member) -> None:
        member.parked = None
        self._ready.append((member, ()))

    def _handled(self, request: Any) -> Any:
        try:
            return self._handle(request)
        except GreenletExit:
            raise
        except Alone:
            return self.ALONE
        except BaseException:
            logger.exception("a gathered request failed; it begins anew alone")
            return self.ALONE

    def _go_on(self) -> None:
        """Until all have an answer or wait for something outside."""
        while self._ready or self._asked:
            while self._ready:
                self._step(*self._ready.popleft())
            asked, self._asked = self._asked, {}
            for together, questions in asked.items():
                self._answer(together, questions)
            if self._done:
                done, self._done = self._done, []
                try:
                    self._deliver(done)
                except Exception:
                    logger.exception("%d answers could not be delivered", len(done))

    def _step(self, member: _Member, values: tuple[Any, ...]) -> None:
        """Let a request go on until its end or its next step."""
        found = member.switch(*values)
        if member.dead:
            self._done.append((member.whose, found))
            return
        place, what = found
        if isinstance(place, Together):
            self._asked.setdefault(place, []).append((member, what))
        elif place._is_open:  # meanwhile
            self._ready.append((member, ()))
        else:
            member.parked = place
            heapq.heappush(self._timers, (time.monotonic() + what, next(self._numbers), member, place))

    def _answer(self, together: Together[Any, Any], questions: list[tuple[_Member, Any]]) -> None:
        answers: Sequence[Any]
        try:
            answers = together.many([question for _, question in questions])
        except Exception as error:  # noqa: BLE001 - each learns of it where it asked
            answers = [error] * len(questions)
        for (member, _), answer in zip(questions, answers, strict=True):
            self._ready.append((member, (answer,)))


def _reads_only(execute: Any, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """No statement of a gathered request writes or takes a lock; what a step does for all is the step's affair."""
    if gathered():
        reads = isinstance(sql, str) and sql.lstrip().startswith("SELECT")
        if not reads or context["connection"].in_atomic_block:
            raise Alone
    return execute(sql, params, many, context)
