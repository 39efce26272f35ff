"""Compliance over HTTP: flags, requests about personal data, legal holds."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, ClassVar, cast
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.audit.services import record
from apps.compliance import services
from apps.compliance.api import serializers as forms
from apps.compliance.errors import NotAvailable
from apps.compliance.retention import certificate_pdf, member_data
from apps.compliance.selectors import flag_get_for, flags_visible_to, hold_get_for, request_get_for, requests_visible_to
from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import body_read
from apps.core.api.views import NAMES_A_RECORD, ApiView, respond
from apps.core.errors import InvalidRequest, NotFound
from apps.identity.guards import step_up_check
from apps.ledger.selectors import business_date_current
from apps.members.selectors import member_get_for, member_of_user

if TYPE_CHECKING:
    from apps.identity.models import User
    from apps.members.models import Member

DATA_DAYS = 30
"""How long after the request the data can be fetched."""


def user_of(request: Request) -> User:
    """Who asks: these views have a user."""
    return cast("User", request.user)


class FlagsView(ApiView):
    """What was unusual."""

    permissions: ClassVar = {"GET": "compliance.view"}

    @extend_schema(
        summary="List flags of unusual activity", parameters=[forms.FlagsQuery], responses=page_of(forms.FlagSerializer)
    )
    def get(self, request: Request) -> Response:
        values = forms.FlagsQuery.parse(request)
        columns = {"status": "status", "rule": "rule", "object_id": "subject_id"}
        wanted = {column: values[name] for name, column in columns.items() if values[name] is not None}
        flags = flags_visible_to(user_of(request)).filter(**wanted)
        return forms.FlagsQuery.page(flags, request=request, values=values).response(forms.FlagSerializer)


class FlagView(ApiView):
    """One flag."""

    permissions: ClassVar = {"GET": "compliance.view"}

    @extend_schema(summary="Read a flag", responses=forms.FlagSerializer)
    def get(self, request: Request, flag_id: UUID) -> Response:
        NoParams.parse(request)
        flag = flag_get_for(user=user_of(request), pk=flag_id)
        return respond(forms.FlagSerializer(flag).data, version=flag.version)


class FlagDecisionView(ApiView):
    """What a flag turned out to be."""

    permissions: ClassVar = {"POST": "compliance.clear"}
    if_match_methods = frozenset({"POST"})

    @extend_schema(
        summary="Clear or confirm a flag",
        request=forms.FlagDecisionSerializer,
        responses={200: forms.FlagSerializer},
    )
    def post(self, request: Request, flag_id: UUID) -> Response:
        NoParams.parse(request)
        flag = flag_get_for(user=user_of(request), pk=flag_id)
        body = body_read(forms.FlagDecisionSerializer, request)
        flag = services.flag_decide(
            acting_user=user_of(request),
            flag_id=flag.pk,
            expected_version=self.expected_version,
            at=clock.now(),
            **body,
        )
        return respond(forms.FlagSerializer(flag).data, version=flag.version)


class PrivacyRequestsView(ApiView):
    """Requests about personal data, and new ones."""

    permissions: ClassVar = {"GET": "compliance.request", "POST": "compliance.request"}
    also_answers: ClassVar = NAMES_A_RECORD

    @extend_schema(
        summary="List requests about personal data",
        parameters=[forms.PrivacyRequestsQuery],
        responses=page_of(forms.PrivacyRequestSerializer),
    )
    def get(self, request: Request) -> Response:
        values = forms.PrivacyRequestsQuery.parse(request)
        wanted = {name: values[name] for name in ("kind", "status", "member_id") if values[name] is not None}
        found = requests_visible_to(user_of(request)).filter(**wanted)
        page = forms.PrivacyRequestsQuery.page(found, request=request, values=values)
        return page.response(forms.PrivacyRequestSerializer)

    @extend_schema(
        summary="Ask for one's data, or for its erasure",
        description=(
            "The data can be fetched at once, for 30 days. An erasure is decided by compliance; what the law has the "
            "bank keep is pseudonymised, and a certificate says which."
        ),
        request=forms.PrivacyRequestMakeSerializer,
        responses={201: forms.PrivacyRequestSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body: dict[str, Any] = body_read(forms.PrivacyRequestMakeSerializer, request)
        member = self._member(user_of(request), body.pop("member_id", None))
        made = services.request_make(acting_user=user_of(request), member=member, at=clock.now(), **body)
        location = f"/api/v1/privacy/requests/{made.pk}"
        data = forms.PrivacyRequestSerializer(made).data
        return respond(data, status=201, version=made.version, location=location)

    @staticmethod
    def _member(user: User, member_id: UUID | None) -> Member:
        if member_id is None:
            own = member_of_user(user_id=user.pk)
            if own is None:
                raise InvalidRequest("Say for which member.", pointer="/member_id")
            return own
        if user.scope != "own" and not user.has_permission("compliance.view"):
            raise NotFound("No such member.")
        return member_get_for(user=user, pk=member_id)


class PrivacyRequestView(ApiView):
    """One request."""

    permissions: ClassVar = {"GET": "compliance.request"}

    @extend_schema(summary="Read a request about personal data", responses=forms.PrivacyRequestSerializer)
    def get(self, request: Request, privacy_request_id: UUID) -> Response:
        NoParams.parse(request)
        found = request_get_for(user=user_of(request), pk=privacy_request_id)
        return respond(forms.PrivacyRequestSerializer(found).data, version=found.version)


class PrivacyDataView(ApiView):
    """The data that was asked for."""

    permissions: ClassVar = {"GET": "compliance.request"}

    @extend_schema(
        summary="Fetch the data that was asked for",
        description="Made when it is fetched, for 30 days after the request. Each fetch is recorded. Needs a step-up.",
        responses={(200, "application/json"): OpenApiTypes.OBJECT},
    )
    def get(self, request: Request, privacy_request_id: UUID) -> HttpResponse:
        NoParams.parse(request)
        found = request_get_for(user=user_of(request), pk=privacy_request_id)
        at = clock.now()
        step_up_check(user_of(request), at=at)
        if at - found.created_at > dt.timedelta(days=DATA_DAYS):
            raise NotAvailable("The data could be fetched for 30 days; ask again.")
        content = member_data(found)
        record(
            action="compliance.export.fetched",
            acting_user=request.user,
            kind="access",
            object_type="members.member",
            object_id=str(found.member_id),
            object_label=found.member.number,
            after={"bytes": len(content)},
        )
        name = f"member-data-{found.member.number}.json"
        return HttpResponse(
            content,
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


class CertificateView(ApiView):
    """The certificate of an erasure."""

    permissions: ClassVar = {"GET": "compliance.request"}

    @extend_schema(
        summary="Fetch the certificate of an erasure", responses={(200, "application/pdf"): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, privacy_request_id: UUID) -> HttpResponse:
        NoParams.parse(request)
        found = request_get_for(user=user_of(request), pk=privacy_request_id)
        if found.certificate is None:
            raise NotAvailable("Nothing was erased by this request.")
        name = f"erasure-{found.certificate['member_number']}.pdf"
        return HttpResponse(
            certificate_pdf(found),
            content_type="application/pdf",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


class ErasureDecisionView(ApiView):
    """Whether a member's data is erased."""

    permissions: ClassVar = {"POST": "compliance.decide"}
    if_match_methods = frozenset({"POST"})

    @extend_schema(
        summary="Decide an erasure",
        description="Not by who asked. Refused while a legal hold lies on the member or accounts are open.",
        request=forms.ErasureDecisionSerializer,
        responses={200: forms.PrivacyRequestSerializer},
    )
    def post(self, request: Request, privacy_request_id: UUID) -> Response:
        NoParams.parse(request)
        found = request_get_for(user=user_of(request), pk=privacy_request_id)
        body = body_read(forms.ErasureDecisionSerializer, request)
        done = services.erasure_decide(
            acting_user=user_of(request),
            request_id=found.pk,
            expected_version=self.expected_version,
            today=business_date_current(),
            at=clock.now(),
            **body,
        )
        return respond(forms.PrivacyRequestSerializer(done).data, version=done.version)


class LegalHoldsView(ApiView):
    """Holds on members' data."""

    permissions: ClassVar = {"POST": "compliance.decide"}
    also_answers: ClassVar = NAMES_A_RECORD

    @extend_schema(
        summary="Place a legal hold",
        request=forms.LegalHoldPlaceSerializer,
        responses={201: forms.LegalHoldSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.LegalHoldPlaceSerializer, request)
        member = member_get_for(user=user_of(request), pk=body["member_id"])
        hold = services.hold_place(acting_user=user_of(request), member=member, reason=body["reason"])
        return respond(forms.LegalHoldSerializer(hold).data, status=201)


class LegalHoldLiftView(ApiView):
    """The end of a hold."""

    permissions: ClassVar = {"POST": "compliance.decide"}

    @extend_schema(
        summary="Lift a legal hold", request=forms.LegalHoldLiftSerializer, responses={200: forms.LegalHoldSerializer}
    )
    def post(self, request: Request, legal_hold_id: UUID) -> Response:
        NoParams.parse(request)
        hold = hold_get_for(user=user_of(request), pk=legal_hold_id)
        body = body_read(forms.LegalHoldLiftSerializer, request)
        hold = services.hold_lift(acting_user=user_of(request), hold_id=hold.pk, at=clock.now(), **body)
        return respond(forms.LegalHoldSerializer(hold).data)
