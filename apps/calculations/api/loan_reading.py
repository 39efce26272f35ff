"""How the fields of a request become terms, events and rules of the loan calculations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from apps.calculations.business_days import date_adjust
from apps.calculations.calendars import calendar_get
from apps.calculations.errors import CalculationError, ConventionNeeds
from apps.calculations.loans import (
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
from apps.core.currencies import currency_get
from apps.core.money import amount_parse

RENAMED = {"/rate": "/rate_percent", "/step": "/step_percent", "/periods": "/due_dates", "/period_years": "/frequency"}
"""Terms of the engine that the request calls otherwise."""

BY_THE_PERIOD = (options.PER_PERIOD, "declining")
"""Interest and method of loans whose rate may compound otherwise than they are paid."""


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

    if values["rate_compounding"] != "per_period" and (values["interest"], values["method"]) != BY_THE_PERIOD:
        raise ConventionNeeds(
            "A rate that compounds is by the period, on a declining balance.", pointer="/rate_compounding"
        )
    terms = LoanTerms(
        principal=reader.minor(values["principal"], "/principal"),
        rate=rate_read(values["rate_percent"], values),
        step=values["step_percent"] / 100,
        step_every=values["step_every"],
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
        rate_changes=tuple(
            (one["date"], rate_read(one["rate_percent"], values)) for one in values.get("rate_changes", ())
        ),
        fees=tuple(_fee(one, reader, n) for n, one in enumerate(values.get("fees", ()))),
        **{name: values[name] for name in options.PLAIN_TERMS},
    )
    terms.check()
    return terms


def rate_read(percents: Decimal, loan: Mapping[str, Any]) -> Decimal:
    """A rate of a loan as its periods see it."""
    return options.rate_by_period(percents / 100, loan["rate_compounding"], frequency_read(loan.get("frequency")).years)


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
