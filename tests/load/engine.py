"""`make bench ARGS=--engine`: the engine beside its limits, in one run. Every account is compared afterwards.

Clients, engine, memory and PostgreSQL share the machine; so the processor time of a transfer is measured beside the
clock. What is measured:

* raw lua, raw copy: what the machine can do at all (tests/load/limits.py);
* engine accept: batches through the service, executed in memory and not waited for;
* engine journal: what has piled up, proved, journaled and posted;
* engine durable: batches through the service, answered when they are in the books;
* offered: so many transfers a second, whether they are answered or not, and how long each takes to the books;
* engine http transfer: single transfers over HTTP, answered when they are in the books (201);
* engine http accepted: the same with `Prefer: respond-async`, answered when they are executed (202);
* engine http balance: balances of such accounts, read from memory; each of these by 32 and by 100 connections;
* http bare transfer, http bare balance: a Django view that has a bare Lua transfer executed, or reads a balance, and
  does nothing else (tests/load/bare.py);
* 100 users: clients that think, each sends a transfer twice a second, or reads a balance ten times a second.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import django

if TYPE_CHECKING:
    from tests.load.bank import Bank

ROOT = Path(__file__).resolve().parents[2]
ACCOUNTS = 1_000
CLIENTS = 2
ITEMS = 1_000
OFFERED_ITEMS = 100
BACKLOG = 40_000
SOME, MANY = 32, 100
"""Connections: as many as the limits of the project's targets were measured with, and its 100 clients."""
BARE_DATABASE = 14


def _fast_forever() -> None:
    """A queue without end: what is executed is measured apart from what is journaled."""
    from apps.balances.engine import client

    client.QUEUE_MAX = 10**9


def accepting(accounts: list[int], seed: int, count: int, results: Any) -> None:
    """A process that has `count` transfers executed in memory, in batches; made before the clock starts."""
    django.setup()
    from apps.balances.services import postings_accept
    from tests.load.bank import transfer_posting

    _fast_forever()
    chance = random.Random(seed)
    batches = [[transfer_posting(*chance.sample(accounts, 2)) for _ in range(ITEMS)] for _ in range(count // ITEMS)]
    postings_accept(postings=[transfer_posting(*accounts[:2])], actor_id=None)
    started, burnt = time.perf_counter(), time.process_time()
    for batch in batches:
        answers = postings_accept(postings=batch, actor_id=None)
        assert isinstance(answers, list)
    results.put((started, time.perf_counter(), time.process_time() - burnt))


def durable(accounts: list[int], seed: int, seconds: float, results: Any) -> None:
    """A process that sends batches, each when the one before is in the books."""
    django.setup()
    from apps.balances.services import postings_execute
    from tests.load.bank import transfer_posting

    chance, took, done = random.Random(seed), [], 0
    burnt, end = time.process_time(), time.perf_counter() + seconds
    while time.perf_counter() < end:
        batch = [transfer_posting(*chance.sample(accounts, 2)) for _ in range(ITEMS)]
        started = time.perf_counter()
        outcomes = postings_execute(postings=batch, actor_id=None).outcomes
        took.append(time.perf_counter() - started)
        done += sum(outcome.ok for outcome in outcomes)
    results.put((done, took, time.process_time() - burnt))


def offering(accounts: list[int], seed: int, rate: float, seconds: float, results: Any) -> None:
    """A process that offers `rate` transfers a second on a clock that waits for nobody.

    Puts, for each call: when it was due, when it was answered (both by the system's monotonic clock), epoch and the
    sequence of its last transfer; and how many transfers were refused because the queue was full.
    """
    django.setup()
    from apps.balances.errors import EngineBusy
    from apps.balances.services import postings_accept
    from tests.load.bank import transfer_posting

    chance, calls, busy = random.Random(seed), [], 0
    postings_accept(postings=[transfer_posting(*accounts[:2])], actor_id=None)  # opens the connections
    burnt, started = time.process_time(), time.perf_counter()
    for number in range(int(rate * seconds / OFFERED_ITEMS)):
        due = started + number * OFFERED_ITEMS / rate
        batch = [transfer_posting(*chance.sample(accounts, 2)) for _ in range(OFFERED_ITEMS)]
        time.sleep(max(0.0, due - time.perf_counter()))
        try:
            answers = postings_accept(postings=batch, actor_id=None)
            last = answers[-1] if isinstance(answers, list) else None
            calls.append((due, time.perf_counter(), last.epoch if last else 0, last.seq if last else 0))
        except EngineBusy:
            busy += OFFERED_ITEMS
    results.put((calls, busy, time.process_time() - burnt))


def _processes(target: Callable[..., None], arguments: list[tuple[Any, ...]]) -> list[Any]:
    """What each process put, once all have ended."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    started = [context.Process(target=target, args=(*some, queue)) for some in arguments]
    for process in started:
        process.start()
    found = [queue.get(timeout=600) for _ in started]
    for process in started:
        process.join(30)
    return found


@contextlib.contextmanager
def engine_running() -> Iterator[int]:
    """`manage.py balances run`; its process id, once it is FAST."""
    from apps.balances.engine import control, ownership

    engine = subprocess.Popen([sys.executable, "manage.py", "balances", "run"], cwd=ROOT)
    try:
        while control.part_read(1).mode != "FAST":
            time.sleep(0.1)
        ownership.views_forget()
        yield engine.pid
    finally:
        engine.terminate()
        engine.wait(30)


class Measures:
    """The engine's measures; each notes what it saw in `facts`."""

    def __init__(self, bank: Bank, options: argparse.Namespace) -> None:
        self.bank = bank
        self.options = options
        self.accounts = bank.ledger_ids[:ACCOUNTS]
        self.rates: dict[str, list[float]] = {}
        self.facts: dict[str, Any] = {}
        self.random = random.Random(7)

    def note(self, name: str, rate: float) -> None:
        self.rates.setdefault(name, []).append(rate)
        print(f"{name:<22} {rate:>12,.0f}/s", flush=True)

    def limits(self) -> None:
        from django.conf import settings

        from tests.load import limits

        self.note("raw lua", limits.lua(settings.ENGINE["REDIS_URL"], 200_000))
        self.note("raw copy", limits.copy(50_000))

    def accept_and_journal(self) -> None:
        """Execute a backlog while nobody journals, then journal and post it while nobody executes."""
        from django.db import connection

        from apps.balances.engine import control, ownership
        from apps.balances.engine.journaler import Journaler
        from tests.load.cpu import Meter

        control.activate(partition=1)
        ownership.views_forget()
        _processes(accepting, [(self.accounts, 0, 5 * ITEMS)])  # takes the accounts
        meter = Meter()
        each = BACKLOG // CLIENTS
        spans = _processes(accepting, [(self.accounts, seed, each) for seed in range(CLIENTS)])
        self.note("engine accept", BACKLOG / (max(span[1] for span in spans) - min(span[0] for span in spans)))
        self.facts["accept µs"] = {
            "client": round(1e6 * sum(span[2] for span in spans) / BACKLOG, 1),
            **meter.micros_each(BACKLOG),
        }
        journaler, done, meter = Journaler(1), 0, Meter()
        started, burnt = time.perf_counter(), time.process_time()
        while True:
            count = journaler.run_once()
            done += count
            if not count:
                break
        control.post_all(1)
        self.note("engine journal", done / (time.perf_counter() - started))
        self.facts["journal µs"] = {
            "journaler": round(1e6 * (time.process_time() - burnt) / done, 1),
            **meter.micros_each(done),
        }
        part = control.part_read(1)
        control.fence(partition=1, epoch=part.epoch, why="planned")
        control.post_all(1)
        control.to_safe(1)
        connection.close()  # ends the courtesy lock of this journaler, to which the engine's process would give way

    def durable(self) -> None:
        from tests.load.cpu import Meter

        with engine_running() as pid:
            meter = Meter(engine=[pid])
            seconds = self.options.seconds
            found = _processes(durable, [(self.accounts, seed, seconds) for seed in range(2 * CLIENTS)])
            count = sum(one[0] for one in found)
            self.note("engine durable", count / seconds)
            took = sorted(value for one in found for value in one[1])
            self.facts["durable batches"] = {
                "p50_ms": round(1_000 * took[len(took) // 2]),
                "p95_ms": round(1_000 * took[int(len(took) * 0.95)]),
                "clients µs": round(1e6 * sum(one[2] for one in found) / count, 1),
                **{f"{name} µs": value for name, value in meter.micros_each(count).items()},
            }

    def offered(self) -> None:
        """`rate` transfers a second for `offered_seconds`, and when each call's were journaled and posted."""
        from tests.load.cpu import Meter

        rate, seconds = self.options.rate, self.options.offered_seconds
        context = multiprocessing.get_context("spawn")
        with engine_running() as pid:
            meter, queue = Meter(engine=[pid]), context.Queue()
            clients = [
                context.Process(target=offering, args=(self.accounts, seed, rate / CLIENTS, seconds, queue))
                for seed in range(CLIENTS)
            ]
            for one in clients:
                one.start()
            found: list[Any] = []
            seen: list[tuple[float, int, int]] = []
            quiet = 0.0
            while len(found) < CLIENTS or not quiet or time.perf_counter() < quiet + 1:
                seen.append(_heads())
                while not queue.empty():
                    found.append(queue.get())
                if len(found) == CLIENTS and not quiet:
                    quiet = time.perf_counter()
                time.sleep(0.004)
            calls = sorted(call for one in found for call in one[0])
            self.facts["offered"] = {
                "a second": rate,
                "seconds": seconds,
                "transfers": len(calls) * OFFERED_ITEMS,
                "refused as busy": sum(one[1] for one in found),
                **_shown("call", [done - due for due, done, _, _ in calls]),
                **_shown("durable", _reached(calls, [(at, head) for at, head, _ in seen])),
                **_shown("posted", _reached(calls, [(at, posted) for at, _, posted in seen])),
                "clients µs": round(1e6 * sum(one[2] for one in found) / (len(calls) * OFFERED_ITEMS), 1),
                **{f"{n} µs": value for n, value in meter.micros_each(len(calls) * OFFERED_ITEMS).items()},
            }
            first, last = calls[0][0], max(at for at, head, _ in seen if head <= calls[-1][3])
            self.note("offered, carried", len(calls) * OFFERED_ITEMS / (last - first))

    def http(self) -> None:
        """Single transfers between accounts of the engine, by an authenticated client; balances; and bare HTTP."""
        from django.conf import settings

        from apps.identity.models import User
        from apps.identity.services import token_pair_issue
        from tests.load import bench
        from tests.load.cpu import Meter
        from tests.load.generator import load_run

        # A run may take longer than a token lives.
        token = token_pair_issue(user=User.objects.get(pk=self.bank.user_id)).access
        self.bank = replace(self.bank, token=token)
        place = urlsplit(settings.ENGINE["REDIS_URL"])
        os.environ["BENCH_BARE_URL"] = place._replace(path=f"/{BARE_DATABASE}").geturl()
        with (
            bench.web_server("config.wsgi:application") as web,
            bench.web_server("tests.load.minimal:application") as minimal,
            bench.web_server("tests.load.bare:application") as bare,
            engine_running() as pid,
        ):
            accounts_warm(self.accounts)
            for port, request in ((web, self.transfer_request), (web, self.balance_request)):
                # Each process gets to know the accounts, as it does in its first minutes.
                load_run(port=port, seconds=self.options.seconds, connections=MANY, request=request)
            for name, port, connections, request, expected, every in (
                ("http minimal", minimal, SOME, bare_request, 200, 0.0),
                ("http bare transfer", bare, SOME, self.bare_transfer_request, 200, 0.0),
                ("http bare balance", bare, SOME, bare_balance_request, 200, 0.0),
                ("engine http transfer", web, SOME, self.transfer_request, 201, 0.0),
                ("engine http transfer 1", web, 1, self.transfer_request, 201, 0.0),
                ("engine http transfer 100", web, MANY, self.transfer_request, 201, 0.0),
                ("engine http accepted", web, SOME, self.accepted_request, 202, 0.0),
                ("engine http accepted 100", web, MANY, self.accepted_request, 202, 0.0),
                ("engine http balance", web, SOME, self.balance_request, 200, 0.0),
                ("engine http balance 100", web, MANY, self.balance_request, 200, 0.0),
                ("100 users, transfers", web, MANY, self.transfer_request, 201, 0.5),
                ("100 users, balances", web, MANY, self.balance_request, 200, 0.1),
            ):
                load_run(port=port, seconds=1.5, connections=connections, request=request)
                meter = Meter(engine=[pid])
                load = load_run(
                    port=port, seconds=self.options.seconds, connections=connections, request=request, every=every
                )
                if set(load.statuses) != {expected}:
                    raise RuntimeError(f"{name}: statuses {load.statuses}")
                self.note(name, load.per_second)
                self.facts[name] = {
                    "p50_ms": round(load.p50_ms, 1),
                    "p95_ms": round(load.p95_ms, 1),
                    **{f"{n} µs": value for n, value in meter.micros_each(load.statuses[expected]).items()},
                }

    def transfer_request(self, prefer: str = "") -> bytes:
        """One cent between two accounts of the engine, under a key of its own."""
        from tests.load.generator import request_bytes

        source, target = self.random.sample(self.bank.numbers[:ACCOUNTS], 2)
        money = {"amount": "0.01", "currency": "KES"}
        body = json.dumps({"source_account": source, "destination_account": target, "amount": money}).encode()
        return request_bytes(
            "POST", "/api/v1/transfers", token=self.bank.token, body=body, key=uuid4().hex, prefer=prefer
        )

    def bare_transfer_request(self) -> bytes:
        """The same body under a key, for the view that only has it executed."""
        from tests.load.generator import request_bytes

        head, _, body = self.transfer_request().partition(b"\r\n\r\n")
        del head
        return request_bytes("POST", "/transfers", body=body, key=uuid4().hex)

    def accepted_request(self) -> bytes:
        """The same, not waited for."""
        return self.transfer_request("respond-async")

    def balance_request(self) -> bytes:
        """The balance of an account of the engine."""
        from tests.load.generator import request_bytes

        account = self.random.choice(self.bank.ids[:ACCOUNTS])
        return request_bytes("GET", f"/api/v1/accounts/{account}/balance", token=self.bank.token)


def bare_request() -> bytes:
    """What the minimal view is asked."""
    from tests.load.generator import request_bytes

    return request_bytes("GET", "/")


def bare_balance_request() -> bytes:
    """A balance of the bare view."""
    from tests.load.generator import request_bytes

    return request_bytes("GET", "/balance")


def accounts_warm(accounts: list[int]) -> None:
    """Give the accounts to the engine, as the first transfer of each does, so that those are not measured."""
    from apps.balances.engine import client, control, ownership

    epoch = control.part_read(1).epoch
    taken = ownership.accounts_take(partition=1, epoch=epoch, accounts=accounts)
    client.install(partition=1, epoch=epoch, taken=taken)


def _heads() -> tuple[float, int, int]:
    from apps.balances.engine import control

    part = control.part_read(1)
    return time.perf_counter(), part.head_seq, part.posted_seq


def _reached(calls: list[tuple[float, float, int, int]], seen: list[tuple[float, int]]) -> list[float]:
    """Seconds from when each call was due until its last transfer was behind the moving sequence."""
    took, place = [], 0
    for due, _, _, seq in sorted(calls, key=lambda call: call[3]):
        while place < len(seen) - 1 and seen[place][1] < seq:
            place += 1
        took.append(seen[place][0] - due if seen[place][1] >= seq else float("inf"))
    return took


def _shown(name: str, seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        f"{name} p50_ms": round(1_000 * ordered[len(ordered) // 2], 1),
        f"{name} p95_ms": round(1_000 * ordered[int(len(ordered) * 0.95)], 1),
        f"{name} max_ms": round(1_000 * ordered[-1], 1),
    }


def main(options: argparse.Namespace) -> int:
    """Measure and report; 1 when memory, journal and balances are not the same afterwards."""
    django.setup()
    from apps.balances.selectors import books_verify
    from apps.balances.services import account_reassign, engine_verify
    from apps.core import clock
    from tests.load import bench
    from tests.load.bank import bank_make

    print("Making the bank ...", flush=True)
    measures = Measures(bank_make(), options)
    for account in measures.accounts:
        account_reassign(account_id=account, partition=1, acting_user=None)
    for _ in range(options.rounds):
        measures.limits()
        measures.accept_and_journal()
        measures.durable()
        measures.http()
    measures.offered()
    faults = engine_verify(at=clock.now()).faults + books_verify().faults
    result = bench.report(measures.rates, measures.facts, options)
    result["faults"] = faults
    bench.show(result)
    print(json.dumps(measures.facts, indent=1, ensure_ascii=False))
    print(f"Memory, journal and balances compared after the run: {len(faults)} faults")
    bench.write(result, options)
    return int(bool(faults))
