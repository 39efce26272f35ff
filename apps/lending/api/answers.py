"""What the lending API shows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from apps.core.api.money_fields import MoneyField
from apps.core.money import Money
from apps.lending.affordability import FINANCES, formula_of
from apps.lending.models import (
    Loan,
    LoanApplication,
    LoanEvent,
    LoanInstalment,
    LoanProduct,
    LoanProductTerms,
    LoanStanding,
)


class PercentField(serializers.CharField):
    """A fraction as percent a year, a decimal string without needless zeros."""

    def to_representation(self, value: Any) -> str:
        shown = f"{(Decimal(value) * 100).normalize():f}"
        return shown if shown else "0"


def percent(**kwargs: Any) -> serializers.Field:
    """A rate in percent."""
    return PercentField(read_only=True, **kwargs)


class LoanTermsAnswer(serializers.ModelSerializer):
    """A version of a product's terms."""

    principal_min = MoneyField(minor_source="principal_min", currency_source="product.currency_id")
    principal_max = MoneyField(minor_source="principal_max", currency_source="product.currency_id")
    rate_percent = percent(source="rate")
    rate_min_percent = percent(source="rate_min")
    rate_max_percent = percent(source="rate_max")
    conventions = serializers.DictField()
    servicing = serializers.DictField()
    fees = serializers.ListField(child=serializers.DictField())
    penalties = serializers.ListField(child=serializers.DictField())
    requirements = serializers.DictField()
    arrears = serializers.DictField()

    class Meta:
        model = LoanProductTerms
        fields = (
            "id", "number", "effective_from", "principal_min", "principal_max", "instalments_min", "instalments_max",
            "rate_percent", "rate_min_percent", "rate_max_percent", "conventions", "servicing", "fees", "penalties",
            "requirements", "arrears",
        )  # fmt: skip
        read_only_fields = fields


class LoanProductAnswer(serializers.ModelSerializer):
    """What the bank lends."""

    currency = serializers.CharField(source="currency_id")
    borrowers = serializers.ListField(child=serializers.CharField())
    mapping = serializers.DictField(child=serializers.CharField())

    class Meta:
        model = LoanProduct
        fields = (
            "id", "code", "name", "kind", "currency", "borrowers", "accounting", "mapping", "number_prefix",
            "description", "is_active", "created_at", "updated_at", "version",
        )  # fmt: skip
        read_only_fields = fields


class LoanProductRefAnswer(serializers.Serializer):
    """The product of a loan or an application."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=LoanProduct.Kind.choices)


class BorrowerAnswer(serializers.Serializer):
    """The borrower."""

    id = serializers.UUIDField()
    number = serializers.CharField()
    display_name = serializers.CharField()


class ChecklistAnswer(serializers.Serializer):
    """A document of the check list."""

    code = serializers.CharField()
    name = serializers.CharField()
    required = serializers.BooleanField()  # type: ignore[assignment]
    received_on = serializers.DateField(allow_null=True)
    note = serializers.CharField()


class AffordabilityAnswer(serializers.Serializer):
    """What an instalment takes of what is left of a month's income."""

    income = MoneyField()
    expenses = MoneyField()
    obligations = MoneyField(help_text="What other debts take.")
    left = MoneyField(help_text="Before the new instalment.")
    instalment = MoneyField(help_text="The largest, in proportion to a month.")
    share = serializers.CharField(allow_null=True, help_text="The instalment over what is left; null when nothing is.")
    share_max = serializers.CharField(allow_null=True, help_text="What the product allows.")
    fits = serializers.BooleanField()
    formula = serializers.CharField()


class LoanApplicationAnswer(serializers.ModelSerializer):
    """A loan application with what came of it."""

    product = LoanProductRefAnswer()
    member = BorrowerAnswer()
    branch_id = serializers.UUIDField()
    currency = serializers.CharField(source="product.currency_id")
    amount = MoneyField(minor_source="amount", currency_source="product.currency_id")
    rate_percent = percent(source="rate", allow_null=True)
    account_id = serializers.UUIDField(allow_null=True)
    affordability = serializers.SerializerMethodField(help_text="Null before it was submitted.")
    documents = ChecklistAnswer(many=True)
    approval_id = serializers.UUIDField(source="approval_request", allow_null=True)
    offered_amount = MoneyField(minor_source="offered_amount", currency_source="product.currency_id", allow_null=True)
    offered_rate_percent = percent(source="offered_rate", allow_null=True)

    class Meta:
        model = LoanApplication
        fields = (
            "id", "number", "status", "product", "member", "branch_id", "currency", "amount", "instalments",
            "rate_percent", "first_due", "purpose", "pay_out", "account_id", "affordability", "documents", "score",
            "submitted_at", "verified_at", "verification_note",
            "approval_id", "decided_at", "decision_note", "offered_amount", "offered_instalments",
            "offered_rate_percent", "offer_ends_on", "accepted_at", "created_at", "version",
        )  # fmt: skip
        read_only_fields = fields

    def get_affordability(self, application: LoanApplication) -> AffordabilityAnswer(allow_null=True):  # type: ignore[valid-type]
        found, currency = application.affordability, application.product.currency_id
        if not found:
            return None
        amounts = {name: Money(found[name], currency) for name in (*FINANCES, "left", "instalment")}
        return AffordabilityAnswer({**found, **amounts, "formula": formula_of(found, currency)}).data


class LoanStandingAnswer(serializers.ModelSerializer):
    """How late a loan is, and what is next."""

    currency = serializers.CharField(source="loan.currency")
    overdue_principal = MoneyField(minor_source="overdue_principal", currency_source="loan.currency")
    overdue_interest = MoneyField(minor_source="overdue_interest", currency_source="loan.currency")
    overdue_charges = MoneyField(minor_source="overdue_charges", currency_source="loan.currency")
    next_due_amount = MoneyField(minor_source="next_due_amount", currency_source="loan.currency")

    class Meta:
        model = LoanStanding
        fields = (
            "as_of", "currency", "days_past_due", "overdue_since", "overdue_principal", "overdue_interest",
            "overdue_charges", "next_due_on", "next_due_amount", "bucket", "is_non_accrual",
        )  # fmt: skip
        read_only_fields = fields


class LoanAnswer(serializers.ModelSerializer):
    """A loan. `owed` has the balances of its ledger accounts in the lists of one loan."""

    product = LoanProductRefAnswer()
    member = BorrowerAnswer()
    branch_id = serializers.UUIDField()
    account_id = serializers.UUIDField(allow_null=True)
    application_id = serializers.UUIDField(allow_null=True)
    principal = MoneyField(minor_source="principal", help_text="What was agreed, with financed fees.")
    rate_percent = percent(source="rate")
    standing = LoanStandingAnswer()

    class Meta:
        model = Loan
        fields = (
            "id", "number", "status", "product", "member", "branch_id", "currency", "principal", "rate_percent",
            "instalments", "first_due", "account_id", "application_id", "started_on", "matures_on", "closed_on",
            "standing", "created_at", "version",
        )  # fmt: skip
        read_only_fields = fields


class OwedAnswer(serializers.Serializer):
    """What is owed by the books this moment. Interest below zero was paid before it was earned."""

    principal = MoneyField()
    interest = MoneyField()
    charges = MoneyField()
    total = MoneyField()


class LoanDetailAnswer(LoanAnswer):
    """A loan with what is owed of it."""

    owed = serializers.SerializerMethodField()

    class Meta(LoanAnswer.Meta):
        fields = (*LoanAnswer.Meta.fields, "owed")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]

    def get_owed(self, loan: Loan) -> OwedAnswer:
        """By the balances that were read for it."""
        balances = self.context["balances"]
        ids = (loan.principal_account_id, loan.interest_account_id, loan.charges_account_id)
        minors = [-balances[one].booked for one in ids]
        names = ("principal", "interest", "charges", "total")
        values = {name: Money(minor, loan.currency) for name, minor in zip(names, [*minors, sum(minors)], strict=True)}
        return OwedAnswer(values).data  # type: ignore[return-value]


class LoanRowAnswer(serializers.Serializer):
    """An instalment and what is paid of it. `opening` and `closing` are principal before and after it."""

    number = serializers.IntegerField()
    starts_on = serializers.DateField()
    due_on = serializers.DateField()
    opening = MoneyField()
    disbursed = MoneyField()
    principal = MoneyField()
    interest = MoneyField()
    fees = MoneyField()
    penalties = MoneyField()
    total = MoneyField()
    paid = MoneyField()
    left = MoneyField()
    closing = MoneyField()
    paid_on = serializers.DateField(allow_null=True)


_AMOUNTS = ("opening", "disbursed", "principal", "interest", "fees", "penalties", "closing")
_PAID = ("principal_paid", "interest_paid", "fees_paid", "penalties_paid")


def row_shown(values: dict[str, Any], currency: str) -> dict[str, Any]:
    """A row of columns as the API shows it."""
    total = sum(values[name] for name in ("principal", "interest", "fees", "penalties"))
    paid = sum(values[name] for name in _PAID)
    amounts = {name: values[name] for name in _AMOUNTS} | {"total": total, "paid": paid, "left": total - paid}
    return {
        "number": values["number"],
        "starts_on": values["starts_on"],
        "due_on": values["due_on"],
        "paid_on": values["paid_on"],
        **{name: Money(minor, currency) for name, minor in amounts.items()},
    }


def instalments_shown(rows: list[LoanInstalment], currency: str) -> list[dict[str, Any]]:
    """Kept rows as the API shows them."""
    return [row_shown(row.__dict__, currency) for row in rows]


class LoanOfferPreviewAnswer(serializers.Serializer):
    """The schedule of a loan that might be."""

    currency = serializers.CharField()
    rate_percent = percent(source="rate")
    rows = LoanRowAnswer(many=True)


class LoanScheduleAnswer(serializers.Serializer):
    """A version of a loan's schedule. `terms` are those of what is to come, amounts in minor units."""

    loan_id = serializers.UUIDField()
    version = serializers.IntegerField()
    is_current = serializers.BooleanField()
    made_at = serializers.DateTimeField()
    event_kind = serializers.CharField(help_text="The kind of event that made it.")
    terms = serializers.DictField()
    rows = LoanRowAnswer(many=True)


class LoanEventAnswer(serializers.ModelSerializer):
    """Something that happened to a loan, and where its money went."""

    amount = MoneyField(minor_source="amount", currency_source="loan.currency")
    principal = MoneyField(minor_source="principal", currency_source="loan.currency")
    interest = MoneyField(minor_source="interest", currency_source="loan.currency")
    fees = MoneyField(minor_source="fees", currency_source="loan.currency")
    penalties = MoneyField(minor_source="penalties", currency_source="loan.currency")
    overpaid = MoneyField(minor_source="overpaid", currency_source="loan.currency")
    details = serializers.SerializerMethodField(help_text="What else was asked: strategy, rate, periods.")
    account_id = serializers.UUIDField(allow_null=True)
    loan_id = serializers.UUIDField()

    class Meta:
        model = LoanEvent
        fields = (
            "id", "loan_id", "sequence", "kind", "value_date", "business_date", "amount", "principal", "interest",
            "fees", "penalties", "overpaid", "details", "channel", "account_id", "reference", "description",
            "transaction_id", "reversed_on", "reversal_reason", "created_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_details(self, event: LoanEvent) -> dict[str, Any]:
        """Without the accounts of the bank."""
        return {name: value for name, value in event.details.items() if name != "money"}


class PreviewLineAnswer(serializers.Serializer):
    """A line of the entry that would be posted."""

    role = serializers.CharField(help_text="What the account is in the product's mapping; money is the other side.")
    side = serializers.ChoiceField(choices=["debit", "credit"])
    amount = MoneyField()


class PortionsAnswer(serializers.Serializer):
    """Where the money goes."""

    principal = MoneyField()
    interest = MoneyField()
    fees = MoneyField()
    penalties = MoneyField()
    overpaid = MoneyField()


class LoanPreviewAnswer(serializers.Serializer):
    """What an event would do: the schedule before and after, what would be posted, where the money would go."""

    loan_id = serializers.UUIDField()
    kind = serializers.CharField()
    before = LoanRowAnswer(many=True)
    after = LoanRowAnswer(many=True)
    portions = PortionsAnswer()
    entry = PreviewLineAnswer(many=True)
    owed = OwedAnswer(help_text="After it.")
    interest_difference = MoneyField(help_text="Interest of the schedule after it, less that before.")


class LoanPayoffAnswer(serializers.Serializer):
    """What closes a loan on a day. `explain` says how the interest came about, in minor units."""

    loan_id = serializers.UUIDField()
    date = serializers.DateField()
    principal = MoneyField()
    interest = MoneyField()
    fees = MoneyField(help_text="With the fee for closing early.")
    penalties = MoneyField()
    total = MoneyField()
    explain = serializers.DictField()


class LoanExplainAnswer(serializers.Serializer):
    """A figure explained: inputs, convention, formula, rounding, rows. Amounts in minor units."""

    subject = serializers.CharField()
    amount = MoneyField()
    inputs = serializers.DictField()
    convention = serializers.DictField()
    formula = serializers.ListField(child=serializers.CharField())
    rounding = serializers.CharField()
    rows = serializers.ListField(child=serializers.DictField())


class BulkItemAnswer(serializers.Serializer):
    """What became of one payment."""

    loan = serializers.CharField()
    status = serializers.ChoiceField(choices=["done", "refused"])
    event_id = serializers.UUIDField(allow_null=True)
    code = serializers.CharField(help_text="Of the refusal; empty where it was done.")
    detail = serializers.CharField()


class BulkAnswer(serializers.Serializer):
    """What became of each payment of a file."""

    done = serializers.IntegerField()
    refused = serializers.IntegerField()
    items = BulkItemAnswer(many=True)
