"""Term deposits over HTTP."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import services
from apps.accounts.api import queries
from apps.accounts.api.views import minor_of, user_of
from apps.accounts.models import TermDeposit, TermInstalment
from apps.accounts.selectors import account_get_for, instalments_of, term_deposit_get_for, term_deposits_visible_to
from apps.calculations.rounding import decimal_text
from apps.core import clock
from apps.core.api.fields import ChoiceField, IntegerField, UUIDField
from apps.core.api.money_fields import MoneyField
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import NoBodySerializer, StrictSerializer, body_read
from apps.core.api.views import NAMES_A_RECORD, ApiView, respond
from apps.core.currencies import currency_get
from apps.core.money import Money
from apps.identity.guards import amount_check
from apps.ledger.selectors import business_date_current


class TermDepositSerializer(serializers.ModelSerializer):
    """A term of a fixed-term or recurring account; `principal` is what has been put in."""

    principal = MoneyField(minor_source="principal", currency_source="account.currency")
    instalment = MoneyField(minor_source="instalment", currency_source="account.currency", allow_null=True)
    payout_account = serializers.CharField(source="payout_account.number")
    frequency = serializers.SerializerMethodField()

    class Meta:
        model = TermDeposit
        fields = (
            "id",
            "account_id",
            "principal",
            "months",
            "instalment",
            "frequency",
            "starts_on",
            "matures_on",
            "instruction",
            "payout_account",
            "terms_id",
            "status",
            "ended_on",
            "version",
        )
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=TermDeposit.Frequency.choices, allow_null=True))
    def get_frequency(self, term: TermDeposit) -> str | None:
        """How often an instalment is put in; null where all was placed at once."""
        return term.frequency or None


class TermDepositPlaceSerializer(StrictSerializer):
    """Money to place. What is due later is paid to the source."""

    account_id = UUIDField(help_text="Of a fixed-term or recurring product, with nothing on it.")
    source_account_id = UUIDField(help_text="Of the same owner.")
    amount = MoneyField(help_text="All of it, or each instalment of a recurring deposit.")
    months = IntegerField(min_value=1, max_value=600)
    instruction = ChoiceField(choices=TermDeposit.Instruction.choices)
    frequency = ChoiceField(
        choices=TermDeposit.Frequency.choices, required=False, help_text="Of a recurring deposit: how often."
    )


class TermInstalmentSerializer(serializers.ModelSerializer):
    """An instalment of a recurring deposit."""

    amount = MoneyField(minor_source="amount", currency_source="term.account.currency")

    class Meta:
        model = TermInstalment
        fields = ("number", "due_on", "amount", "status", "paid_on", "transaction_id")
        read_only_fields = fields


class TermBreakPreviewSerializer(serializers.Serializer):
    """What breaking a term would do today."""

    accrued = serializers.CharField(help_text="What its own rate had earned so far, in units, not rounded.")
    interest = MoneyField(help_text="Paid now, at the early rate.")
    tax = MoneyField()
    fees = MoneyField()
    paid_out = MoneyField(help_text="To the account it came from.")


class TermDepositInstructSerializer(StrictSerializer):
    """What is done when the term is due."""

    instruction = ChoiceField(choices=TermDeposit.Instruction.choices)


def term_response(term: TermDeposit, *, status: int = 200, location: str = "") -> Response:
    """A term with its ETag."""
    return respond(TermDepositSerializer(term).data, status=status, version=term.version, location=location)


class TermDepositsView(ApiView):
    """Term deposits, and new ones."""

    permissions: ClassVar = {"GET": "accounts.view", "POST": "accounts.update"}
    also_answers: ClassVar = NAMES_A_RECORD

    @extend_schema(
        summary="List term deposits",
        parameters=[queries.TermDepositsQuery],
        responses=page_of(TermDepositSerializer),
    )
    def get(self, request: Request) -> Response:
        values = queries.TermDepositsQuery.parse(request)
        found = term_deposits_visible_to(user_of(request))
        for name in ("account_id", "status"):
            if values[name] is not None:
                found = found.filter(**{name: values[name]})
        return queries.TermDepositsQuery.page(found, request=request, values=values).response(TermDepositSerializer)

    @extend_schema(
        summary="Place a term deposit",
        description="On an empty account of a fixed-term product; the terms of today hold until the end. On one of a "
        "recurring product the amount is the first instalment; the others are taken from the source at the close of "
        "their days.",
        request=TermDepositPlaceSerializer,
        responses={201: TermDepositSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(TermDepositPlaceSerializer, request)
        account = account_get_for(user=user_of(request), pk=body["account_id"])
        source = account_get_for(user=user_of(request), pk=body["source_account_id"])
        amount = minor_of(body["amount"], currency=account.currency, pointer="/amount") or 0
        amount_check(user_of(request), "accounts.update", amount, account.currency, at=clock.now())
        term = services.term_deposit_place(
            acting_user=user_of(request),
            account_id=account.pk,
            source_id=source.pk,
            amount=amount,
            months=body["months"],
            instruction=body["instruction"],
            frequency=body.get("frequency", ""),
            today=business_date_current(),
        )
        return term_response(term, status=201, location=f"/api/v1/term-deposits/{term.pk}")


class TermDepositView(ApiView):
    """One term deposit."""

    permissions: ClassVar = {"GET": "accounts.view", "PATCH": "accounts.update"}

    @extend_schema(summary="Read a term deposit", responses=TermDepositSerializer)
    def get(self, request: Request, term_deposit_id: UUID) -> Response:
        NoParams.parse(request)
        return term_response(term_deposit_get_for(user=user_of(request), pk=term_deposit_id))

    @extend_schema(
        summary="Change what is done when a term deposit is due",
        request=TermDepositInstructSerializer,
        responses={200: TermDepositSerializer},
    )
    def patch(self, request: Request, term_deposit_id: UUID) -> Response:
        NoParams.parse(request)
        term = term_deposit_get_for(user=user_of(request), pk=term_deposit_id)
        body = body_read(TermDepositInstructSerializer, request)
        changed = services.term_deposit_instruct(
            acting_user=user_of(request), term_id=term.pk, expected_version=self.expected_version, **body
        )
        return term_response(changed)


class TermDepositBreakView(ApiView):
    """The early end of a term deposit."""

    permissions: ClassVar = {"POST": "accounts.close"}
    if_match_methods = frozenset({"POST"})

    @extend_schema(
        summary="Break a term deposit before it is due",
        description="Interest is paid at the early rate of its terms, if there is one; all is paid out today.",
        request=None,
        responses={200: TermDepositSerializer},
    )
    def post(self, request: Request, term_deposit_id: UUID) -> Response:
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        term = term_deposit_get_for(user=user_of(request), pk=term_deposit_id)
        amount_check(user_of(request), "accounts.close", term.principal, term.account.currency, at=clock.now())
        broken = services.term_deposit_break(
            acting_user=user_of(request),
            term_id=term.pk,
            expected_version=self.expected_version,
            today=business_date_current(),
        )
        return term_response(broken)


class TermDepositBreakPreviewView(ApiView):
    """The early end of a term deposit, not carried out."""

    permissions: ClassVar = {"POST": "accounts.close"}
    if_match_methods = frozenset({"POST"})

    @extend_schema(
        summary="Preview breaking a term deposit",
        description="What breaking it today would pay, tax and charge. Nothing is changed.",
        request=None,
        responses={200: TermBreakPreviewSerializer},
    )
    def post(self, request: Request, term_deposit_id: UUID) -> Response:
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        term = term_deposit_get_for(user=user_of(request), pk=term_deposit_id)
        shown = services.term_deposit_break_preview(
            term_id=term.pk, expected_version=self.expected_version, today=business_date_current()
        )
        currency = term.account.currency
        names = ("interest", "tax", "fees", "paid_out")
        money = {name: Money(getattr(shown, name), currency) for name in names}
        accrued = decimal_text(shown.accrued, shift=-currency_get(currency).exponent, places=12)
        return respond(TermBreakPreviewSerializer({"accrued": accrued, **money}).data)


class TermInstalmentsView(ApiView):
    """The instalments of a recurring deposit."""

    permissions: ClassVar = {"GET": "accounts.view", "POST": "accounts.update"}
    if_match_methods = frozenset({"POST"})

    @extend_schema(
        summary="List the instalments of a recurring deposit",
        parameters=[queries.InstalmentsQuery],
        responses=page_of(TermInstalmentSerializer),
    )
    def get(self, request: Request, term_deposit_id: UUID) -> Response:
        values = queries.InstalmentsQuery.parse(request)
        found = instalments_of(term_deposit_get_for(user=user_of(request), pk=term_deposit_id))
        if values["status"] is not None:
            found = found.filter(status=values["status"])
        return queries.InstalmentsQuery.page(found, request=request, values=values).response(TermInstalmentSerializer)

    @extend_schema(
        summary="Pay an instalment that is open",
        description="The oldest one that is due or was missed, from the source, at once.",
        request=None,
        responses={200: TermInstalmentSerializer},
    )
    def post(self, request: Request, term_deposit_id: UUID) -> Response:
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        term = term_deposit_get_for(user=user_of(request), pk=term_deposit_id)
        amount_check(user_of(request), "accounts.update", term.instalment or 0, term.account.currency, at=clock.now())
        paid = services.term_instalment_pay(
            acting_user=user_of(request),
            term_id=term.pk,
            expected_version=self.expected_version,
            today=business_date_current(),
        )
        return respond(TermInstalmentSerializer(paid).data)
