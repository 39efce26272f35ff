"""The journal over HTTP: entries, manual ones, and reversals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import ClassVar, cast
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.approvals.api.serializers import ApprovalSerializer
from apps.approvals.api.views import accepted
from apps.approvals.errors import ApprovalRequired
from apps.approvals.services import approval_possible, request_submit
from apps.balances import services
from apps.balances.actions import ENTRY, entry_amount, entry_day, entry_lines, entry_payload
from apps.balances.api import serializers as forms
from apps.balances.controls import entry_controls_run, entry_owner_of
from apps.balances.errors import NotReversible, refusal_of
from apps.balances.selectors import transaction_find
from apps.balances.services import PostingResult
from apps.core import clock
from apps.core.api.lean import refusal
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import body_read
from apps.core.api.views import ApiView, respond
from apps.core.errors import NotFound, PermissionDenied
from apps.core.idempotency import request_fingerprint, transaction_id_for
from apps.core.money import Money
from apps.core.trace import trace_id
from apps.identity.guards import amount_check
from apps.identity.models import User
from apps.ledger.models import JournalEntry
from apps.ledger.selectors import EntryFilter, branches_in_reach, journal_entries_visible

PATH = "/api/v1/ledger/journal-entries"

ENTRY_EXAMPLE = OpenApiExample(
    "Rent of a branch",
    value={
        "description": "Rent, November",
        "reference": "INV-2026-118",
        "lines": [
            {
                "account_code": "5510",
                "branch": "HQ",
                "side": "debit",
                "amount": {"amount": "85000.00", "currency": "KES"},
            },
            {
                "account_code": "1220",
                "branch": "HQ",
                "side": "credit",
                "amount": {"amount": "85000.00", "currency": "KES"},
            },
        ],
    },
    request_only=True,
)


def caller(request: Request) -> User:
    """The user of a request that has passed its permission."""
    return cast("User", request.user)


def _entry(user: User, transaction_id: UUID) -> JournalEntry:
    entry = journal_entries_visible(user=user, transaction_id=transaction_id).first()
    if entry is None:
        raise NotFound
    return entry


def _answer(request: Request, transaction_id: UUID, result: PostingResult) -> Response | HttpResponse:
    """201 with the entry, or its refusal as a problem; the same for ever under the same key."""
    (outcome,) = result.outcomes
    if not outcome.ok:
        error = refusal_of(outcome.code)
        error.extra["transaction_id"] = str(transaction_id)
        return refusal(request._request, error, replayed=outcome.replayed and outcome.code != "REUSED")
    data = forms.JournalEntrySerializer(_entry(caller(request), transaction_id)).data
    return respond(data, status=201, location=f"{PATH}/{transaction_id}", replayed=outcome.replayed)


class JournalEntriesView(ApiView):
    """The journal."""

    permissions: ClassVar = {"GET": "ledger.view", "POST": "ledger.post"}
    idempotent_methods: ClassVar = frozenset({"POST"})

    @extend_schema(
        summary="List journal entries",
        description="The newest first. A role of one branch sees the entries and the lines of that branch.",
        parameters=[forms.EntryListParams],
        responses=page_of(forms.JournalEntrySerializer),
    )
    def get(self, request: Request) -> Response:
        values = forms.EntryListParams.parse(request)
        narrow = EntryFilter(
            since=values["from"],
            until=values["to"],
            gl_code=values["account_code"],
            **{name: values[name] for name in ("kind", "account", "reference", "outcome")},
        )
        entries = journal_entries_visible(user=caller(request), narrow=narrow)
        return forms.EntryListParams.page(entries, request=request, values=values).response(
            forms.JournalEntrySerializer
        )

    @extend_schema(
        summary="Post a manual entry",
        description="Over the bank's own accounts; customers' accounts are moved by payments. A refusal by the books "
        "is kept: the same key gets it for ever. 202 where a policy asks for approval first.",
        request=forms.JournalEntryCreateSerializer,
        responses={201: forms.JournalEntrySerializer, 202: ApprovalSerializer},
        examples=[ENTRY_EXAMPLE],
    )
    def post(self, request: Request) -> Response | HttpResponse:
        NoParams.parse(request)
        body = body_read(forms.JournalEntryCreateSerializer, request)
        user = caller(request)
        transaction_id = transaction_id_for(user.pk, self.idempotency_key)
        fingerprint = request_fingerprint(method="POST", path=PATH, body=request.data)
        if transaction_find(transaction_id=transaction_id) is None:
            _measure(user, "ledger.post", [(line["amount"].minor, line["amount"].currency) for line in body["lines"]])
            entry_controls_run(entry_lines(user=user, lines=body["lines"]), entry_day(body.get("business_date")))
            payload = entry_payload(body, fingerprint=fingerprint)
            approval = request_submit(kind=ENTRY, maker=user, payload=payload, at=clock.now(), key=self.idempotency_key)
            if approval is not None:
                return accepted(approval)
        result = services.entry_post(
            transaction_id=transaction_id,
            client_id=str(user.pk),
            key=self.idempotency_key,
            fingerprint=fingerprint,
            lines=entry_lines(user=user, lines=body["lines"]),
            description=body["description"],
            reference=body["reference"],
            business_date=body.get("business_date"),
            value_date=body.get("value_date"),
            actor_id=user.pk,
            correlation_id=trace_id(),
        )
        return _answer(request, transaction_id, result)


class JournalEntryView(ApiView):
    """One journal entry."""

    permissions: ClassVar = {"GET": "ledger.view"}

    @extend_schema(summary="Read a journal entry", responses=forms.JournalEntrySerializer)
    def get(self, request: Request, transaction_id: UUID) -> Response:
        NoParams.parse(request)
        return respond(forms.JournalEntrySerializer(_entry(caller(request), transaction_id)).data)


class JournalEntryReversalView(ApiView):
    """The reversal of a journal entry."""

    permissions: ClassVar = {"POST": "ledger.post"}
    idempotent_methods: ClassVar = frozenset({"POST"})

    @extend_schema(
        summary="Reverse a journal entry",
        description="Posts the mirror image in the open business day; the entry itself stays as it is. An entry over "
        "customers' accounts needs the permission payments.reverse as well. One that belongs to a loan, a till, a "
        "cheque in clearing, a term deposit, a dividend or the close of a year is undone there: 409 `not-reversible`.",
        request=forms.ReversalCreateSerializer,
        responses={201: forms.JournalEntrySerializer},
    )
    def post(self, request: Request, transaction_id: UUID) -> Response | HttpResponse:
        NoParams.parse(request)
        body = body_read(forms.ReversalCreateSerializer, request)
        user = caller(request)
        entry = _entry(user, transaction_id)
        _reversal_check(user, entry)
        reversal_id = transaction_id_for(user.pk, self.idempotency_key)
        if transaction_find(transaction_id=reversal_id) is None:
            _measure(user, "ledger.post", [(line.amount, line.currency) for line in entry.lines.all()])
            owner = entry_owner_of(entry.kind, transaction_id)
            if owner:
                raise NotReversible(f"The entry is of {owner}: undo it there, so that both agree.")
            _manual_check(entry)
        result = services.entry_reverse(
            journal_id=entry.pk,
            transaction_id=reversal_id,
            client_id=str(user.pk),
            key=self.idempotency_key,
            fingerprint=request_fingerprint(method="POST", path=f"{PATH}/{transaction_id}/reversal", body=request.data),
            description=body["description"],
            actor_id=user.pk,
            correlation_id=trace_id(),
        )
        return _answer(request, reversal_id, result)


def _manual_check(entry: JournalEntry) -> None:
    """Raises ApprovalRequired where a policy wants manual entries such as the opposite of this one approved."""
    if entry.kind != services.MANUAL:
        return
    moved = [{"side": forms.SIDES[one.side], "amount": Money(one.amount, one.currency)} for one in entry.lines.all()]
    if approval_possible(kind=ENTRY, amount=entry_amount(moved), at=clock.now()):
        raise ApprovalRequired("Post the opposite entry: it asks for approval.")


def _measure(user: User, permission: str, lines: Iterable[tuple[int, str]]) -> None:
    """Hold what an entry moves, in minor units by currency, against the limits of the caller's roles.

    Its debits are its credits, so half of all lines is what it moves. Raises AmountLimitExceeded, MfaStepUpRequired.
    """
    moved: Counter[str] = Counter()
    for minor, currency in lines:
        moved[currency] += abs(minor)
    for currency, minor in moved.items():
        amount_check(user, permission, minor // 2, currency, at=clock.now())


def _reversal_check(user: User, entry: JournalEntry) -> None:
    """Raises PermissionDenied for lines of other branches, and for customers' accounts without payments.reverse."""
    lines = list(entry.lines.all())
    if branches_in_reach(user=user) is not None and len(lines) != entry.line_count:
        raise PermissionDenied("The entry has lines of other branches.", permission="ledger.post")
    if any(line.account.kind == "customer" for line in lines) and not user.has_permission("payments.reverse"):
        raise PermissionDenied("This needs the permission payments.reverse.", permission="payments.reverse")
