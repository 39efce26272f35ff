"""What notifications add to the bank of this suite: something that was told, a failed delivery, a browser."""

from __future__ import annotations

import base64
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from apps.core import clock
from apps.core.notices import notify
from apps.identity.models import User
from apps.jobs.notices import FAILED, JobEnded
from apps.notifications.models import Delivery, Suppression
from apps.notifications.services import subscription_create

Body = tuple[str, str]


def push_on(numina: dict[str, Any]) -> dict[str, Any]:
    """settings.NUMINA with web push, as far as subscribing goes."""
    own = numina["NOTIFICATIONS"]
    return {**numina, "NOTIFICATIONS": {**own, "PUSH": {**own["PUSH"], "public_key": "set"}}}


def notice_things(root: User) -> tuple[dict[str, Any], dict[Body, dict[str, Any]]]:
    """(ids, bodies). Push has to be on: `push_on`."""
    at = clock.now()
    (told,) = notify(FAILED, recipients=[root.pk], context=JobEnded("Import", "No."), at=at)
    delivery = Delivery.objects.get(notification_id=told)
    Delivery.objects.filter(pk=delivery.pk).update(status="failed")
    held = Suppression.objects.create(channel="email", address="gone@example.com", recipient=root, reason="bounce")
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    keys = {
        "p256dh": _b64(point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)),
        "auth": _b64(b"0" * 16),
    }
    endpoint = "https://fcm.googleapis.com/fcm/send/{}"
    browser = subscription_create(acting_user=root, endpoint=endpoint.format(1), at=at, **keys)
    ids = {
        "notification_id": told,
        "delivery_id": delivery.pk,
        "suppression_id": held.pk,
        "subscription_id": browser.pk,
        "provider": "nobody",
    }
    return ids, {
        ("PATCH", "notifications/preferences"): {
            "preferences": [{"kind": FAILED.code, "channel": "email", "mode": "digest"}]
        },
        ("POST", "notifications/suppressions/{suppression_id}/lift"): {"reason": "Works again"},
        ("PUT", "notifications/rhythm"): {"quiet_from": "22:00", "quiet_to": "07:00", "digest_time": "08:00"},
        ("POST", "notifications/subscriptions"): {"endpoint": endpoint.format(2), "keys": keys, "device": "Phone"},
    }


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
