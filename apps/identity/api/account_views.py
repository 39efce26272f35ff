"""Passwords, the proof of an address, sessions: what people do for the safety of their own user."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.permissions import ANY_USER
from apps.core.api.query import NoParams
from apps.core.api.serializers import NoBodySerializer, body_read
from apps.core.api.views import ApiView, respond
from apps.core.errors import NotFound
from apps.core.tasks import after_commit
from apps.identity import selectors, services, tasks
from apps.identity.api import security_forms as forms
from apps.identity.api.factor_views import caller
from apps.identity.rates import mail_keys, rate_check, rate_give_back, user_keys

SENT = {"status": "sent"}


class PasswordChangeView(ApiView):
    """A new password for who knows the present one."""

    permissions = {"POST": ANY_USER}

    @extend_schema(
        summary="Change my password",
        description="All other sessions end.",
        request=forms.PasswordChangeSerializer,
        responses={204: None},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.PasswordChangeSerializer, request)
        user, at = caller(request), clock.now()
        keys = user_keys("password_user", user.pk)
        rate_check(request, keys)
        services.password_change(
            acting_user=user,
            current=body["current_password"],
            new=body["new_password"],
            at=at,
            session_id=user.session_id,
        )
        rate_give_back(keys)
        after_commit(tasks.notice_send, user_id=user.pk, what="Your password was changed", at=at)
        return Response(status=204)


class PasswordForgottenView(ApiView):
    """A link to set a new password."""

    public = True

    @extend_schema(
        summary="Ask for a new password",
        description="A link goes to the address if it has a user; the answer is the same if not.",
        request=forms.EmailSerializer,
        responses={202: forms.SentSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.EmailSerializer, request)
        rate_check(request, mail_keys(request, body["email"]))
        after_commit(tasks.reset_send, email=body["email"])
        return respond(SENT, status=202)


class PasswordResetView(ApiView):
    """A new password by that link."""

    public = True

    @extend_schema(
        summary="Set a new password",
        description="The link works once and for half an hour. Every session ends; a second factor stays asked for.",
        request=forms.PasswordResetSerializer,
        responses={204: None},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.PasswordResetSerializer, request)
        at = clock.now()
        user = services.password_reset(token=body["token"], new=body["password"], at=at)
        after_commit(tasks.notice_send, user_id=user.pk, what="Your password was changed", at=at)
        return Response(status=204)


class EmailConfirmView(ApiView):
    """The proof that somebody reads the mailbox."""

    public = True

    @extend_schema(summary="Confirm an e-mail address", request=forms.LinkSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.LinkSerializer, request)
        services.email_confirm(token=body["token"], at=clock.now())
        return Response(status=204)


class EmailResendView(ApiView):
    """Another link to confirm an address."""

    public = True

    @extend_schema(
        summary="Send the confirmation again",
        description="The answer is the same whether the address waits for it or not.",
        request=forms.EmailSerializer,
        responses={202: forms.SentSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.EmailSerializer, request)
        rate_check(request, mail_keys(request, body["email"]))
        after_commit(tasks.confirm_send, email=body["email"])
        return respond(SENT, status=202)


class SessionsView(ApiView):
    """Where one is signed in."""

    permissions = {"GET": ANY_USER}

    @extend_schema(
        summary="List my sessions",
        description="Those that are alive, through the API and on the staff site.",
        parameters=[forms.SessionListParams],
        responses=page_of(forms.SessionSerializer),
    )
    def get(self, request: Request) -> Response:
        values = forms.SessionListParams.parse(request)
        alive = selectors.sessions_of(caller(request), at=clock.now())
        page = forms.SessionListParams.page(alive, request=request, values=values)
        return page.response(forms.SessionSerializer, request=request)


class OtherSessionsView(ApiView):
    """All of one's sessions but this one."""

    permissions = {"POST": ANY_USER}

    @extend_schema(
        summary="End all my other sessions", request=NoBodySerializer, responses={200: forms.EndedSerializer}
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        user = caller(request)
        ended = services.sessions_end(
            acting_user=user, user=user, reason="ended by its owner", at=clock.now(), except_id=user.session_id
        )
        return respond({"ended": ended})


class SessionView(ApiView):
    """One of one's sessions."""

    permissions = {"DELETE": ANY_USER}

    @extend_schema(summary="End one of my sessions", responses={204: None})
    def delete(self, request: Request, session_id: UUID) -> Response:
        NoParams.parse(request)
        user = caller(request)
        if not services.token_revoke(
            acting_user=user, session_id=session_id, reason="ended by its owner", at=clock.now()
        ):
            raise NotFound
        return Response(status=204)
