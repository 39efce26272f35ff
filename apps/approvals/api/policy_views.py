"""Policies, the simulator, delegations and the report over HTTP."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.approvals import services
from apps.approvals.api import policy_serializers as forms
from apps.approvals.api.serializers import ApprovalSerializer
from apps.approvals.api.views import DECIDE, USE, accepted, caller, user_named
from apps.approvals.models import ApprovalPolicy
from apps.approvals.registry import actions_all
from apps.approvals.selectors import delegation_get_for, delegations_visible_to, sla_report
from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import NoBodySerializer, body_read
from apps.core.api.views import NAMES_A_RECORD, ApiView, respond
from apps.core.errors import CurrencyMismatch
from apps.identity.selectors import branch_by_code

VIEW, MANAGE = "approvals.view", "approvals.manage_policies"
REPORT_DAYS = 30


class KindsView(ApiView):
    """Kinds of actions."""

    permissions: ClassVar = {"GET": USE}

    @extend_schema(summary="List kinds of actions", responses=forms.ApprovalKindsSerializer)
    def get(self, request: Request) -> Response:
        """Every action that can need approval."""
        NoParams.parse(request)
        return respond(forms.ApprovalKindsSerializer({"data": actions_all()}).data)


class PoliciesView(ApiView):
    """Policies and their versions."""

    permissions: ClassVar = {"GET": VIEW, "POST": MANAGE}
    step_up = frozenset({"POST"})

    @extend_schema(
        summary="List approval policies",
        parameters=[forms.ApprovalPolicyListParams],
        responses=page_of(forms.ApprovalPolicySerializer),
    )
    def get(self, request: Request) -> Response:
        """Every version, the newest first."""
        values = forms.ApprovalPolicyListParams.parse(request)
        policies = ApprovalPolicy.objects.all()
        for name, column in (("kind", "kind"), ("status", "state")):
            if values[name] is not None:
                policies = policies.filter(**{column: values[name]})
        page = forms.ApprovalPolicyListParams.page(policies, request=request, values=values)
        return page.response(forms.ApprovalPolicySerializer)

    @extend_schema(
        summary="Draft an approval policy",
        description="The next version of a kind's rules. Gaps and overlaps of bands, and names that do not exist, are "
        "refused with every fault. It does nothing until it is activated.",
        request=forms.ApprovalPolicyDraftSerializer,
        responses={201: forms.ApprovalPolicySerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.ApprovalPolicyDraftSerializer, request)
        policy = services.policy_draft(acting_user=caller(request), **body)
        data = forms.ApprovalPolicySerializer(policy).data
        return respond(data, status=201, version=policy.version, location=f"/api/v1/approvals/policies/{policy.pk}")


class PolicyView(ApiView):
    """One version of a policy."""

    permissions: ClassVar = {"GET": VIEW}

    @extend_schema(summary="Read an approval policy", responses=forms.ApprovalPolicySerializer)
    def get(self, request: Request, policy_id: UUID) -> Response:
        """The version as it was written; it never changes."""
        NoParams.parse(request)
        policy = services.policy_get(policy_id=policy_id)
        return respond(forms.ApprovalPolicySerializer(policy).data, version=policy.version)


class PolicyActivationView(ApiView):
    """Putting a draft in force."""

    permissions: ClassVar = {"POST": MANAGE}
    step_up = frozenset({"POST"})

    @extend_schema(
        summary="Activate an approval policy",
        description="202 with the approval that it needs, or 200 where none is. Requests under way keep their rules.",
        request=None,
        responses={200: forms.ApprovalPolicySerializer, 202: ApprovalSerializer},
    )
    def post(self, request: Request, policy_id: UUID) -> Response:
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        policy, approval = services.policy_propose(acting_user=caller(request), policy_id=policy_id, at=clock.now())
        if approval is not None:
            return accepted(approval)
        return respond(forms.ApprovalPolicySerializer(policy).data, version=policy.version)


class PolicyWithdrawalView(ApiView):
    """Dropping a draft."""

    permissions: ClassVar = {"POST": MANAGE}
    step_up = frozenset({"POST"})

    @extend_schema(summary="Drop a draft of a policy", request=None, responses={200: forms.ApprovalPolicySerializer})
    def post(self, request: Request, policy_id: UUID) -> Response:
        """What is in force is ended by a later version instead."""
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        policy = services.policy_withdraw(acting_user=caller(request), policy_id=policy_id, at=clock.now())
        return respond(forms.ApprovalPolicySerializer(policy).data, version=policy.version)


class SimulationsView(ApiView):
    """Who would approve this?"""

    permissions: ClassVar = {"POST": VIEW}
    also_answers: ClassVar = NAMES_A_RECORD

    @extend_schema(
        summary="Simulate an approval",
        description="Which rule would ask, which levels, and who could decide on them now. Nothing is written.",
        request=forms.ApprovalSimulateSerializer,
        responses={200: forms.SimulatedSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.ApprovalSimulateSerializer, request)
        maker = user_named(body["maker_id"]) if "maker_id" in body else caller(request)
        simulated = services.policy_simulate(
            kind=body["kind"],
            day=body.get("as_of") or clock.bank_day(clock.now()),
            amount=body.get("amount"),
            maker=maker,
            branch=branch_by_code(body["branch"]) if "branch" in body else maker.branch,
            facts={name: body[name] for name in ("product", "member_type", "channel", "risk_flags") if name in body},
            document=body.get("document"),
        )
        return respond(forms.SimulatedSerializer(simulated).data)


class DelegationsView(ApiView):
    """Who stands in for whom."""

    permissions: ClassVar = {"GET": DECIDE, "POST": DECIDE}
    step_up = frozenset({"POST"})

    @extend_schema(
        summary="List delegations",
        parameters=[forms.DelegationListParams],
        responses=page_of(forms.DelegationSerializer),
    )
    def get(self, request: Request) -> Response:
        """Given and received; all of them for those who administer approvals."""
        values = forms.DelegationListParams.parse(request)
        rows = delegations_visible_to(caller(request))
        if values["status"] is not None:
            rows = rows.filter(state=values["status"])
        page = forms.DelegationListParams.page(rows, request=request, values=values)
        return page.response(forms.DelegationSerializer)

    @extend_schema(
        summary="Delegate one's approvals",
        description="For a time, at most a year, within a limit, never in a circle. It works once it is approved; "
        "`approval_url` says where that waits.",
        request=forms.DelegationCreateSerializer,
        responses={201: forms.DelegationSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.DelegationCreateSerializer, request)
        limit, base = body.get("limit"), settings.NUMINA["BASE_CURRENCY"]
        if limit is not None and limit.currency != base:
            raise CurrencyMismatch(f"Limits are in {base}.", pointer="/limit")
        row, approval = services.delegation_create(
            acting_user=caller(request),
            delegate=user_named(body["delegate_id"]),
            starts_at=body["starts_at"],
            ends_at=body["ends_at"],
            kinds=body.get("kinds", []),
            limit=limit,
            reason=body.get("reason", ""),
            at=clock.now(),
        )
        url = approval.url if approval is not None else ""
        data = forms.DelegationSerializer(row, context={"approval_url": url}).data
        return respond(data, status=201, version=row.version, location="/api/v1/approvals/delegations")


class DelegationRevocationView(ApiView):
    """Taking it back."""

    permissions: ClassVar = {"POST": DECIDE}

    @extend_schema(summary="Revoke a delegation", request=None, responses={200: forms.DelegationSerializer})
    def post(self, request: Request, delegation_id: UUID) -> Response:
        """At once. By the one who gave it, or who administers approvals."""
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        row = delegation_get_for(user=caller(request), pk=delegation_id)
        row = services.delegation_end(delegation_id=row.pk, acting_user=caller(request), at=clock.now())
        return respond(forms.DelegationSerializer(row).data, version=row.version)


class SlaReportView(ApiView):
    """How long decisions take."""

    permissions: ClassVar = {"GET": VIEW}

    @extend_schema(
        summary="Report on the time that decisions take",
        description="By kind and level: open, late, decided, decided late, median and 90th percentile. A role of one "
        "branch sees that branch's figures.",
        parameters=[forms.SlaReportParams],
        responses=forms.SlaReportSerializer,
    )
    def get(self, request: Request) -> Response:
        values = forms.SlaReportParams.parse(request)
        at = clock.now()
        until = values["to"] or at
        user = caller(request)
        rows = sla_report(
            since=values["from"] or until - dt.timedelta(days=REPORT_DAYS),
            until=until,
            at=at,
            branch_ids=None if user.scope == "all" else list(user.branch_ids),
        )
        return respond(forms.SlaReportSerializer({"as_of": at, "data": rows}).data)
