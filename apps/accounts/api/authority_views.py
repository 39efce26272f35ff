"""Who holds an account and signs for it, who is named for it, and what the bank noted about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import services
from apps.accounts.api.serializers import MemberRefSerializer
from apps.accounts.api.views import minor_of, user_of
from apps.accounts.authority_actions import authority_change
from apps.accounts.models import Account, AccountHolder, MandateRule
from apps.accounts.selectors import (
    account_get_for,
    holders_of,
    mandate_rules,
    nominee_of,
    notes_of,
    signatories_of,
)
from apps.approvals.api.serializers import ApprovalSerializer
from apps.approvals.api.views import accepted
from apps.core import clock
from apps.core.api.fields import ChoiceField, DateField, IntegerField, TextField, UUIDField
from apps.core.api.money_fields import MoneyField
from apps.core.api.pagination import ListParams, page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import StrictSerializer, body_read
from apps.core.api.views import NAMES_A_RECORD, ApiView, respond
from apps.ledger.selectors import business_date_current

MANDATE_EXAMPLE = OpenApiExample(
    "Any one up to 50,000, above it two together",
    value={
        "rules": [
            {"amount_to": {"amount": "50000.00", "currency": "KES"}, "rule": "any"},
            {"rule": "count", "count": 2},
        ]
    },
    request_only=True,
)


class AccountHolderSerializer(serializers.ModelSerializer):
    """A joint owner or signatory, from a day until another."""

    member = MemberRefSerializer()

    starts_on = serializers.DateField(source="since", allow_null=True, help_text="Null: from the opening on.")
    ends_on = serializers.DateField(source="until", allow_null=True)

    class Meta:
        model = AccountHolder
        fields = ("id", "member", "role", "starts_on", "ends_on")
        read_only_fields = fields


class AccountHolderAddSerializer(StrictSerializer):
    """A further holder."""

    member_id = UUIDField()
    role = ChoiceField(choices=AccountHolder.Role.choices)
    starts_on = DateField(required=False, source="since", help_text="Today unless given.")


class AccountHolderEndSerializer(StrictSerializer):
    """The end of a holder."""

    ends_on = DateField(source="until", help_text="The last day; yesterday ends it at once.")
    reason = TextField(max_length=200)


class HoldersQuery(ListParams):
    """A list of holders; staff see those of the past too."""

    sorts = {"id": "pk"}
    default_sort = "id"


class NotesQuery(ListParams):
    """A list of notes."""

    sorts = {"id": "pk"}
    default_sort = "-id"


class MandateRuleSerializer(serializers.Serializer):
    """One rule."""

    amount_to = MoneyField(minor_source="amount_to", currency_source="account.currency", allow_null=True)
    rule = serializers.ChoiceField(choices=MandateRule.Rule.choices)
    count = serializers.IntegerField(allow_null=True)
    starts_on = serializers.DateField(source="since")
    ends_on = serializers.DateField(source="until", allow_null=True)


class SignatorySerializer(serializers.Serializer):
    """Who signs."""

    member_id = serializers.UUIDField()
    number = serializers.CharField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=[("owner", "Owner"), *AccountHolder.Role.choices])


class MandateSerializer(serializers.Serializer):
    """Who signs for an account, and how many for which amount. Without rules each of them acts alone."""

    rules = MandateRuleSerializer(many=True, help_text="Those in force and those to come; staff see the past too.")
    signatories = SignatorySerializer(many=True)


class MandateRuleRequestSerializer(StrictSerializer):
    """One rule of a mandate."""

    amount_to = MoneyField(required=False, help_text="Up to this amount; without it any amount.")
    rule = ChoiceField(choices=MandateRule.Rule.choices)
    count = IntegerField(required=False, min_value=2, max_value=11)


class MandateRequestSerializer(StrictSerializer):
    """All rules; an empty list lets each signatory act alone."""

    rules = serializers.ListField(child=MandateRuleRequestSerializer(), max_length=services.RULES_MAX)
    starts_on = DateField(required=False, source="since", help_text="Today unless given.")


class NomineeSerializer(serializers.Serializer):
    """Who is to get what is on the account; empty when nobody is named."""

    name = serializers.CharField()
    relationship = serializers.CharField()
    contact = serializers.CharField()
    starts_on = serializers.DateField(source="since", allow_null=True)


class NomineeRequestSerializer(StrictSerializer):
    """A nominee; an empty name takes the nomination back."""

    name = TextField(max_length=160, allow_blank=True)
    relationship = TextField(max_length=40, required=False, allow_blank=True)
    contact = TextField(max_length=200, required=False, allow_blank=True)


class AccountNoteSerializer(serializers.Serializer):
    """A note."""

    id = serializers.IntegerField()
    text = serializers.CharField()
    author_id = serializers.UUIDField()
    author_name = serializers.CharField(source="author.get_full_name")
    created_at = serializers.DateTimeField(source="at")


class AccountNoteRequestSerializer(StrictSerializer):
    """Something to note."""

    text = TextField(max_length=services.NOTE_MAX, multiline=True)


def _asked(
    request: Request, account: Account, version: int, do: str, values: Mapping[str, Any]
) -> tuple[Response | None, Any]:
    """(The answer where it waits for approval, or None; what was made)."""
    approval, made = authority_change(
        maker=user_of(request), account=account, version=version, do=do, values=values, at=clock.now()
    )
    return (accepted(approval) if approval is not None else None), made


class HoldersView(ApiView):
    """Joint owners and signatories."""

    permissions: ClassVar = {"GET": "accounts.view", "POST": "accounts.update"}
    if_match_methods = frozenset({"POST"})
    also_answers: ClassVar = NAMES_A_RECORD

    @extend_schema(
        summary="List an account's further holders",
        parameters=[HoldersQuery],
        responses=page_of(AccountHolderSerializer),
    )
    def get(self, request: Request, account_id: UUID) -> Response:
        values = HoldersQuery.parse(request)
        user = user_of(request)
        account = account_get_for(user=user, pk=account_id)
        found = holders_of(account=account, current=user.scope == "own")
        return HoldersQuery.page(found, request=request, values=values).response(AccountHolderSerializer)

    @extend_schema(
        summary="Add a joint owner or signatory",
        request=AccountHolderAddSerializer,
        responses={201: AccountHolderSerializer, 202: ApprovalSerializer},
    )
    def post(self, request: Request, account_id: UUID) -> Response:
        NoParams.parse(request)
        account = account_get_for(user=user_of(request), pk=account_id)
        body = {"since": business_date_current(), **body_read(AccountHolderAddSerializer, request)}
        approval, holder = _asked(request, account, self.expected_version, "holder_add", body)
        if approval is not None:
            return approval
        return respond(AccountHolderSerializer(holder).data, status=201, version=self.expected_version + 1)


class HolderEndView(ApiView):
    """The end of a holder."""

    permissions: ClassVar = {"POST": "accounts.update"}
    if_match_methods = frozenset({"POST"})

    @extend_schema(
        summary="End a joint owner or signatory",
        request=AccountHolderEndSerializer,
        responses={200: AccountHolderSerializer, 202: ApprovalSerializer},
    )
    def post(self, request: Request, account_id: UUID, holder_id: int) -> Response:
        NoParams.parse(request)
        account = account_get_for(user=user_of(request), pk=account_id)
        body = {"holder_id": holder_id, **body_read(AccountHolderEndSerializer, request)}
        approval, holder = _asked(request, account, self.expected_version, "holder_end", body)
        if approval is not None:
            return approval
        return respond(AccountHolderSerializer(holder).data, version=self.expected_version + 1)


class MandateView(ApiView):
    """How many must sign for which amount."""

    permissions: ClassVar = {"GET": "accounts.view", "PUT": "accounts.update"}
    if_match_methods = frozenset({"PUT"})

    @extend_schema(summary="Read an account's mandate", responses=MandateSerializer)
    def get(self, request: Request, account_id: UUID) -> Response:
        """Staff see the rules of the past too."""
        NoParams.parse(request)
        user = user_of(request)
        account = account_get_for(user=user, pk=account_id)
        return respond(_mandate(account, past=user.scope != "own"), version=account.version)

    @extend_schema(
        summary="Set an account's mandate",
        description="All rules at once. Of those that cover an amount the one with the smallest `amount_to` counts. "
        "Members' transfers, withdrawals and standing instructions that need more signatures than one wait for them "
        "as pending payments; at the counter the teller says who signed.",
        request=MandateRequestSerializer,
        responses={200: MandateSerializer, 202: ApprovalSerializer},
        examples=[MANDATE_EXAMPLE],
    )
    def put(self, request: Request, account_id: UUID) -> Response:
        NoParams.parse(request)
        account = account_get_for(user=user_of(request), pk=account_id)
        body = body_read(MandateRequestSerializer, request)
        rules = [
            services.MandateTerms(
                minor_of(one.get("amount_to"), currency=account.currency, pointer=f"/rules/{place}/amount_to"),
                one["rule"],
                one.get("count"),
            )
            for place, one in enumerate(body["rules"])
        ]
        values = {"rules": rules, "since": body.get("since", business_date_current())}
        approval, _ = _asked(request, account, self.expected_version, "mandate_set", values)
        if approval is not None:
            return approval
        return respond(_mandate(account, past=True), version=self.expected_version + 1)


def _mandate(account: Account, *, past: bool) -> dict[str, Any]:
    rules = mandate_rules(account_id=account.pk).select_related("account")
    if not past:
        rules = rules.exclude(until__lt=business_date_current())
    signatories = signatories_of(account_id=account.pk)
    shown: dict[str, Any] = MandateSerializer({"rules": rules, "signatories": signatories}).data
    return shown


class NomineeView(ApiView):
    """Who is to get what is on the account."""

    permissions: ClassVar = {"GET": "accounts.view", "PUT": "accounts.update"}
    if_match_methods = frozenset({"PUT"})

    @extend_schema(summary="Read an account's nominee", responses=NomineeSerializer)
    def get(self, request: Request, account_id: UUID) -> Response:
        """All empty when nobody is named."""
        NoParams.parse(request)
        account = account_get_for(user=user_of(request), pk=account_id)
        return respond(_nominee(account), version=account.version)

    @extend_schema(
        summary="Name an account's nominee", request=NomineeRequestSerializer, responses={200: NomineeSerializer}
    )
    def put(self, request: Request, account_id: UUID) -> Response:
        """In place of the one before, if there was one."""
        NoParams.parse(request)
        account = account_get_for(user=user_of(request), pk=account_id)
        body = body_read(NomineeRequestSerializer, request)
        services.nominee_set(
            acting_user=user_of(request),
            account_id=account.pk,
            expected_version=self.expected_version,
            today=business_date_current(),
            **body,
        )
        return respond(_nominee(account), version=self.expected_version + 1)


def _nominee(account: Account) -> dict[str, Any]:
    found = nominee_of(account_id=account.pk)
    nobody = {"name": "", "relationship": "", "contact": "", "since": None}
    shown: dict[str, Any] = NomineeSerializer(found or nobody).data
    return shown


class NotesView(ApiView):
    """What the bank's people note about an account; members do not see it."""

    permissions: ClassVar = {"GET": "accounts.note", "POST": "accounts.note"}

    @extend_schema(
        summary="List the notes on an account", parameters=[NotesQuery], responses=page_of(AccountNoteSerializer)
    )
    def get(self, request: Request, account_id: UUID) -> Response:
        """Newest first."""
        values = NotesQuery.parse(request)
        notes = notes_of(account=account_get_for(user=user_of(request), pk=account_id))
        return NotesQuery.page(notes, request=request, values=values).response(AccountNoteSerializer)

    @extend_schema(
        summary="Note something about an account",
        request=AccountNoteRequestSerializer,
        responses={201: AccountNoteSerializer},
    )
    def post(self, request: Request, account_id: UUID) -> Response:
        """For good: a note is never changed."""
        NoParams.parse(request)
        account = account_get_for(user=user_of(request), pk=account_id)
        body = body_read(AccountNoteRequestSerializer, request)
        note = services.note_add(acting_user=user_of(request), account=account, at=clock.now(), **body)
        return respond(AccountNoteSerializer(note).data, status=201)
