"""Reads that belong together, of one state of the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def one_moment() -> Iterator[None]:
    """What is read in it is of one state, without a lock: no change of others comes between two statements.

    For reading only, and for little of it: whatever is decided by what was read is read again under a lock. Inside a
    transaction it is that one's affair: nothing is done.
    """
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
