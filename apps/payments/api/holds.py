"""Holds over HTTP."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import NoBodySerializer, body_read
from apps.core.api.views import NAMES_A_RECORD, ApiView, respond
from apps.core.idempotency import request_fingerprint
from apps.core.money import Money
from apps.payments import services
from apps.payments.api import serializers
from apps.payments.api.bodies import account_name
from apps.payments.api.limits import amount_allowed, amount_guard
from apps.payments.api.views import API, caller
from apps.payments.selectors import hold_get_for, holds_visible_to
from apps.payments.services import Asked

HOLD = "payments.hold"


class HoldsView(ApiView):
    """Money set aside on accounts."""

    permissions = {"GET": "accounts.view", "POST": HOLD}
    also_answers = NAMES_A_RECORD
    idempotent_methods = frozenset({"POST"})

    @extend_schema(
        parameters=[serializers.HoldListParams], responses=page_of(serializers.HoldSerializer), summary="List holds"
    )
    def get(self, request: Request) -> Response:
        """Holds on accounts in your reach."""
        values = serializers.HoldListParams.parse(request)
        account = values["account"]
        found = holds_visible_to(
            user=caller(request), account=account_name(account) if account else None, status=values["status"]
        )
        page = serializers.HoldListParams.page(found, request=request, values=values)
        return page.response(serializers.HoldSerializer)

    @extend_schema(
        request=serializers.HoldRequestSerializer,
        responses={201: serializers.HoldSerializer},
        summary="Place a hold",
    )
    def post(self, request: Request) -> Response:
        """Set money aside: it stays on the account, and nobody can spend it."""
        NoParams.parse(request)
        body = body_read(serializers.HoldRequestSerializer, request)
        asked = Asked(
            user=caller(request),
            key=self.idempotency_key,
            fingerprint=request_fingerprint(method="POST", path=request.path, body=request.data),
        )
        amount_allowed(asked.user, HOLD, body["amount"])
        hold, replayed = services.hold_place(
            asked=asked,
            account=account_name(body["account"]),
            amount=body["amount"],
            reason=body.get("reason", ""),
            expires_at=body.get("expires_at"),
            at=clock.now(),
        )
        return respond(
            serializers.HoldSerializer(hold).data,
            status=201,
            version=hold.version,
            location=f"{API}/holds/{hold.pk}",
            replayed=replayed,
        )


class HoldView(ApiView):
    """One hold."""

    permissions = {"GET": "accounts.view"}

    @extend_schema(responses=serializers.HoldSerializer, summary="Read a hold")
    def get(self, request: Request, hold_id: UUID) -> Response:
        """A hold on an account in your reach; its version is the ETag."""
        NoParams.parse(request)
        hold = hold_get_for(user=caller(request), hold_id=hold_id)
        return respond(serializers.HoldSerializer(hold).data, version=hold.version)


class HoldCaptureView(ApiView):
    """Taking held money."""

    permissions = {"POST": HOLD}
    idempotent_methods = frozenset({"POST"})
    if_match_methods = frozenset({"POST"})

    @extend_schema(
        request=serializers.HoldCaptureRequestSerializer,
        responses={200: serializers.HoldSerializer},
        summary="Capture a hold",
    )
    def post(self, request: Request, hold_id: UUID) -> Response:
        """Take the held money, or less of it, to an account or out by a channel; the rest is given back."""
        NoParams.parse(request)
        body = body_read(serializers.HoldCaptureRequestSerializer, request)
        destination = body.get("destination_account")
        asked = Asked(
            user=caller(request),
            key=self.idempotency_key,
            fingerprint=request_fingerprint(method="POST", path=request.path, body=request.data),
        )
        held = hold_get_for(user=asked.user, hold_id=hold_id)
        amount_guard(asked, HOLD, body.get("amount") or Money(held.amount, held.currency))
        hold, replayed = services.hold_capture(
            asked=asked,
            hold_id=hold_id,
            expected_version=self.expected_version,
            amount=body.get("amount"),
            destination=account_name(destination) if destination else None,
            channel=body.get("channel"),
            description=body.get("description", ""),
            at=clock.now(),
        )
        return respond(serializers.HoldSerializer(hold).data, version=hold.version, replayed=replayed)


class HoldReleaseView(ApiView):
    """Giving held money back."""

    permissions = {"POST": HOLD}
    if_match_methods = frozenset({"POST"})

    @extend_schema(request=None, responses={200: serializers.HoldSerializer}, summary="Release a hold")
    def post(self, request: Request, hold_id: UUID) -> Response:
        """End a hold without taking anything."""
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        hold = services.hold_release(
            user=caller(request), hold_id=hold_id, expected_version=self.expected_version, at=clock.now()
        )
        return respond(serializers.HoldSerializer(hold).data, version=hold.version)
