"""Which push endpoints may be called: a subscriber names the address, so it must be a known push service's."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from urllib.parse import urlsplit

from apps.notifications.models import ENDPOINT_MAX

P256DH_BYTES, AUTH_BYTES, UNCOMPRESSED = 65, 16, 4
HTTPS_PORT = 443


def endpoint_fault(endpoint: str, *, hosts: Iterable[str]) -> str:
    """Why the address must not be called; empty when it may.

    `hosts` are names, `*.` in front for all names below, `:port` behind for another port than 443. Only https, no
    user name, and as the host no address in numbers unless the list names it.
    """
    if len(endpoint) > ENDPOINT_MAX or not endpoint.isascii() or not endpoint.isprintable() or " " in endpoint:
        return f"The endpoint must be an https address of at most {ENDPOINT_MAX} characters."
    try:
        parts = urlsplit(endpoint)
        port = parts.port or HTTPS_PORT
    except ValueError:
        return "The endpoint is not an address."
    if parts.scheme != "https" or "@" in parts.netloc or "\\" in endpoint or not parts.hostname:
        return "The endpoint must be an https address without a user name."
    if not any(_fits(parts.hostname, port, entry) for entry in hosts):
        return "The endpoint is not one of a push service that the bank sends to."
    return ""


def _fits(host: str, port: int, entry: str) -> bool:
    name, _, own_port = entry.lower().partition(":")
    if port != int(own_port or HTTPS_PORT):
        return False
    if name.startswith("*."):
        return host.endswith(name[1:]) and len(host) > len(name) - 1
    return host == name


def keys_fault(*, p256dh: str, auth: str) -> str:
    """Why the keys cannot be encrypted for; empty when they can. Both are base64url."""
    from cryptography.hazmat.primitives.asymmetric import ec

    point, secret = _decoded(p256dh), _decoded(auth)
    if len(point) != P256DH_BYTES or point[0] != UNCOMPRESSED:
        return "p256dh must be an uncompressed point of P-256, in base64url."
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        return "p256dh is not a point of P-256."
    if len(secret) != AUTH_BYTES:
        return "auth must be 16 bytes in base64url."
    return ""


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
