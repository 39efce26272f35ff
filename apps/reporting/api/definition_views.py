"""Reports that users define, over HTTP: datasets, definitions and their versions, results."""

from __future__ import annotations

from typing import Any, ClassVar, cast
from uuid import UUID

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.fields import ChoiceField, TextField
from apps.core.api.pagination import ListParams, page_of
from apps.core.api.query import NoParams, QueryParams
from apps.core.api.renderers import JSONRenderer
from apps.core.api.serializers import StrictSerializer, body_read
from apps.core.api.views import NAMES_A_RECORD, ApiView, respond
from apps.identity.guards import step_up_check
from apps.identity.models import User
from apps.ledger.selectors import business_date_current
from apps.reporting import renditions, services
from apps.reporting.api.table_views import JSON_ROWS_MAX, TableSerializer, table_response
from apps.reporting.api.views import CSVRenderer, PDFRenderer, XLSXRenderer
from apps.reporting.definitions import DATASETS, OPS, definition_table, spec_check
from apps.reporting.selectors import definition_get_for, definitions_visible_to
from apps.reporting.tables.render import table_json

PREVIEW_ROWS = 50


class DefinitionListParams(ListParams):
    """Definitions of one's own and those shared with one's roles, the newest first."""

    dataset = ChoiceField(choices=list(DATASETS), required=False)


class DefinitionVersionListParams(ListParams):
    """Versions of a definition, the newest first."""

    sorts = {"number": "number"}
    default_sort = "-number"


class DatasetFieldSerializer(serializers.Serializer):
    """A field of a dataset."""

    key = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.ChoiceField(choices=list(OPS))
    ops = serializers.ListField(child=serializers.CharField(), help_text="How it is filtered.")


class DatasetSerializer(serializers.Serializer):
    """A dataset with the fields that the caller may use."""

    code = serializers.CharField()
    title = serializers.CharField()
    fields_ = DatasetFieldSerializer(many=True)

    def get_fields(self) -> dict[str, Any]:
        """`fields` is a name of the framework's; the API says `fields` all the same."""
        declared = super().get_fields()
        declared["fields"] = declared.pop("fields_")
        return declared


class DatasetsSerializer(serializers.Serializer):
    """The datasets that the caller may report on."""

    data = DatasetSerializer(many=True)  # type: ignore[assignment]


class DefinitionRequestSerializer(StrictSerializer):
    """A report definition; what a spec holds is in docs/reference/reports.md."""

    title = TextField(max_length=120)
    dataset = ChoiceField(choices=list(DATASETS))
    spec = serializers.DictField()
    shared_with = TextField(
        max_length=40, required=False, default="", allow_blank=True, identifier=True, help_text="Code of a role."
    )


class DefinitionChangeSerializer(StrictSerializer):
    """The next version of a definition; its dataset stays."""

    title = TextField(max_length=120)
    spec = serializers.DictField()
    shared_with = TextField(
        max_length=40, required=False, default="", allow_blank=True, identifier=True, help_text="Code of a role."
    )


class DefinitionPreviewSerializer(StrictSerializer):
    """A spec to be tried."""

    dataset = ChoiceField(choices=list(DATASETS))
    spec = serializers.DictField()


class DefinitionSerializer(serializers.Serializer):
    """A report definition, in its newest version."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    dataset = serializers.CharField()
    spec = serializers.DictField()
    number = serializers.IntegerField(help_text="Of the version.")
    version = serializers.IntegerField(help_text="For If-Match.")
    owner = serializers.CharField(source="owner.email")
    shared_with = serializers.CharField(source="shared_with.code", default=None, allow_null=True)
    created_at = serializers.DateTimeField()


class DefinitionVersionSerializer(serializers.Serializer):
    """A version of a definition."""

    number = serializers.IntegerField()
    title = serializers.CharField()
    spec = serializers.DictField()
    changed_by = serializers.UUIDField(source="changed_by_id")
    email = serializers.CharField(source="changed_by.email", help_text="Of who changed it.")
    changed_at = serializers.DateTimeField()


class ResultParams(QueryParams):
    """In which form the result is given."""

    format = ChoiceField(choices=["json", "csv", "xlsx", "pdf"], default="json")


def _caller(request: Request) -> User:
    return cast("User", request.user)


class DatasetsView(ApiView):
    """What one may report on."""

    permissions: ClassVar = {"GET": "reporting.define"}

    @extend_schema(summary="List datasets for report definitions", responses=DatasetsSerializer)
    def get(self, request: Request) -> Response:
        """With the fields that the caller's permissions open, and how each is filtered."""
        NoParams.parse(request)
        user = _caller(request)
        shown = [
            {
                "code": data.code,
                "title": data.title,
                "fields": [
                    {"key": one.key, "title": one.title, "kind": one.kind, "ops": list(OPS[one.kind])}
                    for one in data.fields
                    if not one.permission or user.has_permission(one.permission)
                ],
            }
            for data in DATASETS.values()
            if user.has_permission(data.permission)
        ]
        return respond({"data": shown})


class DefinitionsView(ApiView):
    """Report definitions."""

    permissions: ClassVar = {"GET": "reporting.define", "POST": "reporting.define"}
    also_answers: ClassVar = NAMES_A_RECORD

    @extend_schema(
        summary="List report definitions",
        parameters=[DefinitionListParams],
        responses=page_of(DefinitionSerializer),
    )
    def get(self, request: Request) -> Response:
        """One's own, and those shared with one's roles."""
        values = DefinitionListParams.parse(request)
        definitions = definitions_visible_to(_caller(request))
        if values["dataset"]:
            definitions = definitions.filter(dataset=values["dataset"])
        page = DefinitionListParams.page(definitions, request=request, values=values)
        return page.response(DefinitionSerializer)

    @extend_schema(
        summary="Define a report",
        description="Checked against its dataset and the caller's permissions. Shared with a role, its holders run it, "
        "each with their own reach.",
        request=DefinitionRequestSerializer,
        responses={201: DefinitionSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(DefinitionRequestSerializer, request)
        definition = services.definition_create(
            acting_user=_caller(request), title=body["title"], dataset=body["dataset"], spec=body["spec"],
            role_code=body["shared_with"], at=clock.now(),
        )  # fmt: skip
        location = f"/api/v1/reports/definitions/{definition.pk}"
        data = DefinitionSerializer(definition).data
        return respond(data, status=201, location=location, version=definition.version)


class DefinitionView(ApiView):
    """One report definition."""

    permissions: ClassVar = {"GET": "reporting.define", "PUT": "reporting.define", "DELETE": "reporting.define"}

    @extend_schema(summary="Read a report definition", responses=DefinitionSerializer)
    def get(self, request: Request, definition_id: UUID) -> Response:
        NoParams.parse(request)
        definition = definition_get_for(user=_caller(request), pk=definition_id)
        return respond(DefinitionSerializer(definition).data, version=definition.version)

    @extend_schema(
        summary="Write the next version of a report definition",
        description="One's own only. Runs name the version that they used.",
        request=DefinitionChangeSerializer,
        responses=DefinitionSerializer,
    )
    def put(self, request: Request, definition_id: UUID) -> Response:
        NoParams.parse(request)
        body = body_read(DefinitionChangeSerializer, request)
        definition = services.definition_change(
            acting_user=_caller(request),
            definition=definition_get_for(user=_caller(request), pk=definition_id, owned=True),
            title=body["title"], spec=body["spec"], role_code=body["shared_with"],
            version=self.expected_version, at=clock.now(),
        )  # fmt: skip
        return respond(DefinitionSerializer(definition).data, version=definition.version)

    @extend_schema(summary="Take a report definition away", request=None, responses={204: None})
    def delete(self, request: Request, definition_id: UUID) -> Response:
        """One's own only; what was drawn up by it stays."""
        NoParams.parse(request)
        definition = definition_get_for(user=_caller(request), pk=definition_id, owned=True)
        services.definition_retire(acting_user=_caller(request), definition=definition, at=clock.now())
        return Response(status=204)


class DefinitionPreviewView(ApiView):
    """Trying a spec."""

    permissions: ClassVar = {"POST": "reporting.define"}

    @extend_schema(
        summary="Try a report definition",
        description="The first 50 rows of a spec that is not kept.",
        request=DefinitionPreviewSerializer,
        responses=TableSerializer,
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(DefinitionPreviewSerializer, request)
        user = _caller(request)
        plan = spec_check(dataset=body["dataset"], spec=body["spec"], user=user)
        table = definition_table(title="Preview", plan=plan, user=user, day=business_date_current())
        return respond(table_json(table, limit=PREVIEW_ROWS))


class DefinitionResultView(ApiView):
    """What a definition finds now."""

    permissions: ClassVar = {"GET": "reporting.define"}
    also_answers: ClassVar = {"GET": frozenset({422})}
    renderer_classes: ClassVar[list[type[BaseRenderer]]] = [  # type: ignore[misc]
        JSONRenderer,
        CSVRenderer,
        XLSXRenderer,
        PDFRenderer,
    ]

    @extend_schema(
        summary="Run a report definition",
        description="With the caller's own reach and permissions. JSON has the first 1,000 rows; a file is recorded"
        " and needs a step-up.",
        parameters=[ResultParams],
        responses={
            (200, "application/json"): TableSerializer,
            (200, "text/csv"): OpenApiTypes.STR,
            (200, renditions.XLSX): OpenApiTypes.BINARY,
            (200, "application/pdf"): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request, definition_id: UUID) -> Response | FileResponse:
        values = ResultParams.parse(request)
        user = _caller(request)
        definition = definition_get_for(user=user, pk=definition_id)
        plan = spec_check(dataset=definition.dataset, spec=definition.spec, user=user)
        table = definition_table(title=definition.title, plan=plan, user=user, day=business_date_current())
        form = values["format"] if "format" in request.query_params else request.accepted_renderer.format
        if form == "json":
            request.accepted_renderer = JSONRenderer()
            return respond(table_json(table, limit=JSON_ROWS_MAX))
        at = clock.now()
        step_up_check(user, at=at)  # rows of persons leave the bank by thousands
        services.definition_exported(acting_user=user, definition=definition, form=form, at=at)
        return table_response(table, form, drawn_by=user.full_name)


class DefinitionVersionsView(ApiView):
    """Versions of a report definition."""

    permissions: ClassVar = {"GET": "reporting.define"}

    @extend_schema(
        summary="List the versions of a report definition",
        parameters=[DefinitionVersionListParams],
        responses=page_of(DefinitionVersionSerializer),
    )
    def get(self, request: Request, definition_id: UUID) -> Response:
        """The newest first."""
        values = DefinitionVersionListParams.parse(request)
        definition = definition_get_for(user=_caller(request), pk=definition_id)
        versions = definition.versions.select_related("changed_by")
        page = DefinitionVersionListParams.page(versions, request=request, values=values)
        return page.response(DefinitionVersionSerializer)
