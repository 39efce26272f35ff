"""JSON as this API reads it: strict, bounded, and never read in two ways."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from email.message import Message
from typing import IO, Any

from rest_framework.parsers import BaseParser

from apps.core.errors import MalformedBody, PayloadTooLarge, UnsupportedMediaType

BODY_BYTES_MAX = 1024 * 1024
DEPTH_MAX = 32
_INT_DIGITS_MAX = 19
_NUL_OR_SURROGATE = re.compile("[\x00\ud800-\udfff]")


class StrictJSONParser(BaseParser):
    """Reads one JSON object in UTF-8.

    Refused with 400: anything else at the top, duplicate keys, NaN and Infinity, integers of more than 19 digits,
    more than 32 levels, NUL and unpaired surrogates. 413 above `max_bytes` (a view may set `max_body_bytes`).
    Numbers with a fraction become Decimal, so that no field can take them for money by way of a float.
    """

    media_type = "application/json"
    max_bytes = BODY_BYTES_MAX

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The object in the body."""
        context = parser_context or {}
        charset_check(media_type)
        limit = getattr(context.get("view"), "max_body_bytes", None) or self.max_bytes
        return json_object_read(_read(stream, limit, context))


def json_object_read(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`, read strictly. Raises MalformedBody."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedBody("The body is not UTF-8.") from error
    try:
        value = _decoder.decode(text)
    except RecursionError as error:
        raise MalformedBody(f"The body is nested more than {DEPTH_MAX} levels deep.") from error
    except json.JSONDecodeError as error:
        raise MalformedBody(f"Not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from error
    if type(value) is not dict:
        raise MalformedBody("The body must be one JSON object.")
    # Escapes and brackets are rare or few in honest bodies: the walk is for the others.
    if "\\u" in text or text.count("{") + text.count("[") > DEPTH_MAX:
        _walk(value)
    return value


def _read(stream: IO[bytes], limit: int, context: Mapping[str, Any]) -> bytes:
    request = context.get("request")
    if request is not None:
        encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity")
        if encoding.lower() != "identity":
            raise UnsupportedMediaType("Bodies are not compressed.")
        announced = request.META.get("CONTENT_LENGTH") or "0"
        if announced.isdigit() and int(announced) > limit:
            raise PayloadTooLarge(f"At most {limit} bytes.")
    body = stream.read(limit + 1)
    if len(body) > limit:
        raise PayloadTooLarge(f"At most {limit} bytes.")
    return body


def charset_check(media_type: str | None) -> None:
    """Raise UnsupportedMediaType when a Content-Type names another charset than UTF-8."""
    message = Message()
    message["Content-Type"] = media_type or ""
    charset = message.get_param("charset")
    if charset is not None and str(charset).lower() not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType("The body must be UTF-8.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise MalformedBody(f"The key {json.dumps(twice[:64])} comes twice in one object.")
    return found


def _constant(name: str) -> None:
    raise MalformedBody(f"{name} is not JSON.")


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > _INT_DIGITS_MAX:
        raise MalformedBody(f"A number has more than {_INT_DIGITS_MAX} digits.")
    return int(digits)


def _fraction(digits: str) -> Decimal:
    if len(digits) > 64:
        raise MalformedBody("A number is longer than 64 characters.")
    return Decimal(digits)


_decoder = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_fraction, strict=True
)


def _walk(value: Any) -> None:
    """Refuse depth, NUL and surrogates anywhere; breadth first, so that depth costs no stack."""
    level: list[Any] = [value]
    for _depth in range(DEPTH_MAX):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
                below.extend(item.keys())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, str) and _NUL_OR_SURROGATE.search(item):
                raise MalformedBody("A text has a NUL or an unpaired surrogate.")
        if not below:
            return
        level = below
    if any(isinstance(item, dict | list) for item in level):
        raise MalformedBody(f"The body is nested more than {DEPTH_MAX} levels deep.")
    for item in level:
        if isinstance(item, str) and _NUL_OR_SURROGATE.search(item):
            raise MalformedBody("A text has a NUL or an unpaired surrogate.")
