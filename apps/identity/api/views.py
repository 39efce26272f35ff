"""Sign-up, sign-in and tokens; the caller's own user; branches, roles and users."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.permissions import ANY_USER
from apps.core.api.query import NoParams
from apps.core.api.serializers import body_read
from apps.core.api.views import ApiView, respond
from apps.core.errors import InvalidToken
from apps.core.tasks import after_commit
from apps.identity import selectors, services, tasks
from apps.identity.api import serializers as forms
from apps.identity.api.factor_views import caller, challenge_show
from apps.identity.api.security_forms import ChallengeSerializer
from apps.identity.api.sign_in import client_of, pair_show, signed_in
from apps.identity.models import Challenge
from apps.identity.rates import login_keys, rate_check, rate_give_back, refresh_keys, register_keys
from apps.identity.tokens import RefreshToken, claims_read

LOGIN_EXAMPLE = OpenApiExample(
    "login", value={"email": "teller@numina.example", "password": "numina-demo-2026"}, request_only=True
)
TOKENS: dict[str, Any] = {"access": "eyJ...", "refresh": "eyJ...", "token_type": "Bearer", "expires_in": 900}


class RegisterView(ApiView):
    """Sign-up of members."""

    public = True

    @extend_schema(
        summary="Register",
        description="Creates a user with the rights of a member, who confirms the address by the link that is sent."
        " The answer is the same when the address has a user.",
        request=forms.RegisterSerializer,
        responses={201: forms.RegisteredSerializer},
        examples=[
            OpenApiExample(
                "register",
                value={"email": "jane@example.com", "password": "a long pass phrase", "full_name": "Jane Achieng"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.RegisterSerializer, request)
        rate_check(request, register_keys(request, body["email"]))
        services.user_register(**body, at=clock.now())
        after_commit(tasks.confirm_send, email=body["email"])
        return respond({"email": body["email"], "status": "registered"}, status=201)


class LoginView(ApiView):
    """Sign-in."""

    public = True
    also_answers = {"POST": frozenset({403})}

    @extend_schema(
        summary="Log in",
        description="Tokens for an e-mail address and a password; 202 and an `mfa_token` for users with a second"
        " factor, to be sent with a code to auth/mfa/verify. 401 says no more than that they do not fit.",
        request=forms.LoginSerializer,
        responses={
            200: forms.LoginResultSerializer,
            202: ChallengeSerializer,
            401: OpenApiResponse(description="They do not fit."),
        },
        examples=[LOGIN_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.LoginSerializer, request)
        keys = login_keys(request, body["email"])
        rate_check(request, keys)
        at = clock.now()
        user = services.user_authenticate(**body, at=at)
        rate_give_back(keys)
        if user.mfa_enabled_at is not None:
            begun = services.challenge_begin(user=user, purpose=Challenge.Purpose.SIGN_IN, at=at)
            return respond(challenge_show(begun), status=202)
        return signed_in(services.token_pair_issue(user=user, at=at, client=client_of(request)))


class RefreshView(ApiView):
    """The next pair of tokens."""

    public = True

    @extend_schema(
        summary="Refresh the tokens",
        description="A refresh token works once. Using it again ends the session, since somebody else may hold it.",
        request=forms.RefreshSerializer,
        responses={200: forms.TokenPairSerializer, 401: OpenApiResponse(description="Not accepted; log in again.")},
        examples=[OpenApiExample("refreshed", value=TOKENS, response_only=True)],
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.RefreshSerializer, request)
        rate_check(request, refresh_keys(request))
        return respond(pair_show(services.token_refresh(refresh=body["refresh"], at=clock.now())))


class LogoutView(ApiView):
    """The end of a session."""

    permissions = {"POST": ANY_USER}

    @extend_schema(
        summary="Log out",
        description="Ends the session of the access token: that token and its refresh token stop working.",
        request=forms.LogoutSerializer,
        responses={204: None},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.LogoutSerializer, request)
        now = clock.now()
        session_id = caller(request).session_id
        if session_id is None:
            return Response(status=204)  # a key has no session; it is revoked
        services.token_revoke(acting_user=caller(request), session_id=session_id, at=now)
        if "refresh" in body:
            try:
                other = claims_read(body["refresh"], RefreshToken)
            except InvalidToken:
                return Response(status=204)  # what does not work needs no ending
            services.token_revoke(acting_user=caller(request), session_id=other.session_id, at=now)
        return Response(status=204)


class MeView(ApiView):
    """The caller's own user."""

    permissions = {"GET": ANY_USER, "PATCH": ANY_USER}

    @extend_schema(summary="Read my user", responses=forms.MeSerializer)
    def get(self, request: Request) -> Response:
        NoParams.parse(request)
        user = selectors.user_get_for(user=caller(request), pk=caller(request).pk)
        user.__dict__["permission_codes"] = caller(request).permission_codes  # a key has fewer than its user
        return self._show(user)

    @extend_schema(
        summary="Change my particulars",
        request=forms.MePatchSerializer,
        responses=forms.MeSerializer,
        examples=[OpenApiExample("change", value={"time_zone": "Africa/Nairobi"}, request_only=True)],
    )
    def patch(self, request: Request) -> Response:
        NoParams.parse(request)
        changes = body_read(forms.MePatchSerializer, request, partial=True)
        return self._show(
            services.user_update(
                acting_user=caller(request),
                user_id=caller(request).pk,
                expected_version=self.expected_version,
                changes=changes,
            )
        )

    def _show(self, user: Any) -> Response:
        return respond(forms.MeSerializer(user).data, version=user.version)


class BranchesView(ApiView):
    """Branches."""

    permissions = {"GET": ANY_USER}

    @extend_schema(
        summary="List branches",
        parameters=[forms.BranchListParams],
        responses=page_of(forms.BranchSerializer),
    )
    def get(self, request: Request) -> Response:
        values = forms.BranchListParams.parse(request)
        branches = selectors.branches_visible_to(caller(request))
        if values["is_active"] is not None:
            branches = branches.filter(is_active=values["is_active"])
        return forms.BranchListParams.page(branches, request=request, values=values).response(forms.BranchSerializer)


class RolesView(ApiView):
    """Roles."""

    permissions = {"GET": "identity.view_roles"}

    @extend_schema(summary="List roles", parameters=[forms.RoleListParams], responses=page_of(forms.RoleSerializer))
    def get(self, request: Request) -> Response:
        values = forms.RoleListParams.parse(request)
        page = forms.RoleListParams.page(selectors.roles_all(), request=request, values=values)
        return page.response(forms.RoleSerializer)
