"""Locks of jobs. A job comes before its dead letter; no lock of money is taken while one of these is held.

Executions do not lock: each has a token, and writes to its job only while the row still names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

from django.db import DatabaseError, connection

from apps.jobs.errors import CloseUnderWay
from apps.jobs.models import DeadLetter, Job

CLOSE_LOCK = 7010


def job_lock(*, pk: UUID) -> Job | None:
    """The job, locked until the transaction ends, or None. Raises RuntimeError outside a transaction."""
    _need_transaction("job_lock")
    return Job.objects.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()


def letter_lock(*, pk: UUID) -> DeadLetter | None:
    """The dead letter, locked until the transaction ends, or None. Raises RuntimeError outside a transaction."""
    _need_transaction("letter_lock")
    return DeadLetter.objects.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()


@contextmanager
def close_lock() -> Iterator[Callable[[], bool]]:
    """Keep every other runner of the close out, whichever machine it is on; raises `CloseUnderWay` when one is in.

    The lock belongs to the database session: a runner that dies gives it up with its connection. What is yielded tells
    whether this session still has it, since a connection that was lost is replaced silently.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [CLOSE_LOCK])
        if not cursor.fetchone()[0]:
            raise CloseUnderWay
    try:
        yield _close_lock_held
    finally:
        with suppress(DatabaseError), connection.cursor() as cursor:  # a lost connection has given it up already
            cursor.execute("SELECT pg_advisory_unlock(%s)", [CLOSE_LOCK])


def _close_lock_held() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = 0 AND objid = %s"
            " AND granted AND pid = pg_backend_pid()"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
            [CLOSE_LOCK],
        )
        return bool(cursor.fetchone()[0])


def _need_transaction(name: str) -> None:
    if not connection.in_atomic_block:
        raise RuntimeError(f"{name} needs an open transaction")
