"""Balance sheet, income statement, changes in equity and cash flow, each from the same trial balances."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from apps.reporting.statements._books import Balances, Books, Node, books_read, tree_rows
from apps.reporting.statements._direct import cash_sources
from apps.reporting.statements._layouts import BUILT_IN, Definition, added, layout_rows
from apps.reporting.statements._model import Column, FinancialStatement, Proof, Row
from apps.reporting.statements._translate import TRANSLATION, Rates


def balance_sheet(
    *,
    columns: Sequence[Column],
    currency: str,
    branch_ids: Sequence[UUID] | None = None,
    layout: Definition | None = None,
    rates: Rates | None = None,
) -> FinancialStatement:
    """What is owned, owed and left over at the end of each column's `as_of`.

    Earnings that no closing entry has moved into equity yet are a line of their own.
    """
    moments = [replace(column, since=None) for column in columns]
    books = books_read(columns=moments, currency=currency, branch_ids=branch_ids, rates=rates)
    nodes, balances = books.nodes, books.after
    rows, whole = layout_rows("balance-sheet", layout or BUILT_IN["balance-sheet"], nodes=nodes, balances=balances)
    differences = tuple(
        -one.of_type(nodes, "asset") - one.of_type(nodes, "liability", "equity", "income", "expense")
        for one in balances
    )
    proofs = [Proof("Assets less liabilities less equity", differences), whole, _tie(balances)]
    return _statement("balance-sheet", "Balance sheet", currency, moments, rows, proofs, books, branch_ids)


def income_statement(
    *,
    columns: Sequence[Column],
    currency: str,
    branch_ids: Sequence[UUID] | None = None,
    layout: Definition | None = None,
    rates: Rates | None = None,
) -> FinancialStatement:
    """What was earned and spent in each column's period, and what is left of it, whether the year is closed or not."""
    books = books_read(columns=columns, currency=currency, branch_ids=branch_ids, rates=rates)
    nodes, balances = books.nodes, books.moved
    rows, whole = layout_rows(
        "income-statement", layout or BUILT_IN["income-statement"], nodes=nodes, balances=balances
    )
    net = tuple(one.of_type(nodes, "income", "expense") for one in balances)
    moved = tuple(one.of_type(nodes, "asset", "liability", "equity") for one in balances)
    proofs = [
        Proof("Net result against the movement of assets, liabilities and equity", added(net, moved)),
        whole,
        _tie(balances),
    ]
    return _statement("income-statement", "Income statement", currency, columns, rows, proofs, books, branch_ids)


def changes_in_equity(
    *,
    columns: Sequence[Column],
    currency: str,
    branch_ids: Sequence[UUID] | None = None,
    layout: Definition | None = None,
    rates: Rates | None = None,
) -> FinancialStatement:
    """How equity came from its opening to its closing in each period: the result, and each line that moved."""
    books = books_read(columns=columns, currency=currency, branch_ids=branch_ids, rates=rates)
    nodes, before, moved, after = books.nodes, books.before, books.moved, books.after
    wide = ("equity", "income", "expense")
    opening = tuple(one.of_type(nodes, *wide) for one in before)
    closing = tuple(one.of_type(nodes, *wide) for one in after)
    result = tuple(one.of_type(nodes, "income", "expense") for one in moved)
    contributed = tuple(one.of_type(nodes, "equity") for one in moved)
    tops = [code for code, node in nodes.items() if node.type == "equity" and node.parent is None]
    rows = [
        Row("total", "Equity at the beginning", amounts=opening),
        Row("heading", "Movements"),
        Row("line", "Result of the period", 1, amounts=result),
        *tree_rows(nodes=nodes, balances=moved, roots=tops, sign=1),
        Row("total", "Change", amounts=added(result, contributed)),
        Row("result", "Equity at the end", amounts=closing),
    ]
    differences = tuple(c - a - b - d for a, b, c, d in zip(opening, result, closing, contributed, strict=True))
    proofs = [Proof("Opening and movements against closing", differences), _tie(after)]
    return _statement("changes-in-equity", "Changes in equity", currency, columns, rows, proofs, books, branch_ids)


def cash_flow(
    *,
    columns: Sequence[Column],
    currency: str,
    branch_ids: Sequence[UUID] | None = None,
    layout: Definition | None = None,
    rates: Rates | None = None,
) -> FinancialStatement:
    """Where cash came from and went in each period, by the indirect method: from the result, by what else moved."""
    books = books_read(columns=columns, currency=currency, branch_ids=branch_ids, rates=rates)
    nodes, moved = books.nodes, books.moved
    section = sections_of(nodes, layout or BUILT_IN["cash-flow"])

    def total(name: str) -> tuple[int, ...]:
        return tuple(sum(v for code, v in one.own.items() if section[code] == name) for one in moved)

    def lines(name: str) -> list[Row]:
        return _moved_rows(nodes, moved, lambda code: section[code] == name)

    rows = [
        Row("heading", "From operations"),
        Row("line", "Net result", 1, amounts=total("result")),
        *lines("operating"),
        Row("total", "Cash from operations", amounts=added(total("result"), total("operating"))),
        Row("heading", "From investing"),
        *lines("investing"),
        Row("total", "Cash from investing", amounts=total("investing")),
        Row("heading", "From financing"),
        *lines("financing"),
        Row("total", "Cash from financing", amounts=total("financing")),
    ]
    if rates is not None:
        rows.append(Row("line", "Effect of exchange rates", 1, amounts=total("translation")))
    change = added(*(total(name) for name in ("result", "operating", "investing", "financing", "translation")))
    proofs = _cash_ends(rows, books, section, change)
    return _statement("cash-flow", "Cash flow statement", currency, columns, rows, proofs, books, branch_ids)


_DIRECT = (("operations", ("result", "operating")), ("investing", ("investing",)), ("financing", ("financing",)))


def cash_flow_direct(
    *,
    columns: Sequence[Column],
    currency: str,
    branch_ids: Sequence[UUID] | None = None,
    layout: Definition | None = None,
    rates: Rates | None = None,
) -> FinancialStatement:
    """Where cash came from and went in each period, by the direct method: what stood against cash in its entries.

    Read from the lines themselves, in one currency; `rates` are not used. Entries that only move cash from one place to
    another cancel out.
    """
    books = books_read(columns=columns, currency=currency, branch_ids=branch_ids)
    nodes = books.nodes
    section = sections_of(nodes, layout or BUILT_IN["cash-flow"])
    cash = [code for code, name in section.items() if name == "cash"]
    read = [cash_sources(column=one, cash=cash, currency=currency, branch_ids=branch_ids) for one in columns]
    rows: list[Row] = []
    net: list[tuple[int, ...]] = []
    for title, wanted in (
        ("operations", ("result", "operating")),
        ("investing", ("investing",)),
        ("financing", ("financing",)),
    ):
        rows.append(Row("heading", f"From {title}"))
        sums = tuple(0 for _ in columns)
        for label, sign in (("Received", 1), ("Paid", -1)):
            for code, node in nodes.items():
                amounts = tuple(one.get((code, sign), 0) for one in read)
                if section[code] in wanted and any(amounts):
                    rows.append(Row("line", f"{label}: {node.name}", 1, code, node.id, amounts))
                    sums = added(sums, amounts)
        rows.append(Row("total", f"Cash from {title}", amounts=sums))
        net.append(sums)
    proofs = _cash_ends(rows, books, section, added(*net))
    return _statement("cash-flow", "Cash flow statement, direct", currency, columns, rows, proofs, books, branch_ids)


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


def sections_of(nodes: Mapping[str, Node], layout: Definition) -> dict[str, str]:
    """Where each node of the chart stands in a cash flow: result, cash, investing, financing, operating."""
    headers = {code: name for name in ("cash", "investing", "financing") for code in layout[name]}
    found = {}
    for start, node in nodes.items():
        name, code = "operating", start
        if start == TRANSLATION:
            name = "translation"
        elif node.type in ("income", "expense"):
            name = "result"
        else:
            while code is not None and code not in headers:
                code = nodes[code].parent  # type: ignore[assignment]
            name = headers.get(code, "operating")
        found[start] = name
    return found


def _cash_ends(rows: list[Row], books: Books, section: Mapping[str, str], change: tuple[int, ...]) -> list[Proof]:
    """Add the rows of cash at both ends; the proof that the change leads from one to the other."""

    def cash(of: list[Balances]) -> tuple[int, ...]:
        return tuple(-sum(v for code, v in one.own.items() if section[code] == "cash") for one in of)

    opening, closing = cash(books.before), cash(books.after)
    rows += [
        Row("result", "Change in cash", amounts=change),
        Row("line", "Cash at the beginning", 1, amounts=opening),
        Row("line", "Cash at the end", 1, amounts=closing),
    ]
    differences = tuple(c - a - b for a, b, c in zip(opening, change, closing, strict=True))
    return [Proof("Cash at the beginning and its change against cash at the end", differences), _tie(books.after)]


def _moved_rows(nodes: Mapping[str, Node], moved: list[Balances], wanted: Callable[[str], bool]) -> list[Row]:
    """The nodes that moved, in reading order: credit-positive, so that what brings cash is positive."""
    rows = []
    for code, node in nodes.items():
        amounts = tuple(one.own.get(code, 0) for one in moved)
        if wanted(code) and any(amounts):
            rows.append(Row("line", node.name, 1, code, node.id, amounts))
    return rows


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
