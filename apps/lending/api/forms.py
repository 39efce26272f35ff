"""What the lending API reads."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from apps.accounts.api.serializers import not_empty
from apps.calculations.loans.options import STRATEGIES
from apps.core.api.fields import (
    BooleanField,
    ChoiceField,
    CurrencyField,
    DateField,
    DecimalField,
    IntegerField,
    NoteField,
    TextField,
    UUIDField,
)
from apps.core.api.money_fields import MoneyField
from apps.core.api.pagination import ListParams
from apps.core.api.query import QueryParams
from apps.core.api.serializers import StrictSerializer
from apps.lending.models import BorrowerKind, Loan, LoanApplication, LoanEvent, LoanProduct
from apps.lending.selectors import STANDING_FIGURES
from apps.lending.services import ACTS, CHANGES, CHANNEL_NAMES

BULK_MAX = 1_000
ACT_NAMES = [str(kind) for kind in ACTS]
CHANGE_NAMES = [kind.value for kind in CHANGES]
WAIVED = ["interest", "fees", "penalties"]
MORATORIUM = ["deferred", "forgiven", "paid"]
INSTALMENTS_MAX = 1_200


def percent(**kwargs: Any) -> DecimalField:
    """A rate a year in percent, as a decimal string."""
    kwargs.setdefault("help_text", 'Percent a year, such as "12.5".')
    return DecimalField(max_digits=11, decimal_places=4, min_value=Decimal(0), max_value=Decimal(10_000), **kwargs)


def fraction(value: Decimal | None) -> Decimal | None:
    """The fraction of a percentage."""
    return None if value is None else value / 100


class LoanTermsForm(StrictSerializer):
    """Terms from a day on. The documents are described in docs/reference/loan-products.md."""

    effective_from = DateField()
    principal_min = MoneyField()
    principal_max = MoneyField()
    instalments_min = IntegerField(min_value=1, max_value=INSTALMENTS_MAX)
    instalments_max = IntegerField(min_value=1, max_value=INSTALMENTS_MAX)
    rate_percent = percent()
    rate_min_percent = percent()
    rate_max_percent = percent()
    conventions = serializers.DictField(required=False, help_text="How interest and instalments are worked out.")
    servicing = serializers.DictField(required=False, help_text="How payments, early money and closing work.")
    fees = serializers.ListField(child=serializers.DictField(), required=False, max_length=20)
    penalties = serializers.ListField(child=serializers.DictField(), required=False, max_length=10)
    requirements = serializers.DictField(required=False, help_text="Documents, affordability, collateral.")
    arrears = serializers.DictField(required=False, help_text="Buckets, provisions, when accrual stops.")


class LoanProductForm(StrictSerializer):
    """A new loan product with its first terms."""

    code = TextField(max_length=20, identifier=True, help_text="Capital letters, digits and hyphens.")
    name = TextField(max_length=80)
    kind = ChoiceField(choices=LoanProduct.Kind.choices)
    currency = CurrencyField()
    borrowers = serializers.ListField(child=ChoiceField(choices=BorrowerKind.choices), min_length=1, max_length=2)
    number_prefix = TextField(max_length=4, identifier=True, help_text="Digits that its loans' numbers begin with.")
    accounting = ChoiceField(choices=LoanProduct.Accounting.choices, default="accrual")
    mapping = serializers.DictField(
        child=TextField(max_length=20, identifier=True), required=False, help_text="Codes of the chart by role."
    )
    description = TextField(max_length=400, required=False, allow_blank=True)
    terms = LoanTermsForm()


class _Change(StrictSerializer):
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """An empty change is a mistake of the caller."""
        return not_empty(attrs)


class LoanProductChangeForm(_Change):
    """What is said of a product, and whether it is open; what is not sent stays."""

    name = TextField(max_length=80, required=False)
    description = TextField(max_length=400, required=False, allow_blank=True)
    is_active = BooleanField(required=False)


class OfferPreviewForm(StrictSerializer):
    """A loan that might be."""

    amount = MoneyField()
    instalments = IntegerField(min_value=1, max_value=INSTALMENTS_MAX)
    rate_percent = percent(required=False)
    start = DateField(required=False, help_text="The business day unless given.")
    first_due = DateField(required=False)


class FinancesForm(StrictSerializer):
    """A month of the borrower."""

    income = MoneyField(positive=False)
    expenses = MoneyField(positive=False, required=False)
    obligations = MoneyField(positive=False, required=False, help_text="Instalments of other loans.")


class ApplicationChangeForm(_Change):
    """What may be changed of a draft; what is not sent stays."""

    amount = MoneyField(required=False)
    instalments = IntegerField(min_value=1, max_value=INSTALMENTS_MAX, required=False)
    rate_percent = percent(required=False)
    first_due = DateField(required=False)
    purpose = TextField(max_length=400, required=False, allow_blank=True)
    pay_out = ChoiceField(choices=LoanApplication.PayOut.choices, required=False)
    account_id = UUIDField(required=False, help_text="Where the money goes, and what instalments are taken from.")
    finances = FinancesForm(required=False)


class ApplicationForm(ApplicationChangeForm):
    """A new draft. Amount and instalments are the least of the product unless given."""

    loan_product_id = UUIDField()
    member_id = UUIDField()


class ApplicationDecisionForm(StrictSerializer):
    """Yes or no; an offer may differ from what was asked."""

    approve = BooleanField()
    note = TextField(max_length=400, required=False, allow_blank=True, help_text="Needed where it is rejected.")
    amount = MoneyField(required=False)
    instalments = IntegerField(min_value=1, max_value=INSTALMENTS_MAX, required=False)
    rate_percent = percent(required=False)


class VerificationForm(StrictSerializer):
    """What of an application was checked, and how."""

    note = TextField(min_length=3, max_length=400)


class DocumentForm(StrictSerializer):
    """A document of the check list came, or it did not after all (null)."""

    code = TextField(max_length=30)
    received_on = DateField(allow_null=True)
    note = TextField(max_length=200, required=False, allow_blank=True)


class MoneyForm(StrictSerializer):
    """Money that moves: by an account, by a channel; by neither, the loan's own account."""

    amount = MoneyField()
    account = TextField(max_length=36, identifier=True, required=False, help_text="Number or id of an account.")
    channel = ChoiceField(choices=CHANNEL_NAMES, required=False)
    value_date = DateField(required=False, help_text="The business day unless given; never later.")
    reference = TextField(max_length=64, required=False, allow_blank=True)
    description = TextField(max_length=200, required=False, allow_blank=True)


class DisbursementForm(MoneyForm):
    """Money out: all of the loan, or a tranche of it."""


class RepaymentForm(MoneyForm):
    """Money in. A strategy makes what is more than due a prepayment."""

    strategy = ChoiceField(choices=STRATEGIES, required=False)


class LoanClosureForm(MoneyForm):
    """Exactly what the quote of the day says; less a discount, where the bank settles for less."""

    amount = MoneyField(positive=False)
    discount = MoneyField(required=False)
    reason = TextField(max_length=200, required=False, allow_blank=True)


class ChangeDetailsForm(StrictSerializer):
    """What a change takes besides its kind; each kind its own."""

    amount = MoneyField(required=False, help_text="charge, waiver, top_up")
    component = ChoiceField(choices=WAIVED, required=False, help_text="waiver")
    penalty = BooleanField(required=False, help_text="charge: a penalty, else a fee")
    rate_percent = percent(required=False, help_text="rate_change, reschedule")
    extra_instalments = IntegerField(min_value=0, max_value=600, required=False, help_text="reschedule, top_up")
    grace_principal = IntegerField(min_value=0, max_value=600, required=False, help_text="reschedule")
    first_due = DateField(required=False, help_text="reschedule anew, with instalments")
    instalments = IntegerField(min_value=1, max_value=INSTALMENTS_MAX, required=False, help_text="with first_due")
    periods = IntegerField(min_value=1, max_value=600, required=False, help_text="moratorium")
    interest = ChoiceField(choices=MORATORIUM, required=False, help_text="moratorium")
    extend = BooleanField(required=False, help_text="moratorium: more instalments, not larger ones")
    account = TextField(max_length=36, identifier=True, required=False, help_text="top_up: where the money goes")
    channel = ChoiceField(choices=CHANNEL_NAMES, required=False, help_text="top_up")
    reason = TextField(max_length=200, required=False, allow_blank=True)


class ChangeForm(ChangeDetailsForm):
    """A change of a loan from today on."""

    kind = ChoiceField(choices=CHANGE_NAMES)


class PreviewForm(ChangeDetailsForm):
    """Any event, to see what it would do."""

    kind = ChoiceField(choices=ACT_NAMES)
    amount = MoneyField(positive=False, required=False)
    value_date = DateField(required=False)
    strategy = ChoiceField(choices=STRATEGIES, required=False, help_text="repayment")
    discount = MoneyField(required=False, help_text="payoff")
    event_id = UUIDField(required=False, help_text="reversal")


class EventReversalForm(StrictSerializer):
    """Why an event is taken back."""

    reason = TextField(max_length=200)


class BulkItemForm(StrictSerializer):
    """One payment of a file."""

    loan = TextField(max_length=20, identifier=True, help_text="The loan's number.")
    amount = MoneyField()
    reference = TextField(max_length=64, required=False, allow_blank=True)


class BulkForm(StrictSerializer):
    """A payroll file: each line for itself."""

    channel = ChoiceField(choices=CHANNEL_NAMES, default="payroll")
    value_date = DateField(required=False)
    description = NoteField(max_length=200, required=False, allow_blank=True)
    items = serializers.ListField(child=BulkItemForm(), min_length=1, max_length=BULK_MAX)


class LoanProductsQuery(ListParams):
    """Filters of the list of loan products."""

    sorts = {"code": "code"}
    default_sort = "code"

    kind = ChoiceField(choices=LoanProduct.Kind.choices, required=False)
    is_active = BooleanField(required=False)


class LoanTermsQuery(ListParams):
    """Terms of a product by the day from which they hold."""

    sorts = {"effective_from": "effective_from"}
    default_sort = "-effective_from"


class ApplicationsQuery(ListParams):
    """Filters of the list of applications."""

    status = ChoiceField(choices=LoanApplication.Status.choices, required=False)
    loan_product_id = UUIDField(required=False)
    member_id = UUIDField(required=False)
    branch_id = UUIDField(required=False)


class LoansQuery(ListParams):
    """Filters of the list of loans."""

    sorts = {"created_at": "created_at", "number": "number"}

    number = TextField(max_length=20, required=False, identifier=True)
    status = ChoiceField(choices=Loan.Status.choices, required=False)
    loan_product_id = UUIDField(required=False)
    member_id = UUIDField(required=False)
    branch_id = UUIDField(required=False)
    late = BooleanField(required=False, help_text="Only loans that are past due, or only those that are not.")


class LoanEventsQuery(ListParams):
    """The events of a loan, the newest first unless asked otherwise."""

    sorts = {"sequence": "sequence"}
    default_sort = "-sequence"

    kind = ChoiceField(choices=LoanEvent.Kind.choices, required=False)


class ScheduleQuery(QueryParams):
    """Which version of the schedule."""

    version = IntegerField(min_value=1, max_value=1_000_000, required=False, help_text="The current one unless given.")


class PayoffQuery(QueryParams):
    """The day of the quote."""

    date = DateField(required=False, help_text="The business day unless given.")


class ExplainQuery(QueryParams):
    """What to explain: an instalment, the interest earned by the morning of a day, or a figure of where it stands."""

    number = IntegerField(min_value=1, max_value=INSTALMENTS_MAX, required=False)
    date = DateField(required=False)
    figure = ChoiceField(choices=tuple(STANDING_FIGURES), required=False)
