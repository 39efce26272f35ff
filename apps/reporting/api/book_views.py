"""Closing years, and how statements are laid out and translated, over HTTP."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import NoBodySerializer, body_read
from apps.core.api.views import ApiView, respond
from apps.core.errors import NotFound
from apps.core.trace import trace_id
from apps.identity.models import User
from apps.ledger.selectors import branches_in_reach
from apps.reporting import services
from apps.reporting.api import book_serializers as forms
from apps.reporting.models import StatementLayout, TranslationRate, YearClose
from apps.reporting.statements import BUILT_IN, KINDS

YEARS = range(1900, 2201)


def _whole_bank(request: Request) -> User:
    """The caller. Raises `NotFound` for those who do not see the whole bank: years are closed for all of it."""
    user = cast("User", request.user)
    if branches_in_reach(user=user) is not None:
        raise NotFound
    return user


def _year(year: int) -> int:
    if year not in YEARS:
        raise NotFound("There is no such year.")
    return year


class YearsView(ApiView):
    """Years that were closed."""

    permissions: ClassVar = {"GET": "ledger.view"}

    @extend_schema(
        summary="List closed years",
        parameters=[forms.YearListParams],
        responses=page_of(forms.YearCloseSerializer),
    )
    def get(self, request: Request) -> Response:
        """With what each moved into retained earnings; for those who see the whole bank."""
        values = forms.YearListParams.parse(request)
        years = YearClose.objects.all()
        if branches_in_reach(user=cast("User", request.user)) is not None:
            years = years.none()
        return forms.YearListParams.page(years, request=request, values=values).response(forms.YearCloseSerializer)


class YearCloseView(ApiView):
    """The close of a year."""

    permissions: ClassVar = {"POST": "ledger.manage_periods"}
    idempotent_methods = frozenset({"POST"})
    also_answers: ClassVar = {"POST": frozenset({404})}

    @extend_schema(
        summary="Close a year",
        description="Moves income and expense into retained earnings, branch by branch, on the year's last day. What "
        "was moved is not moved again, under whatever key; a posting that came late into the year is.",
        request=None,
        responses={200: forms.YearCloseSerializer},
    )
    def post(self, request: Request, year: int) -> Response:
        NoParams.parse(request)
        body_read(NoBodySerializer, request)
        state = services.year_close(
            acting_user=_whole_bank(request), year=_year(year), at=clock.now(), correlation_id=trace_id()
        )
        return respond(forms.YearCloseSerializer(state).data)


class YearReopenView(ApiView):
    """Opening a year again."""

    permissions: ClassVar = {"POST": "reporting.reopen_year"}
    idempotent_methods = frozenset({"POST"})
    also_answers: ClassVar = {"POST": frozenset({404})}

    @extend_schema(
        summary="Open a closed year again",
        description="Posts the mirror images of its closing entries on its last day, whose period must be open.",
        request=forms.YearReopenSerializer,
        responses={200: forms.YearCloseSerializer},
    )
    def post(self, request: Request, year: int) -> Response:
        NoParams.parse(request)
        body = body_read(forms.YearReopenSerializer, request)
        state = services.year_reopen(
            acting_user=_whole_bank(request),
            year=_year(year),
            reason=body["reason"],
            at=clock.now(),
            correlation_id=trace_id(),
        )
        return respond(forms.YearCloseSerializer(state).data)


class LayoutsView(ApiView):
    """Layouts of statements."""

    permissions: ClassVar = {"GET": "ledger.view", "POST": "reporting.layouts"}

    @extend_schema(
        summary="List layouts of statements",
        description="Those that the bank wrote, newest first.",
        parameters=[forms.LayoutListParams],
        responses=page_of(forms.LayoutSerializer),
    )
    def get(self, request: Request) -> Response:
        values = forms.LayoutListParams.parse(request)
        layouts = StatementLayout.objects.all()
        if values["kind"]:
            layouts = layouts.filter(kind=values["kind"])
        return forms.LayoutListParams.page(layouts, request=request, values=values).response(forms.LayoutSerializer)

    @extend_schema(
        summary="Write a layout of a statement",
        description="The next version; it holds from now on. Every node of the chart must be in it once.",
        request=forms.LayoutRequestSerializer,
        responses={201: forms.LayoutSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.LayoutRequestSerializer, request)
        layout = services.layout_write(
            acting_user=cast("User", request.user),
            kind=body["kind"],
            definition=body["definition"],
            note=body["note"],
            at=clock.now(),
        )
        location = f"/api/v1/reports/layouts/{layout.kind}"
        return respond(forms.LayoutSerializer(layout).data, status=201, location=location)


class LayoutView(ApiView):
    """The layout that holds for a statement."""

    permissions: ClassVar = {"GET": "ledger.view", "DELETE": "reporting.layouts"}

    @extend_schema(
        summary="Read the layout of a statement",
        description="The one that holds now; `number` 0 is the built-in.",
        responses=forms.LayoutSerializer,
    )
    def get(self, request: Request, kind: str) -> Response:
        NoParams.parse(request)
        if kind not in KINDS:
            raise NotFound("There is no such layout.")
        layout: Any = StatementLayout.objects.filter(kind=kind, is_active=True).first()
        if layout is None:
            built_in = StatementLayout(kind=kind, number=0, definition=BUILT_IN[kind], note="Built in")
            layout = built_in
        return respond(forms.LayoutSerializer(layout).data)

    @extend_schema(summary="Go back to the built-in layout", request=None, responses={204: None})
    def delete(self, request: Request, kind: str) -> Response:
        """The bank's own versions stay in the list."""
        NoParams.parse(request)
        if kind not in KINDS:
            raise NotFound("There is no such layout.")
        services.layout_reset(acting_user=cast("User", request.user), kind=kind, at=clock.now())
        return Response(status=204)


class RatesView(ApiView):
    """Rates by which statements are translated."""

    permissions: ClassVar = {"GET": "ledger.view", "POST": "reporting.layouts"}

    @extend_schema(
        summary="List rates of translation",
        parameters=[forms.RateListParams],
        responses=page_of(forms.RateSerializer),
    )
    def get(self, request: Request) -> Response:
        """The newest day first."""
        values = forms.RateListParams.parse(request)
        rates = TranslationRate.objects.all()
        if values["currency"]:
            rates = rates.filter(currency=values["currency"])
        return forms.RateListParams.page(rates, request=request, values=values).response(forms.RateSerializer)

    @extend_schema(
        summary="Set a rate of translation",
        description="Units of the base currency for one unit at the end of a day. A correction replaces it.",
        request=forms.RateRequestSerializer,
        responses={200: forms.RateSerializer},
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.RateRequestSerializer, request)
        row = services.translation_rate_set(acting_user=cast("User", request.user), at=clock.now(), **body)
        return respond(forms.RateSerializer(row).data)
