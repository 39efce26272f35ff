"""A client killed in the middle of a posting: what was answered is there, what was not is there whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection

from apps.balances.selectors import books_verify, transactions_known
from apps.core import clock
from apps.ledger.models import JournalEntry, JournalLine
from apps.ledger.sealing import chain_verify, journal_seal_all
from tests.factories.postings import Books, balance_of

pytestmark = pytest.mark.usefixtures("committed_db")

ROOT = Path(__file__).resolve().parents[2]


def database_url() -> str:
    """The test database, for a program of its own."""
    given = connection.settings_dict
    secret = f":{quote(given['PASSWORD'], safe='')}" if given["PASSWORD"] else ""
    host = f"{given['HOST']}:{given['PORT']}" if given["PORT"] else given["HOST"]
    return f"postgresql://{quote(given['USER'], safe='')}{secret}@{host}/{given['NAME']}"


@pytest.mark.parametrize("items", [1, 1_000])
def test_kill_9_in_the_middle_of_postings_leaves_nothing_half_done(items: int, tmp_path: Path) -> None:
    books = Books()
    rich, poor = books.customer(10**9), books.customer()
    newest = JournalEntry.objects.order_by("-pk")[0].pk
    told = tmp_path / "told"
    for run in range(3):
        with told.open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.poster", str(rich), str(poor), str(items)],
                cwd=ROOT,
                env={**os.environ, "DATABASE_URL": database_url()},
                stdout=out,
            )
            try:
                _wait_for_growth(told, process)
                time.sleep(0.011 * run)  # not always at the same point of its work
            finally:
                process.send_signal(signal.SIGKILL)
                process.wait(10)
    server_at_rest()
    lines = told.read_text().splitlines(keepends=True)
    answered = [uuid.UUID(hex=word) for line in lines if line.endswith("\n") for word in line.split()]
    assert len(answered) >= 3 * items
    assert transactions_known(transaction_ids=answered) == set(answered)
    stored = JournalLine.objects.filter(account_id=poor, journal_id__gt=newest).count()
    assert stored % items == 0  # whole calls only
    assert len(answered) <= stored <= len(answered) + 3 * items  # a call may be done and its answer lost
    assert balance_of(poor).balance == stored
    assert books_verify().faults == []
    journal_seal_all(at=clock.now())
    *_, report = chain_verify()
    assert (report.faults, report.unsealed) == ([], 0)


def _wait_for_growth(told: Path, process: subprocess.Popen[bytes]) -> None:
    size = told.stat().st_size
    for _ in range(6_000):
        if told.stat().st_size > size:
            return
        assert process.poll() is None, "the client ended by itself"
        time.sleep(0.02)
    raise AssertionError("the client never posted")


def server_at_rest() -> None:
    """Until no session works for a client that is gone."""
    for _ in range(3_000):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND state <> 'idle'"
            )
            if cursor.fetchone()[0] == 0:
                return
        time.sleep(0.02)
    raise AssertionError("sessions of killed clients are still at work")
