"""The audit trail over HTTP: read, exported, verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.audit import exporting, verifying
from apps.audit.api import serializers as forms
from apps.audit.models import Verification
from apps.audit.selectors import events_filtered
from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import NoBodySerializer, body_read
from apps.core.api.views import ApiView, respond
from apps.core.errors import NotFound
from apps.identity.guards import step_up_check

if TYPE_CHECKING:
    from apps.identity.models import User


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
            "Events within your reach that match the filters, oldest first, as CSV (100,000 at most) or PDF (1,000). "
            "The export is recorded with its reason and the file's SHA-256, which is also in X-Content-SHA256. "
            "Needs a step-up."
        ),
        request=forms.AuditExportSerializer,
        responses={(200, "text/csv"): OpenApiTypes.BINARY, (200, "application/pdf"): OpenApiTypes.BINARY},
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
        file = exporting.trail_export(acting_user=request.user, form=form, filters=body, reason=reason, at=at)
        return file_response(file)


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


def file_response(file: exporting.TrailFile) -> HttpResponse:
    """A file for download, with its hash."""
    return HttpResponse(
        file.content,
        content_type=file.content_type,
        headers={"Content-Disposition": f'attachment; filename="{file.name}"', "X-Content-SHA256": file.sha256},
    )
