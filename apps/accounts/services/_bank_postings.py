"""Entries that the bank makes by itself at the close of business: interest, fees, maturities."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Sequence

from apps.balances.services import Leg, Posting

CLIENT = "bank:accounts"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://numina.invalid/accounts")


def bank_transaction_id(key: str) -> uuid.UUID:
    """The transaction that a key of the bank's own stands for: the same key, the same transaction, at most once."""
    return uuid.uuid5(_NAMESPACE, key)


def bank_posting(
    *,
    key: str,
    kind: str,
    legs: Sequence[Leg],
    business_date: dt.date,
    description: str,
    value_date: dt.date | None = None,
    reference: str = "",
) -> Posting:
    """A posting of the bank's own. The key alone makes it happen once: what is repeated after a crash is the same."""
    return Posting(
        transaction_id=bank_transaction_id(key),
        client_id=CLIENT,
        key=key,
        fingerprint=hashlib.sha256(key.encode()).digest(),
        kind=kind,
        legs=tuple(legs),
        business_date=business_date,
        value_date=value_date,
        channel="bank",
        description=description,
        reference=reference,
    )
