"""Portfolios: what is at risk, and provisions by days past due. Inputs go by any of the names that sources use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from apps.calculations.arrears import NONE, Bucket, Exposure, bucket_of, portfolio_at_risk, provisions_by_bucket
from apps.calculations.rounding import decimals_round
from tests.cases.handlers_loans import major, minor
from tests.cases.registry import Case, Unsupported, handles

LOANS = ("loans", "exposures", "portfolio")
OWED = ("outstanding", "outstanding_principal", "olb", "principal", "balance", "amount", "exposure")
LATE = ("days_past_due", "past_due_days", "days_late", "late_days", "days_in_arrears", "days_overdue", "dpd", "days")
RULES = ("provisioning", "provisioning_rules", "provision_rates", "rules", "rates", "classes")
FROM = ("from", "min", "from_days", "min_days", "days_from", "start")
TO = ("to", "max", "to_days", "max_days", "days_to", "end")
RATE = ("rate", "share", "provision_rate")
PERCENT = ("rate_percent", "percent", "provision_percent")


def said(row: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """The first of these that the row has, or None."""
    return next((row[name] for name in names if row.get(name) is not None), None)


def loans_of(case: Case) -> list[Exposure]:
    """The loans of the case, or the one loan that it is about."""
    rows = said(case.inputs, LOANS)
    if rows is None:
        rows = [case.inputs]
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise Unsupported("no loans")
    found = []
    for number, row in enumerate(rows):
        owed, late = said(row, OWED), said(row, LATE)
        if owed is None or late is None:
            raise Unsupported("a loan has neither an amount nor days")
        found.append(Exposure(str(row.get("name", number)), minor(owed, 2), int(late)))
    return found


def buckets_of(rules: Any) -> tuple[list[Bucket], dict[str, Decimal]]:
    """The classes of a table of days and rates; what is not late has the rate of the row for no days."""
    if not isinstance(rules, list):
        raise Unsupported("no table of provisions")
    buckets, rates = [], {}
    for number, row in enumerate(rules):
        if not isinstance(row, Mapping):
            raise Unsupported("a row of the table is no object")
        start, end, rate, percent = (said(row, names) for names in (FROM, TO, RATE, PERCENT))
        if start is None or (rate is None and percent is None):
            raise Unsupported("a row of the table has neither days nor a rate")
        share = Decimal(rate) if rate is not None else Decimal(percent) / 100
        if end is not None and int(end) <= 0:
            rates[NONE] = share
            continue
        name = str(row.get("name", number))
        if int(start) <= 0:
            rates[NONE] = share
        buckets.append(Bucket(name, max(int(start), 1), None if end is None else int(end)))
        rates[name] = share
    return buckets, rates


@handles("arrears_penalties")
def provisions(case: Case) -> dict[str, Any]:
    """The provision of a loan, of each class, and of all."""
    rules = said(case.inputs, RULES)
    loans = loans_of(case)
    buckets, rates = buckets_of(rules)
    found = provisions_by_bucket(loans, buckets, rates)
    total = major(sum(one.amount for one in found), 2)
    rate = rates.get(bucket_of(loans[0].days, buckets), Decimal(0))
    return {
        "provision": total, "provisions": {one.bucket: major(one.amount, 2) for one in found}, "total": total,
        "total_provision": total, "amount": total, "rate": rate, "rate_percent": rate * 100,
        "class": bucket_of(loans[0].days, buckets),
    }  # fmt: skip


@handles("arrears_penalties")
def at_risk(case: Case) -> dict[str, Any]:
    """PAR of as many days as the names of what is expected say, or as the case does."""
    loans, found = loans_of(case), dict[str, Any]()
    for name, expected in case.expected.items():
        days = re.search(r"(?:par|at_risk)_?(\d+)", name.lower())
        over = int(days[1]) if days else case.inputs.get("par_days", case.inputs.get("threshold_days"))
        if over is None:
            continue
        amount, _, ratio = portfolio_at_risk(loans, int(over))
        if "amount" in name or "at_risk" in name:
            found[name] = major(amount, 2)
        else:  # with the decimals that the source prints
            decimals = len(str(expected).partition(".")[2])
            found[name] = decimals_round(ratio * (100 if "percent" in name else 1), min(decimals, 12), "half_up")
    if not found:
        raise Unsupported("nothing at risk is expected")
    return found
