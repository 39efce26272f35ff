"""What the loan calculations answer: amounts as decimal strings in the loan's currency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from apps.calculations.loans import Change, LoanState, Payoff, Prepayment, Row, RowState, Schedule
from apps.core.currencies import minor_format


def shown_amount() -> serializers.CharField:
    """An amount."""
    return serializers.CharField(help_text="A decimal string in the currency of the answer.")


class RowAnswer(serializers.Serializer):
    """An instalment. `opening` and `closing` are the principal before and after it."""

    number = serializers.IntegerField()
    start = serializers.DateField()
    due = serializers.DateField()
    days = serializers.IntegerField()
    opening = shown_amount()
    disbursed = shown_amount()
    principal = shown_amount()
    interest = shown_amount()
    fees = shown_amount()
    penalties = shown_amount()
    total = shown_amount()
    closing = shown_amount()


class PaidRowAnswer(RowAnswer):
    """An instalment and what is paid of it."""

    paid = shown_amount()
    outstanding = shown_amount()
    paid_on = serializers.DateField(allow_null=True)


class TotalsAnswer(serializers.Serializer):
    """Everything that falls due."""

    principal = shown_amount()
    interest = shown_amount()
    fees = shown_amount()
    penalties = shown_amount()
    total = shown_amount()


class ScheduleAnswer(serializers.Serializer):
    """A schedule. `explain` has inputs, conventions, formula, rounding and rows, in minor units."""

    currency = serializers.CharField()
    instalments = serializers.ListField(child=serializers.CharField(), help_text="The level instalments worked out.")
    disbursed_net = serializers.CharField(help_text="The principal without upfront and financed fees.")
    rows = RowAnswer(many=True)
    totals = TotalsAnswer()
    explain = serializers.DictField(required=False)


class AprAnswer(serializers.Serializer):
    """The rate, and how it was counted."""

    apr_percent = serializers.CharField(help_text="Half up to two decimals.")
    rate = serializers.CharField(help_text="The fraction, to 12 decimals.")
    method = serializers.CharField()
    counted_in = serializers.CharField(help_text="The unit-period, or how years were counted.")
    finance_charge = shown_amount()
    formula = serializers.CharField()


class PayoffAnswer(serializers.Serializer):
    """What closes the loan on the day."""

    currency = serializers.CharField()
    date = serializers.DateField()
    principal = shown_amount()
    interest = shown_amount()
    unearned_interest = shown_amount()
    fees = shown_amount()
    penalties = shown_amount()
    closing_fee = shown_amount()
    total = shown_amount()
    explain = serializers.DictField()


class OutcomeAnswer(serializers.Serializer):
    """The loan after a change."""

    name = serializers.CharField(help_text="The strategy of a prepayment, or the change.")
    rows = PaidRowAnswer(many=True)
    totals = TotalsAnswer()
    interest_difference = serializers.CharField(help_text="Interest after the change less that before it.")
    instalments_left = serializers.IntegerField()
    next_instalment = shown_amount()
    last_due = serializers.DateField()
    capitalised = shown_amount()


class WhatIfAnswer(serializers.Serializer):
    """The loan before, and after each way of the change."""

    currency = serializers.CharField()
    date = serializers.DateField()
    before = PaidRowAnswer(many=True)
    outcomes = OutcomeAnswer(many=True)


class Show:
    """Shows amounts in a currency."""

    def __init__(self, currency: str) -> None:
        self.currency = currency

    def amount(self, minor: int) -> str:
        """A decimal string."""
        return minor_format(minor, self.currency)

    def row(self, row: Row) -> dict[str, Any]:
        """An instalment."""
        amounts = ("opening", "disbursed", "principal", "interest", "fees", "penalties", "total", "closing")
        return {
            "number": row.number,
            "start": row.start.isoformat(),
            "due": row.due.isoformat(),
            "days": row.days,
            **{name: minor_format(getattr(row, name), self.currency) for name in amounts},
        }

    def paid_row(self, state: RowState) -> dict[str, Any]:
        """An instalment and what is paid of it."""
        return self.row(state.row) | {
            "paid": self.amount(state.paid_total),
            "outstanding": self.amount(state.outstanding),
            "paid_on": state.paid_date.isoformat() if state.paid_date else None,
        }

    def totals(self, rows: Sequence[Row]) -> dict[str, str]:
        """Sums of rows."""
        names = ("principal", "interest", "fees", "penalties", "total")
        return {name: self.amount(sum(getattr(row, name) for row in rows)) for name in names}

    def schedule(self, schedule: Schedule) -> dict[str, Any]:
        """A schedule."""
        return {
            "currency": self.currency,
            "instalments": [self.amount(one) for one in schedule.instalments],
            "disbursed_net": self.amount(schedule.disbursed_net),
            "rows": [self.row(row) for row in schedule.rows],
            "totals": self.totals(schedule.rows),
        }

    def payoff(self, quote: Payoff) -> dict[str, Any]:
        """A quote."""
        return {
            "currency": self.currency,
            "date": quote.date.isoformat(),
            "principal": self.amount(quote.principal),
            "interest": self.amount(quote.interest),
            "unearned_interest": self.amount(quote.unearned),
            "fees": self.amount(quote.fees),
            "penalties": self.amount(quote.penalties),
            "closing_fee": self.amount(quote.fee),
            "total": self.amount(quote.total),
            "explain": quote.explain(),
        }

    def prepayment(self, outcome: Prepayment) -> dict[str, Any]:
        """A loan after early money."""
        rows = [one for one in outcome.state.rows if one.row.total]
        return {
            "name": outcome.strategy,
            "rows": [self.paid_row(one) for one in rows],
            "totals": self.totals([one.row for one in rows]),
            "interest_difference": self.amount(-outcome.interest_saved),
            "instalments_left": sum(1 for one in rows if one.outstanding),
            "next_instalment": self.amount(outcome.next_instalment),
            "last_due": outcome.last_due.isoformat(),
            "capitalised": self.amount(0),
        }

    def change(self, name: str, change: Change, state: LoanState) -> dict[str, Any]:
        """A loan after a change: what had fallen due, then what is to come."""
        past = [one for one in state.rows if one.row.due <= change.date]
        coming = [RowState(row) for row in change.after.rows]
        return {
            "name": name,
            "rows": [self.paid_row(one) for one in [*past, *coming]],
            "totals": self.totals([one.row for one in [*past, *coming]]),
            "interest_difference": self.amount(change.interest_difference),
            "instalments_left": len(coming),
            "next_instalment": self.amount(coming[0].row.total),
            "last_due": coming[-1].row.due.isoformat(),
            "capitalised": self.amount(change.capitalised),
        }
