"""Many postings of one call beside others at the same moment, on the real database with real commits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest

from apps.balances.selectors import books_verify
from apps.balances.services import Outcome, _many, in_database
from tests.concurrency.test_postings import _wait_until_blocked
from tests.concurrency.threads import Background, together
from tests.factories.postings import Books, balance_of

pytestmark = [pytest.mark.concurrency, pytest.mark.usefixtures("committed_db")]


@pytest.fixture
def books(committed_db: None) -> Books:
    return Books()


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two postings are many, and written by COPY."""
    monkeypatch.setattr(_many, "MANY", 1)


def test_many_in_one_call_beside_withdrawals_of_the_same_accounts(books: Books, many: None) -> None:
    """Interest and a charge on 40 accounts, each in one call, while all of them are emptied: no cent is lost."""
    payable, cash = books.internal("1210"), books.cash()
    accounts = [books.customer(100) for _ in range(40)]
    paid = [books.posting((payable, -7), (one, 7)) for one in accounts]
    charged = [books.posting((one, -90), (payable, 90)) for one in accounts]

    def withdraw() -> list[Outcome]:
        return [books.move(one, cash, 100) for one in accounts]

    calls: list[Callable[[], list[Outcome]]] = [partial(books.post, *paid), partial(books.post, *charged), withdraw]
    first, second, taken = [one for one in together(calls) if not isinstance(one, Exception)]
    assert all(outcome.ok for outcome in first)
    for account, charge, withdrawal in zip(accounts, second, taken, strict=True):
        assert {charge.code, withdrawal.code} == {"OK", "NSF"}
        assert balance_of(account).balance == (17 if charge.ok else 7)
        assert balance_of(account).version == 3
    assert books_verify().faults == []


@pytest.mark.parametrize("commits", [True, False])
def test_one_key_of_many_on_different_accounts_at_the_same_moment(books: Books, many: None, commits: bool) -> None:
    """COPY waits for the first on the key alone, is thrown back, starts again and finds it decided, or free."""
    alice, bob, carol, dave = (books.customer(100) for _ in range(4))
    first = books.posting((alice, -1), (bob, 1), key="one")
    second = [books.posting((carol, -1), (dave, 1), key=key) for key in ("one", "two")]
    posted, go_on = threading.Event(), threading.Event()

    def holder() -> None:
        with in_database([alice, bob], actor_id=None) as book:
            book.post(first)
            posted.set()
            go_on.wait(120)
            if not commits:
                raise LookupError

    running = Background(holder)
    assert posted.wait(60)
    waiting = Background(lambda: books.post(*second))
    _wait_until_blocked()
    go_on.set()
    if commits:
        running.result()
    else:
        with pytest.raises(LookupError):
            running.result()
    assert [one.code for one in waiting.result()] == ["REUSED" if commits else "OK", "OK"]
    assert balance_of(carol).balance == (99 if commits else 98)
    assert books_verify().faults == []
