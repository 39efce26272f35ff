"""Web push (RFC 8030): encrypted for the browser (RFC 8291), signed with the bank's VAPID key (RFC 8292)."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from py_vapid import Vapid, VapidException
from pywebpush import WebPusher, WebPushException

from apps.notifications.channels._base import Message, Receipt, Refused
from apps.notifications.channels._http import client_make, request_send
from apps.notifications.endpoints import endpoint_fault

TTL_SECONDS = 24 * 3600
VAPID_SECONDS = 12 * 3600
PAYLOAD_MAX = 3_000  # bytes; push services take 4096 after encryption


class WebPushSender:
    """Posts to the browser's push service. The list of hosts holds here as well: it may have become shorter."""

    def __init__(self, *, private_key: str, subject: str, hosts: Sequence[str]) -> None:
        self.vapid = Vapid.from_string(private_key)
        self.subject, self.hosts = subject, hosts
        self.client = client_make()

    def send(self, message: Message) -> Receipt:
        """Encrypt it and hand it to the push service. A subscription that has ended counts as bounced."""
        target = message.target
        if target is None:
            raise Refused("There is no subscription.", bounced=True)
        fault = endpoint_fault(target.endpoint, hosts=self.hosts)
        if fault:
            raise Refused(fault)
        subscription = {"endpoint": target.endpoint, "keys": {"p256dh": target.p256dh, "auth": target.auth}}
        try:
            body = WebPusher(subscription).encode(payload_make(message), content_encoding="aes128gcm")["body"]
            signed = self.vapid.sign(self._claims(target.endpoint))
        except (WebPushException, VapidException, ValueError, TypeError) as error:
            raise Refused(f"{type(error).__name__}: {error}") from error
        headers = {
            **signed,
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(TTL_SECONDS),
            "Urgency": "normal",
            "Topic": message.id.hex,  # a repeat replaces the first, while the browser is away
        }
        response = request_send(self.client, target.endpoint, content=body, headers=headers)
        return Receipt("webpush", response.headers.get("Location", str(message.id))[:255])

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def _claims(self, endpoint: str) -> dict[str, str | int]:
        parts = urlsplit(endpoint)
        return {"sub": self.subject, "aud": f"https://{parts.netloc}", "exp": int(time.time()) + VAPID_SECONDS}


def payload_make(message: Message) -> bytes:
    """What the service worker reads: title, body, link and id, as JSON of at most 3,000 bytes."""
    body = message.text
    while True:
        facts = {"id": str(message.id), "title": message.subject, "body": body, "link": message.link}
        payload = json.dumps(facts, ensure_ascii=False).encode()
        if len(payload) <= PAYLOAD_MAX or not body:
            return payload
        body = body[: len(body) // 2]
