"""Memory that differs from the books: seen by the sample, told to people, found by `verify`, put right by `heal`."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command

from apps.balances.engine import checks, client, control, process
from apps.balances.engine.status import engine_status
from apps.balances.models import Balance
from apps.balances.selectors import balance_live_read, balance_read
from apps.ledger.models import LedgerAccount
from tests.factories.engine import (
    PARTITION,
    accept,
    activate,
    engine_account,
    journal_once,
    memory_change,
    partition_reset,
    proof,
)
from tests.factories.postings import Books, balance_of


@pytest.fixture
def books(committed_db: None, settings: Any) -> Iterator[Books]:
    settings.ENGINE = {**settings.ENGINE, "ENABLED": True}
    partition_reset()
    yield Books()
    partition_reset()


def command(*words: str) -> tuple[dict[str, Any], int]:
    """What `manage.py balances` prints, and its exit code."""
    out = io.StringIO()
    try:
        call_command("balances", "--json", *words, stdout=out)
    except SystemExit as ended:
        return json.loads(out.getvalue()), int(ended.code or 0)
    return json.loads(out.getvalue()), 0


def test_a_difference_is_seen_told_found_and_put_right(books: Books) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    epoch = activate()
    accept(books, (one, -10), (two, 10))
    assert journal_once() == 1
    accept(books, (one, -5), (two, 5))  # executed and not journaled: that is no difference
    assert checks.sample_check(partition=PARTITION).faults == []
    assert command("verify", "--books")[1] == 0
    memory_change(one, epoch=epoch, balance=1_000)
    assert balance_live_read(account_id=one).booked == 1_000
    assert balance_read(account_id=one).booked == 90  # what anybody is paid on
    (fault,) = checks.sample_check(partition=PARTITION).faults
    assert fault == f"account {one}: balance 1000 in memory, 85 in the books"
    assert "1 accounts in memory differ from the books" in engine_status()[0].warnings
    said, code = command("status")
    assert (code, said["partitions"][0]["drift"]) == (1, 1)
    said, code = command("verify")
    assert (code, said["faults"]) == (1, [fault])
    assert journal_once() == 1  # what it had executed before is right
    number = LedgerAccount.objects.get(pk=one).number
    assert command("heal", "--account", number) == ({"healed": number}, 0)
    assert balance_of(one).owner_epoch != epoch
    said, code = command("verify")
    assert (code, said["differences"]) == (0, 0)
    Balance.objects.filter(pk=one).update(database_until=None)  # as two seconds later
    accept(books, (one, -5), (two, 5))  # taken again, from the books
    assert journal_once() == 1
    assert balance_read(account_id=one).booked == 80
    said, code = command("heal", "--partition", str(PARTITION))
    assert (code, said["epoch"]) == (0, epoch + 1)
    proof()


def test_a_memory_that_cannot_be_read_or_tells_another_story_is_a_difference(books: Books, settings: Any) -> None:
    one, two = engine_account(books, 100), engine_account(books)
    epoch = activate()
    for _ in range(3):
        accept(books, (one, -10), (two, 10))
        assert journal_once() == 1
    stream = f"{{p{PARTITION}}}:{epoch}:s"
    (_, first), (_, second) = client.memory().xrange(stream, count=2)
    client.memory().delete(stream)
    client.memory().xadd(stream, first, id="1-0")
    client.memory().xadd(stream, {**second, b"h": b"f" * 40}, id="2-0")
    said, code = command("verify")
    assert code == 1
    assert said["faults"] == [
        "the page of entry 2 does not follow the one before it",
        "entry 2 in memory is not the one in the journal",
    ]
    here = settings.ENGINE
    settings.ENGINE = {**here, "REDIS_URL": "redis://127.0.0.1:1/0"}
    try:
        said, code = command("verify")
        assert code == 1
        assert said["faults"][0].startswith("partition 1: the memory cannot be read")
        assert "the engine's memory cannot be read" in engine_status()[0].warnings
    finally:
        settings.ENGINE = here
    proof_after_heal(epoch)


def proof_after_heal(epoch: int) -> None:
    """A new period, and nothing left to say."""
    assert command("heal", "--partition", str(PARTITION))[0]["epoch"] == epoch + 1
    proof()


def test_the_janitor_clears_away_and_hands_idle_accounts_back(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, three = engine_account(books, 100), engine_account(books), engine_account(books)
    old = activate()
    accept(books, (one, -10), (three, 10))
    assert journal_once() == 1
    control.fence(partition=PARTITION, epoch=old, why="planned")
    control.post_all(PARTITION)
    control.to_safe(PARTITION)
    epoch = activate()
    accept(books, (one, -10), (three, 10))
    for _ in range(3):
        accept(books, (one, -10), (two, 10))
    assert journal_once() == 4
    monkeypatch.setattr(process, "IDLE_SEQUENCES", 2)
    process.tidy(PARTITION)
    assert client.memory().keys(f"{{p{PARTITION}}}:{old}:*") == []
    assert [balance_of(account).owner_epoch == epoch for account in (one, two, three)] == [True, True, False]
    assert balance_of(three).balance == 20
    proof()
