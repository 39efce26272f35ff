"""The calculation engine over HTTP: stateless, nothing is read from the books or written."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.calculations import allocation, business_days, recurrence
from apps.calculations import interest as engine
from apps.calculations.api import serializers as forms
from apps.calculations.calendars import Calendar, calendar_get
from apps.calculations.day_counts import CONVENTIONS, DayCount, Terms, day_count
from apps.calculations.errors import AmountOutOfRange, PeriodNotValid
from apps.calculations.rounding import decimal_text, decimals_round
from apps.core.api.query import NoParams
from apps.core.api.serializers import body_read
from apps.core.api.views import ApiView, respond
from apps.core.currencies import currency_get, minor_format
from apps.core.money import MAX_MINOR, ROUNDING_MODES

USE = "calculations.use"
DEFAULT_LIMIT = 100

DAY_COUNT_EXAMPLE = OpenApiExample(
    "a stub under ACT/ACT ICMA",
    value={
        "convention": "ACT/ACT ICMA",
        "start": "2002-08-15",
        "end": "2003-07-15",
        "reference_start": "2003-01-15",
        "reference_end": "2003-07-15",
    },
    request_only=True,
)
INTEREST_EXAMPLE = OpenApiExample(
    "a tiered savings account for a quarter",
    value={
        "currency": "KES",
        "start": "2026-01-01",
        "end": "2026-04-01",
        "opening_balance": "100000.00",
        "movements": [{"date": "2026-02-10", "amount": "-25000.00"}],
        "rates": [{"tiers": [{"from_balance": "0", "rate": "0.03"}, {"from_balance": "50000", "rate": "0.045"}]}],
        "tiering": "banded",
        "day_count": "ACT/365F",
        "compounding": "daily",
        "posting": "monthly",
        "withholding": [{"rate": "0.15"}],
    },
    request_only=True,
)
RECURRENCE_EXAMPLE = OpenApiExample(
    "the last day of each month, on the business day before",
    value={
        "rule": "FREQ=MONTHLY;BYMONTHDAY=31;COUNT=6",
        "start": "2026-01-31",
        "month_end": "last",
        "calendar": "KE",
        "business_day_convention": "preceding",
    },
    request_only=True,
)
BUSINESS_DAY_EXAMPLE = OpenApiExample(
    "a month later, not leaving the month",
    value={
        "date": "2026-01-31",
        "count": 1,
        "unit": "months",
        "calendar": "TARGET",
        "business_day_convention": "modified_following",
        "end_of_month": True,
    },
    request_only=True,
)


class ConventionsView(ApiView):
    """What may be named in calculations."""

    permissions: ClassVar = {"GET": USE}

    @extend_schema(summary="List conventions", responses={200: forms.ConventionsSerializer})
    def get(self, request: Request) -> Response:
        NoParams.parse(request)
        return respond(
            {
                "day_counts": [
                    {
                        "name": convention.name,
                        "formula": convention.formula,
                        "source": convention.source,
                        "needs": list(convention.needs),
                        "also_called": list(convention.aliases),
                        "additive": convention.additive,
                    }
                    for convention in CONVENTIONS.values()
                ],
                "business_days": list(business_days.CONVENTIONS),
                "roundings": sorted(ROUNDING_MODES),
                "frequencies": list(engine.FREQUENCIES),
                "allocations": list(allocation.METHODS),
            }
        )


class DayCountView(ApiView):
    """The part of a year between two dates."""

    permissions: ClassVar = {"POST": USE}

    @extend_schema(
        summary="Count days",
        description="Days and the exact fraction of a year under a named convention, with the parts it is made of.",
        request=forms.DayCountRequestSerializer,
        responses={200: forms.DayCountResultSerializer},
        examples=[DAY_COUNT_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.DayCountRequestSerializer, request)
        name, start, end = body.pop("convention"), body.pop("start"), body.pop("end")
        if "calendar" in body:
            body["calendar"] = calendar_get(body["calendar"])
        return respond(_day_count_shown(day_count(name, start, end, Terms(**body))))


def _day_count_shown(found: DayCount) -> dict[str, Any]:
    fraction = found.fraction
    return {
        "convention": found.convention.name,
        "start": found.start,
        "end": found.end,
        "days": found.days,
        "fraction": {"numerator": fraction.numerator, "denominator": fraction.denominator},
        "decimal": f"{decimals_round(fraction, 12, 'half_even'):f}",
        "explanation": {
            "formula": found.convention.formula,
            "source": found.convention.source,
            "parts": [{**part._asdict(), "basis": decimal_text(part.basis, places=12)} for part in found.parts],
        },
    }


class BusinessDayView(ApiView):
    """Moving dates to business days."""

    permissions: ClassVar = {"POST": USE}

    @extend_schema(
        summary="Find a business day",
        description="Moves the date by `count` units when they are given, then adjusts it by the convention.",
        request=forms.BusinessDayRequestSerializer,
        responses={200: forms.BusinessDayResultSerializer},
        examples=[BUSINESS_DAY_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.BusinessDayRequestSerializer, request)
        calendar = _with_holidays(calendar_get(body["calendar"]), body)
        convention = business_days.convention_name(body.get("business_day_convention", "following"))
        moved = business_days.date_advance(
            body["date"],
            body.get("count", 0),
            body.get("unit", "days"),
            calendar=calendar,
            convention=convention,
            end_of_month=body.get("end_of_month", False),
        )
        return respond(
            {
                "date": moved,
                "business_day": calendar.is_business_day(moved),
                "calendar": calendar.name,
                "business_day_convention": convention,
            }
        )


class RecurrenceView(ApiView):
    """Dates that repeat."""

    permissions: ClassVar = {"POST": USE}

    @extend_schema(
        summary="List the dates of a recurrence",
        request=forms.RecurrenceRequestSerializer,
        responses={200: forms.RecurrenceResultSerializer},
        examples=[RECURRENCE_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.RecurrenceRequestSerializer, request)
        found = recurrence.occurrences(
            body["rule"],
            body["start"],
            month_end=body.get("month_end", "skip"),
            convention=business_days.convention_name(body.get("business_day_convention", "none")),
            calendar=_with_holidays(calendar_get(body["calendar"]), body) if "calendar" in body else None,
            exclude=frozenset(body.get("exclude", ())),
            until=body.get("end"),
            limit=body.get("limit", DEFAULT_LIMIT),
        )
        return respond(
            {"occurrences": [{"number": one.number, "nominal": one.nominal, "date": one.date} for one in found]}
        )


def _with_holidays(calendar: Calendar, body: dict[str, Any]) -> Calendar:
    """The calendar, closed on the days that the request lists too."""
    listed = body.get("holidays")
    return calendar.joined(Calendar.of_dates("holidays", listed, weekend=())) if listed else calendar


class InterestView(ApiView):
    """Interest on an account."""

    permissions: ClassVar = {"POST": USE}

    @extend_schema(
        summary="Calculate interest",
        description=(
            "Accruals and postings of a deposit or overdraft from its movements and terms, with every row they are"
            " made of. Absent options have the values: day_count ACT/365F, balance daily, tiering whole, rate_per"
            " year, calculation as posting, compounding none, posting monthly, anchor calendar, rounding half_even"
            " to one minor unit, remainder carry."
        ),
        request=forms.InterestRequestSerializer,
        responses={200: forms.InterestResultSerializer},
        examples=[INTEREST_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.InterestRequestSerializer, request)
        currency = body.pop("currency")
        exponent = currency_get(currency).exponent
        if (body["end"] - body["start"]).days > forms.DAYS_MAX:
            raise PeriodNotValid(f"At most {forms.DAYS_MAX} days.", pointer="/end")
        account = _account(body, exponent)
        result = engine.interest_calculate(_terms(body, exponent), account)
        explanation = engine.explain(result, exponent)
        return respond(
            {
                "currency": currency,
                "interest": decimal_text(result.interest, shift=-exponent),
                "posted": minor_format(result.posted, currency),
                "unposted": decimal_text(result.unposted, shift=-exponent),
                "closing_balance": minor_format(result.closing_minor, currency),
                "postings": explanation.pop("postings"),
                "explanation": explanation,
            }
        )


def _minor(value: Decimal, exponent: int, pointer: str) -> int:
    """Minor units of an amount. Raises AmountOutOfRange for more decimals than the currency has, or too much."""
    scaled = value.scaleb(exponent)
    if scaled != scaled.to_integral_value():
        raise AmountOutOfRange(f"This currency has {exponent} decimals.", pointer=pointer)
    if abs(scaled) > MAX_MINOR:
        raise AmountOutOfRange("The amount is above the largest that is reckoned with.", pointer=pointer)
    return int(scaled)


def _account(body: dict[str, Any], exponent: int) -> engine.Account:
    opening = body.pop("opening_balance", None)
    return engine.Account(
        body.pop("start"),
        body.pop("end"),
        None if opening is None else _minor(opening, exponent, "/opening_balance"),
        tuple(
            engine.Movement(row["date"], _minor(row["amount"], exponent, f"/movements/{index}/amount"))
            for index, row in enumerate(body.pop("movements", ()))
        ),
    )


def _terms(body: dict[str, Any], exponent: int) -> engine.InterestTerms:
    """The rest of the body has the names of the terms."""
    for name in ("rates", "overdraft_rates"):
        body[name] = tuple(
            engine.RatePeriod(
                period.get("effective_from", dt.date.min),
                tuple(
                    engine.Tier(_minor(tier["from_balance"], exponent, f"/{name}/{at}/tiers/{number}"), tier["rate"])
                    for number, tier in enumerate(period["tiers"])
                ),
            )
            for at, period in enumerate(body.get(name, ()))
        )
    body["withholding"] = tuple(
        engine.RatePeriod(tax.get("effective_from", dt.date.min), (engine.Tier(0, tax["rate"]),))
        for tax in body.get("withholding", ())
    )
    if "minimum_balance" in body:
        body["minimum_minor"] = _minor(body.pop("minimum_balance"), exponent, "/minimum_balance")
    return engine.InterestTerms(**body)
