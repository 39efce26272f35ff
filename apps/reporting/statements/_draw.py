"""Balance sheet, income statement, changes in equity and cash flow, each from the same trial balances."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from apps.reporting.statements._books import Balances, Books, Node, books_read, tree_rows
from apps.reporting.statements._model import Column, FinancialStatement, Proof, Row

CASH = ("1100", "1200")
"""Cash and what can be had at once: cash, balances with banks and schemes (IAS 7.6)."""

INVESTING = ("1300", "1700")
"""Investments; property, equipment and software (IAS 7.16)."""

FINANCING = ("2300", "3000")
"""Borrowings; equity (IAS 7.17). All else is operating: loans and deposits are a bank's business (IAS 7.22-24)."""


def balance_sheet(
    *, columns: Sequence[Column], currency: str, branch_ids: Sequence[UUID] | None = None
) -> FinancialStatement:
    """What is owned, owed and left over at the end of each column's `as_of`.

    Earnings that no closing entry has moved into equity yet are a line of their own.
    """
    moments = [replace(column, since=None) for column in columns]
    books = books_read(columns=moments, currency=currency, branch_ids=branch_ids)
    nodes, balances = books.nodes, books.after
    assets = [-one.of_type(nodes, "asset") for one in balances]
    liabilities = [one.of_type(nodes, "liability") for one in balances]
    equity = [one.of_type(nodes, "equity") for one in balances]
    earnings = [one.of_type(nodes, "income", "expense") for one in balances]
    both = [a + b + c for a, b, c in zip(liabilities, equity, earnings, strict=True)]
    rows = [
        Row("heading", "Assets"),
        *tree_rows(nodes=nodes, balances=balances, types=("asset",), sign=-1),
        Row("total", "Total assets", amounts=tuple(assets)),
        Row("heading", "Liabilities"),
        *tree_rows(nodes=nodes, balances=balances, types=("liability",), sign=1),
        Row("total", "Total liabilities", amounts=tuple(liabilities)),
        Row("heading", "Equity"),
        *tree_rows(nodes=nodes, balances=balances, types=("equity",), sign=1),
        Row("line", "Earnings not yet closed into equity", 1, amounts=tuple(earnings)),
        Row("total", "Total equity", amounts=tuple(a + b for a, b in zip(equity, earnings, strict=True))),
        Row("result", "Liabilities and equity", amounts=tuple(both)),
    ]
    proofs = [
        Proof("Assets less liabilities less equity", tuple(a - b for a, b in zip(assets, both, strict=True))),
        _tie(balances),
    ]
    return _statement("balance-sheet", "Balance sheet", currency, moments, rows, proofs, books, branch_ids)


def income_statement(
    *, columns: Sequence[Column], currency: str, branch_ids: Sequence[UUID] | None = None
) -> FinancialStatement:
    """What was earned and spent in each column's period, and what is left of it."""
    books = books_read(columns=columns, currency=currency, branch_ids=branch_ids)
    nodes, balances = books.nodes, books.moved
    income = [one.of_type(nodes, "income") for one in balances]
    expense = [-one.of_type(nodes, "expense") for one in balances]
    net = tuple(a - b for a, b in zip(income, expense, strict=True))
    interest = tuple(_net_interest(one) for one in balances)
    rows = [
        Row("heading", "Income"),
        *tree_rows(nodes=nodes, balances=balances, types=("income",), sign=1),
        Row("total", "Total income", amounts=tuple(income)),
        Row("heading", "Expenses"),
        *tree_rows(nodes=nodes, balances=balances, types=("expense",), sign=-1),
        Row("total", "Total expenses", amounts=tuple(expense)),
        Row("line", "Of this, net interest income", 1, amounts=interest),
        Row("result", "Net result", amounts=net),
    ]
    moved = [one.of_type(nodes, "asset", "liability", "equity") for one in balances]
    proofs = [
        Proof(
            "Net result against the movement of assets, liabilities and equity",
            tuple(a + b for a, b in zip(net, moved, strict=True)),
        ),
        _tie(balances),
    ]
    return _statement("income-statement", "Income statement", currency, columns, rows, proofs, books, branch_ids)


def changes_in_equity(
    *, columns: Sequence[Column], currency: str, branch_ids: Sequence[UUID] | None = None
) -> FinancialStatement:
    """How equity came from its opening to its closing in each period: the result, and each line that moved."""
    books = books_read(columns=columns, currency=currency, branch_ids=branch_ids)
    nodes, before, moved, after = books.nodes, books.before, books.moved, books.after
    wide = ("equity", "income", "expense")
    opening = tuple(one.of_type(nodes, *wide) for one in before)
    closing = tuple(one.of_type(nodes, *wide) for one in after)
    result = tuple(one.of_type(nodes, "income", "expense") for one in moved)
    contributed = tuple(one.of_type(nodes, "equity") for one in moved)
    rows = [
        Row("total", "Equity at the beginning", amounts=opening),
        Row("heading", "Movements"),
        Row("line", "Result of the period", 1, amounts=result),
        *tree_rows(nodes=nodes, balances=moved, types=("equity",), sign=1),
        Row("total", "Change", amounts=tuple(a + b for a, b in zip(result, contributed, strict=True))),
        Row("result", "Equity at the end", amounts=closing),
    ]
    differences = tuple(c - a - b - d for a, b, c, d in zip(opening, result, closing, contributed, strict=True))
    proofs = [Proof("Opening and movements against closing", differences), _tie(after)]
    return _statement("changes-in-equity", "Changes in equity", currency, columns, rows, proofs, books, branch_ids)


def cash_flow(
    *, columns: Sequence[Column], currency: str, branch_ids: Sequence[UUID] | None = None
) -> FinancialStatement:
    """Where cash came from and went in each period, by the indirect method: from the result, by what else moved."""
    books = books_read(columns=columns, currency=currency, branch_ids=branch_ids)
    nodes, before, moved, after = books.nodes, books.before, books.moved, books.after
    section = {code: _section(nodes, node) for code, node in nodes.items()}

    def total(name: str) -> tuple[int, ...]:
        return tuple(sum(v for code, v in one.own.items() if section[code] == name) for one in moved)

    def cash(of: list[Balances]) -> tuple[int, ...]:
        return tuple(-sum(v for code, v in one.own.items() if section[code] == "cash") for one in of)

    opening, closing = cash(before), cash(after)
    change = tuple(
        map(sum, zip(*(total(name) for name in ("result", "operating", "investing", "financing")), strict=True))
    )
    rows = [
        Row("heading", "From operations"),
        Row("line", "Net result", 1, amounts=total("result")),
        *_moved_rows(nodes, moved, lambda code: section[code] == "operating"),
        Row("total", "Cash from operations", amounts=_added(total("result"), total("operating"))),
        Row("heading", "From investing"),
        *_moved_rows(nodes, moved, lambda code: section[code] == "investing"),
        Row("total", "Cash from investing", amounts=total("investing")),
        Row("heading", "From financing"),
        *_moved_rows(nodes, moved, lambda code: section[code] == "financing"),
        Row("total", "Cash from financing", amounts=total("financing")),
        Row("result", "Change in cash", amounts=change),
        Row("line", "Cash at the beginning", 1, amounts=opening),
        Row("line", "Cash at the end", 1, amounts=closing),
    ]
    proofs = [
        Proof(
            "Cash at the beginning and its change against cash at the end",
            tuple(c - a - b for a, b, c in zip(opening, change, closing, strict=True)),
        ),
        _tie(after),
    ]
    return _statement("cash-flow", "Cash flow statement", currency, columns, rows, proofs, books, branch_ids)


DRAWN: dict[str, Callable[..., FinancialStatement]] = {
    "balance-sheet": balance_sheet,
    "income-statement": income_statement,
    "changes-in-equity": changes_in_equity,
    "cash-flow": cash_flow,
}


def columns_of(*, since: dt.date, as_of: dt.date, compare: bool) -> tuple[Column, ...]:
    """The period asked for and, with `compare`, the one of the same length a year before."""
    now = Column(as_of, since)
    return (now, Column(_year_before(as_of), _year_before(since))) if compare else (now,)


def _year_before(day: dt.date) -> dt.date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # the 29th of February
        return day.replace(year=day.year - 1, day=28)


def _net_interest(balances: Balances) -> int:
    return balances.total.get("4100", 0) + balances.total.get("5100", 0)


def _section(nodes: Mapping[str, Node], node: Node) -> str:
    if node.type in ("income", "expense"):
        return "result"
    code: str | None = node.code
    while code is not None:
        for name, headers in (("cash", CASH), ("investing", INVESTING), ("financing", FINANCING)):
            if code in headers:
                return name
        code = nodes[code].parent
    return "operating"


def _moved_rows(nodes: Mapping[str, Node], moved: list[Balances], wanted: Callable[[str], bool]) -> list[Row]:
    """The nodes that moved, in reading order: credit-positive, so that what brings cash is positive."""
    rows = []
    for code, node in nodes.items():
        amounts = tuple(one.own.get(code, 0) for one in moved)
        if wanted(code) and any(amounts):
            rows.append(Row("line", node.name, 1, code, node.id, amounts))
    return rows


def _added(*sums: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*sums, strict=True)))


def _tie(balances: Sequence[Balances]) -> Proof:
    return Proof("Debits less credits of the trial balance it is drawn from", tuple(one.difference for one in balances))


def _statement(
    kind: str,
    title: str,
    currency: str,
    columns: Sequence[Column],
    rows: list[Row],
    proofs: list[Proof],
    books: Books,
    branch_ids: Sequence[UUID] | None,
) -> FinancialStatement:
    return FinancialStatement(
        kind=kind,
        title=title,
        currency=currency,
        columns=tuple(columns),
        rows=rows,
        proofs=proofs,
        as_of_entry=books.as_of_entry,
        branch_ids=tuple(branch_ids or ()),
    )
