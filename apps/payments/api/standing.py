"""Standing instructions over HTTP."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import NoBodySerializer, body_read
from apps.core.api.views import NAMES_A_RECORD, ApiView, respond
from apps.core.errors import PermissionDenied
from apps.ledger.selectors import business_date_current
from apps.payments import services, signing
from apps.payments.api import standing_forms as forms
from apps.payments.api.bodies import account_name
from apps.payments.api.limits import instruction_allowed
from apps.payments.api.pending_forms import PendingPaymentSerializer, pending_answer
from apps.payments.api.views import API, caller
from apps.payments.errors import InstructionNotDue
from apps.payments.models import StandingInstruction
from apps.payments.selectors import (
    account_ref,
    account_refs,
    executions_of,
    instruction_get_for,
    instructions_visible_to,
)
from apps.payments.services import Terms

INSTRUCT = "payments.instruct"
EXAMPLE = OpenApiExample(
    "Rent on the last day of each month",
    value={
        "source_account": "010000000017",
        "destination_account": "020000000024",
        "kind": "fixed",
        "amount": {"amount": "25000.00", "currency": "KES"},
        "rule": "FREQ=MONTHLY;BYMONTHDAY=31",
        "starts_on": "2026-12-01",
        "convention": "preceding",
        "retries": 3,
        "description": "Rent",
    },
    request_only=True,
)


def instruction_answer(instruction: StandingInstruction, *, status: int = 200, location: str = "") -> Response:
    """An instruction with its version."""
    data = forms.InstructionSerializer(instruction).data
    return respond(data, status=status, version=instruction.version, location=location)


class InstructionsView(ApiView):
    """Standing instructions."""

    permissions = {"GET": "accounts.view", "POST": INSTRUCT}
    also_answers = NAMES_A_RECORD

    @extend_schema(
        parameters=[forms.InstructionListParams],
        responses=page_of(forms.InstructionSerializer),
        summary="List standing instructions",
    )
    def get(self, request: Request) -> Response:
        """Instructions from accounts in your reach, newest first; of one source account when given."""
        values = forms.InstructionListParams.parse(request)
        found = instructions_visible_to(caller(request))
        if values["account"]:
            name = account_name(values["account"])
            ref = account_refs(names=[name]).get(name)
            found = found.filter(source=ref.account_id) if ref is not None else found.none()
        if values["status"]:
            found = found.filter(status=values["status"])
        page = forms.InstructionListParams.page(found, request=request, values=values)
        return page.response(forms.InstructionSerializer)

    @extend_schema(
        request=forms.InstructionRequestSerializer,
        responses={201: forms.InstructionSerializer, 202: PendingPaymentSerializer},
        examples=[EXAMPLE],
        summary="Set up a standing instruction",
    )
    def post(self, request: Request) -> Response | HttpResponse:
        """Have money moved again and again: a fixed amount, a part of the balance, or all above what is kept.

        202 where the account's mandate asks for more signatures than the member's own: it is set up once they signed.
        """
        NoParams.parse(request)
        body = body_read(forms.InstructionRequestSerializer, request)
        signed_by = body.pop("signed_by", ())
        source = account_name(body.pop("source_account"))
        destination = account_name(body.pop("destination_account"))
        ref = account_ref(name=source, pointer="/source_account")
        terms = Terms(**forms.terms_read(body, ref.currency))
        instruction_allowed(caller(request), terms.amount or terms.amount_max, ref.currency)
        if signed_by and caller(request).scope == "own":
            raise PermissionDenied("A member signs with the own sign-in.")
        waiting = signing.instruction_pending(
            acting_user=caller(request), source=source, destination=destination, terms=terms, at=clock.now()
        )
        if waiting is not None:
            return pending_answer(waiting)
        instruction = services.instruction_create(
            signed_by=signed_by,
            acting_user=caller(request),
            source=source,
            destination=destination,
            terms=terms,
            at=clock.now(),
        )
        instruction = instruction_get_for(user=caller(request), pk=instruction.pk)
        return instruction_answer(instruction, status=201, location=f"{API}/standing-instructions/{instruction.pk}")


MOVES = frozenset({"amount", "amount_max", "percentage", "keep", "total_max"})
"""What of an instruction decides how much it moves."""


class InstructionView(ApiView):
    """One instruction."""

    permissions = {"GET": "accounts.view", "PATCH": INSTRUCT}

    @extend_schema(responses=forms.InstructionSerializer, summary="Read a standing instruction")
    def get(self, request: Request, instruction_id: UUID) -> Response:
        """An instruction from an account in your reach; its version is the ETag."""
        NoParams.parse(request)
        return instruction_answer(instruction_get_for(user=caller(request), pk=instruction_id))

    @extend_schema(
        request=forms.InstructionChangeSerializer,
        responses=forms.InstructionSerializer,
        summary="Change a standing instruction",
    )
    def patch(self, request: Request, instruction_id: UUID) -> Response:
        """Change amounts, texts, ends and policies. For other dates, cancel it and set a new one up."""
        NoParams.parse(request)
        instruction = instruction_get_for(user=caller(request), pk=instruction_id)
        body = body_read(forms.InstructionChangeSerializer, request, partial=True)
        changes = forms.terms_read(body, instruction.currency)
        if MOVES & changes.keys():
            known = {name: changes.get(name, getattr(instruction, name)) for name in ("amount", "amount_max")}
            instruction_allowed(caller(request), known["amount"] or known["amount_max"], instruction.currency)
        instruction = services.instruction_update(
            acting_user=caller(request),
            instruction_id=instruction.pk,
            expected_version=self.expected_version,
            changes=changes,
            at=clock.now(),
        )
        return instruction_answer(instruction)


class InstructionPauseView(ApiView):
    """Pausing."""

    permissions = {"POST": INSTRUCT}
    if_match_methods = frozenset({"POST"})

    @extend_schema(
        request=forms.InstructionReasonSerializer,
        responses={200: forms.InstructionSerializer},
        summary="Pause a standing instruction",
    )
    def post(self, request: Request, instruction_id: UUID) -> Response:
        """Pay nothing until it is resumed."""
        NoParams.parse(request)
        instruction_get_for(user=caller(request), pk=instruction_id)
        body = body_read(forms.InstructionReasonSerializer, request)
        instruction = services.instruction_pause(
            acting_user=caller(request),
            instruction_id=instruction_id,
            expected_version=self.expected_version,
            at=clock.now(),
            **body,
        )
        return instruction_answer(instruction)


class InstructionResumeView(ApiView):
    """Going on."""

    permissions = {"POST": INSTRUCT}
    if_match_methods = frozenset({"POST"})

    @extend_schema(request=None, responses={200: forms.InstructionSerializer}, summary="Resume a standing instruction")
    def post(self, request: Request, instruction_id: UUID) -> Response:
        """Go on with its first date from today. What passed in the pause is not paid."""
        NoParams.parse(request)
        instruction_get_for(user=caller(request), pk=instruction_id)
        body_read(NoBodySerializer, request)
        instruction = services.instruction_resume(
            acting_user=caller(request),
            instruction_id=instruction_id,
            expected_version=self.expected_version,
            at=clock.now(),
        )
        return instruction_answer(instruction)


class InstructionCancellationView(ApiView):
    """Ending it."""

    permissions = {"POST": INSTRUCT}
    if_match_methods = frozenset({"POST"})

    @extend_schema(
        request=forms.InstructionReasonSerializer,
        responses={200: forms.InstructionSerializer},
        summary="Cancel a standing instruction",
    )
    def post(self, request: Request, instruction_id: UUID) -> Response:
        """End it for good; what waits for funds is given up."""
        NoParams.parse(request)
        instruction_get_for(user=caller(request), pk=instruction_id)
        body = body_read(forms.InstructionReasonSerializer, request)
        instruction = services.instruction_cancel(
            acting_user=caller(request),
            instruction_id=instruction_id,
            expected_version=self.expected_version,
            at=clock.now(),
            **body,
        )
        return instruction_answer(instruction)


class InstructionRunView(ApiView):
    """Carrying it out on demand."""

    permissions = {"POST": INSTRUCT}

    @extend_schema(request=None, responses={200: forms.RunSerializer}, summary="Carry out a standing instruction now")
    def post(self, request: Request, instruction_id: UUID) -> Response:
        """Carry out the dates that are due by the open business date, or wait for funds. Each is paid once at most."""
        NoParams.parse(request)
        instruction = instruction_get_for(user=caller(request), pk=instruction_id)
        body_read(NoBodySerializer, request)
        done = services.instruction_run(
            instruction_id=instruction.pk, business_date=business_date_current(), at=clock.now()
        )
        if not done:
            raise InstructionNotDue("No date of it is due today, and none waits for funds.")
        return respond({"executions": forms.ExecutionSerializer(done, many=True).data})


class ExecutionsView(ApiView):
    """What became of an instruction's dates."""

    permissions = {"GET": "accounts.view"}

    @extend_schema(
        parameters=[forms.ExecutionListParams],
        responses=page_of(forms.ExecutionSerializer),
        summary="List a standing instruction's executions",
    )
    def get(self, request: Request, instruction_id: UUID) -> Response:
        """One row for each date, newest first."""
        values = forms.ExecutionListParams.parse(request)
        found = executions_of(instruction_get_for(user=caller(request), pk=instruction_id))
        if values["status"]:
            found = found.filter(status=values["status"])
        page = forms.ExecutionListParams.page(found, request=request, values=values)
        return page.response(forms.ExecutionSerializer)
