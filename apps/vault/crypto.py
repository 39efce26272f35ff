"""Sealing and opening single values: AES-256-GCM, bound to the record and the field they belong to.

A sealed value is: one byte of version (1), four of the key's number, twelve of a random nonce, the ciphertext with its
tag. The associated data is the field's context and the record's id, so a value copied to another row or column does
not open. A blind index is HMAC-SHA256 of the folded value under a key of its own: equal values are found, nothing else.
"""

from __future__ import annotations

import hmac
import os
import re
import unicodedata

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from apps.vault.errors import SealBroken
from apps.vault.keys import active_key, key_by_number, usable_numbers

VERSION = 1
HEAD = 5
NONCE = 12
SHOWN = 4
_SEPARATORS = re.compile(r"[\s\-./]+")


def value_seal(plain: str, *, context: str, record: str) -> bytes:
    """The sealed value. Empty text stays empty: that there is nothing is no secret."""
    if not plain:
        return b""
    number, key = active_key("data")
    nonce = os.urandom(NONCE)
    head = bytes([VERSION]) + number.to_bytes(4, "big")
    return head + nonce + AESGCM(key).encrypt(nonce, plain.encode(), _bound(head, context, record))


def value_open(sealed: bytes, *, context: str, record: str) -> str:
    """The text. Raises SealBroken when it was changed, belongs elsewhere, or its key is not here."""
    if not sealed:
        return ""
    if len(sealed) < HEAD + NONCE + 16 or sealed[0] != VERSION:
        raise SealBroken("not a sealed value")
    key = key_by_number(key_number(sealed))
    nonce, body = sealed[HEAD : HEAD + NONCE], sealed[HEAD + NONCE :]
    try:
        return AESGCM(key).decrypt(nonce, body, _bound(sealed[:HEAD], context, record)).decode()
    except InvalidTag as error:
        raise SealBroken(f"the value of {context} does not belong to record {record}, or was changed") from error


def key_number(sealed: bytes) -> int:
    """Under which key a value is."""
    return int.from_bytes(sealed[1:HEAD], "big")


def blind_index(plain: str, *, context: str, last: int = 0) -> bytes | None:
    """The index of a value, or of its `last` so many characters, under the active key; None for empty text."""
    return _index(active_key("index")[1], plain, context, last) if folded(plain) else None


def blind_indexes(plain: str, *, context: str, last: int = 0) -> list[bytes]:
    """The indexes under every usable key, for a look-up while a rotation is under way."""
    if not folded(plain):
        return []
    return [_index(key_by_number(number), plain, context, last) for number in usable_numbers("index")]


def folded(plain: str) -> str:
    """How values are compared: no spaces, hyphens, dots or slashes, no case."""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", plain)).casefold()


def masked(plain: str) -> str:
    """The last four characters behind dots; of short values, dots alone."""
    if not plain:
        return ""
    return "\u2022" * 4 + (plain[-SHOWN:] if len(plain) >= 2 * SHOWN else "")


def _index(key: bytes, plain: str, context: str, last: int) -> bytes:
    # What is indexed is part of the context: the end of one value never looks like the whole of another.
    text, about = (folded(plain)[-last:], f"{context}#{last}") if last else (folded(plain), context)
    return hmac.digest(key, f"{about}\0{text}".encode(), "sha256")


def _bound(head: bytes, context: str, record: str) -> bytes:
    return head + f"{context}\0{record}".encode()
