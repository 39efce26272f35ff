"""How notifications leave: NUMINA_SMS_URL, the VAPID key of web push, the rate of bulk mail, anymail's webhooks."""

from __future__ import annotations

import base64
from email.utils import parseaddr
from typing import Any
from urllib.parse import unquote, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from config.env import Env, EnvError

PUSH_HOSTS = (
    "fcm.googleapis.com",
    "*.push.services.mozilla.com",
    "*.push.apple.com",
    "*.notify.windows.com",
)
KEY_BYTES = 32


def notification_settings(env: Env) -> dict[str, Any]:
    """The value of NUMINA["NOTIFICATIONS"]. Raises `EnvError` on a wrong value."""
    return {
        "BULK_PER_MINUTE": env.mail_bulk_per_minute,
        "WEBHOOK_SECRETS": env.notification_webhook_secrets,
        "SMS": _sms(env),
        "PUSH": {
            "backend": "webpush" if env.vapid_private_key else "console",
            "private_key": env.vapid_private_key,
            "public_key": vapid_public_key(env.vapid_private_key) if env.vapid_private_key else "",
            "subject": f"mailto:{parseaddr(env.email_from)[1]}",
            "hosts": env.push_hosts or PUSH_HOSTS,
        },
    }


def anymail_settings(env: Env) -> dict[str, Any]:
    """ANYMAIL. Without a webhook secret (user:password) there is no address for a mail provider's reports."""
    return {"WEBHOOK_SECRET": env.anymail_webhook_secret} if env.anymail_webhook_secret else {}


def vapid_public_key(private_key: str) -> str:
    """The public half of a VAPID key, as browsers take it (base64url). Raises `EnvError`."""
    try:
        raw = base64.urlsafe_b64decode(private_key + "=" * (-len(private_key) % 4))
        if len(raw) != KEY_BYTES:
            raise ValueError
        key = ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1())
    except ValueError as error:
        raise EnvError("NUMINA_VAPID_PRIVATE_KEY is not a key; make one with: manage.py vapid_keys") from error
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def _sms(env: Env) -> dict[str, Any]:
    if not env.sms_url or env.sms_url.startswith("console:"):
        return {"backend": "console"}
    try:
        parts = urlsplit(env.sms_url)
        host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
    except ValueError as error:
        raise EnvError("NUMINA_SMS_URL cannot be read; percent-encode special characters of the token") from error
    if parts.scheme == "file" and parts.path:
        return {"backend": "file", "path": parts.path}
    if parts.scheme != "https" or not parts.hostname:
        raise EnvError(
            "NUMINA_SMS_URL must look like https://:token@provider.example/messages, file:///path or console:"
        )
    url = parts._replace(netloc=host or "").geturl()
    return {"backend": "http", "url": url, "token": unquote(parts.password or ""), "from": env.sms_from}
