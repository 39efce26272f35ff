"""Changes of rights: roles of users, what roles allow, limits by amount; and locking somebody out.

Each needs a second factor shown lately. Where a policy wants a second person the answer is 202, and nothing has
changed.
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
from apps.core.api.views import NAMES_A_RECORD, ApiView, respond
from apps.identity import selectors, services
from apps.identity.api import access_forms as forms
from apps.identity.api.factor_views import caller
from apps.identity.api.serializers import RoleSerializer, UserSerializer
from apps.identity.gate import Waiting
from apps.identity.limits import amount_read

USERS, ROLES = "identity.manage_users", "identity.manage_roles"
PENDING: dict[str, frozenset[int]] = {"PUT": frozenset({409}), "POST": frozenset({409})}
ROLES_EXAMPLE = OpenApiExample(
    "to the counter", value={"roles": ["teller"], "reason": "Moves to the counter"}, request_only=True
)
LIMIT_EXAMPLE = OpenApiExample(
    "tellers",
    value={
        "role": "teller",
        "permission": "payments.transfer",
        "currency": "KES",
        "amount_max": "100000.00",
        "step_up_above": None,
        "reason": "Board decision of 3 May",
    },
    request_only=True,
)


def waiting_response(waiting: Waiting) -> Response:
    """202, with where the change waits."""
    data = {"status": "waiting", "approval_id": waiting.id, "approval_number": waiting.number}
    return respond(forms.ChangeWaitingSerializer(data).data, status=202, location=waiting.url)


class UserRolesView(ApiView):
    """The roles of a user."""

    permissions = {"PUT": USERS}
    step_up = frozenset({"PUT"})
    also_answers = PENDING

    @extend_schema(
        summary="Set a user's roles",
        description="Needs a step-up. Not one's own, and none that reach further than oneself. 202 where a policy"
        " wants a second person.",
        request=forms.UserRolesSerializer,
        responses={200: UserSerializer, 202: forms.ChangeWaitingSerializer},
        examples=[ROLES_EXAMPLE],
    )
    def put(self, request: Request, user_id: UUID) -> Response:
        NoParams.parse(request)
        found = selectors.user_get_for(user=caller(request), pk=user_id)
        body = body_read(forms.UserRolesSerializer, request)
        at = clock.now()
        changed = services.user_roles_set(
            acting_user=caller(request),
            user_id=found.pk,
            role_codes=body["roles"],
            reason=body["reason"],
            expected_version=self.expected_version,
            at=at,
        )
        return waiting_response(changed) if isinstance(changed, Waiting) else user_shown(request, found.pk)


class UserDeactivationView(ApiView):
    """Locking a user out."""

    permissions = {"POST": USERS}
    step_up = frozenset({"POST"})

    @extend_schema(
        summary="Deactivate a user",
        description="Ends every session and key at once. Users are never deleted. Needs a step-up.",
        request=forms.AccessReasonSerializer,
        responses={200: UserSerializer},
    )
    def post(self, request: Request, user_id: UUID) -> Response:
        NoParams.parse(request)
        found = selectors.user_get_for(user=caller(request), pk=user_id)
        body = body_read(forms.AccessReasonSerializer, request)
        at = clock.now()
        services.user_deactivate(acting_user=caller(request), user_id=found.pk, reason=body["reason"], at=at)
        return user_shown(request, found.pk)


class FactorsResetView(ApiView):
    """The second factors of somebody who lost them."""

    permissions = {"POST": USERS}
    step_up = frozenset({"POST"})

    @extend_schema(
        summary="Take a user's second factors away",
        description="For somebody who lost them; ends every session. The next sign-in sets up new ones where they are"
        " required. Needs a step-up.",
        request=forms.AccessReasonSerializer,
        responses={200: UserSerializer},
    )
    def post(self, request: Request, user_id: UUID) -> Response:
        NoParams.parse(request)
        found = selectors.user_get_for(user=caller(request), pk=user_id)
        body = body_read(forms.AccessReasonSerializer, request)
        at = clock.now()
        services.factors_reset(acting_user=caller(request), user_id=found.pk, reason=body["reason"], at=at)
        return user_shown(request, found.pk)


class RolePermissionsView(ApiView):
    """What a role allows."""

    permissions = {"PUT": ROLES}
    step_up = frozenset({"PUT"})
    also_answers = PENDING

    @extend_schema(
        summary="Set what a role allows",
        description="Needs a step-up and reach over the whole bank. Not a role of one's own. 202 where a policy wants"
        " a second person.",
        request=forms.RolePermissionsSerializer,
        responses={200: RoleSerializer, 202: forms.ChangeWaitingSerializer},
    )
    def put(self, request: Request, role_id: UUID) -> Response:
        NoParams.parse(request)
        body: dict[str, Any] = body_read(forms.RolePermissionsSerializer, request)
        at = clock.now()
        changed = services.role_permissions_set(
            acting_user=caller(request), role_id=role_id, expected_version=self.expected_version, at=at, **body
        )
        if isinstance(changed, Waiting):
            return waiting_response(changed)
        return respond(RoleSerializer(changed).data, version=changed.version)


class RoleView(ApiView):
    """One role."""

    permissions = {"GET": "identity.view_roles"}

    @extend_schema(summary="Read a role", responses=RoleSerializer)
    def get(self, request: Request, role_id: UUID) -> Response:
        NoParams.parse(request)
        role = selectors.role_get(pk=role_id)
        return respond(RoleSerializer(role).data, version=role.version)


class AmountLimitsView(ApiView):
    """Limits by amount, those that have ended too; and new ones."""

    permissions = {"GET": "identity.view_roles", "POST": ROLES}
    step_up = frozenset({"POST"})
    also_answers = {"POST": PENDING["POST"] | NAMES_A_RECORD["POST"]}

    @extend_schema(
        summary="List limits by amount",
        parameters=[forms.AmountLimitListParams],
        responses=page_of(forms.AmountLimitSerializer),
    )
    def get(self, request: Request) -> Response:
        values = forms.AmountLimitListParams.parse(request)
        limits = selectors.amount_limits_all()
        if values["role"] is not None:
            limits = limits.filter(role__code=values["role"])
        page = forms.AmountLimitListParams.page(limits, request=request, values=values)
        return page.response(forms.AmountLimitSerializer)

    @extend_schema(
        summary="Set a limit by amount",
        description="From now on, in place of the one in force. Needs a step-up and reach over the whole bank. Not of a"
        " role of one's own. 202 where a policy wants a second person.",
        request=forms.AmountLimitSetSerializer,
        responses={201: forms.AmountLimitSerializer, 202: forms.ChangeWaitingSerializer},
        examples=[LIMIT_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body: dict[str, Any] = body_read(forms.AmountLimitSetSerializer, request)
        at = clock.now()
        minor: dict[str, Any] = {
            name: amount_read(body[name], currency=body["currency"], pointer=f"/{name}") if body[name] else None
            for name in ("amount_max", "step_up_above")
        }
        made = services.amount_limit_set(
            acting_user=caller(request),
            role_code=body["role"],
            permission=body["permission"],
            currency=body["currency"],
            reason=body["reason"],
            at=at,
            **minor,
        )
        if isinstance(made, Waiting):
            return waiting_response(made)
        return respond(forms.AmountLimitSerializer(made).data, status=201)


def user_shown(request: Request, user_id: UUID) -> Response:
    """The user as staff see them, read anew."""
    user = selectors.user_get_for(user=caller(request), pk=user_id)
    return respond(UserSerializer(user).data, version=user.version)
