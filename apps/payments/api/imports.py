"""Imports over HTTP: the file is kept, a worker reads it, the run tells how far it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.parsers import charset_check
from apps.core.api.query import NoParams
from apps.core.api.views import ApiView, respond
from apps.core.errors import InvalidRequest, PayloadTooLarge, UnsupportedMediaType
from apps.payments.api import serializers
from apps.payments.api.views import API, caller
from apps.payments.importing.run import ImportOptions
from apps.payments.selectors import import_run_get_for, import_runs_visible_to
from apps.payments.services import UPLOAD_BYTES_MAX, Asked, import_upload

CHUNK_BYTES = 256 * 1024


class CsvParser(BaseParser):
    """Hands on the stream of a text/csv body, unread."""

    media_type = "text/csv"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        """The stream under the name `file`, as a form would have it."""
        charset_check(media_type)
        return {"file": stream}


class ImportsView(ApiView):
    """Imports of transactions."""

    permissions = {"GET": "payments.import", "POST": "payments.import"}
    step_up = frozenset({"POST"})  # nobody knows yet how much it moves
    idempotent_methods = frozenset({"POST"})
    parser_classes = (CsvParser, MultiPartParser)

    @extend_schema(
        parameters=[serializers.ImportListParams],
        responses=page_of(serializers.ImportRunSerializer),
        summary="List imports",
    )
    def get(self, request: Request) -> Response:
        """Runs of imports, newest first."""
        values = serializers.ImportListParams.parse(request)
        runs = import_runs_visible_to(caller(request))
        if values["status"]:
            runs = runs.filter(status=values["status"])
        page = serializers.ImportListParams.page(runs, request=request, values=values)
        return page.response(serializers.ImportRunSerializer)

    @extend_schema(
        parameters=[serializers.ImportParams],
        request={
            "text/csv": {"type": "string", "format": "binary"},
            "multipart/form-data": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary"}},
            },
        },
        responses={202: OpenApiResponse(serializers.ImportRunSerializer, "Accepted; Location tells how far it is.")},
        summary="Import transactions",
    )
    def post(self, request: Request) -> Response:
        """Send a CSV file, as the body or as the part `file` of a form. A job reads it: 202, and Location names the
        job, which has the id of the import.

        Each external id is posted once within its `source`, so a file may be sent again after a break. Needs a step-up.
        """
        options = serializers.ImportParams.parse(request)
        _size_check(request)
        chunks, name = _upload(request)
        run, replayed = import_upload(
            asked=Asked(user=caller(request), key=f"import {self.idempotency_key}", fingerprint=b""),
            chunks=chunks,
            at=clock.now(),
            file_name=options["file_name"] or name,
            options=ImportOptions(
                source=options["source"],
                create_accounts=options["create_accounts"],
                allow_overdraft=options["allow_overdraft"],
                dry_run=options["dry_run"],
            ),
        )
        run.refresh_from_db()
        return respond(
            serializers.ImportRunSerializer(run).data,
            status=202,
            location=f"{API}/jobs/{run.pk}",
            replayed=replayed,
        )


class ImportView(ApiView):
    """One import."""

    permissions = {"GET": "payments.import"}

    @extend_schema(responses=serializers.ImportRunSerializer, summary="Read an import")
    def get(self, request: Request, run_id: UUID) -> Response:
        """How far it is, what it counted, and once it is done what it found."""
        NoParams.parse(request)
        run = import_run_get_for(user=caller(request), run_id=run_id)
        return respond(serializers.ImportRunSerializer(run).data)


class ImportRefusalsView(ApiView):
    """Refused rows of an import."""

    permissions = {"GET": "payments.import"}

    @extend_schema(
        parameters=[serializers.ImportRefusalListParams],
        responses=page_of(serializers.ImportRefusalSerializer),
        summary="List refused rows",
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        """The rows that were refused and why; the first 10,000 are kept."""
        values = serializers.ImportRefusalListParams.parse(request)
        run = import_run_get_for(user=caller(request), run_id=run_id)
        page = serializers.ImportRefusalListParams.page(run.refusals.all(), request=request, values=values)
        return page.response(serializers.ImportRefusalSerializer)


def _size_check(request: Request) -> None:
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise UnsupportedMediaType("Bodies are not compressed.")
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if announced.isdigit() and int(announced) > UPLOAD_BYTES_MAX:
        raise PayloadTooLarge(f"At most {UPLOAD_BYTES_MAX} bytes.")


def _upload(request: Request) -> tuple[Iterable[bytes], str]:
    """The file's chunks and its name."""
    data = request.data
    if not request.FILES:
        stream = data.get("file") if isinstance(data, dict) else None
        if not hasattr(stream, "read"):
            raise InvalidRequest("Send the file as the part `file` of the form.", pointer="/file")
        return _chunks(stream), ""
    unknown = sorted({*data, *request.FILES} - {"file"})
    if unknown or len(request.FILES.getlist("file")) != 1:
        raise InvalidRequest("The form has one part, `file`.", pointer="/file")
    upload = request.FILES["file"]
    return upload.chunks(CHUNK_BYTES), upload.name or ""


def _chunks(stream: Any) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk
