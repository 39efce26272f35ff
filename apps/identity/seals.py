"""What identity only compares (codes, tokens), and keys of apps in the form before the vault kept them."""

from __future__ import annotations

import base64
import hashlib
import secrets
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.signals import setting_changed
from django.utils.crypto import salted_hmac

CODE_DIGITS = 6
TOKEN_BYTES = 32


def secret_open(sealed: str) -> str:
    """A key of an authenticator app as it was kept before the vault: under a key derived from SECRET_KEY.

    ValueError when it was sealed under a secret that is not ours (nor in the fallbacks). Nothing is sealed so any more.
    """
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise ValueError("sealed under another secret") from error


def token_new() -> tuple[str, str]:
    """A fresh random token for a link or a challenge, and the hash under which it is stored."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    return token, token_hash(token)


def token_hash(token: str) -> str:
    """SHA-256 in hex: enough for tokens of 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def code_new() -> str:
    """A random code of six digits."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def code_hash(code: str, salt: str) -> str:
    """Keyed by the installation's secret: a million codes would otherwise be tried in a second by a reader of it."""
    return salted_hmac(f"numina.code.{salt}", code, algorithm="sha256").hexdigest()


@lru_cache(maxsize=1)
def _box() -> MultiFernet:
    return MultiFernet([_fernet(str(secret)) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _fernet(secret: str) -> Fernet:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"numina.identity.seal").derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(key))


def _on_setting_changed(*, setting: str, **_: object) -> None:
    if setting in {"SECRET_KEY", "SECRET_KEY_FALLBACKS"}:
        _box.cache_clear()


setting_changed.connect(_on_setting_changed, dispatch_uid="identity.seals")
