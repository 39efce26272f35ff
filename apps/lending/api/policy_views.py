"""How losses are provided for, and who looks after a loan, over HTTP."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import body_read
from apps.core.api.views import NAMES_A_RECORD, ApiView, respond
from apps.core.errors import NotFound
from apps.identity.models import User
from apps.ledger.selectors import business_date_current
from apps.lending.api import ops_answers as answers
from apps.lending.api import ops_forms as forms
from apps.lending.api.forms import fraction
from apps.lending.api.product_views import user_of
from apps.lending.arrears_promises import officer_set
from apps.lending.models import ProvisionPolicy
from apps.lending.provisions import provision_policy_set
from apps.lending.selectors import loan_get_for, product_get_for

PERCENTS = ("pd_12_months", "pd_lifetime", "lgd")


class ProvisionPoliciesView(ApiView):
    """How loans of a product are provided for, from a day on."""

    permissions: ClassVar = {"GET": "lending.manage_products", "POST": "lending.manage_products"}
    also_answers: ClassVar = NAMES_A_RECORD

    @extend_schema(
        summary="List the provision policies of a loan product",
        parameters=[forms.ProvisionPoliciesQuery],
        responses=page_of(answers.ProvisionPolicyAnswer),
    )
    def get(self, request: Request, loan_product_id: UUID) -> Response:
        """By the day from which they hold, the newest first; before the first, the buckets of the terms count."""
        values = forms.ProvisionPoliciesQuery.parse(request)
        product = product_get_for(user=user_of(request), pk=loan_product_id)
        found = ProvisionPolicy.objects.filter(product=product)
        page = forms.ProvisionPoliciesQuery.page(found, request=request, values=values)
        return page.response(answers.ProvisionPolicyAnswer)

    @extend_schema(
        summary="Set a provision policy",
        description="By bucket of arrears, or by IFRS 9: exposure x probability of default x loss given default. "
        "Closes that are done stay as they were.",
        request=forms.ProvisionPolicyForm,
        responses={201: answers.ProvisionPolicyAnswer},
    )
    def post(self, request: Request, loan_product_id: UUID) -> Response:
        NoParams.parse(request)
        user = user_of(request)
        product = product_get_for(user=user, pk=loan_product_id)
        body = body_read(forms.ProvisionPolicyForm, request)
        shares: dict[str, Any] = {
            name: fraction(body.pop(f"{name}_percent")) for name in PERCENTS if f"{name}_percent" in body
        }
        policy = provision_policy_set(
            acting_user=user, product_id=product.pk, today=business_date_current(), at=clock.now(), **body, **shares
        )
        location = f"/api/v1/loan-products/{product.pk}/provision-policies"
        return respond(answers.ProvisionPolicyAnswer(policy).data, status=201, location=location)


class LoanOfficerView(ApiView):
    """Who looks after a loan."""

    permissions: ClassVar = {"POST": "lending.decide"}
    also_answers: ClassVar = NAMES_A_RECORD

    @extend_schema(summary="Give a loan to an officer", request=forms.OfficerForm, responses=answers.LoanOfficerAnswer)
    def post(self, request: Request, loan_id: UUID) -> Response:
        """A member of staff in one's reach: the loan is in that person's day, and missed promises are told there."""
        NoParams.parse(request)
        user = user_of(request)
        loan = loan_get_for(user=user, pk=loan_id)
        body = body_read(forms.OfficerForm, request)
        officer = User.objects.filter(pk=body["user_id"], is_active=True, is_staff=True).first()
        if officer is None or (user.scope != "all" and officer.branch_id not in user.branch_ids):
            raise NotFound("No such member of staff.", pointer="/user_id")
        row = officer_set(
            acting_user=user, loan_id=loan.pk, officer=officer, today=business_date_current(), at=clock.now()
        )
        return respond(answers.LoanOfficerAnswer(row).data)
