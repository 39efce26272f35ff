"""Savings: interest on minimum, daily or average balances, compound interest, yields."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

from apps.calculations.interest import (
    Account,
    InterestTerms,
    Movement,
    RatePeriod,
    Tier,
    annual_percentage_yield,
    annual_percentage_yield_earned,
    average_daily_balance,
    compound_interest,
    flat,
    interest_calculate,
    recurring_deposit_value,
    simple_interest,
)
from apps.calculations.rounding import decimals_round
from tests.cases.handlers_day_counts import convention_named, day
from tests.cases.registry import Case, Unsupported, handles

PER_YEAR = {"daily": 365, "weekly": 52, "monthly": 12, "quarterly": 4, "semiannual": 2, "semi-annual": 2,
            "semiannually": 2, "half-yearly": 2, "annual": 1, "annually": 1, "yearly": 1}  # fmt: skip
POSTINGS = {"day": "daily", "week": "weekly", "month": "monthly", "quarter": "quarterly", "year": "yearly"}
FREQUENCIES = {"semiannual": "half_yearly", "semiannually": "half_yearly", "half-yearly": "half_yearly",
               "annual": "yearly", "annually": "yearly"}  # fmt: skip
BALANCES = {
    "minimum": ("minim", "lowest", "least"),
    "average": ("average", "mean"),
    "daily": ("dail", "day", "closing"),
}
CENTS = 100


def decimal(value: Any) -> Decimal:
    return Decimal(str(value))


def cents(value: Any) -> int:
    """Minor units of an amount of a case, whose currency has two decimals."""
    return int(decimals_round(decimal(value) * CENTS, 0, "half_up"))


def movements_of(case: Case) -> tuple[Movement, ...]:
    """Deposits and withdrawals by date; the first deposit opens the account, then on a day money goes out before it
    comes in, as the notes say of the lowest balance within a day."""
    opening, *deposits = sorted(case.inputs.get("deposits", []), key=lambda row: str(row[0])) or [None]
    rows = [(day(date), 1, cents(amount)) for date, amount in deposits]
    rows += [(day(date), 0, -cents(amount)) for date, amount in case.inputs.get("withdrawals", [])]
    if opening is not None:
        rows.append((day(opening[0]), -1, cents(opening[1])))
    return tuple(Movement(date, minor) for date, _, minor in sorted(rows))


@handles("savings_interest")
def balance_of_periods(case: Case) -> dict[str, Any]:
    """A rate per period, on the minimum or average balance of each period that has ended."""
    (end,) = case.need("calculated_on")
    rate_name = next((name for name in case.inputs if re.fullmatch(r"rate_per_\w+_percent", name)), None)
    if rate_name is None:
        raise Unsupported("no rate per period")
    case.only(rate_name, "base", "deposits", "withdrawals", "calculated_on", "opened_on", "start")
    unit = rate_name.removeprefix("rate_per_").removesuffix("_percent")
    base = str(case.inputs.get("base", "minimum balance"))
    kind = next((name for name, words in BALANCES.items() if any(word in base.lower() for word in words)), None)
    if unit not in POSTINGS or kind is None:
        raise Unsupported(f"{rate_name} on {base}")
    movements = movements_of(case)
    begin = case.inputs.get("opened_on") or case.inputs.get("start")
    if begin:  # nothing is earned before the account is open: what came earlier is there on its first day
        movements = tuple(Movement(max(one.date, day(begin)), one.minor) for one in movements)
    start = day(begin) if begin else min((one.date for one in movements), default=day(end))
    terms = InterestTerms(
        rates=flat(decimal(case.inputs[rate_name]) / 100), balance=kind, within_day=True,
        rate_per="period" if unit != "year" else "year", posting=POSTINGS[unit],
        capitalise=False,
    )  # fmt: skip
    found = interest_calculate(terms, Account(start, day(end), None, movements))
    amounts = [Decimal(posting.credit) / CENTS for posting in found.postings]
    return {"postings": len(amounts), "amount": amounts[0] if amounts else 0, "amounts": amounts, "total": sum(amounts)}


def first_of(case: Case, *names: str) -> Any:
    """The first of these inputs that is there, or None."""
    return next((case.inputs[name] for name in names if case.inputs.get(name) is not None), None)


@handles("savings_interest")
def yields(case: Case) -> dict[str, Any]:
    """The annual percentage yield, disclosed or earned, with two decimals."""
    interest = first_of(case, "interest", "interest_earned")
    days = first_of(case, "days", "days_in_term", "days_in_period")
    principal = first_of(case, "principal", "balance", "average_daily_balance")
    if interest is None or days is None or principal is None:
        raise Unsupported("no interest, days and principal")
    case.only(
        "formula", "interest", "interest_earned", "days", "days_in_term", "days_in_period", "principal", "balance",
        "average_daily_balance", "year_days", "compounding_days", "days_in_compounding_period",
    )  # fmt: skip
    found = annual_percentage_yield_earned(
        decimal(interest), decimal(principal), decimal(days), year_days=int(case.inputs.get("year_days", 365)),
        compounding_days=decimal(first_of(case, "compounding_days", "days_in_compounding_period") or 0),
    )  # fmt: skip
    percent = decimals_round(found * 100, 2, "half_up")
    return {name: percent for name in case.expected if name.startswith("ap")}


@handles("savings_interest")
def recurring(case: Case) -> dict[str, Any]:
    """A recurring deposit: equal monthly instalments, compounded by the quarter unless the case says otherwise."""
    instalment = first_of(case, "instalment", "monthly_deposit", "monthly_instalment")
    (months,) = case.need("months")
    rate = first_of(case, "annual_rate_percent", "rate_percent")
    if instalment is None or rate is None:
        raise Unsupported("no instalment and rate")
    case.only(
        "instalment", "monthly_deposit", "monthly_instalment", "months", "annual_rate_percent", "rate_percent",
        "compounding",
    )  # fmt: skip
    word = str(case.inputs.get("compounding", "quarterly")).lower()
    if word not in PER_YEAR:
        raise Unsupported(f"compounding {word}")
    value = recurring_deposit_value(decimal(instalment), decimal(rate) / 100, int(months), per_year=PER_YEAR[word])
    shown = decimals_round(value, 2, "half_up")
    return {
        "maturity_value": shown, "amount": shown, "value": shown, "balance": shown,
        "interest": shown - decimal(instalment) * int(months), "deposits": decimal(instalment) * int(months),
    }  # fmt: skip


@handles("savings_interest")
def compounded(case: Case) -> dict[str, Any]:
    """Compound interest on a principal for a time, with or without tiers."""
    (principal,) = case.need("principal")
    case.only(
        "principal", "annual_rate_percent", "rate_percent", "compounding", "days", "years", "months", "tiers", "method",
        "tiering", "year_days", "day_count",
    )  # fmt: skip
    word = str(case.inputs.get("compounding", "annual")).lower()
    if word not in {*PER_YEAR, "none", "simple"}:
        raise Unsupported(f"compounding {word}")
    year = decimal(case.inputs.get("year_days", 365))
    years = (
        decimal(case.inputs["days"]) / year if "days" in case.inputs
        else decimal(case.inputs["months"]) / 12 if "months" in case.inputs
        else decimal(case.inputs.get("years", 1))
    )  # fmt: skip
    interest = Decimal(0)
    for amount, rate in slices(case, decimal(principal)):
        per_year = year if word == "daily" else Decimal(PER_YEAR.get(word, 1))
        if word in {"none", "simple"}:
            interest += amount * rate * years
        else:
            interest += compound_interest(amount, rate, per_year, per_year * years)
    cent = decimals_round(interest, 2, "half_up")
    apy = annual_percentage_yield(cent, decimal(principal), years * 365)
    return {
        "interest": cent, "amount": decimal(principal) + cent, "balance": decimal(principal) + cent,
        "apy_percent": decimals_round(apy * 100, 2, "half_up"),
    }  # fmt: skip


def slices(case: Case, principal: Decimal) -> list[tuple[Decimal, Decimal]]:
    """(amount, rate) of a flat rate, or of tiers ([up to, percent]) by method A (whole) or B (each slice)."""
    tiers = case.inputs.get("tiers")
    if tiers is None:
        rate = case.inputs.get("annual_rate_percent", case.inputs.get("rate_percent"))
        if rate is None:
            raise Unsupported("no rate")
        return [(principal, decimal(rate) / 100)]
    said = f"{case.inputs.get('method', '')} {case.inputs.get('tiering', '')} {case.note}".lower()
    found, below = [], Decimal(0)
    for row in tiers:
        top, rate = row if isinstance(row, list) else (row.get("up_to"), row.get("rate_percent"))
        limit = principal if top is None else min(decimal(top), principal)
        if limit > below:
            found.append((limit - below, decimal(rate) / 100))
            below = limit
    return found if "method b" in said or "band" in said else [(principal, found[-1][1])]


@handles("savings_interest")
def statement(case: Case) -> dict[str, Any]:
    """Interest of a period from dated balances or movements, by the day or on the average balance."""
    start, end = case.need("start", "end")
    case.only(
        "start", "end", "opening_balance", "balances", "transactions", "deposits", "withdrawals", "annual_rate_percent",
        "rate_percent", "day_count", "balance", "base", "compounding", "posting", "tiers", "tiering",
    )  # fmt: skip
    account = Account(day(start), day(end), opening_of(case), movements_dated(case))
    average = Decimal(average_daily_balance(account)) / CENTS
    result: dict[str, Any] = {"average_daily_balance": decimals_round(average, 2, "half_up")}
    rate = case.inputs.get("annual_rate_percent", case.inputs.get("rate_percent"))
    if rate is not None or "tiers" in case.inputs:
        base = str(case.inputs.get("balance") or case.inputs.get("base") or "daily")
        kind = next((word for word in ("minimum", "average", "daily") if word in base), "daily")
        tiers = case.inputs.get("tiers")
        rates = flat(decimal(rate) / 100) if tiers is None else (
            RatePeriod(dt.date.min, tuple(Tier(cents(row[0]), decimal(row[1]) / 100) for row in tiers)),
        )  # fmt: skip
        word = str(case.inputs.get("compounding", "none")).lower()
        terms = InterestTerms(
            rates=rates, balance=kind, posting="at_end", close=True, compounding=FREQUENCIES.get(word, word),
            day_count=convention_named(str(case.inputs.get("day_count", "ACT/365F")))[0].name,
            tiering="banded" if "band" in str(case.inputs.get("tiering", "")) else "whole",
        )  # fmt: skip
        result["interest"] = Decimal(interest_calculate(terms, account).posted) / CENTS
    return result


def opening_of(case: Case) -> int | None:
    value = case.inputs.get("opening_balance")
    return None if value is None else cents(value)


def movements_dated(case: Case) -> tuple[Movement, ...]:
    if "balances" in case.inputs:
        found, before = [], opening_of(case) or 0
        for row in case.inputs["balances"]:
            date, balance = row if isinstance(row, list) else (row.get("date"), row.get("balance"))
            found.append(Movement(day(date), cents(balance) - before))
            before = cents(balance)
        return tuple(found)
    if "transactions" in case.inputs:
        return tuple(Movement(day(date), cents(amount)) for date, amount in case.inputs["transactions"])
    return movements_of(case)


@handles("savings_interest")
def average_of_days(case: Case) -> dict[str, Any]:
    """Balances with the number of days that each stood, and the interest on their average or on each."""
    rows = first_of(case, "balances", "daily_balances", "balance_days")
    if not isinstance(rows, list) or {"start", "end"} & case.inputs.keys():
        raise Unsupported("no balances with days")
    case.only(
        "balances", "daily_balances", "balance_days", "annual_rate_percent", "rate_percent", "days_in_year", "method",
    )  # fmt: skip
    stood = []
    for row in rows:
        if isinstance(row, int | Decimal):
            row = {"days": 1, "balance": row}  # noqa: PLW2901 - a balance alone stood for a day
        if not isinstance(row, dict) or not {"days", "balance"} <= row.keys():
            raise Unsupported("balances without days")
        stood.append((int(row["days"]), decimal(row["balance"])))
    days = sum(count for count, _ in stood)
    total = sum((count * balance for count, balance in stood), Decimal(0))
    result: dict[str, Any] = {"average_daily_balance": decimals_round(total / days, 2, "half_up"), "days": days}
    rate = first_of(case, "annual_rate_percent", "rate_percent")
    if rate is not None:
        year = decimal(case.inputs.get("days_in_year", 365))
        result["interest"] = decimals_round(simple_interest(1, decimal(rate) / 100, total / year), 2, "half_up")
    return result
