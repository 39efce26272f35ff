"""What the API of security, promises, groups and credit lines shows."""

from __future__ import annotations

from rest_framework import serializers

from apps.core.api.money_fields import MoneyField
from apps.lending.api.answers import PreviewLineAnswer, percent
from apps.lending.models import (
    Collateral,
    CreditLine,
    CreditLineEvent,
    Guarantor,
    LoanGroup,
    LoanOfficer,
    LoanPause,
    PaymentPromise,
    ProvisionPolicy,
)


class CollateralAnswer(serializers.ModelSerializer):
    """A pledged thing with its newest value."""

    value = MoneyField(minor_source="value", currency_source="loan.currency")
    share_percent = percent(source="share")
    loan_id = serializers.UUIDField()

    class Meta:
        model = Collateral
        fields = (
            "id", "loan_id", "kind", "description", "owner", "reference", "share_percent", "value", "valued_on",
            "released_on", "created_at",
        )  # fmt: skip
        read_only_fields = fields


class GuarantorAnswer(serializers.ModelSerializer):
    """A member who vouches for a loan."""

    amount = MoneyField(minor_source="amount", currency_source="loan.currency")
    loan_id = serializers.UUIDField()
    member_id = serializers.UUIDField()
    account_id = serializers.UUIDField(allow_null=True)
    is_held = serializers.SerializerMethodField()

    class Meta:
        model = Guarantor
        fields = ("id", "loan_id", "member_id", "amount", "account_id", "is_held", "released_on", "created_at")
        read_only_fields = fields

    def get_is_held(self, guarantor: Guarantor) -> bool:
        """Whether savings are held for it."""
        return guarantor.hold_id is not None and guarantor.released_on is None


class LoanSecurityAnswer(serializers.Serializer):
    """What stands behind a loan, and how much of it is covered."""

    owed = MoneyField()
    collateral_counted = MoneyField()
    guaranteed = MoneyField()
    share_percent = serializers.CharField(allow_null=True)
    formula = serializers.CharField(help_text="In minor units.")
    collateral = CollateralAnswer(many=True)
    guarantors = GuarantorAnswer(many=True)


class PromiseAnswer(serializers.ModelSerializer):
    """A promise to pay."""

    amount = MoneyField(minor_source="amount", currency_source="loan.currency")
    loan_id = serializers.UUIDField()

    class Meta:
        model = PaymentPromise
        fields = ("id", "loan_id", "made_on", "due_on", "amount", "status", "settled_on", "note", "created_at")
        read_only_fields = fields


class PauseAnswer(serializers.ModelSerializer):
    """Days that do not count for arrears."""

    loan_id = serializers.UUIDField()

    class Meta:
        model = LoanPause
        fields = ("id", "loan_id", "starts_on", "ends_on", "entered_on", "reason")
        read_only_fields = fields


class LoanArrearsAnswer(serializers.Serializer):
    """How late a loan is by its last close or event, and what was promised."""

    as_of = serializers.DateField(allow_null=True)
    days_past_due = serializers.IntegerField()
    bucket = serializers.CharField()
    stage = serializers.IntegerField()
    is_non_accrual = serializers.BooleanField()
    overdue = MoneyField()
    suspended = MoneyField()
    provision = MoneyField()
    promises = PromiseAnswer(many=True)
    pauses = PauseAnswer(many=True)


LINE_FIELDS: tuple[str, ...] = (
    "id", "number", "loan_product_id", "member_id", "branch_id", "account_id", "limit", "rate_percent", "status",
    "purpose", "note", "review_on", "opened_on", "closed_on", "as_of", "days_past_due", "bucket", "stage",
    "is_non_accrual", "non_accrual_since", "created_at",
)  # fmt: skip
GROUP_FIELDS: tuple[str, ...] = ("id", "name", "branch_id", "meeting_weekday", "is_active", "created_at")


class CreditLineAnswer(serializers.ModelSerializer):
    """A credit line."""

    limit = MoneyField(minor_source="limit", currency_source="currency")
    rate_percent = percent(source="rate")
    loan_product_id = serializers.UUIDField(source="product_id")
    member_id = serializers.UUIDField()
    branch_id = serializers.UUIDField()
    account_id = serializers.UUIDField()

    class Meta:
        model = CreditLine
        fields = LINE_FIELDS
        read_only_fields = fields


class CreditLineEventAnswer(serializers.ModelSerializer):
    """Money drawn or paid back."""

    amount = MoneyField(minor_source="amount", currency_source="line.currency")
    principal = MoneyField(minor_source="principal", currency_source="line.currency")
    interest = MoneyField(minor_source="interest", currency_source="line.currency")
    credit_line_id = serializers.UUIDField(source="line_id")

    class Meta:
        model = CreditLineEvent
        fields = (
            "id", "credit_line_id", "kind", "business_date", "amount", "principal", "interest", "transaction_id",
            "created_at",
        )  # fmt: skip
        read_only_fields = fields


class ProvisionPolicyAnswer(serializers.ModelSerializer):
    """How loans of a product are provided for from a day on."""

    pd_12_months_percent = percent(source="pd_12_months")
    pd_lifetime_percent = percent(source="pd_lifetime")
    lgd_percent = percent(source="lgd")

    class Meta:
        model = ProvisionPolicy
        fields = (
            "id", "effective_from", "method", "stage_2_after", "stage_3_after", "cure_days", "pd_12_months_percent",
            "pd_lifetime_percent", "lgd_percent", "with_interest", "created_at",
        )  # fmt: skip
        read_only_fields = fields


class LoanOfficerAnswer(serializers.ModelSerializer):
    """Who looks after a loan, and since when."""

    loan_id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    starts_on = serializers.DateField(source="since")

    class Meta:
        model = LoanOfficer
        fields = ("loan_id", "user_id", "starts_on")
        read_only_fields = fields


class CreditLineOwedAnswer(serializers.Serializer):
    """What is owed, and what is left of the limit."""

    principal = MoneyField()
    interest = MoneyField()
    left = MoneyField()


class CreditLinePreviewAnswer(serializers.Serializer):
    """What a draw or a payment would do: where its money goes, what is owed before and after, what would be posted."""

    principal = MoneyField()
    interest = MoneyField()
    before = CreditLineOwedAnswer()
    after = CreditLineOwedAnswer()
    entry = PreviewLineAnswer(many=True)


class CreditLineDetailAnswer(CreditLineAnswer):
    """A credit line with what is owed by the books, what is left, and its latest events."""

    principal_owed = MoneyField()
    interest_owed = MoneyField()
    left = MoneyField()
    overdue_interest = MoneyField()
    provision = MoneyField()
    suspended = MoneyField(help_text="Of the interest owed: not income yet.")
    events = CreditLineEventAnswer(many=True)

    class Meta(CreditLineAnswer.Meta):
        fields = (
            *LINE_FIELDS, "principal_owed", "interest_owed", "left", "overdue_interest", "provision", "suspended",
            "events",
        )  # fmt: skip
        read_only_fields = fields


class LoanGroupAnswer(serializers.ModelSerializer):
    """A group."""

    branch_id = serializers.UUIDField()
    meeting_weekday = serializers.IntegerField(source="meets_on", help_text="Monday is 1.")

    class Meta:
        model = LoanGroup
        fields = GROUP_FIELDS
        read_only_fields = fields


class SheetRowAnswer(serializers.Serializer):
    """A loan of the group and what is due of it today."""

    loan_id = serializers.UUIDField()
    loan = serializers.CharField()
    member_id = serializers.UUIDField()
    member_name = serializers.CharField()
    due = MoneyField()


class LoanGroupDetailAnswer(LoanGroupAnswer):
    """A group with its members and the sheet of today's meeting."""

    member_ids = serializers.ListField(child=serializers.UUIDField())
    sheet = SheetRowAnswer(many=True)

    class Meta(LoanGroupAnswer.Meta):
        fields = (*GROUP_FIELDS, "member_ids", "sheet")
        read_only_fields = fields


class CollectedRowAnswer(serializers.Serializer):
    """What became of a row of the sheet."""

    loan = serializers.CharField()
    due = MoneyField()
    paid = MoneyField()
    event_id = serializers.UUIDField(allow_null=True)
    why = serializers.CharField(help_text="Why it was not taken; empty when it was.")


class MeetingAnswer(serializers.Serializer):
    """What a meeting brought in; the group answers for what is missing."""

    id = serializers.UUIDField()
    held_on = serializers.DateField()
    due = MoneyField()
    collected = MoneyField()
    missing = MoneyField()
    rows = CollectedRowAnswer(many=True)
