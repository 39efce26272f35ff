"""Journal entries as the API reads and shows them. Amounts are positive, with a side beside them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.balances.services import ENTRY_LINES_MAX
from apps.core.api.fields import ChoiceField, DateField, TextField
from apps.core.api.money_fields import MoneyField
from apps.core.api.pagination import ListParams
from apps.core.api.serializers import StrictSerializer
from apps.core.money import Money
from apps.ledger.models import JournalEntry, JournalLine

SIDES = {"D": "debit", "C": "credit"}
OUTCOMES = [str(outcome) for outcome in JournalEntry.Outcome.values]


class EntryListParams(ListParams):
    """Parameters of the journal; the newest entry first."""

    sorts = {"entry_number": "id"}
    default_sort = "-entry_number"
    tie = "id"

    kind = TextField(max_length=30, required=False, identifier=True)
    account = TextField(max_length=34, required=False, identifier=True, help_text="Number of a ledger account.")
    account_code = TextField(max_length=20, required=False, identifier=True, help_text="Code in the chart of accounts.")
    reference = TextField(max_length=64, required=False)
    outcome = ChoiceField(choices=[*OUTCOMES, "any"], default="OK", help_text="Posted entries unless told otherwise.")

    def get_fields(self) -> dict[str, serializers.Field]:
        """With `from` and `to`, which cannot be names of Python's."""
        declared: dict[str, serializers.Field] = super().get_fields()
        declared["from"] = DateField(required=False, help_text="First business date.")
        declared["to"] = DateField(required=False, help_text="Last business date.")
        return declared


class EntryAccountSerializer(serializers.Serializer):
    """The account of a line."""

    id = serializers.UUIDField(source="public_id")
    number = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField(help_text="customer or internal")
    account_code = serializers.CharField(source="gl_account.code", help_text="Node of the chart of accounts.")
    account_name = serializers.CharField(source="gl_account.name")
    branch = serializers.CharField(source="branch.code")


class EntryLineSerializer(serializers.Serializer):
    """One line. `balance_after` is positive, on the side `balance_after_side`."""

    line_no = serializers.IntegerField()
    account = EntryAccountSerializer()
    side = serializers.SerializerMethodField()
    amount = MoneyField(minor_source="amount")
    balance_after = serializers.SerializerMethodField()
    balance_after_side = serializers.SerializerMethodField()

    def get_side(self, line: JournalLine) -> str:
        """debit or credit."""
        return SIDES[line.side]

    def get_balance_after(self, line: JournalLine) -> MoneyField(read_only=True):  # type: ignore[valid-type]
        """The account's balance after the line."""
        money = Money(abs(line.balance_after), line.currency)
        return {"amount": money.amount, "currency": money.currency}

    def get_balance_after_side(self, line: JournalLine) -> str:
        """debit or credit."""
        return "credit" if line.balance_after > 0 else "debit"


class JournalEntrySerializer(serializers.Serializer):
    """A journal entry; `lines` are those in the reach of the role, of `line_count`."""

    id = serializers.UUIDField(source="transaction_id")
    entry_number = serializers.IntegerField(source="pk")
    kind = serializers.CharField()
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    business_date = serializers.DateField()
    value_date = serializers.DateField()
    booked_at = serializers.DateTimeField()
    actor_id = serializers.UUIDField(source="actor", allow_null=True)
    correlation_id = serializers.CharField()
    channel = serializers.CharField()
    description = serializers.CharField()
    counterparty = serializers.CharField()
    reference = serializers.CharField()
    reverses = serializers.UUIDField(
        source="reverses.transaction_id", default=None, allow_null=True, help_text="The entry that this one undoes."
    )
    reversed_by = serializers.SerializerMethodField(help_text="The entry that undoes this one.")
    seal = serializers.SerializerMethodField(help_text="Hash of the chain up to this entry, once it is sealed.")
    line_count = serializers.IntegerField()
    lines = EntryLineSerializer(many=True)

    def get_reversed_by(self, entry: JournalEntry) -> serializers.UUIDField(allow_null=True):  # type: ignore[valid-type]
        """The reversal's id, or null."""
        return next((reversal.transaction_id for reversal in entry.reversals.all()), None)

    def get_seal(self, entry: JournalEntry) -> serializers.CharField(allow_null=True):  # type: ignore[valid-type]
        """64 hexadecimal digits, or null."""
        seal: Any = getattr(entry, "seal", None)
        return bytes(seal.hash).hex() if seal is not None else None


class EntryLineCreateSerializer(StrictSerializer):
    """A line of a new entry."""

    account_code = TextField(max_length=20, identifier=True, help_text="Code of a detail node of the chart.")
    branch = TextField(max_length=20, identifier=True, help_text="Code of the branch.")
    side = ChoiceField(choices=["debit", "credit"])
    amount = MoneyField()


class JournalEntryCreateSerializer(StrictSerializer):
    """A manual entry. Debits equal credits in every currency."""

    description = TextField(max_length=200)
    reference = TextField(max_length=64, required=False, default="", allow_blank=True)
    business_date = DateField(required=False, help_text="An earlier day of an open period; the open day unless given.")
    value_date = DateField(required=False, help_text="The business date unless given.")
    lines = EntryLineCreateSerializer(many=True, min_length=2, max_length=ENTRY_LINES_MAX)  # type: ignore[call-arg]


class ReversalCreateSerializer(StrictSerializer):
    """Why an entry is reversed."""

    description = TextField(max_length=200, required=False, default="", allow_blank=True)
