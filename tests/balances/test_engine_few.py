"""A few entries are journaled in one call: the same rows as by COPY, only from states that are still the books'."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from apps.balances.engine import journaler, rows, waiting
from apps.balances.engine.entries import facts_text
from apps.balances.engine.journaler import Journaler
from apps.balances.selectors import balance_read
from apps.balances.services import posting_accept
from tests.factories.engine import (
    PARTITION,
    accept,
    activate,
    engine_account,
    engine_patient,
    partition_reset,
    proof,
    running,
    send,
)
from tests.factories.postings import Books

pytestmark = pytest.mark.usefixtures("engine_on")

AT = dt.datetime(2026, 11, 20, 9, 30, 1, 120, tzinfo=dt.UTC)
TEXTS = {"description": "one\ttwo\\N \\x41 é 日本\u2028", "counterparty": "\\", "reference": "\\\\N", "channel": "api"}


@pytest.fixture
def engine_on(committed_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.ENGINE = {**settings.ENGINE, "ENABLED": True}
    partition_reset()
    engine_patient(monkeypatch)
    yield
    partition_reset()


@pytest.fixture
def books(committed_db: None) -> Books:
    return Books()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What each call for a few entries answered."""
    made: list[bool] = []

    def counted(*args: Any, **kwargs: Any) -> bool:
        made.append(rows.write_few(*args, **kwargs))
        return made[-1]

    monkeypatch.setattr(journaler, "write_few", counted)
    return made


def written(transaction_id: uuid.UUID) -> list[Any]:
    """All that the books hold of a transaction but its own ids, place and time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT j.outcome, j.line_count, j.business_date, j.partition, j.epoch, length(j.chain_hash), j.value_date,"
            " j.kind, j.client_timestamp, j.actor, j.correlation_id, j.channel, j.description, j.counterparty,"
            " j.reference, j.reverses_id, k.client_id, k.fingerprint, k.outcome, k.transaction_id = j.transaction_id"
            " FROM ledger_journal j JOIN balances_transaction_key k ON k.journal_id = j.id"
            " WHERE j.transaction_id = %s",
            [transaction_id],
        )
        (entry,) = cursor.fetchall()
        cursor.execute(
            "SELECT l.line_no, l.account_id, l.currency, l.side, l.amount, l.balance_after - l.balance_before,"
            " l.business_date FROM ledger_line l JOIN ledger_journal j ON j.id = l.journal_id"
            " WHERE j.transaction_id = %s ORDER BY 1",
            [transaction_id],
        )
        return [entry, cursor.fetchall()]


def test_a_few_are_written_as_many_are(books: Books, calls: list[bool]) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    activate()
    here, actor = Journaler(PARTITION), uuid.uuid4()
    asked: dict[str, Any] = {**TEXTS, "client_timestamp": AT, "value_date": AT.date()}
    ids = []
    for amount, facts in ((10, asked), (10, asked), (1_000, {}), (1_000, {})):
        posting = books.posting((one, -amount), (two, amount), **facts)
        posting_accept(posting=posting, actor_id=actor, correlation_id="one\ttwo")
        ids.append(posting.transaction_id)
        if len(ids) == 3:
            here._valid_for = ()  # the third goes the long way again
        assert here.run_once() == 1
    assert calls == [True, True]
    assert written(ids[0]) == written(ids[1])
    assert written(ids[2]) == written(ids[3])
    assert balance_read(account_id=one).booked == 80
    proof()


def test_states_that_may_be_old_are_read_again(books: Books, calls: list[bool]) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    activate()
    here = Journaler(PARTITION)
    for amount in (1, 2):
        accept(books, (one, -amount), (two, amount))
        assert here.run_once() == 1
    with connection.cursor() as cursor:  # as when an account was handed back meanwhile
        cursor.execute("UPDATE balances_partition SET flips = flips + 1 WHERE id = %s", [PARTITION])
    accept(books, (one, -3), (two, 3))
    assert here.run_once() == 1
    here._states[one].balance += 1  # and as when what is kept is wrong: the books decide, nobody is fenced
    accept(books, (one, -4), (two, 4))
    assert here.run_once() == 1
    assert calls == [True, False]
    assert balance_read(account_id=one).booked == 90
    proof()


def test_a_notice_of_few_is_the_answer(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "POLL_SECONDS", 60.0)
    heard: list[Any] = []
    real = waiting._decisions

    def listened(*args: Any) -> Any:
        heard.append(real(*args))
        return heard[-1]

    monkeypatch.setattr(waiting, "_decisions", listened)
    one, two = engine_account(books, 100), engine_account(books)
    answers: dict[str, Any] = {}
    with running():
        for amount in (1, 500) * 25:
            before = len(heard)
            result = send(books, (one, -amount), (two, amount))
            if len(heard) > before:  # the journal may be faster than who begins to wait for it: then it is looked up
                answers[result.outcomes[0].code] = result, heard[-1]
            if answers.keys() == {"OK", "NSF"}:
                break
    for code in ("OK", "NSF"):
        result, told = answers[code]
        (decided,) = told.values()
        assert (decided.outcome, decided.journal_id) == (result.outcomes[0].code, result.outcomes[0].journal_id)
        assert (decided.booked_at, decided.business_date) == (result.booked_at, result.business_date)
        assert waiting.decided(told) == told  # the same as a look into the books
    proof()


@pytest.mark.parametrize("text", ["", "plain", "\\N", "\\", "\\\\x00", "a\tb\x1e\x1f\n\x7f", "\\x41"])
def test_pieces_of_copy_are_read_back(text: str) -> None:
    made = facts_text(
        client_id=text, key="k", kind="transfer", value_date=None, client_timestamp=None, actor=None,
        correlation_id="", channel=text, description=text, counterparty="", reference=text,
    )  # fmt: skip
    _, key, facts = made.split("\x1f")
    assert rows.copy_fields(key) == [text, "k"]
    assert rows.copy_fields(facts) == ["transfer", None, None, "", text, text, "", text]
