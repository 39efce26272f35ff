"""Operational reports: lists that are read by one statement each and leave row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection, transaction

from apps.reporting.tables import _bank, _control, _lending, _liquidity, _reconciliation
from apps.reporting.tables._model import Column, Drill, Params, Table, TableReport

FETCH_ROWS = 2_000
TIME_LIMIT_MS = 60_000

_ALL = (*_bank.REPORTS, *_liquidity.REPORTS, *_lending.REPORTS, *_reconciliation.REPORTS, *_control.REPORTS)
TABLES: dict[str, TableReport] = {one.code: one for one in _ALL}


def table_read(report: TableReport, params: Params, *, scope: str) -> Table:
    """The list; its rows are fetched from the database while they are read, 2,000 at a time."""
    return Table(
        code=report.code,
        title=report.title,
        definition=report.definition,
        currency=params.currency,
        columns=report.columns,
        rows=rows_stream(report.sql, params.bound() | (report.derived(params) if report.derived else {})),
        as_of=params.as_of,
        since=params.since if "since" in report.asks else None,
        scope=scope,
        drill=report.drill,
    )


def rows_stream(sql: str, parameters: Any, *, limit_ms: int = TIME_LIMIT_MS) -> Iterator[Sequence[Any]]:
    """Rows of one statement by a cursor of the server: memory stays the same however many there are."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, TRUE)", [str(limit_ms)])
        with connection.chunked_cursor() as cursor:
            cursor.execute(sql, parameters)
            while rows := cursor.fetchmany(FETCH_ROWS):
                yield from rows


__all__ = ["TABLES", "Column", "Drill", "Params", "Table", "TableReport", "rows_stream", "table_read"]
