"""Signatures of webhooks as Standard Webhooks has them: HMAC-SHA256 over id.timestamp.body, base64, "v1," in front.

A secret is written "whsec_" and the key in base64, as the standard has it; any other text is the key itself.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

from apps.notifications.errors import WebhookSignatureInvalid

AGE_MAX_SECONDS = 300
ID_MAX = 200
PREFIX = "whsec_"


def signature_make(*, secret: str, event_id: str, timestamp: int, body: bytes) -> str:
    """The value of the header webhook-signature."""
    signed = b".".join((event_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.new(key_of(secret), signed, hashlib.sha256).digest()).decode()


def key_of(secret: str) -> bytes:
    """The key that a secret stands for. ValueError when there is no base64 behind whsec_."""
    if secret.startswith(PREFIX):
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    return secret.encode()


def signature_check(*, secrets: list[str], headers: Mapping[str, str], body: bytes, now: float) -> str:
    """The event's id. Several secrets, and several signatures in the header, let a key be exchanged without a gap.

    Raises `WebhookSignatureInvalid` for a missing or wrong signature or a time more than five minutes off.
    """
    event_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    sound = 0 < len(event_id) <= ID_MAX and event_id.isascii() and event_id.isprintable()
    if not (sound and stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
        raise WebhookSignatureInvalid
    if abs(now - int(stamp)) > AGE_MAX_SECONDS:
        raise WebhookSignatureInvalid("The signature is too old.")
    given = [one.encode() for one in headers.get("webhook-signature", "").split(" ")[:4]]
    expected = [
        signature_make(secret=secret, event_id=event_id, timestamp=int(stamp), body=body).encode() for secret in secrets
    ]
    if not any(hmac.compare_digest(one, other) for one in given for other in expected):
        raise WebhookSignatureInvalid
    return event_id
