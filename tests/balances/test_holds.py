"""Holds: placed, captured, released, expired; each once."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest

from apps.balances.errors import AccountBlocked, AccountClosed, HoldNotActive, InsufficientFunds
from apps.balances.models import Hold
from apps.balances.selectors import books_verify, transaction_find
from apps.balances.services import Posting, hold_capture, hold_expire_due, hold_place, hold_release
from apps.core import clock
from apps.core.errors import IdempotencyKeyReused, InvalidAmount, NotFound, PreconditionFailed
from apps.core.idempotency import transaction_id_for
from tests.factories.postings import Books, balance_of, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def books() -> Books:
    return Books()


def place(books: Books, account: int, amount: int, *, key: str = "", **facts: Any) -> tuple[Hold, bool]:
    key = key or uuid.uuid4().hex
    facts.setdefault("expires_at", None)
    facts.setdefault("fingerprint", f"{account} {amount}".encode().ljust(32))
    return hold_place(
        transaction_id=transaction_id_for(books.client, key), client_id=str(books.client), key=key, account_id=account,
        amount=amount, reason="Hotel", actor_id=None, at=clock.now(), **facts,
    )  # fmt: skip


def capture(books: Books, hold: Hold, amount: int, destination: int, *, key: str = "", version: int = 1) -> Any:
    key = key or uuid.uuid4().hex
    posting = Posting(
        transaction_id_for(books.client, key),
        str(books.client),
        key,
        str(amount).encode().ljust(32),
        "hold_capture",
        (),
    )
    return hold_capture(
        hold_id=hold.pk, version=version, posting=posting, amount=amount, destination_id=destination, actor_id=None,
        at=clock.now(),
    )  # fmt: skip


def test_a_hold_takes_from_what_is_available_not_from_what_is_booked(books: Books) -> None:
    alice = books.customer(100)
    hold, replayed = place(books, alice, 70)
    row = balance_of(alice)
    assert (row.balance, row.held, row.available, replayed) == (100, 70, 30, False)
    with refused(InsufficientFunds):
        place(books, alice, 31)
    place(books, alice, 30)
    assert books_verify().faults == []
    assert hold.status == "active"


def test_the_same_key_gives_the_same_hold(books: Books) -> None:
    alice = books.customer(100)
    first, _ = place(books, alice, 60, key="k")
    again, replayed = place(books, alice, 60, key="k")
    assert (again.pk, replayed) == (first.pk, True)
    assert balance_of(alice).held == 60
    with refused(IdempotencyKeyReused):
        place(books, alice, 61, key="k")
    with refused(IdempotencyKeyReused):
        place(books, books.customer(100), 60, key="k")


def test_keys_of_holds_and_transfers_are_the_same_keys(books: Books) -> None:
    alice, bob = books.customer(100), books.customer()
    place(books, alice, 10, key="k")
    assert books.move(alice, bob, 10, key="k").code == "REUSED"
    assert books.move(alice, bob, 10, key="l").ok
    with refused(IdempotencyKeyReused):
        place(books, alice, 10, key="l")
    assert transaction_find(transaction_id=transaction_id_for(books.client, "k")) is None


def test_a_blocked_or_closed_account_takes_no_hold(books: Books) -> None:
    for status in ("F", "D", "C"):
        with refused(AccountBlocked):
            place(books, books.customer(100, status=status), 1)
    with refused(AccountClosed):
        place(books, books.customer(status="X"), 1)
    with pytest.raises(ValueError, match="nothing"):
        place(books, books.customer(100), 0)


def test_a_capture_takes_part_and_gives_the_rest_back(books: Books) -> None:
    alice, shop = books.customer(100), books.customer()
    hold, _ = place(books, alice, 70)
    captured, outcome = capture(books, hold, 50, shop, key="c")
    assert outcome.ok
    assert (captured.status, captured.captured, captured.version) == ("captured", 50, 2)
    assert (balance_of(alice).balance, balance_of(alice).held, balance_of(shop).balance) == (50, 0, 50)
    again, repeated = capture(books, hold, 50, shop, key="c")
    assert (again.pk, repeated.journal_id, repeated.replayed) == (hold.pk, outcome.journal_id, True)
    with refused(HoldNotActive):
        capture(books, hold, 50, shop)
    with refused(IdempotencyKeyReused):
        capture(books, hold, 40, shop, key="c")
    assert books_verify().faults == []


def test_a_capture_needs_the_version_that_was_read_and_at_most_the_amount(books: Books) -> None:
    alice, shop = books.customer(100), books.customer()
    hold, _ = place(books, alice, 70)
    with refused(PreconditionFailed):
        capture(books, hold, 50, shop, version=2)
    with refused(InvalidAmount):
        capture(books, hold, 71, shop)
    with refused(AccountClosed):
        capture(books, hold, 70, books.customer(status="X"))
    assert Hold.objects.get(pk=hold.pk).status == "active"
    assert capture(books, hold, 70, shop)[1].ok


def test_a_release_gives_everything_back_once(books: Books) -> None:
    alice = books.customer(100)
    hold, _ = place(books, alice, 70)
    released = hold_release(hold_id=hold.pk, version=1, actor_id=None, at=clock.now())
    assert (released.status, balance_of(alice).held) == ("released", 0)
    with refused(HoldNotActive):
        hold_release(hold_id=hold.pk, version=2, actor_id=None, at=clock.now())
    with pytest.raises(NotFound):
        hold_release(hold_id=uuid.uuid4(), version=1, actor_id=None, at=clock.now())


def test_holds_end_when_their_time_is_over(books: Books) -> None:
    alice, now = books.customer(100), clock.now()
    due, _ = place(books, alice, 10, expires_at=now + dt.timedelta(minutes=1))
    place(books, alice, 20, expires_at=now + dt.timedelta(hours=1))
    place(books, alice, 30)
    assert hold_expire_due(at=now) == 0
    assert hold_expire_due(at=now + dt.timedelta(minutes=1)) == 1
    assert hold_expire_due(at=now + dt.timedelta(minutes=1)) == 0
    due.refresh_from_db()
    assert (due.status, due.ended_at, balance_of(alice).held) == ("expired", now + dt.timedelta(minutes=1), 50)
    assert books_verify().faults == []


def test_a_frozen_account_still_gets_its_holds_back(books: Books) -> None:
    from apps.balances.services import in_database

    alice = books.customer(100)
    hold, _ = place(books, alice, 10)
    with in_database([alice], actor_id=None) as book:
        book.change(alice, status="F")
    hold_release(hold_id=hold.pk, version=1, actor_id=None, at=clock.now())
    assert balance_of(alice).held == 0
