"""Requests and answers of tills, sessions and the vault."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.core.api.fields import BooleanField, ChoiceField, CurrencyField, IntegerField, TextField, UUIDField
from apps.core.api.money_fields import MoneyField
from apps.core.api.pagination import ListParams
from apps.core.api.serializers import StrictSerializer
from apps.core.money import Money
from apps.payments.api.serializers import (
    COUNTERPARTY_MAX,
    DESCRIPTION_MAX,
    REASON_MAX,
    REFERENCE_MAX,
    account_field,
    signed_by_field,
)
from apps.payments.denominations import PIECES_MAX, count_of
from apps.payments.models import TillMovement, TillSession, VaultTransfer
from apps.payments.selectors import SessionReport

KINDS_OF_PIECES_MAX = 40


class PiecesSerializer(StrictSerializer):
    """Notes or coins of one value."""

    value = MoneyField()
    pieces = IntegerField(min_value=0, max_value=PIECES_MAX)


def count_field(**kwargs: Any) -> serializers.ListField:
    """Notes and coins, each value once."""
    return serializers.ListField(child=PiecesSerializer(), max_length=KINDS_OF_PIECES_MAX, **kwargs)


def count_read(body: dict[str, Any], currency: str) -> dict[str, int]:
    """The count of a body, empty where it has none. Raises CountNotRight."""
    return count_of([(one["value"], one["pieces"]) for one in body.get("count", [])], currency=currency)


def count_show(count: dict[str, int], currency: str) -> list[dict[str, Any]]:
    """A count as the API shows it, largest values first."""
    return [
        {"value": {"amount": Money(value, currency).amount, "currency": currency}, "pieces": count[str(value)]}
        for value in sorted(map(int, count), reverse=True)
    ]


class CountShown(serializers.Field):
    """A stored count, in the currency of its row."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)
        self._attribute = ""

    def bind(self, field_name: str, parent: Any) -> None:
        self._attribute = self.source or field_name
        super().bind(field_name, parent)

    def get_attribute(self, instance: Any) -> Any:
        return count_show(getattr(instance, self._attribute), instance.currency)

    def to_representation(self, value: Any) -> Any:
        return value


extend_schema_field(PiecesSerializer(many=True))(CountShown)


class TillSerializer(serializers.Serializer):
    """A till."""

    id = serializers.UUIDField()
    branch = serializers.CharField(source="branch.code")
    number = serializers.IntegerField()
    name = serializers.CharField()
    currency = serializers.CharField()
    holding_limit = MoneyField(minor_source="holding_limit")
    transaction_limit = MoneyField(minor_source="transaction_limit")
    tolerance = MoneyField(minor_source="tolerance")
    is_active = serializers.BooleanField()
    version = serializers.IntegerField()


class TillCreateSerializer(StrictSerializer):
    """A till to set up. Limits and tolerance are in its currency."""

    branch = TextField(max_length=20, identifier=True, help_text="Code of the branch.")
    number = IntegerField(min_value=1, max_value=999)
    name = TextField(max_length=60)
    currency = CurrencyField()
    holding_limit = MoneyField(help_text="The most cash it may hold.")
    transaction_limit = MoneyField(help_text="The most that one cash transaction may take in or pay out.")
    tolerance = MoneyField(
        positive=False, required=False, help_text="A larger difference at the count needs a supervisor."
    )


class TillChangeSerializer(StrictSerializer):
    """What of a till may change."""

    name = TextField(max_length=60, required=False)
    holding_limit = MoneyField(required=False)
    transaction_limit = MoneyField(required=False)
    tolerance = MoneyField(positive=False, required=False)
    is_active = BooleanField(required=False)


class TillListParams(ListParams):
    """Filters of the list of tills."""

    sorts = {"name": "name", "created_at": "created_at"}
    default_sort = "name"
    branch = TextField(max_length=20, required=False, identifier=True)
    is_active = BooleanField(required=False)


class TillSessionSerializer(serializers.Serializer):
    """A session. Amounts of the count are null before it."""

    id = serializers.UUIDField()
    till_id = serializers.UUIDField()
    till_name = serializers.CharField(source="till.name")
    branch = serializers.CharField(source="till.branch.code")
    teller_id = serializers.UUIDField()
    teller_name = serializers.CharField(source="teller.full_name")
    status = serializers.ChoiceField(choices=TillSession.Status.choices)
    business_date = serializers.DateField()
    opened_at = serializers.DateTimeField()
    opening_books = MoneyField(minor_source="opening_books", help_text="In the till by the books.")
    opening_counted = MoneyField(minor_source="opening_counted")
    opening_count = CountShown()
    counted_at = serializers.DateTimeField(allow_null=True)
    counted_books = MoneyField(minor_source="counted_books", allow_null=True)
    counted = MoneyField(minor_source="counted", allow_null=True)
    difference = MoneyField(minor_source="difference", allow_null=True, help_text="Above zero: too much.")
    count = CountShown()
    count_note = serializers.CharField()
    closed_at = serializers.DateTimeField(allow_null=True)
    closed_by = serializers.UUIDField(
        source="closed_by_id", allow_null=True, help_text="Before it is closed: who counted for a teller who is away."
    )
    difference_id = serializers.UUIDField(allow_null=True, help_text="The transaction that booked the difference.")
    version = serializers.IntegerField()


class TillOpenSerializer(StrictSerializer):
    """Which till is opened, with what in it."""

    till_id = UUIDField()
    count = count_field(help_text="Every note and coin in the drawer; empty for an empty one.")


class TillCountSerializer(StrictSerializer):
    """What is in the till at the end."""

    count = count_field(help_text="Every note and coin in the drawer; empty for an empty one.")
    note = TextField(max_length=REASON_MAX, required=False, allow_blank=True)


class TillClosureSerializer(StrictSerializer):
    """A supervisor's word about a count."""

    accept = BooleanField(
        help_text="true books the difference and closes the session; false has the till counted again."
    )
    note = TextField(max_length=REASON_MAX)
    count = count_field(
        required=False,
        help_text="Of an open till whose teller is away: what you counted in it; another supervisor then confirms it.",
    )


class TillSessionListParams(ListParams):
    """Filters of the list of sessions."""

    sorts = {"opened_at": "opened_at"}
    default_sort = "-opened_at"
    till_id = UUIDField(required=False)
    status = ChoiceField(choices=TillSession.Status.choices, required=False)


class CounterRequestSerializer(StrictSerializer):
    """Cash over the counter."""

    account = account_field()
    amount = MoneyField()
    count = count_field(required=False, help_text="Notes and coins, if they were noted; they must be worth the amount.")
    description = TextField(max_length=DESCRIPTION_MAX, required=False, allow_blank=True)
    counterparty = TextField(
        max_length=COUNTERPARTY_MAX, required=False, allow_blank=True, help_text="Who brought or took the cash."
    )
    reference = TextField(max_length=REFERENCE_MAX, required=False, allow_blank=True, identifier=True)


class CounterWithdrawalSerializer(CounterRequestSerializer):
    """Cash out over the counter."""

    signed_by = signed_by_field()


class TillMovementSerializer(serializers.Serializer):
    """Cash into a till (above zero) or out of it."""

    id = serializers.IntegerField()
    transaction_id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=TillMovement.Kind.choices)
    amount = MoneyField(minor_source="amount")
    account = serializers.CharField(source="account.number", allow_null=True, default=None)
    count = CountShown()
    created_at = serializers.DateTimeField(source="at")


class TillMovementListParams(ListParams):
    """Movements of a session in their order."""

    sorts = {"id": "id"}
    default_sort = "-id"
    kind = ChoiceField(choices=TillMovement.Kind.choices, required=False)


class VaultTransferRequestSerializer(StrictSerializer):
    """Cash to be moved between vault and till."""

    direction = ChoiceField(choices=VaultTransfer.Direction.choices)
    amount = MoneyField()
    count = count_field(required=False)


class VaultDecisionSerializer(StrictSerializer):
    """Whether the cash was handed over."""

    confirm = BooleanField()


class VaultTransferSerializer(serializers.Serializer):
    """Cash between vault and till."""

    id = serializers.UUIDField()
    session_id = serializers.UUIDField()
    direction = serializers.ChoiceField(choices=VaultTransfer.Direction.choices)
    amount = MoneyField(minor_source="amount")
    count = CountShown()
    status = serializers.ChoiceField(choices=VaultTransfer.Status.choices)
    asked_by = serializers.UUIDField(source="asked_by_id")
    decided_by = serializers.UUIDField(source="decided_by_id", allow_null=True)
    created_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)
    version = serializers.IntegerField()


class VaultTransferListParams(ListParams):
    """Vault transfers of a session, newest first."""

    status = ChoiceField(choices=VaultTransfer.Status.choices, required=False)


class ReportTotalSerializer(serializers.Serializer):
    """One kind of movement in a report."""

    kind = serializers.ChoiceField(choices=TillMovement.Kind.choices)
    transactions = serializers.IntegerField()
    amount = MoneyField(positive=False)


class ReportOtherSerializer(serializers.Serializer):
    """An entry on the till's account that is no movement of the session, such as a reversal."""

    transaction_id = serializers.UUIDField()
    kind = serializers.CharField()
    amount = MoneyField(positive=False)


class TillReportSerializer(serializers.Serializer):
    """A session from opening to closing, or to now; see `report_show`, which writes it."""

    session = TillSessionSerializer()
    opening = MoneyField(positive=False)
    totals = ReportTotalSerializer(many=True)
    others = ReportOtherSerializer(many=True)
    closing = MoneyField(positive=False)
    ties = serializers.BooleanField(help_text="Opening and movements make the closing, line by line in the ledger.")


def report_show(report: SessionReport) -> dict[str, Any]:
    """A report as the API shows it."""
    currency = report.session.till.currency

    def money(minor: int) -> dict[str, str]:
        return {"amount": Money(minor, currency).amount, "currency": currency}

    return {
        "session": TillSessionSerializer(report.session).data,
        "opening": money(report.opening),
        "totals": [
            {"kind": kind, "transactions": report.counts[kind], "amount": money(report.totals[kind])}
            for kind in sorted(report.totals)
        ],
        "others": [
            {
                "transaction_id": line.journal.transaction_id,
                "kind": line.journal.kind,
                "amount": money(-line.signed_amount),
            }
            for line in report.others
        ],
        "closing": money(report.closing),
        "ties": report.ties,
    }
