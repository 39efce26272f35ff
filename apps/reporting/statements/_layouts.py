"""How a statement is laid out, as data: sections of the chart, sums of sections, remarks. The bank may write its own.

A layout of the balance sheet or an income statement is a list of items, read from top to bottom:

{"section": key, "label": text, "nodes": [codes], "side": "debit" | "credit"}   the tree below these nodes
{"earnings": key, "label": text}                                               earnings that no entry has closed yet
{"total": key, "label": text, "of": [keys], "side": ..., "style": "total" | "result"}
{"memo": key, "label": text, "nodes": [codes], "side": ...}                    a figure beside the sums

That of the cash flow names nodes of the chart: {"cash": [...], "investing": [...], "financing": [...]}; the rest is
operating. Every figure is credit-positive inside; `side` says which side is shown as positive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apps.reporting.errors import LayoutNotValid
from apps.reporting.statements._books import Balances, Node, tree_rows
from apps.reporting.statements._model import Proof, Row
from apps.reporting.statements._translate import TRANSLATION

Definition = Mapping[str, Any]

TYPES: Mapping[str, tuple[str, ...]] = {
    "balance-sheet": ("asset", "liability", "equity"),
    "income-statement": ("income", "expense"),
    "income-statement-two-step": ("income", "expense"),
}
KINDS = (*TYPES, "cash-flow")
ITEMS_MAX = 60
WORDS = ("section", "earnings", "total", "memo")


def _section(key: str, label: str, *nodes: str, side: str = "credit") -> dict[str, Any]:
    return {"section": key, "label": label, "nodes": list(nodes), "side": side}


def _total(key: str, label: str, *of: str, side: str = "credit", style: str = "total") -> dict[str, Any]:
    return {"total": key, "label": label, "of": list(of), "side": side, "style": style}


BUILT_IN: Mapping[str, Definition] = {
    "balance-sheet": {
        "items": [
            _section("assets", "Assets", "1000", side="debit"),
            _total("total_assets", "Total assets", "assets", side="debit"),
            _section("liabilities", "Liabilities", "2000"),
            _total("total_liabilities", "Total liabilities", "liabilities"),
            _section("equity", "Equity", "3000"),
            {"earnings": "earnings", "label": "Earnings not yet closed into equity"},
            _total("total_equity", "Total equity", "equity", "earnings"),
            _total("both", "Liabilities and equity", "total_liabilities", "total_equity", style="result"),
        ]
    },
    "income-statement": {
        "items": [
            _section("income", "Income", "4000"),
            _total("total_income", "Total income", "income"),
            _section("expenses", "Expenses", "5000", side="debit"),
            _total("total_expenses", "Total expenses", "expenses", side="debit"),
            {"memo": "net_interest", "label": "Of this, net interest income", "nodes": ["4100", "5100"]},
            _total("net", "Net result", "income", "expenses", style="result"),
        ]
    },
    "income-statement-two-step": {
        "items": [
            _section("interest_income", "Interest income", "4100"),
            _section("interest_expense", "Interest expense", "5100", side="debit"),
            _total("net_interest", "Net interest income", "interest_income", "interest_expense"),
            _section("fee_income", "Fee and commission income", "4200"),
            _section("fee_expense", "Fee and commission expense", "5200", side="debit"),
            _total("net_fees", "Net fee and commission income", "fee_income", "fee_expense"),
            _section("other_income", "Other income", "4300"),
            _total("operating_income", "Operating income", "net_interest", "net_fees", "other_income"),
            _section("impairment", "Impairment", "5300", side="debit"),
            _section("costs", "Operating expenses", "5400", "5500", "5600", "5700", side="debit"),
            _total("before_tax", "Result before tax", "operating_income", "impairment", "costs"),
            _section("taxes", "Taxes", "5800", side="debit"),
            _total("net", "Net result", "before_tax", "taxes", style="result"),
        ]
    },
    "cash-flow": {
        # Cash and what can be had at once (IAS 7.6); investments, equipment and software (7.16); borrowings and equity
        # (7.17). All else is operating: loans and deposits are a bank's business (7.22-24).
        "cash": ["1100", "1200"],
        "investing": ["1300", "1700"],
        "financing": ["2300", "3000"],
    },
}


def layout_check(kind: str, definition: Definition, nodes: Mapping[str, Node]) -> None:
    """Raises `LayoutNotValid` unless the definition can be drawn and has each node of the statement once."""
    if kind == "cash-flow":
        _cash_flow_check(definition, nodes)
        return
    items = definition.get("items")
    if not isinstance(items, list) or not 1 <= len(items) <= ITEMS_MAX or set(definition) != {"items"}:
        raise LayoutNotValid(f"A list of 1 to {ITEMS_MAX} items is needed.", pointer="/definition/items")
    known: set[str] = set()
    roots: list[str] = []
    for place, item in enumerate(items):
        pointer = f"/definition/items/{place}"
        word = next((word for word in WORDS if isinstance(item, dict) and word in item), "")
        if not word or not isinstance(item.get("label"), str) or not item["label"].strip():
            raise LayoutNotValid("A section, earnings, total or memo with a label.", pointer=pointer)
        key = item[word]
        if not isinstance(key, str) or key in known:
            raise LayoutNotValid("Every key is a text and there once.", pointer=pointer)
        if word == "total" and not (_texts(item.get("of")) and set(item["of"]) <= known):
            raise LayoutNotValid("A total is of keys above it.", pointer=f"{pointer}/of")
        if word in ("section", "memo") and not (_texts(item.get("nodes")) and set(item["nodes"]) <= nodes.keys()):
            raise LayoutNotValid("Codes of the chart are needed.", pointer=f"{pointer}/nodes")
        side, style = item.get("side", "credit"), item.get("style", "total")
        if side not in ("credit", "debit") or style not in ("total", "result"):
            raise LayoutNotValid("Side is credit or debit, style total or result.", pointer=pointer)
        if word == "section":
            roots += item["nodes"]
        if word != "memo":
            known.add(key)
    _covered(roots, nodes, TYPES[kind])


def _texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)


def _covered(roots: Sequence[str], nodes: Mapping[str, Node], types: tuple[str, ...]) -> None:
    tops = set(roots)
    for code, node in nodes.items():
        found = 0
        above: str | None = code
        while above is not None:
            found += roots.count(above) if above in tops else 0
            above = nodes[above].parent
        if not node.is_header and found != (1 if node.type in types else 0):
            many = "not" if not found else "more than once" if node.type in types else "wrongly"
            raise LayoutNotValid(f"{code} {node.name} is {many} in it.", pointer="/definition/items")


def _cash_flow_check(definition: Definition, nodes: Mapping[str, Node]) -> None:
    if set(definition) != {"cash", "investing", "financing"} or not all(_texts(codes) for codes in definition.values()):
        raise LayoutNotValid("Lists of codes: cash, investing, financing.", pointer="/definition")
    codes = [code for part in definition.values() for code in part]
    if len(set(codes)) != len(codes) or not set(codes) <= nodes.keys():
        raise LayoutNotValid("Each code is one of the chart and there once.", pointer="/definition")


def layout_rows(
    kind: str, definition: Definition, *, nodes: Mapping[str, Node], balances: Sequence[Balances]
) -> tuple[list[Row], Proof]:
    """The rows of a layout, and the proof that its sections hold all that the statement is about."""
    sums: dict[str, tuple[int, ...]] = {}
    parts: list[tuple[int, ...]] = []
    rows: list[Row] = []
    none = (0,) * len(balances)
    for item in definition["items"]:
        sign = -1 if item.get("side") == "debit" else 1
        if "section" in item:
            amounts = tuple(sum(one.total.get(code, 0) for code in item["nodes"]) for one in balances)
            sums[item["section"]] = amounts
            parts.append(amounts)
            rows.append(Row("heading", item["label"]))
            rows += tree_rows(nodes=nodes, balances=balances, roots=item["nodes"], sign=sign)
        elif "earnings" in item:
            amounts = tuple(one.of_type(nodes, "income", "expense") for one in balances)
            rows.append(Row("line", item["label"], 1, amounts=amounts))
            if TRANSLATION in nodes:
                difference = tuple(one.own.get(TRANSLATION, 0) for one in balances)
                rows.append(Row("line", nodes[TRANSLATION].name, 1, amounts=difference))
                parts.append(difference)
                amounts = added(amounts, difference)
            sums[item["earnings"]] = amounts
        elif "memo" in item:
            amounts = tuple(sign * sum(one.total.get(code, 0) for code in item["nodes"]) for one in balances)
            rows.append(Row("line", item["label"], 1, amounts=amounts))
        else:
            amounts = added(none, *(sums[key] for key in item["of"]))
            sums[item["total"]] = amounts
            rows.append(
                Row(item.get("style", "total"), item["label"], amounts=tuple(sign * amount for amount in amounts))
            )
    whole = tuple(one.of_type(nodes, *TYPES[kind]) for one in balances)
    differences = tuple(a - b for a, b in zip(whole, added(none, *parts), strict=True))
    return rows, Proof("What the chart holds and no section shows", differences)


def added(*sums: tuple[int, ...]) -> tuple[int, ...]:
    """The sums, column by column."""
    return tuple(map(sum, zip(*sums, strict=True)))
