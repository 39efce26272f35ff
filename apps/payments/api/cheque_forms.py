"""Requests and answers of cheques."""

from __future__ import annotations

from rest_framework import serializers

from apps.core.api.fields import ChoiceField, IntegerField, TextField, UUIDField
from apps.core.api.money_fields import MoneyField
from apps.core.api.pagination import ListParams
from apps.core.api.serializers import StrictSerializer
from apps.payments.api.serializers import COUNTERPARTY_MAX, REASON_MAX, account_field, signed_by_field
from apps.payments.models import ChequeDeposit, ChequeLeaf
from apps.vault.crypto import masked

NUMBER_MAX = 999_999_999
STOPPED_MAX = 500


class ChequeDepositRequestSerializer(StrictSerializer):
    """A cheque of another bank."""

    account = account_field()
    amount = MoneyField()
    drawer_bank = TextField(max_length=40, identifier=True, help_text="Code of the bank that it is drawn on.")
    drawer_account = TextField(max_length=34, identifier=True)
    number = TextField(max_length=20, identifier=True)
    drawer_name = TextField(max_length=COUNTERPARTY_MAX, required=False, allow_blank=True)


class ChequeDepositSerializer(serializers.Serializer):
    """A cheque that was paid in."""

    id = serializers.UUIDField()
    account = serializers.CharField(source="account.number")
    amount = MoneyField(minor_source="amount")
    drawer_bank = serializers.CharField()
    drawer_account = serializers.SerializerMethodField(help_text="Masked.")
    number = serializers.CharField()
    drawer_name = serializers.CharField()
    status = serializers.ChoiceField(choices=ChequeDeposit.Status.choices)
    deposited_on = serializers.DateField()
    clears_on = serializers.DateField()
    transaction_id = serializers.UUIDField()
    hold_id = serializers.UUIDField()
    settlement_id = serializers.UUIDField(allow_null=True, help_text="What settled it, or took it back.")
    return_reason = serializers.CharField()
    fee = MoneyField(minor_source="fee", help_text="Taken for the return.")
    fee_unpaid = MoneyField(minor_source="fee_unpaid", help_text="Due for the return, and not there to take.")
    decided_at = serializers.DateTimeField(allow_null=True)
    version = serializers.IntegerField()

    def get_drawer_account(self, cheque: ChequeDeposit) -> str:
        return masked(cheque.drawer_account)


class ChequeDepositListParams(ListParams):
    """Filters of the list of cheques paid in."""

    account = account_field(required=False)
    status = ChoiceField(choices=ChequeDeposit.Status.choices, required=False)


class ChequeReturnSerializer(StrictSerializer):
    """Why a cheque came back."""

    reason = TextField(max_length=REASON_MAX)


class ChequeBookRequestSerializer(StrictSerializer):
    """A book to issue."""

    account = account_field()
    leaves = IntegerField(min_value=1, max_value=200)


class ChequeBookSerializer(serializers.Serializer):
    """A book of leaves."""

    id = serializers.UUIDField()
    account = serializers.CharField(source="account.number")
    first_number = serializers.IntegerField()
    last_number = serializers.IntegerField()
    issued_on = serializers.DateField()


class ChequeBookListParams(ListParams):
    """Filters of the list of books."""

    account = account_field(required=False)


class ChequeLeafSerializer(serializers.Serializer):
    """A leaf."""

    id = serializers.IntegerField()
    account = serializers.CharField(source="account.number")
    number = serializers.IntegerField()
    status = serializers.ChoiceField(choices=ChequeLeaf.Status.choices)
    amount = MoneyField(minor_source="amount", allow_null=True)
    transaction_id = serializers.UUIDField(allow_null=True)
    stop_reason = serializers.CharField()
    changed_at = serializers.DateTimeField(allow_null=True)


class ChequeLeafListParams(ListParams):
    """Filters of the list of leaves."""

    sorts = {"number": "number"}
    default_sort = "number"
    account = account_field(required=False)
    status = ChoiceField(choices=ChequeLeaf.Status.choices, required=False)


class ChequeStopRequestSerializer(StrictSerializer):
    """Leaves that are not to be paid."""

    account = account_field()
    first_number = IntegerField(min_value=1, max_value=NUMBER_MAX)
    last_number = IntegerField(
        min_value=1, max_value=NUMBER_MAX, required=False, help_text="Only the first unless given."
    )
    reason = TextField(max_length=REASON_MAX)


class StoppedSerializer(serializers.Serializer):
    """The leaves that were stopped."""

    leaves = ChequeLeafSerializer(many=True)


class ChequePaymentRequestSerializer(StrictSerializer):
    """A cheque of this bank that was presented."""

    account = account_field()
    number = IntegerField(min_value=1, max_value=NUMBER_MAX)
    amount = MoneyField()
    payee = TextField(max_length=COUNTERPARTY_MAX)
    till_session_id = UUIDField(
        required=False, help_text="Your open till, for cash. Without it another bank presented it in clearing."
    )
    signed_by = signed_by_field()
