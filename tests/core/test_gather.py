"""Requests in company: steps taken once for all, each with its own answer; what keeps others waiting goes alone."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from apps.core.gather import Gate, Gathering, Together, alone, gathered, pause

WAIT = 20


@contextmanager
def gathering(handle: Callable[[Any], Any]) -> Iterator[Callable[..., dict[Any, Any]]]:
    """`ask(*requests)`: what became of each, all under way at one time."""
    answers: queue.SimpleQueue[tuple[Any, Any]] = queue.SimpleQueue()
    held = threading.Event()

    def handled(request: Any) -> Any:
        held.wait(WAIT)  # the first lets the others come
        return handle(request)

    def deliver(done: list[tuple[Any, Any]]) -> None:
        for one in done:
            answers.put(one)

    company = Gathering(handled, deliver)

    def ask(*requests: Any) -> dict[Any, Any]:
        held.clear()
        for request in requests:
            company.admit(request, request)
        held.set()
        return dict(answers.get(timeout=WAIT) for _ in requests)

    try:
        yield ask
    finally:
        held.set()
        company.stop()


def test_a_step_is_taken_once_for_all_who_come_to_it() -> None:
    asked: list[list[int]] = []

    def doubled(numbers: list[int]) -> list[int | Exception]:
        asked.append(numbers)
        return [ValueError(str(number)) if number == 3 else 2 * number for number in numbers]

    double = Together(doubled)

    def handle(number: int) -> object:
        try:
            return double(double(number))
        except ValueError as error:
            return f"refused {error}"

    with gathering(handle) as ask:
        found = ask(1, 2, 3, 4)
    assert found == {1: 4, 2: 8, 3: "refused 3", 4: 16}
    # The first begins before the others are there; nobody is asked for twice, and most are asked for together.
    assert sorted(number for some in asked for number in some) == [1, 2, 2, 3, 4, 4, 8]
    assert len(asked) < 7
    assert double(5) == 10
    with pytest.raises(ValueError, match="3"):
        double(3)


def test_what_a_step_raises_is_raised_where_it_was_asked_for() -> None:
    def broken(_: list[int]) -> list[int | Exception]:
        raise OSError("the line is cut")

    step = Together(broken)

    def handle(number: int) -> str:
        try:
            step(number)
        except OSError as error:
            return str(error)
        return "?"

    with gathering(handle) as ask:
        assert set(ask(1, 2, 3).values()) == {"the line is cut"}


def test_waiting_keeps_nobody_else_waiting() -> None:
    gates: list[Gate] = []

    def handle(what: str) -> object:
        if what == "opens":
            while not gates:
                pause(0.001)
            threading.Thread(target=gates[0].open).start()
            return "opened"
        if what == "never":
            return Gate().wait(0.01)
        gates.append(gate := Gate())
        return gate.wait(WAIT)

    with gathering(handle) as ask:
        assert ask("waits", "never", "opens") == {"waits": True, "never": False, "opens": "opened"}
    outside = Gate()
    assert not outside.wait(0.001)
    outside.open()
    assert outside.wait(WAIT)


def test_each_has_a_context_of_its_own() -> None:
    mine: contextvars.ContextVar[int] = contextvars.ContextVar("mine", default=0)
    same: Together[int, int] = Together(list)

    def handle(number: int) -> tuple[int, int]:
        before = mine.get()
        mine.set(number)
        same(number)
        return before, mine.get()

    with gathering(handle) as ask:
        assert ask(1, 2, 3) == {1: (0, 1), 2: (0, 2), 3: (0, 3)}


def test_what_writes_or_fails_unforeseen_goes_alone(committed_db: None) -> None:
    def sql(statement: str) -> str:
        with connection.cursor() as cursor:
            cursor.execute(statement)
        return "done"

    def in_transaction() -> str:
        with transaction.atomic():
            return sql("SELECT 1")

    ways: dict[str, Callable[[], Any]] = {
        "reads": lambda: sql("SELECT 1"),
        "writes": lambda: sql("UPDATE balances_partition SET hold = hold WHERE FALSE"),
        "transaction": in_transaction,
        "says so": lambda: (alone(), "here"),
        "fails": lambda: 1 / 0,
        "reads again": lambda: sql("SELECT 1") if gathered() else "?",
    }
    with gathering(lambda name: ways[name]()) as ask:
        found = ask(*ways)
    gone = {name for name, answer in found.items() if answer is Gathering.ALONE}
    assert gone == {"writes", "transaction", "says so", "fails"}
    assert found["reads"] == found["reads again"] == "done"
    alone()
    assert sql("SELECT 1") == "done"
