"""Loan products and their terms over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar, cast
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.approvals.api.serializers import ApprovalSerializer
from apps.approvals.api.views import accepted
from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import body_read
from apps.core.api.views import ApiView, respond
from apps.core.errors import CurrencyMismatch
from apps.core.money import Money
from apps.ledger.selectors import business_date_current
from apps.lending import services
from apps.lending.api import answers, forms
from apps.lending.errors import LoanProductNotUsable
from apps.lending.models import LoanProduct
from apps.lending.product_actions import product_change
from apps.lending.selectors import product_get_for, products_visible_to, terms_on
from apps.lending.servicing import Position

if TYPE_CHECKING:
    from apps.identity.models import User

VIEW, MANAGE = "lending.view", "lending.manage_products"

PRODUCT_EXAMPLE = OpenApiExample(
    "A personal loan",
    value={
        "code": "PERSONAL-12",
        "name": "Personal loan",
        "kind": "personal",
        "currency": "KES",
        "borrowers": ["person"],
        "number_prefix": "51",
        "terms": {
            "effective_from": "2026-11-21",
            "principal_min": {"amount": "1000.00", "currency": "KES"},
            "principal_max": {"amount": "500000.00", "currency": "KES"},
            "instalments_min": 3,
            "instalments_max": 36,
            "rate_percent": "18",
            "rate_min_percent": "12",
            "rate_max_percent": "24",
            "fees": [{"name": "Processing", "kind": "upfront", "base": "principal", "share": "0.01"}],
            "penalties": [{"base": "overdue_principal", "kind": "per_day", "rate": "0.001", "grace_days": 3}],
            "requirements": {"instalment_share_max": "0.40"},
        },
    },
    request_only=True,
)


def user_of(request: Request) -> User:
    """Who asks: views that are not public have a user."""
    return cast("User", request.user)


def minor_of(money: Money, *, currency: str, pointer: str) -> int:
    """Minor units of an amount that must be in a currency. Raises `CurrencyMismatch`."""
    if money.currency != currency:
        raise CurrencyMismatch(f"The amount must be in {currency}.", pointer=pointer)
    return money.minor


def terms_asked(body: Mapping[str, Any], *, currency: str, pointer: str = "") -> services.TermsAsked:
    """The terms of a request."""
    values: dict[str, Any] = {
        name: minor_of(body[name], currency=currency, pointer=f"{pointer}/{name}/currency")
        for name in ("principal_min", "principal_max")
    }
    values |= {name: forms.fraction(body[f"{name}_percent"]) for name in ("rate", "rate_min", "rate_max")}
    values |= {name: body[name] for name in ("effective_from", "instalments_min", "instalments_max")}
    documents = ("conventions", "servicing", "fees", "penalties", "requirements", "arrears")
    return services.TermsAsked(**values, **{name: body[name] for name in documents if name in body})


def product_response(product: LoanProduct, *, status: int = 200, location: str = "") -> Response:
    """A product with its ETag."""
    return respond(answers.LoanProductAnswer(product).data, status=status, version=product.version, location=location)


def rows_of(position: Position, currency: str) -> list[dict[str, Any]]:
    """Rows of a position as the API shows them."""
    return [answers.row_shown(services.row_values(one=one), currency) for one in position.rows]


class LoanProductsView(ApiView):
    """What the bank lends."""

    permissions: ClassVar = {"GET": VIEW, "POST": MANAGE}

    @extend_schema(
        summary="List loan products",
        description="All for staff; members see those that are open for applications.",
        parameters=[forms.LoanProductsQuery],
        responses=page_of(answers.LoanProductAnswer),
    )
    def get(self, request: Request) -> Response:
        values = forms.LoanProductsQuery.parse(request)
        products = products_visible_to(user_of(request))
        for name in ("kind", "is_active"):
            if values[name] is not None:
                products = products.filter(**{name: values[name]})
        return forms.LoanProductsQuery.page(products, request=request, values=values).response(
            answers.LoanProductAnswer
        )

    @extend_schema(
        summary="Add a loan product",
        description="With its first terms. The documents of the terms are in the reference of loan products.",
        request=forms.LoanProductForm,
        responses={201: answers.LoanProductAnswer},
        examples=[PRODUCT_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.LoanProductForm, request)
        terms = terms_asked(body.pop("terms"), currency=body["currency"], pointer="/terms")
        product = services.product_create(acting_user=user_of(request), terms=terms, **body)
        return product_response(product, status=201, location=f"/api/v1/loan-products/{product.pk}")


class LoanProductView(ApiView):
    """One loan product."""

    permissions: ClassVar = {"GET": VIEW, "PATCH": MANAGE}

    @extend_schema(summary="Read a loan product", responses=answers.LoanProductAnswer)
    def get(self, request: Request, loan_product_id: UUID) -> Response:
        NoParams.parse(request)
        return product_response(product_get_for(user=user_of(request), pk=loan_product_id))

    @extend_schema(
        summary="Change a loan product",
        description="Its name and description, and whether it is open. Terms are added, not changed.",
        request=forms.LoanProductChangeForm,
        responses={200: answers.LoanProductAnswer, 202: ApprovalSerializer},
    )
    def patch(self, request: Request, loan_product_id: UUID) -> Response:
        NoParams.parse(request)
        product = product_get_for(user=user_of(request), pk=loan_product_id)
        body = body_read(forms.LoanProductChangeForm, request, partial=True)
        approval, changed = product_change(
            maker=user_of(request), product=product, do="product_update", at=clock.now(),
            values={"expected_version": self.expected_version, **body},
        )  # fmt: skip
        return product_response(changed) if approval is None else accepted(approval)


class LoanTermsView(ApiView):
    """The terms of a product, by date."""

    permissions: ClassVar = {"GET": VIEW, "POST": MANAGE}
    also_answers: ClassVar = {"POST": frozenset({404})}

    @extend_schema(
        summary="List the terms of a loan product",
        parameters=[forms.LoanTermsQuery],
        responses=page_of(answers.LoanTermsAnswer),
    )
    def get(self, request: Request, loan_product_id: UUID) -> Response:
        values = forms.LoanTermsQuery.parse(request)
        product = product_get_for(user=user_of(request), pk=loan_product_id)
        page = forms.LoanTermsQuery.page(product.terms.select_related("product"), request=request, values=values)
        return page.response(answers.LoanTermsAnswer)

    @extend_schema(
        summary="Add terms to a loan product",
        description="They hold from a day on, today at the earliest. Loans keep the terms they began with.",
        request=forms.LoanTermsForm,
        responses={201: answers.LoanTermsAnswer, 202: ApprovalSerializer},
    )
    def post(self, request: Request, loan_product_id: UUID) -> Response:
        NoParams.parse(request)
        product = product_get_for(user=user_of(request), pk=loan_product_id)
        body = body_read(forms.LoanTermsForm, request)
        asked = terms_asked(body, currency=product.currency_id)
        approval, terms = product_change(
            maker=user_of(request), product=product, do="terms_add", values=asdict(asked), at=clock.now()
        )
        if approval is not None:
            return accepted(approval)
        return respond(answers.LoanTermsAnswer(terms).data, status=201)


class LoanOfferPreviewView(ApiView):
    """The schedule of a loan that might be."""

    permissions: ClassVar = {"POST": VIEW}
    also_answers: ClassVar = {"POST": frozenset({404})}

    @extend_schema(
        summary="Preview a loan of a product",
        description="The schedule by the product's terms of today; nothing is kept.",
        request=forms.OfferPreviewForm,
        responses={200: answers.LoanOfferPreviewAnswer},
    )
    def post(self, request: Request, loan_product_id: UUID) -> Response:
        NoParams.parse(request)
        product = product_get_for(user=user_of(request), pk=loan_product_id)
        body = body_read(forms.OfferPreviewForm, request)
        today = business_date_current()
        terms = terms_on(product_id=product.pk, day=today)
        if terms is None:
            raise LoanProductNotUsable("The product has no terms yet.")
        amount = minor_of(body["amount"], currency=product.currency_id, pointer="/amount/currency")
        rate = forms.fraction(body.get("rate_percent"))
        rate = terms.rate if rate is None else rate
        services.limits_check(terms=terms, amount=amount, rate=rate, instalments=body["instalments"])
        position = services.position_offered(
            terms=terms,
            amount=amount,
            rate=rate,
            instalments=body["instalments"],
            start=body.get("start") or today,
            first_due=body.get("first_due"),
        )
        shown = {"currency": product.currency_id, "rate": rate, "rows": rows_of(position, product.currency_id)}
        return respond(answers.LoanOfferPreviewAnswer(shown).data)
