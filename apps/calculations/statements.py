"""Financial statements from balances: roll-up along a chart, results, the equation of the balance sheet.

Balances are credit-positive numbers of one currency (minor units or Decimals): what is owned is negative, what is owed
and earned is positive. The five types are those of every chart: asset, liability, equity, income, expense.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from apps.calculations.errors import CalculationError

Number = TypeVar("Number", int, Decimal)

ASSET, LIABILITY, EQUITY, INCOME, EXPENSE = "asset", "liability", "equity", "income", "expense"
TYPES = (ASSET, LIABILITY, EQUITY, INCOME, EXPENSE)


class ChartLoop(CalculationError):
    """A node of the chart is its own ancestor."""

    code = "chart-loop"
    title = "A node of the chart is below itself"


class UnknownAccountType(CalculationError):
    """A type that is none of the five."""

    code = "unknown-account-type"
    title = "Unknown type of account"


@dataclass(frozen=True, slots=True)
class Results:
    """What a set of balances says, each figure on its natural side: positive when it is as one expects it.

    `difference` is what the balances do not sum to zero by, credit-positive: zero in books that balance.
    """

    revenue: Decimal
    expense: Decimal
    assets: Decimal
    liabilities: Decimal
    contributed_equity: Decimal
    difference: Decimal

    @property
    def net_income(self) -> Decimal:
        """Revenue less expense."""
        return self.revenue - self.expense

    @property
    def equity(self) -> Decimal:
        """Equity with the result that is not closed into it yet. assets = liabilities + equity where books balance."""
        return self.contributed_equity + self.net_income


def results_of(balances: Iterable[tuple[str, int | Decimal]]) -> Results:
    """Results of (type, credit-positive balance). Raises `UnknownAccountType`.

    The accounting equation with open nominal accounts: assets + expenses = liabilities + equity + income.
    """
    sums = dict.fromkeys(TYPES, Decimal(0))
    for kind, balance in balances:
        if kind not in sums:
            raise UnknownAccountType(f"{kind!r} is none of {', '.join(TYPES)}.")
        sums[kind] += balance
    return Results(
        revenue=sums[INCOME],
        expense=-sums[EXPENSE],
        assets=-sums[ASSET],
        liabilities=sums[LIABILITY],
        contributed_equity=sums[EQUITY],
        difference=sum(sums.values(), Decimal(0)),
    )


def rollup(balances: Mapping[str, Number], parents: Mapping[str, str | None]) -> dict[str, Number]:
    """Each node's balance with those of all nodes below it. Raises `ChartLoop`.

    A code without an entry in `parents` stands at the top. Parents that carry nothing themselves are added.
    """
    sums: dict[str, Number] = {}
    for code, balance in balances.items():
        seen: set[str] = set()
        node: str | None = code
        while node is not None:
            if node in seen:
                raise ChartLoop(f"{node} is below itself.")
            seen.add(node)
            sums[node] = sums[node] + balance if node in sums else balance
            node = parents.get(node)
    return sums


def parents_by_path(codes: Iterable[str], separator: str = ":") -> dict[str, str | None]:
    """Parents of names that carry their place, such as assets:bank:checking."""
    parents: dict[str, str | None] = {}
    for code in codes:
        node = code
        while node and node not in parents:
            above, _, _ = node.rpartition(separator)
            parents[node] = above or None
            node = above
    return parents


# In the order in which they are tried: the first that matches has the last word. Side D or C, or both.
_SIGNS: tuple[tuple[str, str, str], ...] = (
    ("DC", ASSET, r"accumulated (depreciation|amorti[sz]ation|impairment)|allowance for|provision for (bad|doubtful)"),
    (
        "C",
        LIABILITY,
        r"\bpayables?\b|\bunearned\b|deferred (revenue|income)|accrued (expenses?|salaries|wages|interest)",
    ),
    ("D", ASSET, r"\breceivables?\b|\bprepaid\b|\bprepayments?\b|accrued (income|revenue|interest)"),
    ("D", EQUITY, r"\b(dividends?|withdrawals?|drawings?)\b"),
    ("D", EXPENSE, r"\b(expenses?|cost of|costs|depreciation|amorti[sz]ation|loss(es)?|write-?offs?|impairment)\b"),
    (
        "DC",
        EQUITY,
        r"\b(capital|(common|preferred|treasury) stock|share premium|paid.in|retained earnings|net assets)\b",
    ),
    ("DC", EQUITY, r"\b(accumulated deficit|reserves?|equity|opening balances?)\b"),
    ("C", INCOME, r"\b(revenues?|sales|gains?|earned|turnover)\b"),
    ("D", INCOME, r"\bsales (returns|discounts|allowances)\b|returns and allowances"),
    ("C", INCOME, r"\bincome\b(?! tax)"),
    (
        "D",
        EXPENSE,
        r"\b(salar(y|ies)|wages|payroll|utilities|advertising|insurance|rent|telephone|repairs?|maintenance)\b",
    ),
    (
        "D",
        EXPENSE,
        r"\b(freight|delivery|travel|postage|commissions?|interest|tax(es)?|purchases|fees|miscellaneous)\b",
    ),
    ("C", INCOME, r"\b(fees|commissions?|interest)\b"),
)


def account_type_guess(name: str, side: str) -> str:
    """The likely type of an account by its English name and the side of its balance, "D" or "C".

    For charts that come without types, to be looked over by a person: contra accounts (accumulated depreciation) take
    the type of what they lessen. What no word tells is an asset on the debit side, a liability on the credit side.
    """
    words = name.replace("_", " ").lower()
    for sides, kind, pattern in _SIGNS:
        if side in sides and re.search(pattern, words):
            return kind
    return ASSET if side == "D" else LIABILITY


_FIRST_WORDS = {
    "asset": ASSET, "assets": ASSET, "liability": LIABILITY, "liabilities": LIABILITY, "debts": LIABILITY,
    "equity": EQUITY, "income": INCOME, "incomes": INCOME, "revenue": INCOME, "revenues": INCOME,
    "expense": EXPENSE, "expenses": EXPENSE,
}  # fmt: skip


def account_type_of_path(name: str, separator: str = ":") -> str | None:
    """The type that the first part of a name such as revenue:clients says, or None when it says none."""
    return _FIRST_WORDS.get(name.partition(separator)[0].strip().lower())
