"""How the accounts are parted for the close of business: ranges of ledger account ids, so that a part stays itself."""

from __future__ import annotations

from typing import NamedTuple

from django.db import connection

WIDTH = 100_000


class Range(NamedTuple):
    """Ledger accounts from `low` to `high`, both included."""

    low: int
    high: int

    @property
    def name(self) -> str:
        """What the runner of the close calls it."""
        return f"{self.low}-{self.high}"


def range_of(name: str) -> Range:
    """The range of a name."""
    low, high = name.split("-")
    return Range(int(low), int(high))


def range_with(ledger_id: int) -> Range:
    """The range that a ledger account is in."""
    low = ledger_id // WIDTH * WIDTH
    return Range(low, low + WIDTH - 1)


def ranges_with_accounts() -> list[str]:
    """The names of all ranges in which there are deposit accounts, in order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT ledger_account_id / %s AS n FROM accounts_account ORDER BY n", [WIDTH])
        return [range_with(n * WIDTH).name for (n,) in cursor.fetchall()]
