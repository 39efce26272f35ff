"""The engine in tests: its partition brought to a known state, accounts in it, and its loops in this process."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from django.db import connection

from apps.balances.engine import client, control, ownership
from apps.balances.engine.journaler import Journaler
from apps.balances.engine.process import Engine
from apps.balances.engine.status import live_proofs
from apps.balances.engine.waiting import waiting_stop
from apps.balances.selectors import books_verify
from apps.balances.services import (
    Accepted,
    PostingResult,
    _realtime,
    engine_verify,
    posting_accept,
    postings_execute,
)
from apps.core import clock
from tests.factories.postings import Books

PARTITION = 1


def partition_reset() -> None:
    """The engine's partition is SAFE, nobody holds it back, and its memory is empty."""
    part = control.part_read(PARTITION)
    control.fence(partition=PARTITION, epoch=part.epoch, why="planned")
    control.post_all(PARTITION)
    control.to_safe(PARTITION)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE balances_partition SET hold = NULL, fenced_why = '' WHERE id = %s", [PARTITION])
    ownership.views_forget()
    waiting_stop()
    with contextlib.suppress(Exception):
        client.memory().flushdb()


def engine_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody gives the engine up because this machine is held up for some seconds; faults that are meant still show."""
    monkeypatch.setattr(control, "STALL_MS", 60_000)
    monkeypatch.setattr(control, "UNREACHABLE_MS", 30_000)
    monkeypatch.setattr(_realtime, "DEADLINE_SECONDS", 60)
    monkeypatch.setitem(ownership.accounts_bring_home.__kwdefaults__, "seconds", 60)


def engine_account(books: Books, balance: int = 0, **options: Any) -> int:
    """A customer's account that the engine may execute."""
    account = books.customer(balance, **options)
    to_engine(account)
    return account


def to_engine(*accounts: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE balances_balance SET partition_id = %s WHERE account_id = ANY (%s)", [1, list(accounts)])
    ownership.views_forget()


def activate() -> int:
    """Begin an epoch now; its number."""
    epoch = control.activate(partition=PARTITION)
    assert epoch is not None
    ownership.view(PARTITION, fresh=True)
    return epoch


@contextlib.contextmanager
def running(*, processes: int = 1, healthy_ms: int = 0) -> Iterator[list[Engine]]:
    """The engine's loops, as in `manage.py balances run`, FAST when it begins."""
    engines = [Engine(healthy_ms=healthy_ms) for _ in range(processes)]
    for engine in engines:
        engine.start()
    try:
        until(lambda: control.part_read(PARTITION).mode == "FAST")
        ownership.view(PARTITION, fresh=True)
        yield engines
    finally:
        for engine in engines:
            engine.stop()


def until(condition: Callable[[], Any], *, seconds: int = 120) -> Any:
    """The condition's value, as soon as it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError("it did not come true")


def journal_once() -> int:
    return Journaler(PARTITION).run_once()


def send(books: Books, *legs: tuple[int, int], key: str = "") -> PostingResult:
    """One posting through the engine, answered when it is decided."""
    return postings_execute(postings=[books.posting(*legs, key=key)], actor_id=None)


def accept(books: Books, *legs: tuple[int, int], key: str = "") -> Accepted:
    """One posting executed in memory and not waited for."""
    result = posting_accept(posting=books.posting(*legs, key=key), actor_id=None)
    assert isinstance(result, Accepted)
    return result


_PACKED = ("balance", "held", "limit", "status", "currency", "internal", "version", "away", "last", "token")


def memory_change(account: int, *, epoch: int, **changes: int) -> None:
    """Change what the memory holds of an account, as no script of ours would."""
    key = f"{{p{PARTITION}}}:{epoch}:a:{account}"
    here = dict(zip(_PACKED, msgspec.msgpack.decode(client.guarded(client.memory().get, key)), strict=True))
    client.memory().set(key, msgspec.msgpack.encode([*{**here, **changes}.values()]))


def proof() -> None:
    """The books are right at every level, and memory, where there is one, says the same."""
    assert live_proofs() == []
    control.post_all(PARTITION)
    assert books_verify().faults == []
    if control.part_read(PARTITION).mode == "FAST":
        report = engine_verify(at=clock.now())
        assert report.faults == []
