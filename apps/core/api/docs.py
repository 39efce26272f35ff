"""The schema, the page to read and try it, and the page of the error codes. Nothing is fetched from outside."""

from __future__ import annotations

import threading
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer

from apps.core import errors
from apps.core.api.catalogue import error_entries
from apps.core.api.problems import problem_response

_FORMATS: dict[str, tuple[type[Any], str]] = {
    "yaml": (OpenApiYamlRenderer, "application/yaml"),
    "json": (OpenApiJsonRenderer, "application/json"),
}
_document: dict[str, Any] = {}
_made: dict[str, bytes] = {}
_making = threading.Lock()


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """OpenAPI 3 in YAML, or in JSON by `?format=json`."""
    wanted = request.GET.get("format", "yaml")
    unknown = [name for name in request.GET if name != "format"]
    if unknown or wanted not in _FORMATS:
        pointer = "/query/format" if not unknown else "/query/" + unknown[0][:64]
        return problem_response(request, errors.UnknownParameter("Only format=yaml or format=json.", pointer=pointer))
    response = HttpResponse(schema_bytes(wanted), content_type=_FORMATS[wanted][1])
    response["Cache-Control"] = "no-cache"
    return response


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Swagger UI on our schema."""
    return render(request, "core/docs.html", {"schema_url": reverse("core:schema") + "?format=json"})


@require_safe
def error_codes(request: HttpRequest) -> HttpResponse:
    """All error codes with meaning and advice: what the `type` of a problem points to."""
    return render(request, "core/errors.html", {"error_entries": error_entries()})


def schema_bytes(wanted: str) -> bytes:
    """The document as "yaml" or "json". Made once a process: it takes seconds, and YAML some more."""
    with _making:
        if not _document:
            _document.update(SchemaGenerator().get_schema(request=None, public=True))
        if wanted not in _made:
            _made[wanted] = _FORMATS[wanted][0]().render(_document, renderer_context={})
        return _made[wanted]
