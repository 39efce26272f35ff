"""Loan calculations over HTTP: schedules, rates, payoffs, what-if. Stateless: nothing is stored, nothing is posted."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.calculations.api import loan_answers as answers
from apps.calculations.api import loan_forms as forms
from apps.calculations.api import loan_reading as reading
from apps.calculations.errors import CalculationError, ConventionNeeds
from apps.calculations.loans import (
    Change,
    LoanState,
    LoanTerms,
    Payment,
    explain,
    loan_replay,
    loan_schedule,
    moratorium,
    options,
    payoff_quote,
    prepayment_compare,
    reage,
    reamortise,
    reschedule,
)
from apps.calculations.rates import UnitPeriod, apr_eu, apr_regulation_z, percent
from apps.core.api.query import NoParams
from apps.core.api.serializers import body_read
from apps.core.api.views import ApiView, respond

PERMISSION = "calculations.use"
TWELVE = Decimal("1e-12")

LOAN_EXAMPLE = {
    "currency": "EUR",
    "principal": "5000.00",
    "rate_percent": "12",
    "start": "2026-01-31",
    "instalments": 18,
    "instalment_rounding": {"unit": "1.00", "mode": "half_even"},
}


class LoanScheduleView(ApiView):
    """The schedule of a loan."""

    permissions: ClassVar = {"POST": PERMISSION}

    @extend_schema(
        summary="Work out a loan schedule",
        description="Instalments by the terms and conventions of the request. Nothing is stored.",
        request=forms.ScheduleForm,
        responses=answers.ScheduleAnswer,
        examples=[OpenApiExample("18 months", value=LOAN_EXAMPLE, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        values = body_read(forms.ScheduleForm, request)
        reader = reading.Reader(values["currency"])
        terms = reading.terms_read(values, reader)
        try:
            schedule = loan_schedule(terms)
        except CalculationError as error:
            raise reader.faults(error) from error
        shown = answers.Show(values["currency"]).schedule(schedule)
        return respond(shown | {"explain": explain(schedule)} if values["explain"] else shown)


class AprView(ApiView):
    """The annual percentage rate."""

    permissions: ClassVar = {"POST": PERMISSION}

    @extend_schema(
        summary="Work out an annual percentage rate",
        description="Of dated advances and payments: `us_actuarial` by Regulation Z, `eu` by the directive.",
        request=forms.AprForm,
        responses=answers.AprAnswer,
        examples=[
            OpenApiExample(
                "two instalments",
                value={
                    "method": "eu",
                    "currency": "EUR",
                    "advances": [{"date": "2026-01-01", "amount": "1000.00"}],
                    "payments": [
                        {"date": "2027-01-01", "amount": "600.00"},
                        {"date": "2028-01-01", "amount": "600.00"},
                    ],
                },
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        values = body_read(forms.AprForm, request)
        reader = reading.Reader(values["currency"])
        advances = [(date, Decimal(minor)) for date, minor in reader.dated(values["advances"], "/advances")]
        payments = [(date, Decimal(minor)) for date, minor in reader.dated(values["payments"], "/payments")]
        if values["method"] == "us_actuarial":
            rate, unit = apr_regulation_z(advances, payments)
            counted, formula = (
                unit_shown(unit),
                "sum A / ((1 + e i)(1 + i)^q) = sum P / ((1 + f i)(1 + i)^t); APR = i x w",
            )
        else:
            rate, counted = apr_eu(advances, payments, basis=values["basis"]), values["basis"]
            formula = "sum C (1 + X)^-t = sum D (1 + X)^-s; APR = X"
        charge = int(sum(minor for _, minor in payments) - sum(minor for _, minor in advances))
        return respond(
            {
                "apr_percent": str(percent(rate)),
                "rate": str(rate.quantize(TWELVE)),
                "method": values["method"],
                "counted_in": counted,
                "finance_charge": answers.Show(values["currency"]).amount(charge),
                "formula": formula,
            }
        )


def unit_shown(unit: UnitPeriod) -> str:
    """A unit-period in words."""
    if unit.days:
        return f"{unit.days} days"
    return "semimonths" if unit.months < 1 else f"{unit.months} months"


class Told:
    """A loan of a request with what happened to it."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.currency: str = values["loan"]["currency"]
        self.reader = reading.Reader(self.currency, "/loan")
        self.terms: LoanTerms = reading.terms_read(values["loan"], self.reader)
        self.rules = reading.rules_read(values.get("servicing"))
        self.payments, self.charges = reading.events_read(values, self.currency)
        self.date = values["date"]

    def state(self) -> LoanState:
        """The loan on the day of the request."""
        return loan_replay(self.terms, self.payments, self.charges, rules=self.rules, as_of=self.date)


class PayoffView(ApiView):
    """What closes a loan."""

    permissions: ClassVar = {"POST": PERMISSION}

    @extend_schema(
        summary="Quote the payoff of a loan",
        description="What closes the loan: principal, interest by the rebate, charges, a fee for closing early.",
        request=forms.PayoffForm,
        responses=answers.PayoffAnswer,
        examples=[
            OpenApiExample(
                "in the third month",
                value={
                    "loan": LOAN_EXAMPLE,
                    "date": "2026-03-15",
                    "payments": [{"date": "2026-02-28", "amount": "305.00"}],
                    "rebate": "actuarial",
                },
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        values = body_read(forms.PayoffForm, request)
        told = Told(values)
        fee = reading.closing_fee_read(values.get("fee"), told.currency)
        quote = payoff_quote(loan_schedule(told.terms), told.state(), told.date, rebate=values["rebate"], fee=fee)
        return respond(answers.Show(told.currency).payoff(quote))


class WhatIfView(ApiView):
    """A loan before and after something that might happen."""

    permissions: ClassVar = {"POST": PERMISSION}

    @extend_schema(
        summary="Preview a change of a loan",
        description="A prepayment by each strategy, a re-amortisation, re-ageing, reschedule or moratorium: the loan "
        "before, and after. Nothing is stored.",
        request=forms.WhatIfForm,
        responses=answers.WhatIfAnswer,
        examples=[
            OpenApiExample(
                "early money",
                value={"loan": LOAN_EXAMPLE, "date": "2026-02-28", "change": "prepayment", "amount": "2000.00"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        values = body_read(forms.WhatIfForm, request)
        told = Told(values)
        show, state = answers.Show(told.currency), told.state()
        if values["change"] == "prepayment":
            minor = reading.Reader(told.currency).minor(_needed(values, "amount"), "/amount")
            found = prepayment_compare(
                told.terms,
                told.payments,
                told.charges,
                rules=told.rules,
                extra=Payment(told.date, minor),
                strategies=values.get("strategies", options.STRATEGIES),
            )
            outcomes = [show.prepayment(one) for one in found]
        else:
            outcomes = [show.change(values["change"], changed(values, told, state), state)]
        before = [show.paid_row(one) for one in state.rows]
        return respond(
            {"currency": told.currency, "date": told.date.isoformat(), "before": before, "outcomes": outcomes}
        )


def _needed(values: Mapping[str, Any], name: str) -> Any:
    if name not in values:
        raise ConventionNeeds(f"A {values['change']} needs {name}.", pointer=f"/{name}")
    return values[name]


def changed(values: Mapping[str, Any], told: Told, state: LoanState) -> Change:
    """The change that a request asks for."""
    frequency = reading.frequency_read(values["loan"].get("frequency"))
    arrears, kind = values["arrears"], values["change"]
    if kind == "reamortise":
        return reamortise(told.terms, state, told.date, arrears=arrears)
    if kind == "reage":
        return reage(
            told.terms, state, told.date,
            first_due=_needed(values, "first_due"), count=values["periods"], frequency=frequency, arrears=arrears,
        )  # fmt: skip
    if kind == "reschedule":
        rate = reading.rate_read(values["rate_percent"], values["loan"]) if "rate_percent" in values else None
        return reschedule(
            told.terms, state, told.date,
            rate=rate, extra_periods=values["periods"], frequency=frequency,
            grace_principal=values["grace_principal"], arrears=arrears,
        )  # fmt: skip
    return moratorium(
        told.terms, state, told.date,
        periods=values["periods"], interest=values["interest"], extend=values["extend"], frequency=frequency,
        arrears=arrears,
    )  # fmt: skip
