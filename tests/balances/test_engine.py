"""Transfers through the engine: what is answered is journaled, and memory is never believed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from apps.balances.engine import client, control, ownership
from apps.balances.errors import EngineBusy, OutcomeUnknown
from apps.balances.selectors import balance_read
from apps.balances.services import _realtime, in_database
from apps.ledger.models import JournalEntry
from tests.factories.engine import (
    PARTITION,
    accept,
    activate,
    engine_account,
    engine_patient,
    journal_once,
    memory_change,
    partition_reset,
    proof,
    running,
    send,
    until,
)
from tests.factories.postings import Books, balance_of

pytestmark = pytest.mark.usefixtures("committed_db", "engine_on")


@pytest.fixture
def engine_on(committed_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.ENGINE = {**settings.ENGINE, "ENABLED": True}
    partition_reset()
    engine_patient(monkeypatch)
    yield
    partition_reset()


@pytest.fixture
def books() -> Books:
    return Books()


def test_a_transfer_is_answered_when_it_is_journaled(books: Books) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    with running():
        result = send(books, (one, -60), (two, 60), key="a")
        entry = JournalEntry.objects.get(pk=result.outcomes[0].journal_id)
        assert (entry.partition, entry.seq, entry.outcome, entry.line_count) == (1, 1, "OK", 2)
        assert (balance_read(account_id=one).booked, balance_read(account_id=two).booked) == (40, 60)
        again = send(books, (one, -60), (two, 60), key="a")
        assert again.outcomes[0].journal_id == entry.pk
        assert again.outcomes[0].replayed
        refused = send(books, (one, -60), (two, 60), key="b")
        assert refused.outcomes[0].code == "NSF"
        assert send(books, (one, -1), (two, 1), key="a").outcomes[0].code == "REUSED"
        until(lambda: balance_of(one).balance == 40)
        proof()
    assert control.part_read(PARTITION).mode == "SAFE"
    assert send(books, (one, -60), (two, 60), key="b").outcomes[0].code == "NSF"
    assert send(books, (two, -60), (one, 60)).outcomes[0].ok
    proof()


def test_domain_code_calls_an_account_back(books: Books) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    with running():
        assert send(books, (one, -60), (two, 60)).outcomes[0].ok
        with in_database([one], actor_id=None) as book:
            assert book.balance(one).balance == 40
            book.change(one, held_delta=40)
        assert send(books, (one, -1), (two, 1)).outcomes[0].code == "NSF"
        with in_database([one, two], actor_id=None) as book:
            book.change(one, held_delta=-40)
        assert send(books, (one, -1), (two, 1)).outcomes[0].ok
        assert books.move(two, one, 61).ok  # the plain posting call does the same
        proof()


def test_accepted_then_journaled_or_void(books: Books) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    activate()
    accepted = accept(books, (one, -60), (two, 60))
    assert accepted.outcome == "OK"
    assert journal_once() == 1
    assert balance_read(account_id=one).booked == 40
    assert balance_of(one).balance == 100  # not posted yet
    assert client.read(partition=PARTITION, epoch=accepted.epoch, accounts=[one])[0].durable == 1
    proof()


def test_a_changed_balance_in_memory_ends_the_epoch(books: Books) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    epoch = activate()
    assert accept(books, (one, -10), (two, 10)).outcome == "OK"
    memory_change(one, epoch=epoch, balance=1_000)
    assert accept(books, (one, -500), (two, 500)).outcome == "OK"
    assert journal_once() == 0
    assert control.part_read(PARTITION).fenced_why == "verify"
    ownership.view(PARTITION, fresh=True)
    assert balance_read(account_id=one).booked == 100
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM balances_partition_event WHERE why = 'verify' AND epoch = %s", [epoch])
        assert cursor.fetchone() == (1,)
    proof()


def test_a_full_queue_is_busy_and_nothing_is_done(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    activate()
    monkeypatch.setattr(client, "QUEUE_MAX", 1)
    monkeypatch.setattr(_realtime, "BUSY_PAUSES_MS", (1, 2, 4))
    accept(books, (one, -10), (two, 10))
    with pytest.raises(EngineBusy) as refused:
        accept(books, (one, -20), (two, 20), key="again")
    assert refused.value.retry_after
    assert journal_once() == 1
    assert accept(books, (one, -20), (two, 20), key="again").seq == 2  # and not the third
    assert journal_once() == 1
    assert balance_read(account_id=one).booked == 70
    proof()


def test_who_waited_in_vain_asks_again_for_the_one_true_answer(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    activate()
    with monkeypatch.context() as patch:
        patch.setattr(_realtime, "DEADLINE_SECONDS", 0.2)
        patch.setattr(_realtime, "LOOK_MS", 50)
        with pytest.raises(OutcomeUnknown) as unknown:
            send(books, (one, -10), (two, 10), key="again")
        assert unknown.value.retry_after
    assert journal_once() == 1
    again = send(books, (one, -10), (two, 10), key="again").outcomes[0]
    assert (again.ok, again.replayed) == (True, True)
    assert balance_read(account_id=one).booked == 90
    proof()


def test_what_no_script_can_read_goes_to_the_database(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    epoch = activate()
    accept(books, (one, -10), (two, 10))
    assert journal_once() == 1
    client.memory().set(f"{{p{PARTITION}}}:{epoch}:a:{one}", b"no account")
    monkeypatch.setattr(control, "UNREACHABLE_MS", 200)
    assert send(books, (one, -20), (two, 20)).outcomes[0].ok
    assert control.part_read(PARTITION).mode == "SAFE"
    assert balance_read(account_id=one).booked == 70
    proof()
