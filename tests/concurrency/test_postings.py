"""Postings at the same moment, on the real database with real commits."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from functools import partial

import pytest
from django.db import connection, transaction

from apps.balances.models import TransactionKey
from apps.balances.selectors import books_verify
from apps.balances.services import Outcome, entry_reverse, hold_place, in_database
from apps.core import clock
from apps.core.errors import IdempotencyKeyReused
from apps.ledger.errors import PeriodClosed
from apps.ledger.models import BusinessDate, JournalEntry
from apps.ledger.services import business_date_advance, period_close, period_create
from tests.concurrency.threads import Background, together
from tests.factories.postings import Books, balance_of

pytestmark = [pytest.mark.concurrency, pytest.mark.usefixtures("committed_db")]


@pytest.fixture
def books(committed_db: None) -> Books:
    return Books()


def codes(results: list[Outcome | Exception]) -> list[str]:
    return sorted(result.code if isinstance(result, Outcome) else repr(result) for result in results)


def books_are_true() -> None:
    assert books_verify().faults == []


def test_opposite_transfers_never_deadlock(books: Books, caplog: pytest.LogCaptureFixture) -> None:
    alice, bob = books.customer(100_000), books.customer(100_000)

    def many(source: int, destination: int) -> int:
        return sum(books.move(source, destination, 1).ok for _ in range(300))

    assert together([partial(many, alice, bob), partial(many, bob, alice)]) == [300, 300]
    assert not [record for record in caplog.records if "transient" in record.message]
    assert (balance_of(alice).balance, balance_of(bob).balance) == (100_000, 100_000)
    assert balance_of(alice).version == 601
    books_are_true()


def test_of_100_withdrawals_of_the_whole_balance_one_wins(books: Books) -> None:
    alice, cash = books.customer(5_000), books.cash()
    results = together([partial(books.move, alice, cash, 5_000) for _ in range(100)], threads=50)
    assert codes(results) == ["NSF"] * 99 + ["OK"]
    assert balance_of(alice).balance == 0
    books_are_true()


def test_50_posts_with_one_key_have_one_effect_and_one_answer(books: Books) -> None:
    alice, bob = books.customer(1_000), books.customer()
    posting = books.posting((alice, -10), (bob, 10), key="one")
    results = [result[0] for result in together([partial(books.post, posting) for _ in range(50)], threads=25)]
    assert {(one.code, one.journal_id) for one in results} == {("OK", results[0].journal_id)}
    assert sum(not one.replayed for one in results) == 1
    assert (balance_of(alice).balance, balance_of(bob).balance) == (990, 10)


@pytest.mark.parametrize("commits", [True, False])
def test_one_key_on_different_accounts_at_the_same_moment(books: Books, commits: bool) -> None:
    """The second waits for the first on the key alone, is thrown back (40001) and finds out by itself."""
    alice, bob, carol, dave = (books.customer(100) for _ in range(4))
    first = books.posting((alice, -1), (bob, 1), key="one")
    second = books.posting((carol, -1), (dave, 1), key="one")
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
    waiting = Background(lambda: books.post(second)[0])
    _wait_until_blocked()
    go_on.set()
    if commits:
        running.result()
    else:
        with pytest.raises(LookupError):
            running.result()
    assert waiting.result().code == ("REUSED" if commits else "OK")
    books_are_true()


def test_a_hold_and_a_transfer_cannot_share_a_key(books: Books) -> None:
    alice, bob = books.customer(1_000), books.customer()
    posting = books.posting((alice, -10), (bob, 10), key="one")
    hold = partial(
        hold_place, transaction_id=posting.transaction_id, fingerprint=b"h" * 32, client_id=str(books.client),
        key="one", account_id=alice, amount=7, reason="", expires_at=None, actor_id=None, at=clock.now(),
    )  # fmt: skip
    moved, held = together([lambda: books.post(posting)[0], hold])
    won_hold = not isinstance(held, Exception)
    assert won_hold != (isinstance(moved, Outcome) and moved.ok)
    assert won_hold or isinstance(held, IdempotencyKeyReused)
    assert TransactionKey.objects.filter(pk=posting.transaction_id).count() == 1
    assert (balance_of(alice).balance, balance_of(alice).held) == ((1_000, 7) if won_hold else (990, 0))
    books_are_true()


def test_an_entry_is_reversed_once_however_many_try(books: Books) -> None:
    alice, bob = books.customer(1_000), books.customer()
    paid = books.move(alice, bob, 100)

    def reverse() -> Outcome:
        assert paid.journal_id is not None
        result = entry_reverse(
            journal_id=paid.journal_id, transaction_id=uuid.uuid4(), client_id="t", key=uuid.uuid4().hex,
            fingerprint=b"\0" * 32, description="", actor_id=None,
        )  # fmt: skip
        return result.outcomes[0]

    assert codes(together([reverse] * 8)) == ["OK"] + ["REVERSED"] * 7
    assert (balance_of(alice).balance, balance_of(bob).balance) == (1_000, 0)


def test_accounts_are_locked_in_key_order_whatever_the_order_of_the_legs(books: Books) -> None:
    low, middle, high = sorted(books.customer(100) for _ in range(3))
    locked, go_on = threading.Event(), threading.Event()

    def holder() -> None:
        with in_database([middle], actor_id=None):
            locked.set()
            go_on.wait(120)

    running = Background(holder)
    assert locked.wait(60)
    waiting = Background(lambda: books.post(books.posting((high, -2), (middle, 1), (low, 1)))[0])
    free: list[int] = []
    for _ in range(10):  # who waits for longer than a lock may take lets all go, and begins again
        _wait_until_blocked()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT account_id FROM balances_balance WHERE account_id = ANY (%s) FOR UPDATE SKIP LOCKED",
                [[low, middle, high]],
            )
            free = [row[0] for row in cursor.fetchall()]
        if low not in free:
            break
    go_on.set()
    running.result()
    assert waiting.result().code == "OK"
    assert free == [high]  # low was locked before the wait for middle, high was not reached


def test_no_row_enters_a_period_after_it_was_closed(books: Books) -> None:
    alice = books.customer()
    cash = books.cash()
    day = dt.date(1950, 1, 1) + dt.timedelta(days=uuid.uuid4().int % 9_000)
    _close_earlier(day)
    period = period_create(acting_user=None, code=uuid.uuid4().hex[:20], starts_on=day, ends_on=day)
    enough = threading.Event()

    def posts() -> int:
        count = 0
        try:
            while not stop.is_set():
                books.move(cash, alice, 1, business_date=day)
                count += 1
                if count == 20:
                    enough.set()
        except PeriodClosed:
            return count
        raise AssertionError("the period was never closed for this thread")

    stop = threading.Event()
    threads = [Background(posts) for _ in range(4)]
    assert enough.wait(60)
    period_close(acting_user=None, period_id=period.pk, at=clock.now())
    at_close = JournalEntry.objects.filter(business_date=day).count()
    posted = sum(thread.result() for thread in threads)
    stop.set()
    assert JournalEntry.objects.filter(business_date=day).count() == at_close == posted


def test_no_row_enters_a_day_after_the_cut_off(books: Books) -> None:
    alice, cash = books.customer(), books.cash()
    before = BusinessDate.objects.get(pk=1)
    day = before.current
    stop, enough = threading.Event(), threading.Event()
    newest: dict[str, int] = {}

    def posts() -> None:
        count = 0
        while not stop.is_set():
            books.move(cash, alice, 1)
            count += 1
            if count == 20:
                enough.set()

    def in_a_domain_transaction() -> None:
        with in_database([alice, cash], actor_id=None) as book:
            book.post(books.posting((cash, -1), (alice, 1)))

    threads = [Background(posts) for _ in range(3)]
    try:
        assert enough.wait(60)
        in_a_domain_transaction()
        business_date_advance(acting_user=None, to=day + dt.timedelta(days=1), at=clock.now())
        newest["at"] = JournalEntry.objects.filter(business_date=day).order_by("-pk")[0].pk
        in_a_domain_transaction()
        stop.set()
        for thread in threads:
            thread.result()
        assert JournalEntry.objects.filter(business_date=day).order_by("-pk")[0].pk == newest["at"]
        assert JournalEntry.objects.filter(business_date=day + dt.timedelta(days=1)).exists()
    finally:
        stop.set()
        BusinessDate.objects.filter(pk=1).update(current=day)


def _close_earlier(day: dt.date) -> None:
    """Periods of earlier runs may lie before this one; they are closed already, or are closed now, in order."""
    from apps.ledger.models import AccountingPeriod

    for period in AccountingPeriod.objects.filter(status="open", ends_on__lt=day).order_by("starts_on"):
        period_close(acting_user=None, period_id=period.pk, at=clock.now())


def _wait_until_blocked() -> None:
    """Until some other session of this database waits for a lock."""
    for _ in range(3_000):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
        threading.Event().wait(0.02)
    raise AssertionError("nobody waits for a lock")
