"""Codes of authenticator apps: django-otp's TOTP (RFC 6238), 30 seconds, six digits, SHA-1, as every app has it."""

from __future__ import annotations

import base64
import binascii
import hmac
import io
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

import qrcode
from django.conf import settings
from django.utils.crypto import constant_time_compare
from django_otp.oath import TOTP
from qrcode.image.svg import SvgPathImage

STEP_SECONDS = 30
DIGITS = 6
TOLERANCE = 1
SECRET_BYTES = 20


def totp_secret_new() -> str:
    """160 random bits in base32, as apps take it."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def totp_step_accepted(secret: str, code: str, *, at: datetime, after: int) -> int | None:
    """The time step whose code this is, from one before to one after `at`; None when it is none of them.

    Steps up to `after` were used and are not looked at again.
    """
    if len(code) != DIGITS or not (code.isascii() and code.isdigit()):
        return None
    now = int(at.timestamp())
    found = None
    for drift in range(-TOLERANCE, TOLERANCE + 1):
        step = now // STEP_SECONDS + drift
        if step > after and constant_time_compare(totp_code(secret, step * STEP_SECONDS), code):
            found = step
    return found


def totp_code(secret: str, seconds: int, *, digits: int = DIGITS) -> str:
    """The code that an app with this secret shows at `seconds` since 1970. ValueError for a bad secret.

    The secret is base32. One that was brought along from another system may name its hash: `sha256:...`, `sha512:...`.
    """
    algorithm, _, text = secret.rpartition(":")
    try:
        key = base64.b32decode(text, casefold=True)
    except binascii.Error as error:
        raise ValueError("the secret is not base32") from error
    if algorithm in {"", "sha1"}:
        totp = TOTP(key, step=STEP_SECONDS, digits=digits)
        totp.time = seconds
        return f"{totp.token():0{digits}d}"
    if algorithm not in {"sha256", "sha512"}:
        raise ValueError("the secret names a hash that is not known here")
    return hotp_code(key, seconds // STEP_SECONDS, digits=digits, algorithm=algorithm)


def hotp_code(key: bytes, counter: int, *, digits: int = DIGITS, algorithm: str = "sha1") -> str:
    """RFC 4226's code of a counter, with the hashes that RFC 6238 adds (django-otp has SHA-1 alone)."""
    digest = hmac.new(key, counter.to_bytes(8, "big"), algorithm).digest()
    place = digest[-1] & 0x0F
    number = int.from_bytes(digest[place : place + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}d}"


def totp_uri(secret: str, *, email: str) -> str:
    """What the QR code says: otpauth://totp/..., with the bank's name."""
    bank = settings.NUMINA["BANK_NAME"]
    query = urlencode({"secret": secret, "issuer": bank, "digits": DIGITS, "period": STEP_SECONDS}, quote_via=quote)
    return f"otpauth://totp/{quote(bank)}:{quote(email)}?{query}"


def qr_svg(text: str) -> str:
    """A QR code as a small SVG: no script, no colour of its own, nothing fetched."""
    stream = io.BytesIO()
    qrcode.make(text, image_factory=SvgPathImage, box_size=12, border=2).save(stream)
    svg = stream.getvalue().decode()
    return svg[svg.index("<svg") :]


def recovery_code_new() -> str:
    """80 random bits in four groups that people can copy: ABCD-EFGH-IJKL-MNOP."""
    text = base64.b32encode(secrets.token_bytes(10)).decode()
    return "-".join(text[place : place + 4] for place in range(0, len(text), 4))
