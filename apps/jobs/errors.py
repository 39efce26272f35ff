"""What jobs refuse."""

from __future__ import annotations

from apps.core.errors import Conflict, InvalidRequest, NotFound, Unprocessable


class JobKindUnknown(InvalidRequest):
    """400: no app knows this kind of job, or it is not for callers to start."""

    code = "job-kind-unknown"
    title = "The kind of job is not known"


class JobNotFound(NotFound):
    """404: no such job, or it is not yours."""

    code = "job-not-found"
    title = "No such job"


class JobFinished(Conflict):
    """409: the job has ended, so there is nothing to cancel."""

    code = "job-finished"
    title = "The job has ended"


class DeadLetterDecided(Conflict):
    """409: the failed job was tried again or discarded before."""

    code = "dead-letter-decided"
    title = "Decided before"


class CloseNotPossible(Unprocessable):
    """422: this date cannot be closed now: it is not over, lies ahead, or an earlier one is not closed."""

    code = "close-not-possible"
    title = "This date cannot be closed now"


class CloseUnderWay(Conflict):
    """409: a close of business is being done at this moment; there is never a second one beside it."""

    code = "close-under-way"
    title = "A close of business is under way"


class CloseStepFailed(Unprocessable):
    """422: partitions of a step failed, and later steps were not begun. Started again, the close goes on there."""

    code = "close-step-failed"
    title = "A step of the close failed"
