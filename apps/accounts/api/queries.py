"""Query parameters of the accounts API."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from apps.accounts.models import (
    Account,
    AccountProduct,
    Dividend,
    DividendShare,
    FeeCharge,
    ProductFee,
    TermDeposit,
    TermInstalment,
)
from apps.core.api.fields import BooleanField, ChoiceField, CurrencyField, DateField, TextField, UUIDField
from apps.core.api.pagination import ListParams
from apps.core.api.query import QueryParams
from apps.core.errors import InvalidAmount, InvalidParameter
from apps.core.money import amount_parse


class ExpandQuery(QueryParams):
    """What to show beside the account."""

    expand = ChoiceField(choices=["balance"], required=False)


class BalanceQuery(QueryParams):
    """How new, or how certain, a balance must be."""

    consistency = ChoiceField(
        choices=["live", "strict"],
        required=False,
        help_text="live (unless given): the newest state. strict: the books'.",
    )


class AccountsQuery(ListParams):
    """Filters of the list of accounts."""

    sorts = {"created_at": "created_at", "number": "number"}

    expand = ChoiceField(choices=["balance"], required=False, help_text="Adds the balance of each account.")
    number = TextField(max_length=42, required=False, identifier=True, help_text="Or the IBAN.")
    status = ChoiceField(choices=Account.Status.choices, required=False)
    currency = CurrencyField(required=False)
    product_id = UUIDField(required=False)
    member_id = UUIDField(required=False, help_text="Accounts that the member owns or holds.")
    branch_id = UUIDField(required=False)


class ProductsQuery(ListParams):
    """Filters of the list of products."""

    sorts = {"code": "code"}
    default_sort = "code"

    kind = ChoiceField(choices=AccountProduct.Kind.choices, required=False)
    currency = CurrencyField(required=False)
    is_active = BooleanField(required=False)


class TermsQuery(ListParams):
    """A list of terms, by the date from which they hold."""

    sorts = {"effective_from": "effective_from"}
    default_sort = "-effective_from"


class FeesQuery(ListParams):
    """Filters of the fees of a product."""

    sorts = {"effective_from": "effective_from"}
    default_sort = "-effective_from"

    kind = ChoiceField(choices=ProductFee.Kind.choices, required=False)


class FeeChargesQuery(ListParams):
    """Filters of the fees of an account."""

    sorts = {"period": "period"}
    default_sort = "-period"

    status = ChoiceField(choices=FeeCharge.Status.choices, required=False)


class TermDepositsQuery(ListParams):
    """Filters of the list of term deposits."""

    sorts = {"starts_on": "starts_on"}
    default_sort = "-starts_on"

    account_id = UUIDField(required=False)
    status = ChoiceField(choices=TermDeposit.Status.choices, required=False)


class InstalmentsQuery(ListParams):
    """Filters of the instalments of a recurring deposit."""

    sorts = {"number": "number"}
    default_sort = "number"

    status = ChoiceField(choices=TermInstalment.Status.choices, required=False)


class DividendsQuery(ListParams):
    """Filters of the list of dividends."""

    sorts = {"ends_on": "ends_on"}
    default_sort = "-ends_on"

    product_id = UUIDField(required=False)
    status = ChoiceField(choices=Dividend.Status.choices, required=False)


class DividendSharesQuery(ListParams):
    """Filters of what accounts get of a dividend."""

    sorts = {"account": "account_id"}
    default_sort = "account"

    status = ChoiceField(choices=DividendShare.Status.choices, required=False)


class HoldsQuery(ListParams):
    """Filters of an account's holds."""

    sorts = {"placed_at": "placed_at"}
    default_sort = "-placed_at"

    status = ChoiceField(choices=["active", "captured", "released", "expired"], required=False)


class TransactionsQuery(ListParams):
    """Filters of an account's transactions; newest first by entry."""

    sorts = {"entry_number": "journal_id"}
    default_sort = "-entry_number"
    tie = "line_no"

    direction = ChoiceField(choices=["in", "out"], required=False)
    kind = TextField(max_length=30, required=False, identifier=True)
    amount_min = serializers.CharField(max_length=20, required=False, help_text="Decimal, in the account's currency.")
    amount_max = serializers.CharField(max_length=20, required=False, help_text="Decimal, in the account's currency.")
    q = TextField(max_length=120, required=False, help_text="Part of description, counterparty or reference.")

    def get_fields(self) -> dict[str, serializers.Field]:
        """`from` is a word of Python, so it is declared here."""
        return {**super().get_fields(), **_period_fields()}


class StatementQuery(QueryParams):
    """The period of a statement and its format."""

    format = ChoiceField(
        choices=["json", "csv", "pdf", "xlsx"], required=False, help_text="json unless Accept says otherwise."
    )

    def get_fields(self) -> dict[str, serializers.Field]:
        """`from` is a word of Python, so it is declared here."""
        return {**super().get_fields(), **_period_fields()}


class PeriodQuery(QueryParams):
    """Some days."""

    def get_fields(self) -> dict[str, serializers.Field]:
        """`from` is a word of Python, so it is declared here."""
        return {**super().get_fields(), **_period_fields()}


class DayQuery(QueryParams):
    """One day."""

    date = DateField(required=False, help_text="A business date; the open one unless given.")


class StatementCodeQuery(QueryParams):
    """The code on a statement."""

    code = TextField(max_length=40, identifier=True, help_text="As printed, with or without hyphens.")


def period_read(values: Mapping[str, Any], *, today: dt.date) -> tuple[dt.date, dt.date]:
    """The period asked for; this month until today when none is. Raises InvalidParameter for days to come."""
    until: dt.date = values["to"] or today
    if until > today:
        raise parameter_fault("to", f"The open business day is {today}.")
    return values["from"] or until.replace(day=1), until


def amount_read(values: Mapping[str, Any], name: str, *, exponent: int) -> int | None:
    """Minor units of an amount in the query, None when it was not sent. Raises InvalidParameter."""
    if values[name] is None:
        return None
    try:
        return amount_parse(values[name], exponent)
    except InvalidAmount as error:
        raise parameter_fault(name, error.detail) from error


def parameter_fault(name: str, detail: str) -> InvalidParameter:
    """The error of one query parameter."""
    return InvalidParameter([{"pointer": f"/query/{name}", "code": "invalid", "detail": detail}])


def _period_fields() -> dict[str, serializers.Field]:
    return {
        "from": DateField(required=False, help_text="First business date."),
        "to": DateField(required=False, help_text="Last business date."),
    }
