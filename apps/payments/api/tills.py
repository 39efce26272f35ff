"""Tills, sessions and the vault over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.approvals.api.serializers import ApprovalSerializer
from apps.approvals.api.views import accepted
from apps.approvals.models import ApprovalRequest
from apps.approvals.services import approval_possible, request_submit
from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import body_read
from apps.core.api.views import NAMES_A_RECORD, ApiView, respond
from apps.core.errors import CurrencyMismatch, InvalidRequest
from apps.core.idempotency import request_fingerprint
from apps.payments import services
from apps.payments.actions import CASH, cash_payload
from apps.payments.api import serializers, till_forms
from apps.payments.api.bodies import account_name
from apps.payments.api.limits import amount_guard
from apps.payments.api.views import API, caller, payment_answer
from apps.payments.models import TillSession
from apps.payments.selectors import (
    movements_of,
    payment_find,
    session_get_for,
    session_report,
    sessions_visible_to,
    till_get_for,
    tills_visible_to,
)
from apps.payments.services import Asked, Details

VIEW, WORK, SUPERVISE, MANAGE = (
    "payments.view_tills",
    "payments.till",
    "payments.supervise_tills",
    "payments.manage_tills",
)
LIMITS = ("holding_limit", "transaction_limit", "tolerance")


def session_answer(session: TillSession, *, status: int = 200, location: str = "") -> Response:
    """A session with its version."""
    data = till_forms.TillSessionSerializer(session).data
    return respond(data, status=status, version=session.version, location=location)


def limits_read(body: dict[str, Any], currency: str) -> dict[str, Any]:
    """The body with its limits in minor units of the till. Raises CurrencyMismatch for another currency."""
    read = dict(body)
    for name in LIMITS:
        if name in read:
            if read[name].currency != currency:
                raise CurrencyMismatch(f"The till holds {currency}.", pointer=f"/{name}/currency")
            read[name] = read[name].minor
    return read


class TillsView(ApiView):
    """Tills of the branches."""

    permissions = {"GET": VIEW, "POST": MANAGE}
    also_answers = NAMES_A_RECORD

    @extend_schema(
        parameters=[till_forms.TillListParams], responses=page_of(till_forms.TillSerializer), summary="List tills"
    )
    def get(self, request: Request) -> Response:
        """Tills in your reach."""
        values = till_forms.TillListParams.parse(request)
        tills = tills_visible_to(caller(request))
        if values["branch"]:
            tills = tills.filter(branch__code=values["branch"])
        if values["is_active"] is not None:
            tills = tills.filter(is_active=values["is_active"])
        return till_forms.TillListParams.page(tills, request=request, values=values).response(till_forms.TillSerializer)

    @extend_schema(
        request=till_forms.TillCreateSerializer, responses={201: till_forms.TillSerializer}, summary="Set up a till"
    )
    def post(self, request: Request) -> Response:
        """A drawer at a branch with a ledger account of its own under cash at tills."""
        NoParams.parse(request)
        body = body_read(till_forms.TillCreateSerializer, request)
        branch = body.pop("branch")
        till = services.till_create(
            acting_user=caller(request), branch_code=branch, **limits_read(body, body["currency"])
        )
        data = till_forms.TillSerializer(till).data
        return respond(data, status=201, version=till.version, location=f"{API}/tills/{till.pk}")


class TillView(ApiView):
    """One till."""

    permissions = {"GET": VIEW, "PATCH": MANAGE}

    @extend_schema(responses=till_forms.TillSerializer, summary="Read a till")
    def get(self, request: Request, till_id: UUID) -> Response:
        """A till in your reach; its version is the ETag."""
        NoParams.parse(request)
        till = till_get_for(user=caller(request), pk=till_id)
        return respond(till_forms.TillSerializer(till).data, version=till.version)

    @extend_schema(
        request=till_forms.TillChangeSerializer, responses=till_forms.TillSerializer, summary="Change a till"
    )
    def patch(self, request: Request, till_id: UUID) -> Response:
        """Change name, limits or tolerance, or take the till out of use."""
        NoParams.parse(request)
        till = till_get_for(user=caller(request), pk=till_id)
        changes = limits_read(body_read(till_forms.TillChangeSerializer, request, partial=True), till.currency)
        till = services.till_update(
            acting_user=caller(request), till_id=till.pk, expected_version=self.expected_version, changes=changes
        )
        return respond(till_forms.TillSerializer(till).data, version=till.version)


class TillSessionsView(ApiView):
    """Sessions at tills."""

    permissions = {"GET": VIEW, "POST": WORK}
    also_answers = NAMES_A_RECORD

    @extend_schema(
        parameters=[till_forms.TillSessionListParams],
        responses=page_of(till_forms.TillSessionSerializer),
        summary="List till sessions",
    )
    def get(self, request: Request) -> Response:
        """Sessions at the tills in your reach, newest first."""
        values = till_forms.TillSessionListParams.parse(request)
        wanted = {name: values[name] for name in ("till_id", "status") if values[name] is not None}
        sessions = sessions_visible_to(caller(request)).filter(**wanted)
        page = till_forms.TillSessionListParams.page(sessions, request=request, values=values)
        return page.response(till_forms.TillSessionSerializer)

    @extend_schema(
        request=till_forms.TillOpenSerializer,
        responses={201: till_forms.TillSessionSerializer},
        summary="Open a till",
    )
    def post(self, request: Request) -> Response:
        """Begin to work at a till, with a count of what is in it. You and the till have one open session at most."""
        NoParams.parse(request)
        body = body_read(till_forms.TillOpenSerializer, request)
        till = till_get_for(user=caller(request), pk=body["till_id"])
        session = services.session_open(
            acting_user=caller(request),
            till_id=till.pk,
            count=till_forms.count_read(body, till.currency),
            at=clock.now(),
        )
        return session_answer(session, status=201, location=f"{API}/till-sessions/{session.pk}")


class TillSessionView(ApiView):
    """One session."""

    permissions = {"GET": VIEW}

    @extend_schema(responses=till_forms.TillSessionSerializer, summary="Read a till session")
    def get(self, request: Request, till_session_id: UUID) -> Response:
        """A session at a till in your reach; its version is the ETag."""
        NoParams.parse(request)
        return session_answer(session_get_for(user=caller(request), pk=till_session_id))


class TillMovementsView(ApiView):
    """What moved in a session."""

    permissions = {"GET": VIEW}

    @extend_schema(
        parameters=[till_forms.TillMovementListParams],
        responses=page_of(till_forms.TillMovementSerializer),
        summary="List a session's movements",
    )
    def get(self, request: Request, till_session_id: UUID) -> Response:
        """Cash into the till and out of it, newest first."""
        values = till_forms.TillMovementListParams.parse(request)
        movements = movements_of(session_get_for(user=caller(request), pk=till_session_id))
        if values["kind"]:
            movements = movements.filter(kind=values["kind"])
        page = till_forms.TillMovementListParams.page(movements, request=request, values=values)
        return page.response(till_forms.TillMovementSerializer)


class TillReportView(ApiView):
    """The proof of a session."""

    permissions = {"GET": VIEW}

    @extend_schema(responses=till_forms.TillReportSerializer, summary="Read the report of a till session")
    def get(self, request: Request, till_session_id: UUID) -> Response:
        """Opening, movements by kind and closing, compared line by line with the till's account in the ledger."""
        NoParams.parse(request)
        session = session_get_for(user=caller(request), pk=till_session_id)
        return respond(till_forms.report_show(session_report(session)))


def cash_approval(asked: Asked, kind: str, values: dict[str, Any]) -> ApprovalRequest | None:
    """The request for approval of cash that a policy wants approved; None for all other. `values` as the services'."""
    at = values["at"]
    if not approval_possible(kind=CASH, amount=values["amount"], at=at):
        return None
    if payment_find(transaction_id=asked.transaction_id) is not None:
        return None  # decided before there was a policy, or carried out: the first answer stands
    payload = cash_payload(asked=asked, kind=kind, **{name: value for name, value in values.items() if name != "at"})
    return request_submit(kind=CASH, maker=asked.user, payload=payload, at=at, key=asked.key)


class CounterView(ApiView):
    """What cash in and cash out have in common."""

    idempotent_methods = frozenset({"POST"})
    body_class: type[till_forms.CounterRequestSerializer] = till_forms.CounterRequestSerializer

    def asked(self, request: Request, till_session_id: UUID) -> tuple[Asked, dict[str, Any]]:
        """The request under its key, and what the services take."""
        NoParams.parse(request)
        session = session_get_for(user=caller(request), pk=till_session_id)
        body = body_read(self.body_class, request)
        fingerprint = request_fingerprint(method="POST", path=request.path, body=request.data)
        return Asked(user=caller(request), key=self.idempotency_key, fingerprint=fingerprint), {
            "session_id": session.pk,
            "account": account_name(body["account"]),
            "amount": body["amount"],
            "count": till_forms.count_read(body, session.till.currency),
            "details": Details(
                description=body.get("description", ""),
                counterparty=body.get("counterparty", ""),
                reference=body.get("reference", ""),
                channel="branch",
            ),
            "at": clock.now(),
            **({"signed_by": body["signed_by"]} if "signed_by" in body else {}),
        }


class TillDepositsView(CounterView):
    """Cash in."""

    permissions = {"POST": "payments.deposit"}

    @extend_schema(
        request=till_forms.CounterRequestSerializer,
        responses={201: serializers.PaymentSerializer, 202: ApprovalSerializer},
        summary="Take cash at a till",
    )
    def post(self, request: Request, till_session_id: UUID) -> Response | HttpResponse:
        """Cash onto an account, at your own open till. 202 where a policy asks for approval first. A refusal is not
        kept: send it again under the same key."""
        asked, values = self.asked(request, till_session_id)
        amount_guard(asked, "payments.deposit", values["amount"])
        approval = cash_approval(asked, "deposit", values)
        if approval is not None:
            return accepted(approval)
        return payment_answer(request._request, services.cash_take(asked=asked, **values), location="transactions")


class TillWithdrawalsView(CounterView):
    """Cash out."""

    permissions = {"POST": "payments.withdraw"}
    body_class = till_forms.CounterWithdrawalSerializer

    @extend_schema(
        request=till_forms.CounterWithdrawalSerializer,
        responses={201: serializers.PaymentSerializer, 202: ApprovalSerializer},
        summary="Pay cash at a till",
    )
    def post(self, request: Request, till_session_id: UUID) -> Response | HttpResponse:
        """Cash from an account, at your own open till: hand it over after 201. 202 where a policy asks for approval
        first. A refusal is not kept."""
        asked, values = self.asked(request, till_session_id)
        amount_guard(asked, "payments.withdraw", values["amount"])
        approval = cash_approval(asked, "withdrawal", values)
        if approval is not None:
            return accepted(approval)
        return payment_answer(request._request, services.cash_pay(asked=asked, **values), location="transactions")


class TillCountView(ApiView):
    """Cashing up."""

    permissions = {"POST": WORK}
    if_match_methods = frozenset({"POST"})

    @extend_schema(
        request=till_forms.TillCountSerializer,
        responses={200: till_forms.TillSessionSerializer},
        summary="Count a till",
    )
    def post(self, request: Request, till_session_id: UUID) -> Response:
        """End your session with a count. A difference within the till's tolerance is booked and the session closed;
        a larger one waits for a supervisor."""
        NoParams.parse(request)
        session = session_get_for(user=caller(request), pk=till_session_id)
        body = body_read(till_forms.TillCountSerializer, request)
        session = services.session_count(
            acting_user=caller(request),
            session_id=session.pk,
            expected_version=self.expected_version,
            count=till_forms.count_read(body, session.till.currency),
            note=body.get("note", ""),
            at=clock.now(),
        )
        return session_answer(session)


class TillClosureView(ApiView):
    """The supervisor's word about a difference."""

    permissions = {"POST": SUPERVISE}
    if_match_methods = frozenset({"POST"})

    @extend_schema(
        request=till_forms.TillClosureSerializer,
        responses={200: till_forms.TillSessionSerializer},
        summary="Confirm a till's count",
    )
    def post(self, request: Request, till_session_id: UUID) -> Response:
        """Take a count with a difference as it is, or have the till counted again; not by who counted. With `count` you
        count an open till whose teller is away; another supervisor confirms it."""
        NoParams.parse(request)
        session = session_get_for(user=caller(request), pk=till_session_id)
        body = body_read(till_forms.TillClosureSerializer, request)
        values: dict[str, Any] = {
            "acting_user": caller(request), "session_id": session.pk, "expected_version": self.expected_version
        }  # fmt: skip
        if "count" not in body:
            return session_answer(services.session_confirm(at=clock.now(), **values, **body))
        if not body["accept"]:
            raise InvalidRequest("Either your own count, or the teller's again.", pointer="/accept")
        count = till_forms.count_read(body, session.till.currency)
        session = services.session_count(count=count, note=body["note"], at=clock.now(), for_teller=True, **values)
        return session_answer(session)
