"""Requests and answers of day counts, business days, recurrence and interest.

The fields have the names of the engine's arguments, so that the pointer of a refusal is that of the request.
"""

from __future__ import annotations

from rest_framework import serializers

from apps.calculations import business_days, recurrence
from apps.calculations.interest import FREQUENCIES
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

MOVEMENTS_MAX, RATES_MAX, TIERS_MAX, HOLIDAYS_MAX, OCCURRENCES_MAX = 5_000, 200, 50, 2_000, 1_000
DAYS_MAX = 3_700
_ROUNDING_HELP = "half_even, half_up, half_down, half_odd, half_ceiling, half_floor, up, down, ceiling or floor."
_FREQUENCY_HELP = f"One of {', '.join(FREQUENCIES)}."
_CALENDAR_HELP = "SAT/SUN, FRI/SAT, SUN, NONE, TARGET, BRAZIL, a country (KE), an exchange (NYSE); joined by +."


def _amount(**kwargs: object) -> DecimalField:
    return DecimalField(max_digits=20, decimal_places=4, **kwargs)


def _rate(**kwargs: object) -> DecimalField:
    return DecimalField(max_digits=20, decimal_places=12, **kwargs)


class DayCountRequestSerializer(StrictSerializer):
    """Two dates and the name of a convention, with what it needs besides."""

    convention = TextField(max_length=100, help_text="A name of the list of conventions, such as ACT/360.")
    start = DateField(help_text="The first day, which counts.")
    end = DateField(help_text="The day after the last that counts.")
    frequency = IntegerField(required=False, min_value=1, max_value=12, help_text="Coupons a year.")
    reference_start = DateField(required=False, help_text="The regular coupon period that the dates belong to.")
    reference_end = DateField(required=False)
    period_end = DateField(required=False, help_text="The next coupon date after the start.")
    schedule_start = DateField(required=False, help_text="The first date of the whole schedule.")
    maturity = DateField(required=False, help_text="The last date of the whole schedule.")
    end_of_month = BooleanField(required=False, help_text="Coupons fall on the last days of months.")
    include_end = BooleanField(required=False, help_text="The last day counts too (ACT/n).")
    calendar = TextField(required=False, max_length=200, help_text=_CALENDAR_HELP)


class FractionSerializer(serializers.Serializer):
    """An exact fraction."""

    numerator = serializers.IntegerField()
    denominator = serializers.IntegerField()


class PartSerializer(serializers.Serializer):
    """Days over the days of a year; the fraction is the sum of its parts."""

    start = serializers.DateField()
    end = serializers.DateField()
    days = serializers.IntegerField()
    basis = serializers.CharField(help_text="Days of the year that they are divided by; 1 for whole years.")
    note = serializers.CharField()


class DayCountExplanationSerializer(serializers.Serializer):
    """How the fraction came about."""

    formula = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    parts = PartSerializer(many=True)


class DayCountResultSerializer(serializers.Serializer):
    """The days and the fraction of a year between two dates."""

    convention = serializers.CharField()
    start = serializers.DateField()
    end = serializers.DateField()
    days = serializers.IntegerField(help_text="As the convention counts them.")
    fraction = FractionSerializer()
    decimal = serializers.CharField(help_text="The fraction with 12 decimals, rounded half to even.")
    explanation = DayCountExplanationSerializer()


class ConventionSerializer(serializers.Serializer):
    """A day count."""

    name = serializers.CharField()
    formula = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    needs = serializers.ListField(child=serializers.CharField())
    also_called = serializers.ListField(child=serializers.CharField())
    additive = serializers.BooleanField(help_text="The pieces of a period add up to the whole period.")


class ConventionsSerializer(serializers.Serializer):
    """Every option of the engine, by name."""

    day_counts = ConventionSerializer(many=True)
    business_days = serializers.ListField(child=serializers.CharField())
    roundings = serializers.ListField(child=serializers.CharField())
    frequencies = serializers.ListField(child=serializers.CharField())
    allocations = serializers.ListField(child=serializers.CharField())


class BusinessDayRequestSerializer(StrictSerializer):
    """A date, moved by a period if one is given, and adjusted."""

    date = DateField()
    calendar = TextField(max_length=200, help_text=_CALENDAR_HELP)
    holidays = serializers.ListField(child=DateField(), required=False, max_length=HOLIDAYS_MAX)
    business_day_convention = TextField(
        required=False, max_length=64, help_text=f"One of {', '.join(business_days.CONVENTIONS)}; following if absent."
    )
    count = IntegerField(required=False, min_value=-10_000, max_value=10_000, help_text="Periods to move by.")
    unit = ChoiceField(choices=business_days.UNITS, required=False)
    end_of_month = BooleanField(required=False, help_text="From the end of a month to the end of a month.")


class BusinessDayResultSerializer(serializers.Serializer):
    """The date and whether it is a business day."""

    date = serializers.DateField()
    business_day = serializers.BooleanField()
    calendar = serializers.CharField()
    business_day_convention = serializers.CharField()


class RecurrenceRequestSerializer(StrictSerializer):
    """A rule of RFC 5545 with the rules of banks for month ends and holidays."""

    rule = TextField(max_length=recurrence.RULE_LENGTH_MAX, help_text="FREQ=MONTHLY;BYMONTHDAY=31")
    start = DateField()
    end = DateField(required=False, help_text="The last date that counts.")
    limit = IntegerField(required=False, min_value=1, max_value=OCCURRENCES_MAX, help_text="100 if absent.")
    month_end = ChoiceField(choices=recurrence.MONTH_ENDS, required=False, help_text="skip if absent.")
    business_day_convention = TextField(required=False, max_length=64)
    calendar = TextField(required=False, max_length=200, help_text=_CALENDAR_HELP)
    holidays = serializers.ListField(child=DateField(), required=False, max_length=HOLIDAYS_MAX)
    exclude = serializers.ListField(child=DateField(), required=False, max_length=HOLIDAYS_MAX)


class OccurrenceSerializer(serializers.Serializer):
    """One date of a rule."""

    number = serializers.IntegerField()
    nominal = serializers.DateField(help_text="The date of the rule.")
    date = serializers.DateField(help_text="The date after moving to a business day.")


class RecurrenceResultSerializer(serializers.Serializer):
    """The dates of a rule, in order."""

    occurrences = OccurrenceSerializer(many=True)


class TierSerializer(StrictSerializer):
    """A rate from a balance on."""

    from_balance = _amount(min_value=0, help_text="The first tier begins at 0.")
    rate = _rate(help_text="A fraction a year: 0.055 is 5.5 %.")


class RatePeriodSerializer(StrictSerializer):
    """Rates from a date on."""

    effective_from = DateField(required=False, help_text="From the beginning if absent.")
    tiers = TierSerializer(many=True, min_length=1, max_length=TIERS_MAX)  # type: ignore[call-arg]


class TaxSerializer(StrictSerializer):
    """A tax kept back from interest, from a date on."""

    effective_from = DateField(required=False)
    rate = _rate(min_value=0, max_value=1)


class MovementSerializer(StrictSerializer):
    """A change of the balance with its value date."""

    date = DateField()
    amount = _amount(help_text="Below zero for money that leaves.")


class InterestRequestSerializer(StrictSerializer):
    """An account's movements and the terms of its interest."""

    currency = CurrencyField()
    start = DateField()
    end = DateField(help_text=f"The day after the last that earns; at most {DAYS_MAX} days after the start.")
    opening_balance = _amount(required=False, help_text="If absent the account opens with its first movement.")
    movements = MovementSerializer(many=True, required=False, max_length=MOVEMENTS_MAX)  # type: ignore[call-arg]
    rates = RatePeriodSerializer(many=True, min_length=1, max_length=RATES_MAX)  # type: ignore[call-arg]
    overdraft_rates = RatePeriodSerializer(many=True, required=False, max_length=RATES_MAX)  # type: ignore[call-arg]
    day_count = TextField(required=False, max_length=100)
    balance = ChoiceField(choices=("daily", "minimum", "average"), required=False)
    within_day = BooleanField(required=False, help_text="The minimum at any moment, not at the end of days.")
    tiering = ChoiceField(choices=("whole", "banded"), required=False)
    tier_above = BooleanField(required=False, help_text="Tiers begin above their balance, not at it.")
    rate_per = ChoiceField(choices=("year", "period"), required=False)
    calculation = TextField(required=False, max_length=16, help_text=_FREQUENCY_HELP)
    compounding = TextField(required=False, max_length=16, help_text=_FREQUENCY_HELP)
    posting = TextField(required=False, max_length=16, help_text=_FREQUENCY_HELP)
    anchor = ChoiceField(choices=("calendar", "start"), required=False)
    minimum_balance = _amount(required=False, min_value=0, help_text="A balance below it earns nothing.")
    accrual_decimals = IntegerField(required=False, min_value=0, max_value=12)
    accrual_rounding = TextField(required=False, max_length=32, help_text=_ROUNDING_HELP)
    posting_rounding = TextField(required=False, max_length=32, help_text=_ROUNDING_HELP)
    posting_unit = IntegerField(required=False, min_value=1, max_value=10**9, help_text="Minor units.")
    remainder = TextField(required=False, max_length=16, help_text="carry or drop.")
    withholding = TaxSerializer(many=True, required=False, max_length=RATES_MAX)  # type: ignore[call-arg]
    withholding_rounding = TextField(required=False, max_length=32, help_text=_ROUNDING_HELP)
    capitalise = BooleanField(required=False, help_text="Postings are added to the balance; true if absent.")
    close = BooleanField(required=False, help_text="All is posted at the end.")


class PostingSerializer(serializers.Serializer):
    """Interest posted on a date for the days before it."""

    date = serializers.DateField()
    start = serializers.DateField(help_text="First day.")
    credit = serializers.CharField()
    debit = serializers.CharField()
    tax = serializers.CharField()
    net = serializers.CharField()
    exact = serializers.CharField(help_text="Before rounding.")
    carried = serializers.CharField(help_text="Goes on to the next posting.")


class SliceSerializer(serializers.Serializer):
    """A part of a balance and its rate."""

    amount = serializers.CharField()
    rate = serializers.CharField()


class AccrualSerializer(serializers.Serializer):
    """Interest of some days."""

    start = serializers.DateField()
    end = serializers.DateField()
    days = serializers.IntegerField()
    balance = serializers.CharField()
    compounded = serializers.CharField()
    fraction = serializers.CharField()
    slices = SliceSerializer(many=True)
    interest = serializers.CharField()


class RoundingSerializer(serializers.Serializer):
    """Where figures were rounded, and how."""

    accrual = serializers.CharField()
    posting = serializers.CharField()
    tax = serializers.CharField()


class InterestConventionSerializer(serializers.Serializer):
    """The day count that was used."""

    day_count = serializers.CharField()
    formula = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]


class InterestExplanationSerializer(serializers.Serializer):
    """How the interest came about, row by row."""

    convention = InterestConventionSerializer()
    formula = serializers.CharField()
    rounding = RoundingSerializer()
    rows = AccrualSerializer(many=True)


class InterestResultSerializer(serializers.Serializer):
    """Interest of a period. Amounts are decimal strings of the currency."""

    currency = serializers.CharField()
    interest = serializers.CharField(help_text="Earned less owed, before rounding.")
    posted = serializers.CharField(help_text="Before tax.")
    unposted = serializers.CharField(help_text="Accrued and not posted at the end, before rounding.")
    closing_balance = serializers.CharField()
    postings = PostingSerializer(many=True)
    explanation = InterestExplanationSerializer()
