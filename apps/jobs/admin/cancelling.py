"""The cancel button of work in the background, on the page of a job or of what the job makes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect

from apps.core import clock
from apps.core.errors import DomainError
from apps.core.record_pages import user_may
from apps.jobs.models import Job
from apps.jobs.services import job_cancel


def may_cancel(request: HttpRequest, job: Job | None, *, owner_id: UUID | None) -> bool:
    """Is there something to cancel, and is it one's own (or any, with jobs.manage)?"""
    is_open = job is not None and job.is_open and job.cancel_asked_at is None
    return is_open and _is_theirs(request, owner_id)


def cancel(request: HttpRequest, *, job_id: UUID, owner_id: UUID | None, back: str) -> HttpResponse:
    """Cancel the job of a record that the user sees, say what became of it and go `back` to the record's page."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not _is_theirs(request, owner_id):
        raise PermissionDenied
    user: Any = request.user
    try:
        job = job_cancel(acting_user=user, job_id=job_id, at=clock.now())
    except DomainError as error:
        messages.error(request, str(error.detail or error.title))
    else:
        messages.success(request, "It stops soon." if job.is_open else "It is cancelled.")
    return HttpResponseRedirect(back)


def _is_theirs(request: HttpRequest, owner_id: UUID | None) -> bool:
    return owner_id == request.user.pk or user_may(request, "jobs.manage")
