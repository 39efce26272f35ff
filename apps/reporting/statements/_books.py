"""The books as statements need them: balances by node of the chart, one mapping a column, and the chart above them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.calculations.statements import rollup
from apps.ledger.selectors import balances_at, gl_accounts
from apps.reporting.statements._model import Column, Row

FIRST_DAY = dt.date(1, 1, 1)


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the chart."""

    id: UUID
    code: str
    name: str
    type: str
    parent: str | None
    is_header: bool


@dataclass(frozen=True, slots=True)
class Balances:
    """Credit-positive minor units by code: `own`, and `total` with those of the nodes below."""

    own: Mapping[str, int]
    total: Mapping[str, int]

    def of_type(self, nodes: Mapping[str, Node], *types: str) -> int:
        """The sum over all nodes of these types."""
        return sum(amount for code, amount in self.own.items() if nodes[code].type in types)

    @property
    def difference(self) -> int:
        """What the books do not sum to zero by."""
        return sum(self.own.values())


@dataclass(frozen=True, slots=True)
class Books:
    """Each column's books before its period, in it, and at its end; all read at one moment, up to one entry."""

    nodes: Mapping[str, Node]
    before: list[Balances]
    moved: list[Balances]
    after: list[Balances]
    as_of_entry: int


def books_read(*, columns: Sequence[Column], currency: str, branch_ids: Sequence[UUID] | None) -> Books:
    """The books that a statement of these columns is drawn from, in two queries however many columns."""
    nodes = _chart_read()
    parents = {code: node.parent for code, node in nodes.items()}
    moments = [day for column in columns for day in (_day_before(column.since), column.as_of)]
    read = balances_at(moments=moments, currency=currency, branch_ids=branch_ids)

    def balances(own: dict[str, int]) -> Balances:
        return Balances(own, rollup(own, parents))

    before, after = read.days[0::2], read.days[1::2]
    moved = [
        {code: net for code in b | a if (net := a.get(code, 0) - b.get(code, 0))}
        for b, a in zip(before, after, strict=True)
    ]
    return Books(
        nodes, [balances(one) for one in before], [balances(one) for one in moved], [balances(one) for one in after],
        read.as_of_entry,
    )  # fmt: skip


def _day_before(day: dt.date | None) -> dt.date:
    return FIRST_DAY if day is None or day <= FIRST_DAY else day - dt.timedelta(days=1)


def _chart_read() -> dict[str, Node]:
    """The whole chart by code, in reading order."""
    rows = gl_accounts().values_list("id", "code", "name", "type", "parent__code", "usage").order_by("code")
    return {code: Node(pk, code, name, kind, parent, usage == "header") for pk, code, name, kind, parent, usage in rows}


def tree_rows(
    *, nodes: Mapping[str, Node], balances: Sequence[Balances], types: Iterable[str], sign: int, depth: int = 1
) -> list[Row]:
    """The nodes of these types that carry anything in any column, as a tree in reading order.

    `sign` turns the books' credit-positive amounts to the side on which the section naturally grows. The top header
    of a section is left out: the section's heading stands for it.
    """
    wanted = frozenset(types)
    rows = []
    for code, node in nodes.items():
        if node.type not in wanted or (node.parent is None and node.is_header):
            continue
        amounts = tuple(sign * balance.total.get(code, 0) for balance in balances)
        if any(amounts) or any(balance.own.get(code) for balance in balances):
            kind = "group" if node.is_header else "line"
            rows.append(Row(kind, node.name, depth + _depth(nodes, node), code, node.id, amounts))
    return rows


def _depth(nodes: Mapping[str, Node], node: Node) -> int:
    """How far below its section's top."""
    depth, parent = 0, node.parent
    while parent is not None and nodes[parent].parent is not None:
        depth, parent = depth + 1, nodes[parent].parent
    return depth
