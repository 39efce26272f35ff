"""Identifiers: UUIDv7, so that keys grow with time and index pages stay warm."""

from __future__ import annotations

import uuid

from uuid_utils.compat import uuid7 as _uuid7


def uuid7() -> uuid.UUID:
    """A new UUIDv7 as the standard library's UUID. Ordered by millisecond; not a secret."""
    return _uuid7()
