"""Groups and the collections of their meetings over HTTP."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import body_read
from apps.core.api.views import NAMES_A_RECORD, ApiView, respond
from apps.core.errors import NotFound, PermissionDenied
from apps.core.idempotency import request_fingerprint
from apps.core.money import Money
from apps.identity.guards import amount_check
from apps.identity.models import Branch
from apps.ledger.selectors import business_date_current
from apps.lending.api import ops_answers as answers
from apps.lending.api import ops_forms as forms
from apps.lending.api.product_views import minor_of, user_of
from apps.lending.groups import Paid, collection_take, dues_of, group_create, group_join, group_leave, loans_of
from apps.lending.models import GroupMeeting
from apps.lending.selectors import group_get_for, groups_visible_to
from apps.lending.services import Asked
from apps.members.selectors import member_get_for

VIEW, SECURE = "lending.view", "lending.secure"


class LoanGroupsView(ApiView):
    """Groups."""

    permissions: ClassVar = {"GET": VIEW, "POST": SECURE}
    also_answers: ClassVar = NAMES_A_RECORD

    @extend_schema(
        summary="List loan groups",
        description="Those of the bank, of the user's branches, or the user's own, by the user's role.",
        parameters=[forms.LoanGroupsQuery],
        responses=page_of(answers.LoanGroupAnswer),
    )
    def get(self, request: Request) -> Response:
        values = forms.LoanGroupsQuery.parse(request)
        groups = groups_visible_to(user_of(request))
        return forms.LoanGroupsQuery.page(groups, request=request, values=values).response(answers.LoanGroupAnswer)

    @extend_schema(summary="Found a loan group", request=forms.LoanGroupForm, responses={201: answers.LoanGroupAnswer})
    def post(self, request: Request) -> Response:
        """At a branch in one's reach."""
        NoParams.parse(request)
        user = user_of(request)
        body = body_read(forms.LoanGroupForm, request)
        branch = Branch.objects.filter(pk=body.pop("branch_id")).first()
        if branch is None or (user.scope != "all" and branch.pk not in user.branch_ids):
            raise NotFound("No such branch.")
        group = group_create(acting_user=user, branch_id=branch.pk, at=clock.now(), **body)
        location = f"/api/v1/loan-groups/{group.pk}"
        return respond(answers.LoanGroupAnswer(group).data, status=201, location=location)


class LoanGroupView(ApiView):
    """One group."""

    permissions: ClassVar = {"GET": VIEW}

    @extend_schema(summary="Read a loan group with its sheet", responses=answers.LoanGroupDetailAnswer)
    def get(self, request: Request, group_id: UUID) -> Response:
        """Its members, and each loan with what is due of it today: the sheet of the next meeting."""
        NoParams.parse(request)
        user = user_of(request)
        group = group_get_for(user=user, pk=group_id)
        loans = list(loans_of(group))
        if user.scope not in ("all", "branch"):
            loans = [loan for loan in loans if loan.member.user_id == user.pk]
        dues = dues_of(loans, business_date_current())
        shown: dict[str, Any] = dict(answers.LoanGroupAnswer(group).data)
        members = group.members.filter(left_on__isnull=True).order_by("pk")
        shown["member_ids"] = [str(one) for one in members.values_list("member", flat=True)]
        rows = [
            {
                "loan_id": loan.pk, "loan": loan.number, "member_id": loan.member_id,
                "member_name": loan.member.display_name, "due": Money(dues.get(loan.pk, 0), loan.currency),
            }
            for loan in loans
        ]  # fmt: skip
        shown["sheet"] = answers.SheetRowAnswer(rows, many=True).data
        return respond(shown)


class LoanGroupMembersView(ApiView):
    """Joining a group."""

    permissions: ClassVar = {"POST": SECURE}
    also_answers: ClassVar = NAMES_A_RECORD

    @extend_schema(
        summary="Add a member to a loan group",
        request=forms.LoanGroupMemberForm,
        responses={201: answers.LoanGroupAnswer},
    )
    def post(self, request: Request, group_id: UUID) -> Response:
        """Of the group's branch, and of no other group."""
        NoParams.parse(request)
        user = user_of(request)
        group = group_get_for(user=user, pk=group_id)
        body = body_read(forms.LoanGroupMemberForm, request)
        member = member_get_for(user=user, pk=body["member_id"])
        group_join(acting_user=user, group=group, member_id=member.pk, today=business_date_current(), at=clock.now())
        location = f"/api/v1/loan-groups/{group.pk}"
        return respond(answers.LoanGroupAnswer(group).data, status=201, location=location)


class LoanGroupDeparturesView(ApiView):
    """Leaving a group."""

    permissions: ClassVar = {"POST": SECURE}
    also_answers: ClassVar = NAMES_A_RECORD

    @extend_schema(
        summary="Take a member out of a loan group",
        request=forms.LoanGroupMemberForm,
        responses=answers.LoanGroupAnswer,
    )
    def post(self, request: Request, group_id: UUID) -> Response:
        """Not while loans of the group are open: each of its members answers for them."""
        NoParams.parse(request)
        user = user_of(request)
        group = group_get_for(user=user, pk=group_id)
        body = body_read(forms.LoanGroupMemberForm, request)
        group_leave(
            acting_user=user, group=group, member_id=body["member_id"], today=business_date_current(), at=clock.now()
        )
        return respond(answers.LoanGroupAnswer(group).data)


class LoanGroupCollectionsView(ApiView):
    """The collection of a meeting."""

    permissions: ClassVar = {"POST": "lending.repay"}
    idempotent_methods: ClassVar = frozenset({"POST"})
    also_answers: ClassVar = NAMES_A_RECORD

    @extend_schema(
        summary="Enter the collection of a meeting",
        description="Each row is a payment of its loan. What cannot be taken is in the answer with its reason; sent "
        "again under the same key, nothing is taken twice.",
        request=forms.CollectionForm,
        responses={201: answers.MeetingAnswer},
    )
    def post(self, request: Request, group_id: UUID) -> Response:
        NoParams.parse(request)
        user, at = user_of(request), clock.now()
        group = group_get_for(user=user, pk=group_id)
        if user.scope not in ("all", "branch"):
            raise PermissionDenied("The bank enters what was collected.", permission="lending.repay")
        body = body_read(forms.CollectionForm, request)
        loans = {loan.number: loan for loan in loans_of(group)}
        rows = []
        for number, row in enumerate(body["rows"]):
            money = row["amount"]
            loan = loans.get(row["loan"])
            if loan is not None:
                minor_of(money, currency=loan.currency, pointer=f"/rows/{number}/amount/currency")
            amount_check(user, "lending.repay", money.minor, money.currency, at=at)
            rows.append(Paid(row["loan"], money.minor))
        fingerprint = request_fingerprint(method="POST", path=request.path, body=dict(request.data))
        meeting = collection_take(
            asked=Asked(user, self.idempotency_key, fingerprint), group=group, rows=rows, channel=body.get("channel"),
            today=business_date_current(), at=at,
        )  # fmt: skip
        currency = next(iter(loans.values())).currency if loans else body["rows"][0]["amount"].currency
        location = f"/api/v1/loan-groups/{group.pk}"
        data = answers.MeetingAnswer(_shown(meeting, currency)).data
        return respond(data, status=201, location=location, replayed=meeting.created_at < at)


def _shown(meeting: GroupMeeting, currency: str) -> dict[str, Any]:
    return {
        "id": meeting.pk,
        "held_on": meeting.held_on,
        **{name: Money(getattr(meeting, name), currency) for name in ("due", "collected", "missing")},
        "rows": [
            {
                "loan": row["loan"], "due": Money(row["due"], currency), "paid": Money(row["paid"], currency),
                "event_id": row["event"] or None, "why": row["why"],
            }
            for row in meeting.rows
        ],
    }  # fmt: skip
