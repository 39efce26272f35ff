"""Payments that wait for signatures, over HTTP."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import NoBodySerializer, body_read
from apps.core.api.views import ApiView, respond
from apps.core.money import Money
from apps.payments import services, signing
from apps.payments.api import pending_forms as forms
from apps.payments.api.cheques import of_account
from apps.payments.api.limits import amount_allowed
from apps.payments.api.views import caller
from apps.payments.selectors import pending_get_for, pendings_visible_to

SIGN = "payments.transfer"


class PendingPaymentsView(ApiView):
    """All in reach."""

    permissions = {"GET": "accounts.view"}

    @extend_schema(
        parameters=[forms.PendingPaymentsQuery],
        responses=page_of(forms.PendingPaymentSerializer),
        summary="List payments that wait for signatures",
    )
    def get(self, request: Request) -> Response:
        """From accounts in your reach, newest first, with those that have ended."""
        values = forms.PendingPaymentsQuery.parse(request)
        found = pendings_visible_to(caller(request)).prefetch_related("signatures__member")
        if values["status"]:
            found = found.filter(status=values["status"])
        found = of_account(found, values)
        page = forms.PendingPaymentsQuery.page(found, request=request, values=values)
        return page.response(forms.PendingPaymentSerializer)


class PendingPaymentView(ApiView):
    """One of them."""

    permissions = {"GET": "accounts.view"}

    @extend_schema(responses=forms.PendingPaymentSerializer, summary="Read a payment that waits for signatures")
    def get(self, request: Request, pending_id: UUID) -> Response:
        """Who has signed, how many must, and what became of it."""
        NoParams.parse(request)
        pending = pending_get_for(user=caller(request), pk=pending_id)
        return respond(forms.PendingPaymentSerializer(pending).data, version=pending.version)


class PendingSignatureView(ApiView):
    """Signing."""

    permissions = {"POST": SIGN}

    @extend_schema(request=None, responses={200: forms.PendingPaymentSerializer}, summary="Sign a payment that waits")
    def post(self, request: Request, pending_id: UUID) -> Response:
        """Signed once however often it is sent. The signature that makes them enough carries it out: see `status`,
        `outcome` and `result_url`. Your own limits count."""
        NoParams.parse(request)
        user = caller(request)
        pending = pending_get_for(user=user, pk=pending_id)
        body_read(NoBodySerializer, request)
        if pending.amount is not None:
            amount_allowed(user, SIGN, Money(pending.amount, pending.currency))
        pending = signing.signed(acting_user=user, pending_id=pending.pk, at=clock.now())
        return respond(forms.PendingPaymentSerializer(pending).data, version=pending.version)


class PendingRefusalView(ApiView):
    """Refusing, or taking it back."""

    permissions = {"POST": SIGN}

    @extend_schema(
        request=forms.RefusalSerializer,
        responses={200: forms.PendingPaymentSerializer},
        summary="Refuse a payment that waits",
    )
    def post(self, request: Request, pending_id: UUID) -> Response:
        """A signatory says no, or who asked for it takes it back. It ends for all."""
        NoParams.parse(request)
        pending_get_for(user=caller(request), pk=pending_id)
        body = body_read(forms.RefusalSerializer, request)
        pending = services.pending_refuse(acting_user=caller(request), pending_id=pending_id, at=clock.now(), **body)
        return respond(forms.PendingPaymentSerializer(pending).data, version=pending.version)
