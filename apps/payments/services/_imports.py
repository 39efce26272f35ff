"""Imports as the bank sees them: a run with its progress, its refusals and its audit; from a file or an upload."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models.functions import Now

from apps.audit.services import record
from apps.core.errors import DomainError, IdempotencyKeyReused, NotFound, PayloadTooLarge, PermissionDenied
from apps.identity.selectors import head_office
from apps.jobs.services import job_start
from apps.payments.errors import ImportFileMissing, ImportNotResumable
from apps.payments.importing.report import REFUSALS_KEPT, ImportReport
from apps.payments.importing.rows import Refusal
from apps.payments.importing.run import ImportOptions, transactions_import
from apps.payments.models import ImportRefusal, ImportRun
from apps.payments.services._common import Asked

if TYPE_CHECKING:
    from apps.identity.models import Branch, User

UPLOAD_BYTES_MAX = 512 * 1024 * 1024
OnBatch = Callable[[ImportReport, list[Refusal]], None]
OnProgress = Callable[[int, int], None]
INTERRUPTED = "It was interrupted. What was posted stays; tried again, it goes on where it stopped."


def import_file(
    *,
    acting_user: User | None,
    branch: Branch,
    stream: BufferedReader,
    file_name: str,
    file_size: int,
    options: ImportOptions,
    on_batch: OnBatch | None = None,
) -> ImportReport:
    """Import a file that lies here, while the caller waits; the stream can be rewound. A dry run leaves no trace.

    Raises as `transactions_import`; what was posted before stays, and running it again goes on.
    """
    if options.dry_run:
        return transactions_import(
            acting_user=acting_user, branch=branch, stream=stream, options=options, on_batch=on_batch
        )
    digest = hashlib.file_digest(stream, "sha256").hexdigest()
    stream.seek(0)
    run = ImportRun.objects.create(
        source=options.source,
        file_name=file_name[:200],
        file_sha256=digest,
        allow_overdraft=options.allow_overdraft,
        create_accounts=options.create_accounts,
        bytes_total=file_size,
        started_by=acting_user.pk if acting_user is not None else None,
        branch=branch,
    )
    return _execute(run, acting_user=acting_user, branch=branch, stream=stream, options=options, on_batch=on_batch)


def import_upload(
    *, asked: Asked, chunks: Iterable[bytes], file_name: str, options: ImportOptions, at: dt.datetime
) -> tuple[ImportRun, bool]:
    """Keep an uploaded file and make its run and the job that executes it; the run, and whether it was there before.

    The same key and content give the same run. Raises `ImportFileMissing` for an empty body, `PayloadTooLarge`, and
    `IdempotencyKeyReused` for another file or other options under the key.
    """
    run_id = asked.transaction_id
    path = upload_path(run_id)
    part = path.with_suffix(f".{uuid4().hex}")
    try:
        digest, size = _keep(chunks, part)
        return _run_of(asked, part, path, digest, size, file_name=file_name, options=options, at=at)
    finally:
        part.unlink(missing_ok=True)


def _run_of(
    asked: Asked, part: Path, path: Path, digest: str, size: int, *, file_name: str, options: ImportOptions,
    at: dt.datetime,
) -> tuple[ImportRun, bool]:  # fmt: skip
    """The run of a file that lies in `part`; it is put in place for its own run only, never for another's."""
    run_id = asked.transaction_id
    branch = asked.user.branch or head_office()
    run = ImportRun(
        id=run_id,
        source=options.source,
        file_name=file_name[:200] or "upload.csv",
        file_sha256=digest,
        is_dry_run=options.dry_run,
        allow_overdraft=options.allow_overdraft,
        create_accounts=options.create_accounts,
        status=ImportRun.Status.QUEUED,
        uploaded=True,
        bytes_total=size,
        started_by=asked.user.pk,
        branch=branch,
    )
    try:
        with transaction.atomic():
            run.save(force_insert=True)
            part.replace(path)
            job_start(
                acting_user=asked.user, kind="payments.import", payload={"run_id": str(run_id)}, branch_id=branch.pk,
                job_id=run_id, at=at,
            )  # fmt: skip
    except IntegrityError:
        known = ImportRun.objects.get(pk=run_id)
        same = ("source", "file_sha256", "is_dry_run", "allow_overdraft", "create_accounts")
        if any(getattr(known, name) != getattr(run, name) for name in same):
            raise IdempotencyKeyReused from None
        if known.status != ImportRun.Status.DONE and not path.exists():
            part.replace(path)  # the file was lost: with it the run can be tried again
        return known, True
    return run, False


def import_run_execute(*, run_id: UUID, on_progress: OnProgress | None = None) -> dict[str, Any]:
    """Execute an uploaded run and return its counts; safe twice: what is done is left alone, the rest goes on.

    `on_progress` is told bytes done and in all. Raises `NotFound`, `PermissionDenied` when whoever sent the file may
    not import any more, `ImportNotResumable` when the file is gone, and as `transactions_import`.
    """
    run = ImportRun.objects.select_related("branch").filter(pk=run_id).first()
    if run is None:
        raise NotFound("No such import.")
    if run.status == ImportRun.Status.DONE:
        return {"rows_posted": run.rows_posted}
    path = upload_path(run_id)
    options = ImportOptions(
        source=run.source,
        create_accounts=run.create_accounts,
        allow_overdraft=run.allow_overdraft,
        dry_run=run.is_dry_run,
    )
    user = get_user_model().objects.filter(pk=run.started_by or run.pk).first()
    if user is None or not user.has_permission("payments.import"):
        _finish(run, status=ImportRun.Status.FAILED, error="Whoever sent the file may not import any more.")
        path.unlink(missing_ok=True)
        raise PermissionDenied("Whoever sent the file may not import any more.", permission="payments.import")

    def told(report: ImportReport, refusals: list[Refusal]) -> None:
        if on_progress is not None:
            on_progress(report.bytes_done, run.bytes_total)

    try:
        with path.open("rb") as stream:
            report = _execute(
                run, acting_user=user, branch=run.branch or head_office(), stream=stream, options=options, on_batch=told
            )
    except FileNotFoundError as error:
        _finish(run, status=ImportRun.Status.FAILED, error=ImportNotResumable.title)
        raise ImportNotResumable from error
    except DomainError:
        raise
    except Exception:
        with suppress(DatabaseError):  # a lost connection: the run stays as it was, and its job is tried again
            _finish(run, status=ImportRun.Status.FAILED, error=INTERRUPTED)
        raise
    path.unlink(missing_ok=True)
    return _counts(report)


def upload_path(run_id: UUID) -> Path:
    """Where the file of an uploaded run lies until it has been read. Web and workers share this folder."""
    return Path(settings.MEDIA_ROOT) / "imports" / f"{run_id}.csv"


def _keep(chunks: Iterable[bytes], part: Path) -> tuple[str, int]:
    """Write the upload to `part`; its SHA-256 and size. A half upload is never seen by a worker."""
    part.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest, size = hashlib.sha256(), 0
    with part.open("wb") as target:
        for chunk in chunks:
            size += len(chunk)
            if size > UPLOAD_BYTES_MAX:
                raise PayloadTooLarge(f"At most {UPLOAD_BYTES_MAX} bytes.")
            digest.update(chunk)
            target.write(chunk)
    if size == 0:
        raise ImportFileMissing("The body is empty.")
    return digest.hexdigest(), size


def _execute(
    run: ImportRun,
    *,
    acting_user: User | None,
    branch: Branch,
    stream: BinaryIO,
    options: ImportOptions,
    on_batch: OnBatch | None = None,
) -> ImportReport:
    ImportRun.objects.filter(pk=run.pk).update(status=ImportRun.Status.RUNNING)
    run.refusals.all().delete()  # of an interrupted execution: the file is read from its start
    _record("started", run, acting_user, after={"source": run.source, "file": run.file_name, "sha256": run.file_sha256})
    kept = 0

    def progress(report: ImportReport, refusals: list[Refusal]) -> None:
        nonlocal kept
        fresh = refusals[: REFUSALS_KEPT - kept]
        kept += len(fresh)
        ImportRefusal.objects.bulk_create(
            ImportRefusal(
                run=run, row_number=one.row, external_id=one.external_id, code=one.code, detail=one.detail[:400]
            )
            for one in fresh
        )
        ImportRun.objects.filter(pk=run.pk).update(**_counts(report), updated_at=Now())
        if on_batch is not None:
            on_batch(report, refusals)

    try:
        report = transactions_import(
            acting_user=acting_user, branch=branch, stream=stream, options=options, on_batch=progress
        )
    except DomainError as error:
        _finish(run, status=ImportRun.Status.FAILED, error=error.detail)
        _record("failed", run, acting_user, after={"error": error.detail})
        raise
    _finish(run, status=ImportRun.Status.DONE, **_counts(report), report=report.details())
    _record("finished", run, acting_user, after=_counts(report))
    return report


def _counts(report: ImportReport) -> dict[str, Any]:
    return {
        "bytes_done": report.bytes_done,
        "rows_read": report.read,
        "rows_posted": report.posted,
        "rows_skipped": report.skipped,
        "rows_refused": report.refused,
        "accounts_created": report.accounts_created,
        "balances_compared": report.compared,
        "balances_differing": report.differing,
    }


def _finish(run: ImportRun, *, status: str, error: str = "", **fields: Any) -> None:
    ImportRun.objects.filter(pk=run.pk).update(
        status=status, error=error[:400], finished_at=Now(), updated_at=Now(), version=run.version + 1, **fields
    )


def _record(verb: str, run: ImportRun, user: User | None, *, after: dict[str, Any]) -> None:
    record(action=f"payments.import.{verb}", acting_user=user, target=run, after=after)
