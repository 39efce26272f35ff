"""The engine's memory: seven scripts, and nothing else, are ever run in it. Repeating any of them is harmless."""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from apps.balances.engine.entries import Page, State, Transfer
from apps.balances.engine.line import ask
from apps.core.gather import Together

SCRIPTS = Path(__file__).parent / "scripts"
QUEUE_MAX = 5_000
"""Entries that may wait for the journal; past it the engine answers busy."""
CLAIM_SECONDS = 120
"""How long the memory knows that a transaction is the database's."""
MARK_DRAWER = 100_000
"""Executed transactions are known by their ids until at least twice as many others came after them."""
TOMBSTONE_SECONDS = 900
STREAM_KEEP = 10_000
"""Journaled entries kept in the stream, for comparisons."""

CONNECT_SECONDS = 0.5
ANSWER_SECONDS = 1.0


class MemoryUnreachable(Exception):
    """The memory does not answer, or not as one that can be written to. What was asked may have been done."""


class MemoryFull(Exception):
    """The memory takes no writes. Nothing was done."""


class MemoryFault(Exception):
    """A script failed on what it found in memory. Nothing was done."""


class EpochEnded(Exception):
    """The memory is in another epoch than the caller. Nothing was done."""


class Executed(msgspec.Struct, frozen=True):
    """What `execute` did. `status`: DONE with an (outcome, sequence) a transfer; DB, BUSY: nothing was done;
    AWAY: nothing was done, since these `accounts` are not here."""

    status: str
    outcomes: list[tuple[str, int]] = []
    accounts: list[int] = []


@dataclass(frozen=True, slots=True)
class Seen:
    """An account as it is in memory, at sequence `seq` of which `durable` is journaled; `state` is None while away."""

    state: State | None
    last: int
    token: int
    seq: int
    durable: int


@functools.cache
def _script(name: str) -> tuple[str, str]:
    text = (SCRIPTS / f"{name}.lua").read_text(encoding="utf-8")
    return text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


_clients: dict[str, redis.Redis] = {}
_lock = threading.Lock()


def memory() -> redis.Redis:
    """The connection pool of this process to the engine's memory."""
    url = settings.ENGINE["REDIS_URL"]
    found = _clients.get(url)
    if found is None:
        with _lock:
            found = _clients.setdefault(
                url,
                redis.Redis.from_url(
                    url,
                    socket_connect_timeout=CONNECT_SECONDS,
                    socket_timeout=ANSWER_SECONDS,
                    retry=Retry(NoBackoff(), 1),  # once: an idle connection may have been closed by a restart
                    health_check_interval=15,
                ),
            )
    return found


_AWAY = ("LOADING", "READONLY", "MASTERDOWN", "BUSY ", "CLUSTERDOWN", "NOREPLICAS", "MISCONF", "NOPERM")


def guarded(call: Any, *args: Any, **kwargs: Any) -> Any:
    """Any command, with its failures told apart. Raises MemoryUnreachable, MemoryFull or MemoryFault."""
    try:
        return call(*args, **kwargs)
    except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
        raise MemoryUnreachable(str(error)) from error
    except redis.ResponseError as error:
        text = str(error)
        if isinstance(error, redis.exceptions.OutOfMemoryError) or "OOM command" in text:
            raise MemoryFull(text) from error
        if text.startswith(_AWAY) or type(error) is not redis.ResponseError:
            raise MemoryUnreachable(text) from error
        raise MemoryFault(text) from error


def _run(name: str, partition: int, *args: Any) -> list[Any]:
    text, sha = _script(name)

    def call() -> Any:
        key = f"{{p{partition}}}:m"
        try:
            return ask(memory(), "EVALSHA", sha, 1, key, *args)
        except redis.exceptions.NoScriptError:
            return ask(memory(), "EVAL", text, 1, key, *args)

    answer: list[Any] = guarded(call)
    if answer[0] == b"EPOCH":
        raise EpochEnded
    return answer


_WORDS = {word.encode(): word for word in ("OK", "NSF", "DUP")}


def execute(*, partition: int, epoch: int, transfers: Sequence[Transfer], queue_max: int | None = None) -> Executed:
    """Execute transfers in their order, each whole or refused; nothing at all when an account is away."""
    if len(transfers) == 1 and queue_max is None:
        return _one_executed((partition, epoch, transfers[0]))
    return _execute(partition, epoch, transfers, QUEUE_MAX if queue_max is None else queue_max)


def _execute(partition: int, epoch: int, transfers: Sequence[Transfer], queue_max: int) -> Executed:
    args: list[Any] = [epoch, queue_max, MARK_DRAWER, len(transfers)]
    for transfer in transfers:
        args += (transfer.transaction_id, transfer.fingerprint, transfer.facts, len(transfer.legs))
        for leg in transfer.legs:
            args += leg
    answer = _run("exec", partition, *args)
    status = answer[0].decode()
    if status == "AWAY":
        return Executed(status, accounts=[int(account) for account in answer[1:]])
    outcomes = [(_WORDS.get(answer[at]) or answer[at].decode(), answer[at + 1]) for at in range(1, len(answer), 2)]
    return Executed(status, outcomes)


Asked = tuple[int, int, Transfer]


def _execute_together(asked: list[Asked]) -> list[Executed | Exception]:
    """One transfer each of several callers, in as few calls as can be; what hinders one does not hinder the others."""
    found: dict[int, Executed | Exception] = {}
    while len(found) < len(asked):
        # A page knows no transaction twice: the second comes in a later call, which finds the first.
        some: dict[str, int] = {}
        lead = next(place for place in range(len(asked)) if place not in found)
        for place, (partition, epoch, transfer) in enumerate(asked):
            if place not in found and (partition, epoch) == asked[lead][:2]:
                some.setdefault(transfer.transaction_id, place)
        places = list(some.values())
        try:
            done = _execute(*asked[lead][:2], [asked[place][2] for place in places], QUEUE_MAX)
        except (MemoryUnreachable, MemoryFull, MemoryFault, EpochEnded) as error:
            found.update(dict.fromkeys(places, error))
            continue
        if done.status == "DONE":
            found.update(
                {place: Executed("DONE", [outcome]) for place, outcome in zip(places, done.outcomes, strict=True)}
            )
        elif len(places) == 1 or done.status == "BUSY":
            found.update(dict.fromkeys(places, done))
        else:
            found.update(_hindered(done, {place: asked[place] for place in places}))
    return [found[place] for place in range(len(asked))]


def _hindered(done: Executed, asked: dict[int, Asked]) -> dict[int, Executed | Exception]:
    """Of a call that did nothing, those that it was for: who uses an account that is away; each by itself for DB."""
    if done.status == "AWAY":
        away = set(done.accounts)
        theirs = {place: [leg[0] for leg in one[2].legs if leg[0] in away] for place, one in asked.items()}
        return {place: Executed("AWAY", accounts=accounts) for place, accounts in theirs.items() if accounts}
    return {place: _execute_together([one])[0] for place, one in asked.items()}


_one_executed: Together[Asked, Executed] = Together(_execute_together)


def install(*, partition: int, epoch: int, taken: Iterable[tuple[int, int, State]]) -> int:
    """Put accounts (id, token, state) into memory where an older token, or none, is; how many were written."""
    args: list[Any] = []
    for account, token, state in taken:
        args += (account, token, state.balance, state.held, state.limit, state.status, state.currency)
        args += (int(state.internal), state.version)
    return int(_run("install", partition, epoch, *args)[1]) if args else 0


def hand(*, partition: int, epoch: int, tokens: dict[int, int]) -> int | None:
    """Stop executing on accounts; the sequence that must be journaled first, or None: somebody took one again."""
    args = [value for pair in tokens.items() for value in pair]
    answer = _run("hand", partition, epoch, TOMBSTONE_SECONDS, *args)
    return None if answer[0] == b"STALE" else int(answer[1])


def claim(*, partition: int, epoch: int, alive: bool, marks: Sequence[tuple[UUID, bytes]]) -> list[bool]:
    """Send transactions to the database path for good; False for each that the engine has executed in this epoch."""
    args: list[Any] = []
    for transaction_id, fingerprint in marks:
        args += (str(transaction_id), fingerprint.hex())
    answer = _run("claim", partition, epoch, int(alive), CLAIM_SECONDS, MARK_DRAWER, *args)
    return [word == b"CLAIMED" for word in answer[1:]]


def mark(*, partition: int, epoch: int, seq: int, chain_hash: str) -> bool:
    """Say that all up to `seq` is journaled; False when the memory has another history."""
    return bool(_run("mark", partition, epoch, seq, chain_hash, STREAM_KEEP)[0] == b"DONE")


def init(*, partition: int, epoch: int, nonce: str) -> bool:
    """Begin an epoch in memory; False when it, or a later one, has begun."""
    return bool(_run("init", partition, epoch, nonce)[0] == b"DONE")


class _Packed(msgspec.Struct, array_like=True, gc=False):
    """An account as the scripts pack it."""

    balance: int
    held: int
    limit: int
    status: str
    currency: str
    internal: int
    version: int
    away: int
    last: int
    token: int


_packed_decode = msgspec.msgpack.Decoder(_Packed).decode


def read(*, partition: int, epoch: int, accounts: Sequence[int]) -> list[Seen]:
    """The accounts as they are in memory, all at one moment."""
    if len(accounts) == 1:
        return [_one_read((partition, epoch, accounts[0]))]
    return _read(partition, epoch, accounts)


def _read(partition: int, epoch: int, accounts: Sequence[int]) -> list[Seen]:
    answer = _run("read", partition, epoch, *accounts)
    seq, durable = int(answer[1]), int(answer[2])
    seen = []
    for packed in answer[3 : 3 + len(accounts)]:
        if packed is None:
            seen.append(Seen(None, 0, 0, seq, durable))
            continue
        here = _packed_decode(packed)
        state = None
        if not here.away:
            state = State(
                here.balance, here.held, here.limit, here.status, here.currency, here.internal == 1, here.version
            )
        seen.append(Seen(state, here.last, here.token, seq, durable))
    return seen


def _read_together(asked: list[tuple[int, int, int]]) -> list[Seen | Exception]:
    """An account each of several callers, in one call a partition and epoch."""
    found: dict[tuple[int, int, int], Seen | Exception] = {}
    for partition, epoch in dict.fromkeys(one[:2] for one in asked):
        keys = [key for key in dict.fromkeys(asked) if key[:2] == (partition, epoch)]
        try:
            found.update(zip(keys, _read(partition, epoch, [key[2] for key in keys]), strict=True))
        except (MemoryUnreachable, MemoryFull, MemoryFault, EpochEnded) as error:
            found.update(dict.fromkeys(keys, error))
    return [found[one] for one in asked]


_one_read: Together[tuple[int, int, int], Seen] = Together(_read_together)


@dataclass(frozen=True, slots=True)
class Head:
    """Where the memory stands in a partition."""

    epoch: int
    seq: int
    chain_hash: str
    durable: int
    since: int
    """When, in seconds of the memory's clock, the journal last moved, or something began to wait for it."""


def head(*, partition: int) -> Head | None:
    """None when the memory knows nothing of the partition."""
    values = guarded(memory().hmget, f"{{p{partition}}}:m", "epoch", "seq", "hash", "durable", "since")
    if values[0] is None:
        return None
    hash_ = (values[2] or b"").decode()
    return Head(int(values[0]), int(values[1] or 0), hash_, int(values[3] or 0), int(values[4] or 0))


def seconds_now() -> int:
    """The time by the memory's clock, in whole seconds."""
    return int(guarded(memory().time)[0])


def stream(*, partition: int, epoch: int, after: int, count: int, wait_ms: int = 0) -> list[Page]:
    """At most `count` pages of entries after a sequence; with `wait_ms`, when there is one, or none in that time."""
    key = f"{{p{partition}}}:{epoch}:s"
    if wait_ms:
        found = guarded(memory().xread, {key: f"{after}-0"}, count=count, block=wait_ms)
        rows = found[0][1] if found else []
    else:
        rows = guarded(memory().xrange, key, min=f"{after + 1}-0", max="+", count=count)
    return [
        Page(int(row_id.partition(b"-")[0]), fields.get(b"b", b""), fields.get(b"h", b"").decode("ascii", "replace"))
        for row_id, fields in rows
    ]


def old_epochs_unlink(*, partition: int, epoch: int, limit: int = 5_000) -> int:
    """Remove what epochs before `epoch` have left behind, at most about `limit` keys; how many."""
    removed = 0
    for key in memory().scan_iter(match=f"{{p{partition}}}:*", count=1_000):
        part = key.split(b":")[1]
        if part.isdigit() and int(part) < epoch:
            removed += int(guarded(memory().unlink, key))
            if removed >= limit:
                break
    return removed


def idle_accounts(*, partition: int, epoch: int, before_seq: int, limit: int = 200) -> list[int]:
    """Accounts in memory that no entry since `before_seq` has touched, some of them."""
    found: list[int] = []
    for key in memory().scan_iter(match=f"{{p{partition}}}:{epoch}:a:*", count=500):
        packed = guarded(memory().get, key)
        if packed is None:
            continue
        here = _packed_decode(packed)
        if not here.away and here.last < before_seq:
            found.append(int(key.rsplit(b":", 1)[1]))
            if len(found) >= limit:
                break
    return found
