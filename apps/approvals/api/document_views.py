"""Files beside a request, and what the bank has at stake with its members."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.approvals import services
from apps.approvals.api import document_serializers as forms
from apps.approvals.api.views import OneApprovalView, caller
from apps.approvals.downloads import file_response
from apps.approvals.exposure import exposure_of
from apps.approvals.files import BYTES_MAX, MEDIA_TYPES
from apps.approvals.selectors import request_get_for
from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import body_read
from apps.core.api.views import ApiView, respond

USE = "approvals.request"

ADD_EXAMPLE = OpenApiExample(
    "A note", value={"name": "note.txt", "content": "QWdyZWVkIG9uIDUgSmFudWFyeS4="}, request_only=True
)


class ApprovalDocumentsView(OneApprovalView):
    """Files beside one request."""

    permissions: ClassVar = {"GET": USE, "POST": USE}
    max_body_bytes: ClassVar = BYTES_MAX * 4 // 3 + 4_096

    @extend_schema(
        summary="List the files beside a request",
        parameters=[forms.ApprovalDocumentListParams],
        responses=page_of(forms.ApprovalDocumentSerializer),
    )
    def get(self, request: Request, approval_id: UUID) -> Response:
        """The newest first."""
        values = forms.ApprovalDocumentListParams.parse(request)
        found = request_get_for(user=caller(request), public_id=approval_id, at=clock.now())
        documents = found.documents.select_related("added_by")
        page = forms.ApprovalDocumentListParams.page(documents, request=request, values=values)
        return page.response(forms.ApprovalDocumentSerializer)

    @extend_schema(
        summary="Put a file beside a request",
        description="PDF, PNG, JPEG, DOCX or XLSX without macros, CSV or plain text, at most 5 MB, twenty a request. "
        "By the maker and by those who are asked. The same content again is the same document.",
        request=forms.ApprovalDocumentAddSerializer,
        responses={201: forms.ApprovalDocumentSerializer},
        examples=[ADD_EXAMPLE],
    )
    def post(self, request: Request, approval_id: UUID) -> Response:
        approval = self.found(request, approval_id)
        body = body_read(forms.ApprovalDocumentAddSerializer, request)
        document, is_new = services.document_add(
            acting_user=caller(request), request_id=approval.public_id, at=clock.now(), **body
        )
        location = f"/api/v1/approvals/documents/{document.public_id}"
        data = forms.ApprovalDocumentSerializer(document).data
        return respond(data, status=201, location=location, replayed=not is_new)


class ApprovalDocumentView(ApiView):
    """One file."""

    permissions: ClassVar = {"GET": USE}

    @extend_schema(
        summary="Download a file", responses={(200, media_type): OpenApiTypes.BINARY for media_type in MEDIA_TYPES}
    )
    def get(self, request: Request, document_id: UUID) -> Any:
        """Given out as an attachment, with the type that its content has. Who read it is in the access log."""
        NoParams.parse(request)
        document, stream = services.document_open(acting_user=caller(request), document_id=document_id, at=clock.now())
        return file_response(document, stream)


class ApprovalExposureView(OneApprovalView):
    """What is at stake."""

    permissions: ClassVar = {"GET": USE}

    @extend_schema(
        summary="Read what the bank has at stake with the members of a request",
        responses=forms.ApprovalExposureSerializer,
    )
    def get(self, request: Request, approval_id: UUID) -> Response:
        """Accounts and loans of the members concerned, as far as the caller may see them."""
        approval = self.found(request, approval_id)
        sections = exposure_of(user=caller(request), member_ids=approval.member_ids)
        return respond(forms.ApprovalExposureSerializer({"sections": sections}).data)
