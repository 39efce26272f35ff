"""Requests and answers of payments."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.core.api.fields import (
    BooleanField,
    ChoiceField,
    DateField,
    DateTimeField,
    TextField,
    UUIDField,
)
from apps.core.api.money_fields import MoneyField
from apps.core.api.pagination import ListParams
from apps.core.api.query import QueryParams
from apps.core.api.serializers import StrictSerializer
from apps.core.money import Money
from apps.payments.channels import CHANNELS
from apps.payments.selectors import KINDS, Payment
from apps.payments.services import BATCH_MAX

DESCRIPTION_MAX, COUNTERPARTY_MAX, REFERENCE_MAX, REASON_MAX = 200, 140, 64, 200
ACCOUNT_MAX = 36

SIGNED_MAX = 11
_SIGNED_HELP = (
    "Ids of the members who signed it before you, where the account's mandate asks for several; staff only. A member "
    "signs with the own sign-in."
)
_KEY = re.compile(r"[!-~]{1,255}")
_ACCOUNT_HELP = "The number of the account, or its id."
_VALUE_DATE_HELP = "From when it counts for interest; the day of the booking unless given."
_TIME_HELP = "When it happened by the client's clock; written down, decides nothing."


def account_field(**kwargs: Any) -> TextField:
    """An account by number or id."""
    kwargs.setdefault("help_text", _ACCOUNT_HELP)
    return TextField(max_length=ACCOUNT_MAX, **kwargs)


class IdempotencyKeyField(serializers.Field):
    """1 to 255 visible ASCII characters."""

    default_error_messages = {"invalid": "1 to 255 visible ASCII characters."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or not _KEY.fullmatch(data):
            self.fail("invalid")
        return str(data)

    def to_representation(self, value: str) -> str:
        return value


extend_schema_field({"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[!-~]+$"})(IdempotencyKeyField)


def signed_by_field() -> serializers.ListField:
    """Who signed, where staff act on the signatures of an account's members."""
    return serializers.ListField(child=UUIDField(), required=False, max_length=SIGNED_MAX, help_text=_SIGNED_HELP)


class MoveRequestSerializer(StrictSerializer):
    """What all transfers say."""

    source_account = account_field()
    destination_account = account_field()
    amount = MoneyField()
    description = TextField(max_length=DESCRIPTION_MAX, required=False, allow_blank=True)
    reference = TextField(max_length=REFERENCE_MAX, required=False, allow_blank=True, identifier=True)
    value_date = DateField(required=False, help_text=_VALUE_DATE_HELP)
    client_timestamp = DateTimeField(required=False, help_text=_TIME_HELP)


class TransferRequestSerializer(MoveRequestSerializer):
    """A transfer as it is asked for."""

    signed_by = signed_by_field()


class TransferItemSerializer(MoveRequestSerializer):
    """One transfer of a batch."""

    idempotency_key = IdempotencyKeyField(
        required=False, help_text="Its own key; without one it is the batch's key with `/` and its place from 0."
    )


class TransferBatchRequestSerializer(StrictSerializer):
    """Transfers to post together, in their order."""

    mode = ChoiceField(
        choices=["independent", "atomic"],
        required=False,
        help_text="independent (unless given): each item stands alone. atomic: all of them or none.",
    )
    items = serializers.ListField(child=TransferItemSerializer(), min_length=1, max_length=BATCH_MAX)


class CashRequestSerializer(StrictSerializer):
    """A deposit or a withdrawal as it is asked for."""

    account = account_field()
    amount = MoneyField()
    channel = ChoiceField(choices=sorted(CHANNELS), help_text="How the money came in or went out.")
    description = TextField(max_length=DESCRIPTION_MAX, required=False, allow_blank=True)
    counterparty = TextField(max_length=COUNTERPARTY_MAX, required=False, allow_blank=True)
    reference = TextField(max_length=REFERENCE_MAX, required=False, allow_blank=True, identifier=True)
    value_date = DateField(required=False, help_text=_VALUE_DATE_HELP)
    client_timestamp = DateTimeField(required=False, help_text=_TIME_HELP)


class WithdrawalRequestSerializer(CashRequestSerializer):
    """Money to be paid out."""

    signed_by = signed_by_field()


class ReversalRequestSerializer(StrictSerializer):
    """Why a payment is undone."""

    reason = TextField(max_length=REASON_MAX)


class HoldRequestSerializer(StrictSerializer):
    """Money to set aside."""

    account = account_field()
    amount = MoneyField()
    reason = TextField(max_length=REASON_MAX, required=False, allow_blank=True)
    expires_at = DateTimeField(required=False, help_text="Without it the hold stays until it is captured or released.")


class HoldCaptureRequestSerializer(StrictSerializer):
    """What becomes of held money: to an account, or out by a channel."""

    amount = MoneyField(required=False, help_text="All of it unless given; the rest is given back.")
    destination_account = account_field(required=False)
    channel = ChoiceField(choices=sorted(CHANNELS), required=False)
    description = TextField(max_length=DESCRIPTION_MAX, required=False, allow_blank=True)


class AccountNameSerializer(serializers.Serializer):
    """An account as answers name it."""

    id = serializers.UUIDField()
    number = serializers.CharField()


class PaymentSerializer(serializers.Serializer):
    """A decided payment; see `payment_show`, which writes it."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=sorted(KINDS))
    status = serializers.ChoiceField(choices=["committed", "rejected"])
    code = serializers.CharField(allow_null=True, help_text="Why it was rejected.")
    amount = MoneyField(allow_null=True, help_text="Null when rejected: nothing moved.")
    source_account = AccountNameSerializer(allow_null=True, help_text="Null when it is the bank's own, or rejected.")
    destination_account = AccountNameSerializer(allow_null=True)
    channel = serializers.CharField()
    description = serializers.CharField()
    counterparty = serializers.CharField()
    reference = serializers.CharField()
    client_timestamp = serializers.DateTimeField(allow_null=True)
    business_date = serializers.DateField()
    value_date = serializers.DateField()
    booked_at = serializers.DateTimeField()
    reverses = serializers.UUIDField(allow_null=True, help_text="The payment that this one undoes.")


class BatchItemResultSerializer(serializers.Serializer):
    """What became of one item."""

    index = serializers.IntegerField()
    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=["committed", "rejected"])
    replayed = serializers.BooleanField()
    code = serializers.CharField(required=False, help_text="When rejected.")
    detail = serializers.CharField(required=False, help_text="When rejected.")


class TransferBatchSerializer(serializers.Serializer):
    """What became of a batch."""

    mode = serializers.ChoiceField(choices=["independent", "atomic"])
    committed = serializers.IntegerField()
    rejected = serializers.IntegerField()
    items = BatchItemResultSerializer(many=True)


class HoldSerializer(serializers.Serializer):
    """A hold."""

    id = serializers.UUIDField()
    account = serializers.CharField(source="account.number")
    amount = MoneyField(minor_source="amount")
    captured = MoneyField(minor_source="captured")
    status = serializers.ChoiceField(choices=["active", "captured", "released", "expired"])
    reason = serializers.CharField()
    placed_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    version = serializers.IntegerField()


class HoldListParams(ListParams):
    """Filters of the list of holds."""

    sorts = {"placed_at": "placed_at"}
    default_sort = "-placed_at"
    account = account_field(required=False)
    status = ChoiceField(choices=["active", "captured", "released", "expired"], required=False)


class ImportParams(QueryParams):
    """Options of an import; the body is the file."""

    source = TextField(  # type: ignore[assignment]  # a parameter, not a field's source
        max_length=40,
        default="import",
        identifier=True,
        help_text="Where the external ids come from; posted once each.",
    )
    file_name = TextField(max_length=200, required=False, help_text="For people; the upload's own name unless given.")
    create_accounts = BooleanField(default=False)
    allow_overdraft = BooleanField(default=False)
    dry_run = BooleanField(default=False)


class ImportProgressSerializer(serializers.Serializer):
    """How far an import is, by bytes of the file."""

    done = serializers.IntegerField()
    total = serializers.IntegerField()
    percent = serializers.IntegerField()


class ImportRunSerializer(serializers.Serializer):
    """A run of an import."""

    id = serializers.UUIDField()
    source = serializers.CharField()  # type: ignore[assignment]
    file_name = serializers.CharField()
    file_sha256 = serializers.CharField()
    status = serializers.ChoiceField(choices=["queued", "running", "done", "failed"])
    error = serializers.CharField()
    dry_run = serializers.BooleanField(source="is_dry_run")
    create_accounts = serializers.BooleanField()
    allow_overdraft = serializers.BooleanField()
    progress = ImportProgressSerializer()
    rows_read = serializers.IntegerField()
    rows_posted = serializers.IntegerField()
    rows_skipped = serializers.IntegerField()
    rows_refused = serializers.IntegerField()
    accounts_created = serializers.IntegerField()
    balances_compared = serializers.IntegerField()
    balances_differing = serializers.IntegerField()
    report = serializers.JSONField(help_text="Refusals by code, first differences, channels without an account.")
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class ImportRefusalSerializer(serializers.Serializer):
    """A row that was refused. The header is row 1."""

    row = serializers.IntegerField(source="row_number")
    external_id = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class ImportRefusalListParams(ListParams):
    """Refused rows in the order of the file."""

    sorts = {"row": "row_number"}
    default_sort = "row"


class ImportListParams(ListParams):
    """Runs, newest first."""

    status = ChoiceField(choices=["queued", "running", "done", "failed"], required=False)


def payment_show(payment: Payment, code: str | None = None) -> dict[str, Any]:
    """A payment as the API shows it, the same from the posting and from the books."""
    source, destination = payment.source, payment.destination
    return {
        "id": payment.id,
        "kind": payment.kind,
        "status": "committed" if payment.ok else "rejected",
        "code": code,
        "amount": _money(payment.amount),
        "source_account": None if source is None else {"id": source.id, "number": source.number},
        "destination_account": None if destination is None else {"id": destination.id, "number": destination.number},
        "channel": payment.channel,
        "description": payment.description,
        "counterparty": payment.counterparty,
        "reference": payment.reference,
        "client_timestamp": payment.client_timestamp,
        "business_date": payment.business_date,
        "value_date": payment.value_date,
        "booked_at": payment.booked_at,
        "reverses": payment.reverses,
    }


def _money(money: Money | None) -> dict[str, str] | None:
    return None if money is None else {"amount": money.amount, "currency": money.currency}
