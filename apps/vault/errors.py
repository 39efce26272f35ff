"""What can go wrong with encrypted values and keys."""

from __future__ import annotations

from apps.core.errors import Conflict, Unavailable


class SealBroken(Exception):
    """A sealed value cannot be opened: changed, moved to another record or field, or its key is not here."""


class MasterKeyUnavailable(Unavailable):
    """The keeper of the master key does not answer."""

    code = "master-key-unavailable"
    title = "The master key is not available"


class RotationRunning(Conflict):
    """A rotation has begun and is not finished."""

    code = "key-rotation-running"
    title = "A rotation of keys is running"
