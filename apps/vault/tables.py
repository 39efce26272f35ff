"""Which columns are encrypted, found from the models, and the re-encryption of one stretch of a table."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.apps import apps
from django.db import connection
from psycopg import sql

from apps.vault.crypto import blind_index, key_number, value_open, value_seal
from apps.vault.fields import BlindIndexField, EncryptedTextField

Column = tuple[str, str, tuple[tuple[str, int], ...]]


@dataclass(slots=True)
class Table:
    """A table with its key, the id that values are bound to, and its encrypted columns: (column, context, indexes).

    An index is (column, how many of the last characters; 0 for all).
    """

    name: str
    key: str
    record: str
    columns: list[Column] = field(default_factory=list)


def tables() -> list[Table]:
    """All tables with encrypted columns, by name; histories too."""
    found = []
    for model in apps.get_models(include_auto_created=True):
        fields = model._meta.concrete_fields
        blind = [one for one in fields if isinstance(one, BlindIndexField)]
        columns = [
            (str(one.column), one.context, tuple((str(b.column), b.last) for b in blind if b.source == one.name))
            for one in fields
            if isinstance(one, EncryptedTextField)
        ]
        if columns:
            record = next(str(one.column) for one in fields if one.name == "id")
            found.append(Table(model._meta.db_table, str(model._meta.pk.column), record, columns))
    return sorted(found, key=lambda table: table.name)


def values_count(table: Table, *, other_than: int | None = None) -> int:
    """How many values of the table are encrypted; `other_than`: only those that are not under this key."""
    number = other_than.to_bytes(4, "big") if other_than is not None else None
    total = 0
    with connection.cursor() as cursor:
        for column, _context, _indexes in table.columns:
            query = sql.SQL("SELECT count(*) FROM {} WHERE length({c}) > 0").format(
                sql.Identifier(table.name), c=sql.Identifier(column)
            )
            if number is not None:
                query += sql.SQL(" AND substr({c}, 2, 4) <> %s").format(c=sql.Identifier(column))
            cursor.execute(query, [number] if number is not None else [])
            total += int(cursor.fetchone()[0])
    return total


def stretch_reencrypt(table: Table, *, after: str, number: int, limit: int) -> tuple[str, int]:
    """Re-encrypt up to `limit` rows with a key greater than `after`; the last key ("" at the end) and how many values.

    A value that somebody changes meanwhile is left: it is new already.
    """
    names = [sql.Identifier(column) for column, _context, _indexes in table.columns]
    # Ordered by the table's column: the name alone would be the text beside it, which sorts 10 before 9.
    query = sql.SQL("SELECT t.{k}::text, t.{r}::text, {cs} FROM {t} t {w} ORDER BY t.{k} LIMIT %s").format(
        k=sql.Identifier(table.key),
        r=sql.Identifier(table.record),
        cs=sql.SQL(", ").join(names),
        t=sql.Identifier(table.name),
        w=sql.SQL("WHERE t.{k} > %s").format(k=sql.Identifier(table.key)) if after else sql.SQL(""),
    )
    done = 0
    with connection.cursor() as cursor:
        cursor.execute(query, [after, limit] if after else [limit])
        rows = cursor.fetchall()
        for key, record, *values in rows:
            for column, value in zip(table.columns, values, strict=True):
                if value and key_number(bytes(value)) != number:
                    done += _replace(cursor, table, key, record, column, bytes(value))
    return (rows[-1][0] if len(rows) == limit else ""), done


def _replace(cursor: object, table: Table, key: str, record: str, column: Column, value: bytes) -> int:
    name, context, indexes = column
    plain = value_open(value, context=context, record=record)
    sets, given = [sql.SQL("{} = %s").format(sql.Identifier(name))], [value_seal(plain, context=context, record=record)]
    for index, last in indexes:
        sets.append(sql.SQL("{} = %s").format(sql.Identifier(index)))
        given.append(blind_index(plain, context=context, last=last) or b"")
    query = sql.SQL("UPDATE {} SET {} WHERE {} = %s AND {} = %s").format(
        sql.Identifier(table.name), sql.SQL(", ").join(sets), sql.Identifier(table.key), sql.Identifier(name)
    )
    cursor.execute(query, [*given, key, value])  # type: ignore[attr-defined]
    return int(cursor.rowcount)  # type: ignore[attr-defined]
