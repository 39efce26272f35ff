"""`in_database`: the door for domain code."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from apps.balances.errors import BalanceNotZero, EngineOwned, InsufficientFunds
from apps.balances.models import Partition
from apps.balances.services import in_database, postings_post
from apps.core.retry import sqlstate_of
from apps.ledger.models import JournalEntry
from tests.factories.postings import Books, balance_of, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def books() -> Books:
    return Books()


def test_the_book_shows_the_state_after_each_step(books: Books) -> None:
    alice, bob = books.customer(100), books.customer()
    with in_database([bob, alice], actor_id=None) as book:
        assert book.account_ids == {alice, bob}
        book.post(books.posting((alice, -30), (bob, 30)))
        assert (book.balance(alice).balance, book.balance(alice).version) == (70, 2)
        book.change(alice, held_delta=50, overdraft_limit=5)
        row = book.balance(alice)
        assert (row.held, row.overdraft_limit, row.available, row.version) == (50, 5, 25, 3)
        book.post(books.posting((bob, -1), (alice, 1)), books.posting((bob, -2), (alice, 2)))
        assert (book.balance(alice).balance, book.balance(bob).balance) == (73, 27)


def test_a_refusal_undoes_the_whole_block(books: Books) -> None:
    alice, bob = books.customer(100), books.customer()
    count = JournalEntry.objects.count()
    with refused(InsufficientFunds), in_database([alice, bob], actor_id=None) as book:
        book.post(books.posting((alice, -100), (bob, 100)))
        book.post(books.posting((alice, -1), (bob, 1)))
    assert balance_of(alice).balance == 100
    assert JournalEntry.objects.count() == count


def test_checks_of_the_database_become_refusals(books: Books) -> None:
    alice = books.customer(100)
    with refused(InsufficientFunds), in_database([alice], actor_id=None) as book:
        book.change(alice, held_delta=101)
    with refused(BalanceNotZero), in_database([alice], actor_id=None) as book:
        book.change(alice, status="X")
    with refused(DatabaseError), in_database([alice], actor_id=None) as book:
        book.change(alice, overdraft_limit=-1)


def test_only_the_given_accounts_can_be_touched(books: Books) -> None:
    alice, bob = books.customer(100), books.customer()
    with in_database([alice], actor_id=None) as book:
        with pytest.raises(RuntimeError, match=str(bob)):
            book.post(books.posting((alice, -1), (bob, 1)))
        with pytest.raises(RuntimeError, match=str(bob)):
            books.move(alice, bob, 1)
        with pytest.raises(KeyError):
            book.balance(bob)


def test_a_nested_door_joins_the_outer_one_and_is_never_wider(books: Books) -> None:
    alice, bob, carol = books.customer(100), books.customer(), books.customer()
    with in_database([alice, bob], actor_id=None) as outer:
        with in_database([bob], actor_id=None) as inner:
            assert inner is outer
        with pytest.raises(RuntimeError), in_database([bob, carol], actor_id=None):
            pass


def test_accounts_must_exist_and_be_few(books: Books) -> None:
    for accounts in ([], range(1, 502), [10**15]):
        with pytest.raises(ValueError, match=r"."), in_database(accounts, actor_id=None):
            pass


def test_the_door_does_not_open_inside_a_transaction(books: Books) -> None:
    """F41. Only the atomic blocks of the test case itself do not count."""
    alice, cash = books.customer(100), books.cash()
    with pytest.raises(RuntimeError), transaction.atomic(), in_database([alice], actor_id=None):
        pass
    with pytest.raises(RuntimeError), transaction.atomic():
        books.move(alice, cash, 1)
    assert balance_of(alice).balance == 100


def test_a_change_on_stale_grounds_is_refused(books: Books) -> None:
    alice = books.customer(100)
    with refused(DatabaseError) as found, connection.cursor() as cursor:
        cursor.execute("SELECT balances_change(%s, %s, 1, null, null)", [alice, balance_of(alice).version - 1])
    assert sqlstate_of(found.value) == "40001"


def _give_to_the_engine(account: int) -> None:
    Partition.objects.update_or_create(pk=1, defaults={"mode": "FAST", "epoch": 7})
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE balances_balance SET partition_id = 1, owner_epoch = 7, token = 1 WHERE account_id = %s", [account]
        )


def test_an_account_that_the_engine_owns_is_refused_on_every_way(books: Books) -> None:
    alice, bob = books.customer(100), books.customer()
    _give_to_the_engine(alice)
    with refused(EngineOwned):
        books.move(bob, alice, 1)
    with refused(EngineOwned), in_database([alice], actor_id=None):
        pass
    for mode, epoch, ok in (("DRAIN", 7, False), ("FAST", 8, True), ("SAFE", 7, True)):
        Partition.objects.filter(pk=1).update(mode=mode, epoch=epoch)
        if ok:
            assert books.move(alice, bob, 1).ok
        else:
            with refused(EngineOwned):
                books.move(alice, bob, 1)


def test_partition_zero_is_pinned_to_the_database() -> None:
    with refused(DatabaseError):
        Partition.objects.filter(pk=0).update(mode="FAST")


class Statements:
    """Counts what reaches PostgreSQL through any cursor, those that pass Django's log by included."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import psycopg

        self.seen: list[str] = []
        execute = psycopg.Cursor.execute

        def counted(cursor, query, *args, **kwargs):  # type: ignore[no-untyped-def]
            self.seen.append(str(query))
            return execute(cursor, query, *args, **kwargs)

        monkeypatch.setattr(psycopg.Cursor, "execute", counted)


def test_a_posting_is_one_statement_however_many_items(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob = books.customer(1_000), books.customer()
    postings = [books.posting((alice, -1), (bob, 1)) for _ in range(200)]
    statements = Statements(monkeypatch)
    for batch in (postings[:1], postings[1:]):
        statements.seen.clear()
        postings_post(batch, actor_id=None)
        assert len(statements.seen) == 1
        assert "balances_post" in statements.seen[0]


def test_the_door_costs_few_statements_however_many_accounts(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = [books.customer(10) for _ in range(6)]
    postings = [books.posting((source, -1), (accounts[0], 1)) for source in accounts[1:]]
    statements = Statements(monkeypatch)
    with in_database(accounts, actor_id=None) as book:
        book.post(*postings)
        assert book.balance(accounts[0]).balance == 15
    wanted = [
        "SAVEPOINT",
        "pg_advisory",
        "FOR NO KEY UPDATE",
        "balances_partition",
        "balances_post",
        "balances_balance",
    ]
    assert len(statements.seen) == len(wanted) + 1
    assert all(part in seen for part, seen in zip(wanted, statements.seen, strict=False)), statements.seen


def test_locks_come_before_the_first_change_and_in_key_order(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob = books.customer(100), books.customer()
    statements = Statements(monkeypatch)
    with in_database([bob, alice], actor_id=None) as book:
        book.change(bob, held_delta=0)
    lock = next(n for n, seen in enumerate(statements.seen) if "FOR NO KEY UPDATE" in seen)
    change = next(n for n, seen in enumerate(statements.seen) if "balances_change" in seen)
    assert lock < change
    assert 'ORDER BY "balances_balance"."account_id" ASC' in statements.seen[lock]
