"""Users as staff see them: listed, invited, moved to a branch, let in again.

What gives rights needs a second factor shown lately, and answers 202 where a policy wants a second person.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import body_read
from apps.core.api.views import ApiView, respond
from apps.identity import selectors, services
from apps.identity.api import access_forms as forms
from apps.identity.api import serializers
from apps.identity.api.access_views import PENDING, USERS, user_shown, waiting_response
from apps.identity.api.factor_views import caller
from apps.identity.gate import Waiting

INVITE_EXAMPLE = OpenApiExample(
    "a teller",
    value={
        "email": "jane@bank.example",
        "full_name": "Jane Achieng",
        "roles": ["teller"],
        "branch": "NBO",
        "reason": "Joins on 1 March",
    },
    request_only=True,
)


class UsersView(ApiView):
    """Users."""

    permissions = {"GET": "identity.view_users", "POST": USERS}
    step_up = frozenset({"POST"})
    also_answers = PENDING

    @extend_schema(
        summary="List users",
        parameters=[serializers.UserListParams],
        responses=page_of(serializers.UserSerializer),
    )
    def get(self, request: Request) -> Response:
        values = serializers.UserListParams.parse(request)
        users = selectors.users_visible_to(caller(request))
        for name, lookup in (
            ("role", "roles__code"),
            ("branch", "branch__code"),
            ("email", "email"),
            ("is_active", "is_active"),
        ):
            if values[name] is not None:
                users = users.filter(**{lookup: values[name]})
        page = serializers.UserListParams.page(users, request=request, values=values)
        return page.response(serializers.UserSerializer)

    @extend_schema(
        summary="Invite a user",
        description="Makes a user without a password and sends a link to set one. Needs a step-up. No role that"
        " reaches further than oneself, no branch beyond one's own. 202 where a policy wants a second person.",
        request=forms.UserInviteSerializer,
        responses={201: serializers.UserSerializer, 202: forms.ChangeWaitingSerializer},
        examples=[INVITE_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body: dict[str, Any] = body_read(forms.UserInviteSerializer, request)
        at = clock.now()
        made = services.user_invite(
            acting_user=caller(request),
            email=body["email"],
            full_name=body["full_name"],
            role_codes=body["roles"],
            branch_code=body["branch"] or "",
            reason=body["reason"],
            at=at,
        )
        if isinstance(made, Waiting):
            return waiting_response(made)
        data = serializers.UserSerializer(made).data
        return respond(data, status=201, version=made.version, location=f"/api/v1/users/{made.pk}")


class UserView(ApiView):
    """One user."""

    permissions = {"GET": "identity.view_users"}

    @extend_schema(summary="Read a user", responses=serializers.UserSerializer)
    def get(self, request: Request, user_id: Any) -> Response:
        NoParams.parse(request)
        return user_shown(request, user_id)


class UserBranchView(ApiView):
    """The branch that a user works in."""

    permissions = {"PUT": USERS}
    step_up = frozenset({"PUT"})
    also_answers = PENDING

    @extend_schema(
        summary="Move a user to a branch",
        description="What the roles reach moves along, from the next request on. Null is the whole bank. Needs a"
        " step-up. Not oneself. 202 where a policy wants a second person.",
        request=forms.UserBranchSerializer,
        responses={200: serializers.UserSerializer, 202: forms.ChangeWaitingSerializer},
    )
    def put(self, request: Request, user_id: UUID) -> Response:
        NoParams.parse(request)
        found = selectors.user_get_for(user=caller(request), pk=user_id)
        body: dict[str, Any] = body_read(forms.UserBranchSerializer, request)
        at = clock.now()
        done = services.user_branch_set(
            acting_user=caller(request),
            user_id=found.pk,
            branch_code=body["branch"] or "",
            reason=body["reason"],
            expected_version=self.expected_version,
            at=at,
        )
        if isinstance(done, Waiting):
            return waiting_response(done)
        return respond(serializers.UserSerializer(done).data, version=done.version)


class UserReactivationView(ApiView):
    """Letting somebody in again."""

    permissions = {"POST": USERS}
    step_up = frozenset({"POST"})
    also_answers = PENDING

    @extend_schema(
        summary="Reactivate a user",
        description="With the roles, password and second factors held when it was deactivated. Needs a step-up. Not"
        " an erased user. 202 where a policy wants a second person.",
        request=forms.AccessReasonSerializer,
        responses={200: serializers.UserSerializer, 202: forms.ChangeWaitingSerializer},
    )
    def post(self, request: Request, user_id: UUID) -> Response:
        NoParams.parse(request)
        found = selectors.user_get_for(user=caller(request), pk=user_id)
        body = body_read(forms.AccessReasonSerializer, request)
        at = clock.now()
        done = services.user_reactivate(acting_user=caller(request), user_id=found.pk, reason=body["reason"], at=at)
        return waiting_response(done) if isinstance(done, Waiting) else user_shown(request, found.pk)


class UserInvitationView(ApiView):
    """The link to set a first password, once more."""

    permissions = {"POST": USERS}
    step_up = frozenset({"POST"})
    also_answers = PENDING

    @extend_schema(
        summary="Send an invitation again",
        description="For who has not set a password yet; links sent before stop working. Needs a step-up.",
        request=forms.AccessReasonSerializer,
        responses={200: serializers.UserSerializer},
    )
    def post(self, request: Request, user_id: UUID) -> Response:
        NoParams.parse(request)
        found = selectors.user_get_for(user=caller(request), pk=user_id)
        body = body_read(forms.AccessReasonSerializer, request)
        at = clock.now()
        services.invitation_renew(acting_user=caller(request), user_id=found.pk, reason=body["reason"], at=at)
        return user_shown(request, found.pk)
