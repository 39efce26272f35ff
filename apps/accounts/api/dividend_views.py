"""Dividends over HTTP."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import actions, services
from apps.accounts.api import queries
from apps.accounts.api.views import user_of
from apps.accounts.models import Dividend, DividendShare
from apps.accounts.selectors import dividend_get, dividend_shares_visible_to, dividends_all, product_get_for
from apps.approvals.api.serializers import ApprovalSerializer
from apps.approvals.api.views import accepted
from apps.approvals.services import request_submit
from apps.core import clock
from apps.core.api.fields import ChoiceField, DateField, DecimalField, UUIDField
from apps.core.api.money_fields import MoneyField
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import NoBodySerializer, StrictSerializer, body_read
from apps.core.api.views import NAMES_A_RECORD, ApiView, respond
from apps.identity.guards import amount_check
from apps.ledger.selectors import business_date_current

CURRENCY = "product.currency_id"


class DividendSerializer(serializers.ModelSerializer):
    """A dividend: what it is taken on, at which rate, and what it comes to."""

    gross = MoneyField(minor_source="gross", currency_source=CURRENCY)
    tax = MoneyField(minor_source="tax", currency_source=CURRENCY)

    class Meta:
        model = Dividend
        fields = (
            "id",
            "product_id",
            "starts_on",
            "ends_on",
            "rate",
            "tax_rate",
            "basis",
            "pay_to",
            "status",
            "accounts",
            "gross",
            "tax",
            "job_id",
            "paid_on",
            "created_at",
            "version",
        )
        read_only_fields = fields


class DividendDrawSerializer(StrictSerializer):
    """A dividend to work out. Rates are fractions for the whole period: 0.08 is 8 %."""

    product_id = UUIDField(help_text="A product of shares.")
    starts_on = DateField()
    ends_on = DateField(help_text="A day that is closed.")
    rate = DecimalField(max_digits=9, decimal_places=8, min_value=Decimal("0.00000001"), max_value=Decimal(1))
    tax_rate = DecimalField(
        max_digits=7, decimal_places=6, min_value=Decimal(0), max_value=Decimal("0.999999"), required=False
    )
    basis = ChoiceField(choices=Dividend.Basis.choices)
    pay_to = ChoiceField(choices=Dividend.PayTo.choices)


class DividendShareSerializer(serializers.ModelSerializer):
    """What one account gets."""

    account = serializers.CharField(source="account.number")
    target_account = serializers.CharField(source="target.number")
    base = MoneyField(minor_source="base", currency_source="account.currency")
    gross = MoneyField(minor_source="gross", currency_source="account.currency")
    tax = MoneyField(minor_source="tax", currency_source="account.currency")

    class Meta:
        model = DividendShare
        fields = ("account", "target_account", "base", "gross", "tax", "status", "transaction_id")
        read_only_fields = fields


def dividend_response(dividend: Dividend, *, status: int = 200, location: str = "") -> Response:
    """A dividend with its ETag."""
    return respond(DividendSerializer(dividend).data, status=status, version=dividend.version, location=location)


class DividendsView(ApiView):
    """Dividends, and new ones."""

    permissions: ClassVar = {"GET": "ledger.view", "POST": "products.manage"}
    also_answers: ClassVar = NAMES_A_RECORD

    @extend_schema(summary="List dividends", parameters=[queries.DividendsQuery], responses=page_of(DividendSerializer))
    def get(self, request: Request) -> Response:
        values = queries.DividendsQuery.parse(request)
        found = dividends_all()
        for name in ("product_id", "status"):
            if values[name] is not None:
                found = found.filter(**{name: values[name]})
        return queries.DividendsQuery.page(found, request=request, values=values).response(DividendSerializer)

    @extend_schema(
        summary="Draw up a dividend",
        description="Works out what each share account of the product would get. Nothing is paid yet; what is shown "
        "is what will be.",
        request=DividendDrawSerializer,
        responses={201: DividendSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(DividendDrawSerializer, request)
        product = product_get_for(user=user_of(request), pk=body.pop("product_id"))
        dividend = services.dividend_draw(
            acting_user=user_of(request),
            product_id=product.pk,
            tax_rate=body.pop("tax_rate", Decimal(0)),
            today=business_date_current(),
            **body,
        )
        return dividend_response(dividend, status=201, location=f"/api/v1/dividends/{dividend.pk}")


class DividendView(ApiView):
    """One dividend."""

    permissions: ClassVar = {"GET": "ledger.view", "DELETE": "products.manage"}
    if_match_methods = frozenset({"DELETE"})

    @extend_schema(summary="Read a dividend", responses=DividendSerializer)
    def get(self, request: Request, dividend_id: UUID) -> Response:
        NoParams.parse(request)
        return dividend_response(dividend_get(pk=dividend_id))

    @extend_schema(summary="Withdraw a dividend that is not paid", responses={200: DividendSerializer})
    def delete(self, request: Request, dividend_id: UUID) -> Response:
        NoParams.parse(request)
        dividend = services.dividend_withdraw(
            acting_user=user_of(request), dividend_id=dividend_id, expected_version=self.expected_version
        )
        return dividend_response(dividend)


class DividendSharesView(ApiView):
    """What accounts get of a dividend."""

    permissions: ClassVar = {"GET": "ledger.view"}

    @extend_schema(
        summary="List what accounts get of a dividend",
        parameters=[queries.DividendSharesQuery],
        responses=page_of(DividendShareSerializer),
    )
    def get(self, request: Request, dividend_id: UUID) -> Response:
        values = queries.DividendSharesQuery.parse(request)
        found = dividend_shares_visible_to(user_of(request), dividend_get(pk=dividend_id))
        if values["status"] is not None:
            found = found.filter(status=values["status"])
        page = queries.DividendSharesQuery.page(found, request=request, values=values)
        return page.response(DividendShareSerializer)


class DividendPaymentView(ApiView):
    """Paying a dividend."""

    permissions: ClassVar = {"POST": "products.manage"}
    if_match_methods = frozenset({"POST"})

    @extend_schema(
        summary="Pay a dividend as it was drawn up",
        description="In the background, once; `job_id` names the job. 202 where a policy asks for approval first.",
        request=None,
        responses={200: DividendSerializer, 202: ApprovalSerializer},
    )
    def post(self, request: Request, dividend_id: UUID) -> Response:
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        user, at = user_of(request), clock.now()
        drawn_up = dividend_get(pk=dividend_id)
        amount_check(user, "products.manage", drawn_up.gross, drawn_up.product.currency_id, at=at)
        payload = actions.dividend_payload(dividend=drawn_up, version=self.expected_version)
        approval = request_submit(kind=actions.DIVIDEND, maker=user, payload=payload, at=at)
        if approval is not None:
            return accepted(approval)
        dividend = services.dividend_pay(
            acting_user=user, dividend_id=dividend_id, expected_version=self.expected_version, at=at
        )
        return dividend_response(dividend)
