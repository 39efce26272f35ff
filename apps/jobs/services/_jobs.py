"""Starting and cancelling jobs, and deciding on those that failed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from celery import current_app
from django.db import IntegrityError, transaction

from apps.audit.services import record
from apps.core.errors import IdempotencyKeyReused
from apps.core.idempotency import key_within
from apps.core.ids import uuid7
from apps.core.tasks import after_commit
from apps.jobs import locks
from apps.jobs.errors import DeadLetterDecided, JobFinished, JobNotFound
from apps.jobs.models import DeadLetter, Job, ScheduleRun
from apps.jobs.registry import JobKind, job_given_up, kind_of
from apps.jobs.services._ends import job_end, job_update

if TYPE_CHECKING:
    from apps.identity.models import User

TASK = "jobs.run"
HARD_LIMIT_SECONDS = 60  # after the soft limit, for code that does not listen


def job_start(
    *,
    acting_user: User | None,
    kind: str,
    at: dt.datetime,
    payload: Mapping[str, Any] | None = None,
    key: str | None = None,
    branch_id: UUID | None = None,
    job_id: UUID | None = None,
) -> tuple[Job, bool]:
    """Have work done in the background, as part of the running transaction; the job, and whether it was there before.

    `payload` is ready for JSON: ids and plain values. The same owner and `key` give the same job; `branch_id` says to
    whose staff it is shown, by default the owner's branch; `job_id` gives it the id of the record that it works on.
    Raises `JobKindUnknown`, what the kind's `check` raises, and `IdempotencyKeyReused` for another kind or payload
    under the key.
    """
    known = kind_of(kind)
    checked = known.check(payload or {})
    if key is not None:
        key = key_within(key)
    owner_id = acting_user.pk if acting_user is not None else None
    job = Job(
        id=job_id or uuid7(),
        kind=kind,
        queue=known.queue,
        payload=checked,
        owner_id=owner_id,
        branch_id=branch_id or (acting_user.branch_id if acting_user is not None else None),
        key=key,
        attempts_max=known.attempts,
        created_at=at,
        available_at=at,
        sent_at=at,
    )
    try:
        with transaction.atomic():
            job.save(force_insert=True)
            if acting_user is not None:
                record(action="jobs.job.started", acting_user=acting_user, target=job, after={"kind": kind}, at=at)
            job_send(job=job, kind=known)
    except IntegrityError:
        twin = Job.objects.filter(owner_id=owner_id, key=key).first() if key else None
        twin = twin or Job.objects.filter(pk=job.pk).first()
        if twin is None:
            raise
        if (twin.kind, twin.payload) != (kind, checked):
            raise IdempotencyKeyReused from None
        return twin, True
    return job, False


def job_send(*, job: Job, kind: JobKind) -> None:
    """Tell a worker of the job once the running transaction has committed."""
    seconds = soft_seconds(kind)
    task = current_app.signature(
        TASK, queue=job.queue, soft_time_limit=seconds, time_limit=seconds + HARD_LIMIT_SECONDS
    )
    after_commit(task, job_id=job.pk)


def soft_seconds(kind: JobKind) -> int:
    """After how long a worker interrupts a job of this kind."""
    return kind.minutes * 60


@transaction.atomic
def job_cancel(*, acting_user: User | None, job_id: UUID, at: dt.datetime) -> Job:
    """Cancel a job: at once while it waits; a running one stops where it next tells how far it is.

    What it did until then stays. Cancelling again does nothing. Raises `JobNotFound`, and `JobFinished` for one that
    is done or failed.
    """
    job = locks.job_lock(pk=job_id)
    if job is None:
        raise JobNotFound
    if job.status == Job.Status.CANCELLED or (job.is_open and job.cancel_asked_at is not None):
        return job
    if not job.is_open:
        raise JobFinished(f"The job is {job.get_status_display().lower()}.")
    record(action="jobs.job.cancelled", acting_user=acting_user, target=job, before={"status": job.status}, at=at)
    if job.status == Job.Status.QUEUED:
        job_end(job=job, status=Job.Status.CANCELLED, at=at)
    else:
        job_update(job, at=at, cancel_asked_at=at)
    return job


@transaction.atomic
def dead_letter_retry(*, acting_user: User, letter_id: UUID, note: str, at: dt.datetime) -> DeadLetter:
    """Run a failed job again, with all its tries. Raises `JobNotFound` and `DeadLetterDecided`."""
    letter, job = _letter_open(letter_id)
    job_update(
        job,
        at=at,
        status=Job.Status.QUEUED,
        attempts=0,
        available_at=at,
        sent_at=at,
        finished_at=None,
        cancel_asked_at=None,
        progress_done=0,
        progress_total=0,
        progress_message="",
    )
    ScheduleRun.objects.filter(job=job).update(outcome=ScheduleRun.Outcome.STARTED, finished_at=None)
    job_send(job=job, kind=kind_of(job.kind))
    return _decide(letter, DeadLetter.Decision.RETRIED, acting_user=acting_user, note=note, at=at)


@transaction.atomic
def dead_letter_discard(*, acting_user: User, letter_id: UUID, note: str, at: dt.datetime) -> DeadLetter:
    """Let a failed job go; it stays on record as failed. Raises `JobNotFound` and `DeadLetterDecided`."""
    letter, job = _letter_open(letter_id)
    # A schedule that goes date by date waits for the failed one until somebody says that it will not be done.
    ScheduleRun.objects.filter(job=job).update(outcome=ScheduleRun.Outcome.CANCELLED)
    job_given_up(job.kind, job.pk, at)
    return _decide(letter, DeadLetter.Decision.DISCARDED, acting_user=acting_user, note=note, at=at)


def _letter_open(letter_id: UUID) -> tuple[DeadLetter, Job]:
    known = DeadLetter.objects.filter(pk=letter_id).values_list("job_id", flat=True).first()
    job = locks.job_lock(pk=known) if known else None
    letter = locks.letter_lock(pk=letter_id)
    if job is None or letter is None:
        raise JobNotFound("No such dead letter.")
    if letter.decision != DeadLetter.Decision.OPEN:
        raise DeadLetterDecided(f"It was {letter.get_decision_display().lower()} before.")
    return letter, job


def _decide(letter: DeadLetter, decision: str, *, acting_user: User, note: str, at: dt.datetime) -> DeadLetter:
    letter.decision, letter.decided_at, letter.decided_by, letter.note = decision, at, acting_user, note[:400]
    letter.version += 1
    letter.save()
    record(
        action=f"jobs.dead_letter.{decision}",
        acting_user=acting_user,
        target=letter,
        before={"decision": "open"},
        after={"decision": decision, "kind": letter.kind, "job": str(letter.job_id)},
        reason=note,
        at=at,
    )
    return letter
