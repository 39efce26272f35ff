"""What the ledger's API reads and shows. Amounts are positive, with a side beside them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.core.api.fields import BooleanField, ChoiceField, CurrencyField, DateField, TextField
from apps.core.api.money_fields import MoneyField
from apps.core.api.pagination import ListParams
from apps.core.api.query import QueryParams
from apps.core.api.serializers import StrictSerializer, WithFrom
from apps.core.money import Money
from apps.ledger.figures import ChartNode
from apps.ledger.models import AccountingPeriod, BusinessDate, GLAccount
from apps.ledger.selectors import TrialBalance

SIDES = {"D": "debit", "C": "credit"}


def sided(minor: int, currency: str) -> dict[str, Any]:
    """Credit-positive minor units as a side and a positive amount; zero is shown as a debit of nothing."""
    return {"side": "credit" if minor > 0 else "debit", "amount": Money(abs(minor), currency)}


class SidedMoneySerializer(serializers.Serializer):
    """An amount and the side that it is on."""

    side = serializers.ChoiceField(choices=["debit", "credit"])
    amount = MoneyField(read_only=True)


class GLAccountSerializer(serializers.Serializer):
    """A node of the chart of accounts."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=GLAccount.Type.values, source="type")
    usage = serializers.ChoiceField(choices=GLAccount.Usage.values)
    parent: Any = serializers.CharField(
        source="parent.code", default=None, allow_null=True, help_text="Code of the parent."
    )
    normal_side = serializers.SerializerMethodField()
    is_contra = serializers.BooleanField()
    allows_manual = serializers.BooleanField()
    is_active = serializers.BooleanField()
    description = serializers.CharField()
    version = serializers.IntegerField()
    balances = serializers.SerializerMethodField(
        help_text="With expand=balances: one a currency, with all nodes below; else null."
    )

    def get_normal_side(self, node: GLAccount) -> str:
        """debit or credit: where the account normally grows."""
        return SIDES[node.normal_side]

    def get_balances(self, node: GLAccount) -> SidedMoneySerializer(many=True, allow_null=True):  # type: ignore[valid-type]
        """Balances of the node and all below it, by currency."""
        nodes: dict[Any, ChartNode] | None = self.context.get("balances")
        if nodes is None:
            return None
        found = nodes.get(node.pk)
        figures = sorted(found.balances.items()) if found is not None else []
        return SidedMoneySerializer([sided(minor, currency) for currency, minor in figures], many=True).data


class ChartNodeSerializer(serializers.Serializer):
    """A node of the chart in reading order: `depth` says how far it is indented."""

    id = serializers.UUIDField(source="account.pk")
    code = serializers.CharField(source="account.code")
    name = serializers.CharField(source="account.name")
    kind = serializers.ChoiceField(choices=GLAccount.Type.values, source="account.type")
    usage = serializers.ChoiceField(choices=GLAccount.Usage.values, source="account.usage")
    depth = serializers.IntegerField()
    has_children = serializers.BooleanField()
    balances = serializers.SerializerMethodField(help_text="One a currency, with all nodes below.")

    def get_balances(self, node: ChartNode) -> SidedMoneySerializer(many=True):  # type: ignore[valid-type]
        """Balances of the node and all below it, by currency."""
        return SidedMoneySerializer(
            [sided(minor, unit) for unit, minor in sorted(node.balances.items())], many=True
        ).data


class ChartSerializer(serializers.Serializer):
    """The whole chart with its balances at the end of a business date."""

    as_of = serializers.DateField()
    data: Any = ChartNodeSerializer(many=True)


class GLAccountListParams(ListParams):
    """Parameters of the chart as a list, by code."""

    sorts = {"code": "code"}
    default_sort = "code"
    tie = "code"

    kind = ChoiceField(choices=GLAccount.Type.values, required=False)
    usage = ChoiceField(choices=GLAccount.Usage.values, required=False)
    parent: Any = TextField(max_length=20, required=False, identifier=True, help_text="Code of the parent.")
    is_active = BooleanField(required=False, default=None)
    expand = ChoiceField(choices=["balances"], required=False)


class GLAccountParams(QueryParams):
    """Parameters of one node."""

    expand = ChoiceField(choices=["balances"], required=False)


class ChartParams(QueryParams):
    """Parameters of the whole chart."""

    as_of = DateField(required=False, help_text="Business date; the open one unless given.")


class TrialBalanceParams(WithFrom, QueryParams):
    """Parameters of the trial balance."""

    as_of = DateField(required=False, help_text="Business date at whose end it is drawn up; the open one unless given.")
    from_ = DateField(required=False, help_text="Only movements from this business date on.")
    branch = TextField(max_length=20, required=False, identifier=True, help_text="Code of a branch.")
    currency = CurrencyField(required=False)
    format = ChoiceField(choices=["json", "csv", "xlsx"], default="json")


class TrialBalanceAccountSerializer(serializers.Serializer):
    """The node of a row."""

    id = serializers.UUIDField(source="gl_account_id")
    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=GLAccount.Type.values, source="type")


class TrialBalanceRowSerializer(serializers.Serializer):
    """A node in one currency. Its balance is in `debit` or in `credit`; turnovers are all movements."""

    account = TrialBalanceAccountSerializer(source="*")
    currency = serializers.CharField()
    turnover_debit = MoneyField(minor_source="turnover_debit")
    turnover_credit = MoneyField(minor_source="turnover_credit")
    debit = MoneyField(minor_source="debit")
    credit = MoneyField(minor_source="credit")


class TrialBalanceTotalSerializer(serializers.Serializer):
    """Sums of one currency."""

    currency = serializers.CharField()
    turnover_debit = MoneyField(minor_source="turnover_debit")
    turnover_credit = MoneyField(minor_source="turnover_credit")
    debit = MoneyField(minor_source="debit")
    credit = MoneyField(minor_source="credit")


class TrialBalanceProofSerializer(serializers.Serializer):
    """`balanced` when debits equal credits in every currency; else `differences` says by how much."""

    balanced = serializers.BooleanField()
    differences = SidedMoneySerializer(many=True)


class TrialBalanceSerializer(WithFrom, serializers.Serializer):
    """The trial balance with its totals and its proof."""

    as_of = serializers.DateField()
    from_ = serializers.DateField(allow_null=True)
    as_of_entry = serializers.IntegerField(help_text="Number of the newest journal entry that was looked at.")
    branch = serializers.CharField(allow_null=True)
    rows = TrialBalanceRowSerializer(many=True)
    totals = TrialBalanceTotalSerializer(many=True)
    proof = TrialBalanceProofSerializer()


def trial_balance_shown(balance: TrialBalance, *, since: Any, branch: str | None) -> Any:
    """The trial balance as the API shows it."""
    totals: dict[str, dict[str, Any]] = {}
    for row in balance.rows:
        total = totals.setdefault(row.currency, {"currency": row.currency, **dict.fromkeys(_COLUMNS, 0)})
        for column in _COLUMNS:
            total[column] += getattr(row, column)
    differences = [sided(net, unit) for unit, net in sorted(balance.differences.items()) if net]
    shown = {
        "as_of": balance.as_of,
        "from": since,
        "as_of_entry": balance.as_of_entry,
        "branch": branch,
        "rows": balance.rows,
        "totals": list(totals.values()),
        "proof": {"balanced": not differences, "differences": differences},
    }
    return TrialBalanceSerializer(shown).data


_COLUMNS = ("turnover_debit", "turnover_credit", "debit", "credit")


class PeriodSerializer(serializers.ModelSerializer):
    """An accounting period."""

    closed_by = serializers.UUIDField(source="closed_by_id", allow_null=True, help_text="The user who closed it.")

    class Meta:
        model = AccountingPeriod
        fields = ("id", "code", "starts_on", "ends_on", "status", "closed_at", "closed_by", "version")
        read_only_fields = fields


class PeriodCreateSerializer(StrictSerializer):
    """A new period: its code and its first and last business date."""

    code = TextField(max_length=20, identifier=True)
    starts_on = DateField()
    ends_on = DateField()


class PeriodListParams(ListParams):
    """Parameters of the list of periods; the latest first."""

    sorts = {"starts_on": "starts_on"}
    default_sort = "-starts_on"

    status = ChoiceField(choices=AccountingPeriod.Status.values, required=False)


class BusinessDateSerializer(serializers.ModelSerializer):
    """The open business day."""

    business_date = serializers.DateField(source="current")

    class Meta:
        model = BusinessDate
        fields = ("business_date", "changed_at")
        read_only_fields = fields
