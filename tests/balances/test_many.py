"""Many postings are written by COPY: the same outcomes, rows and errors as by the posting function."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import msgspec
import pytest
from django.db import connection

from apps.balances.errors import EngineOwned
from apps.balances.models import Partition, TransactionKey
from apps.balances.selectors import books_verify
from apps.balances.services import Posting, _many, hold_place, postings_post
from apps.core import clock
from apps.ledger.errors import BusinessDateInFuture, PeriodClosed
from apps.ledger.models import AccountingPeriod
from apps.ledger.selectors import business_date_current
from tests.factories.postings import Books, balance_of, refused

TEXTS = {"description": 'one\ttwo\\N \\x41 "é" 日本\u2028{,}\nNULL', "counterparty": "\\", "reference": "\\\\N"}
ROWS = """
SELECT j.kind, j.outcome, j.line_count, j.business_date, j.value_date, j.client_timestamp, j.actor, j.correlation_id,
       j.channel, j.description, j.counterparty, j.reference, j.reverses_id, j.partition, j.epoch, j.seq, j.chain_hash,
       k.outcome, k.fingerprint, k.transaction_id = j.transaction_id, k.idempotency_key,
       (SELECT array_agg(row(l.line_no, l.currency, l.side, l.amount, l.balance_before, l.balance_after,
                             l.account_version, l.business_date)::text ORDER BY l.line_no)
          FROM ledger_line l WHERE l.journal_id = j.id)
  FROM balances_transaction_key k JOIN ledger_journal j ON j.id = k.journal_id WHERE k.client_id = %s
   AND k.idempotency_key = ANY (%s) ORDER BY j.id
"""


pytestmark = pytest.mark.django_db


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two postings are many."""
    monkeypatch.setattr(_many, "MANY", 1)


def written(books: Books, postings: list[Posting]) -> list[Any]:
    """All that the books hold of these transactions but ids and the time of booking."""
    with connection.cursor() as cursor:
        cursor.execute(ROWS, [str(books.client), [posting.key for posting in postings]])
        return cursor.fetchall()


def batch(books: Books) -> list[Posting]:
    """A batch in which everything happens: each refusal, running balances, history, a fee inside, odd texts."""
    day = business_date_current()
    rich, poor, held = books.customer(1_000), books.customer(0, limit=20), books.customer(100)
    no_debits, no_credits = books.customer(50, status="D"), books.customer(50, status="C")
    frozen, closed = books.customer(50, status="F"), books.customer(status="X")
    dollars = books.customer(currency="USD")
    expense, fees = books.internal("1210"), books.internal("4220")
    hold_place(
        transaction_id=uuid.uuid4(),
        fingerprint=b"h" * 32,
        account_id=held,
        amount=40,
        reason="",
        expires_at=None,
        actor_id=None,
        at=clock.now(),
    )
    made = [
        books.posting((expense, -7), (rich, 7), key="plain", **TEXTS),
        books.posting((rich, -900), (fees, 5), (poor, 895), key="fee"),
        books.posting((rich, -108), (expense, 108), key="too much"),
        books.posting((poor, -915), (rich, 915), key="to the limit", value_date=day + dt.timedelta(days=9)),
        books.posting((poor, -1), (rich, 1), key="beyond it"),
        books.posting((held, -61), (expense, 61), key="held"),
        books.posting((rich, -1), (fees, 1), (closed, -3), (expense, 3), key="undone"),
        books.posting((rich, -2, "KES"), (dollars, 2, "KES"), key="currency"),
        books.posting((expense, -(10**13 + 1)), (rich, 10**13 + 1), key="limit"),
        books.posting((expense, -3), (rich, 3), key="history", business_date=day - dt.timedelta(days=40)),
        books.posting(
            (expense, -3), (rich, 3), key="asked", client_timestamp=dt.datetime(2026, 1, 2, 3, 4, 5, 6, dt.UTC)
        ),
    ]
    for number, account in enumerate((no_debits, no_credits, frozen)):
        made.append(books.posting((account, -5), (expense, 5), key=f"out {number}"))
        made.append(books.posting((expense, -5), (account, 5), key=f"in {number}"))
    # Not of the legs: their accounts are others in other books.
    return [msgspec.structs.replace(one, fingerprint=one.key.encode().ljust(32)) for one in made]


def test_the_same_rows_outcomes_and_replays(monkeypatch: pytest.MonkeyPatch) -> None:
    actor = uuid.uuid4()
    found = []
    for limit in (10**6, 1):
        monkeypatch.setattr(_many, "MANY", limit)
        books = Books()
        made = batch(books)
        first = postings_post(made, actor_id=actor, correlation_id="one\\two")
        other = books.posting((made[0].legs[0].account_id, -1), (made[0].legs[1].account_id, 1), key="plain")
        again = postings_post([other, *made[1:]], actor_id=actor)
        assert [one.journal_id for one in again.outcomes][1:] == [one.journal_id for one in first.outcomes][1:]
        accounts = sorted({leg.account_id for posting in made for leg in posting.legs})
        states = [balance_of(account) for account in accounts]
        assert [first.balances[one] for one in accounts] == [row.balance for row in states]
        assert again.balances == first.balances
        found.append(
            (
                [(one.code, one.replayed) for one in first.outcomes + again.outcomes],
                [(row.balance, row.held, row.version, row.status) for row in states],
                written(books, made),
                first.business_date,
            )
        )
    assert found[0] == found[1]
    assert {code for code, _ in found[1][0]} == {"OK", "NSF", "CLOSED", "CCY", "LIMIT", "FROZEN", "REUSED"}
    assert books_verify().faults == []


def test_nothing_is_written_when_one_of_them_is_a_mistake(many: None) -> None:
    books, day = Books(), dt.date(1990, 6, 16)
    AccountingPeriod.objects.create(code=uuid.uuid4().hex[:20], starts_on=day, ends_on=day, status="closed")
    alice, bob = books.customer(100), books.customer()
    good = books.posting((alice, -5), (bob, 5), key="good")
    later = business_date_current() + dt.timedelta(days=1)
    for error, date in ((PeriodClosed, day), (BusinessDateInFuture, later)):
        with refused(error):
            books.post(good, books.posting((alice, -5), (bob, 5), business_date=date))
    Partition.objects.update_or_create(pk=1, defaults={"mode": "FAST", "epoch": 7})
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE balances_balance SET partition_id = 1, owner_epoch = 7, token = 1 WHERE account_id = %s", [bob]
        )
    with refused(EngineOwned):
        books.post(good, books.posting((alice, -5), (bob, 5)))
    assert not TransactionKey.objects.filter(pk=good.transaction_id).exists()
    assert (balance_of(alice).balance, balance_of(alice).version) == (100, 1)
