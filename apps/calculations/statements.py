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
    ("DC", ASSET, r"accumulated (depreciation|depletion|amorti[sz]ation|impairment)|allowance for"),
    ("C", ASSET, r"provision for (bad|doubtful|depreciation|uncollectible)"),
    ("DC", EQUITY, r"comprehensive (income|loss)|\b(minority|non-?controlling) interests?\b|income summary"),
    ("DC", LIABILITY, r"\b(discount|premium) on (bonds?|notes?|debentures?|mortgages?)\b.*payable"),
    ("C", LIABILITY, r"\bpayables?\b|\bunearned\b|in advance\b|\baccrued\b|deferred (revenue|income|fees|tax)"),
    ("D", ASSET,
     (r"\breceivables?\b|\bprepaid\b|\bprepayments?\b|\bunexpired\b|in advance\b|accrued (income"
     r"|revenue|interest|rent)")),
    ("D", EQUITY, r"\b(dividends?|withdrawals?|drawings?|draws?|distributions?)\b"),
    ("C", EXPENSE, r"\bpurchases? (returns|discounts?|allowances)\b|\breturns? outwards?\b"),
    ("D", EXPENSE,
     (r"\b(expenses?|cost of|costs|depreciation|amorti[sz]ation|loss(es)?|write-?offs?|impairment)\b"
     r"|\bused$")),
    ("DC", EQUITY,
     (r"\b(capital|(common|preferred|preference|treasury|ordinary) (stock|shares?)|share premium"
     r"|paid.in)\b")),
    ("DC", EQUITY, r"\b(retained earnings|net assets|accumulated deficit|reserves?|equity|opening balances?)\b"),
    ("DC", EQUITY, r"\b(surplus|profit (and|&) loss|p&l)\b"),
    ("C", EQUITY, r"\bshares$"),
    ("D", INCOME, r"\bsales (returns|discounts?|allowances)\b|returns and allowances|\breturns? inwards?\b"),
    ("D", ASSET,
     (r"\b(equipment|machinery|trucks?|vehicles?|vans?|supplies|inventor(y|ies)|buildings?|property"
     r"|land|assets?)$")),
    ("C", INCOME, r"\b(revenues?|sales|gains?|earned|turnover|(discounts?|dividends?) received)\b|\bincome\b(?! tax)"),
    ("C", INCOME, r"\b(royalt(y|ies)|debts? recovered)\b"),
    ("D", EXPENSE,
     (r"\b(salar(y|ies)|wages|payroll|utilities|electricity|heat(ing)?|light(ing)?|water|telephone"
     r"|stationery)\b")),
    ("D", EXPENSE,
     (r"\b(advertising|marketing|insurance|rent(als?)?|repairs?|maintenance|charges|bad debts?"
     r"|discounts? allowed)\b")),
    ("D", EXPENSE,
     (r"\b(freight|carriage|delivery|travel|postage|commissions?|interest|tax(es)?|purchases|fees"
     r"|miscellaneous)\b")),
    ("D", EXPENSE,
     (r"\b(gas|power|rates|printing(?! press)|transportation|fuel|petrol"
     r"|subscriptions?|dues|entertainment|meals|donations?|training|cleaning|legal"
     r"|audit)\b")),
    ("C", INCOME, r"\b(fees|commissions?|interest|rent|rentals?)\b"),
)  # fmt: skip


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
