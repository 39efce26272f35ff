"""Bounces that come back as mail: delivery status notifications (RFC 3464), read into reports."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from hashlib import sha256
from typing import cast

from apps.notifications.causes import cause_of
from apps.notifications.services import Report

SIZE_MAX = 2_000_000


def bounce_read(raw: bytes) -> Report | None:
    """What a bounce says of the message that it is about; None for mail that is none, or speaks of a delay only.

    A message that is called back names ours by its Message-ID, which only its sender and its readers know.
    """
    message = email.message_from_bytes(raw[:SIZE_MAX], policy=email.policy.default)
    if message.get_content_type() != "multipart/report":
        return None
    action = status = said = original = ""
    for part in message.walk():
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            for block in cast("list[EmailMessage]", part.get_payload()):
                action = str(block.get("Action", action)).strip().lower()
                status = str(block.get("Status", status)).strip()
                said = str(block.get("Diagnostic-Code", said))
        elif kind == "message/rfc822":
            original = str(cast("list[EmailMessage]", part.get_payload())[0].get("Message-ID", ""))
        elif kind in ("text/rfc822-headers", "message/rfc822-headers"):
            headers = email.message_from_string(str(part.get_payload()), policy=email.policy.default)
            original = str(headers.get("Message-ID", ""))
    known = {"failed": "bounced", "delivered": "delivered"}.get(action)
    if known is None or not original:
        return None
    event_id = str(message.get("Message-ID", "")) or sha256(raw).hexdigest()
    detail = f"{status} {said}".strip()
    cause = cause_of(detail) if known == "bounced" else ""
    return Report("smtp", event_id, original.strip(), known, detail, cause)
