"""Statements of many accounts: asked for once, drawn up in parts by whichever workers are free, put into one archive.

A part is one transaction of one worker, which holds the part's row locked: who finds it locked takes the next, and a
worker that dies leaves it to the others. What is finished stays, so a job that is run again goes on where it was.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from typing import IO, TYPE_CHECKING
from uuid import UUID, uuid5

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import OperationalError, transaction
from django.db.models import Q, Sum

from apps.accounts import locks
from apps.accounts.errors import StatementBatchInvalid, StatementsNotReady
from apps.accounts.models import Account, StatementBatch, StatementPart
from apps.accounts.selectors import accounts_visible_to, with_holders
from apps.accounts.services._statements import statement_issue
from apps.accounts.statements.files import statement_file
from apps.accounts.statements.pdf_file import PDF_LINES_MAX
from apps.audit.services import record
from apps.core.errors import DomainError
from apps.core.retry import TRANSIENT_SQLSTATES, sqlstate_of
from apps.core.trail import read_announce
from apps.jobs.errors import JobFinished, JobNotFound
from apps.jobs.services import job_cancel, job_start

if TYPE_CHECKING:
    from apps.identity.models import User

BATCH, HELP = "accounts.statements", "accounts.statements_help"
PART_SIZE = 20
"""Statements a transaction: some seconds of work, so that little is lost with a worker."""
ACCOUNTS_MAX = 100_000
HELPERS_MAX = 16
MEMORY_BYTES = 8 * 1024 * 1024

Progress = Callable[[int, int], None]


@transaction.atomic
def statement_batch_start(
    *,
    acting_user: User,
    starts_on: dt.date,
    ends_on: dt.date,
    form: str,
    at: dt.datetime,
    product_id: UUID | None = None,
    branch_id: UUID | None = None,
    workers: int = 4,
    key: str | None = None,
) -> tuple[StatementBatch, bool]:
    """Have statements of all accounts in the user's reach drawn up that were open in the period; of one product or
    branch where given. As many as `workers` draw them up at once. The batch, and whether the key had started it before.

    Raises `StatementBatchInvalid` for none or more than 100,000 accounts, `IdempotencyKeyReused`.
    """
    if ends_on < starts_on:
        raise StatementBatchInvalid("The period ends before it starts.", pointer="/to")
    accounts = accounts_visible_to(acting_user).filter(Q(closed_on=None) | Q(closed_on__gte=starts_on))
    accounts = accounts.filter(opened_on__lte=ends_on)
    if product_id is not None:
        accounts = accounts.filter(product=product_id)
    if branch_id is not None:
        accounts = accounts.filter(branch=branch_id)
    ids = list(accounts.order_by("number").values_list("pk", flat=True)[: ACCOUNTS_MAX + 1])
    if not 0 < len(ids) <= ACCOUNTS_MAX:
        raise StatementBatchInvalid("No such accounts." if not ids else f"At most {ACCOUNTS_MAX} accounts at once.")
    batch = StatementBatch(
        starts_on=starts_on,
        ends_on=ends_on,
        form=form,
        product_id=product_id,
        branch_id=branch_id,
        requested_by=acting_user,
        account_count=len(ids),
        created_at=at,
    )
    asked = {"from": str(starts_on), "to": str(ends_on), "form": form, "product": str(product_id or ""),
             "branch": str(branch_id or "")}  # fmt: skip
    job, known = job_start(acting_user=acting_user, kind=BATCH, at=at, payload=asked, key=key, job_id=batch.pk)
    if known:
        return StatementBatch.objects.get(pk=job.pk), True
    batch.save(force_insert=True)
    parts = [ids[start : start + PART_SIZE] for start in range(0, len(ids), PART_SIZE)]
    StatementPart.objects.bulk_create(
        StatementPart(batch=batch, number=number, account_ids=part) for number, part in enumerate(parts, start=1)
    )
    for number in range(min(workers, HELPERS_MAX, len(parts)) - 1):
        job_start(
            acting_user=acting_user, kind=HELP, at=at, payload={"batch_id": str(batch.pk)},
            job_id=_helper_id(batch.pk, number),
        )  # fmt: skip
    record(
        action="accounts.statement.batch_asked", acting_user=acting_user, target=batch,
        after={**asked, "accounts": len(ids)}, at=at,
    )  # fmt: skip
    return batch, False


def statement_batch_help(*, batch_id: UUID, at: dt.datetime, on_progress: Progress) -> int:
    """Draw up parts that nobody else is at, until there are none; how many statements."""
    done = 0
    total = StatementBatch.objects.get(pk=batch_id).account_count
    while True:
        made = _part_next(batch_id, at, wait=False)
        if made is None:
            return done
        done += made
        on_progress(done, total)


def statement_batch_draw(*, batch_id: UUID, at: dt.datetime, on_progress: Progress) -> StatementBatch:
    """Draw up what nobody else is at, wait for what others are at, and put the archive together. Twice is once."""
    batch = StatementBatch.objects.get(pk=batch_id)
    while batch.finished_at is None and batch.cancelled_at is None:
        try:
            made = _part_next(batch_id, at, wait=False)
            if made is None:
                made = _part_next(batch_id, at, wait=True)
        except OperationalError as error:
            if sqlstate_of(error) not in TRANSIENT_SQLSTATES:
                raise
            made = 0  # another is at it for longer than a lock is waited for
        on_progress(_made(batch_id), batch.account_count)
        if made is None:
            batch.refresh_from_db()
            if batch.cancelled_at is None:
                _archive(batch, at)
                batch.refresh_from_db()
    return batch


@transaction.atomic
def statement_batch_give_up(*, batch_id: UUID, at: dt.datetime) -> None:
    """Nobody goes on with a batch: its helping jobs are cancelled and the files of its parts removed.

    A part that is being drawn up sees it before it is finished, and leaves no file. An archive that is there stays.
    """
    batch = locks.statement_batch_lock(pk=batch_id)
    if batch is None or batch.finished_at is not None or batch.cancelled_at is not None:
        return
    batch.cancelled_at = at
    batch.version += 1
    batch.save()
    for number in range(HELPERS_MAX):
        with suppress(JobNotFound, JobFinished):
            job_cancel(acting_user=None, job_id=_helper_id(batch_id, number), at=at)
    transaction.on_commit(lambda: _parts_drop(batch_id), robust=True)


def _made(batch_id: UUID) -> int:
    return StatementPart.objects.filter(batch=batch_id).aggregate(made=Sum("made"))["made"] or 0


@transaction.atomic
def _part_next(batch_id: UUID, at: dt.datetime, *, wait: bool) -> int | None:
    """Draw up one part; None when none is left, or, without `wait`, none that nobody is at."""
    part = locks.statement_part_lock(batch_id=batch_id, wait=wait)
    if part is None:
        return None
    batch = part.batch
    accounts = with_holders(Account.objects.select_related("member__user", "product", "branch"))
    found = accounts.in_bulk(part.account_ids)
    with tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES) as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for account_id in part.account_ids:
                _draw(archive, part, found[account_id], at)
        file.seek(0)
        part.file = default_storage.save(f"{_folder(batch.pk)}/{part.number:05d}.zip", File(file))
    # Whoever gives the batch up waits for this lock, and then removes the files of parts that are finished.
    now = locks.statement_batch_lock(pk=batch_id)
    if now is None or now.cancelled_at is not None:
        default_storage.delete(part.file)
        return None
    part.finished_at = at
    part.save()
    return len(part.account_ids)


def _draw(archive: zipfile.ZipFile, part: StatementPart, account: Account, at: dt.datetime) -> None:
    """One statement; one that is refused, since it would be too long, is noted with the reason."""
    batch = part.batch
    limits = {"lines_max": PDF_LINES_MAX} if batch.form == "pdf" else {}
    try:
        with transaction.atomic():
            statement, issue = statement_issue(
                acting_user=batch.requested_by, account=account, starts_on=batch.starts_on, ends_on=batch.ends_on,
                form=batch.form, at=batch.created_at, **limits,
            )  # fmt: skip
    except DomainError as error:
        part.refused.append({"account": account.number, "code": error.code})
        return
    name = f"{account.number}-{batch.starts_on}-{batch.ends_on}.{batch.form}"
    archive.writestr(_entry(name, at), statement_file(statement, issue, batch.form))
    part.made += 1


def _archive(batch: StatementBatch, at: dt.datetime) -> None:
    """All parts in one file, with a list of what was refused; the parts' own files go."""
    parts = list(batch.parts.order_by("number"))
    refused = [f"{one['account']},{one['code']}" for part in parts for one in part.refused]
    with tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES) as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as whole:
            for part in parts:
                with default_storage.open(part.file) as stored, zipfile.ZipFile(stored) as archive:
                    for entry in archive.infolist():
                        whole.writestr(entry, archive.read(entry))
            if refused:
                whole.writestr(_entry("refused.csv", at), "\r\n".join(["account,code", *refused, ""]))
        digest, size = _digest(file)
        file.seek(0)
        name = default_storage.save(f"{_folder(batch.pk)}.zip", File(file))
    kept = StatementBatch.objects.filter(pk=batch.pk, finished_at=None, cancelled_at=None).update(
        file=name, sha256=digest, size=size, finished_at=at, updated_at=at, version=batch.version + 1
    )
    if kept:
        _parts_drop(batch.pk)
    else:
        default_storage.delete(name)


def _helper_id(batch_id: UUID, number: int) -> UUID:
    return uuid5(batch_id, str(number))


def _folder(batch_id: UUID) -> str:
    return f"statements/{batch_id}"


def _parts_drop(batch_id: UUID) -> None:
    """Remove the files of parts, those too that a worker left when it died."""
    folder = _folder(batch_id)
    with suppress(FileNotFoundError):
        for name in default_storage.listdir(folder)[1]:
            default_storage.delete(f"{folder}/{name}")
    with suppress(OSError):  # a file system has the empty folder, other storages have none
        default_storage.delete(folder)


def statement_batch_open(*, acting_user: User, batch: StatementBatch) -> IO[bytes]:
    """The archive, at its start; who opened it goes to the access log. Raises `StatementsNotReady`."""
    if batch.finished_at is None:
        raise StatementsNotReady("It was cancelled." if batch.cancelled_at else "They are still being drawn up.")
    file: IO[bytes] = default_storage.open(batch.file)
    if _digest(file)[0] != batch.sha256:
        file.close()
        raise StatementsNotReady("The file is not the one that was kept. Tell the operators.")
    file.seek(0)
    read_announce(
        acting_user=acting_user, object_type="accounts.statementbatch", object_id=str(batch.pk), object_label=str(batch)
    )
    return file


def _entry(name: str, at: dt.datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=at.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _digest(file: IO[bytes]) -> tuple[str, int]:
    file.seek(0)
    sha, size = hashlib.sha256(), 0
    while block := file.read(1 << 20):
        sha.update(block)
        size += len(block)
    return sha.hexdigest(), size
