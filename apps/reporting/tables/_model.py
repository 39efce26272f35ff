"""What a list of figures is made of: typed columns, a statement that reads it, and what it means."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings

KINDS = ("text", "money", "count", "date", "moment", "percent")


@dataclass(frozen=True, slots=True)
class Column:
    """A column. Money is minor units of the row's currency; percent a Decimal of hundredths."""

    key: str
    title: str
    kind: str = "text"
    is_summed: bool = False
    is_code: bool = False
    """A code that people read in words: cash_deposit as Cash deposit. Programs get the code."""
    words: Mapping[str, str] = field(default_factory=dict)
    """What people read in place of each code, where the words are known."""


@dataclass(frozen=True, slots=True)
class Params:
    """What a list is asked for. `branch_ids` None is the whole bank; `who` a user's e-mail address, `kind` a word."""

    as_of: dt.date
    since: dt.date
    currency: str
    branch_ids: tuple[UUID, ...] | None = None
    limit: int = 100
    days: int = 365
    who: str = ""
    kind: str = ""

    def bound(self) -> dict[str, Any]:
        """As the statement takes them."""
        return {
            "as_of": self.as_of,
            "since": self.since,
            "currency": self.currency,
            "branches": list(self.branch_ids) if self.branch_ids is not None else None,
            "limit": self.limit,
            "days": self.days,
            "who": self.who,
            "kind": self.kind,
            "zone": settings.NUMINA["TIME_ZONE"],
        }


@dataclass(frozen=True, slots=True)
class Drill:
    """Where a row of a list leads on the staff site: a page and its query, with {keys} of columns, {since}, {as_of}."""

    view: str
    args: Sequence[str] = ()
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableReport:
    """A list. `sql` takes the parameters by name and yields the columns in order; nothing in it comes from a user.

    `asks` names the parameters that change it, beyond branch and currency: since, as_of, limit, days, who, kind.
    `derived` works out more parameters, for what SQL does not know.
    """

    code: str
    title: str
    group: str
    permission: str
    definition: str
    columns: Sequence[Column]
    sql: str
    asks: Sequence[str] = ()
    derived: Callable[[Params], dict[str, Any]] | None = None
    drill: Drill | None = None
    kinds: Sequence[str] = ()
    """What `kind` may be, where that is known beforehand."""
    nothing: str = "Nothing of this kind."
    """What the page says when there are no rows."""


@dataclass(frozen=True, slots=True)
class Table:
    """A list as read: its rows come one after the other, once, and are never all in memory."""

    code: str
    title: str
    definition: str
    currency: str
    columns: Sequence[Column]
    rows: Iterator[Sequence[Any]]
    as_of: dt.date
    since: dt.date | None = None
    scope: str = "All branches"
    drill: Drill | None = None
