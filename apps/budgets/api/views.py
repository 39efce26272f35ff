"""Budgets over HTTP: versions, lines, activation, variance, rules, commitments, alerts."""

from __future__ import annotations

import calendar
import datetime as dt
from decimal import Decimal
from typing import Any, ClassVar, cast
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.approvals.api.serializers import ApprovalSerializer
from apps.approvals.api.views import accepted
from apps.approvals.services import request_submit
from apps.budgets import selectors, services
from apps.budgets.actions import ACTIVATE, activation_payload
from apps.budgets.api import serializers as forms
from apps.budgets.errors import BudgetLineNotValid, CostCentreNotValid
from apps.budgets.models import Budget
from apps.core import clock
from apps.core.api.etag import etag_of
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import NoBodySerializer, body_read
from apps.core.api.views import NAMES_A_RECORD, ApiView, respond
from apps.core.currencies import minor_format
from apps.core.errors import InvalidRequest
from apps.core.idempotency import transaction_id_for
from apps.identity.models import Branch, User
from apps.identity.selectors import branches_visible_to
from apps.ledger.selectors import branches_in_reach, business_date_current


def _caller(request: Request) -> User:
    return cast("User", request.user)


def _branches(user: User) -> dict[str, Branch]:
    """The branches whose books the user reaches, by code."""
    reach = branches_in_reach(user=user)
    found = branches_visible_to(user)
    return {one.code: one for one in found if reach is None or one.pk in reach}


class BudgetsView(ApiView):
    """Versions of budgets."""

    permissions: ClassVar = {"GET": "budgets.view", "POST": "budgets.manage"}
    idempotent_methods = frozenset({"POST"})
    also_answers: ClassVar = NAMES_A_RECORD

    @extend_schema(
        summary="List budgets", parameters=[forms.BudgetListParams], responses=page_of(forms.BudgetSerializer)
    )
    def get(self, request: Request) -> Response:
        """All versions, the newest first."""
        values = forms.BudgetListParams.parse(request)
        budgets = selectors.budgets_all()
        for name in ("year", "status"):
            if values[name]:
                budgets = budgets.filter(**{name: values[name]})
        return forms.BudgetListParams.page(budgets, request=request, values=values).response(forms.BudgetSerializer)

    @extend_schema(
        summary="Begin a version of a budget",
        description="A draft: empty, a copy of another version, or what the year before came to, times `factor`.",
        request=forms.BudgetCreateSerializer,
        responses={201: forms.BudgetSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.BudgetCreateSerializer, request)
        source = None
        if body["begin_with"] == "budget":
            if "copy_of" not in body:
                raise InvalidRequest("Name the version that is copied.", pointer="/copy_of")
            source = selectors.budget_get(pk=body["copy_of"])
        user, at = _caller(request), clock.now()
        budget = services.budget_draft(
            acting_user=user, year=body["year"], title=body["title"], note=body["note"],
            currency=body.get("currency") or settings.NUMINA["BASE_CURRENCY"], source=source,
            from_actuals=body["begin_with"] == "actuals", factor=body.get("factor") or Decimal(1), at=at,
            pk=transaction_id_for(user.pk, f"budget {self.idempotency_key}"),
        )  # fmt: skip
        data, location = forms.BudgetSerializer(budget).data, f"/api/v1/budgets/{budget.pk}"
        replayed = budget.created_at < at
        return respond(data, status=201, location=location, version=budget.version, replayed=replayed)


class BudgetView(ApiView):
    """One version of a budget."""

    permissions: ClassVar = {"GET": "budgets.view"}

    @extend_schema(summary="Read a budget", responses=forms.BudgetSerializer)
    def get(self, request: Request, budget_id: UUID) -> Response:
        NoParams.parse(request)
        budget = selectors.budget_get(pk=budget_id)
        return respond(forms.BudgetSerializer(budget).data, version=budget.version)


class BudgetLinesView(ApiView):
    """Lines of a budget."""

    permissions: ClassVar = {"GET": "budgets.view", "PATCH": "budgets.manage"}

    @extend_schema(
        summary="List the lines of a budget",
        parameters=[forms.BudgetLineListParams],
        responses=page_of(forms.BudgetLineSerializer),
    )
    def get(self, request: Request, budget_id: UUID) -> Response:
        """Those of the branches in reach."""
        values = forms.BudgetLineListParams.parse(request)
        budget = selectors.budget_get(pk=budget_id)
        lines = selectors.lines_visible_to(_caller(request), budget)
        page = forms.BudgetLineListParams.page(lines, request=request, values=values)
        response = page.response(forms.BudgetLineSerializer, currency=budget.currency)
        response["ETag"] = etag_of(budget.version)  # what If-Match says when lines are written
        return response

    @extend_schema(
        summary="Write lines of a draft",
        description="Those of the same branch, account and month are replaced; an amount of zero takes a line out. A "
        "year's amount is spread: evenly, by weeks (4-4-5), or as the year before went.",
        request=forms.BudgetLinesSerializer,
        responses=forms.BudgetSerializer,
    )
    def patch(self, request: Request, budget_id: UUID) -> Response:
        NoParams.parse(request)
        body = body_read(forms.BudgetLinesSerializer, request)
        budget = selectors.budget_get(pk=budget_id)
        branches = _branches(_caller(request))
        plans = []
        for place, line in enumerate(body["lines"]):
            if line["branch"] not in branches:
                raise BudgetLineNotValid(f"There is no branch {line['branch']}.", pointer=f"/lines/{place}/branch")
            if line["amount"].minor < 0:
                raise BudgetLineNotValid("A plan is not below zero.", pointer=f"/lines/{place}/amount")
            if line["amount"].currency != budget.currency:
                raise BudgetLineNotValid(f"The budget is in {budget.currency}.", pointer=f"/lines/{place}/amount")
            plans.append(
                services.LinePlan(
                    branches[line["branch"]],
                    line["account_code"],
                    line["amount"].minor,
                    line.get("month"),
                    line["spread"],
                )
            )
        budget = services.budget_lines_set(
            acting_user=_caller(request), budget=budget, lines=plans, version=self.expected_version, at=clock.now()
        )
        return respond(forms.BudgetSerializer(budget).data, version=budget.version)


class BudgetActivationView(ApiView):
    """That a version holds."""

    permissions: ClassVar = {"POST": "budgets.manage"}
    idempotent_methods = frozenset({"POST"})

    @extend_schema(
        summary="Have a version of a budget hold",
        description="It takes the place of the version before. 202 where a policy asks for approval first.",
        request=None,
        responses={200: forms.BudgetSerializer, 202: ApprovalSerializer},
    )
    def post(self, request: Request, budget_id: UUID) -> Response:
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        user, budget = _caller(request), selectors.budget_get(pk=budget_id)
        if budget.status != Budget.Status.ACTIVE:
            approval = request_submit(
                kind=ACTIVATE, maker=user, payload=activation_payload(budget), at=clock.now(), key=self.idempotency_key
            )
            if approval is not None:
                return accepted(approval)
            budget = services.budget_activate_now(acting_user=user, budget=budget, at=clock.now())
        return respond(forms.BudgetSerializer(budget).data, version=budget.version)


class BudgetVarianceView(ApiView):
    """What became of a budget."""

    permissions: ClassVar = {"GET": "budgets.view"}

    @extend_schema(
        summary="Compare a budget with what was spent",
        description="By branch and account; commitments count as spent. What was not planned is there too.",
        parameters=[forms.VarianceParams],
        responses=forms.BudgetVariancesSerializer,
    )
    def get(self, request: Request, budget_id: UUID) -> Response:
        values = forms.VarianceParams.parse(request)
        budget = selectors.budget_get(pk=budget_id)
        first, last = months_of(budget, values["from"], values["to"])
        user = _caller(request)
        reach = branches_in_reach(user=user)
        if values["branch"]:
            branches = _branches(user)
            reach = [branches[values["branch"]].pk] if values["branch"] in branches else []
        rows = selectors.variance(
            budget=budget, first=first, last=last, branch_ids=reach, cost_centre=values["cost_centre"] or ""
        )
        return respond({"currency": budget.currency, "from": first, "to": last, "rows": _shown(budget, rows)})


def months_of(budget: Budget, since: int, until: int | None) -> tuple[dt.date, dt.date]:
    """The first and the last day of the months from `since`; to the open month of the year unless `until` is given."""
    today = business_date_current()
    last = until or (today.month if today.year == budget.year else 12)
    last = max(last, since)
    return dt.date(budget.year, since, 1), dt.date(budget.year, last, calendar.monthrange(budget.year, last)[1])


def _shown(budget: Budget, rows: list[selectors.Variance]) -> list[dict[str, Any]]:
    return [
        {
            "branch": row.branch,
            "account_code": row.code,
            "account_name": row.name,
            "account_kind": row.type,
            "cost_centre": row.cost_centre,
            **{
                name: minor_format(getattr(row, name), budget.currency)
                for name in ("planned", "actual", "committed", "left")
            },
            "is_favourable": row.is_good,
        }
        for row in rows
    ]


class CostCentresView(ApiView):
    """Cost centres."""

    permissions: ClassVar = {"GET": "budgets.view", "PUT": "budgets.manage"}
    if_match_methods: ClassVar = frozenset()

    @extend_schema(
        summary="List cost centres",
        parameters=[forms.CostCentreListParams],
        responses=page_of(forms.CostCentreSerializer),
    )
    def get(self, request: Request) -> Response:
        """By code, each with its places."""
        values = forms.CostCentreListParams.parse(request)
        page = forms.CostCentreListParams.page(selectors.cost_centres_all(), request=request, values=values)
        return page.response(forms.CostCentreSerializer)

    @extend_schema(
        summary="Set a cost centre",
        description="Makes it, or replaces its name and all of its places. A place belongs to one cost centre; the "
        "nearest up the chart counts, a branch's own before that of every branch.",
        request=forms.CostCentreRequestSerializer,
        responses=forms.CostCentreSerializer,
    )
    def put(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.CostCentreRequestSerializer, request)
        user = _caller(request)
        branches = _branches(user)
        places = []
        for place, one in enumerate(body["places"]):
            if one.get("branch") and one["branch"] not in branches:
                raise CostCentreNotValid("There is no such branch.", pointer=f"/places/{place}/branch")
            places.append((branches.get(one.get("branch") or ""), one["account_code"]))
        made = services.cost_centre_set(
            acting_user=user, code=body["code"], name=body["name"], places=places, at=clock.now()
        )
        return respond(forms.CostCentreSerializer(made).data)


class BudgetRulesView(ApiView):
    """Rules of control."""

    permissions: ClassVar = {"GET": "budgets.view", "PUT": "budgets.manage"}
    if_match_methods: ClassVar = frozenset()

    @extend_schema(
        summary="List rules of budget control",
        parameters=[forms.BudgetRuleListParams],
        responses=page_of(forms.BudgetRuleSerializer),
    )
    def get(self, request: Request) -> Response:
        """The newest first."""
        values = forms.BudgetRuleListParams.parse(request)
        page = forms.BudgetRuleListParams.page(selectors.rules_all(), request=request, values=values)
        return page.response(forms.BudgetRuleSerializer)

    @extend_schema(
        summary="Set a rule of budget control",
        description="For an expense account, or a header with all below it; the nearest rule up the chart counts.",
        request=forms.BudgetRuleRequestSerializer,
        responses={200: forms.BudgetRuleSerializer, 204: None},
    )
    def put(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.BudgetRuleRequestSerializer, request)
        rule = services.rule_set(
            acting_user=_caller(request), code=body["account_code"], mode=body["mode"], span=body["span"],
            alert_percent=body["alert_percent"], at=clock.now(),
        )  # fmt: skip
        return Response(status=204) if rule is None else respond(forms.BudgetRuleSerializer(rule).data)


class CommitmentsView(ApiView):
    """Money that is promised."""

    permissions: ClassVar = {"GET": "budgets.view", "POST": "budgets.manage"}

    @extend_schema(
        summary="List commitments",
        parameters=[forms.CommitmentListParams],
        responses=page_of(forms.CommitmentSerializer),
    )
    def get(self, request: Request) -> Response:
        """Those of the branches in reach, the newest first."""
        values = forms.CommitmentListParams.parse(request)
        found = selectors.commitments_visible_to(_caller(request))
        if values["status"]:
            found = found.filter(status=values["status"])
        page = forms.CommitmentListParams.page(found, request=request, values=values)
        return page.response(forms.CommitmentSerializer)

    @extend_schema(
        summary="Promise money of a budget",
        description="Checked as an entry is: a rule that stops refuses what the budget does not leave.",
        request=forms.CommitmentCreateSerializer,
        responses={201: forms.CommitmentSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.CommitmentCreateSerializer, request)
        branch = _branches(_caller(request)).get(body["branch"])
        if branch is None:
            raise BudgetLineNotValid("There is no such branch.", pointer="/branch")
        made = services.commitment_create(
            acting_user=_caller(request), branch=branch, code=body["account_code"], month=body["month"],
            amount=body["amount"].minor, currency=body["amount"].currency, reference=body["reference"],
            description=body["description"], at=clock.now(),
        )  # fmt: skip
        return respond(forms.CommitmentSerializer(made).data, status=201)


class CommitmentEndView(ApiView):
    """The end of a commitment."""

    permissions: ClassVar = {"POST": "budgets.manage"}

    @extend_schema(
        summary="End a commitment",
        description="Spent or released: its money is free in the budget again.",
        request=forms.CommitmentEndSerializer,
        responses={200: forms.CommitmentSerializer},
    )
    def post(self, request: Request, commitment_id: UUID) -> Response:
        NoParams.parse(request)
        body = body_read(forms.CommitmentEndSerializer, request)
        found = selectors.commitment_get_for(user=_caller(request), pk=commitment_id)
        ended = services.commitment_end(
            acting_user=_caller(request), commitment=found, status=body["status"], at=clock.now()
        )
        return respond(forms.CommitmentSerializer(ended).data)


class BudgetAlertsView(ApiView):
    """Alerts of budgets."""

    permissions: ClassVar = {"GET": "budgets.view"}

    @extend_schema(
        summary="List alerts of budgets",
        parameters=[forms.BudgetAlertListParams],
        responses=page_of(forms.BudgetAlertSerializer),
    )
    def get(self, request: Request) -> Response:
        """Those of the branches in reach, the newest first."""
        values = forms.BudgetAlertListParams.parse(request)
        found = selectors.alerts_visible_to(_caller(request))
        if values["level"]:
            found = found.filter(level=values["level"])
        page = forms.BudgetAlertListParams.page(found, request=request, values=values)
        return page.response(forms.BudgetAlertSerializer)
