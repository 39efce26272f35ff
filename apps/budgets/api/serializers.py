"""Budgets as the API takes and shows them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.budgets.models import Budget, BudgetAlert, BudgetRule, Commitment
from apps.budgets.services import LINES_MAX
from apps.budgets.spreads import SPREADS
from apps.core.api.fields import (
    ChoiceField,
    CurrencyField,
    DateField,
    DecimalField,
    IntegerField,
    TextField,
    UUIDField,
)
from apps.core.api.money_fields import MoneyField
from apps.core.api.pagination import ListParams
from apps.core.api.query import QueryParams
from apps.core.api.serializers import StrictSerializer, WithFrom
from apps.core.currencies import minor_format


class BudgetListParams(ListParams):
    """Versions of budgets, the newest first."""

    year = IntegerField(min_value=1900, max_value=2200, required=False)
    status = ChoiceField(choices=Budget.Status.values, required=False)


class BudgetCreateSerializer(StrictSerializer):
    """A new version: empty, a copy of another one, or what the year before came to."""

    year = IntegerField(min_value=1950, max_value=2200)
    title = TextField(max_length=120)
    note = TextField(max_length=400, required=False, default="", allow_blank=True)
    currency = CurrencyField(required=False, help_text="The bank's own unless given.")
    begin_with = ChoiceField(choices=["empty", "budget", "actuals"], default="empty")
    copy_of = UUIDField(required=False, help_text="With `budget`: the version that is copied.")
    factor = DecimalField(
        max_digits=9, decimal_places=6, min_value=0, required=False, help_text="Times which every amount is taken."
    )


class BudgetSerializer(serializers.Serializer):
    """A version of a budget."""

    id = serializers.UUIDField()
    year = serializers.IntegerField()
    currency = serializers.CharField()
    number = serializers.IntegerField()
    title = serializers.CharField()
    status = serializers.ChoiceField(choices=Budget.Status.choices)
    note = serializers.CharField()
    version = serializers.IntegerField(help_text="For If-Match.")
    created_at = serializers.DateTimeField()
    activated_at = serializers.DateTimeField(allow_null=True)


class BudgetLineListParams(ListParams):
    """Lines of a budget, in the order of their writing."""

    sorts = {"number": "id"}
    default_sort = "number"
    tie = "id"


class BudgetLineSerializer(serializers.Serializer):
    """What is planned for a month."""

    branch = serializers.CharField(source="branch.code")
    account_code = serializers.CharField(source="gl_account.code")
    account_name = serializers.CharField(source="gl_account.name")
    month = serializers.DateField()
    amount = serializers.SerializerMethodField()

    def get_amount(self, line: Any) -> str:
        """In the budget's currency, on the account's own side."""
        return minor_format(line.amount, self.context["currency"])


class BudgetLinePlanSerializer(StrictSerializer):
    """A month's amount or, without a month, a year's with how it is spread."""

    branch = TextField(max_length=20, identifier=True)
    account_code = TextField(max_length=20, identifier=True)
    amount = MoneyField(positive=False)
    month = IntegerField(min_value=1, max_value=12, required=False)
    spread = ChoiceField(choices=list(SPREADS), default="even")


class BudgetLinesSerializer(StrictSerializer):
    """Lines to be written into a draft."""

    lines = BudgetLinePlanSerializer(many=True, min_length=1, max_length=LINES_MAX)  # type: ignore[call-arg]


class VarianceParams(WithFrom, QueryParams):
    """Which months are compared."""

    from_ = IntegerField(min_value=1, max_value=12, default=1, help_text="First month.")
    to = IntegerField(min_value=1, max_value=12, required=False, help_text="Last month; the open one unless given.")
    branch = TextField(max_length=20, required=False, identifier=True, help_text="Code of a branch.")
    cost_centre = TextField(max_length=20, required=False, identifier=True, help_text="Code of a cost centre.")


class BudgetVarianceSerializer(serializers.Serializer):
    """One account of one branch: decimal strings of the budget's currency, on the account's own side."""

    branch = serializers.CharField()
    account_code = serializers.CharField()
    account_name = serializers.CharField()
    account_kind = serializers.CharField(help_text="asset, liability, equity, income or expense")
    cost_centre = serializers.CharField(help_text="Code of the cost centre that the place belongs to, or empty.")
    planned = serializers.CharField()
    actual = serializers.CharField()
    committed = serializers.CharField()
    left = serializers.CharField(help_text="Below zero: gone beyond.")
    is_favourable = serializers.BooleanField()


class BudgetVariancesSerializer(WithFrom, serializers.Serializer):
    """Planned against spent and promised."""

    currency = serializers.CharField()
    from_ = serializers.DateField()
    to = serializers.DateField()
    rows = BudgetVarianceSerializer(many=True)


class CostCentrePlaceRequestSerializer(StrictSerializer):
    """An account, or all below a header, in one branch or, without one, in every branch."""

    account_code = TextField(max_length=20, identifier=True)
    branch = TextField(max_length=20, required=False, identifier=True, help_text="Code of a branch.")


class CostCentreRequestSerializer(StrictSerializer):
    """What a cost centre is called, and all of its places."""

    code = TextField(max_length=20, identifier=True)
    name = TextField(max_length=120)
    places = CostCentrePlaceRequestSerializer(many=True, min_length=0, max_length=500)  # type: ignore[call-arg]


class CostCentreListParams(ListParams):
    """Cost centres by their codes."""

    sorts = {"code": "code"}
    default_sort = "code"
    tie = "id"


class CostCentrePlaceSerializer(serializers.Serializer):
    """A place of the chart that is a cost centre's own."""

    account_code = serializers.CharField(source="gl_account.code")
    branch = serializers.CharField(source="branch.code", default=None, allow_null=True, help_text="Null: every branch.")


class CostCentreSerializer(serializers.Serializer):
    """A cost centre."""

    code = serializers.CharField()
    name = serializers.CharField()
    places = CostCentrePlaceSerializer(many=True)


class BudgetRuleListParams(ListParams):
    """Rules of control."""


class BudgetRuleRequestSerializer(StrictSerializer):
    """What happens when an expense, or all below a header, goes beyond its budget; `none` takes the rule away."""

    account_code = TextField(max_length=20, identifier=True)
    mode = ChoiceField(choices=["none", *BudgetRule.Mode.values])
    span = ChoiceField(choices=BudgetRule.Span.values, default="month")
    alert_percent = IntegerField(min_value=1, max_value=100, default=90)


class BudgetRuleSerializer(serializers.Serializer):
    """A rule of control."""

    account_code = serializers.CharField(source="gl_account.code")
    account_name = serializers.CharField(source="gl_account.name")
    mode = serializers.ChoiceField(choices=BudgetRule.Mode.choices)
    span = serializers.ChoiceField(choices=BudgetRule.Span.choices)
    alert_percent = serializers.IntegerField()


class CommitmentListParams(ListParams):
    """Commitments, the newest first."""

    status = ChoiceField(choices=Commitment.Status.values, required=False)


class CommitmentCreateSerializer(StrictSerializer):
    """Money that is promised: it takes the budget of a month."""

    branch = TextField(max_length=20, identifier=True)
    account_code = TextField(max_length=20, identifier=True)
    month = DateField(help_text="Any day of the month.")
    amount = MoneyField()
    reference = TextField(max_length=64)
    description = TextField(max_length=200, required=False, default="", allow_blank=True)


class CommitmentEndSerializer(StrictSerializer):
    """How a commitment ends."""

    status = ChoiceField(choices=["spent", "released"])


class CommitmentSerializer(serializers.Serializer):
    """A commitment."""

    id = serializers.UUIDField()
    branch = serializers.CharField(source="branch.code")
    account_code = serializers.CharField(source="gl_account.code")
    month = serializers.DateField()
    amount = MoneyField(minor_source="amount")
    reference = serializers.CharField()
    description = serializers.CharField()
    status = serializers.ChoiceField(choices=Commitment.Status.choices)
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class BudgetAlertListParams(ListParams):
    """Alerts, the newest first."""

    level = ChoiceField(choices=BudgetAlert.Level.values, required=False)


class BudgetAlertSerializer(serializers.Serializer):
    """That a budget was nearly used up, or gone beyond."""

    branch = serializers.CharField(source="branch.code")
    account_code = serializers.CharField(source="gl_account.code")
    account_name = serializers.CharField(source="gl_account.name")
    month = serializers.DateField()
    level = serializers.ChoiceField(choices=BudgetAlert.Level.choices)
    planned = serializers.SerializerMethodField()
    used = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    def get_planned(self, alert: Any) -> str:
        """In the budget's currency."""
        return minor_format(alert.planned, alert.budget.currency)

    def get_used(self, alert: Any) -> str:
        """Spent and promised, in the budget's currency."""
        return minor_format(alert.used, alert.budget.currency)
