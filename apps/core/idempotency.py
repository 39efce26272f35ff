"""Idempotency-Key: one key, one effect, one answer."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from apps.core.errors import IdempotencyKeyInvalid, IdempotencyKeyMissing

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
KEY_MAX = 255
_KEY = re.compile(rf"[!-~]{{1,{KEY_MAX}}}")


def idempotency_key_read(headers: Mapping[str, str]) -> str:
    """The Idempotency-Key of a request: 1 to 255 visible ASCII characters.

    Raises IdempotencyKeyMissing or IdempotencyKeyInvalid.
    """
    return idempotency_key_check(headers.get(HEADER))


def idempotency_key_check(key: str | None) -> str:
    """The same of the header's value, or None where it was not sent."""
    if key is None or key == "":
        raise IdempotencyKeyMissing("Send an Idempotency-Key header: a new one for each new operation.")
    if not _KEY.fullmatch(key):
        raise IdempotencyKeyInvalid("Idempotency-Key is 1 to 255 visible ASCII characters.")
    return key


def key_within(key: str) -> str:
    """A key that we made longer by words of our own, in the space of a client's: its SHA-256 where it does not fit.

    Cut off, it would be that of other parts of the same request.
    """
    return key if len(key) <= KEY_MAX else f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def json_canonical(value: Any) -> bytes:
    """The one spelling of a JSON value: keys sorted, no spaces, UTF-8. Numbers with a fraction keep their digits."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain).encode()


def request_fingerprint(*, method: str, path: str, body: Any) -> bytes:
    """SHA-256 over method, path and canonical body: what must be equal for a replay to be a replay."""
    head = f"{method.upper()}\n{path}\n".encode()
    return hashlib.sha256(head + json_canonical(body)).digest()


@lru_cache(maxsize=1_024)  # one request asks several times
def transaction_id_for(client_id: uuid.UUID, key: str) -> uuid.UUID:
    """The id of the transaction that this client's key stands for: the same key always gives the same id."""
    return uuid.uuid5(client_id, key)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return {"$number": str(value)}  # so that 1.50 and "1.50" have different fingerprints
    raise TypeError(f"not a JSON value: {type(value).__name__}")
