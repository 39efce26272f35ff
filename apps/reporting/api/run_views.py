"""Reports that are drawn up in the background and kept, and their schedules, over HTTP."""

from __future__ import annotations

from typing import Any, ClassVar, cast
from uuid import UUID

from django.conf import settings
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.renderers import JSONRenderer
from apps.core.api.serializers import body_read
from apps.core.api.views import NAMES_A_RECORD, ApiView, respond
from apps.core.errors import InvalidRequest, NotFound
from apps.identity.models import User
from apps.ledger.selectors import business_date_current
from apps.reporting import renditions, services
from apps.reporting.api import serializers as forms
from apps.reporting.api.serializers import KIND_CODES
from apps.reporting.api.views import CSVRenderer, PDFRenderer, XLSXRenderer
from apps.reporting.models import ReportOpening
from apps.reporting.selectors import (
    definition_get_for,
    report_run_get_for,
    report_runs_visible_to,
    report_schedules_visible_to,
)


def _caller(request: Request) -> User:
    return cast("User", request.user)


def _asked(request: Request, body: dict[str, Any]) -> services.Asked:
    """What a body asks for. Raises `InvalidRequest` unless it names a report, or a definition."""
    report, definition = body.get("report") or "", None
    if body.get("definition_id"):
        definition = definition_get_for(user=_caller(request), pk=body["definition_id"])
    if bool(report) == (definition is not None):
        raise InvalidRequest("Name a report or a definition.", pointer="/report")
    as_of = body.get("as_of") or business_date_current()
    options = forms.options_of(body) if report in KIND_CODES else forms.table_options_of(body, report)
    return services.Asked(
        report=report or services.DEFINED,
        form=body["format"],
        since=body.get("from") or as_of.replace(month=1, day=1),
        as_of=as_of,
        currency=body.get("currency") or ("" if report not in KIND_CODES else settings.NUMINA["BASE_CURRENCY"]),
        compares=body["compare"] == "year",
        options=options,
        definition=definition,
    )


class ReportRunsView(ApiView):
    """Reports that are kept."""

    permissions: ClassVar = {"GET": "reporting.read", "POST": "reporting.read"}
    idempotent_methods = frozenset({"POST"})
    also_answers: ClassVar = NAMES_A_RECORD

    @extend_schema(
        summary="List reports",
        description="One's own, and those that came by a schedule for one's roles; newest first.",
        parameters=[forms.ReportRunListParams],
        responses=page_of(forms.ReportRunSerializer),
    )
    def get(self, request: Request) -> Response:
        values = forms.ReportRunListParams.parse(request)
        runs = report_runs_visible_to(_caller(request))
        if values["report"]:
            runs = runs.filter(report=values["report"])
        page = forms.ReportRunListParams.page(runs, request=request, values=values)
        return page.response(forms.ReportRunSerializer)

    @extend_schema(
        summary="Have a report drawn up",
        description="A job draws it up and keeps the file with its hash; 202, and Location names the job. Lists"
        " need a step-up.",
        request=forms.ReportRunRequestSerializer,
        responses={202: OpenApiResponse(forms.ReportRunSerializer, "Accepted; Location tells how far it is.")},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.ReportRunRequestSerializer, request)
        run, replayed = services.report_request(
            acting_user=_caller(request),
            asked=_asked(request, body),
            branch_code=body.get("branch") or "",
            key=self.idempotency_key,
            at=clock.now(),
        )
        data = forms.ReportRunSerializer(run).data
        return respond(data, status=202, location=f"/api/v1/jobs/{run.pk}", replayed=replayed)


class ReportRunView(ApiView):
    """One report that is kept."""

    permissions: ClassVar = {"GET": "reporting.read"}

    @extend_schema(summary="Read a report's facts", responses=forms.ReportRunSerializer)
    def get(self, request: Request, report_id: UUID) -> Response:
        NoParams.parse(request)
        return respond(forms.ReportRunSerializer(report_run_get_for(user=_caller(request), pk=report_id)).data)


class ReportRunFileView(ApiView):
    """The file of a report."""

    permissions: ClassVar = {"GET": "reporting.read"}
    also_answers: ClassVar = {"GET": frozenset({409})}
    renderer_classes: ClassVar[list[type[BaseRenderer]]] = [  # type: ignore[misc]
        JSONRenderer,
        CSVRenderer,
        XLSXRenderer,
        PDFRenderer,
    ]

    @extend_schema(
        summary="Open a report's file",
        description="As it was drawn up, proven by its hash. Who opened it goes to the access log. Lists need a"
        " step-up.",
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            (200, renditions.XLSX): OpenApiTypes.BINARY,
            (200, "application/pdf"): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request, report_id: UUID) -> FileResponse:
        NoParams.parse(request)
        run = report_run_get_for(user=_caller(request), pk=report_id)
        file = services.report_open(acting_user=_caller(request), run=run, at=clock.now(), way=ReportOpening.Way.API)
        return FileResponse(
            file,
            content_type=renditions.MEDIA_TYPES[run.form],
            headers={
                "Content-Disposition": f'attachment; filename="{run.report}-{run.as_of.isoformat()}.{run.form}"',
                "X-Content-SHA256": run.sha256,
            },
        )


class ReportSchedulesView(ApiView):
    """Reports that are drawn up by themselves."""

    permissions: ClassVar = {"GET": "reporting.read", "POST": "reporting.schedule"}
    step_up = frozenset({"POST"})
    also_answers: ClassVar = NAMES_A_RECORD

    @extend_schema(
        summary="List schedules of reports",
        parameters=[forms.ReportScheduleListParams],
        responses=page_of(forms.ReportScheduleSerializer),
    )
    def get(self, request: Request) -> Response:
        """Newest first; for those who see the whole bank."""
        values = forms.ReportScheduleListParams.parse(request)
        schedules = report_schedules_visible_to(_caller(request)).order_by("-created_at", "-id")
        if values["is_active"] is not None:
            schedules = schedules.filter(is_active=values["is_active"])
        page = forms.ReportScheduleListParams.page(schedules, request=request, values=values)
        return page.response(forms.ReportScheduleSerializer)

    @extend_schema(
        summary="Schedule a report",
        description="Drawn up the morning after the business date that ends its period; holders of the role are told."
        " Needs a step-up.",
        request=forms.ReportScheduleRequestSerializer,
        responses={201: forms.ReportScheduleSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.ReportScheduleRequestSerializer, request)
        schedule = services.schedule_create(
            acting_user=_caller(request),
            asked=_asked(request, body),
            rhythm=body["rhythm"],
            role_code=body["role"],
            at=clock.now(),
        )
        location = f"/api/v1/reports/schedules/{schedule.pk}"
        return respond(forms.ReportScheduleSerializer(schedule).data, status=201, location=location)


class ReportScheduleView(ApiView):
    """One schedule of a report."""

    permissions: ClassVar = {"GET": "reporting.read", "DELETE": "reporting.schedule"}

    @extend_schema(summary="Read a schedule of a report", responses=forms.ReportScheduleSerializer)
    def get(self, request: Request, schedule_id: UUID) -> Response:
        NoParams.parse(request)
        return respond(forms.ReportScheduleSerializer(self._found(request, schedule_id)).data)

    @extend_schema(summary="End a schedule of a report", request=None, responses={204: None})
    def delete(self, request: Request, schedule_id: UUID) -> Response:
        """It is drawn up no more; what was drawn up stays."""
        NoParams.parse(request)
        services.schedule_end(acting_user=_caller(request), schedule=self._found(request, schedule_id), at=clock.now())
        return Response(status=204)

    def _found(self, request: Request, schedule_id: UUID) -> Any:
        schedule = report_schedules_visible_to(_caller(request)).filter(pk=schedule_id).first()
        if schedule is None:
            raise NotFound("No such schedule.")
        return schedule


class ReportLinkView(ApiView):
    """A report by the link in a message."""

    public = True
    renderer_classes = ReportRunFileView.renderer_classes

    @extend_schema(
        summary="Open a report by its link",
        description="The link of a message opens a statement for one person for three days, as long as that person may "
        "see it. A list of persons is opened on the staff site, with a second factor.",
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            (200, renditions.XLSX): OpenApiTypes.BINARY,
            (200, "application/pdf"): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request, token: str) -> FileResponse:
        """That it was opened, and by whom, is kept."""
        NoParams.parse(request)
        run, file = services.link_open(token=token, at=clock.now())
        return FileResponse(
            file,
            content_type=renditions.MEDIA_TYPES[run.form],
            headers={
                "Content-Disposition": f'attachment; filename="{run.report}-{run.as_of.isoformat()}.{run.form}"',
                "X-Content-SHA256": run.sha256,
                "Referrer-Policy": "no-referrer",
            },
        )


class ReportOpeningsView(ApiView):
    """Who opened a report."""

    permissions: ClassVar = {"GET": "reporting.read"}

    @extend_schema(
        summary="List who opened a report",
        parameters=[forms.ReportOpeningListParams],
        responses=page_of(forms.ReportOpeningSerializer),
    )
    def get(self, request: Request, report_id: UUID) -> Response:
        """The newest first, with the way: API, staff site, or the link of a message."""
        values = forms.ReportOpeningListParams.parse(request)
        run = report_run_get_for(user=_caller(request), pk=report_id)
        openings = run.openings.select_related("user")
        page = forms.ReportOpeningListParams.page(openings, request=request, values=values)
        return page.response(forms.ReportOpeningSerializer)
