"""An import killed in the middle and run again loses nothing and posts nothing twice."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from apps.accounts.models import Account
from apps.balances.selectors import balances_read
from apps.ledger.models import JournalEntry
from tests.factories.accounts import ProductFactory
from tests.factories.books import gl_account_ready
from tests.factories.identity import BranchFactory
from tests.faults.test_killed_client import server_at_rest
from tests.load.sample_transactions import HEADER, rows
from tests.payments.conftest import CHANNEL_CODES

pytestmark = [pytest.mark.slow]

ROWS, ACCOUNTS = 6_000, 40


def command(path: Path, source: str, branch: str) -> subprocess.Popen[str]:
    database = connection.settings_dict
    password = f":{database['PASSWORD']}" if database["PASSWORD"] else ""
    url = f"postgresql://{database['USER']}{password}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    return subprocess.Popen(
        [
            sys.executable, str(settings.BASE_DIR / "manage.py"), "import_transactions", str(path), "--json",
            "--create-accounts", "--source", source, "--branch", branch, "--batch-size", "200",
        ],
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings.test"},
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def posted(source: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM balances_transaction_key WHERE client_id = %s AND outcome = 'OK'",
            [f"import:{source}"],
        )
        return int(cursor.fetchone()[0])


def test_killed_twice_and_run_again_nothing_is_lost_or_doubled(committed_db: Any, tmp_path: Path) -> None:
    unique = uuid.uuid4().hex[:8].upper()
    for code in CHANNEL_CODES:
        gl_account_ready(code)
    ProductFactory()
    branch = BranchFactory(code=f"K{unique}")
    path = tmp_path / "in.csv"
    lines = [
        [one[0], unique + one[1], *one[2:]]
        for one in rows(
            count=ROWS, accounts=ACCOUNTS, start=branch.created_at.date().replace(year=2024), days=600, seed=3
        )
    ]
    with path.open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target)
        writer.writerow(HEADER)
        writer.writerows(lines)

    for goal in (ROWS // 10, ROWS // 2):
        process = command(path, unique, branch.code)
        deadline = time.monotonic() + 120
        while posted(unique) < goal and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
        process.wait()
    server_at_rest()  # what it had in hand when its client died is committed or undone
    middle = posted(unique)
    assert ROWS // 10 <= middle < ROWS, "killed too late to show anything"

    process = command(path, unique, branch.code)
    out, _ = process.communicate(timeout=300)
    report = json.loads(out)
    assert process.returncode == 0, report
    assert report["rows_skipped"] == middle
    assert report["rows_posted"] == ROWS - middle
    assert (report["balances_compared"], report["balances_differing"]) == (ROWS, 0)
    assert posted(unique) == ROWS
    accounts = {
        account.ledger_account_id: account.number for account in Account.objects.filter(number__startswith=unique)
    }
    last = {line[1]: line[-1] for line in lines}
    ours = balances_read(account_ids=accounts)
    assert {number: ours[pk].booked for pk, number in accounts.items()} == {
        number: int(amount.replace(".", "")) for number, amount in last.items()
    }
    ids = JournalEntry.objects.filter(kind="import", lines__account__in=accounts).values_list(
        "transaction_id", flat=True
    )
    assert len(set(ids)) == ROWS
