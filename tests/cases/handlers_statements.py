"""Double entry: balances, trial balances, statements."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from typing import Any

from apps.calculations.statements import (
    Results,
    account_type_guess,
    account_type_of_path,
    parents_by_path,
    results_of,
    rollup,
)
from tests.cases.registry import Case, Unsupported, handles


def lines_of(case: Case) -> list[tuple[dt.date, str, Decimal]]:
    """(date, account, credit-positive amount) of each line inside the period of the case."""
    transactions, sign = case.need("transactions", "sign")
    if sign != "positive = debit":
        raise Unsupported(f"sign {sign}")
    case.only("transactions", "sign", "from_", "to_exclusive")
    since = str(case.inputs.get("from_", "0001-01-01"))
    until = str(case.inputs.get("to_exclusive", "9999-12-31"))
    return [
        (dt.date.fromisoformat(entry["date"]), line["account"], -Decimal(str(line["amount"])))
        for entry in transactions
        if since <= entry["date"] < until
        for line in entry["lines"]
    ]


def summed(lines: list[tuple[dt.date, str, Decimal]]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for _, account, amount in lines:
        sums[account] += amount
    return dict(sums)


@handles("ledger_statements")
def period_result(case: Case) -> dict[str, Any]:
    if not {"revenue", "net_income"} <= set(case.expected):
        raise Unsupported("no result of a period")
    results = results_of(
        (kind, amount) for account, amount in summed(lines_of(case)).items() if (kind := account_type_of_path(account))
    )
    return {
        "revenue": results.revenue,
        "expense": results.expense,
        "net_income": results.net_income,
        "assets": results.assets,
        "liabilities": results.liabilities,
        "equity": results.equity,
    }


@handles("ledger_statements")
def balances(case: Case) -> dict[str, Any]:
    if not {"balances", "parents", "total"} & set(case.expected):
        raise Unsupported("no balances")
    sums = summed(lines_of(case))
    above = {code: -net for code, net in rollup(sums, parents_by_path(sums)).items() if code not in sums}
    return {
        "balances": {account: -net for account, net in sums.items()},
        "parents": above,
        "total": -sum(sums.values(), Decimal(0)),
    }


@handles("ledger_statements")
def month_ends(case: Case) -> dict[str, Any]:
    if not {"month_end", "net_every_month"} & set(case.expected):
        raise Unsupported("no month ends")
    lines = lines_of(case)
    accounts = [str(account) for account in case.expected.get("accounts", sorted({line[1] for line in lines}))]

    def at(day: dt.date) -> list[Decimal]:
        sums = summed([line for line in lines if line[0] <= day])
        return [-sums.get(account, Decimal(0)) for account in accounts]

    year = min(line[0] for line in lines).year
    last_days = [dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(days=1) for month in range(1, 13)]
    return {
        "accounts": accounts,
        "month_end": {day: at(dt.date.fromisoformat(day)) for day in case.expected.get("month_end", {})},
        "net_every_month": [sum(at(day), Decimal(0)) for day in last_days],
    }


@handles("ledger_statements")
def trial_balance(case: Case) -> dict[str, Any]:
    """Two columns of names without types; one account may be unknown, and is what makes the columns equal."""
    columns = case.inputs.get("adjusted_trial_balance") or case.inputs.get("trial_balance") or case.inputs
    if not {"debit", "credit"} <= set(columns):
        raise Unsupported("no trial balance")
    case.only("adjusted_trial_balance", "trial_balance", "debit", "credit", "unknown")
    debit = {name: Decimal(str(amount)) for name, amount in columns["debit"].items()}
    credit = {name: Decimal(str(amount)) for name, amount in columns["credit"].items()}
    unknown = case.inputs.get("unknown")
    plug = sum(credit.values(), Decimal(0)) - sum(debit.values(), Decimal(0))
    if unknown:
        (debit if plug > 0 else credit)[unknown] = abs(plug)
    results = results_of(
        [(account_type_guess(name, "D"), -amount) for name, amount in debit.items()]
        + [(account_type_guess(name, "C"), amount) for name, amount in credit.items()]
    )
    return {**figures(results, sum(debit.values(), Decimal(0))), **({unknown.lower(): abs(plug)} if unknown else {})}


def figures(results: Results, total: Decimal) -> dict[str, Any]:
    return {
        "total": total,
        "trial_balance_total": total,
        "net_income": results.net_income,
        "total_revenue": results.revenue,
        "total_expenses": results.expense,
        "total_assets": results.assets,
        "total_liabilities": results.liabilities,
        "total_equity": results.equity,
        "difference": results.difference,
    }
