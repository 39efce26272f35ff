"""One execution of a job, in a worker.

An execution takes the job with a token and a lease. A thread prolongs the lease while the work goes on; when the worker
dies, the lease runs out and the sweep gives the job to another. What the first may still try to write then is refused,
since the row names another token.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from random import SystemRandom
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.models import F
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from apps.core.api.problems import domain_error_of, problem_body
from apps.core.errors import DomainError, TooManyRequests, Unavailable
from apps.jobs.models import DeadLetter, Job
from apps.jobs.registry import JobKind, JobResult, kind_of
from apps.jobs.services._ends import job_end, job_update

if TYPE_CHECKING:
    from apps.identity.models import User

logger = logging.getLogger(__name__)

Clock = Callable[[], dt.datetime]
TRANSIENT: tuple[type[Exception], ...] = (
    OperationalError, InterfaceError, RedisConnectionError, RedisTimeoutError, ConnectionError, TimeoutError,
    Unavailable, TooManyRequests,
)  # fmt: skip
PAUSE_SECONDS, PAUSE_FACTOR = 10, 4  # 10 s, 40 s, 160 s, each by chance from half to one and a half
PROGRESS_SECONDS = 0.5  # no more writes than people can follow
MESSAGE_MAX = 200
_chance = SystemRandom()


class JobCancelled(Exception):
    """Ends the work of a cancelled job where it tells how far it is."""


class JobTakenOver(Exception):
    """Ends the work of an execution whose lease ran out and whose job another one has taken."""


def lease_time() -> dt.timedelta:
    """How long a worker may be silent before its job is given to another."""
    return dt.timedelta(seconds=settings.NUMINA["JOB_LEASE_SECONDS"])


class Run:
    """What the function of a kind is given; see registry.JobRun."""

    def __init__(self, job: Job, now: Clock) -> None:
        self._job, self._now, self._written = job, now, -PROGRESS_SECONDS
        self.id: UUID = job.pk
        self.payload: Mapping[str, Any] = job.payload
        self.at = now()
        self.attempt = job.attempts

    @property
    def owner(self) -> User | None:
        """Who asked for it, with the roles of this moment; None for the system."""
        return get_user_model().objects.filter(pk=self._job.owner_id).first() if self._job.owner_id else None

    def progress(self, *, done: int, total: int = 0, message: str = "") -> None:
        """Say how far it is. Raises JobCancelled and JobTakenOver, which the work lets pass."""
        moment = time.monotonic()
        if moment - self._written < PROGRESS_SECONDS and (not total or done < total):
            return
        self._written = moment
        # One statement writes and asks: a request to cancel raises the version that this object does not know of.
        values = {"progress_done": done, "progress_total": total, "progress_message": message[:MESSAGE_MAX]}
        if not job_update(self._job, at=self._now(), **values):
            raise JobTakenOver
        if Job.objects.filter(pk=self.id, cancel_asked_at__isnull=False).exists():
            raise JobCancelled


def job_execute(*, job_id: UUID, now: Clock, worker: str = "") -> None:
    """Do a job that waits. Safe twice: one that is being done, has ended or is not due is left alone.

    What the work raises is recorded and not raised; an end of the process itself gives the job up at once.
    """
    job = _take(job_id, now=now, worker=worker)
    if job is None:
        return
    try:
        with _lease_kept(job, now):
            kind = kind_of(job.kind)
            result = kind.run(Run(job, now)) or JobResult()
        _done(job, result, at=now())
    except JobTakenOver:
        logger.warning("job %s was taken over by another worker", job_id)
    except JobCancelled:
        job_end(job=job, status=Job.Status.CANCELLED, at=now())
    except Exception as error:  # noqa: BLE001 - whatever the work raises is recorded, with its traceback
        connection_renew()
        _failed(job, error, at=now())
    except BaseException:  # the worker is told to end: whoever sweeps next need not wait for the lease
        job_update(job, at=now(), lease_until=now())
        raise


def _take(job_id: UUID, *, now: Clock, worker: str) -> Job | None:
    at, token = now(), uuid4()
    waiting = Job.objects.filter(pk=job_id, status=Job.Status.QUEUED, available_at__lte=at)
    if not waiting.update(
        status=Job.Status.RUNNING,
        attempts=F("attempts") + 1,
        run_token=token,
        lease_until=at + lease_time(),
        started_at=at,
        worker=worker[:100],
        version=F("version") + 1,
        updated_at=at,
    ):
        return None
    return Job.objects.get(pk=job_id)


@contextmanager
def _lease_kept(job: Job, now: Clock) -> Iterator[None]:
    """Prolong the lease from a thread with a connection of its own, whatever the work is waiting for."""
    stop = threading.Event()
    every = lease_time()

    def prolong() -> None:
        try:
            while not stop.wait(every.total_seconds() / 3):
                try:
                    mine = Job.objects.filter(pk=job.pk, run_token=job.run_token, status=Job.Status.RUNNING)
                    if not mine.update(lease_until=now() + every):
                        return
                except DatabaseError:
                    logger.warning("the lease of job %s could not be prolonged", job.pk, exc_info=True)
                    connection.close()
        finally:
            connection.close()

    thread = threading.Thread(target=prolong, name=f"lease-{job.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(every.total_seconds())


def _done(job: Job, result: JobResult, *, at: dt.datetime) -> None:
    facts, url = dict(result.facts), result.url[:400]
    if not job_end(job=job, status=Job.Status.DONE, at=at, result=facts, result_url=url):
        logger.warning("job %s was taken over by another worker", job.pk)


def _failed(job: Job, error: Exception, *, at: dt.datetime) -> None:
    """Try again later, or end it as failed with a dead letter."""
    kind = _kind_or_none(job.kind)
    problem = problem_of(job, error)
    transient = isinstance(error, TRANSIENT + (kind.transient if kind else ()))
    if transient and Job.objects.filter(pk=job.pk, cancel_asked_at__isnull=False).exists():
        job_end(job=job, status=Job.Status.CANCELLED, at=at)  # no other try
        return
    if transient and job.attempts < job.attempts_max:
        logger.warning("job %s %s: try %d failed: %s", job.kind, job.pk, job.attempts, error)
        pause = PAUSE_SECONDS * PAUSE_FACTOR ** (job.attempts - 1) * _chance.uniform(0.5, 1.5)
        later = at + dt.timedelta(seconds=pause)
        job_update(
            job, at=at, status=Job.Status.QUEUED, available_at=later, sent_at=None, error=problem, run_token=None,
            lease_until=None,
        )  # fmt: skip
        return
    if isinstance(error, SoftTimeLimitExceeded):
        reason = DeadLetter.Reason.TIME_LIMIT
    elif transient:
        reason = DeadLetter.Reason.EXHAUSTED
    else:
        reason = DeadLetter.Reason.REFUSED if isinstance(error, DomainError) else DeadLetter.Reason.ERROR
    logger.error("job %s %s failed", job.kind, job.pk, exc_info=error)
    text = "".join(traceback.format_exception(error))
    job_end(job=job, status=Job.Status.FAILED, at=at, error=problem, dead=(reason, text))


def connection_renew() -> None:
    """Let go of a connection that the work has broken, so that what came of it can be written down."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def problem_of(job: Job, error: Exception) -> dict[str, Any]:
    """The problem document of a failure: what the API would answer, and no more."""
    return problem_body(domain_error_of(error), instance=f"/api/v1/jobs/{job.pk}")


def _kind_or_none(name: str) -> JobKind | None:
    try:
        return kind_of(name)
    except DomainError:
        return None
