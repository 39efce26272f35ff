"""Fees of accounts over HTTP: what was charged and is due, and letting one go."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import fee_actions, services
from apps.accounts.api import queries
from apps.accounts.api.views import user_of
from apps.accounts.models import FeeCharge
from apps.accounts.selectors import account_get_for, fee_charge_get, fee_charges_of
from apps.approvals.api.serializers import ApprovalSerializer
from apps.approvals.api.views import accepted
from apps.approvals.services import request_submit
from apps.core import clock
from apps.core.api.fields import TextField
from apps.core.api.money_fields import MoneyField
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import StrictSerializer, body_read
from apps.core.api.views import ApiView, respond
from apps.identity.guards import amount_check


class FeeChargeSerializer(serializers.ModelSerializer):
    """A fee of an account for a period."""

    fee_id = serializers.UUIDField()
    name = serializers.CharField(source="fee.name")
    amount = MoneyField(minor_source="amount", currency_source="account.currency")

    class Meta:
        model = FeeCharge
        fields = ("id", "fee_id", "name", "period", "amount", "status", "due_on", "charged_on", "transaction_id")
        read_only_fields = fields


class FeeWaiverSerializer(StrictSerializer):
    """Why a fee is let go."""

    reason = TextField(max_length=200)


class AccountFeesView(ApiView):
    """Fees of an account."""

    permissions: ClassVar = {"GET": "accounts.view"}
    read_of = "accounts.account"

    @extend_schema(
        summary="List an account's fees",
        description="Due, charged and waived, the newest first.",
        parameters=[queries.FeeChargesQuery],
        responses=page_of(FeeChargeSerializer),
    )
    def get(self, request: Request, account_id: UUID) -> Response:
        values = queries.FeeChargesQuery.parse(request)
        account = account_get_for(user=user_of(request), pk=account_id)
        charges = fee_charges_of(account).select_related("fee", "account")
        if values["status"] is not None:
            charges = charges.filter(status=values["status"])
        return queries.FeeChargesQuery.page(charges, request=request, values=values).response(FeeChargeSerializer)


class FeeWaiverView(ApiView):
    """Letting a fee go."""

    permissions: ClassVar = {"POST": fee_actions.WAIVE}
    also_answers: ClassVar = {"POST": frozenset({409})}

    @extend_schema(
        summary="Waive a fee of an account",
        description="One that is due is not charged any more; one that was charged is given back today by the mirror "
        "image of its entry. Where a policy asks for it, somebody else approves it first: 202.",
        request=FeeWaiverSerializer,
        responses={200: FeeChargeSerializer, 202: ApprovalSerializer},
    )
    def post(self, request: Request, account_id: UUID, charge_id: int) -> Response:
        NoParams.parse(request)
        user = user_of(request)
        account = account_get_for(user=user, pk=account_id)
        charge = fee_charge_get(account=account, pk=charge_id)
        reason = body_read(FeeWaiverSerializer, request)["reason"]
        amount_check(user, fee_actions.WAIVE, charge.amount, account.currency, at=clock.now())
        payload = fee_actions.waiver_payload(account=account, charge=charge, reason=reason)
        approval = request_submit(kind=fee_actions.WAIVER, maker=user, payload=payload, at=clock.now())
        if approval is not None:
            return accepted(approval)
        waived = services.fee_waive(acting_user=user, account_id=account.pk, charge_id=charge.pk, reason=reason)
        return respond(FeeChargeSerializer(waived).data)
