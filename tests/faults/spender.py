"""A client of the engine that sends transfers one at a time, each under its key until it is answered, and writes down
what it was told. Run as a program, to be killed.

    spender.py make NUMBER           opens so many accounts of the engine and prints their ids
    spender.py spend CLIENT ID ...   for ever; `try ID` before a transfer is sent first, `done ID OUTCOME` when answered
"""

from __future__ import annotations

import os
import random
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
django.setup()

from django.conf import settings  # noqa: E402 - after Django's set-up
from django.db import DatabaseError, InterfaceError, connection  # noqa: E402

from apps.balances.errors import EngineBusy, EngineOwned, OutcomeUnknown  # noqa: E402
from apps.balances.services import Leg, Posting, postings_execute  # noqa: E402

NOT_YET = (EngineBusy, EngineOwned, OutcomeUnknown, DatabaseError, InterfaceError)
FUNDS = 500


def spendings(client: str, accounts: list[int]) -> Iterator[Posting]:
    """The transfers of a client, the same whenever they are asked for."""
    chance = random.Random(client)
    while True:
        one, two = chance.sample(accounts, 2)
        amount, key = chance.choice((1, 7, 60)), f"{chance.getrandbits(64):x}"
        legs = (Leg(one, -amount, "KES"), Leg(two, amount, "KES"))
        transaction_id = uuid.uuid5(uuid.NAMESPACE_OID, client + key)
        yield Posting(transaction_id, client, key, bytes(32), "transfer", legs)


def told(path: Path) -> tuple[set[uuid.UUID], dict[uuid.UUID, str]]:
    """What a client has tried, and what it was answered."""
    lines = [line.split() for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
    tried = {uuid.UUID(words[1]) for words in lines if words[0] == "try"}
    return tried, {uuid.UUID(words[1]): words[2] for words in lines if words[0] == "done"}


def make(number: int) -> None:
    """Open accounts of the engine with funds."""
    from tests.factories.engine import engine_account
    from tests.factories.postings import Books

    books = Books()
    print(*[engine_account(books, FUNDS) for _ in range(number)])


def spend(client: str, accounts: list[int]) -> None:
    """Send, until killed."""
    settings.ENGINE["ENABLED"] = True
    for posting in spendings(client, accounts):
        print("try", posting.transaction_id, flush=True)
        while True:
            try:
                outcome = postings_execute(postings=[posting], actor_id=None).outcomes[0].code
                break
            except NOT_YET:
                connection.close()
                time.sleep(0.05)
        print("done", posting.transaction_id, outcome, flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(int(sys.argv[2]))
    else:
        spend(sys.argv[2], [int(word) for word in sys.argv[3:]])
