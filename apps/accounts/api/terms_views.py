"""Terms and fees of products, and the interest of accounts, over HTTP."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api import queries
from apps.accounts.api import terms_serializers as forms
from apps.accounts.api.views import minor_of, user_of
from apps.accounts.models import AccountProduct
from apps.accounts.product_actions import product_change
from apps.accounts.selectors import (
    account_get_for,
    balance_at,
    fees_of_product,
    interest_explained,
    product_get_for,
    terms_of_product,
)
from apps.approvals.api.serializers import ApprovalSerializer
from apps.approvals.api.views import accepted
from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import NoBodySerializer, body_read
from apps.core.api.views import ApiView, respond
from apps.core.currencies import minor_format
from apps.ledger.selectors import business_date_current

TERMS_EXAMPLE = OpenApiExample(
    "5 % above KES 1,000, paid every month",
    value={
        "effective_from": "2027-01-01",
        "rates": [
            {"from_balance": {"amount": "0.00", "currency": "KES"}, "rate": "0"},
            {"from_balance": {"amount": "1000.00", "currency": "KES"}, "rate": "0.05"},
        ],
        "tax_rate": "0.15",
    },
    request_only=True,
)


def _minor(body: dict[str, Any], names: tuple[str, ...], currency: str) -> dict[str, Any]:
    return {name: minor_of(body[name], currency=currency, pointer=f"/{name}") for name in names if name in body}


def _tiers(body: dict[str, Any], name: str, currency: str) -> dict[str, Any]:
    if name not in body:
        return {}
    pointer = f"/{name}/{{}}/from_balance"
    tiers = [
        [minor_of(tier["from_balance"], currency=currency, pointer=pointer.format(number)), tier["rate"]]
        for number, tier in enumerate(body[name])
    ]
    return {name: tiers}


def _changed(request: Request, product: AccountProduct, do: str, values: dict[str, Any]) -> tuple[Response | None, Any]:
    """(the answer that it waits for approval, or None; what was made)."""
    approval, made = product_change(maker=user_of(request), product=product, do=do, values=values, at=clock.now())
    return None if approval is None else accepted(approval), made


class ProductTermsListView(ApiView):
    """Interest terms of a product, and new ones."""

    permissions: ClassVar = {"GET": "products.view", "POST": "products.manage"}

    @extend_schema(
        summary="List a product's terms",
        description="Each holds from its date until the next begins.",
        parameters=[queries.TermsQuery],
        responses=page_of(forms.TermsSerializer),
    )
    def get(self, request: Request, product_id: UUID) -> Response:
        values = queries.TermsQuery.parse(request)
        product = product_get_for(user=user_of(request), pk=product_id)
        terms = terms_of_product(product_id=product.pk).select_related("product")
        return queries.TermsQuery.page(terms, request=request, values=values).response(forms.TermsSerializer)

    @extend_schema(
        summary="Set a product's terms from a date on",
        description="What has begun or has accrued is never changed: the date is an open one.",
        request=forms.TermsCreateSerializer,
        responses={201: forms.TermsSerializer, 202: ApprovalSerializer},
        examples=[TERMS_EXAMPLE],
    )
    def post(self, request: Request, product_id: UUID) -> Response:
        NoParams.parse(request)
        product = product_get_for(user=user_of(request), pk=product_id)
        body = body_read(forms.TermsCreateSerializer, request)
        currency = product.currency_id
        body |= _minor(body, ("interest_minimum", "minimum_balance", "maximum_balance"), currency)
        body |= _tiers(body, "rates", currency) | _tiers(body, "overdraft_rates", currency)
        approval, terms = _changed(request, product, "terms_set", body)
        if approval is not None:
            return approval
        return respond(forms.TermsSerializer(terms).data, status=201)


class ProductTermsView(ApiView):
    """Terms that have not begun."""

    permissions: ClassVar = {"DELETE": "products.manage"}

    @extend_schema(
        summary="Take back terms that have not begun", request=None, responses={204: None, 202: ApprovalSerializer}
    )
    def delete(self, request: Request, product_id: UUID, terms_id: UUID) -> Response:
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        product = product_get_for(user=user_of(request), pk=product_id)
        approval, _ = _changed(request, product, "terms_withdraw", {"terms_id": terms_id})
        return Response(status=204) if approval is None else approval


class ProductFeesView(ApiView):
    """Fees of a product, and new ones."""

    permissions: ClassVar = {"GET": "products.view", "POST": "products.manage"}

    @extend_schema(
        summary="List a product's fees", parameters=[queries.FeesQuery], responses=page_of(forms.FeeSerializer)
    )
    def get(self, request: Request, product_id: UUID) -> Response:
        values = queries.FeesQuery.parse(request)
        product = product_get_for(user=user_of(request), pk=product_id)
        fees = fees_of_product(product_id=product.pk).select_related("product")
        if values["kind"] is not None:
            fees = fees.filter(kind=values["kind"])
        return queries.FeesQuery.page(fees, request=request, values=values).response(forms.FeeSerializer)

    @extend_schema(
        summary="Add a fee to a product",
        request=forms.FeeCreateSerializer,
        responses={201: forms.FeeSerializer, 202: ApprovalSerializer},
    )
    def post(self, request: Request, product_id: UUID) -> Response:
        NoParams.parse(request)
        product: AccountProduct = product_get_for(user=user_of(request), pk=product_id)
        body = body_read(forms.FeeCreateSerializer, request)
        body |= _minor(body, ("amount", "fee_min", "fee_max"), product.currency_id)
        approval, fee = _changed(request, product, "fee_add", body)
        if approval is not None:
            return approval
        return respond(forms.FeeSerializer(fee).data, status=201)


class ProductFeeEndView(ApiView):
    """The end of a fee."""

    permissions: ClassVar = {"POST": "products.manage"}

    @extend_schema(
        summary="Charge a fee for the last time on a date",
        request=forms.FeeEndSerializer,
        responses={200: forms.FeeSerializer, 202: ApprovalSerializer},
    )
    def post(self, request: Request, product_id: UUID, fee_id: UUID) -> Response:
        NoParams.parse(request)
        product = product_get_for(user=user_of(request), pk=product_id)
        body = body_read(forms.FeeEndSerializer, request)
        approval, fee = _changed(request, product, "fee_end", {"fee_id": fee_id, **body})
        if approval is not None:
            return approval
        return respond(forms.FeeSerializer(fee).data)


class AccountInterestView(ApiView):
    """The interest of an account, explained."""

    permissions: ClassVar = {"GET": "accounts.view"}
    read_of = "accounts.account"

    @extend_schema(
        summary="Explain an account's interest",
        description="Inputs, convention, formula, rounding and source rows of each day's interest; this month until "
        "today unless a period is given, at most 366 days.",
        parameters=[queries.PeriodQuery],
        responses=forms.InterestExplainedSerializer,
    )
    def get(self, request: Request, account_id: UUID) -> Response:
        values = queries.PeriodQuery.parse(request)
        account = account_get_for(user=user_of(request), pk=account_id)
        since, until = queries.period_read(values, today=business_date_current())
        return respond(forms.interest_shown(interest_explained(account=account, starts_on=since, ends_on=until)))


class AccountDayBalanceView(ApiView):
    """What was on an account at the end of a day."""

    permissions: ClassVar = {"GET": "accounts.view"}
    read_of = "accounts.account"

    @extend_schema(
        summary="Read the balance at the end of a past day",
        parameters=[queries.DayQuery],
        responses=forms.DayBalanceSerializer,
    )
    def get(self, request: Request, account_id: UUID) -> Response:
        values = queries.DayQuery.parse(request)
        account = account_get_for(user=user_of(request), pk=account_id)
        today = business_date_current()
        day = values["date"] or today
        if day > today:
            raise queries.parameter_fault("date", f"The open business day is {today}.")

        def money(*, valued: bool) -> dict[str, str]:
            minor = balance_at(ledger_id=account.ledger_account_id, day=day, valued=valued)
            return {"amount": minor_format(minor, account.currency), "currency": account.currency}

        return respond({"date": day, "booked": money(valued=False), "valued": money(valued=True)})
