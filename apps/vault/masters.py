"""The master key: it wraps data keys and nothing else, and never stands in the database.

NUMINA_MASTER_KEY holds it (64 hexadecimal digits), or NUMINA_MASTER_KEY_FILE names a file that does. Several, separated
by commas: the first wraps, the others still open what they wrapped. NUMINA_VAULT_URL with NUMINA_VAULT_TOKEN and
NUMINA_VAULT_KEY leaves the wrapping to the transit engine of HashiCorp Vault or OpenBao: then the key never enters
this process.
"""

from __future__ import annotations

import base64
import hashlib
import os
from functools import lru_cache
from typing import Protocol

import httpx
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from apps.vault.errors import MasterKeyUnavailable, SealBroken

NONCE = 12
TIMEOUT_SECONDS = 3.0
_PURPOSE = b"numina data key"


class Master(Protocol):
    """Wraps and unwraps data keys. `name` is stored beside each wrapped key."""

    name: str

    def wrap(self, key: bytes) -> bytes:
        """The wrapped key."""
        ...

    def unwrap(self, wrapped: bytes) -> bytes:
        """The key. Raises SealBroken when it was wrapped by another."""
        ...

    def renew(self, wrapped: bytes) -> bytes:
        """The same key under the newest version of this master; `wrapped` itself where that is so already."""
        ...


class LocalMaster:
    """A key of 32 bytes from the environment or a file: AES-256-GCM."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self.name = "local:" + hashlib.sha256(_PURPOSE + key).hexdigest()[:16]

    def wrap(self, key: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, key, _PURPOSE)

    def unwrap(self, wrapped: bytes) -> bytes:
        try:
            return self._cipher.decrypt(wrapped[:NONCE], wrapped[NONCE:], _PURPOSE)
        except InvalidTag as error:
            raise SealBroken("the data key was wrapped by another master key, or changed") from error

    def renew(self, wrapped: bytes) -> bytes:
        return wrapped  # it has one version: another key is another master


class TransitMaster:
    """The transit engine of Vault or OpenBao over HTTP: it wraps and unwraps, and keeps the key to itself."""

    def __init__(self, url: str, token: str, key: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self.name = f"transit:{key}"
        self._key = key
        self._client = httpx.Client(
            base_url=url.rstrip("/"),
            headers={"X-Vault-Token": token},
            timeout=TIMEOUT_SECONDS,
            transport=transport,
            follow_redirects=False,
        )

    def wrap(self, key: bytes) -> bytes:
        answer = self._ask("encrypt", {"plaintext": base64.b64encode(key).decode()})
        return str(answer["ciphertext"]).encode()

    def unwrap(self, wrapped: bytes) -> bytes:
        answer = self._ask("decrypt", {"ciphertext": wrapped.decode()})
        return base64.b64decode(answer["plaintext"])

    def renew(self, wrapped: bytes) -> bytes:
        answer = self._ask("rewrap", {"ciphertext": wrapped.decode()})["ciphertext"].encode()
        # "vault:v2:...": the keeper encrypts anew each time, also under the same version.
        return wrapped if answer.split(b":")[:2] == wrapped.split(b":")[:2] else answer

    def _ask(self, action: str, body: dict[str, str]) -> dict[str, str]:
        try:
            response = self._client.post(f"/v1/transit/{action}/{self._key}", json=body)
            response.raise_for_status()
            data: dict[str, str] = response.json()["data"]
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise MasterKeyUnavailable("The keeper of the master key does not answer.") from error
        return data


@lru_cache(maxsize=1)
def masters() -> tuple[Master, ...]:
    """All configured masters; the first wraps. Raises ImproperlyConfigured when there is none."""
    configured: dict[str, str] = settings.NUMINA["VAULT"]
    found: list[Master] = []
    if configured["url"]:
        found.append(TransitMaster(configured["url"], configured["token"], configured["key"]))
    found += [LocalMaster(_key_read(text)) for text in configured["master_keys"].split(",") if text.strip()]
    if not found:
        raise ImproperlyConfigured("No master key: set NUMINA_MASTER_KEY, NUMINA_MASTER_KEY_FILE or NUMINA_VAULT_URL.")
    return tuple(found)


def master_named(name: str) -> Master:
    """The master that wrapped a key. Raises SealBroken when it is not configured here."""
    for master in masters():
        if master.name == name:
            return master
    raise SealBroken(f"the master key {name} is not configured here")


def _key_read(text: str) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ImproperlyConfigured("A master key has 64 hexadecimal digits: openssl rand -hex 32")
    return key


def _on_setting_changed(*, setting: str, **_: object) -> None:
    if setting == "NUMINA":
        masters.cache_clear()


setting_changed.connect(_on_setting_changed, dispatch_uid="vault.masters")
