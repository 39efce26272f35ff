"""The books as statements need them: balances by node of the chart, one mapping a column, and the chart above them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.calculations.statements import rollup
from apps.ledger.selectors import gl_accounts
from apps.ledger.totals import BalancesAt, Place, balances_at, balances_by_day
from apps.reporting.statements._model import Column, Row
from apps.reporting.statements._translate import TRANSLATION, Rates, translated

FIRST_DAY = dt.date(1, 1, 1)


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the chart. Without an id it is a line that only statements have."""

    id: UUID | None
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
    """Each column's books before its period, in it, and at its end; all read at one moment, up to one entry.

    `moved` leaves out what closing entries of years moved from income and expense into equity: a result was earned in
    its year, whether or not the year has been closed.
    """

    nodes: Mapping[str, Node]
    before: list[Balances]
    moved: list[Balances]
    after: list[Balances]
    as_of_entry: int


def books_read(
    *, columns: Sequence[Column], currency: str, branch_ids: Sequence[UUID] | None, rates: Rates | None = None
) -> Books:
    """The books that a statement of these columns is drawn from, in two queries however many columns.

    With `rates`, `currency` is the base currency and the books of all others are translated into it.
    """
    nodes = chart_read()
    parents = {code: node.parent for code, node in nodes.items()}
    places = [Place(day, column.branch_id) for column in columns for day in (_day_before(column.since), column.as_of)]
    read: BalancesAt
    if rates is None:
        read = balances_at(places=places, currency=currency, branch_ids=branch_ids)
    else:
        nodes[TRANSLATION] = Node(None, TRANSLATION, "Difference from translation", "equity", None, False)
        days = [place.day for place in places]
        base, foreign = balances_by_day(days=days, base=currency, branch_ids=branch_ids)
        types = {code: node.type for code, node in nodes.items()}
        read = translated(base, foreign, days=days, types=types, rates=rates, currency=currency)

    def balances(own: dict[str, int]) -> Balances:
        return Balances(own, rollup(own, parents))

    before, after = read.days[0::2], read.days[1::2]
    earned_before, earned_after = (
        [_less(days, closings) for days, closings in zip(read.days[k::2], read.closings[k::2], strict=True)]
        for k in (0, 1)
    )
    moved = [_less(a, b) for b, a in zip(earned_before, earned_after, strict=True)]
    return Books(
        nodes, [balances(one) for one in before], [balances(one) for one in moved], [balances(one) for one in after],
        read.as_of_entry,
    )  # fmt: skip


def _less(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {code: net for code in one.keys() | other.keys() if (net := one.get(code, 0) - other.get(code, 0))}


def _day_before(day: dt.date | None) -> dt.date:
    return FIRST_DAY if day is None or day <= FIRST_DAY else day - dt.timedelta(days=1)


def chart_read() -> dict[str, Node]:
    """The whole chart by code, in reading order."""
    rows = gl_accounts().values_list("id", "code", "name", "type", "parent__code", "usage").order_by("code")
    return {code: Node(pk, code, name, kind, parent, usage == "header") for pk, code, name, kind, parent, usage in rows}


def tree_rows(*, nodes: Mapping[str, Node], balances: Sequence[Balances], roots: Iterable[str], sign: int) -> list[Row]:
    """The nodes below these roots that carry anything in any column, as a tree in reading order.

    `sign` turns the books' credit-positive amounts to the side on which the section naturally grows. A root that is a
    header is left out: the section's heading stands for it.
    """
    tops = frozenset(roots)
    rows = []
    for code, node in nodes.items():
        depth = _depth_below(nodes, node, tops)
        if depth is None or (depth == 0 and node.is_header):
            continue
        amounts = tuple(sign * balance.total.get(code, 0) for balance in balances)
        if any(amounts) or any(balance.own.get(code) for balance in balances):
            kind = "group" if node.is_header else "line"
            rows.append(Row(kind, node.name, max(depth, 1), code, node.id, amounts))
    return rows


def _depth_below(nodes: Mapping[str, Node], node: Node, tops: frozenset[str]) -> int | None:
    """How far below one of the roots, or None."""
    depth, code = 0, node.code
    while code not in tops:
        parent = nodes[code].parent
        if parent is None:
            return None
        depth, code = depth + 1, parent
    return depth
