"""The chart, the trial balance, periods and the business day over HTTP. Entries are in apps.balances.api."""

from __future__ import annotations

from typing import Any, ClassVar, cast
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.permissions import ANY_USER
from apps.core.api.query import NoParams
from apps.core.api.renderers import JSONRenderer
from apps.core.api.serializers import NoBodySerializer, body_read
from apps.core.api.views import ApiView, respond
from apps.core.errors import NotFound
from apps.identity.models import User
from apps.identity.selectors import branches_visible_to
from apps.ledger import selectors, services
from apps.ledger.api import serializers as forms
from apps.ledger.errors import TrialBalanceRange
from apps.ledger.figures import ChartNode, chart_tree
from apps.ledger.trial_balance_files import as_csv, as_xlsx

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


_FILTERS = {"type": "type", "usage": "usage", "parent": "parent__code", "is_active": "is_active"}


class CSVRenderer(JSONRenderer):
    """Lets `Accept: text/csv` through the negotiation; the view writes the file itself."""

    media_type = "text/csv"
    format = "csv"


class XLSXRenderer(JSONRenderer):
    """Lets the spreadsheet's media type through the negotiation; the view writes the file itself."""

    media_type = XLSX
    format = "xlsx"


def caller(request: Request) -> User:
    """The user of a request that has passed its permission."""
    return cast("User", request.user)


def _balances(user: User, expand: str | None) -> dict[Any, ChartNode] | None:
    """Rolled-up balances of today by node, when they are asked for."""
    if expand != "balances":
        return None
    today = selectors.business_date_current()
    nodes, _ = chart_tree(as_of=today, branch_ids=selectors.branches_in_reach(user=user))
    return {node.account.pk: node for node in nodes}


class GLAccountsView(ApiView):
    """The chart of accounts as a list."""

    permissions: ClassVar = {"GET": "ledger.view"}

    @extend_schema(
        summary="List the chart of accounts",
        description="By code. `expand=balances` adds what each node holds today, with all nodes below it; a role of "
        "one branch sees that branch's figures.",
        parameters=[forms.GLAccountListParams],
        responses=page_of(forms.GLAccountSerializer),
    )
    def get(self, request: Request) -> Response:
        values = forms.GLAccountListParams.parse(request)
        nodes = selectors.gl_accounts()
        for name, lookup in {
            "kind": "type",
            "usage": "usage",
            "parent": "parent__code",
            "is_active": "is_active",
        }.items():
            if values[name] is not None:
                nodes = nodes.filter(**{lookup: values[name]})
        page = forms.GLAccountListParams.page(nodes, request=request, values=values)
        return page.response(forms.GLAccountSerializer, balances=_balances(caller(request), values["expand"]))


class GLAccountView(ApiView):
    """One node of the chart."""

    permissions: ClassVar = {"GET": "ledger.view"}

    @extend_schema(
        summary="Read a node of the chart",
        description="By its code or its id.",
        parameters=[forms.GLAccountParams],
        responses=forms.GLAccountSerializer,
    )
    def get(self, request: Request, code_or_id: str) -> Response:
        values = forms.GLAccountParams.parse(request)
        node = selectors.gl_account_find(code_or_id=code_or_id)
        context = {"balances": _balances(caller(request), values["expand"])}
        return respond(forms.GLAccountSerializer(node, context=context).data, version=node.version)


class ChartView(ApiView):
    """The chart of accounts as a tree."""

    permissions: ClassVar = {"GET": "ledger.view"}

    @extend_schema(
        summary="Read the whole chart",
        description="Every node in reading order with its depth and its balances at the end of a business date.",
        parameters=[forms.ChartParams],
        responses=forms.ChartSerializer,
    )
    def get(self, request: Request) -> Response:
        as_of = forms.ChartParams.parse(request)["as_of"] or selectors.business_date_current()
        nodes, _ = chart_tree(as_of=as_of, branch_ids=selectors.branches_in_reach(user=caller(request)))
        return respond(forms.ChartSerializer({"as_of": as_of, "data": nodes}).data)


class TrialBalanceView(ApiView):
    """The trial balance."""

    permissions: ClassVar = {"GET": "ledger.view"}
    also_answers: ClassVar = {"GET": frozenset({404})}  # for a branch out of reach
    renderer_classes: ClassVar[list[type[BaseRenderer]]] = [  # type: ignore[misc]
        JSONRenderer,
        CSVRenderer,
        XLSXRenderer,
    ]

    @extend_schema(
        summary="Draw up the trial balance",
        description="At the end of any business date, past or open, exact at the moment it is asked for. `from` "
        "leaves the movements from that date on. The whole bank balances in every currency; one branch alone may "
        "carry a position against the others, which `proof.differences` shows.",
        parameters=[forms.TrialBalanceParams],
        responses={
            (200, "application/json"): forms.TrialBalanceSerializer,
            (200, "text/csv"): OpenApiTypes.STR,
            (200, XLSX): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request) -> Response | HttpResponse:
        values = forms.TrialBalanceParams.parse(request)
        as_of = values["as_of"] or selectors.business_date_current()
        since = values["from"]
        if since is not None and since > as_of:
            raise TrialBalanceRange(pointer="/query/from")
        balance = selectors.trial_balance(
            as_of=as_of,
            since=since,
            branch_ids=_branch_ids(caller(request), values["branch"]),
            currency=values["currency"],
        )
        form = values["format"] if "format" in request.query_params else request.accepted_renderer.format
        if form == "csv":
            return _file(as_csv(balance), "text/csv; charset=utf-8", f"trial-balance-{as_of}.csv")
        if form == "xlsx":
            return _file(as_xlsx(balance), XLSX, f"trial-balance-{as_of}.xlsx")
        request.accepted_renderer = JSONRenderer()
        return respond(forms.trial_balance_shown(balance, since=since, branch=values["branch"]))


def _branch_ids(user: User, code: str | None) -> list[UUID] | None:
    """The branches to add up. Raises NotFound for a branch out of reach."""
    reach = selectors.branches_in_reach(user=user)
    if code is None:
        return reach
    branch = branches_visible_to(user).filter(code=code).first()
    if branch is None or (reach is not None and branch.pk not in reach):
        raise NotFound("There is no such branch.", pointer="/query/branch")
    return [branch.pk]


def _file(content: bytes, content_type: str, name: str) -> HttpResponse:
    return HttpResponse(
        content, content_type=content_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


class PeriodsView(ApiView):
    """Accounting periods."""

    permissions: ClassVar = {"GET": "ledger.view", "POST": "ledger.manage_periods"}

    @extend_schema(
        summary="List accounting periods",
        parameters=[forms.PeriodListParams],
        responses=page_of(forms.PeriodSerializer),
    )
    def get(self, request: Request) -> Response:
        values = forms.PeriodListParams.parse(request)
        periods = selectors.periods()
        if values["status"] is not None:
            periods = periods.filter(status=values["status"])
        return forms.PeriodListParams.page(periods, request=request, values=values).response(forms.PeriodSerializer)

    @extend_schema(
        summary="Add an accounting period",
        request=forms.PeriodCreateSerializer,
        responses={201: forms.PeriodSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.PeriodCreateSerializer, request)
        period = services.period_create(acting_user=caller(request), **body)
        data = forms.PeriodSerializer(period).data
        return respond(data, status=201, version=period.version, location=f"/api/v1/ledger/periods/{period.pk}")


class PeriodView(ApiView):
    """One accounting period."""

    permissions: ClassVar = {"GET": "ledger.view"}

    @extend_schema(summary="Read an accounting period", responses=forms.PeriodSerializer)
    def get(self, request: Request, period_id: UUID) -> Response:
        NoParams.parse(request)
        period = selectors.period_find(pk=period_id)
        if period is None:
            raise NotFound
        return respond(forms.PeriodSerializer(period).data, version=period.version)


class PeriodClosureView(ApiView):
    """The closing of a period."""

    permissions: ClassVar = {"POST": "ledger.manage_periods"}
    if_match_methods: ClassVar = frozenset({"POST"})

    @extend_schema(
        summary="Close an accounting period",
        description="For good: what belongs into a closed period is posted into the open one. Periods close in order, "
        "after their last business day.",
        request=None,
        responses={200: forms.PeriodSerializer},
    )
    def post(self, request: Request, period_id: UUID) -> Response:
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        period = services.period_close(
            acting_user=caller(request), period_id=period_id, version=self.expected_version, at=clock.now()
        )
        return respond(forms.PeriodSerializer(period).data, version=period.version)


class BusinessDateView(ApiView):
    """The business day."""

    permissions: ClassVar = {"GET": ANY_USER}

    @extend_schema(summary="Read the open business day", responses=forms.BusinessDateSerializer)
    def get(self, request: Request) -> Response:
        NoParams.parse(request)
        return respond(forms.BusinessDateSerializer(selectors.business_day()).data)
