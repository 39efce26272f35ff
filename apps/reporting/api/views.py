"""Financial statements over HTTP: the same figures as JSON, CSV, XLSX and PDF."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.renderers import JSONRenderer
from apps.core.api.views import ApiView, respond
from apps.identity.models import User
from apps.ledger.selectors import branches_in_reach, business_date_current
from apps.reporting import renditions
from apps.reporting.api import serializers as forms
from apps.reporting.drawing import statement_draw
from apps.reporting.errors import ReportPeriod
from apps.reporting.selectors import report_branch
from apps.reporting.statements import FinancialStatement


class CSVRenderer(JSONRenderer):
    """Lets `Accept: text/csv` through the negotiation; the view writes the file itself."""

    media_type = "text/csv"
    format = "csv"


class XLSXRenderer(JSONRenderer):
    """Lets the spreadsheet's media type through the negotiation; the view writes the file itself."""

    media_type = renditions.XLSX
    format = "xlsx"


class PDFRenderer(JSONRenderer):
    """Lets `Accept: application/pdf` through the negotiation; the view writes the file itself."""

    media_type = "application/pdf"
    format = "pdf"


class StatementView(ApiView):
    """What the four statements have in common."""

    permissions: ClassVar = {"GET": "ledger.view"}
    also_answers: ClassVar = {"GET": frozenset({404, 422})}  # a branch out of reach; a rate that is missing
    renderer_classes: ClassVar[list[type[BaseRenderer]]] = [  # type: ignore[misc]
        JSONRenderer,
        CSVRenderer,
        XLSXRenderer,
        PDFRenderer,
    ]
    kind: ClassVar[str]

    def drawn(self, request: Request) -> Response | HttpResponse:
        """Read the parameters, draw the statement, show it in the form asked for."""
        values = forms.StatementParams.parse(request)
        as_of = values["as_of"] or business_date_current()
        since = values["from"] or as_of.replace(month=1, day=1)
        if since > as_of:
            raise ReportPeriod(pointer="/query/from")
        user = cast("User", request.user)
        base = settings.NUMINA["BASE_CURRENCY"]
        statement = statement_draw(
            kind=self.kind,
            since=since,
            as_of=as_of,
            compares=values["compare"] == "year",
            currency=base if values["basis"] == "translated" else values["currency"] or base,
            branch_ids=report_branch(user=user, code=values["branch"])[1],
            options=forms.options_of(values),
        )
        form = values["format"] if "format" in request.query_params else request.accepted_renderer.format
        if form == "json":
            request.accepted_renderer = JSONRenderer()
            return respond(forms.statement_shown(statement, branch=values["branch"]))
        return _file(statement, form, user, values["branch"])


def _file(statement: FinancialStatement, form: str, user: User, branch: str | None) -> HttpResponse:
    scope = branch or ("All branches" if branches_in_reach(user=user) is None else "Own branches")
    content, content_type = renditions.statement_file(
        statement, form, drawn_at=clock.now(), drawn_by=user.full_name, scope=scope
    )
    name = f"{statement.kind}-{statement.columns[0].as_of.isoformat()}.{form}"
    return HttpResponse(
        content, content_type=content_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _described(summary: str, description: str) -> Any:
    return extend_schema(
        summary=summary,
        description=description
        + " For any business date, exact at the moment of reading. `proofs` ties it to the trial "
        "balance: every difference is zero for the whole bank; one branch alone may be open against others.",
        parameters=[forms.StatementParams],
        responses={
            (200, "application/json"): forms.FinancialStatementSerializer,
            (200, "text/csv"): OpenApiTypes.STR,
            (200, renditions.XLSX): OpenApiTypes.BINARY,
            (200, "application/pdf"): OpenApiTypes.BINARY,
        },
    )


class BalanceSheetView(StatementView):
    """The balance sheet."""

    kind = "balance-sheet"

    @_described("Draw up the balance sheet", "What is owned, owed and left over at the end of a day.")
    def get(self, request: Request) -> Response | HttpResponse:
        return self.drawn(request)


class IncomeStatementView(StatementView):
    """The income statement."""

    kind = "income-statement"

    @_described("Draw up the income statement", "What was earned and spent in a period.")
    def get(self, request: Request) -> Response | HttpResponse:
        return self.drawn(request)


class ChangesInEquityView(StatementView):
    """The statement of changes in equity."""

    kind = "changes-in-equity"

    @_described("Draw up the changes in equity", "How equity came from its opening to its closing in a period.")
    def get(self, request: Request) -> Response | HttpResponse:
        return self.drawn(request)


class CashFlowView(StatementView):
    """The cash flow statement."""

    kind = "cash-flow"

    @_described("Draw up the cash flow statement", "Where cash came from and went in a period, by the indirect method.")
    def get(self, request: Request) -> Response | HttpResponse:
        return self.drawn(request)
