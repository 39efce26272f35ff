"""PostgreSQL has the last word on the books: everything here goes around the services."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from apps.balances.models import Balance
from apps.balances.services import Leg, Posting, postings_post
from apps.core.retry import sqlstate_of
from apps.ledger.models import AccountingPeriod, BusinessDate, GLAccount, JournalEntry, JournalLine
from tests.factories.books import gl_account_ready
from tests.factories.postings import Books, refused

pytestmark = pytest.mark.django_db

APPEND_ONLY = ("ledger_journal", "ledger_line", "ledger_seal", "balances_transaction_key")


@pytest.fixture
def books() -> Books:
    return Books()


@pytest.fixture(autouse=True)
def _undone(db: None) -> Iterator[None]:
    """What a test wrote past the services is gone before the constraints of its transaction are checked."""
    point = transaction.savepoint()
    yield
    transaction.set_rollback(False)
    transaction.savepoint_rollback(point)


def run(sql: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def settle() -> None:
    """Check what is deferred now, and defer again."""
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run("SET CONSTRAINTS ALL DEFERRED")


def refused_with(state: str, sql: str, *parameters: Any) -> None:
    with refused(DatabaseError) as found:
        run(sql, *parameters)
    assert sqlstate_of(found.value) == state, found.value


def entry(lines: int = 2, *, day: dt.date | None = None, outcome: str = "OK") -> int:
    """A bare entry, whose lines are still to be written."""
    day = day or BusinessDate.objects.get(pk=1).current
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_journal (transaction_id, kind, outcome, line_count, business_date, value_date,"
            " booked_at, correlation_id, channel, description, counterparty, reference, partition, epoch)"
            " VALUES (%s, 'manual', %s, %s, %s, %s, now(), '', '', '', '', '', 0, 0) RETURNING id",
            [uuid.uuid4(), outcome, lines, day, day],
        )
        return int(cursor.fetchone()[0])


LINE = (
    "INSERT INTO ledger_line (journal_id, line_no, account_id, currency, side, amount, balance_before, balance_after,"
    " account_version, business_date) SELECT l.* FROM (VALUES {}) AS l (a, b, c, d, e, f, g, h, i, j)"
)


def lines_sql(*rows: tuple[Any, ...]) -> tuple[str, list[Any]]:
    values = ", ".join(
        ["(%s::bigint, %s, %s::bigint, %s, %s, %s::bigint, %s::bigint, %s::bigint, 1::bigint, %s)"] * len(rows)
    )
    return LINE.format(values), [value for row in rows for value in row]


def line(journal: int, number: int, account: int, side: str, amount: int, **changes: Any) -> tuple[Any, ...]:
    after = amount if side == "C" else -amount
    day = changes.get("day") or BusinessDate.objects.get(pk=1).current
    return (
        journal, number, account, changes.get("currency", "KES"), side, amount, 0, changes.get("after", after), day,
    )  # fmt: skip


def test_lines_that_do_not_sum_to_zero_are_refused(books: Books) -> None:
    journal = entry()
    a, b = books.cash(), books.internal("1110")
    sql, values = lines_sql(line(journal, 1, a, "D", 100), line(journal, 2, b, "C", 99))
    refused_with("NU006", sql, *values)
    sql, values = lines_sql(line(journal, 1, a, "D", 100), line(journal, 2, b, "C", 100))
    run(sql, *values)


def test_zero_is_counted_a_currency(books: Books) -> None:
    journal = entry()
    a, b = books.cash(), books.internal("1110", "USD")
    sql, values = lines_sql(line(journal, 1, a, "D", 100), line(journal, 2, b, "C", 100, currency="USD"))
    refused_with("NU006", sql, *values)


@pytest.mark.parametrize("fault", ["one by one", "another count", "a gap", "another day", "no entry", "twice"])
def test_lines_of_an_entry_are_written_once_all_together(books: Books, fault: str) -> None:
    journal = entry(3 if fault == "another count" else 2)
    a, b = books.cash(), books.internal("1110")
    both = [line(journal, 1, a, "D", 100), line(journal, 2, b, "C", 100)]
    if fault == "one by one":
        both = both[:1]
    elif fault == "a gap":
        both[1] = line(journal, 3, b, "C", 100)
    elif fault == "another day":
        both[1] = line(journal, 2, b, "C", 100, day=dt.date(2001, 1, 1))
    elif fault == "no entry":
        both = [line(journal + 1_000, 1, a, "D", 100), line(journal + 1_000, 2, b, "C", 100)]
    elif fault == "twice":
        sql, values = lines_sql(*both)
        run(sql, *values)
        both = [line(journal, 3, a, "D", 100), line(journal, 4, b, "C", 100)]
    sql, values = lines_sql(*both)
    refused_with("NU006", sql, *values)


def test_a_posted_entry_without_lines_does_not_outlive_its_transaction() -> None:
    entry()
    refused_with("NU006", "SET CONSTRAINTS ALL IMMEDIATE")


def test_a_refused_entry_has_no_lines(books: Books) -> None:
    with refused(IntegrityError):
        entry(2, outcome="NSF")
    entry(0, outcome="NSF")
    settle()


def test_a_line_says_before_and_after_truly(books: Books) -> None:
    journal = entry()
    a, b = books.cash(), books.internal("1110")
    sql, values = lines_sql(line(journal, 1, a, "D", 100, after=-99), line(journal, 2, b, "C", 100))
    refused_with("23514", sql, *values)
    sql, values = lines_sql(line(journal, 1, a, "D", -100), line(journal, 2, b, "C", -100))
    refused_with("23514", sql, *values)


def test_a_line_is_in_its_accounts_currency(books: Books) -> None:
    journal = entry()
    a, b = books.cash(), books.internal("1110")
    sql, values = lines_sql(
        line(journal, 1, a, "D", 100, currency="USD"), line(journal, 2, b, "C", 100, currency="USD")
    )
    refused_with("23503", sql, *values)


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("verb", ["UPDATE", "DELETE", "TRUNCATE"])
def test_the_books_are_append_only_by_trigger(books: Books, table: str, verb: str) -> None:
    """Also for a superuser, whom no REVOKE stops; an ordinary owner is stopped by either."""
    books.customer(100)
    column = {"ledger_line": "line_no", "ledger_seal": "journal_id", "balances_transaction_key": "outcome"}.get(
        table, "id"
    )
    if table == "ledger_seal":
        run("INSERT INTO ledger_seal (journal_id, hash) SELECT max(id), '\\x00' FROM ledger_journal")
    settle()  # nothing pending: TRUNCATE would refuse for that alone
    sql = {
        "UPDATE": f"UPDATE {table} SET {column} = {column}",
        "DELETE": f"DELETE FROM {table}",
        "TRUNCATE": f"TRUNCATE {table} CASCADE",
    }[verb]
    with refused(DatabaseError) as found:
        run(sql)
    assert sqlstate_of(found.value) in {"NU005", "42501"}


@pytest.mark.parametrize("table", [*APPEND_ONLY, "balances_balance"])
def test_the_owner_has_given_up_the_right_to_change_the_books(table: str) -> None:
    """REVOKE as the catalogue has it: what an owner that is no superuser may do."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.privilege_type FROM pg_class c, aclexplode(c.relacl) a"
            " WHERE c.oid = %s::regclass AND a.grantee IN (c.relowner, 0)",
            [table],
        )
        rights = {row[0] for row in cursor.fetchall()}
    assert {"SELECT", "INSERT"} <= rights
    assert not {"DELETE", "TRUNCATE"} & rights
    assert table == "balances_balance" or "UPDATE" not in rights


def test_an_owner_without_superuser_rights_can_post_and_cannot_change(books: Books) -> None:
    """An ordinary role owns the tables, as in production: foreign keys are checked with that role's rights."""
    alice, cash = books.customer(100), books.cash()
    settle()
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if cursor.fetchone()[0]:
            _give_tables_to_an_ordinary_role()
    posting = Posting(
        uuid.uuid4(), "owner", "owner", b"\0" * 32, "transfer", (Leg(alice, -1, "KES"), Leg(cash, 1, "KES"))
    )
    assert postings_post([posting], actor_id=None).outcomes[0].ok
    settle()
    refused_with("42501", "UPDATE ledger_journal SET description = 'changed'")
    refused_with("42501", "UPDATE ledger_line SET amount = amount + 1")
    refused_with("42501", "DELETE FROM ledger_journal")
    refused_with("42501", "TRUNCATE ledger_line")
    refused_with("42501", "DELETE FROM balances_transaction_key")
    refused_with("NU005", "UPDATE ledger_journal SET id = id + 1")  # the one right that foreign keys need
    run("RESET ROLE")


def _give_tables_to_an_ordinary_role() -> None:
    """Make one that owns the books, and be it until the end of the transaction."""
    role = f"numina_test_{uuid.uuid4().hex[:12]}"
    run(f"CREATE ROLE {role}")
    run(f"GRANT USAGE, CREATE ON SCHEMA public TO {role}")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            " AND (relname LIKE 'ledger%' OR relname LIKE 'balances%')"
        )
        names = [row[0] for row in cursor.fetchall()]
    for name in names:
        run(f"ALTER TABLE {name} OWNER TO {role}")
    run(f"SET LOCAL ROLE {role}")


def test_periods_do_not_overlap() -> None:
    AccountingPeriod.objects.create(code="A1", starts_on=dt.date(1990, 1, 1), ends_on=dt.date(1990, 1, 31))
    with refused(IntegrityError):
        AccountingPeriod.objects.create(code="A2", starts_on=dt.date(1990, 1, 31), ends_on=dt.date(1990, 2, 28))
    with refused(IntegrityError):
        AccountingPeriod.objects.create(code="A3", starts_on=dt.date(1990, 3, 2), ends_on=dt.date(1990, 3, 1))
    AccountingPeriod.objects.create(code="A4", starts_on=dt.date(1990, 2, 1), ends_on=dt.date(1990, 2, 28))


def test_the_door_is_the_only_way_to_a_balance(books: Books) -> None:
    alice = books.customer(100)
    for column in ("balance", "held", "overdraft_limit", "version"):
        refused_with("NU007", f"UPDATE balances_balance SET {column} = 1 WHERE account_id = %s", alice)
    refused_with("NU007", "UPDATE balances_balance SET status = 'O' WHERE account_id = %s", alice)
    with refused(DatabaseError):
        Balance.objects.get(pk=alice).save()
    with refused(DatabaseError):
        run("DELETE FROM balances_balance WHERE account_id = %s", alice)


def test_a_balance_starts_at_nothing_with_its_accounts_currency_and_kind(books: Books) -> None:
    account = books.customer()
    settle()
    run("GRANT DELETE ON balances_balance TO CURRENT_USER")
    run("ALTER TABLE balances_balance DISABLE TRIGGER balances_door_delete")
    run("DELETE FROM balances_balance WHERE account_id = %s", account)
    run("ALTER TABLE balances_balance ENABLE TRIGGER balances_door_delete")
    with refused(DatabaseError) as found:
        Balance.objects.create(account_id=account, currency="KES", kind="customer", balance=1)
    assert sqlstate_of(found.value) == "NU007"
    for currency, kind in (("USD", "customer"), ("KES", "internal")):
        with refused(IntegrityError):
            Balance.objects.create(account_id=account, currency=currency, kind=kind)


def test_available_is_never_negative_and_a_closed_account_is_empty(books: Books) -> None:
    alice = books.customer(100)
    run("SELECT set_config('numina.door', 'open', true)")
    refused_with("23514", "UPDATE balances_balance SET balance = -1 WHERE account_id = %s", alice)
    refused_with("23514", "UPDATE balances_balance SET held = 101 WHERE account_id = %s", alice)
    refused_with("23514", "UPDATE balances_balance SET held = -1 WHERE account_id = %s", alice)
    refused_with("23514", "UPDATE balances_balance SET status = 'X' WHERE account_id = %s", alice)
    run("SELECT set_config('numina.door', '', true)")


def test_control_accounts_take_no_manual_entries() -> None:
    control = gl_account_ready("2110")
    with refused(IntegrityError):
        GLAccount.objects.filter(pk=control.pk).update(allows_manual=True)


def test_versions_go_up_by_one_a_line_without_gaps(books: Books) -> None:
    alice, bob = books.customer(100), books.customer()
    for _ in range(5):
        books.move(alice, bob, 3)
    lines = JournalLine.objects.filter(account_id=alice).order_by("journal_id", "line_no")
    assert [one.account_version for one in lines] == list(range(1, 7))
    assert [one.balance_before for one in lines][1:] == [one.balance_after for one in lines][:-1]
    assert Balance.objects.get(pk=alice).version == 6


def test_an_entry_may_be_reversed_once_in_the_database_too(books: Books) -> None:
    first = JournalEntry.objects.get(pk=books.move(books.cash(), books.customer(), 5).journal_id)
    settle()
    insert = (
        "INSERT INTO ledger_journal (transaction_id, kind, outcome, line_count, business_date, value_date, booked_at,"
        " correlation_id, channel, description, counterparty, reference, partition, epoch, reverses_id)"
        " SELECT gen_random_uuid(), 'reversal', 'OK', 2, business_date, value_date, now(), '', '', '', '', '', 0, 0, id"
        " FROM ledger_journal WHERE id = %s"
    )
    with refused(IntegrityError):
        run(insert, first.pk)
        run(insert, first.pk)
