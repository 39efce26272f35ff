"""Parts of pages that follow what happens: answered with an ETag, so that looking again costs one query."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.core.api.etag import etag_of, has_already


def live_part(request: HttpRequest, template: str, context: dict[str, Any], *, version: int) -> HttpResponse:
    """The part, or 304 when the browser has this version."""
    tag = etag_of(version)
    headers = {"ETag": tag, "Cache-Control": "no-store"}
    if has_already(request.headers, tag):
        return HttpResponse(status=304, headers=headers)
    response = render(request, template, context)
    for name, value in headers.items():
        response[name] = value
    return response
