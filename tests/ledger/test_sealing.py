"""The chain names what was changed, and the daily totals are the sealed lines."""

from __future__ import annotations

import pytest
from django.db import connection

from apps.balances.selectors import books_verify
from apps.core import clock
from apps.ledger.models import DailyTotal, JournalEntry, JournalSeal, SealState
from apps.ledger.sealing import GENESIS, ChainReport, chain_verify, journal_seal, journal_seal_all
from apps.ledger.selectors import business_date_current, trial_balance
from tests.factories.postings import Books

pytestmark = pytest.mark.django_db


@pytest.fixture
def entries() -> list[int]:
    """Ten sealed entries, one of them a refusal."""
    books = Books()
    alice, bob = books.customer(100), books.customer()
    outcomes = [books.move(alice, bob, 10 if n != 5 else 1_000, description=f"no {n}") for n in range(10)]
    assert outcomes[5].code == "NSF"
    journal_seal_all(at=clock.now())
    return [outcome.journal_id or 0 for outcome in outcomes]


def verify(**options: int) -> ChainReport:
    *_, report = chain_verify(**options)
    return report


def tamper(table: str, sql: str, *parameters: object) -> None:
    """What a superuser, or an owner who takes his rights back, can do to an append-only table."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(f"GRANT UPDATE, DELETE ON {table} TO CURRENT_USER")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(sql, parameters)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def test_an_untouched_chain_is_clean_from_its_beginning(entries: list[int]) -> None:
    report = verify()
    assert (report.faults, report.unsealed) == ([], 0)
    assert report.entries == JournalEntry.objects.count() == JournalSeal.objects.count()
    assert report.head == bytes(JournalSeal.objects.get(pk=entries[-1]).hash).hex() != GENESIS.hex()


def test_sealing_twice_changes_nothing(entries: list[int]) -> None:
    head = bytes(SealState.objects.get(pk=1).head)
    assert journal_seal(at=clock.now()) == 0
    assert bytes(SealState.objects.get(pk=1).head) == head


def test_small_chunks_give_the_same_chain(entries: list[int]) -> None:
    books = Books()
    alice = books.customer(100)
    for _ in range(7):
        books.move(alice, books.cash(), 1)
    while journal_seal(at=clock.now(), chunk=3):
        pass
    assert verify(chunk=2).faults == []
    assert books_verify().faults == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger_journal SET description = 'changed' WHERE id = %s",
        "UPDATE ledger_journal SET value_date = value_date - 1 WHERE id = %s",
        "UPDATE ledger_journal SET actor = gen_random_uuid() WHERE id = %s",
        "UPDATE ledger_journal SET booked_at = booked_at + interval '1 microsecond' WHERE id = %s",
        "UPDATE ledger_line SET amount = 11, balance_after = balance_before - 11 WHERE journal_id = %s AND line_no = 1",
        "UPDATE ledger_line SET account_version = account_version + 1 WHERE journal_id = %s AND line_no = 2",
        "DELETE FROM ledger_line WHERE journal_id = %s AND line_no = 2",
    ],
)
def test_a_changed_entry_is_named(entries: list[int], change: str) -> None:
    tamper("ledger_line" if "ledger_line" in change else "ledger_journal", change, entries[-3])
    assert verify().faults == [f"entry {entries[-3]} was changed after it was sealed"]


def test_a_changed_refusal_is_named_too(entries: list[int]) -> None:
    tamper("ledger_journal", "UPDATE ledger_journal SET description = 'other' WHERE id = %s", entries[5])
    assert verify().faults == [f"entry {entries[5]} was changed after it was sealed"]


def test_each_changed_entry_is_reported_once(entries: list[int]) -> None:
    tamper("ledger_journal", "UPDATE ledger_journal SET channel = 'x' WHERE id IN (%s, %s)", entries[2], entries[7])
    assert verify().faults == [f"entry {entries[n]} was changed after it was sealed" for n in (2, 7)]


def test_a_changed_seal_is_named(entries: list[int]) -> None:
    tamper("ledger_seal", "UPDATE ledger_seal SET hash = sha256(hash) WHERE journal_id = %s", entries[4])
    assert f"entry {entries[4]} was changed after it was sealed" in verify().faults


def test_a_missing_seal_is_named(entries: list[int]) -> None:
    tamper("ledger_seal", "DELETE FROM ledger_seal WHERE journal_id = %s", entries[4])
    assert f"entry {entries[4]} is not sealed, although later ones are" in verify().faults


def test_a_removed_entry_is_named(entries: list[int]) -> None:
    gone = entries[5]  # a refusal, which nothing else points at except its key
    tamper("balances_transaction_key", "DELETE FROM balances_transaction_key WHERE journal_id = %s", gone)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_seal DROP CONSTRAINT " + _foreign_key("ledger_seal"))
        # What foreign keys look into, they lock: an owner who gave up UPDATE takes it back for that.
        cursor.execute("GRANT UPDATE ON ledger_line, balances_transaction_key TO CURRENT_USER")
    tamper("ledger_journal", "DELETE FROM ledger_journal WHERE id = %s", gone)
    assert verify().faults == [f"entry {gone} is sealed but missing from the journal"]


def test_seals_removed_at_the_end_are_noticed(entries: list[int]) -> None:
    tamper("ledger_seal", "DELETE FROM ledger_seal WHERE journal_id >= %s", entries[-2])
    assert any("at the end" in fault for fault in verify().faults)


def test_a_rebuilt_chain_is_caught_by_a_hash_noted_elsewhere(entries: list[int]) -> None:
    noted = bytes(JournalSeal.objects.get(pk=entries[-1]).hash)
    tamper("ledger_journal", "UPDATE ledger_journal SET description = 'other' WHERE id = %s", entries[3])
    tamper("ledger_seal", "DELETE FROM ledger_seal")
    SealState.objects.update(last_id=0, head=GENESIS, ceiling=0, waiting=[])
    DailyTotal.objects.all().delete()
    journal_seal_all(at=clock.now())
    assert verify().faults == []
    assert verify(anchors={entries[-1]: noted}).faults == [f"entry {entries[-1]} does not have the hash that was noted"]


def test_faults_are_bounded(entries: list[int]) -> None:
    tamper("ledger_journal", "UPDATE ledger_journal SET channel = 'x' WHERE id >= %s", entries[0])
    assert len(verify(limit=3).faults) == 3


def test_daily_totals_are_the_sealed_lines_and_the_trial_balance_needs_no_seal(entries: list[int]) -> None:
    today = business_date_current()
    before = trial_balance(as_of=today)
    books = Books()
    books.move(books.cash(), books.customer(), 77)
    unsealed = trial_balance(as_of=today)
    assert unsealed.rows != before.rows
    journal_seal_all(at=clock.now())
    assert trial_balance(as_of=today).rows == unsealed.rows
    assert set(unsealed.differences.values()) == {0}
    assert books_verify().faults == []
    total = DailyTotal.objects.filter(currency="KES").first()
    assert total is not None
    DailyTotal.objects.filter(pk=total.pk).update(debit=total.debit + 1)
    assert any("daily totals" in fault for fault in books_verify().faults)


def test_transactions_of_another_life_do_not_stop_the_sealer(entries: list[int]) -> None:
    """A dump restored into a new server brings the ids of transactions that do not exist there."""
    books = Books()
    outcome = books.move(books.cash(), books.customer(), 1)
    SealState.objects.update(ceiling=outcome.journal_id, waiting=["999999/1", "-1/123"])
    journal_seal_all(at=clock.now())
    assert JournalSeal.objects.filter(pk=outcome.journal_id).exists()


def test_sessions_settings_do_not_change_a_digest(entries: list[int]) -> None:
    digests = "SELECT string_agg(encode(digest, 'hex'), ',' ORDER BY journal_id) FROM ledger_digests(%s, %s)"
    found = set()
    with connection.cursor() as cursor:
        for setting in (
            "TimeZone TO 'UTC'",
            "TimeZone TO 'Asia/Kathmandu'",
            "DateStyle TO 'German'",
            "bytea_output TO 'escape'",
            "IntervalStyle TO 'sql_standard'",
            "extra_float_digits TO -5",
        ):
            cursor.execute(f"SET LOCAL {setting}")
            cursor.execute(digests, [entries[0] - 1, entries[-1]])
            found.add(cursor.fetchone()[0])
    assert len(found) == 1


def _foreign_key(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'", [table])
        return f'"{cursor.fetchone()[0]}"'
