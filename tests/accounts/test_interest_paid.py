"""Interest paid to many accounts at once: each has its outcome, whichever way the postings are written."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.accounts.models import Account, InterestPosting, ProductTerms
from apps.balances.selectors import balance_read
from apps.balances.services import _many, in_database
from apps.calculations.rounding import multiple_round
from apps.core.ids import uuid7
from apps.core.money import minor_round
from apps.ledger.models import JournalEntry
from tests.factories.accounts import AccountFactory, ProductFactory, cash_move
from tests.factories.interest import closes_forget, day_close, terms_make
from tests.factories.postings import refused

pytestmark = pytest.mark.django_db
FIRST = dt.date(2026, 1, 1)


def status_set(account: Account, status: str) -> None:
    with in_database([account.ledger_account_id], actor_id=None) as book:
        book.change(account.ledger_account_id, status=status)


def booked(accounts: list[Account]) -> list[int]:
    return [balance_read(account_id=one.ledger_account_id).booked for one in accounts]


def paid(accounts: list[Account]) -> list[tuple[Any, ...]]:
    """What is remembered of each, what the statement says, and the bank's own sides of it."""
    rows = InterestPosting.objects.filter(account__in=accounts).order_by("account__ledger_account", "until")
    entries = {one.transaction_id: one for one in JournalEntry.objects.filter(kind="interest")}
    return [
        (
            row.status,
            (row.since, row.until, row.earned, row.owed, row.credit, row.debit, row.tax, row.carried_earned),
            entries[row.transaction_id].description,
            entries[row.transaction_id].outcome,
            sorted((line.side, line.amount) for line in entries[row.transaction_id].lines.all()),
        )
        for row in rows
        if row.transaction_id in entries
    ]


def test_each_account_has_its_outcome_and_the_refused_one_is_paid_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """36.5 % a year of 1,000.00 is 1.00 a day, less 15 % tax; the overdraft of 500.00 owes 0.50 a day."""
    found = []
    for limit in (10**6, 1):
        monkeypatch.setattr(_many, "MANY", limit)
        closes_forget()
        product = ProductFactory(overdraft_limit_max=10_000_00)
        terms_make(product, "0.365", overdraft_rates=[[0, "0.365"]], tax_rate=Decimal("0.15"), posting="daily")
        plain, drawn, blocked, _ = accounts = [
            AccountFactory(product=product, opened_on=FIRST, overdraft_limit=1_000_00) for _ in range(4)
        ]
        for account, amount in ((plain, "1000.00"), (drawn, "-500.00"), (blocked, "2000.00")):
            cash_move(account, amount, value_date=FIRST)
        status_set(blocked, "C")
        day_close(FIRST)
        assert [one[0] for one in paid(accounts)] == ["posted", "posted", "refused"]
        assert booked(accounts) == [1_000_85, -500_50, 2_000_00, 0]
        status_set(blocked, "O")
        day_close(FIRST)  # the same close again: what was decided stays
        assert booked(accounts) == [1_000_85, -500_50, 2_000_00, 0]
        for _ in range(2):
            day_close(FIRST + dt.timedelta(days=1))
            assert booked(accounts) == [1_001_70, -501_00, 2_003_40, 0]
        found.append(paid(accounts))
    assert found[0] == found[1]
    assert [one[0] for one in found[1]] == ["posted"] * 5


def test_interest_is_remembered_of_accounts_that_there_are_and_stay() -> None:
    account = AccountFactory(product=ProductFactory(), opened_on=FIRST)
    facts: dict[str, Any] = {
        "since": FIRST, "until": FIRST, "business_date": FIRST, "earned": 0, "owed": 0, "credit": 0, "debit": 0,
        "tax": 0, "carried_earned": 0, "carried_owed": 0, "transaction_id": uuid7(), "status": "posted",
    }  # fmt: skip
    row = InterestPosting.objects.create(account=account, **facts)
    with refused(IntegrityError):
        InterestPosting.objects.create(account_id=uuid7(), **facts)
    with refused(IntegrityError):
        InterestPosting.objects.filter(pk=row.pk).update(account=uuid7())
    with refused(IntegrityError), connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_account WHERE id = %s", [account.pk])
    with refused(IntegrityError), connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_account SET id = %s WHERE id = %s", [uuid7(), account.pk])


@settings(max_examples=100, deadline=None)
@given(
    st.decimals(min_value=-(10**13), max_value=10**13, places=10),
    st.integers(1, 100_000),
    st.sampled_from(ProductTerms.Rounding.values),
)
def test_whole_numbers_round_as_fractions_do(value: Decimal, unit: int, mode: str) -> None:
    assert minor_round(value, unit, mode) == multiple_round(value, unit, mode)
