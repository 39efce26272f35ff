"""How files are given out, by the API and by the staff site."""

from __future__ import annotations

from typing import IO

from django.http import FileResponse

from apps.approvals.models import ApprovalDocument


def file_response(document: ApprovalDocument, stream: IO[bytes]) -> FileResponse:
    """A download that no browser shows or runs within the site."""
    response = FileResponse(stream, as_attachment=True, filename=document.name, content_type=document.content_type)
    response["Content-Length"] = str(document.size)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
