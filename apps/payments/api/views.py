"""Payments over HTTP: parse, call one service, present."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import msgspec
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiExample, PolymorphicProxySerializer, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.approvals.api.serializers import ApprovalSerializer
from apps.approvals.api.views import accepted
from apps.approvals.errors import ApprovalRequired
from apps.approvals.services import approval_possible, request_submit
from apps.balances.errors import BatchRefused, refusal_of
from apps.balances.selectors import engine_seen_fast
from apps.balances.services import Accepted
from apps.core import clock
from apps.core.api.lean import MoneyView, answer, body_peek, refusal
from apps.core.api.problems import pointer_join
from apps.core.api.query import NoParams
from apps.core.api.serializers import body_read
from apps.core.api.views import NAMES_A_RECORD, ApiView, respond
from apps.core.errors import DomainError, InvalidRequest, PermissionDenied
from apps.core.idempotency import idempotency_key_read, request_fingerprint
from apps.payments import services, signing
from apps.payments.actions import REVERSAL, TRANSFER, reversal_payload, transfer_approval
from apps.payments.api import serializers
from apps.payments.api.accepted import AcceptedTransferSerializer, accepted_answer, wants_no_wait
from apps.payments.api.bodies import (
    BatchBody,
    ItemBody,
    account_name,
    batch_reader,
    details_of,
    item_canonical,
    money_of,
    names_peek,
    signed_by_of,
    transfer_reader,
)
from apps.payments.api.limits import amount_guard, amounts_guard
from apps.payments.api.pending_forms import PendingPaymentSerializer, pending_answer
from apps.payments.selectors import (
    KIND_TRANSFER,
    KINDS,
    Payment,
    engine_executes,
    payment_find,
    payment_get_for,
)
from apps.payments.services import Asked, BatchItem, Details, ItemResult

if TYPE_CHECKING:
    from apps.identity.models import User

API = "/api/v1"
BATCH_BYTES_MAX = 2 * 1024 * 1024

# A person must approve it, others must sign it, or the engine has executed it and the books do not have it yet.
TRANSFER_ACCEPTED = PolymorphicProxySerializer(
    component_name="TransferAnswered202",
    serializers=[ApprovalSerializer, PendingPaymentSerializer, AcceptedTransferSerializer],
    resource_type_field_name=None,
)
TRANSFER_EXAMPLE = OpenApiExample(
    "A transfer",
    value={
        "source_account": "010000000017",
        "destination_account": "020000000024",
        "amount": {"amount": "1250.00", "currency": "KES"},
        "description": "Rent, November",
        "client_timestamp": "2026-11-21T08:30:00Z",
    },
    request_only=True,
)


def caller(request: Any) -> User:
    """The user of a request that has passed its permission."""
    return cast("User", request.user)


def payment_answer(request: HttpRequest, payment: Payment, *, location: str) -> HttpResponse:
    """201 with the payment, or its refusal as a problem with the transaction's id; both for ever the same."""
    if not payment.ok:
        error = refusal_of(payment.outcome)
        error.extra["transaction_id"] = str(payment.id)
        return refusal(request, error, replayed=payment.replayed)
    return answer(
        serializers.payment_show(payment),
        status=201,
        location=f"{API}/{location}/{payment.id}",
        replayed=payment.replayed,
    )


class TransfersView(MoneyView):
    """Transfers between accounts."""

    permissions = {"POST": "payments.transfer"}
    also_answers = NAMES_A_RECORD

    @classmethod
    def gathers(cls, environ: dict[str, Any]) -> bool:
        """Where the engine executes both accounts, as far as is known. In the database each waits for itself."""
        if environ["REQUEST_METHOD"] != "POST" or not engine_seen_fast():
            return False
        raw = body_peek(environ)
        names = names_peek(raw) if raw else None
        return names is not None and engine_executes(names=names)

    @extend_schema(
        request=serializers.TransferRequestSerializer,
        responses={201: serializers.PaymentSerializer, 202: TRANSFER_ACCEPTED},
        examples=[TRANSFER_EXAMPLE],
        summary="Transfer money",
    )
    def post(self, request: HttpRequest) -> HttpResponse:
        """Move money between two accounts of one currency, at once and once.

        202 where a policy asks for approval first: the money moves once it is approved. And 202 with the payment that
        waits where the account's mandate asks for more signatures than the member's own.
        `Prefer: respond-async` answers 202 as soon as the real-time engine has executed it, before it is in the books.
        A refusal by the books (422: insufficient-funds, account-blocked, account-closed) is kept: the same key gets it
        for ever.
        """
        raw = self.body_bytes(request)
        body, canonical = transfer_reader.read(raw)
        try:
            source, destination = account_name(body.source_account), account_name(body.destination_account)
            amount, details, signed_by = money_of(body.amount), details_of(body), signed_by_of(body)
        except (DomainError, ValidationError):
            transfer_reader.read_slowly(raw)  # names every fault
            raise
        asked = Asked(
            user=caller(request),
            key=self.idempotency_key,
            fingerprint=hashlib.sha256(b"POST\n/api/v1/transfers\n" + canonical).digest(),
        )
        amount_guard(asked, "payments.transfer", amount)
        values: dict[str, Any] = {
            "source": source, "destination": destination, "amount": amount, "details": details,
        }  # fmt: skip
        if signed_by and asked.user.scope == "own":
            raise PermissionDenied("A member signs with the own sign-in.")
        waiting = signing.transfer_pending(asked, at=clock.now(), **values)
        if waiting is not None:
            return pending_answer(waiting)
        approval = transfer_approval(asked, at=clock.now(), signed_by=signed_by, **values)
        if approval is not None:
            return answer(ApprovalSerializer(approval).data, status=202, location=approval.url)
        post = services.transfer_accept if wants_no_wait(request) else services.transfer_post
        payment = post(asked=asked, signed_by=signed_by, **values)
        if isinstance(payment, Accepted):
            return accepted_answer(asked, payment)
        return payment_answer(request, payment, location="transfers")


def batch_approval_check(items: list[BatchItem]) -> None:
    """Raise ApprovalRequired for an item that may need approval: those are sent one by one."""
    at = clock.now()
    for place, item in enumerate(items):
        if approval_possible(kind=TRANSFER, amount=item.amount, at=at):
            raise ApprovalRequired("Send this transfer alone.", pointer=pointer_join("items", place) + "/amount")


class TransferBatchesView(MoneyView):
    """Many transfers in one request."""

    permissions = {"POST": "payments.batch"}
    max_body_bytes = BATCH_BYTES_MAX

    @extend_schema(
        request=serializers.TransferBatchRequestSerializer,
        responses={200: serializers.TransferBatchSerializer},
        summary="Transfer many times",
    )
    def post(self, request: HttpRequest) -> HttpResponse:
        """Post up to 1,000 transfers in their order, in one database transaction.

        `independent`: 200 with the outcome of each. `atomic`: 200 when all are committed; else 422 `batch-refused`,
        whose `errors` say which items are why, and nothing was posted. Each item has a key, its own or the batch's
        with `/` and the place, so a batch sent again gives the first outcomes.
        """
        raw = self.body_bytes(request)
        body, _ = batch_reader.read(raw)
        mode = "independent" if body.mode is msgspec.UNSET else body.mode
        atomic = mode == "atomic"
        try:
            items = _items(body, mode, self.idempotency_key)
        except (DomainError, ValidationError, msgspec.MsgspecError):
            batch_reader.read_slowly(raw)  # names every fault
            raise
        batch_approval_check(items)
        asked = Asked(user=caller(request), key=self.idempotency_key, fingerprint=b"")
        amounts_guard(asked, "payments.batch", (item.amount for item in items))
        results = services.transfer_batch_post(asked=asked, items=items, atomic=atomic)
        replayed = all(result.replayed for result in results)
        if atomic and any(not result.ok for result in results):
            return refusal(request, _batch_refused(results), replayed=replayed)
        committed = sum(result.ok for result in results)
        shown = [_item_show(place, result) for place, result in enumerate(results)]
        return answer(
            {"mode": mode, "committed": committed, "rejected": len(results) - committed, "items": shown},
            replayed=replayed,
        )


def _items(body: BatchBody, mode: str, batch_key: str) -> list[BatchItem]:
    if not 1 <= len(body.items) <= services.BATCH_MAX or mode not in ("independent", "atomic"):
        raise InvalidRequest  # never seen: the slow way says what is wrong
    head = f"POST\n/api/v1/transfer-batches\n{mode}\n".encode()
    return [_item(item, f"{batch_key}/{place}", head) for place, item in enumerate(body.items)]


def _item(item: ItemBody, key: str, head: bytes) -> BatchItem:
    own = item.idempotency_key
    if own is not msgspec.UNSET:
        key = idempotency_key_read({"Idempotency-Key": own})
    return BatchItem(
        key,
        item_canonical(item, head),
        account_name(item.source_account),
        account_name(item.destination_account),
        money_of(item.amount),
        details_of(item),
    )


class ItemShown(msgspec.Struct, gc=False, omit_defaults=True):
    """What became of one item; a struct, since a thousand dicts wake the garbage collector."""

    index: int
    id: UUID
    status: str
    replayed: bool
    code: str | None = None
    detail: str | None = None


def _item_show(place: int, result: ItemResult) -> ItemShown:
    error = result.error
    if error is None:
        return ItemShown(place, result.id, "committed", result.replayed)
    return ItemShown(place, result.id, "rejected", result.replayed, error.code, error.detail)


def _batch_refused(results: list[ItemResult]) -> BatchRefused:
    refused = BatchRefused("Nothing was posted: some items were refused.")
    refused.errors = [
        {
            "pointer": pointer_join("items", place) + (result.error.pointer or ""),
            "code": result.error.code,
            "detail": result.error.detail,
        }
        for place, result in enumerate(results)
        if result.error is not None and not isinstance(result.error, BatchRefused)
    ]
    return refused


class CashView(ApiView):
    """What deposits and withdrawals have in common."""

    idempotent_methods = frozenset({"POST"})
    also_answers = NAMES_A_RECORD
    body_class: type[serializers.CashRequestSerializer] = serializers.CashRequestSerializer

    def asked(self, request: Request) -> tuple[Asked, dict[str, Any]]:
        """The request under its key, and its validated body."""
        NoParams.parse(request)
        body = body_read(self.body_class, request)
        fingerprint = request_fingerprint(method="POST", path=request.path, body=request.data)
        return Asked(user=caller(request), key=self.idempotency_key, fingerprint=fingerprint), {
            "account": account_name(body["account"]),
            "amount": body["amount"],
            "details": Details(
                description=body.get("description", ""),
                counterparty=body.get("counterparty", ""),
                reference=body.get("reference", ""),
                channel=body["channel"],
                value_date=body.get("value_date"),
                client_timestamp=body.get("client_timestamp"),
            ),
            **({"signed_by": body["signed_by"]} if "signed_by" in body else {}),
        }


class DepositsView(CashView):
    """Money into accounts."""

    permissions = {"POST": "payments.deposit"}

    @extend_schema(
        request=serializers.CashRequestSerializer,
        responses={201: serializers.PaymentSerializer},
        summary="Take a deposit",
    )
    def post(self, request: Request) -> Response | HttpResponse:
        """Book money that came in. Cash is booked at the till of the user's own branch."""
        asked, values = self.asked(request)
        amount_guard(asked, "payments.deposit", values["amount"])
        payment = services.deposit_post(asked=asked, **values)
        return payment_answer(request._request, payment, location="transactions")


class WithdrawalsView(CashView):
    """Money out of accounts."""

    permissions = {"POST": "payments.withdraw"}
    body_class = serializers.WithdrawalRequestSerializer

    @extend_schema(
        request=serializers.WithdrawalRequestSerializer,
        responses={201: serializers.PaymentSerializer, 202: PendingPaymentSerializer},
        summary="Pay out a withdrawal",
    )
    def post(self, request: Request) -> Response | HttpResponse:
        """Book money that is paid out; pay it only after 201. 202 where a member asks for more than the account's
        mandate lets one signatory take out alone."""
        asked, values = self.asked(request)
        amount_guard(asked, "payments.withdraw", values["amount"])
        if values.get("signed_by") and asked.user.scope == "own":
            raise PermissionDenied("A member signs with the own sign-in.")
        waiting = signing.withdrawal_pending(
            asked, at=clock.now(), **{name: value for name, value in values.items() if name != "signed_by"}
        )
        if waiting is not None:
            return pending_answer(waiting)
        payment = services.withdrawal_post(asked=asked, **values)
        return payment_answer(request._request, payment, location="transactions")


class TransactionView(ApiView):
    """Payments of every kind, as decided."""

    permissions = {"GET": "accounts.view"}
    kinds = KINDS

    @extend_schema(responses=serializers.PaymentSerializer, summary="Read a payment of any kind")
    def get(self, request: Request, payment_id: UUID) -> Response:
        """A payment that you made, or that touches an account in your reach."""
        NoParams.parse(request)
        payment = payment_get_for(user=caller(request), transaction_id=payment_id, kinds=self.kinds)
        code = None if payment.ok else refusal_of(payment.outcome).code
        return respond(serializers.payment_show(payment, code))


class ReversalView(ApiView):
    """Undoing payments."""

    summary = "Undo a payment"
    permissions = {"POST": "payments.reverse"}
    idempotent_methods = frozenset({"POST"})
    kinds = services.REVERSIBLE

    @extend_schema(
        request=serializers.ReversalRequestSerializer,
        responses={201: serializers.PaymentSerializer, 202: ApprovalSerializer},
    )
    def post(self, request: Request, payment_id: UUID) -> Response | HttpResponse:
        """Book the mirror image of a committed payment, today. It happens once: a second reversal is refused."""
        NoParams.parse(request)
        body = body_read(serializers.ReversalRequestSerializer, request)
        fingerprint = request_fingerprint(method="POST", path=request.path, body=request.data)
        asked = Asked(user=caller(request), key=self.idempotency_key, fingerprint=fingerprint)
        payload = reversal_payload(asked=asked, payment_id=payment_id, reason=body["reason"], kinds=self.kinds)
        undone = payment_get_for(user=asked.user, transaction_id=payment_id)
        if undone.amount is not None:
            amount_guard(asked, "payments.reverse", undone.amount)
        if payment_find(transaction_id=asked.transaction_id) is None:
            approval = request_submit(kind=REVERSAL, maker=asked.user, payload=payload, at=clock.now(), key=asked.key)
            if approval is not None:
                return accepted(approval)
        payment = services.transfer_reverse(
            asked=asked,
            transaction_id=payment_id,
            reason=body["reason"],
            kinds=self.kinds,
        )
        return payment_answer(request._request, payment, location="transactions")


class TransferReversalView(ReversalView):
    """Undoing transfers."""

    summary = "Undo a transfer"
    kinds = frozenset({KIND_TRANSFER})
