"""Members over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import body_read
from apps.core.api.views import ApiView, respond
from apps.core.errors import InvalidParameter, InvalidRequest
from apps.ledger.selectors import business_date_current
from apps.members import services
from apps.members.api import serializers as forms
from apps.members.facts import phone_normal
from apps.members.identity_numbers import members_with_number, numbers_reveal
from apps.members.models import Member
from apps.members.search import phone_indexes
from apps.members.selectors import member_get_for, members_search, members_visible_to

if TYPE_CHECKING:
    from apps.identity.models import User

PERSON_EXAMPLE = OpenApiExample(
    "a person",
    value={
        "kind": "person",
        "first_name": "Alice",
        "last_name": "Wanjiku",
        "date_of_birth": "1990-02-28",
        "phone": "+254 712 345678",
        "email": "alice@example.com",
        "city": "Nairobi",
        "country": "KE",
    },
    request_only=True,
)


LOOKUP_MAX = 20


def user_of(request: Request) -> User:
    """Who asks: views that are not public have a user."""
    return cast("User", request.user)


def member_response(member: Member, *, status: int = 200, location: str = "") -> Response:
    """A member with its ETag."""
    return respond(forms.MemberSerializer(member).data, status=status, version=member.version, location=location)


class MembersView(ApiView):
    """The members that the user may see, and new ones."""

    permissions: ClassVar = {"GET": "members.view", "POST": "members.create"}

    @extend_schema(
        summary="List members",
        description="Members of the bank, of the user's branch, or the user's own record, by the user's role.",
        parameters=[forms.MembersQuery],
        responses=page_of(forms.MemberSerializer),
    )
    def get(self, request: Request) -> Response:
        values = forms.MembersQuery.parse(request)
        members = members_visible_to(user_of(request))
        for name in ("number", "email", "kind", "status", "branch_id"):
            if values[name] is not None:
                members = members.filter(**{name: values[name]})
        if values["phone"] is not None:
            try:
                members = members.filter(phone_index__in=phone_indexes(phone_normal(values["phone"])))
            except ValueError as error:
                fault = {"pointer": "/query/phone", "code": "invalid", "detail": str(error)}
                raise InvalidParameter([fault]) from error
        if values["q"] is not None:
            members = members_search(members, text=values["q"])
        return forms.MembersQuery.page(members, request=request, values=values).response(forms.MemberSerializer)

    @extend_schema(
        summary="Register a member",
        request=forms.MemberCreateSerializer,
        responses={201: forms.MemberSerializer},
        examples=[PERSON_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.MemberCreateSerializer, request)
        branch_id = body.pop("branch_id", None) or user_of(request).branch_id
        if branch_id is None:
            raise InvalidRequest("Say at which branch; you have none of your own.", pointer="/branch_id")
        member = services.member_create(
            acting_user=user_of(request), branch_id=branch_id, joined_on=business_date_current(), **body
        )
        return member_response(member, status=201, location=f"/api/v1/members/{member.pk}")


class MemberView(ApiView):
    """One member."""

    permissions: ClassVar = {"GET": "members.view", "PATCH": "members.update"}
    read_of = "members.member"

    @extend_schema(summary="Read a member", responses=forms.MemberSerializer)
    def get(self, request: Request, member_id: UUID) -> Response:
        NoParams.parse(request)
        return member_response(member_get_for(user=user_of(request), pk=member_id))

    @extend_schema(
        summary="Change a member", request=forms.MemberUpdateSerializer, responses={200: forms.MemberSerializer}
    )
    def patch(self, request: Request, member_id: UUID) -> Response:
        NoParams.parse(request)
        member = member_get_for(user=user_of(request), pk=member_id)
        body: dict[str, Any] = body_read(forms.MemberUpdateSerializer, request, partial=True)
        member = services.member_update(
            acting_user=user_of(request),
            member_id=member.pk,
            expected_version=self.expected_version,
            today=business_date_current(),
            **body,
        )
        return member_response(member)


class MemberStatusView(ApiView):
    """Blocking a member for new business."""

    permissions: ClassVar = {"POST": "members.update"}
    if_match_methods = frozenset({"POST"})

    @extend_schema(
        summary="Block or unblock a member",
        description="A blocked member opens no accounts; accounts that are open keep their own status.",
        request=forms.MemberStatusSerializer,
        responses={200: forms.MemberSerializer},
    )
    def post(self, request: Request, member_id: UUID) -> Response:
        NoParams.parse(request)
        member = member_get_for(user=user_of(request), pk=member_id)
        body = body_read(forms.MemberStatusSerializer, request)
        member = services.member_status_set(
            acting_user=user_of(request), member_id=member.pk, expected_version=self.expected_version, **body
        )
        return member_response(member)


class MemberLookupView(ApiView):
    """Finding a member by a national or tax number."""

    permissions: ClassVar = {"POST": "members.view"}

    @extend_schema(
        summary="Find members by an identity number",
        description="The whole number, with or without spaces and hyphens; those that the user may see.",
        request=forms.MemberLookupSerializer,
        responses={200: forms.MembersFoundSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.MemberLookupSerializer, request)
        members = members_with_number(members_visible_to(user_of(request)), number=body["identity_number"])
        return respond(forms.MembersFoundSerializer({"data": members[:LOOKUP_MAX]}).data)


class MemberRevealView(ApiView):
    """A member's identity numbers and phone in full."""

    permissions: ClassVar = {"POST": "members.reveal"}

    @extend_schema(
        summary="Show identity numbers and phone in full",
        description="Who looked, at whom and why is recorded.",
        request=forms.MemberRevealSerializer,
        responses={200: forms.IdentityNumbersSerializer},
    )
    def post(self, request: Request, member_id: UUID) -> Response:
        NoParams.parse(request)
        member = member_get_for(user=user_of(request), pk=member_id)
        body = body_read(forms.MemberRevealSerializer, request)
        return respond(numbers_reveal(acting_user=user_of(request), member_id=member.pk, **body))
