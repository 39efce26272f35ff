"""ETag and If-Match: the version of a record, so that nobody overwrites what he has not seen."""

from __future__ import annotations

import re
from collections.abc import Mapping

from apps.core.errors import PreconditionFailed, PreconditionRequired

_TAG = re.compile(r'"(0|[1-9][0-9]{0,9})"')
_TAGS = re.compile(r'(?:W/)?("[^"]*")')


def etag_of(version: int) -> str:
    """The ETag of a version: 3 is `"3"`, with the quotes."""
    return f'"{version}"'


def if_match_required(headers: Mapping[str, str]) -> int:
    """The version named in If-Match: one strong tag as the ETag header gave it.

    Raises PreconditionRequired when the header is missing, PreconditionFailed when it names no version.
    """
    value = headers.get("If-Match")
    if value is None or not value.strip():
        raise PreconditionRequired("Send If-Match with the ETag of the record as you read it.")
    found = _TAG.fullmatch(value.strip())
    if found is None:
        raise PreconditionFailed("If-Match must name one ETag as this API gave it.")
    return int(found[1])


def has_already(headers: Mapping[str, str], tag: str) -> bool:
    """Whether If-None-Match names this tag: among several, or as the weak one that a proxy which compresses makes."""
    value = (headers.get("If-None-Match") or "").strip()
    return value == "*" or tag in _TAGS.findall(value)


def version_check(*, current: int, expected: int) -> None:
    """Raise PreconditionFailed when the record is no longer at the expected version. Call it under the lock."""
    if current != expected:
        raise PreconditionFailed(current_version=current)
