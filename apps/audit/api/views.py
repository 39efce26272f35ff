"""The audit trail over HTTP: read, exported, verified."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, ClassVar, cast
from uuid import UUID

from django.http import FileResponse, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.audit import exporting, verifying
from apps.audit.api import serializers as forms
from apps.audit.models import Export, Verification
from apps.audit.selectors import events_filtered
from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.renderers import JSONRenderer
from apps.core.api.serializers import NoBodySerializer, body_read
from apps.core.api.views import ApiView, respond
from apps.core.errors import NotFound
from apps.identity.guards import step_up_check

if TYPE_CHECKING:
    from apps.identity.models import User


class CSVRenderer(JSONRenderer):
    """Lets `Accept: text/csv` through the negotiation; the view answers with the file itself."""

    media_type = "text/csv"
    format = "csv"


class PDFRenderer(JSONRenderer):
    """Lets `Accept: application/pdf` through the negotiation; the view answers with the file itself."""

    media_type = "application/pdf"
    format = "pdf"


class AuditLogsView(ApiView):
    """Who did what, when, from where and why."""

    permissions: ClassVar = {"GET": "audit.view"}

    @extend_schema(
        summary="List audit events",
        parameters=[forms.AuditEventListParams],
        responses=page_of(forms.AuditEventSerializer),
    )
    def get(self, request: Request) -> Response:
        values = forms.AuditEventListParams.parse(request)
        events = events_filtered(request.user, values)
        page = forms.AuditEventListParams.page(events, request=request, values=values)
        return page.response(forms.AuditEventSerializer)


class AuditExportsView(ApiView):
    """Chosen events as a file, and whose file it is."""

    permissions: ClassVar = {"GET": "audit.view", "POST": "audit.export"}
    also_answers: ClassVar = {"GET": frozenset({404})}  # for a hash that no file of ours has
    renderer_classes: ClassVar[list[type[BaseRenderer]]] = [JSONRenderer, CSVRenderer]  # type: ignore[misc]

    @extend_schema(
        summary="Look up an exported file by its hash",
        description="Who made the file, when, why, and with which filters. 404 when no file of ours has this hash.",
        parameters=[forms.ExportFindParams],
        responses=forms.AuditEventSerializer,
    )
    def get(self, request: Request) -> Response:
        values = forms.ExportFindParams.parse(request)
        event = exporting.export_find(sha256=values["sha256"])
        if event is None:
            raise NotFound("No exported file has this hash.")
        return respond(forms.AuditEventSerializer(event).data)

    @extend_schema(
        summary="Export audit events",
        description=(
            "Events within your reach that match the filters, oldest first, as CSV (1,000,000 at most) or PDF (1,000). "
            "A CSV of up to 2,000 is the answer; any other file is made by a job: 202, Location tells how far it is. "
            "The export is recorded with its reason and the file's SHA-256, which is also in X-Content-SHA256. "
            "Needs a step-up."
        ),
        request=forms.AuditExportSerializer,
        responses={
            (200, "text/csv"): OpenApiTypes.BINARY,
            202: OpenApiResponse(forms.ExportSerializer, "A job makes it; Location tells how far it is."),
        },
        examples=[
            OpenApiExample(
                "a day",
                value={
                    "format": "csv",
                    "from": "2026-11-20T00:00:00Z",
                    "to": "2026-11-21T00:00:00Z",
                    "reason": "Yearly audit",
                },
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> HttpResponse:
        NoParams.parse(request)
        body: dict[str, Any] = body_read(forms.AuditExportSerializer, request)
        form, reason, at = body.pop("format"), body.pop("reason"), clock.now()
        step_up_check(cast("User", request.user), at=at)
        made = exporting.trail_export(acting_user=request.user, form=form, filters=body, reason=reason, at=at)
        if isinstance(made, Export):
            return respond(forms.ExportSerializer(made).data, status=202, location=f"/api/v1/jobs/{made.pk}")
        return file_response(made)


class AuditExportView(ApiView):
    """One file that a job makes."""

    permissions: ClassVar = {"GET": "audit.export"}

    @extend_schema(
        operation_id="audit_export_retrieve", summary="Read an export's facts", responses=forms.ExportSerializer
    )
    def get(self, request: Request, export_id: UUID) -> Response:
        """One's own: what was asked for, and once it is made the hash."""
        NoParams.parse(request)
        export = exporting.export_get_for(user=request.user, pk=export_id)
        return respond(forms.ExportSerializer(export).data)


class AuditExportFileView(ApiView):
    """The file itself."""

    permissions: ClassVar = {"GET": "audit.export"}
    also_answers: ClassVar = {"GET": frozenset({409})}
    renderer_classes: ClassVar[list[type[BaseRenderer]]] = [JSONRenderer, CSVRenderer, PDFRenderer]  # type: ignore[misc]

    @extend_schema(
        summary="Fetch an export's file",
        description="One's own, as it was made, proven by its hash; for a week. That it was fetched is recorded."
        " Needs a step-up.",
        responses={(200, "text/csv"): OpenApiTypes.BINARY, (200, "application/pdf"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, export_id: UUID) -> FileResponse:
        NoParams.parse(request)
        at = clock.now()
        export = exporting.export_get_for(user=request.user, pk=export_id)
        step_up_check(cast("User", request.user), at=at)
        return kept_response(exporting.export_open(acting_user=request.user, export=export, at=at), export)


class AuditVerificationsView(ApiView):
    """Checks of the whole chain."""

    permissions: ClassVar = {"GET": "audit.view", "POST": "audit.verify"}

    @extend_schema(
        summary="List verifications of the trail",
        parameters=[forms.VerificationsQuery],
        responses=page_of(forms.VerificationSerializer),
    )
    def get(self, request: Request) -> Response:
        values = forms.VerificationsQuery.parse(request)
        page = forms.VerificationsQuery.page(Verification.objects.all(), request=request, values=values)
        return page.response(forms.VerificationSerializer)

    @extend_schema(
        summary="Verify the trail",
        description="A worker walks the chain, compares it with the anchors and proves the archives.",
        request=None,
        responses={202: forms.VerificationSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        verification = verifying.verification_request(acting_user=request.user)
        location = f"/api/v1/audit/verifications/{verification.pk}"
        return respond(forms.VerificationSerializer(verification).data, status=202, location=location)


class AuditVerificationView(ApiView):
    """One verification, with its progress."""

    permissions: ClassVar = {"GET": "audit.view"}

    @extend_schema(summary="Read a verification", responses=forms.VerificationSerializer)
    def get(self, request: Request, verification_id: UUID) -> Response:
        NoParams.parse(request)
        verification = Verification.objects.filter(pk=verification_id).first()
        if verification is None:
            raise NotFound("No such verification.")
        return respond(forms.VerificationSerializer(verification).data)


def kept_response(file: IO[bytes], export: Export) -> FileResponse:
    """A file that was kept for download, with its hash."""
    name = exporting.file_name(export.created_at, export.form)
    return FileResponse(
        file,
        content_type=exporting.MEDIA_TYPES[export.form],
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Content-SHA256": export.sha256},
    )


def file_response(file: exporting.TrailFile) -> HttpResponse:
    """A file for download, with its hash."""
    return HttpResponse(
        file.content,
        content_type=file.content_type,
        headers={"Content-Disposition": f'attachment; filename="{file.name}"', "X-Content-SHA256": file.sha256},
    )
