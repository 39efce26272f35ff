"""The bank's own accounts are opened at their first use, once, and remembered only when they are there to stay."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import transaction

from apps.balances.services import internal_account_id
from apps.ledger.models import LedgerAccount
from tests.concurrency.threads import together
from tests.factories.books import currency_ready, gl_account_ready
from tests.factories.identity import BranchFactory
from tests.factories.postings import branch_new

pytestmark = pytest.mark.usefixtures("committed_db")


def test_the_first_use_by_many_at_once_opens_one_account() -> None:
    currency_ready("KES")
    gl_account_ready("1120")
    branch = branch_new()
    ask = partial(
        internal_account_id, gl_code="1120", branch_id=branch.pk, branch_code=branch.code, currency="KES", stripe=3
    )
    ids = set(together([ask] * 8))
    assert len(ids) == 1
    account = LedgerAccount.objects.get(pk=ids.pop())
    assert (account.number, account.kind) == (f"1120-{branch.code}-KES#3", "internal")


def test_an_account_that_was_undone_is_not_remembered() -> None:
    currency_ready("KES")
    gl_account_ready("1120")
    branch = branch_new()
    ask = partial(internal_account_id, gl_code="1120", branch_id=branch.pk, branch_code=branch.code, currency="KES")
    with transaction.atomic():
        first = {ask(), ask()}
        transaction.set_rollback(True)
    assert len(first) == 1
    second = ask()
    assert second not in first
    assert LedgerAccount.objects.filter(pk=second).exists()
    assert ask() == second


def test_long_codes_get_a_number_that_fits() -> None:
    currency_ready("KES")
    gl_account_ready("1120")
    branch = BranchFactory(code=branch_new().code + "-LONGCODE"[: 20 - 9])
    account = internal_account_id(
        gl_code="1120", branch_id=branch.pk, branch_code=branch.code * 2, currency="KES", stripe=12
    )
    assert len(LedgerAccount.objects.get(pk=account).number) <= 34
