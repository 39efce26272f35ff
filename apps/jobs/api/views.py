"""Jobs over HTTP: start, watch, cancel; decide on those that failed; schedules and the close of business."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, ClassVar, cast
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.etag import etag_of, has_already
from apps.core.api.pagination import page_of
from apps.core.api.permissions import ANY_USER
from apps.core.api.query import NoParams
from apps.core.api.serializers import body_read
from apps.core.api.views import ApiView, respond
from apps.core.errors import PermissionDenied
from apps.jobs import selectors, services
from apps.jobs.api import serializers as forms
from apps.jobs.api.responses import accepted
from apps.jobs.errors import JobKindUnknown
from apps.jobs.kinds import CLOSE
from apps.jobs.models import Job
from apps.jobs.registry import kind_of

if TYPE_CHECKING:
    from apps.identity.models import User


def caller(request: Request) -> User:
    """Who asks: these views are not public."""
    return cast("User", request.user)


class JobsView(ApiView):
    """One's own jobs, and with jobs.view those of the branch or the bank."""

    permissions: ClassVar = {"GET": ANY_USER, "POST": ANY_USER}
    idempotent_methods = frozenset({"POST"})

    @extend_schema(parameters=[forms.JobListParams], responses=page_of(forms.JobSerializer), summary="List jobs")
    def get(self, request: Request) -> Response:
        """Newest first."""
        values = forms.JobListParams.parse(request)
        jobs = selectors.jobs_visible_to(caller(request))
        for name in ("status", "kind", "queue"):
            if values[name] is not None:
                jobs = jobs.filter(**{name: values[name]})
        if values["stuck"] is not None:
            condition = selectors.jobs_stuck(at=clock.now())
            jobs = jobs.filter(condition if values["stuck"] else ~condition)
        return forms.JobListParams.page(jobs, request=request, values=values).response(forms.JobSerializer)

    @extend_schema(
        request=forms.JobStartSerializer,
        responses={202: OpenApiResponse(forms.JobSerializer, "Accepted; Location tells how far it is.")},
        summary="Start a job",
    )
    def post(self, request: Request) -> Response:
        """Each kind has a permission of its own. The same key gives the same job."""
        NoParams.parse(request)
        body = body_read(forms.JobStartSerializer, request)
        kind = kind_of(body["kind"])
        if not kind.permission:
            raise JobKindUnknown("This kind of job is started by the bank itself.", pointer="/kind")
        if not caller(request).has_permission(kind.permission):
            raise PermissionDenied(f"This needs the permission {kind.permission}.", permission=kind.permission)
        job, replayed = services.job_start(
            acting_user=caller(request),
            kind=kind.name,
            payload=body["payload"],
            key=f"api {self.idempotency_key}",
            at=clock.now(),
        )
        return accepted(job, replayed=replayed)


class JobView(ApiView):
    """One job."""

    permissions: ClassVar = {"GET": ANY_USER, "DELETE": ANY_USER}

    @extend_schema(
        responses={200: forms.JobSerializer, 304: OpenApiResponse(description="As in If-None-Match.")},
        summary="Read a job",
    )
    def get(self, request: Request, job_id: UUID) -> Response:
        """How far it is. With If-None-Match the answer is 304 until something changed."""
        NoParams.parse(request)
        job = selectors.job_get_for(user=caller(request), pk=job_id)
        if has_already(request.headers, etag_of(job.version)):
            return Response(status=304, headers={"ETag": etag_of(job.version)})
        return respond(forms.JobSerializer(job).data, version=job.version)

    @extend_schema(
        request=None, responses={202: OpenApiResponse(forms.JobSerializer, "It stops soon.")}, summary="Cancel a job"
    )
    def delete(self, request: Request, job_id: UUID) -> Response:
        """A waiting job ends at once, a running one where it next says how far it is. What it did stays.

        One's own jobs; others' with jobs.manage.
        """
        NoParams.parse(request)
        user = caller(request)
        job = selectors.job_get_for(user=user, pk=job_id)
        if job.owner_id != user.pk and not user.has_permission("jobs.manage"):
            raise PermissionDenied("The job is somebody else's.", permission="jobs.manage")
        return accepted(services.job_cancel(acting_user=user, job_id=job.pk, at=clock.now()))


class QueuesView(ApiView):
    """The queues."""

    permissions: ClassVar = {"GET": "jobs.view"}

    @extend_schema(responses=forms.QueuesSerializer, summary="Read the queues")
    def get(self, request: Request) -> Response:
        """How full they are, what runs, what is stuck, what failed; of the whole bank."""
        NoParams.parse(request)
        return respond(forms.QueuesSerializer({"data": selectors.queue_states(at=clock.now())}).data)


class DeadLettersView(ApiView):
    """Jobs that failed for good."""

    permissions: ClassVar = {"GET": "jobs.view"}

    @extend_schema(
        parameters=[forms.DeadLetterListParams],
        responses=page_of(forms.DeadLetterSerializer),
        summary="List dead letters",
    )
    def get(self, request: Request) -> Response:
        """Newest first."""
        values = forms.DeadLetterListParams.parse(request)
        letters = selectors.dead_letters_visible_to(caller(request))
        for name in ("decision", "kind", "queue"):
            if values[name] is not None:
                letters = letters.filter(**{name: values[name]})
        page = forms.DeadLetterListParams.page(letters, request=request, values=values)
        return page.response(forms.DeadLetterSerializer)


class DeadLetterRetryView(ApiView):
    """Trying a failed job again."""

    permissions: ClassVar = {"POST": "jobs.manage"}

    @extend_schema(
        request=forms.LetterDecisionSerializer,
        responses={202: OpenApiResponse(forms.JobSerializer, "The job waits again.")},
        summary="Try a failed job again",
    )
    def post(self, request: Request, letter_id: UUID) -> Response:
        """With all its tries."""
        NoParams.parse(request)
        letter = selectors.dead_letter_get_for(user=caller(request), pk=letter_id)
        note = body_read(forms.LetterDecisionSerializer, request)["note"]
        services.dead_letter_retry(acting_user=caller(request), letter_id=letter.pk, note=note, at=clock.now())
        return accepted(Job.objects.get(pk=letter.job_id))


class DeadLetterDiscardView(ApiView):
    """Letting a failed job go."""

    permissions: ClassVar = {"POST": "jobs.manage"}

    @extend_schema(
        request=forms.LetterDecisionSerializer,
        responses={200: forms.DeadLetterSerializer},
        summary="Discard a failed job",
    )
    def post(self, request: Request, letter_id: UUID) -> Response:
        """It stays on record as failed."""
        NoParams.parse(request)
        letter = selectors.dead_letter_get_for(user=caller(request), pk=letter_id)
        note = body_read(forms.LetterDecisionSerializer, request)["note"]
        letter = services.dead_letter_discard(
            acting_user=caller(request), letter_id=letter.pk, note=note, at=clock.now()
        )
        return respond(forms.DeadLetterSerializer(letter).data)


class SchedulesView(ApiView):
    """What runs by itself."""

    permissions: ClassVar = {"GET": "jobs.view"}

    @extend_schema(responses=forms.SchedulesSerializer, summary="List schedules")
    def get(self, request: Request) -> Response:
        """Each with its last run, what came of it, and when the next is due."""
        NoParams.parse(request)
        return respond(forms.SchedulesSerializer({"data": selectors.schedule_states(at=clock.now())}).data)


class ClosesView(ApiView):
    """Closes of business."""

    permissions: ClassVar = {"GET": "jobs.view", "POST": "jobs.close"}
    idempotent_methods = frozenset({"POST"})

    @extend_schema(
        parameters=[forms.CloseListParams], responses=page_of(forms.CloseRunSerializer), summary="List closes"
    )
    def get(self, request: Request) -> Response:
        """Newest first; for staff who see the whole bank."""
        values = forms.CloseListParams.parse(request)
        runs = selectors.close_runs_visible_to(caller(request))
        return forms.CloseListParams.page(runs, request=request, values=values).response(forms.CloseRunSerializer)

    @extend_schema(
        request=forms.CloseStartSerializer,
        responses={202: OpenApiResponse(forms.JobSerializer, "Accepted; Location tells how far it is.")},
        summary="Close a business date",
    )
    def post(self, request: Request) -> Response:
        """A job does it; begun again after a failure, it goes on where it stopped. `dry_run` only tells."""
        NoParams.parse(request)
        body = body_read(forms.CloseStartSerializer, request)
        day: dt.date = body.get("business_date") or services.close_date_default()
        job, replayed = services.job_start(
            acting_user=caller(request),
            kind=CLOSE,
            payload={"business_date": day.isoformat(), "dry_run": body["dry_run"]},
            key=f"api {self.idempotency_key}",
            at=clock.now(),
        )
        return accepted(job, replayed=replayed)


class CloseView(ApiView):
    """The close of one date."""

    permissions: ClassVar = {"GET": "jobs.view"}

    @extend_schema(responses=forms.CloseReportSerializer, summary="Read a close")
    def get(self, request: Request, close_id: UUID) -> Response:
        """Its steps and partitions in their order, each with its outcome."""
        NoParams.parse(request)
        run = selectors.close_run_get_for(user=caller(request), pk=close_id)
        return respond(forms.CloseReportSerializer(run).data, version=run.version)
