"""The sealer beside postings that commit late, and beside another sealer."""

from __future__ import annotations

import contextlib
import threading

import pytest
from django.db import connection, transaction

from apps.balances.selectors import books_verify
from apps.balances.services import in_database
from apps.core import clock
from apps.ledger.models import JournalEntry, JournalSeal, SealState
from apps.ledger.sealing import chain_verify, journal_seal_all
from tests.concurrency.threads import Background, together
from tests.factories.postings import Books

pytestmark = [pytest.mark.concurrency, pytest.mark.usefixtures("committed_db")]


@pytest.fixture
def books(committed_db: None) -> Books:
    books = Books()
    journal_seal_all(at=clock.now())
    return books


def faults() -> list[str]:
    *_, report = chain_verify()
    return report.faults


def sealed(journal_id: int | None) -> bool:
    return JournalSeal.objects.filter(pk=journal_id).exists()


def test_a_row_that_commits_late_is_sealed_in_its_place(books: Books) -> None:
    alice, bob = books.customer(100), books.customer(100)
    drawn, go_on = threading.Event(), threading.Event()
    early: list[int] = []

    def late() -> None:
        with in_database([alice], actor_id=None), connection.cursor() as cursor:
            cursor.execute("SELECT nextval('ledger_journal_id_seq')")  # a posting draws its id so, after its locks
            early.append(cursor.fetchone()[0])
            drawn.set()
            go_on.wait(120)
            cursor.execute(
                "WITH entry AS (INSERT INTO ledger_journal (id, transaction_id, kind, outcome, line_count,"
                " business_date, value_date, booked_at, correlation_id, channel, description, counterparty, reference,"
                " partition, epoch)"
                " SELECT %s, gen_random_uuid(), 'transfer', 'NSF', 0, current, current, now(), '', '', '', '', '', 0, 0"
                " FROM ledger_businessdate RETURNING id, transaction_id)"
                " INSERT INTO balances_transaction_key (transaction_id, client_id, idempotency_key, fingerprint,"
                " outcome, journal_id) SELECT transaction_id, '', '', '', 'NSF', id FROM entry",
                [early[0]],
            )

    running = Background(late)
    assert drawn.wait(60)
    after = books.move(bob, books.cash(), 1)
    assert after.journal_id is not None
    assert after.journal_id > early[0]
    for _ in range(3):
        journal_seal_all(at=clock.now())
    assert not sealed(after.journal_id)  # it is final, but something before it may still come
    assert SealState.objects.get(pk=1).last_id < early[0]
    go_on.set()
    running.result()
    journal_seal_all(at=clock.now())
    assert sealed(early[0])
    assert sealed(after.journal_id)
    assert faults() == []


def test_an_id_whose_transaction_is_undone_does_not_stop_the_sealer(books: Books) -> None:
    alice = books.customer(100)
    cash = books.cash()
    posting = books.posting((alice, -1), (cash, 1))
    with contextlib.suppress(LookupError), in_database([alice, cash], actor_id=None) as book:
        book.post(posting)
        raise LookupError
    after = books.move(alice, books.cash(), 1)
    journal_seal_all(at=clock.now())
    assert sealed(after.journal_id)
    assert faults() == []


def test_the_sealer_waits_for_nobody_who_drew_no_id(books: Books) -> None:
    started, go_on = threading.Event(), threading.Event()

    def long_work() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()")
            started.set()
            go_on.wait(120)

    running = Background(long_work)
    assert started.wait(60)
    outcome = books.move(books.cash(), books.customer(), 1)
    journal_seal_all(at=clock.now())
    assert sealed(outcome.journal_id)
    go_on.set()
    running.result()


def test_two_sealers_and_postings_make_one_chain(books: Books) -> None:
    alice, cash = books.customer(1_000), books.cash()
    stop = threading.Event()

    def seals() -> int:
        total = 0
        while not stop.is_set():
            total += journal_seal_all(at=clock.now())
        return total

    start = JournalSeal.objects.count()
    sealers = [Background(seals) for _ in range(2)]
    together([lambda: [books.move(alice, cash, 1) for _ in range(60)] for _ in range(4)])
    stop.set()
    total = sum(sealer.result() for sealer in sealers) + journal_seal_all(at=clock.now())
    assert JournalSeal.objects.count() - start == total
    assert JournalEntry.objects.count() == JournalSeal.objects.count()
    assert faults() == []
    assert books_verify().faults == []
