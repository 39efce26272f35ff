"""The answer to whoever starts long work: 202, with the address at which it is watched. For the views of all apps."""

from __future__ import annotations

from rest_framework.response import Response

from apps.core.api.views import respond
from apps.jobs.api.serializers import JobSerializer
from apps.jobs.models import Job

JOBS = "/api/v1/jobs"


def job_location(job: Job) -> str:
    """Where a job is watched."""
    return f"{JOBS}/{job.pk}"


def accepted(job: Job, *, replayed: bool = False) -> Response:
    """202 with the job as its body and its address in Location."""
    job.refresh_from_db()  # where tasks run at once, as in tests, it may be done by now
    return respond(
        JobSerializer(job).data, status=202, version=job.version, location=job_location(job), replayed=replayed
    )
