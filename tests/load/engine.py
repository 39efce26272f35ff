"""`make bench ARGS=--engine`: the engine beside its limits, in one run: a bare Lua transfer, and COPY with one UPDATE.

Clients, engine, memory and PostgreSQL share the machine. Every account is compared afterwards.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import django

ROOT = Path(__file__).resolve().parents[2]
ACCOUNTS = 1_000
CLIENTS = 4
ITEMS = 500

RAW = """
local s, d, a = KEYS[1], KEYS[2], tonumber(ARGV[1])
if tonumber(redis.call('HGET', s, 'bal')) < a then return 0 end
redis.call('HINCRBY', s, 'bal', -a) redis.call('HINCRBY', d, 'bal', a)
redis.call('XADD', 'bench:s', 'MAXLEN', '~', 10000, '*', 's', s, 'd', d, 'a', a)
return 1
"""


def _client(accounts: list[int], number: int, seconds: int, results: Any) -> None:
    """One process that posts batches through the service for so long."""
    django.setup()
    from apps.balances.services import postings_execute
    from tests.load.bank import transfer_posting

    chance, done, took = random.Random(number), 0, []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        batch = [transfer_posting(*chance.sample(accounts, 2)) for _ in range(ITEMS)]
        started = time.perf_counter()
        outcomes = postings_execute(postings=batch, actor_id=None).outcomes
        took.append(time.perf_counter() - started)
        done += sum(outcome.ok for outcome in outcomes)
    results.put((done, took))


def raw_lua(seconds: int) -> int:
    """Bare transfers a second, pipelined by one client, in the engine's memory."""
    from apps.balances.engine import client

    memory = client.memory()
    script = memory.register_script(RAW)
    for account in range(ACCOUNTS):
        memory.hset(f"bench:{account}", "bal", 10**9)
    chance, done, started = random.Random(1), 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        pipe = memory.pipeline(transaction=False)
        for _ in range(100):
            one, two = chance.sample(range(ACCOUNTS), 2)
            script(keys=[f"bench:{one}", f"bench:{two}"], args=[1], client=pipe)
        pipe.execute()
        done += 100
    rate = round(done / (time.perf_counter() - started))
    memory.delete("bench:s", *[f"bench:{account}" for account in range(ACCOUNTS)])
    return rate


def raw_copy(rows: int) -> int:
    """Transfers a second of COPY of their two lines into a bare table, with one UPDATE of all balances, committed."""
    from django.db import connection, transaction

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS bench_line (j bigint, a bigint, v bigint)")
        cursor.execute("CREATE TABLE IF NOT EXISTS bench_balance (a bigint PRIMARY KEY, v bigint)")
        cursor.execute(
            "INSERT INTO bench_balance SELECT g, 0 FROM generate_series(1, %s) g ON CONFLICT DO NOTHING", [1_000]
        )
    chance, started = random.Random(1), time.perf_counter()
    for _ in range(0, rows, 5_000):
        lines = "".join(f"{n}\t{chance.randrange(1, 1_001)}\t{sign}\n" for n in range(5_000) for sign in (-1, 1))
        with transaction.atomic(), connection.cursor() as cursor:
            with cursor.copy("COPY bench_line FROM STDIN") as copy:
                copy.write(lines)
            cursor.execute("UPDATE bench_balance b SET v = b.v + 1")
    rate = round(rows / (time.perf_counter() - started))
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE bench_line, bench_balance")
    return rate


def main(seconds: int = 20) -> int:
    """Measure and report; 1 when memory, journal and balances are not the same afterwards."""
    django.setup()
    from apps.balances.engine import control
    from apps.balances.engine.status import engine_status
    from apps.balances.selectors import books_verify
    from apps.balances.services import account_reassign, engine_verify
    from apps.core import clock
    from tests.load.bank import bank_make

    accounts = bank_make().ledger_ids[:ACCOUNTS]
    for account in accounts:
        account_reassign(account_id=account, partition=1, acting_user=None)
    result: dict[str, Any] = {"raw_lua": raw_lua(4), "raw_copy": raw_copy(50_000)}
    engine = subprocess.Popen([sys.executable, "manage.py", "balances", "run"], cwd=ROOT)
    try:
        while control.part_read(1).mode != "FAST":
            time.sleep(0.1)
        context = multiprocessing.get_context("spawn")
        results = context.Queue()
        clients = [context.Process(target=_client, args=(accounts, n, seconds, results)) for n in range(CLIENTS)]
        started = time.perf_counter()
        for one in clients:
            one.start()
        answers = [results.get(timeout=seconds + 60) for _ in clients]
        spent = time.perf_counter() - started
        took = sorted(value for _, values in answers for value in values)
        result["engine"] = round(sum(done for done, _ in answers) / seconds)
        result["seconds_with_start"] = round(spent, 1)
        result["durable_p50_ms"] = round(took[len(took) // 2] * 1_000)
        result["durable_p95_ms"] = round(took[int(len(took) * 0.95)] * 1_000)
        while engine_status()[0].head_seq > engine_status()[0].posted_seq:
            time.sleep(0.1)
        faults = engine_verify(at=clock.now()).faults + books_verify().faults
    finally:
        engine.terminate()
        engine.wait(20)
    result["engine / raw_lua"] = round(result["engine"] / result["raw_lua"], 2)
    result["engine / raw_copy"] = round(result["engine"] / result["raw_copy"], 2)
    result["faults"] = faults
    print(json.dumps(result, indent=1))
    return int(bool(faults))
