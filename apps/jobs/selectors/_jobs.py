"""Reads of jobs, each limited to what the user may see."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.jobs.errors import JobNotFound
from apps.jobs.models import CloseRun, DeadLetter, Job

if TYPE_CHECKING:
    from apps.identity.models import User


def jobs_visible_to(user: User) -> QuerySet[Job]:
    """One's own jobs; with jobs.view also those of the branch, or of the whole bank, by the user's scope."""
    jobs = Job.objects.select_related("owner", "branch")
    mine = Q(owner_id=user.pk)
    if user.has_permission("jobs.view"):
        if user.scope == "all":
            return jobs
        mine |= Q(branch_id__in=user.branch_ids)
    return jobs.filter(mine)


def job_get_for(*, user: User, pk: UUID) -> Job:
    """The job, if the user may see it. Raises `JobNotFound`: not there and not yours look the same."""
    job = jobs_visible_to(user).filter(pk=pk).first()
    if job is None:
        raise JobNotFound
    return job


def dead_letters_visible_to(user: User) -> QuerySet[DeadLetter]:
    """Failed jobs of the branch or the whole bank, for whoever holds jobs.view."""
    letters = DeadLetter.objects.select_related("job", "decided_by")
    if not user.has_permission("jobs.view"):
        return letters.none()
    if user.scope == "all":
        return letters
    return letters.filter(job__branch_id__in=user.branch_ids)


def dead_letter_get_for(*, user: User, pk: UUID) -> DeadLetter:
    """The dead letter, if the user may see it. Raises `JobNotFound`."""
    letter = dead_letters_visible_to(user).filter(pk=pk).first()
    if letter is None:
        raise JobNotFound("No such dead letter.")
    return letter


def close_runs_visible_to(user: User) -> QuerySet[CloseRun]:
    """Closes of business, for staff who see the whole bank: they are nobody's branch's."""
    runs = CloseRun.objects.select_related("started_by")
    return runs if user.has_permission("jobs.view") and user.scope == "all" else runs.none()


def close_run_get_for(*, user: User, pk: UUID) -> CloseRun:
    """The close, if the user may see it. Raises `JobNotFound`."""
    run = close_runs_visible_to(user).filter(pk=pk).first()
    if run is None:
        raise JobNotFound("No such close of business.")
    return run
