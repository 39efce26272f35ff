"""What every financial statement is made of: columns of time, rows of the chart, proofs that it ties to the books."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a moment (`since` None) or a period, both ends included; of one branch, or of all that are read."""

    as_of: dt.date
    since: dt.date | None = None
    branch_id: UUID | None = None
    branch: str = ""
    name: str = ""

    @property
    def label(self) -> str:
        """As the heading shows it: its name, or its time."""
        if self.name:
            return self.name
        time = self.as_of.isoformat() if self.since is None else f"{self.since.isoformat()} to {self.as_of.isoformat()}"
        return f"{self.branch}, {time}" if self.branch else time


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `amounts` (minor units, on the row's natural side) are one a column; a heading has none.

    kind: heading, group (a node with nodes below it), line (a node that is posted to), total, result.
    """

    kind: str
    label: str
    depth: int = 0
    code: str = ""
    gl_account_id: UUID | None = None
    amounts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """A sum that must be nothing, by column, minor units."""

    text: str
    differences: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FinancialStatement:
    """A statement in one currency, as read from the books at one moment, up to journal entry `as_of_entry`."""

    kind: str
    title: str
    currency: str
    columns: tuple[Column, ...]
    rows: list[Row]
    proofs: list[Proof]
    as_of_entry: int
    branch_ids: tuple[UUID, ...] = field(default=())

    def proves(self, proof: Proof) -> bool:
        """Whether a proof holds in the columns of all that is read. One branch may stand open against others."""
        wholes = [place for place, column in enumerate(self.columns) if column.branch_id is None]
        return not any(proof.differences[place] for place in wholes or range(len(self.columns)))

    @property
    def is_proven(self) -> bool:
        """Whether every proof holds."""
        return all(self.proves(proof) for proof in self.proofs)
