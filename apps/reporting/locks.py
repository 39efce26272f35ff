"""Locks of reporting; docs/locking.md."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, connection

from apps.reporting.errors import YearCloseBusy

YEAR_LOCK = 7121


@contextmanager
def year_lock() -> Iterator[None]:
    """Keep everybody else from closing or opening years meanwhile; raises `YearCloseBusy` when somebody does.

    Closing entries are posted by transactions of their own, so the lock is of the database session: one that dies gives
    it up with its connection.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [YEAR_LOCK])
        if not cursor.fetchone()[0]:
            raise YearCloseBusy("Try again in a moment.")
    try:
        yield
    finally:
        with suppress(DatabaseError), connection.cursor() as cursor:  # a lost connection has given it up already
            cursor.execute("SELECT pg_advisory_unlock(%s)", [YEAR_LOCK])
