"""The rows of the books that proved entries become: many by COPY in an open transaction, few in one call."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from django.db import connection

from apps.balances import locks
from apps.balances.engine.control import Part
from apps.balances.engine.entries import Entry, Line

FEW = 100
"""Entries that one call journals; more are written faster by COPY."""


@dataclass(frozen=True, slots=True)
class Work:
    """Entries proved against the books, with what each of them writes."""

    entries: list[Entry]
    lines: list[list[Line]]
    hashes: list[str]


_JOURNAL = """COPY ledger_journal (id, outcome, line_count, business_date, booked_at, partition, epoch, seq,
 chain_hash, value_date, transaction_id, kind, client_timestamp, actor, correlation_id, channel, description,
 counterparty, reference) FROM STDIN"""
LINES = """COPY ledger_line (journal_id, line_no, account_id, currency, side, amount, balance_before, balance_after,
 account_version, business_date) FROM STDIN"""
KEYS = """COPY balances_transaction_key (transaction_id, client_id, idempotency_key, fingerprint, outcome, journal_id)
 FROM STDIN"""


def line_rows(number: int, lines: Sequence[Line], day: str) -> list[str]:
    """The lines of entry `number`, booked on `day`, as rows for LINES."""
    rows = []
    for line_no, line in enumerate(lines, 1):
        side, amount = ("C", line.amount) if line.amount > 0 else ("D", -line.amount)
        rows.append(
            f"{number}\t{line_no}\t{line.account}\t{line.currency}\t{side}\t{amount}\t{line.before}\t{line.after}\t"
            f"{line.version}\t{day}\n"
        )
    return rows


def write(part: Part, work: Work, *, ids: Sequence[int], booked_at: str, today: str, dry: bool = False) -> None:
    """Journal proved entries and move the head, in the open transaction. `dry` leaves the head and tells nobody.

    The ids were drawn under the locks, so that the order of ids is the order of history.
    """
    journal, lines, keys = [], [], []
    place = f"\t{today}\t{booked_at}\t{part.id}\t{part.epoch}\t"
    for number, entry, written, chain in zip(ids, work.entries, work.lines, work.hashes, strict=True):
        outcome, transaction_id = entry.outcome, entry.transaction_id
        journal.append(
            f"{number}\t{outcome}\t{len(written)}{place}{entry.seq}\t\\\\x{chain}\t{entry.value_date or today}\t"
            f"{transaction_id}\t{entry.facts}\n"
        )
        lines += line_rows(number, written, today)
        keys.append(f"{transaction_id}\t{entry.key}\t\\\\x{entry.fingerprint}\t{outcome}\t{number}\n")
    with connection.cursor() as cursor:
        for statement, rows in ((_JOURNAL, journal), (LINES, lines), (KEYS, keys)):
            if rows:
                with connection.wrap_database_errors, cursor.copy(statement) as copy:
                    copy.write("".join(rows))
        if not dry:
            cursor.execute(
                "WITH head AS (UPDATE balances_partition SET head_seq = %s, head_hash = %s WHERE id = %s"
                " RETURNING id, epoch, head_seq)"
                " SELECT pg_notify('numina_journal', format('%%s %%s %%s', id, epoch, head_seq)) FROM head",
                [work.entries[-1].seq, work.hashes[-1], part.id],
            )


_ESCAPED = re.compile(r"\\x[0-9a-f]{2}|\\\\")
_NULL = "\\N"


def copy_fields(row: str) -> list[str | None]:
    """The values in a piece of a row of COPY's text format, as `facts_text` writes them."""
    fields = row.split("\t")
    return fields if "\\" not in row else [_unescaped(field) for field in fields]  # type: ignore[return-value]


def _unescaped(field: str) -> str | None:
    if field == _NULL:
        return None
    return _ESCAPED.sub(lambda found: "\\" if found[0] == "\\\\" else chr(int(found[0][2:], 16)), field)


def write_few(part: Part, work: Work, *, flips: int) -> bool:
    """The same for few entries, in one call that is a transaction; False, and nothing is written, when the partition
    is not FAST with the epoch, head, hash and flips for which the entries were proved."""
    entries, lines = [], []
    for place, (entry, written, chain) in enumerate(zip(work.entries, work.lines, work.hashes, strict=True), 1):
        kind, client_timestamp, actor, correlation, channel, description, counterparty, reference = copy_fields(
            entry.facts
        )
        client_id, key = copy_fields(entry.key)
        entries.append(
            {
                "place": place,
                "outcome": entry.outcome,
                "line_count": len(written),
                "chain": chain,
                "value_date": entry.value_date or None,
                "transaction": entry.transaction_id,
                "fingerprint": entry.fingerprint,
                "client": client_id,
                "key": key,
                "kind": kind,
                "client_timestamp": client_timestamp,
                "actor": actor,
                "correlation": correlation,
                "channel": channel,
                "description": description,
                "counterparty": counterparty,
                "reference": reference,
            }
        )
        for line_no, line in enumerate(written, 1):
            lines.append(
                {
                    "place": place,
                    "line_no": line_no,
                    "account": line.account,
                    "currency": line.currency,
                    "amount": line.amount,
                    "before": line.before,
                    "after": line.after,
                    "version": line.version,
                }
            )
    return locks.journal_few(
        partition=part.id,
        expected=(part.epoch, part.head_seq, part.head_hash, flips),
        last_hash=work.hashes[-1],
        entries=msgspec.json.encode(entries).decode(),
        lines=msgspec.json.encode(lines).decode(),
    )
