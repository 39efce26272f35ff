"""What the API of security, promises, groups and credit lines reads."""

from __future__ import annotations

from rest_framework import serializers

from apps.core.api.fields import BooleanField, ChoiceField, DateField, IntegerField, TextField, UUIDField
from apps.core.api.money_fields import MoneyField
from apps.core.api.pagination import ListParams
from apps.core.api.query import QueryParams
from apps.core.api.serializers import StrictSerializer
from apps.lending.api.forms import percent
from apps.lending.lines_explained import FIGURES
from apps.lending.models import Collateral, CreditLine, CreditLineEvent, ProvisionPolicy

ROWS_MAX = 200


class CollateralForm(StrictSerializer):
    """A thing pledged for a loan."""

    kind = ChoiceField(choices=Collateral.Kind.choices)
    description = TextField(min_length=3, max_length=200)
    share_percent = percent(required=False, help_text='What of its value counts, such as "60"; all unless given.')
    owner = TextField(max_length=160, required=False, allow_blank=True)
    reference = TextField(max_length=64, required=False, allow_blank=True)


class ValuationForm(StrictSerializer):
    """What a thing was found to be worth."""

    valued_on = DateField()
    amount = MoneyField(positive=False)
    valuer = TextField(min_length=2, max_length=160)


class GuarantorForm(StrictSerializer):
    """A member who vouches; with an account, so much of its savings is held."""

    member_id = UUIDField()
    amount = MoneyField()
    account_id = UUIDField(required=False)


class PromiseForm(StrictSerializer):
    """What the borrower promised."""

    due_on = DateField()
    amount = MoneyField()
    note = TextField(max_length=200, required=False, allow_blank=True)


class PauseForm(StrictSerializer):
    """Days on which arrears do not grow older; the last one counts again."""

    starts_on = DateField()
    ends_on = DateField()
    reason = TextField(min_length=3, max_length=200)


class CreditLinesQuery(ListParams):
    """Filters of the list of credit lines."""

    sorts = {"created_at": "created_at"}

    status = ChoiceField(choices=CreditLine.Status.choices, required=False)
    member_id = UUIDField(required=False)


class CreditLineExplainQuery(QueryParams):
    """Which figure of a credit line to explain; what is owed unless another is named."""

    figure = ChoiceField(choices=FIGURES, default=FIGURES[0])


class CreditLineForm(StrictSerializer):
    """A request for a credit line."""

    loan_product_id = UUIDField()
    member_id = UUIDField()
    account_id = UUIDField()
    limit = MoneyField()
    purpose = TextField(max_length=400, required=False, allow_blank=True)


class CreditLineDecisionForm(StrictSerializer):
    """The bank's decision: as asked, with another limit or rate, or no with a reason."""

    approve = BooleanField()
    limit = MoneyField(required=False)
    rate_percent = percent(required=False)
    review_on = DateField(required=False)
    note = TextField(max_length=400, required=False, allow_blank=True)


class CreditLineMoneyForm(StrictSerializer):
    """Money drawn, or paid back from the line's account."""

    amount = MoneyField()


class CreditLinePreviewForm(StrictSerializer):
    """A draw or a payment to be."""

    kind = ChoiceField(choices=CreditLineEvent.Kind.choices)
    amount = MoneyField()


class ProvisionPoliciesQuery(ListParams):
    """Policies of a product by the day from which they hold."""

    sorts = {"effective_from": "effective_from"}
    default_sort = "-effective_from"


class ProvisionPolicyForm(StrictSerializer):
    """How loans of a product are provided for from a day on. What is not given is the usual."""

    effective_from = DateField()
    method = ChoiceField(choices=ProvisionPolicy.Method.choices)
    stage_2_after = IntegerField(min_value=0, max_value=3_650, required=False, help_text="Days past due.")
    stage_3_after = IntegerField(min_value=0, max_value=3_650, required=False, help_text="Days past due.")
    cure_days = IntegerField(min_value=0, max_value=3_650, required=False)
    pd_12_months_percent = percent(required=False, help_text="Probability of default in 12 months.")
    pd_lifetime_percent = percent(required=False, help_text="Probability of default for life.")
    lgd_percent = percent(required=False, help_text="Loss given default.")
    with_interest = BooleanField(required=False)


class OfficerForm(StrictSerializer):
    """Who is to look after a loan."""

    user_id = UUIDField()


class CreditLineChangeForm(StrictSerializer):
    """A review with a limit and the next date, or blocking, unblocking and closing."""

    action = ChoiceField(choices=["review", "block", "unblock", "close"])
    limit = MoneyField(required=False)
    review_on = DateField(required=False)
    note = TextField(min_length=3, max_length=400)


class LoanGroupsQuery(ListParams):
    """Groups, the newest first."""

    sorts = {"created_at": "created_at"}


class LoanGroupForm(StrictSerializer):
    """A group of a branch."""

    name = TextField(min_length=2, max_length=80)
    branch_id = UUIDField()
    meeting_weekday = IntegerField(source="meets_on", min_value=1, max_value=7, help_text="Day of the week, Monday 1.")


class LoanGroupMemberForm(StrictSerializer):
    """Who joins."""

    member_id = UUIDField()


class CollectionRowForm(StrictSerializer):
    """What came in for a loan."""

    loan = TextField(max_length=20, identifier=True)
    amount = MoneyField(positive=False)


class CollectionForm(StrictSerializer):
    """The payments of a meeting; by a channel, or each from its loan's account."""

    channel = TextField(max_length=20, required=False, identifier=True)
    rows = serializers.ListField(child=CollectionRowForm(), min_length=1, max_length=ROWS_MAX)
