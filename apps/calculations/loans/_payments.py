"""Which part of which instalment a payment pays: orders of allocation by name.

An order says, for what is due and for what is not yet due, which component goes first. With one order for both,
instalments are paid one after another, each by that order. With two, what is due by the day of the payment goes
first, over all instalments; a charge is due on its own date.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from apps.calculations.errors import AmountOutOfRange, UnknownConvention

COMPONENTS = ("penalties", "fees", "interest", "principal")
SWEEPS = ("instalment", "component")


@dataclass(frozen=True, slots=True)
class AllocationOrder:
    """`due` for everything, or for what is due when `in_advance` is given for the rest.

    `sweep` is `instalment` (all of the oldest, then the next) or `component` (one component of all that is due, then
    the next component).
    """

    due: tuple[str, ...] = COMPONENTS
    in_advance: tuple[str, ...] | None = None
    sweep: str = "instalment"

    def check(self) -> None:
        """Raises UnknownConvention unless each order names every component once."""
        for name, order in (("due", self.due), ("in_advance", self.in_advance or COMPONENTS)):
            if sorted(order) != sorted(COMPONENTS):
                raise UnknownConvention("An order names every component once.", pointer=f"/order/{name}")
        if self.sweep not in SWEEPS:
            raise UnknownConvention(f"No sweep is called {self.sweep}.", pointer="/order/sweep")


OLDEST_FIRST = AllocationOrder()
"""The oldest instalment first: penalties, fees, interest, principal."""


@dataclass(slots=True)
class Item:
    """A component of an instalment that can be paid."""

    number: int
    component: str
    due: dt.date
    amount: int
    paid: int = 0

    @property
    def left(self) -> int:
        """What is still to be paid."""
        return self.amount - self.paid


@dataclass(frozen=True, slots=True)
class Portion:
    """What a payment paid of an item."""

    number: int
    component: str
    amount: int
    due: dt.date


@dataclass(slots=True)
class Allocation:
    """Where a payment went. `left` found nothing to pay."""

    date: dt.date
    amount: int
    left: int
    portions: list[Portion] = field(default_factory=list)

    def total(self, component: str) -> int:
        """What it paid of a component."""
        return sum(portion.amount for portion in self.portions if portion.component == component)


def allocate(items: Sequence[Item], amount: int, date: dt.date, order: AllocationOrder) -> Allocation:
    """Pay items, oldest instalment first, by the order. The items are changed. Raises AmountOutOfRange below zero."""
    if amount < 0:
        raise AmountOutOfRange("A payment is above zero.", pointer="/amount")
    result = Allocation(date, amount, amount)
    for item in _sequence([item for item in items if item.left], date, order):
        if not result.left:
            break
        part = min(result.left, item.left)
        if part > 0:
            item.paid += part
            result.left -= part
            result.portions.append(Portion(item.number, item.component, part, item.due))
    return result


def _sequence(items: Sequence[Item], date: dt.date, order: AllocationOrder) -> list[Item]:
    first = {component: n for n, component in enumerate(order.due)}
    if order.in_advance is None:
        if order.sweep == "instalment":
            return sorted(items, key=lambda item: (item.number, first[item.component]))
        return sorted(items, key=lambda item: (item.due > date, *_rank(item, date, first)))
    later = {component: n for n, component in enumerate(order.in_advance)}
    due = [item for item in items if item.due <= date]
    rest = [item for item in items if item.due > date]
    if order.sweep == "component":
        due.sort(key=lambda item: (first[item.component], item.number))
    else:
        due.sort(key=lambda item: (item.number, first[item.component]))
    return due + sorted(rest, key=lambda item: (item.number, later[item.component]))


def _rank(item: Item, date: dt.date, ranks: dict[str, int]) -> tuple[int, int]:
    rank = ranks[item.component]
    return (rank, item.number) if item.due <= date else (item.number, rank)
