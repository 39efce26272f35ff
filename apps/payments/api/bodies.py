"""The bodies of the hot requests, typed for fast reading. The serializers of the same names are the authority."""

from __future__ import annotations

import hashlib
import re
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from apps.core.api.fields import DateField, DateTimeField
from apps.core.api.lean import BodyReader
from apps.core.errors import InvalidRequest
from apps.core.money import Money
from apps.core.text import text_clean
from apps.payments.api.serializers import (
    DESCRIPTION_MAX,
    REFERENCE_MAX,
    SIGNED_MAX,
    TransferBatchRequestSerializer,
    TransferRequestSerializer,
)
from apps.payments.services import Details

_date = DateField().to_internal_value
_time = DateTimeField().to_internal_value


class MoneyBody(msgspec.Struct, forbid_unknown_fields=True):
    amount: str
    currency: str


class MoveBody(msgspec.Struct, forbid_unknown_fields=True):
    source_account: str
    destination_account: str
    amount: MoneyBody
    description: str | UnsetType = UNSET
    reference: str | UnsetType = UNSET
    value_date: str | UnsetType = UNSET
    client_timestamp: str | UnsetType = UNSET


class TransferBody(MoveBody, forbid_unknown_fields=True):
    signed_by: list[str] | UnsetType = UNSET


class ItemBody(MoveBody, forbid_unknown_fields=True):
    idempotency_key: str | UnsetType = UNSET


class BatchBody(msgspec.Struct, forbid_unknown_fields=True):
    items: list[ItemBody]
    mode: str | UnsetType = UNSET  # a default value would come back in the canonical form and hide a repeated key


class _Names(msgspec.Struct):
    source_account: str
    destination_account: str


_names_decode = msgspec.json.Decoder(_Names).decode


def names_peek(raw: bytes) -> tuple[str, str] | None:
    """The two accounts that a body names, before it is read in earnest; None where that cannot be seen at once."""
    try:
        names = _names_decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return names.source_account, names.destination_account


transfer_reader = BodyReader(TransferBody, TransferRequestSerializer)
batch_reader = BodyReader(BatchBody, TransferBatchRequestSerializer)
_NAME = re.compile(r"[0-9A-Za-z-]{1,36}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_item_encode = msgspec.json.Encoder().encode


def account_name(text: str) -> str:
    """An account as payments look it up: a UUID in lower case, a number as it is. Raises InvalidRequest."""
    if not _NAME.fullmatch(text):
        raise InvalidRequest("Not the number or the id of an account.")
    return text.lower() if len(text) == 36 else text


def money_of(body: MoneyBody) -> Money:
    """Raises InvalidAmount or InvalidCurrency."""
    return Money.parse(body.amount, body.currency, positive=True)


def details_of(body: MoveBody) -> Details:
    """Texts, value date and client's time. Raises InvalidText, or DRF's ValidationError for the dates."""
    return Details(
        description=_text(body.description, DESCRIPTION_MAX),
        reference=_text(body.reference, REFERENCE_MAX, identifier=True),
        value_date=None if body.value_date is UNSET else _date(body.value_date),
        client_timestamp=None if body.client_timestamp is UNSET else _time(body.client_timestamp),
    )


def signed_by_of(body: TransferBody) -> list[UUID]:
    """The members who signed. Raises InvalidRequest."""
    named = [] if body.signed_by is UNSET else body.signed_by
    if len(named) > SIGNED_MAX:
        raise InvalidRequest("More members than may sign.", pointer="/signed_by")
    return [_member_id(text) for text in named]


def _member_id(text: str) -> UUID:
    if not _UUID.fullmatch(text.lower()):
        raise InvalidRequest("Not the id of a member.", pointer="/signed_by")
    return UUID(text)


def item_canonical(item: ItemBody, head: bytes) -> bytes:
    """SHA-256 of one item of a batch with `head` before it; its own key is no part of what is asked."""
    key, item.idempotency_key = item.idempotency_key, UNSET
    digest = hashlib.sha256(head + _item_encode(item)).digest()
    item.idempotency_key = key
    return digest


def _text(value: str | UnsetType, max_length: int, *, identifier: bool = False) -> str:
    return "" if value is UNSET else text_clean(value, max_length=max_length, identifier=identifier)
