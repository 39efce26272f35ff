"""Measures, interleaved over several rounds, and compares: ours divided by the limit, in one run on one machine.

Started by `make bench`, which gives it servers of its own with fsync on. Everything it sends stays on 127.0.0.1.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import django
from django.conf import settings

from config.runtime.processes import WEB_THREADS
from tests.load.pgledger import OPTIONS as PGLEDGER_OPTIONS
from tests.load.pgledger import pgledger_make

if TYPE_CHECKING:
    from tests.load.bank import Bank

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BATCH = 1_000

# name: (ours, limit, floor, goal), from the performance targets of the project.
RATIOS: dict[str, tuple[str, str, float, float]] = {
    "single transfer over HTTP / raw function": ("http transfer", "raw function", 0.20, 0.35),
    "batch of 1000 over HTTP / raw batch": ("http batch", "raw batch", 0.60, 0.90),
    "one hot account / raw hot function": ("hot function", "raw hot function", 0.60, 0.90),
    "batch of 1000, service / raw batch": ("service batch", "raw batch", 0.60, 0.90),
    "posting function / raw function": ("posting function", "raw function", 0.20, 0.35),
    "balance read over HTTP / minimal view": ("http balance", "http minimal", 0.25, 0.40),
    "limited balance read / unlimited": ("http balance", "http balance unlimited", 0.90, 0.95),
    "engine, batches accepted by the service / raw Lua": ("engine accept", "raw lua", 0.35, 0.55),
    "engine, journaled and posted / COPY + UPDATE": ("engine journal", "raw copy", 0.45, 0.60),
    "engine, single over HTTP, in the books / minimal view": ("engine http transfer", "http minimal", 0.30, 0.45),
    "engine, single over HTTP, executed / minimal view": ("engine http accepted", "http minimal", 0.30, 0.45),
    "engine, balance over HTTP / minimal view": ("engine http balance 100", "http minimal", 0.35, 0.50),
    # The floors and goals above, measured against what they were derived from: a bare transfer reached 0.47 of the
    # minimal view there, a bare balance 0.53.
    "engine, single over HTTP, executed / bare transfer": ("engine http accepted", "http bare transfer", 0.64, 0.96),
    "engine, balance over HTTP / bare balance": ("engine http balance 100", "http bare balance", 0.66, 0.94),
    "posting function / pgledger": ("posting function", "pgledger single", 1.0, 2.0),
    "batch of 1000, service / pgledger batch": ("service batch", "pgledger batch", 1.0, 7.0),
    "one process, single / django-hordak": ("service single", "hordak single", 1.0, 5.0),
    "one process, batch / django-hordak": ("service batch", "hordak single", 10.0, 50.0),
}


class Measures:
    """The things that can be measured; each takes seconds and returns operations a second."""

    def __init__(self, bank: Bank, ports: dict[str, int], hordak: Callable[[float], float] | None) -> None:
        self.bank = bank
        self.ports = ports
        self.hordak = hordak
        self.pgledger = pgledger_make()
        self.random = random.Random(42)
        self.latencies: dict[str, dict[str, float]] = {}

    def all(self) -> dict[str, Callable[[float], float]]:
        """Name -> measure, in the order in which a round runs them."""
        measures: dict[str, Callable[[float], float]] = {
            "raw function": lambda seconds: self.pgbench("raw_transfer.sql", 8, seconds),
            "posting function": lambda seconds: self.pgbench("posting.sql", 8, seconds),
            "http transfer": self.http_transfer,
            "raw hot function": lambda seconds: self.pgbench("raw_hot.sql", 8, seconds),
            "hot function": lambda seconds: self.pgbench("posting_hot.sql", 8, seconds),
            "raw batch": lambda seconds: BATCH * self.pgbench("raw_batch.sql", 2, seconds),
            "service batch": self.service_batch,
            "http batch": self.http_batch,
            "service single": self.service_single,
            "http minimal": self.http_minimal,
            "http balance": self.http_balance,
            "http balance unlimited": lambda seconds: self.http_balance(seconds, name="http balance unlimited"),
        }
        if self.pgledger:
            measures["pgledger single"] = lambda seconds: self.pgbench("pgledger_single.sql", 8, seconds)
            measures["pgledger batch"] = lambda seconds: BATCH * self.pgbench("pgledger_batch.sql", 2, seconds)
        if self.hordak is not None:
            measures["hordak single"] = self.hordak
        return measures

    def pgbench(self, script: str, clients: int, seconds: float) -> float:
        from config.runtime.postgres import wheel_folder

        database = settings.DATABASES["default"]
        environment = {**os.environ, "PGPASSWORD": database["PASSWORD"], "PGOPTIONS": PGLEDGER_OPTIONS}
        first = self.bank.ledger_ids[0]
        done = subprocess.run(
            [
                str(wheel_folder() / "bin" / "pgbench"),
                *("-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(max(1, round(seconds)))),
                *("-D", f"low={first}", "-D", f"middle={first + 1000}", "-D", f"high={first + 1999}"),
                *("-h", database["HOST"], "-p", str(database["PORT"]), "-U", database["USER"]),
                *("-f", str(HERE / "sql" / script), database["NAME"]),
            ],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        found = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
        if found is None or re.search(r"number of failed transactions: [1-9]", done.stdout):
            raise RuntimeError(done.stdout + done.stderr)
        return float(found[1])

    def service_single(self, seconds: float) -> float:
        from apps.balances.services import postings_post
        from tests.load.bank import transfer_posting

        done, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            source, target = self.random.sample(self.bank.ledger_ids, 2)
            result = postings_post([transfer_posting(source, target)], actor_id=None)
            assert result.outcomes[0].ok
            done += 1
        return done / (time.perf_counter() - started)

    def service_batch(self, seconds: float) -> float:
        from apps.balances.services import postings_post
        from tests.load.bank import transfer_posting

        done, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            pairs = [self.random.sample(self.bank.ledger_ids, 2) for _ in range(BATCH)]
            result = postings_post([transfer_posting(source, target) for source, target in pairs], actor_id=None)
            assert all(outcome.ok for outcome in result.outcomes)
            done += BATCH
        return done / (time.perf_counter() - started)

    def _transfer_body(self) -> dict[str, Any]:
        source, target = self.random.sample(self.bank.numbers, 2)
        return {
            "source_account": source,
            "destination_account": target,
            "amount": {"amount": "0.01", "currency": "KES"},
            "description": "Rent",
        }

    def _http(self, name: str, seconds: float, connections: int, request: Callable[[], bytes], expected: int) -> float:
        from tests.load.generator import load_run

        port = self.ports.get(name) or self.ports["web"]
        if name not in self.latencies:  # the first requests of a process load code and open connections
            load_run(port=port, seconds=1.0, connections=connections, request=request)
        load = load_run(port=port, seconds=seconds, connections=connections, request=request)
        if set(load.statuses) != {expected}:
            raise RuntimeError(f"{name}: statuses {load.statuses}, expected {expected} only")
        self.latencies[name] = {"p50_ms": round(load.p50_ms, 2), "p95_ms": round(load.p95_ms, 2)}
        return load.per_second

    def http_transfer(self, seconds: float) -> float:
        from tests.load.generator import request_bytes

        def request() -> bytes:
            body = json.dumps(self._transfer_body()).encode()
            return request_bytes("POST", "/api/v1/transfers", token=self.bank.token, body=body, key=uuid4().hex)

        return self._http("http transfer", seconds, 16, request, 201)

    def http_batch(self, seconds: float) -> float:
        from tests.load.generator import request_bytes

        # Bodies are made before, so that the generator does not take the server's time; keys are fresh each time.
        bodies = [
            json.dumps({"mode": "independent", "items": [self._transfer_body() for _ in range(BATCH)]}).encode()
            for _ in range(8)
        ]

        def request() -> bytes:
            body = self.random.choice(bodies)
            return request_bytes("POST", "/api/v1/transfer-batches", token=self.bank.token, body=body, key=uuid4().hex)

        return BATCH * self._http("http batch", seconds, 2, request, 200)

    def http_balance(self, seconds: float, name: str = "http balance") -> float:
        from tests.load.generator import request_bytes

        def request() -> bytes:
            account = self.random.choice(self.bank.ids)
            return request_bytes("GET", f"/api/v1/accounts/{account}/balance", token=self.bank.token)

        return self._http(name, seconds, 16, request, 200)

    def http_minimal(self, seconds: float) -> float:
        from tests.load.generator import request_bytes

        return self._http("http minimal", seconds, 16, lambda: request_bytes("GET", "/"), 200)


@contextmanager
def web_server(application: str, *, threads: int = WEB_THREADS) -> Any:
    """granian with two workers, as `make run` starts it; yields its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", "--host", "127.0.0.1"),
        *("--port", str(port), "--workers", "2", "--blocking-threads", str(threads), "--log-level", "error"),
        application,
    ]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        else:
            raise RuntimeError(f"{application} did not start")
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def hordak_measure() -> Callable[[float], float] | None:
    """The peer, if its environment is there (NUMINA_BENCH_PYTHON and a database of its own)."""
    python, url = os.environ.get("NUMINA_BENCH_PYTHON"), os.environ.get("NUMINA_BENCH_PEER_URL")
    if not python or not url:
        return None

    def measure(seconds: float) -> float:
        done = subprocess.run(
            [python, str(HERE / "hordak_peer.py"), url, str(seconds)], capture_output=True, text=True, check=True
        )
        return float(done.stdout.strip().splitlines()[-1])

    return measure


def report(
    rates: dict[str, list[float]], latencies: dict[str, dict[str, float]], options: argparse.Namespace
) -> dict[str, Any]:
    """Medians, ratios against floor and goal, and the conditions they were measured under."""
    medians = {name: round(statistics.median(values), 1) for name, values in rates.items()}
    ratios = {
        name: {"ratio": round(medians[ours] / medians[limit], 3), "floor": floor, "goal": goal}
        for name, (ours, limit, floor, goal) in RATIOS.items()
        if ours in medians and limit in medians
    }
    return {
        "conditions": {
            "cores": os.cpu_count(),
            "machine": platform.machine(),
            "python": platform.python_version(),
            "rounds": options.rounds,
            "seconds": options.seconds,
            "accounts": 2_000,
            "postgresql": "fsync on, synchronous_commit on; client, server and PostgreSQL share the cores",
        },
        "per_second": medians,
        "spread": {name: [round(min(values), 1), round(max(values), 1)] for name, values in rates.items()},
        "latency_of_last_round": latencies,
        "ratios": ratios,
    }


def show(result: dict[str, Any]) -> None:
    """The tables for people."""
    from rich.console import Console
    from rich.table import Table

    table = Table("measure", "median a second", "lowest", "highest", title="Rates")
    for name, rate in result["per_second"].items():
        low, high = result["spread"][name]
        table.add_row(name, f"{rate:,.0f}", f"{low:,.0f}", f"{high:,.0f}")
    ratios = Table("ratio", "measured", "floor", "goal", "", title="Ours / the limit")
    for name, row in result["ratios"].items():
        verdict = "goal" if row["ratio"] >= row["goal"] else "floor" if row["ratio"] >= row["floor"] else "BELOW FLOOR"
        ratios.add_row(name, f"{row['ratio']:.2f}", f"{row['floor']:.2f}", f"{row['goal']:.2f}", verdict)
    console = Console()
    console.print(table, ratios)


def write(result: dict[str, Any], options: argparse.Namespace) -> None:
    """Keep the result where `--json` says."""
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"Written to {options.json}")


def main() -> int:
    """Measure and report; 1 when a proof of the books fails afterwards."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measure in each round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, in which all measures take turns")
    parser.add_argument("--only", default="", help="comma-separated names of measures")
    parser.add_argument("--json", type=Path, help="write the result here")
    parser.add_argument("--notices", action="store_true", help="measure notifications instead")
    parser.add_argument("--decisions", action="store_true", help="measure approvals instead")
    parser.add_argument("--engine", action="store_true", help="measure the balance engine instead")
    parser.add_argument("--rate", type=int, default=10_000, help="of --engine: transfers a second that are offered")
    parser.add_argument("--offered-seconds", type=float, default=10.0, help="of --engine: for so long; 60 in full")
    parser.add_argument("--interest", action="store_true", help="measure the daily interest instead")
    parser.add_argument("--interest-accounts", type=int, default=100_000, help="of --interest: 1000000 in full")
    parser.add_argument("--statements", action="store_true", help="measure a batch of PDF statements instead")
    parser.add_argument("--reports", action="store_true", help="measure statements and their PDFs instead")
    parser.add_argument("--lines", type=int, default=1_000_000, help="of --reports: of the journal; 5000000 in full")
    parser.add_argument("--pdfs", type=int, default=100, help="of --reports: PDF statements that are drawn")
    parser.add_argument("--lending", action="store_true", help="measure a close of business of loans instead")
    options = parser.parse_args()
    if options.lending:
        from tests.load import lending

        return lending.main()
    if options.statements:
        from tests.load import statements

        return statements.main()
    if options.reports:
        from tests.load import reports

        return reports.main(lines=options.lines, pdfs=options.pdfs)
    if options.interest:
        from tests.load import interest

        return interest.main(count=options.interest_accounts)
    if options.engine:
        from tests.load import engine

        return engine.main(options)
    if options.decisions:
        from tests.load import decisions

        return decisions.main()
    if options.notices:
        from tests.load import notices

        return notices.main()
    django.setup()
    from apps.balances.selectors import books_verify
    from tests.load.bank import bank_make

    print("Making the bank ...", flush=True)
    bank = bank_make()
    rates: dict[str, list[float]] = {}
    with ExitStack() as servers:
        ports = {
            "web": servers.enter_context(web_server("config.wsgi:application")),
            "http minimal": servers.enter_context(web_server("tests.load.minimal:application")),
            "http balance unlimited": servers.enter_context(web_server("tests.load.unlimited:application")),
        }
        measures = Measures(bank, ports, hordak_measure())
        wanted = {name.strip() for name in options.only.split(",") if name.strip()}
        for number in range(1, options.rounds + 1):
            for name, measure in measures.all().items():
                if wanted and name not in wanted:
                    continue
                rate = measure(options.seconds)
                rates.setdefault(name, []).append(rate)
                print(f"round {number}  {name:<18} {rate:>12,.0f}/s", flush=True)
    result = report(rates, measures.latencies, options)
    proof = books_verify()
    result["books"] = {"lines": proof.lines, "faults": proof.faults}
    show(result)
    print(f"Books proven after the run: {proof.lines:,} lines, {len(proof.faults)} faults")
    write(result, options)
    return 1 if proof.faults else 0


if __name__ == "__main__":
    sys.exit(main())
