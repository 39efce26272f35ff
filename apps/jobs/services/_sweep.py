"""Finds work that no message announces any more: workers that died, messages that were lost, pauses that are over."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable

from django.db import transaction
from django.db.models import Q

from apps.core.errors import DomainError, Unavailable
from apps.jobs.models import QUEUES, DeadLetter, Job
from apps.jobs.registry import kind_of
from apps.jobs.services._ends import job_end, job_update
from apps.jobs.services._jobs import job_send
from apps.jobs.services._running import problem_of

logger = logging.getLogger(__name__)

BATCH = 1_000
DRAINED_AFTER = dt.timedelta(seconds=30)  # a message that an empty queue does not hold any more is lost
RESEND_AFTER = dt.timedelta(minutes=15)  # in a queue that never empties
Depth = Callable[[str], int | None]


def job_sweep(*, at: dt.datetime, depth: Depth) -> int:
    """Give up lost executions and announce waiting jobs anew; returns how many jobs it touched.

    `depth` tells how many messages wait in a queue, None when the broker does not say. Safe at any time, also twice at
    once: a job that is announced twice is done once.
    """
    return _lost_recover(at) + _waiting_send(at, depth)


def _lost_recover(at: dt.datetime) -> int:
    lost = Job.objects.filter(status=Job.Status.RUNNING, lease_until__lt=at).order_by("lease_until")[:BATCH]
    for job in list(lost):
        logger.warning("job %s %s: worker %s was lost", job.kind, job.pk, job.worker)
        if job.cancel_asked_at is not None:
            job_end(job=job, status=Job.Status.CANCELLED, at=at)
        elif job.attempts >= job.attempts_max:
            problem = problem_of(job, Unavailable("Its worker was lost each time it was tried."))
            job_end(job=job, status=Job.Status.FAILED, at=at, error=problem, dead=(DeadLetter.Reason.LOST, ""))
        else:
            job_update(
                job, at=at, status=Job.Status.QUEUED, available_at=at, sent_at=None, run_token=None, lease_until=None
            )
    return len(lost)


def _waiting_send(at: dt.datetime, depth: Depth) -> int:
    due = Job.objects.filter(status=Job.Status.QUEUED, available_at__lte=at)
    waiting = set(due.filter(sent_at__lt=at - DRAINED_AFTER).values_list("queue", flat=True).distinct())
    drained = [queue for queue in QUEUES if queue in waiting and depth(queue) == 0]
    unheard = Q(sent_at__isnull=True) | Q(sent_at__lt=at - RESEND_AFTER)
    if drained:
        unheard |= Q(sent_at__lt=at - DRAINED_AFTER, queue__in=drained)
    sent = 0
    for job in due.filter(unheard).order_by("available_at")[:BATCH]:
        try:
            kind = kind_of(job.kind)
        except DomainError as error:
            job_end(
                job=job, status=Job.Status.FAILED, at=at, error=problem_of(job, error),
                dead=(DeadLetter.Reason.REFUSED, ""),
            )  # fmt: skip
            continue
        with transaction.atomic():
            if Job.objects.filter(pk=job.pk, status=Job.Status.QUEUED).update(sent_at=at):
                job_send(job=job, kind=kind)
                sent += 1
    return sent
