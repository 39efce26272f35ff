"""Old partitions of the trail go to the object storage as compressed JSON lines, and come back from there.

Nothing leaves the database before its file was read back and every event in it proved by the digest of its seal. The
seals stay. Numina deletes no archive: after the years of retention the storage's own life-cycle rule may.
"""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import connection, transaction
from psycopg import sql

from apps.audit import locks
from apps.audit.errors import ArchiveFaulty, ArchiveNotReady
from apps.audit.models import Archive, SealState
from apps.audit.services import record

CHUNK = 2_000
_PARTITIONS = """
SELECT c.relname, pg_get_expr(c.relpartbound, c.oid)
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'audit_auditevent'::regclass
"""


def partitions_make(*, today: dt.date, months: int = 12) -> int:
    """Make the partitions of this month and the next `months`; returns how many were missing."""
    made = 0
    with connection.cursor() as cursor:
        bounds = _bounds()
        for ahead in range(months + 1):
            month = _month_after(today, ahead)
            if any((start is None or start <= month) and month < end for start, end in bounds.values()):
                continue
            cursor.execute("SELECT audit_partition_make(%s)", [month])
            made += bool(cursor.fetchone()[0])
    return made


def archivable(*, today: dt.date, online_months: int) -> list[str]:
    """Partitions that ended at least `online_months` months ago, oldest first."""
    limit = _month_after(today, -online_months)
    return [name for name, (_start, end) in sorted(_bounds().items(), key=lambda item: item[1][1]) if end <= limit]


def partition_archive(*, partition: str, acting_user: Any, at: dt.datetime) -> Archive:
    """Write a partition to the object storage, prove the file, then drop the partition.

    Raises ArchiveNotReady when it is unknown, still open or not sealed to its end, ArchiveFaulty when what was
    written cannot be proved (then nothing is dropped).
    """
    bounds = _bounds().get(partition)
    if bounds is None or bounds[1] > at.astimezone(dt.UTC).date():
        raise ArchiveNotReady("No such partition, or its month has not ended.")
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT count(*), coalesce(max(id), 0) FROM {}").format(sql.Identifier(partition)))
        rows, last_id = cursor.fetchone()
    if last_id > SealState.objects.get(pk=1).last_id:
        raise ArchiveNotReady("The partition holds events that are not sealed yet.")
    with tempfile.NamedTemporaryFile(suffix=".jsonl.gz") as work:
        digest = _write(partition, work.file)
        work.flush()
        with Path(work.name).open("rb") as stream:
            name = default_storage.save(f"audit/archive/{partition}-{digest[:12]}.jsonl.gz", File(stream))
    proved = file_prove(name, digest)
    if proved != rows:
        raise ArchiveFaulty(f"{rows} events were to be archived, {proved} were proved.")
    with transaction.atomic(), connection.cursor() as cursor:
        archive, _ = Archive.objects.update_or_create(
            partition=partition,
            defaults={
                "starts_on": bounds[0],
                "ends_on": bounds[1],
                "file": name,
                "sha256": digest,
                "rows": rows,
                "archived_at": at,
                "restored_at": None,
            },
        )
        cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(partition)))
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(partition)))
        if cursor.fetchone()[0] != rows:
            raise ArchiveNotReady("Events were added meanwhile.")
        cursor.execute(sql.SQL("ALTER TABLE audit_auditevent DETACH PARTITION {}").format(sql.Identifier(partition)))
        cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(partition)))
        record(
            action="audit.partition.archived",
            acting_user=acting_user,
            kind="security",
            target=archive,
            after={"file": name, "sha256": digest, "rows": rows},
            at=at,
        )
    return archive


@transaction.atomic
def partition_restore(*, partition: str, acting_user: Any, at: dt.datetime) -> Archive:
    """Bring an archived partition back online from its file, each event proved by its seal.

    Raises ArchiveNotReady when it is not archived, ArchiveFaulty when the file is not the one that was written.
    """
    archive = locks.archive_lock(partition=partition)
    if archive is None or archive.restored_at is not None:
        raise ArchiveNotReady("No such archive, or it is online already.")
    if file_prove(archive.file, archive.sha256) != archive.rows:
        raise ArchiveFaulty("The archive does not hold as many events as were written.")
    name = sql.Identifier(partition)
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE TABLE {} (LIKE audit_auditevent INCLUDING DEFAULTS INCLUDING CONSTRAINTS)").format(name)
        )
        for lines in _chunks(archive.file):
            cursor.execute(
                sql.SQL(
                    "INSERT INTO {} SELECT (jsonb_populate_record(NULL::audit_auditevent, line)).*"
                    " FROM unnest(%s::jsonb[]) line"
                ).format(name),
                [lines],
            )
        start = sql.Literal(f"{archive.starts_on} 00:00:00+00") if archive.starts_on else sql.SQL("MINVALUE")
        end = sql.Literal(f"{archive.ends_on} 00:00:00+00")
        attach = "ALTER TABLE audit_auditevent ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})"
        cursor.execute(sql.SQL(attach).format(name, start, end))
        cursor.execute("SELECT audit_partition_fence(%s)", [partition])
    archive.restored_at = at
    archive.save(update_fields=["restored_at"])
    record(action="audit.partition.restored", acting_user=acting_user, kind="security", target=archive, at=at)
    return archive


def file_prove(name: str, sha256: str) -> int:
    """Read an archive's file, compare its hash, and each event's digest with its seal; how many events it holds.

    Raises ArchiveFaulty naming the first difference.
    """
    hashed = hashlib.sha256()
    with default_storage.open(name) as stream:
        while block := stream.read(1 << 20):
            hashed.update(block)
    if hashed.hexdigest() != sha256:
        raise ArchiveFaulty(f"The file {name} is not the one that was written.")
    count = 0
    with connection.cursor() as cursor:
        for lines in _chunks(name):
            cursor.execute(
                "SELECT e.id FROM unnest(%s::jsonb[]) line,"
                " LATERAL jsonb_populate_record(NULL::audit_auditevent, line) e"
                " LEFT JOIN audit_seal s ON s.event_id = e.id"
                " WHERE s.digest IS DISTINCT FROM audit_digest(e) LIMIT 1",
                [lines],
            )
            if (row := cursor.fetchone()) is not None:
                raise ArchiveFaulty(f"Event {row[0]} in {name} is not the one that was sealed.")
            count += len(lines)
    return count


def archives_verify() -> Iterator[tuple[Archive, str]]:
    """Prove the file of every archive; each with what is wrong with it, empty when nothing is."""
    for archive in Archive.objects.order_by("ends_on"):
        try:
            rows = file_prove(archive.file, archive.sha256)
            yield archive, "" if rows == archive.rows else f"{archive.partition}: {rows} of {archive.rows} events"
        except (ArchiveFaulty, OSError) as error:
            yield archive, f"{archive.partition}: {error}"


def _write(partition: str, target: IO[bytes]) -> str:
    """Write the partition's events in id order; SHA-256 of the file. The same events are the same bytes."""
    with gzip.GzipFile(filename="", fileobj=target, mode="wb", mtime=0) as packed, connection.cursor() as cursor:
        after = 0
        while True:
            cursor.execute(
                sql.SQL("SELECT id, to_jsonb(e)::text FROM {} e WHERE id > %s ORDER BY id LIMIT %s").format(
                    sql.Identifier(partition)
                ),
                [after, CHUNK],
            )
            rows = cursor.fetchall()
            if not rows:
                break
            for _id, text in rows:
                packed.write(text.encode() + b"\n")
            after = rows[-1][0]
    hashed = hashlib.sha256()
    target.seek(0)
    while block := target.read(1 << 20):
        hashed.update(block)
    return hashed.hexdigest()


def _chunks(name: str) -> Iterator[list[str]]:
    with default_storage.open(name) as stream, gzip.GzipFile(fileobj=stream, mode="rb") as packed:
        lines: list[str] = []
        for line in packed:
            lines.append(line.decode())
            if len(lines) == CHUNK:
                yield lines
                lines = []
        if lines:
            yield lines


def _bounds() -> dict[str, tuple[dt.date | None, dt.date]]:
    """Partitions by name with their first day (None: no beginning) and the day after their last; not the default."""
    found: dict[str, tuple[dt.date | None, dt.date]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_PARTITIONS)
        for name, text in cursor.fetchall():
            if text == "DEFAULT":
                continue
            begin, _, end = text.removeprefix("FOR VALUES FROM (").removesuffix(")").partition(") TO (")
            found[name] = (None if begin == "MINVALUE" else _date(begin), _date(end))
    return found


def _date(literal: str) -> dt.date:
    return dt.date.fromisoformat(literal.strip("'")[:10])


def _month_after(day: dt.date, months: int) -> dt.date:
    index = day.year * 12 + day.month - 1 + months
    return dt.date(index // 12, index % 12 + 1, 1)
