"""Operational reports over HTTP: lists as JSON, CSV, XLSX and PDF."""

from __future__ import annotations

import tempfile
from typing import Any, ClassVar, cast

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.fields import ChoiceField, CurrencyField, DateField, IntegerField, TextField
from apps.core.api.query import NoParams, QueryParams
from apps.core.api.renderers import JSONRenderer
from apps.core.api.serializers import WithFrom
from apps.core.api.views import ApiView, respond
from apps.core.errors import NotFound, PermissionDenied
from apps.identity.guards import step_up_check
from apps.identity.models import User
from apps.ledger.selectors import branches_in_reach, business_date_current
from apps.reporting import renditions, services
from apps.reporting.api.views import CSVRenderer, PDFRenderer, XLSXRenderer
from apps.reporting.errors import ReportPeriod
from apps.reporting.selectors import report_branch
from apps.reporting.tables import TABLES, Params, Table, TableReport, table_read
from apps.reporting.tables.render import table_json, table_write

JSON_ROWS_MAX = 1_000
MEMORY_BYTES = 8 * 1024 * 1024


class TableParams(WithFrom, QueryParams):
    """Parameters of a list; each list says which of them change it."""

    as_of = DateField(required=False, help_text="The open business date unless given.")
    from_ = DateField(required=False, help_text="First day of the period; the first of the month unless given.")
    branch = TextField(max_length=20, required=False, identifier=True, help_text="Code of a branch.")
    currency = CurrencyField(required=False, help_text="All currencies unless given.")
    limit = IntegerField(min_value=1, max_value=10_000, default=100, help_text="How many rows, where it matters.")
    days = IntegerField(min_value=1, max_value=36_500, default=365, help_text="How many days, where it matters.")
    who = TextField(max_length=254, required=False, identifier=True, help_text="E-mail address of a user.")
    kind = TextField(max_length=60, required=False, identifier=True, help_text="Kind or band, where it matters.")
    format = ChoiceField(choices=["json", "csv", "xlsx", "pdf"], default="json")


class TableReportSerializer(serializers.Serializer):
    """A list that there is."""

    code = serializers.CharField()
    title = serializers.CharField()
    group = serializers.CharField()
    definition = serializers.CharField()
    asks = serializers.ListField(child=serializers.CharField(), help_text="Parameters that change it.")


def _asks(report: TableReport) -> list[str]:
    """The parameters that change a report, as they are called outside."""
    return ["from" if name == "since" else name for name in report.asks]


class TableReportsSerializer(serializers.Serializer):
    """The lists that the caller may read."""

    data = TableReportSerializer(many=True)  # type: ignore[assignment]


class TableColumnSerializer(serializers.Serializer):
    """A column; money is in decimal strings of the row's currency."""

    key = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.ChoiceField(choices=["text", "money", "count", "date", "moment", "percent"])


class TableTotalSerializer(serializers.Serializer):
    """Sums of one currency, in the places of the columns."""

    currency = serializers.CharField(allow_null=True)
    values = serializers.ListField(child=serializers.JSONField(allow_null=True))


class TableSerializer(WithFrom, serializers.Serializer):
    """A list: its first 1,000 rows in JSON; `is_cut` says that there are more, which files have."""

    code = serializers.CharField()
    title = serializers.CharField()
    definition = serializers.CharField()
    as_of = serializers.DateField()
    from_ = serializers.DateField(allow_null=True)
    columns = TableColumnSerializer(many=True)
    rows = serializers.ListField(child=serializers.ListField(child=serializers.JSONField(allow_null=True)))
    totals = TableTotalSerializer(many=True)
    is_cut = serializers.BooleanField()


class TablesView(ApiView):
    """Operational reports."""

    permissions: ClassVar = {"GET": "reporting.read"}

    @extend_schema(
        operation_id="reports_tables_list", summary="List the operational reports", responses=TableReportsSerializer
    )
    def get(self, request: Request) -> Response:
        """Those that the caller may read, with what each means."""
        NoParams.parse(request)
        user = cast("User", request.user)
        return respond(
            {
                "data": [
                    {
                        **{name: getattr(one, name) for name in ("code", "title", "group", "definition")},
                        "asks": _asks(one),
                    }
                    for one in TABLES.values()
                    if user.has_permission(one.permission)
                ]
            }
        )


class TableView(ApiView):
    """One operational report."""

    permissions: ClassVar = {"GET": "reporting.read"}
    also_answers: ClassVar = {"GET": frozenset({422})}
    renderer_classes: ClassVar[list[type[BaseRenderer]]] = [  # type: ignore[misc]
        JSONRenderer,
        CSVRenderer,
        XLSXRenderer,
        PDFRenderer,
    ]

    @extend_schema(
        summary="Read an operational report",
        description="JSON has its first 1,000 rows; CSV and XLSX have all, PDF at most 2,000. Long ones are better "
        "drawn up in the background: POST /reports/runs. Files need a step-up.",
        parameters=[TableParams],
        responses={
            (200, "application/json"): TableSerializer,
            (200, "text/csv"): OpenApiTypes.STR,
            (200, renditions.XLSX): OpenApiTypes.BINARY,
            (200, "application/pdf"): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request, code: str) -> Response | FileResponse:
        values = TableParams.parse(request)
        report, user = TABLES.get(code), cast("User", request.user)
        if report is None:
            raise NotFound("There is no such report.")
        if not user.has_permission(report.permission):
            raise PermissionDenied(f"This needs the permission {report.permission}.", permission=report.permission)
        table = table_of(report, values, user)
        form = values["format"] if "format" in request.query_params else request.accepted_renderer.format
        if form == "json":
            request.accepted_renderer = JSONRenderer()
            return respond(table_json(table, limit=JSON_ROWS_MAX))
        at = clock.now()
        step_up_check(user, at=at)  # rows of persons leave the bank by thousands
        services.table_exported(acting_user=user, code=code, title=report.title, form=form, at=at)
        return table_response(table, form, drawn_by=user.full_name)


def table_of(report: TableReport, values: Any, user: User) -> Table:
    """The list that parameters ask for, within the user's reach. Raises `ReportPeriod`, `NotFound` for a branch."""
    as_of = values["as_of"] or business_date_current()
    since = values["from"] or as_of.replace(day=1)
    if since > as_of:
        raise ReportPeriod(pointer="/query/from")
    branch, reach = report_branch(user=user, code=values["branch"])
    params = Params(
        as_of=as_of, since=since, currency=values["currency"] or "",
        branch_ids=None if reach is None else tuple(reach),
        limit=values["limit"], days=values["days"], who=values["who"] or "", kind=values["kind"] or "",
    )  # fmt: skip
    whole = branches_in_reach(user=user) is None
    return table_read(report, params, scope=branch.name if branch else "All branches" if whole else "Own branches")


def table_response(table: Table, form: str, *, drawn_by: str) -> FileResponse:
    """The list as a file, written to disk beyond 8 MB and sent from there."""
    file = tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES)  # noqa: SIM115 (the response closes it)
    try:
        table_write(table, form, file, drawn_at=clock.now(), drawn_by=drawn_by)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return FileResponse(
        file, content_type=renditions.MEDIA_TYPES[form],
        headers={"Content-Disposition": f'attachment; filename="{table.code}-{table.as_of.isoformat()}.{form}"'},
    )  # fmt: skip
