"""Transfers that are answered before the books have them: `Prefer: respond-async`, and asking what became of them.

The receipt in the status link says who asked for what under which key and in which epoch of the engine; it is signed,
so that nothing has to be kept for a transfer that may never be.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers as drf
from rest_framework.request import Request
from rest_framework.response import Response

from apps.balances.errors import refusal_of
from apps.balances.services import Accepted, Receipt, posting_status
from apps.core.api.fields import TextField
from apps.core.api.lean import answer
from apps.core.api.query import QueryParams
from apps.core.api.renderers import json_encode
from apps.core.api.views import ApiView, respond
from apps.core.errors import NotFound
from apps.payments.api import serializers
from apps.payments.selectors import KIND_TRANSFER, payment_get_for
from apps.payments.services import Asked

SALT = "numina.payments.receipt"
RECEIPT_MAX = 1_000


def wants_no_wait(request: HttpRequest) -> bool:
    """Whether the client sent `Prefer: respond-async` (RFC 7240)."""
    header = request.META.get("HTTP_PREFER", "")
    return bool(header) and any(word.strip().partition(";")[0].lower() == "respond-async" for word in header.split(","))


class AcceptedTransferSerializer(drf.Serializer):
    """A transfer that is not in the books yet, or never will be."""

    id = drf.UUIDField()
    status = drf.ChoiceField(
        choices=["accepted", "pending", "void"],
        help_text="accepted, pending: it may still disappear. void: it was not carried out, and never will be.",
    )
    expected = drf.ChoiceField(
        choices=["committed", "rejected"], allow_null=True, help_text="What it becomes, unless it becomes void."
    )
    status_url = drf.CharField(allow_null=True, help_text="Ask here what became of it.")


class TransferStatusQuery(QueryParams):
    """How a transfer that was accepted is asked for."""

    receipt = TextField(max_length=RECEIPT_MAX, required=False, help_text="From the `status_url` of the answer 202.")


def accepted_answer(asked: Asked, accepted: Accepted) -> HttpResponse:
    """202 with the id and where to ask; the header says that the preference was honoured."""
    url = f"/api/v1/transfers/{asked.transaction_id}?receipt={receipt_write(asked, accepted)}"
    response = answer(
        {
            "id": asked.transaction_id,
            "status": "accepted",
            "expected": "committed" if accepted.outcome in {"OK", "DUP"} else "rejected",
            "status_url": url,
        },
        status=202,
        location=url,
    )
    response["Preference-Applied"] = "respond-async"
    return response


@functools.cache
def _signer() -> signing.Signer:
    return signing.Signer(salt=SALT)


@functools.cache
def _signing_key() -> bytes:
    """The key by which `_signer` signs, worked out once and not for each receipt."""
    return hashlib.sha256(f"{SALT}signer{settings.SECRET_KEY}".encode()).digest()


def receipt_write(asked: Asked, accepted: Accepted) -> str:
    """What was asked, signed. Not packed as `signing.dumps` does, which takes longer than to execute a transfer."""
    facts = [asked.client_id, asked.key, asked.fingerprint.hex(), accepted.partition, accepted.epoch]
    packed = base64.urlsafe_b64encode(json_encode(facts)).rstrip(b"=")
    signature = base64.urlsafe_b64encode(hmac.digest(_signing_key(), packed, "sha256")).rstrip(b"=")
    return f"{packed.decode()}:{signature.decode()}"


def receipt_read(text: str, *, transaction_id: UUID, user: Any) -> Receipt:
    """The receipt, if we signed it for this transfer and this user. Raises NotFound."""
    try:
        facts = json.loads(signing.b64_decode(_signer().unsign(text).encode()))
        client_id, key, fingerprint, partition, epoch = facts
    except (signing.BadSignature, ValueError) as error:
        raise NotFound("No such payment.") from error
    asked = Asked(user=user, key=key, fingerprint=bytes.fromhex(fingerprint))
    if client_id != str(user.pk) or asked.transaction_id != transaction_id:
        raise NotFound("No such payment.")
    return Receipt(transaction_id, client_id, key, asked.fingerprint, partition, epoch)


class TransferView(ApiView):
    """Transfers, as decided, and those that are not yet."""

    permissions = {"GET": "accounts.view"}

    @extend_schema(
        responses={200: serializers.PaymentSerializer, 202: AcceptedTransferSerializer},
        parameters=[TransferStatusQuery],
        summary="Read a transfer",
    )
    def get(self, request: Request, payment_id: UUID) -> Response:
        """A transfer that you made, or that touches an account in your reach.

        With the receipt of one that was accepted: 202 while it is `pending`, and for ever once it is `void`.
        """
        values = TransferStatusQuery.parse(request)
        if values["receipt"]:
            receipt = receipt_read(values["receipt"], transaction_id=payment_id, user=request.user)
            status = posting_status(receipt=receipt)
            if status in {"PENDING", "VOID"}:
                url = request.get_full_path() if status == "PENDING" else None
                body = {"id": payment_id, "status": status.lower(), "expected": None, "status_url": url}
                return respond(body, status=202)
        payment = payment_get_for(
            user=request.user,  # type: ignore[arg-type]
            transaction_id=payment_id,
            kinds=frozenset({KIND_TRANSFER}),
        )
        code = None if payment.ok else refusal_of(payment.outcome).code
        return respond(serializers.payment_show(payment, code))
