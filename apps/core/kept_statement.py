"""The hottest reads, past the layers: one statement that PostgreSQL keeps, asked for by libpq in one call.

A cursor of psycopg takes 65 µs of processor time for a row, libpq itself 15; of an answer of 300 µs that is a lot. All
else goes through Django or a cursor: this is for reads of one row that happen thousands of times a second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import pq

Loader = Callable[[bytes], Any]


class KeptStatement:
    """One row of a SELECT by its parameters.

    Columns are made of PostgreSQL's text by `loaders`, in their order; NULL is None. `sql` has %s for each parameter,
    with a cast where the type does not follow from the column it is compared with.
    """

    def __init__(self, name: str, sql: str, loaders: Sequence[Loader]) -> None:
        self._sql = sql
        self._name = name.encode()
        self._loaders = tuple(loaders)
        self._prepared: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()

    def row(self, *parameters: object) -> tuple[Any, ...] | None:
        """The row, or None. Raises Django's database errors."""
        database = connections[DEFAULT_DB_ALIAS]  # once: whose thread this is takes longer to find out than all else
        if database.connection is None:
            database.ensure_connection()
        session = database.connection
        texts = [str(parameter).encode() for parameter in parameters]
        # In a transaction psycopg itself may have to begin it first, and a pooler may keep no statements.
        if database.in_atomic_block or session.prepare_threshold is None:
            return self._row_slowly(database, texts)
        with database.wrap_database_errors:
            if session not in self._prepared:
                session.pgconn.prepare(self._name, self._for_libpq())
                self._prepared[session] = True
            result = session.pgconn.exec_prepared(self._name, texts)
        if result.status != pq.ExecStatus.TUPLES_OK:
            # Told by psycopg in its own words, or read after all: what was kept may have been discarded.
            self._prepared.pop(session, None)
            return self._row_slowly(database, texts)
        if not result.ntuples:
            return None
        return self._loaded(result)

    def _for_libpq(self) -> bytes:
        first, *rest = self._sql.split("%s")
        return "".join([first, *(f"${number}{part}" for number, part in enumerate(rest, 1))]).encode()

    def _row_slowly(self, database: BaseDatabaseWrapper, texts: list[bytes]) -> tuple[Any, ...] | None:
        with database.wrap_database_errors, psycopg.RawCursor(database.connection) as cursor:
            cursor.execute(self._for_libpq(), [text.decode() for text in texts])
            found = cursor.pgresult
            if found is None or not found.ntuples:
                return None
            return self._loaded(found)

    def _loaded(self, result: Any) -> tuple[Any, ...]:
        value = result.get_value
        texts = [value(0, column) for column in range(len(self._loaders))]
        return tuple([None if text is None else load(text) for text, load in zip(texts, self._loaders, strict=True)])
