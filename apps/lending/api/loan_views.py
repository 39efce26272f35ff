"""Loans over HTTP: what they are, their schedule, their events, and figures explained."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.balances.selectors import balances_read
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.views import ApiView, respond
from apps.core.errors import InvalidRequest, NotFound
from apps.core.money import Money
from apps.core.snapshots import one_moment
from apps.ledger.selectors import business_date_current
from apps.lending.api import answers, forms
from apps.lending.api.product_views import user_of
from apps.lending.models import Loan, LoanEvent, LoanInstalment, LoanSchedule
from apps.lending.selectors import (
    earned_explain,
    instalment_explain,
    loan_get_for,
    loans_visible_to,
    servicing_of,
    standing_explain,
)
from apps.lending.services import payoff_quote_of

VIEW = "lending.view"


def loan_response(loan: Loan, *, status: int = 200, location: str = "") -> Response:
    """A loan with what is owed of it, and its ETag."""
    ids = (loan.principal_account_id, loan.interest_account_id, loan.charges_account_id)
    data = answers.LoanDetailAnswer(loan, context={"balances": balances_read(account_ids=ids)}).data
    return respond(data, status=status, version=loan.version, location=location)


class LoansView(ApiView):
    """Loans."""

    permissions: ClassVar = {"GET": VIEW}

    @extend_schema(
        summary="List loans",
        description="Those of the bank, of the user's branches, or the user's own, by the user's role.",
        parameters=[forms.LoansQuery],
        responses=page_of(answers.LoanAnswer),
    )
    def get(self, request: Request) -> Response:
        values = forms.LoansQuery.parse(request)
        loans = loans_visible_to(user_of(request))
        for name, column in (
            ("number", "number"), ("status", "status"), ("loan_product_id", "product"), ("member_id", "member"),
            ("branch_id", "branch"),
        ):  # fmt: skip
            if values[name] is not None:
                loans = loans.filter(**{column: values[name]})
        if values["late"] is not None:
            late = {"standing__days_past_due__gt": 0}
            loans = loans.filter(**late) if values["late"] else loans.exclude(**late)
        return forms.LoansQuery.page(loans, request=request, values=values).response(answers.LoanAnswer)


class LoanView(ApiView):
    """One loan."""

    permissions: ClassVar = {"GET": VIEW}
    read_of = "lending.loan"

    @extend_schema(summary="Read a loan", responses=answers.LoanDetailAnswer)
    @one_moment()
    def get(self, request: Request, loan_id: UUID) -> Response:
        """With what is owed by the books this moment."""
        NoParams.parse(request)
        return loan_response(loan_get_for(user=user_of(request), pk=loan_id))


class LoanScheduleView(ApiView):
    """The schedule of a loan, as it stands or as it stood."""

    permissions: ClassVar = {"GET": VIEW}

    @extend_schema(
        summary="Read the schedule of a loan",
        description="The current version unless another is asked for; only there paid amounts are kept.",
        parameters=[forms.ScheduleQuery],
        responses=answers.LoanScheduleAnswer,
    )
    @one_moment()
    def get(self, request: Request, loan_id: UUID) -> Response:
        values = forms.ScheduleQuery.parse(request)
        loan = loan_get_for(user=user_of(request), pk=loan_id)
        versions = LoanSchedule.objects.filter(loan=loan).select_related("event")
        wanted = {"pk": loan.schedule_id} if values["version"] is None else {"number": values["version"]}
        schedule = versions.filter(**wanted).first()
        if schedule is None:
            raise NotFound("The loan has no such schedule.")
        rows = list(LoanInstalment.objects.filter(schedule=schedule).order_by("number"))
        shown = {
            "loan_id": loan.pk,
            "version": schedule.number,
            "is_current": schedule.pk == loan.schedule_id,
            "made_at": schedule.made_at,
            "event_kind": schedule.event.kind if schedule.event else "",
            "terms": schedule.terms,
            "rows": answers.instalments_shown(rows, loan.currency),
        }
        return respond(answers.LoanScheduleAnswer(shown).data)


class LoanTransactionsView(ApiView):
    """What happened to a loan."""

    permissions: ClassVar = {"GET": VIEW}

    @extend_schema(
        summary="List the events of a loan",
        description="Payments, changes and the like, reversed ones too. A payment of an earlier date moves those after "
        "it: `principal` to `overpaid` say where money went as it stands now.",
        parameters=[forms.LoanEventsQuery],
        responses=page_of(answers.LoanEventAnswer),
    )
    def get(self, request: Request, loan_id: UUID) -> Response:
        values = forms.LoanEventsQuery.parse(request)
        loan = loan_get_for(user=user_of(request), pk=loan_id)
        events = LoanEvent.objects.filter(loan=loan).select_related("loan")
        if values["kind"]:
            events = events.filter(kind=values["kind"])
        return forms.LoanEventsQuery.page(events, request=request, values=values).response(answers.LoanEventAnswer)


class LoanPayoffView(ApiView):
    """What closes a loan."""

    permissions: ClassVar = {"GET": VIEW}
    also_answers: ClassVar = {"GET": frozenset({409})}

    @extend_schema(
        summary="Quote for closing a loan",
        description="Principal, interest by the product's rebate, charges and the fee for closing early, on a day from "
        "today on. 409 where the loan is not active.",
        parameters=[forms.PayoffQuery],
        responses=answers.LoanPayoffAnswer,
    )
    def get(self, request: Request, loan_id: UUID) -> Response:
        values = forms.PayoffQuery.parse(request)
        loan = loan_get_for(user=user_of(request), pk=loan_id)
        date = values["date"] or business_date_current()
        quote = payoff_quote_of(servicing=servicing_of(loan.pk), date=date)
        names = ("principal", "interest", "fees", "penalties", "total")
        amounts = {name: Money(getattr(quote, name), loan.currency) for name in names}
        explained = quote.closing.explain()
        return respond(
            answers.LoanPayoffAnswer({"loan_id": loan.pk, "date": date, **amounts, "explain": explained}).data
        )


class LoanExplainView(ApiView):
    """Explain this number."""

    permissions: ClassVar = {"GET": VIEW}

    @extend_schema(
        summary="Explain a figure of a loan",
        description="`number`: an instalment; `figure`: what the loan's page says of where it stands; `day`: the "
        "interest earned by the morning of a day, today unless given. Inputs, convention, formula, rounding, rows, in "
        "minor units.",
        parameters=[forms.ExplainQuery],
        responses=answers.LoanExplainAnswer,
    )
    def get(self, request: Request, loan_id: UUID) -> Response:
        values = forms.ExplainQuery.parse(request)
        loan = loan_get_for(user=user_of(request), pk=loan_id)
        if sum(value is not None for value in values.values()) > 1:
            raise InvalidRequest("One of number, date and figure.", pointer="/query/number")
        found: dict[str, Any]
        if values["number"] is not None:
            found = instalment_explain(loan=loan, number=values["number"])
        elif values["figure"] is not None:
            found = standing_explain(loan=loan, figure=values["figure"])
        else:
            found = earned_explain(loan=loan, day=values["date"] or business_date_current())
        return respond(answers.LoanExplainAnswer(found | {"amount": Money(found["amount"], loan.currency)}).data)
