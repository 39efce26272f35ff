"""Statements of many accounts at once, over HTTP."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import services
from apps.accounts.api.views import user_of
from apps.accounts.models import StatementBatch
from apps.accounts.selectors import batch_get_for, batches_visible_to
from apps.core import clock
from apps.core.api.fields import ChoiceField, DateField, IntegerField, UUIDField
from apps.core.api.pagination import ListParams, page_of
from apps.core.api.query import NoParams
from apps.core.api.renderers import JSONRenderer
from apps.core.api.serializers import StrictSerializer, body_read
from apps.core.api.views import NAMES_A_RECORD, ApiView, respond
from apps.ledger.selectors import business_date_current

DRAW = "accounts.draw_statements"
ZIP = "application/zip"


class ZIPRenderer(JSONRenderer):
    """Lets `Accept: application/zip` through the negotiation; the view answers with the stored file."""

    media_type = ZIP
    format = "zip"


class StatementBatchSerializer(serializers.ModelSerializer):
    """Statements of many accounts. The job of the same id says how far it is; to cancel it is to cancel the batch."""

    format = serializers.ChoiceField(source="form", choices=StatementBatch.Form.choices)
    product_id = serializers.UUIDField(allow_null=True)
    branch_id = serializers.UUIDField(allow_null=True)
    job_url = serializers.SerializerMethodField()
    file_url = serializers.SerializerMethodField(help_text="Empty until it is finished.")

    class Meta:
        model = StatementBatch
        fields = (
            "id", "format", "product_id", "branch_id", "account_count", "size", "sha256", "created_at", "finished_at",
            "cancelled_at", "job_url", "file_url",
        )  # fmt: skip
        read_only_fields = fields

    def get_fields(self) -> dict[str, serializers.Field]:
        """`from` is a word of Python, so it is declared here."""
        days = {"from": serializers.DateField(source="starts_on"), "to": serializers.DateField(source="ends_on")}
        return {**days, **super().get_fields()}

    def get_job_url(self, batch: StatementBatch) -> str:
        return f"/api/v1/jobs/{batch.pk}"

    def get_file_url(self, batch: StatementBatch) -> str:
        return f"/api/v1/statements/batches/{batch.pk}/file" if batch.finished_at else ""


class StatementBatchRequestSerializer(StrictSerializer):
    """Which statements: of all accounts in reach that were open in the period, or of one product or branch."""

    format = ChoiceField(choices=StatementBatch.Form.choices)
    product_id = UUIDField(required=False)
    branch_id = UUIDField(required=False)
    workers = IntegerField(min_value=1, max_value=16, required=False, help_text="So many draw them up at once; 4.")

    def get_fields(self) -> dict[str, serializers.Field]:
        """`from` is a word of Python, so it is declared here."""
        return {"from": DateField(), "to": DateField(), **super().get_fields()}


class StatementBatchesQuery(ListParams):
    """A list of batches."""


class StatementBatchesView(ApiView):
    """Batches of statements."""

    permissions: ClassVar = {"GET": DRAW, "POST": DRAW}
    step_up = frozenset({"POST"})  # statements of persons leave the bank by thousands
    idempotent_methods = frozenset({"POST"})
    also_answers: ClassVar = NAMES_A_RECORD

    @extend_schema(
        summary="List batches of statements",
        parameters=[StatementBatchesQuery],
        responses=page_of(StatementBatchSerializer),
    )
    def get(self, request: Request) -> Response:
        """Your own, newest first; all of them for who sees the whole bank."""
        values = StatementBatchesQuery.parse(request)
        page = StatementBatchesQuery.page(batches_visible_to(user_of(request)), request=request, values=values)
        return page.response(StatementBatchSerializer)

    @extend_schema(
        summary="Draw up statements of many accounts",
        request=StatementBatchRequestSerializer,
        responses={202: StatementBatchSerializer},
    )
    def post(self, request: Request) -> Response:
        """In the background, by several workers; the archive holds a file an account, and a list of those whose
        statement would be too long. Each has its code and can be confirmed. Needs a step-up."""
        NoParams.parse(request)
        body: dict[str, Any] = body_read(StatementBatchRequestSerializer, request)
        today = business_date_current()
        batch, replayed = services.statement_batch_start(
            acting_user=user_of(request),
            starts_on=body.pop("from"),
            ends_on=min(body.pop("to"), today),
            form=body.pop("format"),
            at=clock.now(),
            key=self.idempotency_key,
            **body,
        )
        location = f"/api/v1/statements/batches/{batch.pk}"
        return respond(StatementBatchSerializer(batch).data, status=202, location=location, replayed=replayed)


class StatementBatchView(ApiView):
    """One batch."""

    permissions: ClassVar = {"GET": DRAW}

    @extend_schema(summary="Read a batch of statements", responses=StatementBatchSerializer)
    def get(self, request: Request, batch_id: UUID) -> Response:
        """What was asked for, and the archive once it is there."""
        NoParams.parse(request)
        batch = batch_get_for(user=user_of(request), pk=batch_id)
        return respond(StatementBatchSerializer(batch).data, version=batch.version)


class StatementBatchFileView(ApiView):
    """The archive."""

    permissions: ClassVar = {"GET": DRAW}
    step_up = frozenset({"GET"})
    also_answers: ClassVar = {"GET": frozenset({409})}
    renderer_classes: ClassVar[list[type[BaseRenderer]]] = [JSONRenderer, ZIPRenderer]  # type: ignore[misc]

    @extend_schema(summary="Open a batch of statements", responses={(200, ZIP): OpenApiTypes.BINARY})
    def get(self, request: Request, batch_id: UUID) -> FileResponse:
        """All statements in one file, as it was put together, proven by its hash. Needs a step-up."""
        NoParams.parse(request)
        batch = batch_get_for(user=user_of(request), pk=batch_id)
        file = services.statement_batch_open(acting_user=user_of(request), batch=batch)
        name = f"statements-{batch.starts_on}-{batch.ends_on}.zip"
        return FileResponse(
            file,
            content_type=ZIP,
            headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Content-SHA256": batch.sha256},
        )
