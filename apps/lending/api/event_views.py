"""Events of loans over HTTP: previewed, asked for approval where a policy wants it, carried out once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.approvals.api.serializers import ApprovalSerializer
from apps.approvals.api.views import accepted
from apps.approvals.services import request_submit
from apps.core import clock
from apps.core.api.query import NoParams
from apps.core.api.serializers import body_read
from apps.core.api.views import ApiView, respond
from apps.core.errors import DomainError, PermissionDenied
from apps.core.idempotency import key_within, request_fingerprint
from apps.core.money import Money as Amount
from apps.identity.guards import amount_check
from apps.ledger.selectors import business_date_current
from apps.lending import services
from apps.lending.actions import act_kind, act_payload, act_size
from apps.lending.api import answers, forms
from apps.lending.api.loan_views import VIEW
from apps.lending.api.product_views import minor_of, rows_of, user_of
from apps.lending.errors import LoanNotFound
from apps.lending.models import Loan
from apps.lending.selectors import event_get_for, loan_get_for, loans_visible_to, servicing_of
from apps.lending.services import CHANGES, REVERSAL, Act, Asked, Line, Money, Plan, Result

NOT_FOUND: Mapping[str, frozenset[int]] = {"POST": frozenset({404, 409})}
STAFF = ("all", "branch")

REPAYMENT_EXAMPLE = OpenApiExample(
    "A payment over the counter",
    value={"amount": {"amount": "4500.00", "currency": "KES"}, "channel": "cash", "reference": "R-118"},
    request_only=True,
)


def _act(kind: str, body: Mapping[str, Any], loan: Loan) -> Act:
    """What a body asks, in minor units of the loan's currency."""

    def minor(name: str) -> int:
        money = body.get(name)
        return minor_of(money, currency=loan.currency, pointer=f"/{name}/currency") if money is not None else 0

    details = {
        name: body[name]
        for name in (
            *("component", "penalty", "extra_instalments", "grace_principal", "instalments", "periods"),
            *("interest", "extend"),
        )
        if name in body
    }
    if "rate_percent" in body:
        details["rate"] = f"{forms.fraction(body['rate_percent']):f}"
    if "first_due" in body:
        details["first_due"] = body["first_due"].isoformat()
    money = Money(
        amount=minor("amount"),
        account=body.get("account"),
        channel=body.get("channel"),
        value_date=body.get("value_date"),
        reference=body.get("reference", ""),
        description=body.get("description", ""),
    )
    return Act(
        kind=kind,
        money=money,
        strategy=body.get("strategy", ""),
        discount=minor("discount"),
        details=details if kind in CHANGES else {},
        reason=body.get("reason", ""),
        event_id=body.get("event_id"),
    )


def _asked(view: ApiView, request: Request) -> Asked:
    body = request.data if isinstance(request.data, Mapping) else {}
    fingerprint = request_fingerprint(method="POST", path=request.path, body=dict(body))
    return Asked(user_of(request), view.idempotency_key, fingerprint)


def _may(request: Request, act: Act, permission: str, loan: Loan) -> None:
    """What own scope does not allow, and the limits of roles. Raises PermissionDenied, AmountLimitExceeded."""
    user = user_of(request)
    if user.scope not in STAFF and (act.money.channel or act.money.value_date or act.discount):
        raise PermissionDenied("From an account of your own, and today.", permission=permission)
    amount_check(user, permission, act_size(loan, act), loan.currency, at=clock.now())


def event_response(done: services.Done, *, replayed: bool = False) -> Response:
    """201 with the event."""
    data = answers.LoanEventAnswer(done.event).data
    location = f"/api/v1/loans/{done.event.loan_id}/transactions"
    return respond(data, status=201, location=location, replayed=replayed)


def _carried_out(view: ApiView, request: Request, loan: Loan, act: Act, permission: str) -> Response:
    """Done at once, or waiting for approval (202)."""
    _may(request, act, permission, loan)
    asked = _asked(view, request)
    kind = act_kind(act)
    if kind:
        approval = request_submit(
            kind=kind,
            maker=user_of(request),
            payload=act_payload(asked=asked, loan=loan, act=act),
            at=clock.now(),
            key=view.idempotency_key,
        )
        if approval is not None:
            return accepted(approval)
    done = services.act_carry_out(asked=asked, loan_id=loan.pk, act=act, at=clock.now())
    return event_response(done, replayed=done.replayed)


class LoanDisbursementsView(ApiView):
    """Paying out a loan."""

    permissions: ClassVar = {"POST": "lending.disburse"}
    idempotent_methods: ClassVar = frozenset({"POST"})
    also_answers: ClassVar = NOT_FOUND

    @extend_schema(
        summary="Pay out a loan",
        description="All of it or a tranche, as the product allows; fees at the beginning are kept from the first. 202 "
        "where a policy asks for approval first.",
        request=forms.DisbursementForm,
        responses={201: answers.LoanEventAnswer, 202: ApprovalSerializer},
    )
    def post(self, request: Request, loan_id: UUID) -> Response:
        NoParams.parse(request)
        loan = loan_get_for(user=user_of(request), pk=loan_id)
        act = _act("disbursement", body_read(forms.DisbursementForm, request), loan)
        return _carried_out(self, request, loan, act, "lending.disburse")


class LoanRepaymentsView(ApiView):
    """Paying a loan."""

    permissions: ClassVar = {"POST": "lending.repay"}
    idempotent_methods: ClassVar = frozenset({"POST"})
    also_answers: ClassVar = NOT_FOUND

    @extend_schema(
        summary="Pay a loan",
        description="From an account, by a channel or, with neither, from the loan's own account. What is due is paid "
        "in the product's order. With a strategy the rest is principal at once and the schedule changes. A payment of "
        "an earlier date counts from that date. Once the loan is written off, what comes in is a recovery. Members pay "
        "from accounts of their own.",
        request=forms.RepaymentForm,
        responses={201: answers.LoanEventAnswer},
        examples=[REPAYMENT_EXAMPLE],
    )
    def post(self, request: Request, loan_id: UUID) -> Response:
        NoParams.parse(request)
        loan = loan_get_for(user=user_of(request), pk=loan_id)
        kind = "recovery" if loan.status == Loan.Status.WRITTEN_OFF else "repayment"
        act = _act(kind, body_read(forms.RepaymentForm, request), loan)
        return _carried_out(self, request, loan, act, "lending.repay")


class LoanClosureView(ApiView):
    """Closing a loan before its end."""

    permissions: ClassVar = {"POST": "lending.repay"}
    idempotent_methods: ClassVar = frozenset({"POST"})
    also_answers: ClassVar = NOT_FOUND

    @extend_schema(
        summary="Close a loan",
        description="With exactly what the quote of the day says. A discount settles it for less: that needs "
        "lending.change, and approval where a policy asks for it (202).",
        request=forms.LoanClosureForm,
        responses={201: answers.LoanEventAnswer, 202: ApprovalSerializer},
    )
    def post(self, request: Request, loan_id: UUID) -> Response:
        NoParams.parse(request)
        user = user_of(request)
        loan = loan_get_for(user=user, pk=loan_id)
        act = _act("payoff", body_read(forms.LoanClosureForm, request), loan)
        if act.discount and not user.has_permission("lending.change"):
            raise PermissionDenied("A discount needs lending.change.", permission="lending.change")
        return _carried_out(self, request, loan, act, "lending.repay")


class LoanChangesView(ApiView):
    """Changing a loan on its way."""

    permissions: ClassVar = {"POST": "lending.change"}
    idempotent_methods: ClassVar = frozenset({"POST"})
    also_answers: ClassVar = NOT_FOUND

    @extend_schema(
        summary="Change a loan",
        description="Charge, waiver, rate_change, reschedule, moratorium, top_up, write_off; from today on. Unpaid "
        "amounts of the past become principal in a reschedule, a moratorium and a top-up. A write-off needs "
        "lending.write_off, a top-up lending.disburse. 202 where a policy asks for approval.",
        request=forms.ChangeForm,
        responses={201: answers.LoanEventAnswer, 202: ApprovalSerializer},
    )
    def post(self, request: Request, loan_id: UUID) -> Response:
        NoParams.parse(request)
        user = user_of(request)
        loan = loan_get_for(user=user, pk=loan_id)
        body = body_read(forms.ChangeForm, request)
        permission = {"write_off": "lending.write_off", "top_up": "lending.disburse"}.get(
            body["kind"], "lending.change"
        )
        if not user.has_permission(permission):
            raise PermissionDenied(f"This needs the permission {permission}.", permission=permission)
        return _carried_out(self, request, loan, _act(body["kind"], body, loan), permission)


class LoanPreviewView(ApiView):
    """What an event would do."""

    permissions: ClassVar = {"POST": VIEW}
    also_answers: ClassVar = NOT_FOUND

    @extend_schema(
        summary="Preview an event of a loan",
        description="The schedule before and after, and the entry that would be posted. Nothing is kept; carried out "
        "at once, the event does exactly this.",
        request=forms.PreviewForm,
        responses=answers.LoanPreviewAnswer,
    )
    def post(self, request: Request, loan_id: UUID) -> Response:
        NoParams.parse(request)
        user = user_of(request)
        loan = loan_get_for(user=user, pk=loan_id)
        body = body_read(forms.PreviewForm, request)
        act = _act(body["kind"], body, loan)
        servicing = servicing_of(loan.pk)
        plan = services.act_plan(servicing=servicing, today=business_date_current(), user=user, act=act)
        return respond(answers.LoanPreviewAnswer(_shown(plan, act)).data)


def _shown(plan: Plan, act: Act) -> dict[str, Any]:
    loan, currency, books = plan.servicing.loan, plan.servicing.loan.currency, plan.books
    before = answers.instalments_shown(list(plan.servicing.rows), currency)
    interest = [sum(row["interest"].minor for row in rows) for rows in (before, rows_of(plan.after, currency))]
    owed = {"principal": books.principal, "interest": books.interest, "charges": books.charges}
    owed["total"] = sum(owed.values())
    portions = {
        name: Amount(getattr(plan.portions, name), currency)
        for name in ("principal", "interest", "fees", "penalties", "overpaid")
    }
    legs = sorted(plan.legs, key=lambda leg: leg.amount)
    return {
        "loan_id": loan.pk,
        "kind": REVERSAL if plan.taken_back is not None else act.kind,
        "before": before,
        "after": rows_of(plan.after, currency),
        "portions": portions,
        "entry": [
            {
                "role": leg.role,
                "side": "credit" if leg.amount > 0 else "debit",
                "amount": Amount(abs(leg.amount), currency),
            }
            for leg in legs
        ],
        "owed": {name: Amount(minor, currency) for name, minor in owed.items()},
        "interest_difference": Amount(interest[1] - interest[0], currency),
    }


class LoanEventReversalView(ApiView):
    """Taking an event back."""

    permissions: ClassVar = {"POST": "lending.reverse"}
    idempotent_methods: ClassVar = frozenset({"POST"})
    also_answers: ClassVar = NOT_FOUND

    @extend_schema(
        summary="Reverse an event of a loan",
        description="The loan becomes what it would be without it; its money goes back where it came from.",
        request=forms.EventReversalForm,
        responses={201: answers.LoanEventAnswer},
    )
    def post(self, request: Request, event_id: UUID) -> Response:
        NoParams.parse(request)
        event = event_get_for(user=user_of(request), pk=event_id)
        body = body_read(forms.EventReversalForm, request)
        loan = event.loan
        amount_check(user_of(request), "lending.reverse", abs(event.amount), loan.currency, at=clock.now())
        done = services.event_reverse(
            asked=_asked(self, request),
            loan_id=event.loan_id,
            event_id=event.pk,
            reason=body["reason"],
            at=clock.now(),
        )
        return event_response(done, replayed=done.replayed)


class LoanRepaymentFilesView(ApiView):
    """Many payments at once: a payroll file."""

    permissions: ClassVar = {"POST": "lending.repay"}
    idempotent_methods: ClassVar = frozenset({"POST"})

    @extend_schema(
        summary="Take a file of payments",
        description=f"Up to {forms.BULK_MAX} lines, each for itself: a line that is refused says why, the others "
        "count. The same key again does only what was not done. Staff only.",
        request=forms.BulkForm,
        responses=answers.BulkAnswer,
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        user = user_of(request)
        body = body_read(forms.BulkForm, request)
        if user.scope not in STAFF:
            raise PermissionDenied("Files are taken by the bank.", permission="lending.repay")
        numbers = {item["loan"] for item in body["items"]}
        loans = {loan.number: loan for loan in loans_visible_to(user).filter(number__in=numbers)}
        items = [self._item(request, n, item, body, loans.get(item["loan"])) for n, item in enumerate(body["items"])]
        lines = [one for one in items if isinstance(one, Line)]
        results = iter(services.acts_carry_out(lines=lines, user=user, at=clock.now()))
        shown = [
            _bulk_item(item["loan"], next(results) if isinstance(one, Line) else one)
            for item, one in zip(body["items"], items, strict=True)
        ]
        done = sum(item["status"] == "done" for item in shown)
        return respond(answers.BulkAnswer({"done": done, "refused": len(shown) - done, "items": shown}).data)

    def _item(
        self, request: Request, n: int, item: Mapping[str, Any], body: Mapping[str, Any], loan: Loan | None
    ) -> Line | Result:
        """A line of the file as an act under a key of its own, or why it is none."""
        if loan is None:
            return Result(error=LoanNotFound(""))
        facts = {**item, "channel": body["channel"], "value_date": body.get("value_date")}
        fingerprint = request_fingerprint(
            method="POST",
            path=f"{request.path}/{item['loan']}",
            body={"amount": item["amount"].amount, "currency": item["amount"].currency},
        )
        try:
            act = _act("repayment", facts | {"description": body.get("description", "")}, loan)
            _may(request, act, "lending.repay", loan)
        except DomainError as error:
            return Result(error=error)
        return Line(Asked(user_of(request), key_within(f"{self.idempotency_key}/{n}"), fingerprint), loan.pk, act)


def _bulk_item(loan: str, result: Result) -> dict[str, Any]:
    error = result.error
    return {
        "loan": loan,
        "status": "done" if error is None else "refused",
        "event_id": result.event_id,
        "code": error.code if error is not None else "",
        "detail": error.detail if error is not None else "",
    }
