"""The books while a demo bank is played through: balances in memory, and each movement as a posting to be made.

Nothing here reads the database, so the same plan gives the same postings, and a seeding that was cut off can go on.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from apps.backoffice.seeding.people import AccountPlan
from apps.balances.services import Leg, Posting

HQ = "HQ"
NAMESPACE = uuid.UUID("5eed0000-0000-5000-8000-4e554d494e41")

# Where the other side of a channel's money is, until it is settled with the central bank or a correspondent.
CHANNEL_GL = {
    "atm": "1230",
    "mobile": "1240",
    "online": "1250",
    "cheque": "1260",
    "incoming": "2420",
    "outgoing": "2410",
}


@dataclass(slots=True, eq=False)
class Inner:
    """One of the bank's own accounts: its ledger id, and its balance so far in credit-positive minor units."""

    ledger_id: int
    balance: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """A posting to be made: who makes it (see `writer`; None is the system) and the outcome it must have."""

    actor: str | None
    posting: Posting
    expected: str


class Books:
    """Balances of a bank being played through, and the entries of the day that are not yet handed over."""

    def __init__(self, *, name: str, resolve: Callable[[str, str, str], int]) -> None:
        """`name` tells seedings apart; `resolve` gives the ledger id for chart code, branch code, currency."""
        self.client = uuid.uuid5(NAMESPACE, name)
        self._client_id = str(self.client)
        self._resolve = resolve
        self._inner: dict[tuple[str, str, str], Inner] = {}
        self.day = dt.date.min
        self.count = 0
        self.entries: list[Entry] = []
        self.deposits: dict[str, int] = {}

    def inner(self, gl_code: str, branch: str = HQ, currency: str = "KES") -> Inner:
        """The bank's own account under a chart node."""
        key = (gl_code, branch, currency)
        found = self._inner.get(key)
        if found is None:
            found = self._inner[key] = Inner(self._resolve(gl_code, branch, currency))
        return found

    def balance(self, gl_code: str, branch: str = HQ, currency: str = "KES") -> int:
        """Balance of the bank's own account, credit-positive minor units."""
        found = self._inner.get((gl_code, branch, currency))
        return found.balance if found is not None else 0

    def take(self) -> list[Entry]:
        """Hand over the entries collected so far."""
        entries, self.entries = self.entries, []
        return entries

    def bank_entry(
        self,
        lines: list[tuple[str, str, int]],
        description: str,
        *,
        currency: str = "KES",
        actor: str | None = "finance",
        kind: str = "manual",
    ) -> None:
        """An entry over the bank's own accounts: (chart code, branch code, credit-positive minor units)."""
        legs = []
        for gl_code, branch, amount in lines:
            inner = self.inner(gl_code, branch, currency)
            inner.balance += amount
            legs.append(Leg(inner.ledger_id, amount, currency))
        self._emit(kind, tuple(legs), actor, "back-office", description)

    def customer_entry(
        self,
        account: AccountPlan,
        amount: int,
        others: list[tuple[Inner, int]],
        *,
        kind: str,
        channel: str,
        description: str,
        counterparty: str = "",
        actor: str | None = None,
    ) -> None:
        """Credit `amount` to a customer (or debit, when negative) against the bank's own accounts."""
        currency = account.currency
        own = Leg(account.ledger_id, amount, currency)
        legs = []
        for inner, other in others:
            inner.balance += other
            legs.append(Leg(inner.ledger_id, other, currency))
        self._moved(account, amount)
        # Debits first: funds are checked before they are handed on.
        ordered = (own, *legs) if amount < 0 else (*sorted(legs, key=_leg_amount), own)
        self._emit(kind, ordered, actor, channel, description, counterparty)

    def transfer(
        self, source: AccountPlan, target: AccountPlan, amount: int, *, channel: str, description: str
    ) -> None:
        """Move money between two customers' accounts of one currency."""
        currency = source.currency
        legs = (Leg(source.ledger_id, -amount, currency), Leg(target.ledger_id, amount, currency))
        self._moved(source, -amount)
        self._moved(target, amount)
        self._emit("transfer", legs, None, channel, description, target.name)

    def refused(
        self, account: AccountPlan, amount: int, other: Inner, *, kind: str, channel: str, description: str
    ) -> None:
        """A payment for which the funds are missing: recorded as refused, moving nothing."""
        legs = (Leg(account.ledger_id, -amount, account.currency), Leg(other.ledger_id, amount, account.currency))
        self._emit(kind, legs, None, channel, description, expected="NSF")

    def _moved(self, account: AccountPlan, amount: int) -> None:
        account.balance += amount
        account.interest_base = min(account.interest_base, account.balance)
        self.deposits[account.currency] = self.deposits.get(account.currency, 0) + amount

    def _emit(
        self,
        kind: str,
        legs: tuple[Leg, ...],
        actor: str | None,
        channel: str,
        description: str,
        counterparty: str = "",
        expected: str = "OK",
    ) -> None:
        self.count += 1
        key = f"{self.count:08d}"
        content = f"{key}|{kind}|{self.day}|{description}|" + "|".join(
            [f"{leg.account_id}:{leg.amount}" for leg in legs]
        )
        posting = Posting(
            transaction_id=uuid.uuid5(self.client, key),
            client_id=self._client_id,
            key=key,
            fingerprint=hashlib.sha256(content.encode()).digest(),
            kind=kind,
            legs=legs,
            business_date=self.day,
            channel=channel,
            description=description,
            counterparty=counterparty,
            reference=f"D{key}",
        )
        self.entries.append(Entry(actor, posting, expected))


def _leg_amount(leg: Leg) -> int:
    return leg.amount
