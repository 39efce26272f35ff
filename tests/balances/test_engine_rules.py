"""The rules of a transfer exist in SQL, Lua and Python: on the same transfers all three decide the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from apps.balances.engine import client, control, ownership
from apps.balances.engine.entries import LEGS_MAX
from apps.balances.selectors import balance_read
from apps.balances.services import Posting, in_database, postings_post
from apps.balances.services._realtime import _transfer
from tests.factories.engine import PARTITION, activate, engine_account, journal_once, partition_reset, proof
from tests.factories.postings import Books

pytestmark = pytest.mark.usefixtures("engine_on")

STATES = [
    {"balance": 100},
    {"balance": 100, "limit": 50},
    {"balance": 1_000, "status": "D"},
    {"balance": 0, "status": "C"},
    {"balance": 500, "status": "F"},
    {"balance": 0, "status": "X"},
    {"balance": 300, "currency": "USD"},
]


@pytest.fixture
def engine_on(committed_db: None, settings: Any) -> Iterator[None]:
    settings.ENGINE = {**settings.ENGINE, "ENABLED": True}
    partition_reset()
    yield
    partition_reset()


def account(books: Books, state: dict[str, Any], make: Any) -> int:
    wanted = dict(state)
    balance, status = wanted.pop("balance"), wanted.pop("status", "")
    made: int = make(books, balance, **wanted)
    if status:
        with in_database([made], actor_id=None) as book:
            book.change(made, status=status)
    return made


def customer(books: Books, balance: int, **options: Any) -> int:
    return books.customer(balance, **options)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sql_lua_and_python_decide_alike(seed: int) -> None:
    chance = random.Random(seed)
    one, other = Books(), Books()
    mine = [account(one, state, engine_account) for state in STATES]
    theirs = [account(other, state, customer) for state in STATES]
    epoch = activate()
    pairs: list[tuple[Posting, Posting]] = []
    for number in range(150):
        picks = [chance.randrange(len(STATES)) for _ in range(chance.choice((2, 2, 2, 3, LEGS_MAX)))]
        amounts = [chance.choice((1, 30, 60, 10**13, 10**13 + 1)) for _ in picks[1:]]
        signed = [-sum(amounts), *amounts]
        unit = chance.choice(("KES", "KES", "KES", "USD"))
        legs = list(zip(picks, signed, strict=True))
        pairs.append(
            (
                one.posting(*[(mine[pick], amount, unit) for pick, amount in legs], key=str(number)),
                other.posting(*[(theirs[pick], amount, unit) for pick, amount in legs], key=str(number)),
            )
        )
    transfers = [_transfer(posting, None, "") for posting, _ in pairs]
    done = client.execute(partition=PARTITION, epoch=epoch, transfers=transfers)
    taken = ownership.accounts_take(partition=PARTITION, epoch=epoch, accounts=done.accounts)
    client.install(partition=PARTITION, epoch=epoch, taken=taken)
    done = client.execute(partition=PARTITION, epoch=epoch, transfers=transfers)
    sql = postings_post([posting for _, posting in pairs], actor_id=None).outcomes
    assert [outcome for outcome, _ in done.outcomes] == [outcome.code for outcome in sql]
    assert {outcome.code for outcome in sql} >= {"OK", "NSF", "FROZEN", "CLOSED", "CCY", "LIMIT"}
    assert journal_once() == len(pairs)  # Python agrees, entry by entry
    assert control.part_read(PARTITION).fenced_why == ""
    for first, second in zip(mine, theirs, strict=True):
        assert balance_read(account_id=first).booked == balance_read(account_id=second).booked
        assert balance_read(account_id=first).version - balance_read(account_id=second).version == 0
    proof()
