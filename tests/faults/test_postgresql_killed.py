"""F1, F2: a client of the engine is killed. F19, F20, F31: PostgreSQL is, or its standby stops. A proof ends each."""

from __future__ import annotations

import contextlib
import itertools
import json
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.balances.engine import control
from apps.balances.selectors import balance_read
from apps.balances.services import postings_execute
from tests.factories.engine import PARTITION, engine_account, proof, running
from tests.factories.postings import Books
from tests.faults.machines import ROOT, Memory, engine_process, environment_for, eventually
from tests.faults.postgresql import Cluster, cluster
from tests.faults.spender import FUNDS, spendings, told

pytestmark = [pytest.mark.usefixtures("memory"), pytest.mark.slow]


@contextlib.contextmanager
def spender(client: str, accounts: list[int], out: Path, environment: dict[str, str]) -> Iterator[None]:
    """The client, killed with the block."""
    with out.open("ab") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.spender", "spend", client, *map(str, accounts)],
            cwd=ROOT, env=environment, stdout=stream,
        )  # fmt: skip
    try:
        yield
        assert process.poll() is None, "the client ended by itself"
    finally:
        process.kill()
        process.wait(10)


def test_f01_f02_a_client_is_killed_wherever_it_is(books: Books, memory: Memory, tmp_path: Path) -> None:
    accounts = [engine_account(books, FUNDS) for _ in range(4)]
    out = tmp_path / "told"
    out.touch()
    client = uuid.uuid4().hex
    with running():
        with spender(client, accounts, out, environment_for(memory.url)):
            eventually(lambda: len(told(out)[1]) >= 10)
        tried, answered = told(out)
        assert len(tried) - len(answered) in (0, 1)
        assert control.part_read(PARTITION).head_seq > len(answered) / 2  # by the engine
        expected = dict.fromkeys(accounts, FUNDS)
        for posting in itertools.islice(spendings(client, accounts), len(tried)):
            code = postings_execute(postings=[posting], actor_id=None).outcomes[0].code  # as its client would again
            assert code == answered.get(posting.transaction_id, code)
            for leg in posting.legs if code == "OK" else ():
                expected[leg.account_id] += leg.amount
        assert {account: balance_read(account_id=account).booked for account in accounts} == expected
        assert control.part_read(PARTITION).fenced_why == ""
        proof()


def verify(environment: dict[str, str]) -> dict[str, object]:
    """`manage.py balances verify` of the books that the environment names."""
    done = subprocess.run(
        [sys.executable, "manage.py", "balances", "--json", "verify"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def answered_are_kept(server: Cluster, out: Path) -> int:
    """Every answer is in the books with its outcome; how many there are."""
    answers = told(out)[1]
    kept = {row[0]: row[1] for row in server.query("SELECT transaction_id, outcome FROM balances_transaction_key")}
    assert {key: kept.get(key) for key in answers} == answers
    return len(answers)


_JOURNALED = "SELECT count(*) FROM ledger_journal WHERE seq IS NOT NULL"


def test_f19_f20_f31_postgresql_is_killed(memory: Memory, tmp_path: Path) -> None:
    out = tmp_path / "told"
    out.touch()
    with cluster() as server:
        environment = environment_for(memory.url, server.server.url)
        made = subprocess.run(
            [sys.executable, "-m", "tests.faults.spender", "make", "4"],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        accounts = [int(word) for word in made.stdout.split()]
        with engine_process(memory.url, server.server.url), spender("one", accounts, out, environment):
            eventually(lambda: server.query(_JOURNALED)[0][0] > 5)  # by the engine, which took its time to start
            eventually(lambda: answered_are_kept(server, out) > 5)
            # F31: whatever was committed without waiting, a take first of all, is lost with the server.
            server.kill()
            server.restart()
            seen = answered_are_kept(server, out)
            eventually(lambda: answered_are_kept(server, out) > seen + 5)
            # F20: the standby stops; nothing is answered until it is back.
            server.standby_make()
            seen = answered_are_kept(server, out)
            eventually(lambda: answered_are_kept(server, out) > seen + 5)
            server.standby_signal(signal.SIGSTOP)
            seen = len(told(out)[1])
            time.sleep(1)
            assert len(told(out)[1]) <= seen + 1  # one may have been on its way to a client that is slow to note it
            server.standby_signal(signal.SIGCONT)
            eventually(lambda: len(told(out)[1]) > seen + 5)
            # F19: the primary is gone for good, its standby takes over.
            server.kill()
            server.promote()
            seen = answered_are_kept(server, out)
            eventually(lambda: answered_are_kept(server, out) > seen + 5)
            report = verify(environment)
            assert not report["differences"], report["faults"]
        assert answered_are_kept(server, out) > 20
        total = server.query("SELECT sum(balance) FROM balances_balance WHERE partition_id = 1")
        assert int(total[0][0]) == 4 * FUNDS
