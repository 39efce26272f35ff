"""A demonstration: the engine's memory is killed under load, and every balance survives."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection, connections

from apps.balances.errors import EngineBusy, EngineOwned, OutcomeUnknown
from apps.balances.selectors import balance_read, engine_status, transactions_known
from apps.balances.services import (
    Leg,
    Posting,
    account_open,
    account_reassign,
    engine_verify,
    in_database,
    internal_account_id,
    partition_activate,
    postings_execute,
    postings_post,
)
from apps.core import clock
from apps.identity.models import Branch
from config.runtime.home import Home, home_path, json_read
from config.runtime.servers import state_update
from config.runtime.valkey import Valkey

PARTITION = 1
CURRENCY = "KES"
FUNDS = 100_000
CLIENTS = 4
ITEMS = 20
NOT_YET = (EngineBusy, EngineOwned, OutcomeUnknown, DatabaseError)


class DemoRefused(Exception):
    """This is not a copy in which memory may be killed; the message says why."""


@dataclass
class Report:
    """What the demonstration found; nothing in `faults` when every balance survived."""

    answered: int = 0
    committed: int = 0
    longest_ms: int = 0
    faults: list[str] = field(default_factory=list)


def memory_of_this_copy() -> Valkey:
    """The embedded Valkey that is the engine's memory. Raises DemoRefused for any other server."""
    home = Home(home_path())
    url = urlsplit(settings.ENGINE["REDIS_URL"])
    server = Valkey(home.path / "valkey", home.log / "valkey.log", url.port or 0, url.password or "")
    known = json_read(home.state_file).get("services", {}).get("valkey", {})
    server.process = server.recorded()
    if server.process is None or known.get("port") != server.port or url.hostname != "127.0.0.1":
        raise DemoRefused("The engine's memory is not the embedded Valkey of a copy that runs: nothing was touched.")
    if not engine_status()[0].processes:
        raise DemoRefused("No engine runs in this copy: start it with `make run` or `make up`.")
    return server


class _Client(threading.Thread):
    """Sends small batches; repeats each under its keys until it is answered, and keeps the answers."""

    def __init__(self, accounts: list[int], ending: threading.Event) -> None:
        super().__init__(daemon=True)
        self.accounts, self.ending, self.random = accounts, ending, random.SystemRandom()
        self.answers: list[tuple[Posting, str]] = []
        self.longest_ms = 0

    def run(self) -> None:
        try:
            while not self.ending.is_set():
                batch = [self._transfer() for _ in range(ITEMS)]
                started = time.monotonic_ns()
                self.answers += zip(batch, self._answers(batch), strict=True)
                self.longest_ms = max(self.longest_ms, (time.monotonic_ns() - started) // 1_000_000)
        finally:
            connections.close_all()

    def _transfer(self) -> Posting:
        source, destination = self.random.sample(self.accounts, 2)
        return _posting(source, destination, self.random.randrange(1, 500))

    def _answers(self, batch: list[Posting]) -> list[str]:
        while True:
            try:
                return [one.code for one in postings_execute(postings=batch, actor_id=None).outcomes]
            except NOT_YET:
                time.sleep(0.1)


def _posting(source: int, destination: int, amount: int) -> Posting:
    transaction_id = uuid.uuid4()
    legs = (Leg(source, -amount, CURRENCY), Leg(destination, amount, CURRENCY))
    return Posting(
        transaction_id, "demo", transaction_id.hex, bytes(32), "adjustment", legs, description="Demonstration"
    )


def break_memory(*, accounts: int, seconds: int, say: Callable[[str], None]) -> Report:
    """Load on accounts made for it; kill -9 of the memory after a third of the time, a new start after two thirds.

    Afterwards every answer is looked up, every balance is worked out from the answers, and the engine's own proofs are
    run. The accounts are emptied and closed. Raises DemoRefused.
    """
    server = memory_of_this_copy()
    bank, made = _accounts_make(accounts)
    say(f"{accounts} accounts of the engine, {FUNDS / 100:,.2f} {CURRENCY} on each; {CLIENTS} clients send transfers.")
    ending = threading.Event()
    clients = [_Client(made, ending) for _ in range(CLIENTS)]
    for one in clients:
        one.start()
    try:
        _watch(clients, seconds / 3, say)
        pid = server.process.pid if server.process else 0
        if pid:
            os.kill(pid, signal.SIGKILL)
        say(f"kill -9 {pid}: the engine's memory is gone.")
        _watch(clients, seconds / 3, say)
        _memory_start(server)
        say("The memory runs again, on whatever its log had kept; the engine fills it from the books.")
        while engine_status()[0].mode not in {"SAFE", "FAST"}:
            time.sleep(0.05)
        partition_activate(partition=PARTITION, acting_user=None)
        _watch(clients, seconds / 3, say)
    finally:
        if not server.answers():
            _memory_start(server)
        ending.set()
        for one in clients:
            one.join(30)
    report = _compare(clients, made)
    _accounts_close(bank, made)
    return report


def _memory_start(server: Valkey) -> None:
    server.process = None
    server.start()
    started = server.recorded()
    if started is not None:
        state_update(Home(home_path()), services={"valkey": {**started.as_json(), "port": server.port}})


def _watch(clients: list[_Client], seconds: float, say: Callable[[str], None]) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(1.0, left))
        part = engine_status()[0]
        answered = sum(len(one.answers) for one in clients)
        say(f"  answered {answered:>8,}   {part.mode}, epoch {part.epoch} {part.fenced_why}")


def _accounts_make(number: int) -> tuple[int, list[int]]:
    branch = Branch.objects.order_by("code")[0]
    bank = internal_account_id(gl_code="1120", branch_id=branch.pk, branch_code=branch.code, currency=CURRENCY)
    made = [
        account_open(
            gl_code="2110",
            branch_id=branch.pk,
            currency=CURRENCY,
            kind="customer",
            number=f"DEMO{uuid.uuid4().hex[:20]}",
            name="Demonstration: memory is killed",
        )
        for _ in range(number)
    ]
    postings_post([_posting(bank, account, FUNDS) for account in made], actor_id=None)
    for account in made:
        account_reassign(account_id=account, partition=PARTITION, acting_user=None)
    return bank, made


def _accounts_close(bank: int, made: list[int]) -> None:
    """Give the money back, and close the accounts: entries stay in the books for ever."""
    for account in made:
        account_reassign(account_id=account, partition=0, acting_user=None)
        balance = balance_read(account_id=account).booked
        if balance:
            postings_post([_posting(account, bank, balance)], actor_id=None)
        with in_database([account], actor_id=None) as book:
            book.change(account, status="X")
    connection.close()


def _compare(clients: list[_Client], made: list[int]) -> Report:
    answers = [answer for one in clients for answer in one.answers]
    report = Report(len(answers), longest_ms=max(one.longest_ms for one in clients))
    expected = dict.fromkeys(made, FUNDS)
    for posting, code in answers:
        if code == "OK":
            report.committed += 1
            for leg in posting.legs:
                expected[leg.account_id] += leg.amount
    ids = {posting.transaction_id for posting, _ in answers}
    lost = ids - transactions_known(transaction_ids=ids)
    report.faults += [f"answered, and not in the books: {transaction_id}" for transaction_id in lost]
    for account, balance in expected.items():
        found = balance_read(account_id=account).booked
        if found != balance:
            report.faults.append(f"account {account}: {balance} by the answers, {found} in the books")
    report.faults += engine_verify(at=clock.now()).faults
    return report
