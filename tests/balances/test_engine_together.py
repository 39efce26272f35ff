"""Transfers of several callers executed in one call: what hinders one does not hinder the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from apps.balances.engine import client, ownership
from apps.balances.engine.entries import Transfer, facts_text
from apps.balances.engine.waiting import known_or_poisoned
from apps.balances.selectors import balance_live_read
from apps.balances.services import postings_execute
from apps.core.gather import Gathering
from tests.core.test_gather import gathering
from tests.factories.engine import PARTITION, activate, engine_account, engine_patient, partition_reset, proof, running
from tests.factories.postings import Books


@pytest.fixture
def books(committed_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    settings.ENGINE = {**settings.ENGINE, "ENABLED": True}
    partition_reset()
    engine_patient(monkeypatch)
    yield Books()
    partition_reset()


def transfer(source: int, destination: int, amount: int, *, key: str = "", fingerprint: str = "00") -> Transfer:
    name = key or uuid4().hex
    facts = facts_text(
        client_id="c", key=name, kind="transfer", value_date=None, client_timestamp=None, actor=None,
        correlation_id="", channel="", description="", counterparty="", reference="",
    )  # fmt: skip
    legs = [(source, -amount, "KES"), (destination, amount, "KES")]
    return Transfer(key or str(uuid4()), fingerprint * 32, facts, legs)


def test_one_call_for_all_and_each_its_own_outcome(books: Books) -> None:
    rich, poor, cold = engine_account(books, 1_000), engine_account(books, 0), engine_account(books, 50)
    epoch = activate()
    taken = ownership.accounts_take(partition=PARTITION, epoch=epoch, accounts=[rich, poor])
    client.install(partition=PARTITION, epoch=epoch, taken=taken)
    twice = str(uuid4())
    asked = [
        (PARTITION, epoch, transfer(rich, poor, 100)),
        (PARTITION, epoch, transfer(rich, poor, 10, key=twice)),
        (PARTITION, epoch, transfer(cold, poor, 10)),
        (PARTITION, epoch, transfer(rich, poor, 10, key=twice)),
        (PARTITION, epoch, transfer(rich, poor, 11, key=twice, fingerprint="11")),
        (PARTITION, epoch, transfer(poor, rich, 500)),
        (PARTITION, epoch + 1, transfer(rich, poor, 1)),
    ]
    found = client._execute_together(asked)
    executed = [one.outcomes[0][0] if isinstance(one, client.Executed) and one.outcomes else one for one in found]
    assert executed[:2] == ["OK", "OK"]
    assert executed[2] == client.Executed("AWAY", accounts=[cold])
    assert executed[3:6] == ["DUP", "REUSED", "NSF"]
    assert isinstance(executed[6], client.EpochEnded)
    assert balance_live_read(account_id=rich).booked == 890


def test_a_company_spends_a_balance_once(books: Books) -> None:
    source, target = engine_account(books, 700), engine_account(books)
    with running():
        assert postings_execute(postings=[books.posting((source, -100), (target, 100))], actor_id=None).outcomes[0].ok
        same = uuid4().hex
        keys = [uuid4().hex for _ in range(10)]

        def handle(number: int) -> str:
            key = same if number >= 10 else keys[number]
            posting = books.posting((source, -100), (target, 100), key=key)
            (outcome,) = postings_execute(postings=[posting], actor_id=None).outcomes
            seen = balance_live_read(account_id=target)
            assert seen.booked >= 100
            assert known_or_poisoned([posting.transaction_id])[0]
            return f"{outcome.code} {outcome.journal_id}"

        with gathering(handle) as ask:
            found = ask(*range(13))
        assert Gathering.ALONE not in found.values()
        outcomes = [answer.split()[0] for answer in found.values()]
        repeated = {found[10], found[11], found[12]}
        assert len(repeated) == 1  # one key, one answer
        assert len({answer for answer in found.values() if answer.startswith("OK")}) == 6
        assert outcomes.count("NSF") == len(outcomes) - outcomes.count("OK")
        assert balance_live_read(account_id=source).booked == 0
    proof()
