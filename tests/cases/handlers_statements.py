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

SIGNS = {"positive = debit": -1, "positive = credit": 1}
STRETCHES = {"month": 1, "quarter": 3, "year": 12}


def lines_of(case: Case) -> list[tuple[dt.date, str, Decimal]]:
    """(date, account, credit-positive amount) of each line inside the period of the case."""
    (transactions,) = case.need("transactions")
    sign = case.inputs.get("sign", "positive = debit")
    if sign not in SIGNS:
        raise Unsupported(f"sign {sign}")
    case.only("transactions", "sign", "from_", "from", "to_exclusive", "to", "as_of", "depth", "accounts")
    since = str(case.inputs.get("from_") or case.inputs.get("from") or "0001-01-01")
    until = str(case.inputs.get("to_exclusive", "9999-12-31"))
    last = str(case.inputs.get("to") or case.inputs.get("as_of") or "9999-12-31")
    return [
        (dt.date.fromisoformat(entry["date"]), line["account"], SIGNS[sign] * Decimal(str(line["amount"])))
        for entry in transactions
        if since <= entry["date"] < until and entry["date"] <= last
        for line in entry["lines"]
    ]


def intervals_of(lines: list[tuple[dt.date, str, Decimal]], months: int) -> list[tuple[dt.date, dt.date]]:
    """First and last days of the stretches of so many months that the lines are in, whole ones."""
    first, last = min(line[0] for line in lines), max(line[0] for line in lines)
    start = dt.date(first.year, (first.month - 1) // months * months + 1, 1)
    found = []
    while start <= last:
        after = start.year * 12 + start.month - 1 + months
        following = dt.date(after // 12, after % 12 + 1, 1)
        found.append((start, following - dt.timedelta(days=1)))
        start = following
    return found


def summed(lines: list[tuple[dt.date, str, Decimal]]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for _, account, amount in lines:
        sums[account] += amount
    return dict(sums)


@handles("ledger_statements")
def period_result(case: Case) -> dict[str, Any]:
    """Results of a period, and what is owned and owed by the lines in it."""
    lines = lines_of(case)
    results = results_of(
        (kind, amount) for account, amount in summed(lines).items() if (kind := account_type_of_path(account))
    )
    found = {
        "revenue": results.revenue,
        "revenues": results.revenue,
        "income": results.revenue,
        "expense": results.expense,
        "expenses": results.expense,
        "net": results.net_income if "revenue" in case.expected else results.assets - results.liabilities,
        "assets": results.assets,
        "liabilities": results.liabilities,
        "equity": results.equity,
        "net_assets": results.assets - results.liabilities,
        **{name: value for name, value in figures(results, Decimal(0)).items() if "total" not in name.split("_")[-1]},
    }
    return known(case, found)


@handles("ledger_statements")
def balances(case: Case) -> dict[str, Any]:
    """Balances of accounts and of those above them, to a depth where one is asked for."""
    if not {"balances", "parents", "total"} & set(case.expected):
        raise Unsupported("no balances")
    shown = SIGNS[case.inputs.get("sign", "positive = debit")]
    sums = summed(lines_of(case))
    above = rollup(sums, parents_by_path(sums))
    depth = case.inputs.get("depth")
    listed = sums if depth is None else {code: net for code, net in above.items() if code.count(":") < int(depth)}
    return {
        "balances": {account: shown * net for account, net in {**above, **listed}.items()},
        "parents": {account: shown * net for account, net in above.items() if account not in sums},
        "total": shown * sum(sums.values(), Decimal(0)),
    }


@handles("ledger_statements")
def by_interval(case: Case) -> dict[str, Any]:
    """What accounts moved by in each month, quarter or year, and what they came to at its end."""
    names = {f"{name}_{what}" for name in STRETCHES for what in ("change", "end")}
    if not names & set(case.expected) or "month_end" in case.expected:
        raise Unsupported("no intervals")
    shown = SIGNS[case.inputs.get("sign", "positive = debit")]
    lines = lines_of(case)
    accounts = [str(account) for account in case.expected.get("accounts", sorted({line[1] for line in lines}))]

    def row(since: dt.date, until: dt.date) -> list[Decimal]:
        sums = summed([line for line in lines if since <= line[0] <= until])
        return [shown * sums.get(account, Decimal(0)) for account in accounts]

    found: dict[str, Any] = {"accounts": accounts}
    for name, months in STRETCHES.items():
        stretches = intervals_of(lines, months)
        found[f"{name}_change"] = {until.isoformat(): row(since, until) for since, until in stretches}
        found[f"{name}_end"] = {until.isoformat(): row(dt.date.min, until) for _, until in stretches}
    return found


def known(case: Case, found: dict[str, Any]) -> dict[str, Any]:
    """What was found, when all that is expected is there; else somebody else is asked."""
    strange = sorted(set(case.expected) - set(found) - {"tolerance"})
    if strange:
        raise Unsupported(f"no {', '.join(strange)}")
    return found


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
