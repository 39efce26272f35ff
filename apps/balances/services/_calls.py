"""How the posting functions are called: arrays as literals, one row back, their own errors as DomainErrors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from django.db import DatabaseError, connection

from apps.balances.errors import EngineOwned
from apps.core.errors import DomainError
from apps.core.gather import alone
from apps.core.retry import sqlstate_of
from apps.ledger.errors import BusinessDateInFuture, PeriodClosed

# What the posting functions' own error codes mean; any other error goes up as it is.
REFUSALS: dict[str, type[DomainError]] = {
    "NU002": EngineOwned,
    "NU003": PeriodClosed,
    "NU004": BusinessDateInFuture,
}


def called(statement: str, parameters: Sequence[Any]) -> tuple[Any, ...]:
    """The one row of a posting function, its own error codes as the DomainErrors that they mean."""
    alone()
    connection.ensure_connection()
    try:
        with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
            cursor.execute(statement, parameters, prepare=True)
            (row,) = cursor.fetchall()
    except DatabaseError as error:
        refusal = REFUSALS.get(sqlstate_of(error) or "")
        if refusal is None:
            raise
        raise refusal() from error
    return row


def array(values: Iterable[Any]) -> str:
    """An array literal of values that need no quoting (numbers, UUIDs, dates). One string is faster than adapters."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def text_array(values: Sequence[str]) -> str:
    """An array literal of quoted texts."""
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') != 2 * (len(values) - 1):
        joined = '","'.join([value.replace("\\", "\\\\").replace('"', '\\"') for value in values])
    return '{"' + joined + '"}'
