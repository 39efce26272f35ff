"""Credit lines over HTTP."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.selectors import account_get_for
from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import body_read
from apps.core.api.views import NAMES_A_RECORD, ApiView, respond
from apps.core.idempotency import request_fingerprint
from apps.core.money import Money
from apps.core.snapshots import one_moment
from apps.identity.guards import amount_check
from apps.ledger.selectors import business_date_current
from apps.lending import credit_lines
from apps.lending.api import ops_answers as answers
from apps.lending.api import ops_forms as forms
from apps.lending.api.answers import LoanExplainAnswer
from apps.lending.api.forms import fraction
from apps.lending.api.product_views import minor_of, user_of
from apps.lending.lines_explained import line_explain
from apps.lending.models import CreditLine, CreditLineEvent
from apps.lending.selectors import line_get_for, lines_visible_to, product_get_for
from apps.lending.services import Asked
from apps.members.selectors import member_get_for

VIEW = "lending.view"
EVENTS_SHOWN = 50
CONFLICT: dict[str, frozenset[int]] = {"POST": frozenset({404, 409})}


def _response(line: CreditLine, *, status: int = 200) -> Response:
    principal, interest = credit_lines.credit_line_owed(line)
    is_open = line.status == CreditLine.Status.ACTIVE
    shown: dict[str, Any] = dict(answers.CreditLineAnswer(line).data)
    money = {
        "principal_owed": principal,
        "interest_owed": interest,
        "left": max(line.limit - principal, 0) if is_open else 0,
        **{name: getattr(line, name) for name in ("overdue_interest", "provision", "suspended")},
    }
    detail = answers.CreditLineDetailAnswer()
    shown |= {name: detail.fields[name].to_representation(Money(minor, line.currency)) for name, minor in money.items()}
    events = CreditLineEvent.objects.filter(line=line).select_related("line")[:EVENTS_SHOWN]
    shown["events"] = answers.CreditLineEventAnswer(events, many=True).data
    return respond(shown, status=status, version=line.version, location=f"/api/v1/credit-lines/{line.pk}")


class CreditLinesView(ApiView):
    """Credit lines."""

    permissions: ClassVar = {"GET": VIEW, "POST": "lending.apply"}
    also_answers: ClassVar = NAMES_A_RECORD

    @extend_schema(
        summary="List credit lines",
        description="Those of the bank, of the user's branches, or the user's own, by the user's role.",
        parameters=[forms.CreditLinesQuery],
        responses=page_of(answers.CreditLineAnswer),
    )
    def get(self, request: Request) -> Response:
        values = forms.CreditLinesQuery.parse(request)
        lines = lines_visible_to(user_of(request))
        for name in ("status", "member_id"):
            if values[name] is not None:
                lines = lines.filter(**{name: values[name]})
        return forms.CreditLinesQuery.page(lines, request=request, values=values).response(answers.CreditLineAnswer)

    @extend_schema(
        summary="Ask for a credit line",
        request=forms.CreditLineForm,
        responses={201: answers.CreditLineDetailAnswer},
    )
    def post(self, request: Request) -> Response:
        """For a member in one's reach, on an account of that member."""
        NoParams.parse(request)
        user = user_of(request)
        body = body_read(forms.CreditLineForm, request)
        product = product_get_for(user=user, pk=body["loan_product_id"])
        member = member_get_for(user=user, pk=body["member_id"])
        account = account_get_for(user=user, pk=body["account_id"])
        line = credit_lines.credit_line_request(
            acting_user=user, product_id=product.pk, member_id=member.pk, account_id=account.pk,
            limit=minor_of(body["limit"], currency=product.currency_id, pointer="/limit/currency"),
            purpose=body.get("purpose", ""), business_date=business_date_current(), at=clock.now(),
        )  # fmt: skip
        return _response(line, status=201)


class CreditLineView(ApiView):
    """One credit line."""

    permissions: ClassVar = {"GET": VIEW}
    read_of = "lending.creditline"

    @extend_schema(summary="Read a credit line", responses=answers.CreditLineDetailAnswer)
    @one_moment()
    def get(self, request: Request, line_id: UUID) -> Response:
        """With what is owed by the books this moment, what is left, and the latest events."""
        NoParams.parse(request)
        return _response(line_get_for(user=user_of(request), pk=line_id))


class CreditLineExplainView(ApiView):
    """Explain this number."""

    permissions: ClassVar = {"GET": VIEW}

    @extend_schema(
        summary="Explain a figure of a credit line",
        description="Inputs, convention, formula, rounding and rows, in minor units.",
        parameters=[forms.CreditLineExplainQuery],
        responses=LoanExplainAnswer,
    )
    @one_moment()
    def get(self, request: Request, line_id: UUID) -> Response:
        values = forms.CreditLineExplainQuery.parse(request)
        line = line_get_for(user=user_of(request), pk=line_id)
        found = line_explain(line=line, figure=values["figure"])
        return respond(LoanExplainAnswer(found | {"amount": Money(found["amount"], line.currency)}).data)


class CreditLineDecisionView(ApiView):
    """The bank's decision."""

    permissions: ClassVar = {"POST": "lending.decide"}
    also_answers: ClassVar = CONFLICT

    @extend_schema(
        summary="Decide on a credit line",
        description="Nobody decides on what he asked for himself.",
        request=forms.CreditLineDecisionForm,
        responses=answers.CreditLineDetailAnswer,
    )
    def post(self, request: Request, line_id: UUID) -> Response:
        NoParams.parse(request)
        user = user_of(request)
        line = line_get_for(user=user, pk=line_id)
        body = body_read(forms.CreditLineDecisionForm, request)
        limit = body.get("limit")
        line = credit_lines.credit_line_decide(
            acting_user=user, line_id=line.pk, approve=body["approve"],
            limit=limit and minor_of(limit, currency=line.currency, pointer="/limit/currency"),
            rate=fraction(body.get("rate_percent")), review_on=body.get("review_on"), note=body.get("note", ""),
            business_date=business_date_current(), at=clock.now(),
        )  # fmt: skip
        return _response(line)


class CreditLineChangesView(ApiView):
    """Reviewing, blocking and closing."""

    permissions: ClassVar = {"POST": "lending.decide"}
    also_answers: ClassVar = CONFLICT

    @extend_schema(
        summary="Review, block, unblock or close a credit line",
        request=forms.CreditLineChangeForm,
        responses=answers.CreditLineDetailAnswer,
    )
    def post(self, request: Request, line_id: UUID) -> Response:
        """Closed when nothing is owed."""
        NoParams.parse(request)
        user = user_of(request)
        line = line_get_for(user=user, pk=line_id)
        body = body_read(forms.CreditLineChangeForm, request)
        limit = body.get("limit")
        line = credit_lines.credit_line_change(
            acting_user=user, line_id=line.pk, action=body["action"], note=body["note"],
            review_on=body.get("review_on"),
            limit=limit and minor_of(limit, currency=line.currency, pointer="/limit/currency"), at=clock.now(),
        )  # fmt: skip
        return _response(line)


class CreditLinePreviewView(ApiView):
    """What a draw or a payment would do."""

    permissions: ClassVar = {"POST": VIEW}
    also_answers: ClassVar = CONFLICT

    @extend_schema(
        summary="Preview a draw or a payment of a credit line",
        request=forms.CreditLinePreviewForm,
        responses=answers.CreditLinePreviewAnswer,
    )
    @one_moment()
    def post(self, request: Request, line_id: UUID) -> Response:
        """Nothing is kept; what cannot be is refused as it would be then."""
        NoParams.parse(request)
        line = line_get_for(user=user_of(request), pk=line_id)
        body = body_read(forms.CreditLinePreviewForm, request)
        amount = minor_of(body["amount"], currency=line.currency, pointer="/amount/currency")
        principal, interest = credit_lines.credit_line_owed(line)
        parts = credit_lines.credit_line_parts(
            line=line, kind=body["kind"], amount=amount, principal=principal, interest=interest
        )
        sign = 1 if body["kind"] == CreditLineEvent.Kind.DRAW else -1

        def owed(capital: int, due: int) -> dict[str, Money]:
            figures = {"principal": capital, "interest": due, "left": max(line.limit - capital, 0)}
            return {name: Money(minor, line.currency) for name, minor in figures.items()}

        entry = credit_lines.credit_line_entry(line=line, kind=body["kind"], parts=parts, owed=interest)
        shown = {
            "entry": [
                {"role": role, "side": "debit" if minor < 0 else "credit", "amount": Money(abs(minor), line.currency)}
                for role, minor in entry
            ],
            "principal": Money(parts[0], line.currency),
            "interest": Money(parts[1], line.currency),
            "before": owed(principal, interest),
            "after": owed(principal + sign * parts[0], interest + sign * parts[1]),
        }
        return respond(answers.CreditLinePreviewAnswer(shown).data)


class CreditLineMoneyView(ApiView):
    """Drawing, and paying back."""

    idempotent_methods: ClassVar = frozenset({"POST"})
    also_answers: ClassVar = CONFLICT

    def moved(self, request: Request, line_id: UUID) -> Response:
        """The event, once for the key."""
        NoParams.parse(request)
        user, at = user_of(request), clock.now()
        line = line_get_for(user=user, pk=line_id)
        body = body_read(forms.CreditLineMoneyForm, request)
        amount = minor_of(body["amount"], currency=line.currency, pointer="/amount/currency")
        permission = self.permissions["POST"]
        amount_check(user, permission, amount, line.currency, at=at)
        fingerprint = request_fingerprint(method="POST", path=request.path, body=dict(request.data))
        asked = Asked(user, self.idempotency_key, fingerprint)
        act = credit_lines.credit_line_draw if permission == "lending.disburse" else credit_lines.credit_line_repay
        event = act(asked=asked, line_id=line.pk, amount=amount, at=at)
        data = answers.CreditLineEventAnswer(event).data
        replayed = event.created_at < at
        return respond(data, status=201, location=f"/api/v1/credit-lines/{line.pk}", replayed=replayed)


class CreditLineDrawsView(CreditLineMoneyView):
    """Drawing."""

    permissions: ClassVar = {"POST": "lending.disburse"}

    @extend_schema(
        summary="Draw on a credit line",
        request=forms.CreditLineMoneyForm,
        responses={201: answers.CreditLineEventAnswer},
    )
    def post(self, request: Request, line_id: UUID) -> Response:
        """To the line's account, up to the limit, until the review."""
        return self.moved(request, line_id)


class CreditLineRepaymentsView(CreditLineMoneyView):
    """Paying back."""

    permissions: ClassVar = {"POST": "lending.repay"}

    @extend_schema(
        summary="Pay a credit line back",
        request=forms.CreditLineMoneyForm,
        responses={201: answers.CreditLineEventAnswer},
    )
    def post(self, request: Request, line_id: UUID) -> Response:
        """From the line's account: interest first."""
        return self.moved(request, line_id)
