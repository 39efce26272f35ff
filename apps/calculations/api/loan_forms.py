"""What the loan calculations are asked: the fields of a request, and how they become terms of the engine.

Amounts are decimal strings in the loan's currency, rates percentages a year. Every convention has a name; those left
out have the default that the field's help says.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from rest_framework import serializers

from apps.calculations.business_days import CONVENTIONS as DAY_RULES
from apps.calculations.business_days import date_adjust
from apps.calculations.calendars import calendar_get
from apps.calculations.day_counts import CONVENTIONS
from apps.calculations.errors import CalculationError, ConventionNeeds
from apps.calculations.loans import (
    COMPONENTS,
    REBATES,
    AllocationOrder,
    Charge,
    ClosingFee,
    Fee,
    Frequency,
    LoanTerms,
    Payment,
    Rounding,
    ServicingRules,
    due_dates,
    options,
    periods_of,
)
from apps.core.api.fields import (
    BooleanField,
    ChoiceField,
    CurrencyField,
    DateField,
    DecimalField,
    IntegerField,
    TextField,
)
from apps.core.api.serializers import StrictSerializer
from apps.core.currencies import currency_get
from apps.core.money import ROUNDING_MODES, amount_parse

EVENTS_MAX = 2_000
"""Payments and charges in one request: each is looked at for each instalment."""

RENAMED = {"/rate": "/rate_percent", "/periods": "/due_dates", "/period_years": "/frequency"}
"""Terms of the engine that the request calls otherwise."""


def percentage(**kwargs: Any) -> DecimalField:
    """A percentage as a decimal string."""
    return DecimalField(max_digits=14, decimal_places=8, min_value=Decimal(0), **kwargs)


def amount(**kwargs: Any) -> TextField:
    """An amount in the loan's currency; read once the currency is known."""
    kwargs.setdefault("help_text", 'A decimal string in the currency of the loan, such as "1250.00".')
    return TextField(max_length=32, **kwargs)


def several(form: type[serializers.Serializer], most: int, *, required: bool = False) -> serializers.ListField:
    """Up to `most` of a form; at least one when it is required."""
    return serializers.ListField(child=form(), required=required, max_length=most, min_length=1 if required else 0)


INTEREST = [options.PER_PERIOD, *CONVENTIONS]


class RoundingForm(StrictSerializer):
    """To a multiple of a unit, by a mode."""

    unit = amount(required=False, help_text='"1.00" rounds to whole units; the smallest unit unless given.')
    mode = ChoiceField(choices=sorted(ROUNDING_MODES), default="half_up")


class FrequencyForm(StrictSerializer):
    """Every so many units."""

    unit = ChoiceField(choices=options.UNITS, default="months")
    every = IntegerField(min_value=1, max_value=366, default=1)
    days = serializers.ListField(
        child=IntegerField(min_value=1, max_value=31), min_length=2, max_length=2, default=[1, 16],
        help_text="Of semimonths: the two days of a month.",
    )  # fmt: skip


class ShareForm(StrictSerializer):
    """The share of an instalment, as a fraction."""

    principal = DecimalField(max_digits=20, decimal_places=18, min_value=Decimal(0), max_value=Decimal(1))
    interest = DecimalField(max_digits=20, decimal_places=18, min_value=Decimal(0), required=False, allow_null=True)


class DatedAmountForm(StrictSerializer):
    """An amount on a day."""

    date = DateField()
    amount = amount()


class RateChangeForm(StrictSerializer):
    """Another rate from a day on."""

    date = DateField()
    rate_percent = percentage()


class FeeForm(StrictSerializer):
    """A fee: an amount, a percentage of a base, or both."""

    name = TextField(max_length=100)
    kind = ChoiceField(choices=options.FEE_KINDS)
    base = ChoiceField(choices=options.FEE_BASES, default="flat")
    amount = amount(required=False)
    percent = percentage(required=False)
    penalty = BooleanField(default=False)


class ChargeForm(StrictSerializer):
    """A fee or penalty with its own due date."""

    due = DateField()
    amount = amount()
    penalty = BooleanField(default=False)


class OrderForm(StrictSerializer):
    """Which component a payment pays first: of what is due, and of what is not yet."""

    due = serializers.ListField(
        child=ChoiceField(choices=COMPONENTS), min_length=4, max_length=4, default=list(COMPONENTS)
    )
    in_advance = serializers.ListField(
        child=ChoiceField(choices=COMPONENTS), min_length=4, max_length=4, required=False
    )
    sweep = ChoiceField(choices=options.SWEEPS, default="instalment")


class ServicingForm(StrictSerializer):
    """How payments work."""

    order = OrderForm(required=False)
    recalculate = BooleanField(default=True, help_text="Interest follows the days on which principal was really owed.")
    rest = ChoiceField(choices=options.RESTS, default="daily")
    prepayment = ChoiceField(choices=options.STRATEGIES, default="lower_instalment")
    overdue = ChoiceField(choices=options.OVERDUE, default="running")
    compounding = BooleanField(default=False, help_text="Overdue interest bears interest as well.")


class LoanForm(StrictSerializer):
    """The terms of a loan."""

    currency = CurrencyField()
    principal = amount()
    rate_percent = percentage(help_text="A year, nominal.")
    start = DateField(help_text="The day of the first disbursement.")
    instalments = IntegerField(min_value=1, max_value=options.INSTALMENTS_MAX, required=False)
    frequency = FrequencyForm(required=False)
    first_due = DateField(required=False, help_text="Makes the first period short or long.")
    due_dates = serializers.ListField(
        child=DateField(), required=False, min_length=1, max_length=options.INSTALMENTS_MAX,
        help_text="An irregular calendar, instead of frequency and instalments.",
    )  # fmt: skip
    season = serializers.ListField(
        child=IntegerField(min_value=1, max_value=12),
        required=False,
        help_text="Months with payments; others have none.",
    )
    calendar = TextField(max_length=100, required=False, help_text="Whose days off due dates move off.")
    day_rule = ChoiceField(choices=sorted(DAY_RULES), default="following")
    method = ChoiceField(choices=options.METHODS, default="declining")
    amortization = ChoiceField(choices=options.AMORTIZATIONS, default="equal_instalments")
    interest = ChoiceField(
        choices=INTEREST, default=options.PER_PERIOD,
        help_text="`per_period`: the same for each whole period; else a day count, day by day.",
    )  # fmt: skip
    level = ChoiceField(
        choices=options.LEVELS, default="periods",
        help_text="Periods of the level instalment: as they are, nominal, or months of 30 days over 365 or 360.",
    )  # fmt: skip
    first_interest = ChoiceField(choices=options.FIRST_INTEREST, default="period")
    remainder = ChoiceField(choices=options.REMAINDERS, default="last")
    interest_rounding = RoundingForm(required=False)
    round_parts = BooleanField(default=False)
    principal_rounding = RoundingForm(required=False)
    instalment_rounding = RoundingForm(required=False)
    instalment = amount(required=False, help_text="A level instalment that was agreed.")
    balloon = amount(required=False)
    grace_principal = IntegerField(min_value=0, max_value=options.INSTALMENTS_MAX, default=0)
    grace_interest = IntegerField(min_value=0, max_value=options.INSTALMENTS_MAX, default=0)
    interest_free = IntegerField(min_value=0, max_value=options.INSTALMENTS_MAX, default=0)
    interest_in_grace = BooleanField(default=True)
    shares = several(ShareForm, options.INSTALMENTS_MAX)
    tranches = several(DatedAmountForm, 100)
    rate_changes = several(RateChangeForm, 500)
    fees = several(FeeForm, 20)


class ScheduleForm(LoanForm):
    """A schedule, with its explanation when it is asked for."""

    explain = BooleanField(default=False)


class AprForm(StrictSerializer):
    """The annual percentage rate of dated advances and payments."""

    method = ChoiceField(choices=options.APR_METHODS, default="eu")
    basis = ChoiceField(
        choices=options.YEAR_BASES, default="days_365", help_text="How years are counted; not for the US."
    )
    currency = CurrencyField()
    advances = several(DatedAmountForm, 100, required=True)
    payments = several(DatedAmountForm, options.INSTALMENTS_MAX, required=True)


class EventsForm(StrictSerializer):
    """A loan and what happened to it."""

    loan = LoanForm()
    servicing = ServicingForm(required=False)
    payments = several(DatedAmountForm, EVENTS_MAX)
    charges = several(ChargeForm, EVENTS_MAX)


class ClosingFeeForm(StrictSerializer):
    """A fee for closing early."""

    amount = amount(required=False)
    percent = percentage(required=False)
    base = ChoiceField(choices=options.CLOSING_BASES, default="principal")


class PayoffForm(EventsForm):
    """What closes a loan on a day."""

    date = DateField()
    rebate = ChoiceField(choices=REBATES, default="actuarial")
    fee = ClosingFeeForm(required=False)


class WhatIfForm(EventsForm):
    """A loan, and what might happen to it on a day."""

    date = DateField()
    change = ChoiceField(choices=options.CHANGES)
    amount = amount(required=False, help_text="Of a prepayment.")
    strategies = serializers.ListField(child=ChoiceField(choices=options.STRATEGIES), required=False, min_length=1)
    rate_percent = percentage(required=False, help_text="The new rate of a reschedule.")
    periods = IntegerField(
        min_value=0, max_value=options.INSTALMENTS_MAX, default=0,
        help_text="Of a moratorium; more instalments of a reschedule; all of a re-ageing.",
    )  # fmt: skip
    grace_principal = IntegerField(min_value=0, max_value=options.INSTALMENTS_MAX, default=0)
    first_due = DateField(required=False, help_text="Of a re-ageing.")
    interest = ChoiceField(choices=options.MORATORIUM_INTEREST, default="deferred")
    extend = BooleanField(default=True)
    arrears = ChoiceField(choices=options.ARREARS, default="capitalised")


class Reader:
    """Reads the amounts of a request in its currency, and names what is at fault as the request does."""

    def __init__(self, currency: str, prefix: str = "") -> None:
        self.currency, self.prefix = currency, prefix
        self.exponent = currency_get(currency).exponent

    def minor(self, text: str | None, pointer: str, *, positive: bool = True) -> int:
        """An amount in minor units; none is zero."""
        return (
            0 if text is None else amount_parse(text, self.exponent, positive=positive, pointer=self.prefix + pointer)
        )

    def dated(self, values: Sequence[Mapping[str, Any]], pointer: str) -> list[tuple[dt.date, int]]:
        """Amounts on days."""
        return [(one["date"], self.minor(one["amount"], f"{pointer}/{n}/amount")) for n, one in enumerate(values)]

    def rounding(self, values: Mapping[str, Any], name: str) -> Rounding:
        """A rounding, to the minor unit unless its unit is given."""
        given = values.get(name) or {}
        unit = self.minor(given["unit"], f"/{name}/unit") if "unit" in given else 1
        return Rounding(unit, given.get("mode", "half_up"))

    def faults(self, error: CalculationError) -> CalculationError:
        """The error with the pointer of the request."""
        pointer = error.pointer or ""
        for engine, request in RENAMED.items():
            if pointer == engine or pointer.startswith(f"{engine}/"):
                pointer = request + pointer[len(engine) :]
        error.pointer = (self.prefix + pointer) or None
        return error


def terms_read(values: Mapping[str, Any], reader: Reader) -> LoanTerms:
    """The terms of the engine. Raises CalculationError with the pointer of the request."""
    try:
        return _terms(values, reader)
    except CalculationError as error:
        raise reader.faults(error) from error


def _terms(values: Mapping[str, Any], reader: Reader) -> LoanTerms:
    frequency = frequency_read(values.get("frequency"))
    nominal = _dues(values, frequency)
    adjust = None
    if "calendar" in values:
        calendar, rule = calendar_get(values["calendar"], pointer="/calendar"), values["day_rule"]

        def adjust(day: dt.date) -> dt.date:
            return date_adjust(day, rule, calendar)

    terms = LoanTerms(
        principal=reader.minor(values["principal"], "/principal"),
        rate=values["rate_percent"] / 100,
        periods=periods_of(values["start"], nominal, adjust=adjust),
        period_years=frequency.years,
        annuity_years=options.level_years(values["level"], frequency),
        interest_rounding=reader.rounding(values, "interest_rounding"),
        principal_rounding=reader.rounding(values, "principal_rounding"),
        instalment_rounding=reader.rounding(values, "instalment_rounding"),
        instalment=reader.minor(values["instalment"], "/instalment") if "instalment" in values else None,
        balloon=reader.minor(values.get("balloon"), "/balloon", positive=False),
        shares=tuple(
            (Fraction(one["principal"]), None if one.get("interest") is None else Fraction(one["interest"]))
            for one in values.get("shares", ())
        ),
        tranches=tuple(reader.dated(values.get("tranches", ()), "/tranches")),
        rate_changes=tuple((one["date"], one["rate_percent"] / 100) for one in values.get("rate_changes", ())),
        fees=tuple(_fee(one, reader, n) for n, one in enumerate(values.get("fees", ()))),
        **{name: values[name] for name in options.PLAIN_TERMS},
    )
    terms.check()
    return terms


def frequency_read(values: Mapping[str, Any] | None) -> Frequency:
    """A frequency; monthly unless given."""
    if values is None:
        return Frequency()
    return Frequency(values["unit"], values["every"], (values["days"][0], values["days"][1]))


def _dues(values: Mapping[str, Any], frequency: Frequency) -> list[dt.date]:
    if "due_dates" in values:
        return list(values["due_dates"])
    if "instalments" not in values:
        raise ConventionNeeds("A schedule needs a number of instalments, or due dates.", pointer="/instalments")
    return due_dates(
        values["start"], values["instalments"], frequency,
        first_due=values.get("first_due"), season=values.get("season", ()),
    )  # fmt: skip


def _fee(values: Mapping[str, Any], reader: Reader, n: int) -> Fee:
    return Fee(
        values["name"],
        values["kind"],
        values["base"],
        reader.minor(values.get("amount"), f"/fees/{n}/amount"),
        values.get("percent", Decimal(0)) / 100,
        values["penalty"],
    )


def rules_read(values: Mapping[str, Any] | None) -> ServicingRules:
    """How payments work; recalculated daily unless told otherwise."""
    values = values or {"recalculate": True}
    order = values.get("order")
    advance = order.get("in_advance") if order else None
    given = AllocationOrder(tuple(order["due"]), tuple(advance) if advance else None, order["sweep"]) if order else None
    names = ("recalculate", "rest", "prepayment", "overdue", "compounding")
    plain = {name: values[name] for name in names if name in values}
    return ServicingRules(**plain) if given is None else ServicingRules(order=given, **plain)


def events_read(values: Mapping[str, Any], currency: str) -> tuple[list[Payment], list[Charge]]:
    """Payments and charges."""
    reader = Reader(currency)
    payments = [Payment(date, minor) for date, minor in reader.dated(values.get("payments", ()), "/payments")]
    charges = [
        Charge(one["due"], reader.minor(one["amount"], f"/charges/{n}/amount"), one["penalty"])
        for n, one in enumerate(values.get("charges", ()))
    ]
    return payments, charges


def closing_fee_read(values: Mapping[str, Any] | None, currency: str) -> ClosingFee:
    """A fee for closing early; none unless given."""
    if values is None:
        return ClosingFee()
    minor = Reader(currency).minor(values.get("amount"), "/fee/amount")
    return ClosingFee(minor, values.get("percent", Decimal(0)) / 100, values["base"])
