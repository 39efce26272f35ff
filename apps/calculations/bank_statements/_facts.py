"""What a statement file says, whatever its format."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

ZERO = Decimal(0)
OPENING = ("60F", "60M", "OPBD", "PRCD")
"""Names of the balance before the entries, the surer first: MT940's fields, then ISO 20022's codes."""
CLOSING = ("62F", "62M", "CLBD")


@dataclass(frozen=True, slots=True)
class AccountName:
    """How a file names an account. `kind`: iban, other, proprietary, bban, upic."""

    number: str
    kind: str = "other"


@dataclass(frozen=True, slots=True)
class Named:
    """A balance by its kind (60F, CLBD, LEDGERBAL ...), below zero when the account owes."""

    kind: str
    amount: Decimal
    currency: str | None = None
    date: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a statement. `amount` is None where the file has one that cannot be read.

    `value_date` is the day that counts for interest, `booked_on` that of the books. `reference` is the payer's or the
    bank's name of it, unique within the account for OFX. `reversal`: takes an earlier entry back. `details`: single
    payments in it, of a batch. `booked`: False while it is only announced.
    """

    amount: Decimal | None
    currency: str | None = None
    value_date: dt.date | None = None
    booked_on: dt.date | None = None
    kind: str = ""
    reference: str = ""
    bank_reference: str = ""
    text: str = ""
    reversal: bool = False
    details: int = 0
    booked: bool = True


@dataclass(frozen=True)
class Statement:
    """One statement, or one page of it, of one account. `kind`: account, card, investment."""

    id: str = ""
    number: str = ""
    account: AccountName | None = None
    currency: str | None = None
    balances: tuple[Named, ...] = ()
    entries: tuple[Entry, ...] = ()
    kind: str = "account"

    def balance(self, kinds: Iterable[str]) -> Named | None:
        """The first balance of the first of these kinds that there is."""
        return next((one for kind in kinds for one in self.balances if one.kind == kind), None)

    @cached_property
    def opening(self) -> Named | None:
        """The booked balance before the entries."""
        return self.balance(OPENING)

    @cached_property
    def closing(self) -> Named | None:
        """The booked balance after them; of an intermediate page, that of the page."""
        return next((one for one in reversed(self.balances) if one.kind in CLOSING), None)

    @property
    def intermediate(self) -> bool:
        """Does the statement go on on another page, or come from one?"""
        return any(one.kind in {"60M", "62M"} for one in self.balances)

    @property
    def net(self) -> Decimal:
        """The sum of the entries that can be read."""
        return total(self.entries)

    @property
    def difference(self) -> Decimal | None:
        """What opening balance and booked entries lack to the closing balance; None without both balances."""
        if self.opening is None or self.closing is None:
            return None
        return self.closing.amount - self.opening.amount - total(one for one in self.entries if one.booked)

    @property
    def reconciles(self) -> bool | None:
        """Is the closing balance what opening balance and booked entries make? None without both balances."""
        return None if self.difference is None else self.difference == 0


@dataclass(frozen=True, slots=True)
class BankFile:
    """A file: its format with the version ("camt.053.001.08"), its statements, and what could not be read."""

    format: str
    statements: tuple[Statement, ...]
    problems: tuple[str, ...] = field(default=())

    @property
    def entries(self) -> list[Entry]:
        """The entries of all statements, in the order of the file."""
        return [entry for statement in self.statements for entry in statement.entries]


def total(entries: Iterable[Entry]) -> Decimal:
    """The sum of amounts, those that cannot be read left out."""
    return sum((one.amount for one in entries if one.amount is not None), ZERO)


def received(entries: Iterable[Entry]) -> list[Decimal]:
    """The amounts above zero."""
    return [one.amount for one in entries if one.amount is not None and one.amount > 0]


def paid(entries: Iterable[Entry]) -> list[Decimal]:
    """The amounts below zero."""
    return [one.amount for one in entries if one.amount is not None and one.amount < 0]
