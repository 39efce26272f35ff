"""Second factors: proving one at sign-in or for a step-up, setting up, taking away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.permissions import ANY_USER
from apps.core.api.query import NoParams
from apps.core.api.serializers import NoBodySerializer, body_read
from apps.core.api.views import ApiView, respond
from apps.core.tasks import after_commit
from apps.identity import selectors, services, tasks
from apps.identity.api import security_forms as forms
from apps.identity.api.serializers import LoginResultSerializer
from apps.identity.api.sign_in import client_of, signed_in
from apps.identity.errors import ChallengeNotValid
from apps.identity.guards import enrolment_check
from apps.identity.models import Challenge, User
from apps.identity.otp import qr_svg
from apps.identity.rates import rate_check, rate_give_back, user_keys

Purpose = Challenge.Purpose


def caller(request: Request) -> User:
    """The user of a view that is not public."""
    return cast("User", request.user)


def challenge_show(begun: services.Begun, *, required: bool = True) -> dict[str, Any]:
    """A challenge as the API shows it."""
    return {
        "mfa_required": required,
        "mfa_token": begun.token,
        "methods": begun.methods,
        "expires_in": begun.expires_in,
    }


class MfaCodeView(ApiView):
    """A code by text message or e-mail."""

    public = True
    also_answers = {"POST": frozenset({401, 404})}

    @extend_schema(
        summary="Have a code sent",
        description="To the phone or mailbox chosen from `methods`. At most three for one `mfa_token`.",
        request=forms.CodeAskSerializer,
        responses={202: forms.SentSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.CodeAskSerializer, request)
        at = clock.now()
        user_id = services.challenge_user_id(token=body["mfa_token"], at=at)
        rate_check(request, user_keys("code_user", user_id))
        challenge_id = services.challenge_code_ask(token=body["mfa_token"], factor_id=body["factor_id"], at=at)
        after_commit(tasks.code_send, challenge_id=challenge_id)
        return respond({"status": "sent"}, status=202)


class MfaVerifyView(ApiView):
    """The second half of a sign-in."""

    public = True
    also_answers = {"POST": frozenset({401})}

    @extend_schema(
        summary="Sign in with a second factor",
        description="The code of an app, one that was sent, or a recovery code. Five tries for one `mfa_token`.",
        request=forms.CodeSerializer,
        responses={200: LoginResultSerializer, 401: OpenApiResponse(description="The token is used up: log in again.")},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.CodeSerializer, request)
        at = clock.now()
        keys = user_keys("code_user", services.challenge_user_id(token=body["mfa_token"], at=at))
        rate_check(request, keys)
        challenge = services.challenge_answer(
            token=body["mfa_token"], code=body["code"], purposes=frozenset({Purpose.SIGN_IN}), at=at
        )
        pair = services.token_pair_issue(user=challenge.user, at=at, client=client_of(request), verified_at=at)
        rate_give_back(keys)
        return signed_in(pair)


class StepUpView(ApiView):
    """A second factor for what needs one now."""

    permissions = {"POST": ANY_USER}

    @extend_schema(
        summary="Begin a step-up",
        description="Before a large payment or a change of security settings. Without a second factor `methods` is"
        " empty, and the code to send is the password.",
        request=NoBodySerializer,
        responses={201: forms.ChallengeSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        user = caller(request)
        if user.session_id is None:
            raise ChallengeNotValid("Keys of machines have no second factor.")
        begun = services.challenge_begin(user=user, purpose=Purpose.STEP_UP, at=clock.now(), session_id=user.session_id)
        return respond(challenge_show(begun, required=user.mfa_enabled_at is not None), status=201)


class StepUpVerifyView(ApiView):
    """The answer to it."""

    permissions = {"POST": ANY_USER}

    @extend_schema(
        summary="Finish a step-up",
        request=forms.CodeSerializer,
        responses={200: forms.SteppedUpSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.CodeSerializer, request)
        user, at = caller(request), clock.now()
        keys = user_keys("code_user", user.pk)
        rate_check(request, keys)
        services.challenge_answer(
            token=body["mfa_token"],
            code=body["code"],
            purposes=frozenset({Purpose.STEP_UP}),
            at=at,
            session_id=user.session_id,
        )
        if user.session_id is not None:
            services.session_verify(user_id=user.pk, session_id=user.session_id, at=at)
        rate_give_back(keys)
        return respond({"expires_at": at + timedelta(seconds=settings.NUMINA["STEP_UP_SECONDS"])})


class FactorsView(ApiView):
    """One's own second factors."""

    permissions = {"GET": ANY_USER, "POST": ANY_USER}
    also_answers = {"POST": frozenset({403})}

    @extend_schema(
        summary="List my second factors",
        parameters=[forms.FactorListParams],
        responses=page_of(forms.FactorSerializer),
    )
    def get(self, request: Request) -> Response:
        values = forms.FactorListParams.parse(request)
        factors = selectors.factors_of(caller(request))
        return forms.FactorListParams.page(factors, request=request, values=values).response(forms.FactorSerializer)

    @extend_schema(
        summary="Set up a second factor",
        description="It counts once its first code was shown. Needs a step-up, unless it is the first and the sign-in"
        " is recent.",
        request=forms.FactorCreateSerializer,
        responses={201: forms.FactorBegunSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.FactorCreateSerializer, request)
        user, at = caller(request), clock.now()
        enrolment_check(user, at=at)
        enrolled = services.factor_enrol(acting_user=user, at=at, **body)
        if enrolled.challenge_id:
            after_commit(tasks.code_send, challenge_id=enrolled.challenge_id)
        answer = {
            "factor": forms.FactorSerializer(enrolled.factor).data,
            "secret": enrolled.secret,
            "uri": enrolled.uri,
            "qr_svg": qr_svg(enrolled.uri) if enrolled.uri else "",
        }
        return respond(answer, status=201)


class FactorConfirmView(ApiView):
    """The first code of a second factor."""

    permissions = {"POST": ANY_USER}

    @extend_schema(
        summary="Confirm a second factor",
        description="From now on sign-in asks for it. The first one brings recovery codes and ends other sessions.",
        request=forms.ConfirmCodeSerializer,
        responses={200: forms.RecoveryCodesSerializer},
    )
    def post(self, request: Request, factor_id: UUID) -> Response:
        NoParams.parse(request)
        body = body_read(forms.ConfirmCodeSerializer, request)
        user, at = caller(request), clock.now()
        keys = user_keys("code_user", user.pk)
        rate_check(request, keys)
        codes = services.factor_confirm(
            acting_user=user, factor_id=factor_id, code=body["code"], at=at, session_id=user.session_id
        )
        rate_give_back(keys)
        after_commit(tasks.notice_send, user_id=user.pk, what="A second factor was added", at=at)
        return respond({"recovery_codes": codes})


class FactorView(ApiView):
    """One second factor."""

    permissions = {"DELETE": ANY_USER}
    step_up = frozenset({"DELETE"})
    also_answers = {"DELETE": frozenset({422})}

    @extend_schema(summary="Remove a second factor", description="Needs a step-up.", responses={204: None})
    def delete(self, request: Request, factor_id: UUID) -> Response:
        NoParams.parse(request)
        user, at = caller(request), clock.now()
        services.factor_remove(acting_user=user, factor_id=factor_id, at=at)
        after_commit(tasks.notice_send, user_id=user.pk, what="A second factor was removed", at=at)
        return Response(status=204)


class RecoveryCodesView(ApiView):
    """The codes for the day on which the phone is lost."""

    permissions = {"POST": ANY_USER}
    step_up = frozenset({"POST"})

    @extend_schema(
        summary="Make new recovery codes",
        description="Earlier ones stop working. Needs a step-up.",
        request=NoBodySerializer,
        responses={200: forms.RecoveryCodesSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        codes = services.recovery_codes_renew(acting_user=caller(request), at=clock.now())
        return respond({"recovery_codes": codes})
