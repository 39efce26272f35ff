"""Data keys as the process holds them: unwrapped once, by number; the active one is looked up again now and then.

A key made in a transaction is the active one in memory only once that has committed: otherwise a value could be
encrypted under a key that a rollback took away.
"""

from __future__ import annotations

import os
import threading
import time

from django.db import transaction

from apps.vault.errors import SealBroken
from apps.vault.masters import master_named, masters
from apps.vault.models import DataKey

ACTIVE_SECONDS = 30.0
"""How long another process may go on encrypting under the key before: a rotation looks again for those."""

_lock = threading.Lock()
_keys: dict[int, bytes] = {}
_usable: dict[str, tuple[float, list[int]]] = {}
_uncommitted: set[int] = set()


def active_key(purpose: str) -> tuple[int, bytes]:
    """Number and bytes of the key under which new values are made. The first use makes it."""
    number = usable_numbers(purpose)[0]
    return number, key_by_number(number)


def usable_numbers(purpose: str) -> list[int]:
    """All keys of a purpose that values may be under, the active one first."""
    with _lock:
        moment, numbers = _usable.get(purpose, (0.0, []))
    if numbers and time.monotonic() - moment < ACTIVE_SECONDS:
        return numbers
    rows = DataKey.objects.filter(purpose=purpose, retired_at=None).order_by("-id")
    found = sorted(rows, key=lambda row: row.status != DataKey.Status.ACTIVE)
    if not found or found[0].status != DataKey.Status.ACTIVE:
        found.insert(0, key_make(purpose))
    numbers = [row.pk for row in found]
    with _lock:
        if numbers[0] not in _uncommitted:
            _usable[purpose] = (time.monotonic(), numbers)
    return numbers


def key_by_number(number: int) -> bytes:
    """The key's bytes. Raises SealBroken when there is no such key, or its master is not here."""
    with _lock:
        known = _keys.get(number)
    if known is not None:
        return known
    row = DataKey.objects.filter(pk=number).first()
    if row is None:
        raise SealBroken(f"there is no key {number}")
    key = master_named(row.master).unwrap(bytes(row.wrapped))
    with _lock:
        _keys[number] = key  # also of one that is rolled back: no other key gets its number
    return key


def key_make(purpose: str) -> DataKey:
    """A fresh random key, wrapped and stored as the active one; the one that another process made just now, if any."""
    master = masters()[0]
    row = DataKey(purpose=purpose, wrapped=master.wrap(os.urandom(32)), master=master.name)
    DataKey.objects.bulk_create([row], ignore_conflicts=True)
    made = DataKey.objects.get(purpose=purpose, status=DataKey.Status.ACTIVE)

    def settle() -> None:
        with _lock:
            _uncommitted.discard(made.pk)

    with _lock:
        _uncommitted.add(made.pk)
    transaction.on_commit(settle)
    return made


def keys_forget() -> None:
    """Empty the process's memory: after a rotation, and for tests."""
    with _lock:
        _keys.clear()
        _usable.clear()
