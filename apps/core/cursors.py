"""Cursors of keyset pagination: opaque, signed, and good for one list with one set of filters only."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import uuid
from decimal import Decimal
from typing import Any

from django.conf import settings

from apps.core.errors import InvalidCursor

_TAG_BYTES = 16
_MAX_LENGTH = 1024


def cursor_encode(values: list[Any], *, scope: str) -> str:
    """A cursor that stands after the row with these key values (strings, ints, dates, times, UUIDs, Decimals).

    `scope` names the list, its filters and its order; `cursor_decode` demands the same.
    """
    payload = json.dumps([_pack(value) for value in values], separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(_tag(payload, scope) + payload).rstrip(b"=").decode()


def cursor_decode(cursor: str, *, scope: str) -> list[Any]:
    """The key values in a cursor. Raises InvalidCursor when it was changed or made for another scope."""
    try:
        if len(cursor) > _MAX_LENGTH:
            raise ValueError
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        tag, payload = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        if not hmac.compare_digest(tag, _tag(payload, scope)):
            raise ValueError
        return [_unpack(item) for item in json.loads(payload)]
    except (ValueError, UnicodeError) as error:
        detail = "The cursor is good for the list, the filters and the order that it came with only."
        raise InvalidCursor(detail, pointer="/query/cursor") from error


def _tag(payload: bytes, scope: str) -> bytes:
    key = hashlib.sha256(b"numina.cursor:" + settings.SECRET_KEY.encode()).digest()
    message = hashlib.sha256(scope.encode()).digest() + payload
    return hmac.digest(key, message, "sha256")[:_TAG_BYTES]


def _pack(value: Any) -> list[Any]:
    if isinstance(value, bool) or value is None:
        raise TypeError("a list is ordered by columns that are never null and never boolean")
    if isinstance(value, str | int):
        return ["", value]
    if isinstance(value, uuid.UUID):
        return ["u", str(value)]
    if isinstance(value, dt.datetime):
        return ["t", value.isoformat()]
    if isinstance(value, dt.date):
        return ["d", value.isoformat()]
    if isinstance(value, Decimal):
        return ["n", str(value)]
    raise TypeError(f"a list cannot be ordered by {type(value).__name__}")


_READERS: dict[str, Any] = {
    "": lambda value: value,
    "u": uuid.UUID,
    "t": dt.datetime.fromisoformat,
    "d": dt.date.fromisoformat,
    "n": Decimal,
}


def _unpack(item: list[Any]) -> Any:
    kind, value = item
    return _READERS[kind](value)
