"""What the loan calculations are asked: the fields of a request; `loan_reading` makes terms of the engine of them.

Amounts are decimal strings in the loan's currency, rates percentages a year. Every convention has a name; those left
out have the default that the field's help says.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from apps.calculations.business_days import CONVENTIONS as DAY_RULES
from apps.calculations.day_counts import CONVENTIONS
from apps.calculations.loans import (
    COMPONENTS,
    REBATES,
    options,
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
from apps.core.money import ROUNDING_MODES

EVENTS_MAX = 2_000
"""Payments and charges in one request: each is looked at for each instalment."""


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
    rate_compounding = ChoiceField(
        choices=list(options.COMPOUNDINGS), default="per_period",
        help_text="How often the rate compounds: `half_yearly` in Canada, `yearly` for an effective rate.",
    )  # fmt: skip
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
    step_percent = DecimalField(
        max_digits=12, decimal_places=8, default=Decimal(0), min_value=Decimal(-90), max_value=Decimal(100),
        help_text="By how much the level instalment rises with each step; below zero it falls.",
    )  # fmt: skip
    step_every = IntegerField(min_value=1, max_value=options.INSTALMENTS_MAX, default=12, help_text="Instalments.")
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
