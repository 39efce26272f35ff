"""The trail's chain: what was changed, removed or rebuilt is named; archives come back as they went."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from apps.audit import anchors, archiving
from apps.audit.errors import ArchiveFaulty, ArchiveNotReady
from apps.audit.models import Anchor, Archive, AuditEvent, Seal, SealState, Verification
from apps.audit.sealing import GENESIS, TrailReport, trail_seal, trail_seal_all, trail_verify
from apps.audit.services import record
from apps.audit.verifying import trail_check, verification_request, verification_run
from apps.core import clock

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _files(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def events() -> list[int]:
    """Ten sealed events."""
    made = [
        record(action="a.b.c", acting_user=None, after={"n": n, "text": 'é\u2028"'}, reason=f"no {n}").pk
        for n in range(10)
    ]
    trail_seal_all(at=clock.now())
    return made


def verify(**options: Any) -> TrailReport:
    *_, report = trail_verify(**options)
    return report


def tamper(table: str, statement: str, *parameters: object) -> None:
    """What a superuser can do to an append-only table, or its owner who takes the rights back."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "SELECT c.relname FROM pg_class c WHERE c.oid = %s::regclass"
            " OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = %s::regclass)",
            [table, table],
        )
        names = [name for (name,) in cursor.fetchall()]
        for name in names:
            cursor.execute(f"GRANT UPDATE, DELETE ON {name} TO CURRENT_USER")
            cursor.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER")
        cursor.execute(statement, parameters)
        for name in names:
            cursor.execute(f"ALTER TABLE {name} ENABLE TRIGGER USER")


def test_an_untouched_trail_is_clean_from_its_beginning(events: list[int]) -> None:
    report = verify()
    assert (report.faults, report.unsealed) == ([], 0)
    assert report.events == AuditEvent.objects.count() == Seal.objects.count()
    assert report.anchor == f"{events[-1]}:{bytes(Seal.objects.get(pk=events[-1]).hash).hex()}"


def test_sealing_twice_changes_nothing_and_small_chunks_give_the_same_chain(events: list[int]) -> None:
    head = bytes(SealState.objects.get(pk=1).head)
    assert trail_seal(at=clock.now()) == 0
    assert bytes(SealState.objects.get(pk=1).head) == head != GENESIS
    assert verify(chunk=3).faults == []


@pytest.mark.parametrize(
    "change",
    ["action = 'x.y.z'", "reason = ''", "after = NULL", "at = at - interval '1 microsecond'", "ip = '1.2.3.4'"],
)
def test_a_changed_event_is_named(events: list[int], change: str) -> None:
    tamper("audit_auditevent", f"UPDATE audit_auditevent SET {change} WHERE id = %s", events[4])
    assert verify().faults == [f"event {events[4]} was changed after it was sealed"]


def test_a_removed_event_and_a_removed_seal_are_named(events: list[int]) -> None:
    tamper("audit_auditevent", "DELETE FROM audit_auditevent WHERE id = %s", events[2])
    tamper("audit_seal", "DELETE FROM audit_seal WHERE event_id = %s", events[6])
    assert verify().faults == [
        f"event {events[2]} is sealed but missing from the trail",
        f"event {events[6]} is not sealed, although later ones are",
        f"the seal of event {events[7]} does not follow from the one before",
    ]


def test_seals_cut_off_at_the_end_are_noticed(events: list[int]) -> None:
    tamper("audit_seal", "DELETE FROM audit_seal WHERE event_id >= %s", events[8])
    assert any("seals were removed at the end" in fault or "is not sealed" in fault for fault in verify().faults)


def _rebuild(events: list[int]) -> None:
    """A patient superuser: changes an event, then every digest and link after it."""
    tamper("audit_auditevent", "UPDATE audit_auditevent SET reason = 'forged' WHERE id = %s", events[3])
    head = GENESIS
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, audit_digest(e) FROM audit_auditevent e ORDER BY id")
        rows = cursor.fetchall()
    for event_id, digest in rows:
        head = hashlib.sha256(head + bytes(digest)).digest()
        tamper("audit_seal", "UPDATE audit_seal SET digest = %s, hash = %s WHERE event_id = %s", digest, head, event_id)
    SealState.objects.update(head=head)


def test_a_rebuilt_chain_is_caught_by_a_noted_hash_and_by_the_daily_anchor(events: list[int]) -> None:
    noted = bytes(Seal.objects.get(pk=events[5]).hash)
    anchors.anchors_write(at=NOW)
    _rebuild(events)
    assert verify().faults == []
    assert verify(anchors={events[5]: noted}).faults == [f"event {events[5]} does not have the hash that was noted"]
    *_, report = trail_check()
    assert report.faults == [f"event {events[-1]} does not have the hash that was noted"]


def test_an_anchor_is_written_once_a_day_to_table_and_storage(events: list[int], tmp_path: Path) -> None:
    made = {anchor.chain: anchor for anchor in anchors.anchors_write(at=NOW)}
    assert anchors.anchors_write(at=NOW) == []
    note = json.loads((tmp_path / "audit/anchors/trail-2026-11-20.json").read_text())
    assert (note["last_id"], note["hash"]) == (events[-1], bytes(made["trail"].hash).hex())
    assert anchors.anchors_check("trail") == ({events[-1]: bytes(made["trail"].hash)}, [])


def test_an_anchor_changed_in_the_table_or_lost_outside_is_named(events: list[int], tmp_path: Path) -> None:
    anchors.anchors_write(at=NOW)
    tamper("audit_anchor", "UPDATE audit_anchor SET hash = %s WHERE chain = 'trail'", b"0" * 32)
    assert anchors.anchors_check("trail")[1] == ["the anchor of 2026-11-20 is not the one that was stored outside"]
    (tmp_path / "audit/anchors/trail-2026-11-20.json").unlink()
    assert anchors.anchors_check("trail")[1] == ["the file of the anchor of 2026-11-20 is missing"]


@pytest.mark.parametrize("table", ["audit_seal", "audit_anchor", "audit_auditevent_default", "audit_auditevent_before"])
def test_seals_anchors_and_single_partitions_refuse_changes(table: str) -> None:
    from django.db import DatabaseError, transaction

    for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}"):
        with (
            pytest.raises(DatabaseError, match=r"append-only|permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def test_partitions_are_made_ahead_and_once() -> None:
    far = dt.date(2031, 3, 1)
    assert archiving.partitions_make(today=far, months=2) == 3
    assert archiving.partitions_make(today=far, months=2) == 0
    event = record(action="a.b.c", acting_user=None, at=dt.datetime(2031, 4, 30, 23, 59, tzinfo=dt.UTC))
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM audit_auditevent WHERE id = %s", [event.pk])
        assert cursor.fetchone()[0] == "audit_auditevent_y2031m04"


LATER = dt.datetime(2031, 6, 1, tzinfo=dt.UTC)


def test_a_month_goes_to_the_archive_and_comes_back_as_it_was(old_month: str, events: list[int]) -> None:
    before = list(AuditEvent.objects.filter(at__year=2029).order_by("pk").values())
    assert old_month in archiving.archivable(today=LATER.date(), online_months=24)
    archive = archiving.partition_archive(partition=old_month, acting_user=None, at=LATER)
    assert archive.rows == len(before) == 20
    assert not AuditEvent.objects.filter(at__year=2029).exists()
    trail_seal_all(at=clock.now())
    report = verify()
    assert (report.faults, report.archived) == ([], 20)
    assert [fault for _archive, fault in archiving.archives_verify()] == [""]

    archiving.partition_restore(partition=old_month, acting_user=None, at=LATER)
    assert list(AuditEvent.objects.filter(at__year=2029).order_by("pk").values()) == before
    trail_seal_all(at=clock.now())
    assert (verify().faults, verify().archived) == ([], 0)
    with pytest.raises(ArchiveNotReady):
        archiving.partition_restore(partition=old_month, acting_user=None, at=LATER)
    again = archiving.partition_archive(partition=old_month, acting_user=None, at=LATER)
    assert (again.sha256, again.restored_at) == (archive.sha256, None)


def test_an_archive_that_was_edited_is_neither_proved_nor_restored(old_month: str, tmp_path: Path) -> None:
    archive = archiving.partition_archive(partition=old_month, acting_user=None, at=LATER)
    file = tmp_path / archive.file
    lines = gzip.decompress(file.read_bytes()).replace(b'"n": 7', b'"n": 8')
    file.chmod(0o600)
    file.write_bytes(gzip.compress(lines, mtime=0))
    with pytest.raises(ArchiveFaulty, match="not the one that was written"):
        archiving.partition_restore(partition=old_month, acting_user=None, at=LATER)
    Archive.objects.update(sha256=hashlib.sha256(file.read_bytes()).hexdigest())
    with pytest.raises(ArchiveFaulty, match="is not the one that was sealed"):
        archiving.partition_restore(partition=old_month, acting_user=None, at=LATER)
    *_, report = trail_check()
    assert any("is not the one that was sealed" in fault for fault in report.faults)


def test_an_open_month_and_unsealed_events_are_not_archived(old_month: str) -> None:
    with pytest.raises(ArchiveNotReady):
        archiving.partition_archive(
            partition=old_month, acting_user=None, at=dt.datetime(2029, 1, 31, 23, tzinfo=dt.UTC)
        )
    record(action="a.b.c", acting_user=None, at=dt.datetime(2029, 1, 5, tzinfo=dt.UTC))
    with pytest.raises(ArchiveNotReady):
        archiving.partition_archive(partition=old_month, acting_user=None, at=LATER)


def test_an_archived_month_that_loses_one_more_event_is_noticed(old_month: str) -> None:
    archiving.partition_archive(partition=old_month, acting_user=None, at=LATER)
    Archive.objects.update(rows=19)
    assert verify().faults == [f"archive {old_month} holds 19 events, but 20 are missing here"]


def test_a_verification_is_done_by_a_worker_and_recorded(
    events: list[int], user: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        verification = verification_request(acting_user=user)
    verification.refresh_from_db()
    assert (verification.status, verification.faults) == (Verification.Status.PASSED, [])
    assert verification.done == verification.total > 10
    tamper("audit_auditevent", "UPDATE audit_auditevent SET reason = 'x' WHERE id = %s", events[0])
    second = verification_request(acting_user=user)
    verification_run(verification_id=second.pk, at=clock.now())
    verification_run(verification_id=second.pk, at=clock.now())
    second.refresh_from_db()
    assert second.status == Verification.Status.FAILED
    assert second.faults == [f"event {events[0]} was changed after it was sealed"]
    assert AuditEvent.objects.filter(action="audit.trail.verified", actor=user).count() == 2


def test_anchors_cover_the_journal_too() -> None:
    from tests.factories.postings import Books

    books = Books()
    books.move(books.cash(), books.customer(), 100)
    from apps.ledger.sealing import journal_seal_all

    journal_seal_all(at=clock.now())
    record(action="a.b.c", acting_user=None)
    trail_seal_all(at=clock.now())
    assert {anchor.chain for anchor in anchors.anchors_write(at=NOW)} == {"trail", "journal"}
    assert Anchor.objects.filter(chain="journal").count() == 1
