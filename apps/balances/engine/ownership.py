"""Who executes an account: the engine, or the database. Safety rests on rules that PostgreSQL checks, here only called.

An account is the engine's if and only if its partition is FAST or DRAIN and its `owner_epoch` is the partition's epoch.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from apps.balances.engine import client, control
from apps.balances.engine.entries import State
from apps.balances.errors import EngineOwned
from apps.core.retry import sqlstate_of

VIEW_SECONDS = 0.5
PARTITIONS_SECONDS = 60.0
PARTITIONS_KEPT = 500_000
DEADLINE_SECONDS = 5
JOURNAL_SECONDS = 1
RESERVE_SECONDS = 2


@dataclass(frozen=True, slots=True)
class View:
    """A partition as some node saw it, perhaps a moment ago."""

    mode: str
    epoch: int
    head_seq: int = 0

    @property
    def is_fast(self) -> bool:
        return self.mode == "FAST"


def parts_read() -> dict[int, View]:
    """All partitions as they are now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, mode, epoch, head_seq FROM balances_partition")
        return {row[0]: View(*row[1:]) for row in cursor.fetchall()}


class _Views:
    """What this process believes of partitions and of the accounts in them. Wrong beliefs cost time, never money."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self._parts: dict[int, View] = {}
        self._parts_until = 0.0
        self._accounts: dict[int, int] = {}
        self._accounts_until = 0.0

    def parts(self, *, fresh: bool = False) -> dict[int, View]:
        now = time.monotonic()
        if fresh or now >= self._parts_until:
            self._parts_until = now + VIEW_SECONDS
            self._parts = parts_read()
        return self._parts

    def seen(self) -> dict[int, View]:
        return self._parts

    def seen_accounts(self) -> dict[int, int]:
        return self._accounts

    def partitions_of(self, accounts: Collection[int]) -> dict[int, int]:
        now = time.monotonic()
        if now >= self._accounts_until or len(self._accounts) > PARTITIONS_KEPT:
            with self._lock:
                self._accounts, self._accounts_until = {}, now + PARTITIONS_SECONDS
        known = self._accounts
        missing = [account for account in accounts if account not in known]
        if missing:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT b.account_id, b.partition_id FROM unnest(%s::bigint[]) AS a (id)"
                    " JOIN balances_balance b ON b.account_id = a.id",
                    [missing],
                )
                known.update(cursor.fetchall())
        return {account: known.get(account, 0) for account in accounts}


_views = _Views()


def views_forget() -> None:
    """Forget what is cached, for tests and after an account was moved to another partition."""
    _views.forget()


def engine_on() -> bool:
    """Whether this process sends transfers to the engine at all."""
    return bool(settings.ENGINE["ENABLED"])


def view(partition: int, *, fresh: bool = False) -> View:
    """This process's view of a partition, at most half a second old."""
    return _views.parts(fresh=fresh).get(partition, View("SAFE", 0))


def any_fast() -> bool:
    """Whether any partition is executed by the engine, as far as this process knows."""
    return any(part.is_fast for part in _views.parts().values())


def seen_fast() -> bool:
    """The same, as far as this process knew when it last looked; no query."""
    return any(part.is_fast for part in _views.seen().values())


def seen_in_engine(accounts: Iterable[int]) -> bool:
    """Whether all of these were seen in a partition of the engine lately; no query."""
    known = _views.seen_accounts()
    return all(known.get(account) for account in accounts)


def partition_of(accounts: Collection[int]) -> int:
    """The one engine partition that all the accounts are in, or 0."""
    found = set(_views.partitions_of(accounts).values())
    return found.pop() if len(found) == 1 else 0


def accounts_take(*, partition: int, epoch: int, accounts: Iterable[int]) -> list[tuple[int, int, State]]:
    """Give accounts to the engine: (id, token, state) of each that it got. Reserved and locked ones are left out."""
    wanted = sorted(accounts)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT * FROM balances_take(%s::int, %s, %s::bigint[])", [partition, epoch, wanted])
            rows = cursor.fetchall()
    except DatabaseError as error:
        if sqlstate_of(error) not in {"55P03", "40P01"}:
            raise
        return []
    return [
        (account, token, State(balance, held, limit, status, currency, kind == "internal", version))
        for account, token, balance, held, limit, status, currency, kind, version in rows
    ]


def accounts_bring_home(accounts: Collection[int], *, seconds: int = DEADLINE_SECONDS) -> None:
    """The handover: bring engine-owned accounts back to the database. Nothing is locked while it waits.

    Any process may repeat any step, so a caller that dies leaves nothing undone that the next one does not finish.
    Raises `EngineOwned` (503) when the deadline passes.
    """
    if connection.in_atomic_block:
        raise EngineOwned("The account is in the engine's hands; it cannot be called back inside a transaction.")
    deadline = time.monotonic() + seconds
    unreachable_since = 0.0
    while True:
        owned = _engine_owned(accounts)
        if not owned:
            return
        for partition, (mode, epoch, tokens) in owned.items():
            if mode == "DRAIN":
                control.post_all(partition)
                if not control.to_safe(partition):
                    time.sleep(0.02)
                continue
            try:
                _hand_over(partition, epoch, tokens)
                unreachable_since = 0.0
            except client.EpochEnded:
                time.sleep(0.005)
            except (client.MemoryUnreachable, client.MemoryFull, client.MemoryFault):
                now = time.monotonic()
                unreachable_since = unreachable_since or now
                if (now - unreachable_since) * 1_000 >= control.UNREACHABLE_MS:
                    control.fence(partition=partition, epoch=epoch, why="redis-down")
                else:
                    time.sleep(0.05)
        if time.monotonic() >= deadline and _engine_owned(accounts):
            raise EngineOwned(retry_after=2)


def _engine_owned(accounts: Collection[int]) -> dict[int, tuple[str, int, dict[int, int]]]:
    """(mode, epoch, {account: token}) of those that the engine owns, by partition."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.id, p.mode, p.epoch, b.account_id, b.token FROM unnest(%s::bigint[]) AS a (id)"
            " JOIN balances_balance b ON b.account_id = a.id"
            " JOIN balances_partition p ON p.id = b.partition_id AND p.mode <> 'SAFE' AND p.epoch = b.owner_epoch",
            [list(accounts)],
        )
        found: dict[int, tuple[str, int, dict[int, int]]] = {}
        for partition, mode, epoch, account, token in cursor.fetchall():
            found.setdefault(partition, (mode, epoch, {}))[2][account] = token
        return found


def _hand_over(partition: int, epoch: int, tokens: dict[int, int]) -> None:
    """Stop the engine on the accounts, wait for the journal, post, flip. What did not work out is tried again."""
    wait_seq = client.hand(partition=partition, epoch=epoch, tokens=tokens)
    if wait_seq is None:
        return
    if not _journaled(partition, epoch, wait_seq):
        return
    control.post_all(partition)
    accounts = sorted(tokens)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT balances_flip(%s::int, %s, %s::bigint[], %s::bigint[], make_interval(secs => %s))",
                [partition, epoch, accounts, [tokens[account] for account in accounts], RESERVE_SECONDS],
            )
            flipped: Any = cursor.fetchone()
        if flipped[0] < len(accounts):
            time.sleep(0.005)
    except DatabaseError as error:
        if sqlstate_of(error) not in {"55P03", "40P01"}:
            raise


def _journaled(partition: int, epoch: int, wait_seq: int) -> bool:
    """Wait until the journal has reached `wait_seq`; False after a second, or when the epoch ended."""
    until = time.monotonic() + JOURNAL_SECONDS
    while True:
        part = parts_read().get(partition)
        if part is None or not part.is_fast or part.epoch != epoch:
            return False
        if part.head_seq >= wait_seq:
            return True
        control.stall_watch(partition=partition, epoch=epoch, head_seq=part.head_seq)
        if time.monotonic() >= until:
            return False
        time.sleep(0.003)
