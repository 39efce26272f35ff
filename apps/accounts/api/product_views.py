"""Products over HTTP."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import services
from apps.accounts.api import queries
from apps.accounts.api import serializers as forms
from apps.accounts.api.views import minor_of, user_of
from apps.accounts.models import AccountProduct
from apps.accounts.product_actions import product_change
from apps.accounts.selectors import product_get_for, products_visible_to
from apps.approvals.api.serializers import ApprovalSerializer
from apps.approvals.api.views import accepted
from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import body_read
from apps.core.api.views import ApiView, respond

_AMOUNTS = ("overdraft_limit_max", "transaction_limit")


def product_response(product: AccountProduct, *, status: int = 200, location: str = "") -> Response:
    """A product with its ETag."""
    return respond(forms.ProductSerializer(product).data, status=status, version=product.version, location=location)


def _terms(body: dict[str, Any], *, currency: str) -> dict[str, Any]:
    amounts = {name: minor_of(body[name], currency=currency, pointer=f"/{name}") for name in _AMOUNTS if name in body}
    return {**body, **amounts}


class ProductsView(ApiView):
    """What the bank offers, and new offers."""

    permissions: ClassVar = {"GET": "products.view", "POST": "products.manage"}

    @extend_schema(
        summary="List account products", parameters=[queries.ProductsQuery], responses=page_of(forms.ProductSerializer)
    )
    def get(self, request: Request) -> Response:
        values = queries.ProductsQuery.parse(request)
        products = products_visible_to(user_of(request))
        for name in ("kind", "currency", "is_active"):
            if values[name] is not None:
                products = products.filter(**{name: values[name]})
        return queries.ProductsQuery.page(products, request=request, values=values).response(forms.ProductSerializer)

    @extend_schema(
        summary="Add an account product",
        request=forms.ProductCreateSerializer,
        responses={201: forms.ProductSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.ProductCreateSerializer, request)
        product = services.product_create(acting_user=user_of(request), **_terms(body, currency=body["currency"]))
        return product_response(product, status=201, location=f"/api/v1/account-products/{product.pk}")


class ProductView(ApiView):
    """One product."""

    permissions: ClassVar = {"GET": "products.view", "PATCH": "products.manage"}

    @extend_schema(summary="Read an account product", responses=forms.ProductSerializer)
    def get(self, request: Request, product_id: UUID) -> Response:
        NoParams.parse(request)
        return product_response(product_get_for(user=user_of(request), pk=product_id))

    @extend_schema(
        summary="Change an account product",
        request=forms.ProductUpdateSerializer,
        responses={200: forms.ProductSerializer, 202: ApprovalSerializer},
    )
    def patch(self, request: Request, product_id: UUID) -> Response:
        NoParams.parse(request)
        product = product_get_for(user=user_of(request), pk=product_id)
        body = body_read(forms.ProductUpdateSerializer, request, partial=True)
        values = {"expected_version": self.expected_version, **_terms(body, currency=product.currency_id)}
        approval, changed = product_change(
            maker=user_of(request), product=product, do="product_update", values=values, at=clock.now()
        )
        return product_response(changed) if approval is None else accepted(approval)
