"""The trail as a file: chosen events, each with its link of the chain, and a hash that is noted in the trail itself.

Whoever is shown such a file can have its SHA-256 looked up: the trail says who made it, when, why and with which
filters. A single row can be checked against the chain by its link. Short CSV files are made at once; all others by a
job, which tells how far it is, and kept for some days.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any
from uuid import UUID

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, Q, QuerySet

from apps.audit.errors import ExportNotReady, ExportTooLarge
from apps.audit.models import AuditEvent, Export, Seal
from apps.audit.selectors import events_filtered
from apps.audit.services import record
from apps.audit.trail_files import About, Row, csv_draw, pdf_draw
from apps.core import clock
from apps.core.background import Work, work_register, work_start
from apps.core.errors import NotFound

WORK = "audit.export"
ROWS_MAX = {"csv": 1_000_000, "pdf": 1_000}
ROWS_AT_ONCE = {"csv": 2_000, "pdf": -1}
"""How many events a request makes a file of; more would keep it waiting for longer than a second. The first PDF of a
process takes that long whatever is in it: fonts are unpacked."""
FILE_DAYS = 7
"""How long a file is kept. It is a copy: who needs it later asks again."""
CHUNK = 2_000
MEMORY_BYTES = 8 * 1024 * 1024
MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "pdf": "application/pdf"}

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class TrailFile:
    """A file with its name and its hash as the trail has it."""

    name: str
    content: bytes
    content_type: str
    sha256: str
    rows: int


def register() -> None:
    """Make the work known. Called once, when Django starts."""
    work_register(Work(WORK, "Export of the audit trail", run=_run))


@transaction.atomic
def trail_export(
    *, acting_user: Any, form: str, filters: dict[str, Any], reason: str, at: dt.datetime
) -> TrailFile | Export:
    """The events within the user's reach that match, oldest first, as CSV or PDF. The export itself is recorded.

    More than ROWS_AT_ONCE, and each PDF, are left to a job of the returned Export's id. Raises ExportTooLarge, naming
    how many a file may hold.
    """
    events = events_filtered(acting_user, filters)
    limit = ROWS_MAX[form]
    total = events[: limit + 1].count()
    if total > limit:
        raise ExportTooLarge(f"More than {limit:,} events match; choose fewer days or another filter.")
    if total > ROWS_AT_ONCE[form]:
        return _ask(events, total, acting_user=acting_user, form=form, filters=filters, reason=reason, at=at)
    file = io.BytesIO()
    about = About(acting_user.get_username(), reason, _words(filters), at)
    rows = _draw(file, form, _rows(events.filter(pk__lte=_newest(events))), about)
    digest = hashlib.sha256(file.getvalue()).hexdigest()
    _exported(acting_user, digest, rows, form, about, at)
    return TrailFile(file_name(at, form), file.getvalue(), MEDIA_TYPES[form], digest, rows)


def export_find(*, sha256: str) -> AuditEvent | None:
    """The event that says who made the file with this hash; None when no file of ours has it."""
    return AuditEvent.objects.filter(object_type="audit.export", object_id=sha256.lower()).order_by("-id").first()


def export_get_for(*, user: Any, pk: UUID) -> Export:
    """An export that the user asked for. Raises NotFound: not there and not yours look the same."""
    found = Export.objects.filter(pk=pk, requested_by_id=user.pk).first()
    if found is None:
        raise NotFound("No such export.")
    return found


def export_make(*, export_id: UUID, at: dt.datetime, progress: Progress) -> Export:
    """Make a file that was asked for and keep it; twice is once. `progress` is told how many events are written.

    It holds what its owner may see at this moment of what was in the trail when it was asked for. The file is written
    before the row that names it: one that a dying worker left behind is named by nobody.
    """
    export = Export.objects.select_related("requested_by").get(pk=export_id)
    if export.made_at is not None:
        return export
    owner = export.requested_by
    events = events_filtered(owner, export.filters).filter(pk__lte=export.upto)
    about = About(str(owner), export.reason, export.filters, export.created_at)
    with tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES) as file:
        rows = _draw(file, export.form, _rows(events, progress), about)
        size = file.tell()
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        name = default_storage.save(f"audit/exports/{export.created_at:%Y/%m}/{export.pk}.{export.form}", File(file))
    with transaction.atomic():
        kept = Export.objects.filter(pk=export.pk, made_at=None).update(
            file=name, sha256=digest, size=size, rows=rows, made_at=at, updated_at=at, version=F("version") + 1
        )
        if kept:
            _exported(owner, digest, rows, export.form, about, at)
    export.refresh_from_db()
    return export


def export_open(*, acting_user: Any, export: Export, at: dt.datetime) -> IO[bytes]:
    """The file, at its start; that it was fetched is recorded. Raises ExportNotReady, also for one that is gone."""
    if export.made_at is None:
        raise ExportNotReady("It is still being made: its job tells how far it is.")
    if not export.file:
        raise ExportNotReady(f"Files are kept for {FILE_DAYS} days. Ask for it again.")
    file: IO[bytes] = default_storage.open(export.file)
    if hashlib.file_digest(file, "sha256").hexdigest() != export.sha256:  # type: ignore[arg-type]
        file.close()
        raise ExportNotReady("The file is not the one that was kept. Tell the operators.")
    file.seek(0)
    record(
        action="audit.trail.export_fetched",
        acting_user=acting_user,
        kind="access",
        target=export,
        after={"sha256": export.sha256},
        at=at,
    )
    return file


def exports_tidy(*, at: dt.datetime) -> int:
    """Remove files that have been kept for long enough; how many. Their rows and hashes stay."""
    old = Export.objects.filter(~Q(file=""), made_at__lt=at - dt.timedelta(days=FILE_DAYS))
    removed = 0
    for export in old[:1_000]:
        default_storage.delete(export.file)
        removed += Export.objects.filter(pk=export.pk).update(
            file="", removed_at=at, updated_at=at, version=F("version") + 1
        )
    return removed


def file_name(at: dt.datetime, form: str) -> str:
    """What a file asked for at this moment is called."""
    return f"audit-trail-{at:%Y%m%d-%H%M%S}.{form}"


def _ask(
    events: QuerySet[AuditEvent],
    total: int,
    *,
    acting_user: Any,
    form: str,
    filters: dict[str, Any],
    reason: str,
    at: dt.datetime,
) -> Export:
    export = Export.objects.create(
        requested_by=acting_user,
        form=form,
        filters=_words(filters),
        reason=reason,
        upto=_newest(events),
        total=total,
        created_at=at,
    )
    record(
        action="audit.trail.export_requested",
        acting_user=acting_user,
        kind="security",
        target=export,
        after={"events": total, "form": form, "filters": export.filters},
        reason=reason,
        at=at,
    )
    work_start(acting_user=acting_user, name=WORK, job_id=export.pk, payload={"export": str(export.pk)}, at=at)
    return export


def _run(run: Any) -> tuple[dict[str, Any], str]:
    total = Export.objects.values_list("total", flat=True).get(pk=run.id)
    export = export_make(
        export_id=run.id,
        at=clock.now(),
        progress=lambda done: run.progress(done=done, total=total, message="Events written"),
    )
    return {"rows": export.rows, "sha256": export.sha256}, f"/api/v1/audit/exports/{export.pk}/file"


def _newest(events: QuerySet[AuditEvent]) -> int:
    return events.order_by("-id").values_list("id", flat=True).first() or 0


def _rows(events: QuerySet[AuditEvent], progress: Progress | None = None) -> Iterator[Row]:
    """The events, oldest first, a stretch at a time, each with its seal."""
    last, done = 0, 0
    while stretch := list(events.filter(pk__gt=last).order_by("id")[:CHUNK]):
        seals = Seal.objects.filter(pk__in=[event.pk for event in stretch]).only("hash")
        links = {seal.pk: bytes(seal.hash).hex() for seal in seals}
        for event in stretch:
            yield event, links.get(event.pk, "")
        last, done = stretch[-1].pk, done + len(stretch)
        if progress is not None:
            progress(done)


def _draw(file: IO[bytes], form: str, rows: Iterator[Row], about: About) -> int:
    """Write the file; how many events it has."""
    number = 0

    def counted() -> Iterator[Row]:
        nonlocal number
        for row in rows:
            number += 1
            yield row

    if form == Export.Form.CSV:
        csv_draw(file, counted())
    else:
        pdf_draw(file, counted(), about)
    return number


def _exported(user: Any, digest: str, rows: int, form: str, about: About, at: dt.datetime) -> None:
    record(
        action="audit.trail.exported",
        acting_user=user,
        kind="security",
        object_type="audit.export",
        object_id=digest,
        object_label=f"{rows} events as {form.upper()}",
        after={"sha256": digest, "rows": rows, "form": form, "filters": about.filters},
        reason=about.reason,
        at=at,
    )


def _words(filters: dict[str, Any]) -> dict[str, str]:
    return {
        name: value.isoformat() if isinstance(value, dt.datetime) else str(value)
        for name, value in filters.items()
        if value not in (None, "")
    }
