"""One row by libpq itself reads as through Django, in transactions and out; faults are told in the same words."""

import pytest
from django.db import DataError, OperationalError, connection, transaction

from apps.core.kept_statement import KeptStatement

NEXT = KeptStatement(
    "test_next", "SELECT n + 1, %s::text FROM (VALUES (1), (5)) AS v (n) WHERE n = %s", (int, bytes.decode)
)
QUOTIENT = KeptStatement("test_quotient", "SELECT 10 / %s::int", (int,))


def test_a_row_is_read_in_and_out_of_transactions(committed_db):
    assert NEXT.row("hé; DROP", 5) == (6, "hé; DROP")
    with transaction.atomic():
        assert NEXT.row("x", 1) == (2, "x")
    assert NEXT.row("x", 7) is None
    assert KeptStatement("test_null", "SELECT NULL, %s::int", (int, int)).row(5) == (None, 5)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE name = 'test_next'")
        assert cursor.fetchone() == (1,)


def test_it_sees_what_its_transaction_wrote(db):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE kept_note (n int) ON COMMIT DROP")
        cursor.execute("INSERT INTO kept_note VALUES (3)")
    assert KeptStatement("test_note", "SELECT n FROM kept_note WHERE n = %s", (int,)).row(3) == (3,)


def test_a_fault_is_told_by_django_and_the_next_row_is_read(committed_db):
    assert QUOTIENT.row(5) == (2,)
    with pytest.raises(DataError, match="division by zero"):
        QUOTIENT.row(0)
    with pytest.raises(DataError, match="invalid input syntax"):
        QUOTIENT.row("1; DROP TABLE x")
    assert QUOTIENT.row(5) == (2,)


def test_statements_that_a_pooler_discarded_are_kept_again(committed_db):
    assert QUOTIENT.row(5) == (2,)
    with connection.cursor() as cursor:
        cursor.execute("DISCARD ALL")
    assert [QUOTIENT.row(5), QUOTIENT.row(2)] == [(2,), (5,)]


def test_where_nothing_may_be_kept_it_reads_all_the_same(committed_db, monkeypatch):
    connection.ensure_connection()
    monkeypatch.setattr(connection.connection, "prepare_threshold", None)
    assert QUOTIENT.row(5) == (2,)


def test_a_lost_connection_is_told_by_django(committed_db):
    assert QUOTIENT.row(5) == (2,)
    connection.connection.close()
    with pytest.raises(OperationalError):
        QUOTIENT.row(5)
    connection.close()
    assert QUOTIENT.row(5) == (2,)
