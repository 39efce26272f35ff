"""Security, guarantors, promises and pauses of loans over HTTP."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.selectors import account_get_for
from apps.core import clock
from apps.core.api.query import NoParams
from apps.core.api.serializers import NoBodySerializer, body_read
from apps.core.api.views import ApiView, respond
from apps.core.errors import NotFound
from apps.core.money import Money
from apps.identity.models import User
from apps.ledger.selectors import business_date_current
from apps.lending.api import ops_answers as answers
from apps.lending.api import ops_forms as forms
from apps.lending.api.forms import fraction
from apps.lending.api.product_views import minor_of, user_of
from apps.lending.arrears_promises import pause_add, promise_make
from apps.lending.collateral import collateral_add, collateral_release, coverage_read, valuation_add
from apps.lending.guarantors import guarantor_add, guarantor_release
from apps.lending.models import Collateral, Guarantor, Loan, LoanPause, PaymentPromise
from apps.lending.selectors import loan_get_for, loans_visible_to
from apps.members.selectors import member_get_for

VIEW, SECURE = "lending.view", "lending.secure"
AGAIN: dict[str, frozenset[int]] = {"POST": frozenset({404, 409})}
PROMISES_SHOWN = 50


class LoanSecurityView(ApiView):
    """What stands behind a loan."""

    permissions: ClassVar = {"GET": VIEW}

    @extend_schema(summary="Read what secures a loan", responses=answers.LoanSecurityAnswer)
    def get(self, request: Request, loan_id: UUID) -> Response:
        """Released ones too; only the others cover."""
        NoParams.parse(request)
        loan = loan_get_for(user=user_of(request), pk=loan_id)
        found = coverage_read(loan=loan)
        share = found["share"]
        shown = {
            "owed": Money(found["owed"], loan.currency),
            "collateral_counted": Money(found["collateral"], loan.currency),
            "guaranteed": Money(found["guarantees"], loan.currency),
            "share_percent": None if share is None else f"{share * 100:.2f}",
            "formula": found["formula"],
            "collateral": list(Collateral.objects.filter(loan=loan).select_related("loan")),
            "guarantors": list(Guarantor.objects.filter(loan=loan).select_related("loan")),
        }
        return respond(answers.LoanSecurityAnswer(shown).data)


class LoanCollateralView(ApiView):
    """Pledging a thing."""

    permissions: ClassVar = {"POST": SECURE}
    also_answers: ClassVar = AGAIN

    @extend_schema(
        summary="Pledge a thing for a loan", request=forms.CollateralForm, responses={201: answers.CollateralAnswer}
    )
    def post(self, request: Request, loan_id: UUID) -> Response:
        """It counts once it has a value."""
        NoParams.parse(request)
        loan = loan_get_for(user=user_of(request), pk=loan_id)
        body = body_read(forms.CollateralForm, request)
        share = fraction(body.pop("share_percent", None))
        thing = collateral_add(
            acting_user=user_of(request),
            loan_id=loan.pk,
            at=clock.now(),
            share=Decimal(1) if share is None else share,
            **body,
        )
        return respond(answers.CollateralAnswer(thing).data, status=201, location=_security(loan))


def _security(loan: Loan) -> str:
    return f"/api/v1/loans/{loan.pk}/security"


def _thing(user: User, collateral_id: UUID) -> Collateral:
    """The thing, if the user may see its loan. Raises NotFound."""
    loans = loans_visible_to(user).order_by().values("pk")
    thing = Collateral.objects.select_related("loan").filter(pk=collateral_id, loan__in=loans).first()
    if thing is None:
        raise NotFound("No such collateral.")
    return thing


class CollateralValuationsView(ApiView):
    """Valuing a thing."""

    permissions: ClassVar = {"POST": SECURE}
    also_answers: ClassVar = AGAIN

    @extend_schema(summary="Add a valuation", request=forms.ValuationForm, responses={201: answers.CollateralAnswer})
    def post(self, request: Request, collateral_id: UUID) -> Response:
        """The newest by date is the thing's value."""
        NoParams.parse(request)
        thing = _thing(user_of(request), collateral_id)
        body = body_read(forms.ValuationForm, request)
        thing = valuation_add(
            acting_user=user_of(request), collateral_id=thing.pk, valued_on=body["valued_on"], valuer=body["valuer"],
            amount=minor_of(body["amount"], currency=thing.loan.currency, pointer="/amount/currency"),
            today=business_date_current(), at=clock.now(),
        )  # fmt: skip
        return respond(answers.CollateralAnswer(thing).data, status=201, location=_security(thing.loan))


class CollateralReleaseView(ApiView):
    """Giving a thing back."""

    permissions: ClassVar = {"POST": SECURE}
    also_answers: ClassVar = AGAIN

    @extend_schema(summary="Release collateral", request=NoBodySerializer, responses=answers.CollateralAnswer)
    def post(self, request: Request, collateral_id: UUID) -> Response:
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        thing = _thing(user_of(request), collateral_id)
        thing = collateral_release(
            acting_user=user_of(request), collateral_id=thing.pk, today=business_date_current(), at=clock.now()
        )
        return respond(answers.CollateralAnswer(thing).data)


class LoanGuarantorsView(ApiView):
    """Vouching for a loan."""

    permissions: ClassVar = {"POST": SECURE}
    also_answers: ClassVar = AGAIN

    @extend_schema(
        summary="Add a guarantor",
        description="With an account of the guarantor, so much of its savings is held at once, until the release.",
        request=forms.GuarantorForm,
        responses={201: answers.GuarantorAnswer},
    )
    def post(self, request: Request, loan_id: UUID) -> Response:
        NoParams.parse(request)
        user = user_of(request)
        loan = loan_get_for(user=user, pk=loan_id)
        body = body_read(forms.GuarantorForm, request)
        member = member_get_for(user=user, pk=body["member_id"])
        account = account_get_for(user=user, pk=body["account_id"]) if body.get("account_id") else None
        guarantor = guarantor_add(
            acting_user=user, loan_id=loan.pk, member_id=member.pk, account_id=account.pk if account else None,
            amount=minor_of(body["amount"], currency=loan.currency, pointer="/amount/currency"), at=clock.now(),
        )  # fmt: skip
        return respond(answers.GuarantorAnswer(guarantor).data, status=201, location=_security(loan))


class GuarantorReleaseView(ApiView):
    """Letting a guarantor go."""

    permissions: ClassVar = {"POST": SECURE}
    also_answers: ClassVar = AGAIN

    @extend_schema(summary="Release a guarantor", request=NoBodySerializer, responses=answers.GuarantorAnswer)
    def post(self, request: Request, guarantor_id: UUID) -> Response:
        """What was held goes back to the account."""
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        user = user_of(request)
        loans = loans_visible_to(user).order_by().values("pk")
        found = Guarantor.objects.filter(pk=guarantor_id, loan__in=loans).first()
        if found is None:
            raise NotFound("No such guarantor.")
        guarantor = guarantor_release(
            acting_user=user, guarantor_id=found.pk, today=business_date_current(), at=clock.now()
        )
        return respond(answers.GuarantorAnswer(guarantor).data)


class LoanArrearsView(ApiView):
    """How late a loan is."""

    permissions: ClassVar = {"GET": VIEW}

    @extend_schema(summary="Read the arrears of a loan", responses=answers.LoanArrearsAnswer)
    def get(self, request: Request, loan_id: UUID) -> Response:
        """As of its last close or event."""
        NoParams.parse(request)
        loan = loan_get_for(user=user_of(request), pk=loan_id)
        standing, promises = loan.standing, PaymentPromise.objects.filter(loan=loan).select_related("loan")
        shown = {
            **{
                name: getattr(standing, name)
                for name in ("as_of", "days_past_due", "bucket", "stage", "is_non_accrual")
            },
            "overdue": Money(standing.overdue_total, loan.currency),
            "suspended": Money(standing.suspended, loan.currency),
            "provision": Money(standing.provision, loan.currency),
            "promises": list(promises[:PROMISES_SHOWN]),
            "pauses": list(LoanPause.objects.filter(loan=loan)[:PROMISES_SHOWN]),
        }
        return respond(answers.LoanArrearsAnswer(shown).data)


class LoanPromisesView(ApiView):
    """Noting a promise."""

    permissions: ClassVar = {"POST": SECURE}
    also_answers: ClassVar = AGAIN

    @extend_schema(summary="Note a promise to pay", request=forms.PromiseForm, responses={201: answers.PromiseAnswer})
    def post(self, request: Request, loan_id: UUID) -> Response:
        """The close of its day says whether it was kept."""
        NoParams.parse(request)
        loan = loan_get_for(user=user_of(request), pk=loan_id)
        body = body_read(forms.PromiseForm, request)
        promise = promise_make(
            acting_user=user_of(request), loan_id=loan.pk, due_on=body["due_on"], note=body.get("note", ""),
            amount=minor_of(body["amount"], currency=loan.currency, pointer="/amount/currency"),
            today=business_date_current(), at=clock.now(),
        )  # fmt: skip
        location = f"/api/v1/loans/{loan.pk}/arrears"
        return respond(answers.PromiseAnswer(promise).data, status=201, location=location)


class LoanPausesView(ApiView):
    """Pausing arrears."""

    permissions: ClassVar = {"POST": "lending.change"}
    also_answers: ClassVar = AGAIN

    @extend_schema(summary="Pause the arrears of a loan", request=forms.PauseForm, responses={201: answers.PauseAnswer})
    def post(self, request: Request, loan_id: UUID) -> Response:
        """Closes that are done stay as they were."""
        NoParams.parse(request)
        loan = loan_get_for(user=user_of(request), pk=loan_id)
        body = body_read(forms.PauseForm, request)
        pause = pause_add(
            acting_user=user_of(request), loan_id=loan.pk, today=business_date_current(), at=clock.now(), **body
        )
        location = f"/api/v1/loans/{loan.pk}/arrears"
        return respond(answers.PauseAnswer(pause).data, status=201, location=location)
