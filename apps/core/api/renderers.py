"""Compact JSON, encoded by msgspec: decimals as strings, times in RFC 3339, UUIDs in their usual form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from django.utils.functional import Promise
from rest_framework.renderers import BaseRenderer


def _plain(value: Any) -> Any:
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, str):  # subclasses: SafeString, DRF's ErrorDetail, members of TextChoices
        return str.__str__(value)
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "__iter__"):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


_encoder = msgspec.json.Encoder(enc_hook=_plain, decimal_format="string")


def json_encode(value: Any) -> bytes:
    """A value as compact JSON in UTF-8. Raises TypeError for what has no form in JSON."""
    return _encoder.encode(value)


class JSONRenderer(BaseRenderer):
    """The only renderer of the API, unless a view offers files as well."""

    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """The body; nothing at all for None, so that 204 stays empty."""
        return b"" if data is None else json_encode(data)
