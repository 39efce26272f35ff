"""What the accounts API reads and shows."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.accounts.models import Account, AccountHolder, AccountProduct
from apps.accounts.numbers import iban_of
from apps.accounts.selectors import AccountBrief
from apps.balances.selectors import BalanceView
from apps.core.api.fields import BooleanField, ChoiceField, CurrencyField, DateField, TextField, UUIDField
from apps.core.api.money_fields import MoneyField
from apps.core.api.serializers import StrictSerializer
from apps.core.currencies import minor_format

SETTABLE = [choice for choice in Account.Status.choices if choice[0] not in {"closed", "dormant"}]


class ProductSerializer(serializers.ModelSerializer):
    """The terms that accounts share."""

    currency = serializers.CharField(source="currency_id")
    account_code = serializers.CharField(source="gl_account.code", help_text="Control account of the chart.")
    overdraft_limit_max = MoneyField(minor_source="overdraft_limit_max", currency_source="currency_id")
    transaction_limit = MoneyField(
        minor_source="transaction_limit",
        currency_source="currency_id",
        allow_null=True,
        help_text="The most that one transaction may take out; null for no limit.",
    )

    class Meta:
        model = AccountProduct
        fields = (
            "id",
            "code",
            "name",
            "kind",
            "currency",
            "account_code",
            "number_prefix",
            "overdraft_limit_max",
            "transaction_limit",
            "engine",
            "description",
            "is_active",
            "created_at",
            "updated_at",
            "version",
        )
        read_only_fields = fields


class _Terms(StrictSerializer):
    description = TextField(max_length=400, required=False, allow_blank=True)
    overdraft_limit_max = MoneyField(positive=False, required=False)
    transaction_limit = MoneyField(required=False, allow_null=True)
    engine = ChoiceField(
        choices=AccountProduct.Engine.choices, required=False, help_text="What executes transfers of new accounts."
    )
    is_active = BooleanField(required=False, help_text="Open for new accounts.")


class ProductCreateSerializer(_Terms):
    """A new product."""

    code = TextField(max_length=20, identifier=True, help_text="Capital letters, digits and hyphens.")
    name = TextField(max_length=80)
    kind = ChoiceField(choices=AccountProduct.Kind.choices)
    currency = CurrencyField()
    account_code = TextField(
        source="gl_account", max_length=20, identifier=True, help_text="Code of a control account for deposits."
    )
    number_prefix = TextField(max_length=4, identifier=True, help_text="Digits that its account numbers begin with.")


class ProductUpdateSerializer(_Terms):
    """New terms of a product; what is not sent stays."""

    name = TextField(max_length=80, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """An empty change is a mistake of the caller."""
        return not_empty(attrs)


class ProductRefSerializer(serializers.Serializer):
    """The product of an account."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=AccountProduct.Kind.choices)


class MemberRefSerializer(serializers.Serializer):
    """The owner or a holder of an account."""

    id = serializers.UUIDField()
    number = serializers.CharField()
    display_name = serializers.CharField()


class AccountBranchSerializer(serializers.Serializer):
    """The branch of an account."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()


class HolderSerializer(serializers.Serializer):
    """A further holder."""

    member = MemberRefSerializer()
    role = serializers.ChoiceField(choices=AccountHolder.Role.choices)


class BalanceShortSerializer(serializers.Serializer):
    """The balance of an account in a list."""

    booked = MoneyField(minor_source="booked")
    held = MoneyField(minor_source="held")
    available = MoneyField(minor_source="available")

    def to_representation(self, account: Account) -> dict[str, Any]:
        """The balance of `account`, from those that were read for the page."""
        shown: dict[str, Any] = super().to_representation(self.context["balances"][account.ledger_account_id])
        return shown


class AccountSerializer(serializers.ModelSerializer):
    """A deposit account. `balance` is there when `expand=balance` asks for it."""

    product = ProductRefSerializer()
    member = MemberRefSerializer(help_text="The owner.")
    branch = AccountBranchSerializer()
    holders = HolderSerializer(
        many=True, source="holders_now", help_text="Joint owners and signatories besides the owner."
    )
    overdraft_limit = MoneyField(minor_source="overdraft_limit")
    iban = serializers.SerializerMethodField(help_text="ISO 13616; empty where the bank has none.")
    status_reason = serializers.SerializerMethodField(help_text="Why it is blocked or closed; staff only.")
    status_ends_on = serializers.DateField(source="status_until", allow_null=True, help_text="The last day of a block.")
    balance = BalanceShortSerializer(source="*", required=False, help_text="With expand=balance.")

    class Meta:
        model = Account
        fields = (
            "id",
            "number",
            "iban",
            "name",
            "status",
            "status_reason",
            "status_ends_on",
            "currency",
            "product",
            "member",
            "branch",
            "holders",
            "overdraft_limit",
            "balance",
            "opened_on",
            "closed_on",
            "created_at",
            "updated_at",
            "version",
        )
        read_only_fields = fields

    def get_iban(self, account: Account) -> str:
        return iban_of(account.number)

    def get_status_reason(self, account: Account) -> str:
        # A member must not learn from us of an investigation.
        return "" if self.context["user"].scope == "own" else account.status_reason

    def to_representation(self, account: Account) -> dict[str, Any]:
        """Without `balance` unless balances were read."""
        if self.context.get("balances") is None:
            self.fields.pop("balance", None)
        shown: dict[str, Any] = super().to_representation(account)
        return shown


class HolderRequestSerializer(StrictSerializer):
    """A further holder of a new account."""

    member_id = UUIDField()
    role = ChoiceField(choices=AccountHolder.Role.choices)


class AccountCreateSerializer(StrictSerializer):
    """A new account. The branch is the member's unless another is named."""

    product_id = UUIDField()
    member_id = UUIDField()
    branch_id = UUIDField(required=False)
    name = TextField(max_length=120, required=False, allow_blank=True, help_text="The member's name unless given.")
    overdraft_limit = MoneyField(positive=False, required=False, help_text="Needs accounts.update as well.")
    holders = serializers.ListField(child=HolderRequestSerializer(), required=False, max_length=10)


class AccountUpdateSerializer(StrictSerializer):
    """Changes of an account; what is not sent stays."""

    name = TextField(max_length=120, required=False)
    overdraft_limit = MoneyField(positive=False, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """An empty change is a mistake of the caller."""
        return not_empty(attrs)


class AccountStatusSerializer(StrictSerializer):
    """A block, or its end."""

    status = ChoiceField(choices=SETTABLE)
    reason = TextField(max_length=200)
    ends_on = DateField(required=False, source="until", help_text="A block ends by itself at the close of this day.")


class AccountClosureSerializer(StrictSerializer):
    """The end of an account."""

    reason = TextField(max_length=200)
    payout_account_id = UUIDField(required=False, help_text="Where the balance, with its interest, goes.")


class AccountShortSerializer(serializers.Serializer):
    """An account by its id and number."""

    id = serializers.UUIDField()
    number = serializers.CharField()


class AccountBalanceSerializer(serializers.Serializer):
    """What is on an account, as of one moment."""

    account = AccountShortSerializer()
    booked = MoneyField(minor_source="booked")
    held = MoneyField(minor_source="held", help_text="Set aside for holds.")
    available = MoneyField(minor_source="available", help_text="Booked less held plus the overdraft limit.")
    overdraft_limit = MoneyField(minor_source="overdraft_limit")
    pending = MoneyField(minor_source="pending", help_text="Part of booked that is accepted but not yet in the books.")
    as_of = serializers.DateTimeField()
    is_exact = serializers.BooleanField(help_text="False while a part of it could still disappear.")
    version = serializers.IntegerField()


def balance_show(account: AccountBrief, view: BalanceView) -> dict[str, Any]:
    """What AccountBalanceSerializer describes, written without it: this is read more often than anything else."""

    def money(minor: int) -> dict[str, str]:
        return {"amount": minor_format(minor, view.currency), "currency": view.currency}

    return {
        "account": {"id": account.id, "number": account.number},
        "booked": money(view.booked),
        "held": money(view.held),
        "available": money(view.available),
        "overdraft_limit": money(view.overdraft_limit),
        "pending": money(view.unjournaled),
        "as_of": view.as_of,
        "is_exact": not view.pending,
        "version": view.version,
    }


class AccountHoldSerializer(serializers.Serializer):
    """Money set aside on the account."""

    id = serializers.UUIDField()
    amount = MoneyField(minor_source="amount")
    captured = MoneyField(minor_source="captured")
    status = serializers.CharField()
    reason = serializers.CharField()
    expires_at = serializers.DateTimeField(allow_null=True)
    placed_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    version = serializers.IntegerField()


class AccountTransactionSerializer(serializers.Serializer):
    """One movement on an account."""

    id = serializers.UUIDField(source="journal.transaction_id", help_text="Of the transaction.")
    entry_number = serializers.IntegerField(source="journal_id")
    kind = serializers.CharField(source="journal.kind")
    direction = serializers.SerializerMethodField()
    amount = MoneyField(minor_source="amount")
    balance_after = MoneyField(minor_source="balance_after")
    business_date = serializers.DateField()
    value_date = serializers.DateField(source="journal.value_date")
    booked_at = serializers.DateTimeField(source="journal.booked_at")
    channel = serializers.CharField(source="journal.channel")
    description = serializers.CharField(source="journal.description")
    counterparty = serializers.CharField(source="journal.counterparty")
    reference = serializers.CharField(source="journal.reference")

    def get_direction(self, line: Any) -> str:
        return "in" if line.side == "C" else "out"


def not_empty(attrs: dict[str, Any]) -> dict[str, Any]:
    """What was sent, when anything was."""
    if not attrs:
        raise serializers.ValidationError("Send at least one field.", code="empty")
    return attrs
