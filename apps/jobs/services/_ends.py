"""How a job ends, by whichever way: its row, the run of a schedule, a dead letter, the announcement."""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F

from apps.core.notices import notify
from apps.jobs.models import DeadLetter, Job, ScheduleRun
from apps.jobs.notices import DEAD_LETTER, DONE, FAILED, JobEnded
from apps.jobs.registry import job_given_up, kind_title

logger = logging.getLogger(__name__)

TRACEBACK_MAX = 20_000
KEEPERS_MAX = 50


def job_update(job: Job, *, at: dt.datetime, **values: Any) -> bool:
    """Change a job's row and the object; False, and nothing changed, when another execution has taken the job over."""
    mine = Job.objects.filter(pk=job.pk, run_token=job.run_token)
    if not mine.update(version=F("version") + 1, updated_at=at, **values):
        return False
    for name, value in values.items():
        setattr(job, name, value)
    job.version += 1
    return True


@transaction.atomic
def job_end(
    *,
    job: Job,
    status: str,
    at: dt.datetime,
    error: dict[str, Any] | None = None,
    dead: tuple[str, str] | None = None,
    **values: Any,
) -> bool:
    """End a job; False when another execution has taken it over. `dead` is reason and traceback of a final failure."""
    if not job_update(
        job, at=at, status=status, error=error, finished_at=at, lease_until=None, run_token=None, **values
    ):
        return False
    ScheduleRun.objects.filter(job=job).update(outcome=status, finished_at=at)
    if status == Job.Status.CANCELLED:
        job_given_up(job.kind, job.pk, at)
    letter = None
    if dead is not None:
        reason, traceback = dead
        letter = DeadLetter.objects.create(
            job=job,
            kind=job.kind,
            queue=job.queue,
            payload=job.payload,
            reason=reason,
            error=error or {},
            traceback=traceback[-TRACEBACK_MAX:],
            attempts=job.attempts,
            created_at=at,
        )
    try:
        with transaction.atomic():
            _announce(job, letter)
    except Exception:  # what was done is not undone because nobody could be told
        logger.exception("the end of job %s could not be announced", job.pk)
    return True


def _announce(job: Job, letter: DeadLetter | None) -> None:
    """Tell the owner of the end, and of a failure those who may decide on it."""
    failed = job.status == Job.Status.FAILED
    context = JobEnded(kind_title(job.kind), str((job.error or {}).get("detail", "")) if failed else "")
    at = job.finished_at or job.updated_at
    if job.owner_id is not None and job.status != Job.Status.CANCELLED:
        notify(
            FAILED if failed else DONE,
            recipients=[job.owner_id],
            context=context,
            at=at,
            link=f"/admin/jobs/job/{job.pk}/change/",
            key=f"job {job.pk} {job.attempts} {at.isoformat()}",
        )
    if letter is not None:
        keepers = get_user_model().objects.filter(is_active=True, roles__permissions__contains=["jobs.manage"])
        notify(
            DEAD_LETTER,
            recipients=keepers.distinct().values_list("pk", flat=True)[:KEEPERS_MAX],
            context=context,
            at=at,
            link=f"/admin/jobs/deadletter/{letter.pk}/change/",
            key=f"letter {letter.pk}",
        )
