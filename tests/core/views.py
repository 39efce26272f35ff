"""A small API that shows every manner of the base classes: the tests of core call it over HTTP."""

from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import OperationalError, connection
from django.http import Http404
from django.urls import path
from drf_spectacular.utils import extend_schema
from redis.exceptions import TimeoutError as RedisTimeoutError
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, Throttled
from rest_framework.response import Response

from apps.core import errors
from apps.core.api import fields
from apps.core.api.etag import version_check
from apps.core.api.money_fields import MoneyField
from apps.core.api.pagination import ListParams, page_of
from apps.core.api.permissions import ANY_USER
from apps.core.api.query import QueryParams
from apps.core.api.serializers import StrictModelSerializer, StrictSerializer, body_read
from apps.core.api.views import ApiView, respond
from apps.core.idempotency import request_fingerprint
from apps.identity.models import Branch
from config.urls import handler400, handler403, handler404, handler500  # noqa: F401 - read by Django


class HeaderUser:
    """A user who holds what the header X-Permissions lists."""

    is_authenticated = True

    def __init__(self, codes: str) -> None:
        self.codes = codes.split()

    def has_permission(self, code: str) -> bool:
        return code in self.codes


class HeaderAuthentication(BaseAuthentication):
    """Trusts X-Permissions; `bad` stands for a token that is not accepted."""

    def authenticate(self, request: Any) -> tuple[HeaderUser, None] | None:
        codes = request.headers.get("X-Permissions")
        if codes == "bad":
            raise AuthenticationFailed
        return None if codes is None else (HeaderUser(codes), None)


class TestView(ApiView):
    __test__ = False
    authentication_classes = (HeaderAuthentication,)


class LineSerializer(StrictSerializer):
    note = fields.TextField(max_length=20)
    amount = MoneyField()


class OrderSerializer(StrictSerializer):
    name = fields.TextField(max_length=40)
    code = fields.TextField(max_length=20, identifier=True, required=False)
    email = fields.EmailField(required=False)
    kind = fields.ChoiceField(choices=["one", "two"], required=False)
    count = fields.IntegerField(min_value=0, max_value=100, required=False)
    urgent = fields.BooleanField(required=False)
    due = fields.DateField(required=False)
    at = fields.DateTimeField(required=False)
    account = fields.UUIDField(required=False)
    rate = fields.DecimalField(max_digits=8, decimal_places=4, required=False)
    currency = fields.CurrencyField(required=False)
    total = MoneyField(required=False)
    lines = LineSerializer(many=True, required=False)
    status = fields.TextField(read_only=True)


class OrdersView(TestView):
    permissions = {"POST": "orders.create", "GET": ANY_USER}
    idempotent_methods = frozenset({"POST"})

    @extend_schema(request=OrderSerializer, responses={201: OrderSerializer})
    def post(self, request: Any) -> Response:
        body = body_read(OrderSerializer, request)
        request_fingerprint(method="POST", path=request.path, body=request.data)
        shown = {name: str(value) for name, value in body.items()}
        return respond(shown, status=201, version=1, location="/api/v1/orders/1", replayed=True)

    @extend_schema(exclude=True)
    def get(self, request: Any) -> Response:
        return Response({"name": "x"})


class OrderView(TestView):
    permissions = {"PATCH": "orders.update", "GET": "orders.view"}

    @extend_schema(request=OrderSerializer, responses=OrderSerializer)
    def patch(self, request: Any, order: str) -> Response:
        version_check(current=3, expected=self.expected_version)
        return respond(body_read(OrderSerializer, request, partial=True), version=4)

    @extend_schema(responses=OrderSerializer)
    def get(self, request: Any, order: str) -> Response:
        raise errors.NotFound


class BranchSerializer(StrictModelSerializer):
    class Meta:
        model = Branch
        fields = ("code", "name", "is_active")


class BranchList(ListParams):
    sorts = {"code": "code", "name": "name", "created_at": "created_at"}
    default_sort = "code"
    active = fields.BooleanField(required=False)


class BranchesView(TestView):
    permissions = {"GET": ANY_USER}

    @extend_schema(parameters=[BranchList], responses=page_of(BranchSerializer))
    def get(self, request: Any) -> Response:
        values = BranchList.parse(request)
        found = Branch.objects.all()
        if values["active"] is not None:
            found = found.filter(is_active=values["active"])
        return BranchList.page(found, request=request, values=values).response(BranchSerializer)


class AsOfQuery(QueryParams):
    as_of = fields.DateField(required=False)
    count = fields.IntegerField(required=False, min_value=1)
    kind = fields.ChoiceField(choices=["one", "two"], default="one")


class AsOfView(TestView):
    permissions = {"GET": ANY_USER}

    @extend_schema(parameters=[AsOfQuery], responses=OrderSerializer)
    def get(self, request: Any) -> Response:
        return Response(AsOfQuery.parse(request))


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'secret' USING ERRCODE = '57014'; END $$")


def _raise(error: BaseException) -> None:
    raise error


NESTED = {"a/b": [{}, {"c~d": ["Bad."]}], "non_field_errors": ["Odd."]}

FAULTS: dict[str, Any] = {
    "domain": lambda: _raise(errors.Unprocessable("Not today.", limit="5")),
    "pointer": lambda: _raise(errors.InvalidAmount(pointer="/amount")),
    "missing": lambda: _raise(Http404("SELECT secret")),
    "bug": lambda: _raise(RuntimeError("secret")),
    "database": _database,
    "gone": lambda: _raise(OperationalError("secret")),
    "odd": lambda: _raise(SuspiciousOperation("secret")),
    "big": lambda: _raise(RequestDataTooBig("secret")),
    "redis": lambda: _raise(RedisTimeoutError("secret")),
    "denied": lambda: _raise(DjangoPermissionDenied("secret")),
    "busy": lambda: _raise(errors.TooManyRequests(retry_after=7)),
    "throttled": lambda: _raise(Throttled(wait=9)),
    "model": lambda: _raise(DjangoValidationError({"name": ["Too long."], "__all__": ["Odd."]})),
    "flat": lambda: _raise(DjangoValidationError("Odd.", code="too_odd")),
    "nested": lambda: _raise(
        serializers.ValidationError({"a/b": [{}, {"c~d": ["Bad."]}], "non_field_errors": ["Odd."]})
    ),
    "teapot": lambda: _raise(type("Teapot", (APIException,), {"status_code": 418})("secret")),
}


class FaultView(TestView):
    public = True

    @extend_schema(responses=OrderSerializer)
    def get(self, request: Any, fault: str) -> Response:
        return Response(FAULTS[fault]())


class SmallView(TestView):
    public = True
    max_body_bytes = 64

    @extend_schema(request=OrderSerializer, responses=OrderSerializer)
    def post(self, request: Any) -> Response:
        return Response(request.data)


urlpatterns = [
    path("api/v1/orders", OrdersView.as_view()),
    path("api/v1/orders/<uuid:order>", OrderView.as_view()),
    path("api/v1/branches", BranchesView.as_view()),
    path("api/v1/as-of", AsOfView.as_view()),
    path("api/v1/faults/<str:fault>", FaultView.as_view()),
    path("api/v1/small", SmallView.as_view()),
]
