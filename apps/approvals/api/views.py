"""Approvals over HTTP: parse, call one service, present."""

from __future__ import annotations

from typing import Any, ClassVar, cast
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.approvals import services
from apps.approvals.api import serializers as forms
from apps.approvals.errors import ApprovalNotNeeded, ApproverNotUsable
from apps.approvals.models import ApprovalRequest
from apps.approvals.selectors import levels_in_box, request_get_for, requests_in_box, trail_of
from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import body_read
from apps.core.api.views import NAMES_A_RECORD, ApiView, respond
from apps.identity.models import User

USE, DECIDE = "approvals.request", "approvals.decide"

SUBMIT_EXAMPLE = OpenApiExample(
    "Roles of a user",
    value={
        "kind": "identity.user_roles",
        "payload": {
            "user_id": "019a9d0c-4d1e-7c5e-8f3b-2a1d0c9b8a7f",
            "roles": ["teller"],
            "reason": "Moves to the counter",
        },
    },
    request_only=True,
)


def caller(request: Request) -> User:
    """The user of a request that has passed its permission."""
    return cast("User", request.user)


def shown(approval: ApprovalRequest, *, status: int = 200, location: str = "", replayed: bool = False) -> Response:
    """A request, whole, with its ETag."""
    data = forms.ApprovalDetailSerializer(approval).data
    return respond(data, status=status, version=approval.version, location=location, replayed=replayed)


def accepted(approval: ApprovalRequest, *, replayed: bool = False) -> Response:
    """202: nothing is done yet; Location says where the request waits."""
    data = forms.ApprovalSerializer(approval).data
    return respond(data, status=202, version=approval.version, location=approval.url, replayed=replayed)


class TasksView(ApiView):
    """Open levels that ask the caller."""

    permissions: ClassVar = {"GET": USE}
    box = "queue"

    @extend_schema(parameters=[forms.ApprovalTaskListParams], responses=page_of(forms.ApprovalTaskSerializer))
    def get(self, request: Request) -> Response:
        """The most urgent first. Empty for those who do not decide."""
        values = forms.ApprovalTaskListParams.parse(request)
        levels = levels_in_box(user=caller(request), box=self.box, at=clock.now())
        if values["kind"] is not None:
            levels = levels.filter(request__kind=values["kind"])
        page = forms.ApprovalTaskListParams.page(levels, request=request, values=values)
        return page.response(forms.ApprovalTaskSerializer)


class ApprovalsView(ApiView):
    """Requests for approval, and new ones."""

    permissions: ClassVar = {"GET": USE, "POST": USE}
    idempotent_methods: ClassVar = frozenset({"POST"})
    also_answers: ClassVar = {"POST": frozenset({404, 409})}
    box = "all"

    @extend_schema(
        summary="List requests for approval",
        description="Those that you made or decided on and, with approvals.view, those of your reach.",
        parameters=[forms.ApprovalListParams],
        responses=page_of(forms.ApprovalSerializer),
    )
    def get(self, request: Request) -> Response:
        return _requests(request, self.box)

    @extend_schema(
        summary="Ask for approval",
        description="For kinds that have no operation of their own; where one exists, calling it asks. 422 "
        "`approval-not-needed` when no rule asks for approval.",
        request=forms.ApprovalSubmitSerializer,
        responses={202: forms.ApprovalSerializer},
        examples=[SUBMIT_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.ApprovalSubmitSerializer, request)
        at = clock.now()
        approval = services.request_submit(maker=caller(request), at=at, key=self.idempotency_key, **body)
        if approval is None:
            raise ApprovalNotNeeded
        return accepted(approval, replayed=approval.created_at < at)


class RequestsView(ApiView):
    """Requests of one box: sent or done."""

    permissions: ClassVar = {"GET": USE}
    box = "sent"

    @extend_schema(parameters=[forms.ApprovalListParams], responses=page_of(forms.ApprovalSerializer))
    def get(self, request: Request) -> Response:
        """The newest first."""
        return _requests(request, self.box)


def _requests(request: Request, box: str) -> Response:
    values = forms.ApprovalListParams.parse(request)
    requests = requests_in_box(user=caller(request), box=box)
    for name, column in (("kind", "kind"), ("status", "state")):
        if values[name] is not None:
            requests = requests.filter(**{column: values[name]})
    page = forms.ApprovalListParams.page(requests, request=request, values=values)
    return page.response(forms.ApprovalSerializer)


class OneApprovalView(ApiView):
    """What views of one request share."""

    def found(self, request: Request, approval_id: UUID) -> ApprovalRequest:
        """The request, when it is any business of the caller's."""
        NoParams.parse(request)
        return request_get_for(user=caller(request), public_id=approval_id, at=clock.now())

    def change(self, request: Request, **more: Any) -> dict[str, Any]:
        """What every change of a request needs."""
        return {
            "acting_user": caller(request),
            "expected_version": self.expected_version,
            "at": clock.now(),
            **more,
        }


class ApprovalView(OneApprovalView):
    """One request."""

    permissions: ClassVar = {"GET": USE}

    @extend_schema(summary="Read a request for approval", responses=forms.ApprovalDetailSerializer)
    def get(self, request: Request, approval_id: UUID) -> Response:
        """What changes, why approval is asked for, by whom, and what was decided."""
        return shown(self.found(request, approval_id))


class ApprovalTrailView(ApiView):
    """What happened to one request."""

    permissions: ClassVar = {"GET": USE}

    @extend_schema(
        summary="Read the trail of a request",
        parameters=[forms.ApprovalEventListParams],
        responses=page_of(forms.ApprovalEventSerializer),
    )
    def get(self, request: Request, approval_id: UUID) -> Response:
        """Steps, comments, delegations, escalations: who, when, why."""
        values = forms.ApprovalEventListParams.parse(request)
        approval = request_get_for(user=caller(request), public_id=approval_id, at=clock.now())
        page = forms.ApprovalEventListParams.page(trail_of(approval), request=request, values=values)
        return page.response(forms.ApprovalEventSerializer)


class ApprovalDecisionView(OneApprovalView):
    """Deciding."""

    permissions: ClassVar = {"POST": DECIDE}
    if_match_methods: ClassVar = frozenset({"POST"})

    @extend_schema(
        summary="Decide on a request",
        description="The last approval carries the action out at once; the answer says what came of it. The same "
        "decision again changes nothing.",
        request=forms.ApprovalDecideSerializer,
        responses={200: forms.ApprovalDetailSerializer},
    )
    def post(self, request: Request, approval_id: UUID) -> Response:
        approval = self.found(request, approval_id)
        body = body_read(forms.ApprovalDecideSerializer, request)
        decided = services.request_decide(**self.change(request, request_id=approval.public_id, **body))
        return shown(decided.request, replayed=decided.replayed)


class ApprovalResubmissionView(OneApprovalView):
    """Sending again what was returned."""

    permissions: ClassVar = {"POST": USE}
    if_match_methods: ClassVar = frozenset({"POST"})

    @extend_schema(
        summary="Send a returned request again",
        request=forms.ApprovalResubmitSerializer,
        responses={200: forms.ApprovalDetailSerializer},
    )
    def post(self, request: Request, approval_id: UUID) -> Response:
        """A new round under the rules of today. Only the maker does this."""
        approval = self.found(request, approval_id)
        body = body_read(forms.ApprovalResubmitSerializer, request)
        return shown(services.request_resubmit(**self.change(request, request_id=approval.public_id, **body)))


class ApprovalCancellationView(OneApprovalView):
    """Withdrawing."""

    permissions: ClassVar = {"POST": USE}
    if_match_methods: ClassVar = frozenset({"POST"})

    @extend_schema(
        summary="Withdraw a request",
        request=forms.ApprovalReasonSerializer,
        responses={200: forms.ApprovalDetailSerializer},
    )
    def post(self, request: Request, approval_id: UUID) -> Response:
        """By its maker, as long as it is not carried out."""
        approval = self.found(request, approval_id)
        body = body_read(forms.ApprovalReasonSerializer, request)
        return shown(services.request_cancel(**self.change(request, request_id=approval.public_id, **body)))


class ApprovalAssignmentView(OneApprovalView):
    """Handing on."""

    permissions: ClassVar = {"POST": USE}
    if_match_methods: ClassVar = frozenset({"POST"})

    @extend_schema(
        summary="Hand an open level on to a colleague",
        request=forms.ApprovalAssignSerializer,
        responses={200: forms.ApprovalDetailSerializer},
    )
    def post(self, request: Request, approval_id: UUID) -> Response:
        """By whom the level asks, or who administers approvals. The colleague then decides alone."""
        approval = self.found(request, approval_id)
        body = body_read(forms.ApprovalAssignSerializer, request)
        to = user_named(body.pop("user_id"))
        changed = services.request_reassign(**self.change(request, request_id=approval.public_id, to=to, **body))
        return shown(changed)


def user_named(user_id: UUID) -> User:
    """An active user by id. Raises ApproverNotUsable, also for one that does not exist."""
    user = User.objects.filter(pk=user_id, is_active=True).prefetch_related("user_roles__role").first()
    if user is None:
        raise ApproverNotUsable("There is no such user.", pointer="/user_id")
    return user


class ApprovalEscalationView(OneApprovalView):
    """Escalating by hand."""

    permissions: ClassVar = {"POST": USE}
    if_match_methods: ClassVar = frozenset({"POST"})

    @extend_schema(
        summary="Escalate a request",
        request=forms.ApprovalReasonSerializer,
        responses={200: forms.ApprovalDetailSerializer},
    )
    def post(self, request: Request, approval_id: UUID) -> Response:
        """Ask a wider circle now, as it would happen when the level is late."""
        approval = self.found(request, approval_id)
        body = body_read(forms.ApprovalReasonSerializer, request)
        return shown(services.request_escalate(**self.change(request, request_id=approval.public_id, **body)))


class ApprovalRetryView(OneApprovalView):
    """Trying again what failed."""

    permissions: ClassVar = {"POST": USE}
    if_match_methods: ClassVar = frozenset({"POST"})

    @extend_schema(
        summary="Try a failed request again",
        request=forms.ApprovalReasonSerializer,
        responses={200: forms.ApprovalDetailSerializer},
    )
    def post(self, request: Request, approval_id: UUID) -> Response:
        """By its maker, or who administers approvals; it stays approved."""
        approval = self.found(request, approval_id)
        body = body_read(forms.ApprovalReasonSerializer, request)
        return shown(services.request_retry(**self.change(request, request_id=approval.public_id, **body)))


class ApprovalCommentsView(OneApprovalView):
    """The thread."""

    permissions: ClassVar = {"POST": USE}

    @extend_schema(
        summary="Comment on a request",
        request=forms.ApprovalCommentSerializer,
        responses={200: forms.ApprovalDetailSerializer},
    )
    def post(self, request: Request, approval_id: UUID) -> Response:
        """It stays in the trail, whatever becomes of the request."""
        approval = self.found(request, approval_id)
        body = body_read(forms.ApprovalCommentSerializer, request)
        services.request_comment(
            acting_user=caller(request), request_id=approval.public_id, at=clock.now(), comment=body["comment"]
        )
        return shown(approval)


class BulkDecisionsView(ApiView):
    """Deciding on many."""

    permissions: ClassVar = {"POST": DECIDE}
    also_answers: ClassVar = NAMES_A_RECORD

    @extend_schema(
        summary="Decide on many requests",
        description="One kind, nothing flagged, within the policy's limit for bulk. Each is decided on its own; the "
        "answer says what became of it and why some were skipped.",
        request=forms.ApprovalBulkSerializer,
        responses={200: forms.ApprovalBulkShownSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.ApprovalBulkSerializer, request)
        items = [services.BulkItem(item["id"], item["version"]) for item in body["items"]]
        results = services.requests_decide(
            acting_user=caller(request),
            items=items,
            verdict=body["verdict"],
            comment=body.get("comment", ""),
            at=clock.now(),
        )
        rows = [
            {
                "id": result.request_id,
                "outcome": "done" if result.error is None else "skipped",
                "status": result.request.state if result.request is not None else None,
                "code": result.error.code if result.error is not None else None,
                "detail": result.error.detail if result.error is not None else None,
            }
            for result in results
        ]
        done = sum(row["outcome"] == "done" for row in rows)
        data = {"done": done, "skipped": len(rows) - done, "items": rows}
        return respond(forms.ApprovalBulkShownSerializer(data).data)
