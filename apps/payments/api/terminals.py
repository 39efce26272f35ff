"""Terminals over HTTP: authorise, then capture or release."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.fields import ChoiceField, CurrencyField, IntegerField, TextField
from apps.core.api.money_fields import MoneyField
from apps.core.api.pagination import ListParams, page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import NoBodySerializer, StrictSerializer, body_read
from apps.core.api.views import NAMES_A_RECORD, ApiView, respond
from apps.core.errors import CurrencyMismatch
from apps.core.money import Money
from apps.payments import services
from apps.payments.api.bodies import account_name
from apps.payments.api.cheques import asked_of, of_account
from apps.payments.api.limits import amount_guard
from apps.payments.api.serializers import account_field
from apps.payments.api.views import API, caller
from apps.payments.models import Authorisation, Terminal
from apps.payments.selectors import authorisation_get_for, authorisations_visible_to, terminals

STATUSES = ["active", "captured", "released", "expired"]
MANAGE, AUTHORISE = "payments.manage_terminals", "payments.authorise"
WEEK_MINUTES = 7 * 24 * 60


class TerminalSerializer(serializers.Serializer):
    """A terminal."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()
    channel = serializers.ChoiceField(choices=Terminal.Channel.choices)
    branch = serializers.CharField(source="branch.code", allow_null=True, default=None)
    currency = serializers.CharField()
    amount_max = MoneyField(minor_source="amount_max")
    hold_minutes = serializers.IntegerField()
    is_active = serializers.BooleanField()


class TerminalRequestSerializer(StrictSerializer):
    """A terminal to make known."""

    code = TextField(max_length=16, identifier=True)
    name = TextField(max_length=80)
    channel = ChoiceField(choices=Terminal.Channel.choices)
    branch = TextField(max_length=20, identifier=True, required=False, help_text="Code of the branch where it stands.")
    currency = CurrencyField()
    amount_max = MoneyField(help_text="The most that one authorisation may ask for.")
    hold_minutes = IntegerField(min_value=1, max_value=WEEK_MINUTES, help_text="How long money is kept aside.")


class TerminalListParams(ListParams):
    """Filters of the list of terminals."""

    sorts = {"code": "code"}
    default_sort = "code"
    channel = ChoiceField(choices=Terminal.Channel.choices, required=False)


class AuthorisationRequestSerializer(StrictSerializer):
    """Money that a terminal asks for."""

    terminal = TextField(max_length=16, identifier=True, help_text="Code of the terminal.")
    account = account_field()
    amount = MoneyField()
    reference = TextField(max_length=40, identifier=True, help_text="The terminal's own, once for each authorisation.")


class CaptureSerializer(StrictSerializer):
    """What is taken of it."""

    amount = MoneyField(required=False, help_text="All of it unless given; the rest is given back.")


class AuthorisationSerializer(serializers.Serializer):
    """What a terminal asked for."""

    id = serializers.UUIDField()
    terminal = serializers.CharField(source="terminal.code")
    channel = serializers.CharField(source="terminal.channel")
    account = serializers.CharField(source="account.number")
    reference = serializers.CharField()
    amount = MoneyField(minor_source="hold.amount", currency_source="hold.currency")
    captured = MoneyField(minor_source="hold.captured", currency_source="hold.currency")
    status = serializers.ChoiceField(source="hold.status", choices=STATUSES)
    capture_id = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(source="hold.expires_at")


class AuthorisationListParams(ListParams):
    """Filters of the list of authorisations."""

    account = account_field(required=False)
    terminal = TextField(max_length=16, required=False, identifier=True)
    status = ChoiceField(choices=STATUSES, required=False)


def shown(found: Authorisation, **options: Any) -> Response:
    """An authorisation as the API shows it."""
    return respond(AuthorisationSerializer(found).data, **options)


class TerminalsView(ApiView):
    """Places that ask for money."""

    permissions = {"GET": MANAGE, "POST": MANAGE}
    step_up = frozenset({"POST"})

    @extend_schema(parameters=[TerminalListParams], responses=page_of(TerminalSerializer), summary="List terminals")
    def get(self, request: Request) -> Response:
        """Every terminal, by code."""
        values = TerminalListParams.parse(request)
        found = terminals()
        if values["channel"]:
            found = found.filter(channel=values["channel"])
        return TerminalListParams.page(found, request=request, values=values).response(TerminalSerializer)

    @extend_schema(
        request=TerminalRequestSerializer, responses={201: TerminalSerializer}, summary="Make a terminal known"
    )
    def post(self, request: Request) -> Response:
        """A cash machine, a shop's terminal, the online or mobile channel. Needs a step-up."""
        NoParams.parse(request)
        body = body_read(TerminalRequestSerializer, request)
        if body["amount_max"].currency != body["currency"]:
            raise CurrencyMismatch("The limit is in the terminal's currency.", pointer="/amount_max/currency")
        branch = body.pop("branch", "")
        body["amount_max"] = body["amount_max"].minor
        terminal = services.terminal_create(acting_user=caller(request), branch_code=branch, **body)
        return respond(TerminalSerializer(terminal).data, status=201)


class AuthorisationsView(ApiView):
    """Money kept aside for terminals."""

    permissions = {"GET": "accounts.view", "POST": AUTHORISE}
    idempotent_methods = frozenset({"POST"})
    also_answers = NAMES_A_RECORD

    @extend_schema(
        parameters=[AuthorisationListParams],
        responses=page_of(AuthorisationSerializer),
        summary="List authorisations",
    )
    def get(self, request: Request) -> Response:
        """Authorisations on accounts in your reach, newest first."""
        values = AuthorisationListParams.parse(request)
        found = of_account(authorisations_visible_to(caller(request)), values)
        if values["terminal"]:
            found = found.filter(terminal__code=values["terminal"])
        if values["status"]:
            found = found.filter(hold__status=values["status"])
        page = AuthorisationListParams.page(found, request=request, values=values)
        return page.response(AuthorisationSerializer)

    @extend_schema(
        request=AuthorisationRequestSerializer, responses={201: AuthorisationSerializer}, summary="Authorise"
    )
    def post(self, request: Request) -> Response:
        """Keep money aside for a terminal, until it is captured, released, or the terminal's time is over."""
        NoParams.parse(request)
        body = body_read(AuthorisationRequestSerializer, request)
        asked = asked_of(self, request)
        amount_guard(asked, AUTHORISE, body["amount"])
        found, replayed = services.authorisation_place(
            asked=asked,
            terminal_code=body["terminal"],
            account=account_name(body["account"]),
            amount=body["amount"],
            reference=body["reference"],
            at=clock.now(),
        )
        return shown(found, status=201, location=f"{API}/authorisations/{found.pk}", replayed=replayed)


class AuthorisationView(ApiView):
    """One authorisation."""

    permissions = {"GET": "accounts.view"}

    @extend_schema(responses=AuthorisationSerializer, summary="Read an authorisation")
    def get(self, request: Request, authorisation_id: UUID) -> Response:
        """An authorisation on an account in your reach."""
        NoParams.parse(request)
        return shown(authorisation_get_for(user=caller(request), pk=authorisation_id))


class AuthorisationCaptureView(ApiView):
    """Taking the money."""

    permissions = {"POST": AUTHORISE}
    idempotent_methods = frozenset({"POST"})

    @extend_schema(
        request=CaptureSerializer, responses={200: AuthorisationSerializer}, summary="Capture an authorisation"
    )
    def post(self, request: Request, authorisation_id: UUID) -> Response:
        """Take what was held, or less of it; the rest is given back."""
        NoParams.parse(request)
        known = authorisation_get_for(user=caller(request), pk=authorisation_id)
        body = body_read(CaptureSerializer, request)
        asked = asked_of(self, request)
        amount_guard(asked, AUTHORISE, body.get("amount") or Money(known.hold.amount, known.hold.currency))
        found, replayed = services.authorisation_capture(
            asked=asked, authorisation_id=authorisation_id, amount=body.get("amount"), at=clock.now()
        )
        return shown(found, replayed=replayed)


class AuthorisationReleaseView(ApiView):
    """Giving it back."""

    permissions = {"POST": AUTHORISE}

    @extend_schema(request=None, responses={200: AuthorisationSerializer}, summary="Release an authorisation")
    def post(self, request: Request, authorisation_id: UUID) -> Response:
        """Give the money back untaken."""
        NoParams.parse(request)
        authorisation_get_for(user=caller(request), pk=authorisation_id)
        body_read(NoBodySerializer, request)
        found = services.authorisation_release(
            acting_user=caller(request), authorisation_id=authorisation_id, at=clock.now()
        )
        return shown(found)
