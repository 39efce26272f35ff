"""Which rows of an append-only table are final: below the highest id drawn, once nobody who drew one still writes.

Whoever draws from a sequence holds a lock on it from before the draw until the transaction ends. So note the highest
id first, then, in a later statement, who holds such a lock; once those are gone, every row up to the id noted is
visible or will never be. Nobody is waited for who has drawn nothing: long reads, dumps, other tables.
"""

from __future__ import annotations

from django.db import connection

_DRAWING = """
 FROM pg_locks WHERE locktype = 'relation' AND relation = %s::regclass
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND pid IS DISTINCT FROM pg_backend_pid()
"""


def ceiling_note(sequence: str) -> tuple[int, list[str]]:
    """The highest id drawn from `sequence` (a name of ours), then the virtual ids of transactions that may still write.

    The order of the two statements is what makes it safe.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(pg_sequence_last_value(%s::regclass), 0)", [sequence])
        ceiling = int(cursor.fetchone()[0])
        cursor.execute("SELECT coalesce(array_agg(DISTINCT virtualtransaction), '{}')" + _DRAWING, [sequence])
        return ceiling, list(cursor.fetchone()[0])


def drawers_remain(sequence: str, waiting: list[str]) -> bool:
    """Whether one of the noted transactions has not ended."""
    with connection.cursor() as cursor:
        statement = "SELECT EXISTS (SELECT 1" + _DRAWING + " AND virtualtransaction = ANY (%s))"
        cursor.execute(statement, [sequence, waiting])
        return bool(cursor.fetchone()[0])
