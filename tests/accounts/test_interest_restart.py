"""A close killed in the middle of a range of accounts, and run again: nothing is lost, nothing is booked twice."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from apps.accounts import services
from apps.accounts.errors import AccountNotSettled
from apps.accounts.models import Account, Accrual, InterestPosting, InterestTotal
from apps.balances.selectors import balance_read
from apps.core import clock
from apps.ledger.models import JournalLine
from apps.ledger.sealing import journal_seal_all
from apps.ledger.selectors import business_date_current
from tests.factories.accounts import AccountFactory, ProductFactory, cash_move
from tests.factories.interest import terms_make

FIRST, LAST = dt.date(2026, 1, 30), dt.date(2026, 1, 31)
CHILD = """
import datetime as dt, os, signal, sys
import django
django.setup()
from apps.accounts import services
from apps.accounts.services import _accrual, _interest_posting
calls = []
def killer(real, number):
    def run(*args, **options):
        calls.append(1)
        if len(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **options)
    return run
where, parts, day = sys.argv[1], sys.argv[2].split(","), dt.date(2026, 1, 31)
if where == "accrue":
    _accrual.totals_add = killer(_accrual.totals_add, 2)
else:
    _interest_posting.dues_record = killer(_interest_posting.dues_record, 2)
for part in parts:
    services.day_balances_fold(partition=part)
    services.interest_accrue(partition=part, business_date=day, through=day)
for part in parts:
    services.interest_post(partition=part, business_date=day, through=day)
"""


def killed(where: str, parts: list[str]) -> None:
    """Run the steps in a process that kills itself: in the second range, after its rows and before their end."""
    database = connection.settings_dict
    password = f":{database['PASSWORD']}" if database["PASSWORD"] else ""
    url = f"postgresql://{database['USER']}{password}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    env = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings.test"}
    done = subprocess.run(
        [sys.executable, "-c", CHILD, where, ",".join(parts)], env=env, cwd=settings.BASE_DIR, timeout=120, check=False
    )
    assert done.returncode == -9


def test_killed_in_a_range_and_run_again(committed_db: Any) -> None:
    """1,000.00 at 36.5 % earns 1.00 a day; two days are paid with the month."""
    product = ProductFactory()
    terms_make(product, "0.365", since=FIRST.isoformat())
    accounts = [AccountFactory(product=product, opened_on=FIRST, branch=None) for _ in range(6)]
    for account in accounts:
        cash_move(account, "1000.00", value_date=FIRST)
    ids = [account.ledger_account_id for account in accounts]
    parts = [f"{ids[0]}-{ids[1]}", f"{ids[2]}-{ids[3]}", f"{ids[4]}-{ids[5]}"]
    journal_seal_all(at=clock.now())

    killed("accrue", parts)
    assert Accrual.objects.filter(account_id__in=ids[:2]).count() == 4
    assert not Accrual.objects.filter(account_id__in=ids[2:]).exists()
    killed("post", parts)
    assert InterestPosting.objects.filter(account__in=accounts).count() == 2
    assert [balance_read(account_id=one).booked for one in ids] == [1_002_00] * 4 + [1_000_00] * 2

    def close(account: Account, payout_to: Account) -> Account:
        return services.account_close(
            acting_user=None, account_id=account.pk, expected_version=account.version, reason="Moved",
            closed_on=business_date_current(), at=clock.now(), payout_to=payout_to.pk,
        )  # fmt: skip

    with pytest.raises(AccountNotSettled):  # it is paid, and the close does not know so yet
        close(accounts[2], accounts[0])

    for part in parts:
        assert services.interest_accrue(partition=part, business_date=LAST, through=LAST)["rows"] == 0
        services.interest_post(partition=part, business_date=LAST, through=LAST)
    services.interest_entries_post(business_date=LAST)
    assert Accrual.objects.filter(account_id__in=ids).count() == 12
    assert InterestPosting.objects.filter(account__in=accounts, status="posted").count() == 6
    assert [balance_read(account_id=one).booked for one in ids] == [1_002_00] * 6
    assert JournalLine.objects.filter(account_id__in=ids, journal__kind="interest").count() == 6
    totals = InterestTotal.objects.filter(product=product)
    assert sum((row.exact for row in totals), Decimal(0)) == 12_00
    assert sum(row.booked for row in totals) == 12_00
    assert close(accounts[2], accounts[0]).status == "closed"
    assert [balance_read(account_id=ids[place]).booked for place in (0, 2)] == [2_004_00, 0]
