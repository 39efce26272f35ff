"""What is asked of a loan, and by whom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, UUID

from apps.core.idempotency import transaction_id_for

if TYPE_CHECKING:
    from apps.identity.models import User


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked, under which key, for exactly what: `fingerprint` is SHA-256 of the request. No user: the system."""

    user: User | None
    key: str
    fingerprint: bytes

    @property
    def transaction_id(self) -> UUID:
        """The same key of the same user gives the same id."""
        return transaction_id_for(self.user.pk if self.user else NAMESPACE_OID, self.key)

    @property
    def client_id(self) -> str:
        """Who the books know the key of."""
        return str(self.user.pk) if self.user else "lending"

    @property
    def actor_id(self) -> UUID | None:
        """Who the books name as the one who did it."""
        return self.user.pk if self.user else None


@dataclass(frozen=True, slots=True)
class Counter:
    """The other side of an event in the books: money or expense; credit-positive minor units."""

    role: str
    ledger_id: int
    amount: int


@dataclass(frozen=True, slots=True)
class EventAsked:
    """An event to be: amount in minor units. `counters` are its other side in the books."""

    kind: str
    value_date: dt.date
    amount: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)
    counters: tuple[Counter, ...] = ()
    account_id: UUID | None = None
    channel: str = ""
    till: UUID | None = None
    """The open session of the teller, where cash moves."""
    reference: str = ""
    description: str = ""
