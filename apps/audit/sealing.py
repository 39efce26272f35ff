"""The chain over the trail, made in the background: recording an event never waits for it.

Each seal holds the event's digest and sha256(link before + digest). A seal stays when its event goes to the archive,
so the chain can always be walked from its beginning, and an archived event can be proved by its digest.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.db import connection, transaction

from apps.audit import locks
from apps.audit.models import Archive, SealState
from apps.core.drawing import ceiling_note, drawers_remain

GENESIS = hashlib.sha256(b"numina audit trail").digest()
CHUNK = 5_000
SEQUENCE = "audit_auditevent_id_seq"

_READ = """
SELECT e.id, date_trunc('month', e.at AT TIME ZONE 'UTC')::date, audit_digest(e)
  FROM audit_auditevent e WHERE e.id > %s AND e.id <= %s ORDER BY e.id LIMIT %s
"""
_BOTH = """
WITH ids AS (
    SELECT id FROM (SELECT id FROM audit_auditevent WHERE id > %(after)s AND id <= %(upto)s ORDER BY id LIMIT %(n)s) e
    UNION SELECT event_id FROM (SELECT event_id FROM audit_seal WHERE event_id > %(after)s AND event_id <= %(upto)s
                                 ORDER BY event_id LIMIT %(n)s) s
    ORDER BY id LIMIT %(n)s)
SELECT i.id, CASE WHEN e.id IS NOT NULL THEN audit_digest(e) END, s.digest, s.hash, s.month
  FROM ids i LEFT JOIN audit_auditevent e ON e.id = i.id LEFT JOIN audit_seal s ON s.event_id = i.id ORDER BY i.id
"""


@transaction.atomic
def trail_seal(*, at: dt.datetime, chunk: int = CHUNK) -> int:
    """Seal up to `chunk` events that are final; returns how many. One sealer works at a time, others return 0."""
    state = locks.seal_state_lock()
    if state is None:
        return 0
    if state.ceiling <= state.last_id:
        state.ceiling, state.waiting = ceiling_note(SEQUENCE)
    if state.waiting and drawers_remain(SEQUENCE, state.waiting):
        state.save()
        return 0
    state.waiting = []
    with connection.cursor() as cursor:
        cursor.execute(_READ, [state.last_id, state.ceiling, chunk])
        rows = cursor.fetchall()
        head = bytes(state.head)
        if rows:
            with cursor.copy("COPY audit_seal (event_id, month, digest, hash) FROM STDIN") as copy:
                for event_id, month, digest in rows:
                    head = hashlib.sha256(head + bytes(digest)).digest()
                    copy.write_row((event_id, month, bytes(digest), head))
    # With fewer rows than asked for, everything up to the ceiling is done, gaps of the sequence included.
    state.last_id = rows[-1][0] if len(rows) == chunk else state.ceiling
    if rows:
        state.head = head
        state.sealed_at = at
    state.save()
    return len(rows)


def trail_seal_all(*, at: dt.datetime) -> int:
    """Seal until nothing final is left; returns how many. Stops where a writer is still at work."""
    total = 0
    while True:
        sealed = trail_seal(at=at)
        total += sealed
        state = SealState.objects.get(pk=1)
        if sealed == 0 and (state.waiting or not _events_after(state.last_id)):
            return total


def _events_after(last_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM audit_auditevent WHERE id > %s)", [last_id])
        return bool(cursor.fetchone()[0])


@dataclass(slots=True)
class TrailReport:
    """Outcome of a check: how many sealed events were read, of these archived, not sealed yet, and each fault in words.

    `anchor` is the last sealed event with its hash, as `audit_verify --trail-anchor` takes it.
    """

    events: int = 0
    archived: int = 0
    unsealed: int = 0
    anchor: str = ""
    faults: list[str] = field(default_factory=list)
    limit: int = 100

    def fault(self, text: str) -> None:
        """Note a fault, up to the limit."""
        if len(self.faults) < self.limit:
            self.faults.append(text)


def trail_verify(
    *, limit: int = 100, chunk: int = CHUNK, anchors: Mapping[int, bytes] | None = None
) -> Iterator[TrailReport]:
    """Recompute the chain from the events and compare it with the seals; yields the running report after each chunk.

    A changed, missing or added event is named by its id. Events whose partition is archived are proved by the digests
    of their seals; `archives_verify` reads their files. `anchors` are hashes by event id noted outside of the
    database, which catch a superuser who rebuilt the whole chain.
    """
    state = SealState.objects.get(pk=1)
    report, previous, after, last = TrailReport(limit=limit), GENESIS, 0, 0
    noted, away = dict(anchors or {}), _Away()
    while rows := _rows(after, state.last_id, chunk):
        for event_id, digest, sealed, stored, month in rows:
            report.events += 1
            link = _check(report, away, previous, (event_id, digest, sealed, stored, month))
            anchor = noted.pop(event_id, None)
            if anchor is not None and anchor != link:
                report.fault(f"event {event_id} does not have the hash that was noted")
            previous, last = (link, event_id) if link is not None else (previous, last)
        after = rows[-1][0]
        yield report
    for event_id in noted:
        report.fault(f"event {event_id}, whose hash was noted, is not sealed")
    if previous != bytes(state.head):
        report.fault("the last hash is not the one that the sealer noted: seals were removed at the end")
    away.compare(report)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_auditevent WHERE id > %s", [state.last_id])
        report.unsealed = cursor.fetchone()[0]
    report.anchor = f"{last}:{previous.hex()}" if last else ""
    yield report


class _Away:
    """The archived months, and how many sealed events were found missing from each partition."""

    def __init__(self) -> None:
        self.archives = list(Archive.objects.filter(restored_at=None).order_by("ends_on"))
        self.missing = dict.fromkeys((archive.partition for archive in self.archives), 0)

    def holds(self, month: dt.date) -> bool:
        for archive in self.archives:
            if (archive.starts_on is None or archive.starts_on <= month) and month < archive.ends_on:
                self.missing[archive.partition] += 1
                return True
        return False

    def compare(self, report: TrailReport) -> None:
        for archive in self.archives:
            missing = self.missing[archive.partition]
            if missing != archive.rows:
                report.fault(f"archive {archive.partition} holds {archive.rows} events, but {missing} are missing here")


def _check(report: TrailReport, away: _Away, previous: bytes, row: _Row) -> bytes | None:
    """Compare one event with its seal; its stored link, from which the comparison goes on."""
    event_id, digest, sealed, stored, month = row
    if sealed is None or stored is None or month is None:
        report.fault(f"event {event_id} is not sealed, although later ones are")
        return None
    if digest is None and away.holds(month):
        report.archived += 1
    elif digest is None:
        report.fault(f"event {event_id} is sealed but missing from the trail")
    elif digest != sealed:
        report.fault(f"event {event_id} was changed after it was sealed")
    if stored != hashlib.sha256(previous + sealed).digest():
        report.fault(f"the seal of event {event_id} does not follow from the one before")
    return stored


_Row = tuple[int, bytes | None, bytes | None, bytes | None, dt.date | None]


def _rows(after: int, upto: int, chunk: int) -> list[_Row]:
    with connection.cursor() as cursor:
        cursor.execute(_BOTH, {"after": after, "upto": upto, "n": chunk})
        return [
            (event_id, _bytes(digest), _bytes(sealed), _bytes(stored), month)
            for event_id, digest, sealed, stored, month in cursor.fetchall()
        ]


def _bytes(value: memoryview | bytes | None) -> bytes | None:
    return None if value is None else bytes(value)
