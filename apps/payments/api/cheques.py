"""Cheques over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import body_read
from apps.core.api.views import NAMES_A_RECORD, ApiView, respond
from apps.core.errors import InvalidRequest
from apps.core.idempotency import request_fingerprint
from apps.core.money import Money
from apps.ledger.selectors import business_date_current
from apps.payments import services
from apps.payments.api import cheque_forms as forms
from apps.payments.api import serializers
from apps.payments.api.bodies import account_name
from apps.payments.api.limits import amount_allowed, amount_guard
from apps.payments.api.views import API, caller, payment_answer
from apps.payments.models import ChequeDeposit
from apps.payments.selectors import (
    account_refs,
    cheque_books_visible_to,
    cheque_deposit_get_for,
    cheque_deposits_visible_to,
    cheque_leaves_visible_to,
)
from apps.payments.services import Asked, Drawn

CHEQUES, RETURN, STOP = "payments.cheques", "payments.return_cheques", "payments.stop_cheques"


def of_account(found: QuerySet[Any], values: dict[str, Any]) -> QuerySet[Any]:
    """Those of the account that the filter names, by number or id."""
    if not values["account"]:
        return found
    name = account_name(values["account"])
    ref = account_refs(names=[name]).get(name)
    return found.filter(account=ref.account_id) if ref is not None else found.none()


def asked_of(view: ApiView, request: Request) -> Asked:
    """Who asks, under which key, for what."""
    fingerprint = request_fingerprint(method="POST", path=request.path, body=request.data)
    return Asked(user=caller(request), key=view.idempotency_key, fingerprint=fingerprint)


def cheque_answer(cheque: ChequeDeposit, **options: Any) -> Response:
    """A cheque with its version."""
    return respond(forms.ChequeDepositSerializer(cheque).data, version=cheque.version, **options)


class ChequeDepositsView(ApiView):
    """Cheques of other banks."""

    permissions = {"GET": "accounts.view", "POST": CHEQUES}
    idempotent_methods = frozenset({"POST"})
    also_answers = NAMES_A_RECORD

    @extend_schema(
        parameters=[forms.ChequeDepositListParams],
        responses=page_of(forms.ChequeDepositSerializer),
        summary="List cheques paid in",
    )
    def get(self, request: Request) -> Response:
        """Cheques onto accounts in your reach, newest first."""
        values = forms.ChequeDepositListParams.parse(request)
        found = of_account(cheque_deposits_visible_to(caller(request)), values)
        if values["status"]:
            found = found.filter(status=values["status"])
        page = forms.ChequeDepositListParams.page(found, request=request, values=values)
        return page.response(forms.ChequeDepositSerializer)

    @extend_schema(
        request=forms.ChequeDepositRequestSerializer,
        responses={201: forms.ChequeDepositSerializer},
        summary="Pay a cheque in",
    )
    def post(self, request: Request) -> Response:
        """Book a cheque of another bank: its amount is on the account at once, and held until it has cleared."""
        NoParams.parse(request)
        body = body_read(forms.ChequeDepositRequestSerializer, request)
        asked = asked_of(self, request)
        amount_guard(asked, "payments.deposit", body["amount"])
        amount_guard(asked, CHEQUES, body["amount"])
        cheque, replayed = services.cheque_deposit(
            asked=asked,
            account=account_name(body["account"]),
            amount=body["amount"],
            drawn=Drawn(body["drawer_bank"], body["drawer_account"], body["number"], body.get("drawer_name", "")),
            at=clock.now(),
        )
        return cheque_answer(cheque, status=201, location=f"{API}/cheque-deposits/{cheque.pk}", replayed=replayed)


class ChequeDepositView(ApiView):
    """One cheque."""

    permissions = {"GET": "accounts.view"}

    @extend_schema(responses=forms.ChequeDepositSerializer, summary="Read a cheque paid in")
    def get(self, request: Request, cheque_id: UUID) -> Response:
        """A cheque onto an account in your reach; its version is the ETag."""
        NoParams.parse(request)
        return cheque_answer(cheque_deposit_get_for(user=caller(request), pk=cheque_id))


class ChequeReturnView(ApiView):
    """Cheques that come back."""

    permissions = {"POST": RETURN}
    if_match_methods = frozenset({"POST"})

    @extend_schema(
        request=forms.ChequeReturnSerializer, responses={200: forms.ChequeDepositSerializer}, summary="Return a cheque"
    )
    def post(self, request: Request, cheque_id: UUID) -> Response:
        """The other bank did not pay: the deposit is reversed, and the fee taken if the account has it."""
        NoParams.parse(request)
        paid_in = cheque_deposit_get_for(user=caller(request), pk=cheque_id)
        body = body_read(forms.ChequeReturnSerializer, request)
        amount_allowed(caller(request), RETURN, Money(paid_in.amount, paid_in.currency))
        cheque = services.cheque_return(
            acting_user=caller(request),
            cheque_id=cheque_id,
            expected_version=self.expected_version,
            at=clock.now(),
            **body,
        )
        return cheque_answer(cheque)


class ChequeBooksView(ApiView):
    """Books of cheques."""

    permissions = {"GET": "accounts.view", "POST": CHEQUES}
    also_answers = NAMES_A_RECORD

    @extend_schema(
        parameters=[forms.ChequeBookListParams],
        responses=page_of(forms.ChequeBookSerializer),
        summary="List cheque books",
    )
    def get(self, request: Request) -> Response:
        """Books issued on accounts in your reach, newest first."""
        values = forms.ChequeBookListParams.parse(request)
        found = of_account(cheque_books_visible_to(caller(request)), values)
        page = forms.ChequeBookListParams.page(found, request=request, values=values)
        return page.response(forms.ChequeBookSerializer)

    @extend_schema(
        request=forms.ChequeBookRequestSerializer,
        responses={201: forms.ChequeBookSerializer},
        summary="Issue a cheque book",
    )
    def post(self, request: Request) -> Response:
        """Issue the next book on an account; its leaves are numbered on from the last one."""
        NoParams.parse(request)
        body = body_read(forms.ChequeBookRequestSerializer, request)
        book = services.cheque_book_issue(
            acting_user=caller(request),
            account=account_name(body["account"]),
            leaves=body["leaves"],
            issued_on=business_date_current(),
        )
        return respond(forms.ChequeBookSerializer(book).data, status=201)


class ChequeLeavesView(ApiView):
    """Leaves."""

    permissions = {"GET": "accounts.view"}

    @extend_schema(
        parameters=[forms.ChequeLeafListParams],
        responses=page_of(forms.ChequeLeafSerializer),
        summary="List cheque leaves",
    )
    def get(self, request: Request) -> Response:
        """Leaves of accounts in your reach, by number."""
        values = forms.ChequeLeafListParams.parse(request)
        found = of_account(cheque_leaves_visible_to(caller(request)), values)
        if values["status"]:
            found = found.filter(status=values["status"])
        page = forms.ChequeLeafListParams.page(found, request=request, values=values)
        return page.response(forms.ChequeLeafSerializer)


class ChequeStopsView(ApiView):
    """Leaves that are not to be paid."""

    permissions = {"POST": STOP}
    also_answers = NAMES_A_RECORD

    @extend_schema(
        request=forms.ChequeStopRequestSerializer, responses={200: forms.StoppedSerializer}, summary="Stop cheques"
    )
    def post(self, request: Request) -> Response:
        """Stop unused leaves, one or a run of them, for good."""
        NoParams.parse(request)
        body = body_read(forms.ChequeStopRequestSerializer, request)
        first = body["first_number"]
        last = body.get("last_number", first)
        if not first <= last < first + forms.STOPPED_MAX:
            raise InvalidRequest(f"At most {forms.STOPPED_MAX} leaves, in order.", pointer="/last_number")
        leaves = services.cheque_stop(
            acting_user=caller(request),
            account=account_name(body["account"]),
            first=first,
            last=last,
            reason=body["reason"],
            at=clock.now(),
        )
        return respond({"leaves": forms.ChequeLeafSerializer(leaves, many=True).data})


class ChequePaymentsView(ApiView):
    """Cheques of this bank that are presented."""

    permissions = {"POST": "payments.withdraw"}
    idempotent_methods = frozenset({"POST"})
    also_answers = NAMES_A_RECORD

    @extend_schema(
        request=forms.ChequePaymentRequestSerializer,
        responses={201: serializers.PaymentSerializer},
        summary="Pay a cheque",
    )
    def post(self, request: Request) -> HttpResponse:
        """Pay a leaf once: in cash at your open till, or to the bank that presented it. A refusal is not kept."""
        NoParams.parse(request)
        body = body_read(forms.ChequePaymentRequestSerializer, request)
        asked = asked_of(self, request)
        amount_guard(asked, "payments.withdraw", body["amount"])
        payment = services.cheque_pay(
            asked=asked,
            account=account_name(body["account"]),
            number=body["number"],
            amount=body["amount"],
            payee=body["payee"],
            session_id=body.get("till_session_id"),
            at=clock.now(),
            signed_by=body.get("signed_by", ()),
        )
        return payment_answer(request._request, payment, location="transactions")
