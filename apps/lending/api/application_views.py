"""Loan applications over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.selectors import account_get_for
from apps.approvals.services import request_submit
from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import NoBodySerializer, body_read
from apps.core.api.views import NAMES_A_RECORD, ApiView, respond
from apps.core.errors import NotFound, PermissionDenied
from apps.ledger.selectors import business_date_current
from apps.lending import services
from apps.lending.actions import APPLICATION, application_payload
from apps.lending.api import answers, forms
from apps.lending.api.loan_views import loan_response
from apps.lending.api.product_views import minor_of, user_of
from apps.lending.models import LoanApplication
from apps.lending.selectors import application_get_for, applications_visible_to, loan_get_for, product_get_for
from apps.members.selectors import member_get_for, member_of_user

APPLY, DECIDE, VIEW = "lending.apply", "lending.decide", "lending.view"

APPLICATION_EXAMPLE = OpenApiExample(
    "A personal loan",
    value={
        "loan_product_id": "019a9d0c-4d1e-7c5e-8f3b-2a1d0c9b8a7f",
        "member_id": "019a9d0c-5b02-7d41-9c66-8e0f1a2b3c4d",
        "amount": {"amount": "50000.00", "currency": "KES"},
        "instalments": 12,
        "purpose": "Two sewing machines",
        "finances": {"income": {"amount": "42000.00", "currency": "KES"}},
    },
    request_only=True,
)


def application_response(application: LoanApplication, *, status: int = 200, location: str = "") -> Response:
    """An application with its ETag."""
    data = answers.LoanApplicationAnswer(application).data
    return respond(data, status=status, version=application.version, location=location)


def _asked(request: Request, body: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """The fields of a draft as the service takes them; an account must be one that the caller may see."""
    asked: dict[str, Any] = {
        name: body[name] for name in ("instalments", "first_due", "purpose", "pay_out") if name in body
    }
    if "amount" in body:
        asked["amount"] = minor_of(body["amount"], currency=currency, pointer="/amount/currency")
    if "rate_percent" in body:
        asked["rate"] = forms.fraction(body["rate_percent"])
    if "account_id" in body:
        asked["account_id"] = account_get_for(user=user_of(request), pk=body["account_id"]).pk
    if "finances" in body:
        asked["finances"] = {
            name: minor_of(money, currency=currency, pointer=f"/finances/{name}/currency")
            for name, money in body["finances"].items()
        }
    return asked


def _fresh(request: Request, application_id: UUID) -> LoanApplication:
    return application_get_for(user=user_of(request), pk=application_id)


class LoanApplicationsView(ApiView):
    """Applications, and new drafts."""

    permissions: ClassVar = {"GET": VIEW, "POST": APPLY}
    also_answers: ClassVar = NAMES_A_RECORD

    @extend_schema(
        summary="List loan applications",
        description="Those of the bank, of the user's branches, or the user's own, by the user's role.",
        parameters=[forms.ApplicationsQuery],
        responses=page_of(answers.LoanApplicationAnswer),
    )
    def get(self, request: Request) -> Response:
        values = forms.ApplicationsQuery.parse(request)
        applications = applications_visible_to(user_of(request))
        for name, column in (
            ("status", "status"), ("loan_product_id", "product"), ("member_id", "member"), ("branch_id", "branch"),
        ):  # fmt: skip
            if values[name] is not None:
                applications = applications.filter(**{column: values[name]})
        page = forms.ApplicationsQuery.page(applications, request=request, values=values)
        return page.response(answers.LoanApplicationAnswer)

    @extend_schema(
        summary="Begin a loan application",
        description="A draft: it may be incomplete until it is submitted. Members apply for themselves.",
        request=forms.ApplicationForm,
        responses={201: answers.LoanApplicationAnswer},
        examples=[APPLICATION_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        user = user_of(request)
        body = body_read(forms.ApplicationForm, request)
        product = product_get_for(user=user, pk=body["loan_product_id"])
        if user.scope in ("all", "branch"):
            member = member_get_for(user=user, pk=body["member_id"])
        else:
            own = member_of_user(user_id=user.pk)
            if own is None or own.pk != body["member_id"]:
                raise NotFound("No such member.")
            member = own
        application = services.application_save(
            acting_user=user,
            business_date=business_date_current(),
            product_id=product.pk,
            member_id=member.pk,
            **_asked(request, body, product.currency_id),
        )
        location = f"/api/v1/loan-applications/{application.pk}"
        return application_response(_fresh(request, application.pk), status=201, location=location)


class LoanApplicationView(ApiView):
    """One application."""

    permissions: ClassVar = {"GET": VIEW, "PATCH": APPLY}
    also_answers: ClassVar = {"PATCH": frozenset({409})}

    @extend_schema(summary="Read a loan application", responses=answers.LoanApplicationAnswer)
    def get(self, request: Request, application_id: UUID) -> Response:
        NoParams.parse(request)
        return application_response(_fresh(request, application_id))

    @extend_schema(
        summary="Change a draft",
        request=forms.ApplicationChangeForm,
        responses={200: answers.LoanApplicationAnswer},
    )
    def patch(self, request: Request, application_id: UUID) -> Response:
        """What is not sent stays. 409 once it is submitted."""
        NoParams.parse(request)
        application = _fresh(request, application_id)
        body = body_read(forms.ApplicationChangeForm, request, partial=True)
        services.application_save(
            acting_user=user_of(request),
            business_date=business_date_current(),
            application_id=application.pk,
            expected_version=self.expected_version,
            **_asked(request, body, application.product.currency_id),
        )
        return application_response(_fresh(request, application_id))


class LoanApplicationSubmissionView(ApiView):
    """Asking for the bank's decision."""

    permissions: ClassVar = {"POST": APPLY}
    if_match_methods: ClassVar = frozenset({"POST"})
    also_answers: ClassVar = {"POST": frozenset({404, 409})}

    @extend_schema(
        summary="Submit an application",
        description="It is checked against the product's terms of today, with affordability and score. Where a policy "
        "wants it, approval is asked for at once: `approval_id` names the request.",
        request=NoBodySerializer,
        responses=answers.LoanApplicationAnswer,
    )
    def post(self, request: Request, application_id: UUID) -> Response:
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        user, at = user_of(request), clock.now()
        application = _fresh(request, application_id)
        with transaction.atomic():
            application = services.application_submit(
                acting_user=user,
                application_id=application.pk,
                expected_version=self.expected_version,
                business_date=business_date_current(),
                at=at,
            )
            approval = request_submit(kind=APPLICATION, maker=user, payload=application_payload(application), at=at)
            if approval is not None:
                services.application_wait(application_id=application.pk, request_id=approval.public_id)
        return application_response(_fresh(request, application_id))


class LoanApplicationDecisionView(ApiView):
    """The bank's decision, where no policy asks for approval."""

    permissions: ClassVar = {"POST": DECIDE}
    also_answers: ClassVar = {"POST": frozenset({404, 409})}

    @extend_schema(
        summary="Decide on an application",
        description="An offer as asked, or with other figures; or a rejection with a reason. Nobody decides on what he "
        "entered, submitted or asked for himself.",
        request=forms.ApplicationDecisionForm,
        responses=answers.LoanApplicationAnswer,
    )
    def post(self, request: Request, application_id: UUID) -> Response:
        NoParams.parse(request)
        application = _fresh(request, application_id)
        body = body_read(forms.ApplicationDecisionForm, request)
        amount = body.get("amount")
        services.application_decide(
            acting_user=user_of(request),
            application_id=application.pk,
            approve=body["approve"],
            note=body.get("note", ""),
            amount=amount and minor_of(amount, currency=application.product.currency_id, pointer="/amount/currency"),
            rate=forms.fraction(body.get("rate_percent")),
            instalments=body.get("instalments"),
            business_date=business_date_current(),
            at=clock.now(),
        )
        return application_response(_fresh(request, application_id))


class LoanApplicationVerificationView(ApiView):
    """What the application says was checked."""

    permissions: ClassVar = {"POST": DECIDE}
    also_answers: ClassVar = {"POST": frozenset({404, 409})}

    @extend_schema(
        summary="Confirm that an application was verified",
        description="Income, documents, address; by somebody else than who wrote it. Where the product asks for it, "
        "nothing is offered before.",
        request=forms.VerificationForm,
        responses=answers.LoanApplicationAnswer,
    )
    def post(self, request: Request, application_id: UUID) -> Response:
        NoParams.parse(request)
        application = _fresh(request, application_id)
        body = body_read(forms.VerificationForm, request)
        services.application_verify(
            acting_user=user_of(request), application_id=application.pk, expected_version=application.version,
            note=body["note"], at=clock.now(),
        )  # fmt: skip
        return application_response(_fresh(request, application_id))


class LoanApplicationDocumentsView(ApiView):
    """The check list of documents."""

    permissions: ClassVar = {"POST": APPLY}
    also_answers: ClassVar = {"POST": frozenset({404, 409})}

    @extend_schema(
        summary="Mark a document as received", request=forms.DocumentForm, responses=answers.LoanApplicationAnswer
    )
    def post(self, request: Request, application_id: UUID) -> Response:
        """Or, with null, as still missing. Staff only: members see the list."""
        NoParams.parse(request)
        application = _fresh(request, application_id)
        if user_of(request).scope not in ("all", "branch"):
            raise PermissionDenied("The bank notes which documents came.", permission=APPLY)
        body = body_read(forms.DocumentForm, request)
        services.document_mark(acting_user=user_of(request), application_id=application.pk, **body)
        return application_response(_fresh(request, application_id))


class LoanApplicationWithdrawalView(ApiView):
    """The borrower wants it no more."""

    permissions: ClassVar = {"POST": APPLY}
    also_answers: ClassVar = {"POST": frozenset({404, 409})}

    @extend_schema(summary="Withdraw an application", request=NoBodySerializer, responses=answers.LoanApplicationAnswer)
    def post(self, request: Request, application_id: UUID) -> Response:
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        application = _fresh(request, application_id)
        services.application_withdraw(acting_user=user_of(request), application_id=application.pk, at=clock.now())
        return application_response(_fresh(request, application_id))


class LoanApplicationAcceptanceView(ApiView):
    """The borrower accepts the offer."""

    permissions: ClassVar = {"POST": APPLY}
    also_answers: ClassVar = {"POST": frozenset({404, 409})}

    @extend_schema(
        summary="Accept an offer",
        description="The loan comes into being, to be paid out.",
        request=NoBodySerializer,
        responses={201: answers.LoanDetailAnswer},
    )
    def post(self, request: Request, application_id: UUID) -> Response:
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        user = user_of(request)
        application = _fresh(request, application_id)
        loan = services.offer_accept(
            acting_user=user, application_id=application.pk, business_date=business_date_current(), at=clock.now()
        )
        return loan_response(loan_get_for(user=user, pk=loan.pk), status=201, location=f"/api/v1/loans/{loan.pk}")
