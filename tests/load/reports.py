"""Statements from totals beside statements from raw lines, in one run; and PDF statements by parallel workers.

`make bench ARGS="--reports --lines 5000000"` runs it alone, on servers of its own, with the lines of the load profile
(1,000,000 unless said); `--pdfs` says how many PDFs are drawn (100).
"""

from __future__ import annotations

import datetime as dt
import os
import platform
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

ROUNDS = 5
DAYS = 730
CHUNK = 100_000
FIRST = dt.date(2024, 1, 1)
CODES = ("1110", "1120", "1220", "1310", "1720", "2510", "2310", "3120", "4110", "4210", "4220", "5410", "5510", "5620")
BRANCHES = 10

_ENTRIES = """
INSERT INTO ledger_journal (id, transaction_id, kind, outcome, line_count, business_date, value_date, booked_at,
                            correlation_id, channel, description, counterparty, reference, partition, epoch)
SELECT n, gen_random_uuid(), 'bench', 'OK', 2, d.day, d.day, now(), '', 'bench', '', '', '', 0, 0
  FROM generate_series(%(low)s::bigint, %(high)s::bigint) AS n,
       LATERAL (SELECT %(first)s::date + (n * 7919 %% %(days)s)::int AS day) d
"""
_LINES = """
INSERT INTO ledger_line (journal_id, line_no, account_id, currency, side, amount, balance_before, balance_after,
                         account_version, business_date)
SELECT j.id, s.no, (%(accounts)s::bigint[])[1 + ((j.id * 31 + s.no * 17) %% %(many)s)::int], 'KES', s.side, v.amount, 0,
       CASE s.side WHEN 'C' THEN v.amount ELSE -v.amount END, 0, j.business_date
  FROM ledger_journal j CROSS JOIN (VALUES (1, 'D'), (2, 'C')) AS s (no, side),
       LATERAL (SELECT 100 + j.id %% 100000 AS amount) v
 WHERE j.id BETWEEN %(low)s AND %(high)s
"""
_TOTALS = """
INSERT INTO ledger_daily_total (gl_account_id, branch_id, currency, business_date, debit, credit, line_count)
SELECT a.gl_account_id, a.branch_id, l.currency, l.business_date,
       coalesce(sum(l.amount) FILTER (WHERE l.side = 'D'), 0), coalesce(sum(l.amount) FILTER (WHERE l.side = 'C'), 0),
       count(*)
  FROM ledger_line l JOIN ledger_ledgeraccount a ON a.id = l.account_id GROUP BY 1, 2, 3, 4
"""


def books_fill(lines: int) -> int:
    """A journal of so many lines over two years, with daily totals as the sealer would have made them; entries."""
    from django.core.management import call_command
    from django.db import connection, transaction

    from apps.balances.services import internal_account_id
    from tests.factories.identity import BranchFactory

    call_command("migrate", verbosity=0)
    call_command("load_reference_data", verbosity=0)
    branches = [BranchFactory(code=f"BENCH{number}") for number in range(BRANCHES)]
    accounts = []
    for code in CODES:
        accounts += [
            internal_account_id(gl_code=code, branch_id=one.pk, branch_code=one.code, currency="KES")
            for one in branches
        ]
    entries = lines // 2
    span = {"first": FIRST, "days": DAYS, "accounts": accounts, "many": len(accounts)}
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT coalesce(max(id), 0) FROM ledger_journal")
        base = cursor.fetchone()[0]
        for low in range(base + 1, base + entries + 1, CHUNK):
            high = min(low + CHUNK - 1, base + entries)
            with transaction.atomic():
                cursor.execute(_ENTRIES, {**span, "low": low, "high": high})
                cursor.execute(_LINES, {**span, "low": low, "high": high})
        cursor.execute("SELECT setval('ledger_journal_id_seq', %s)", [base + entries])
        cursor.execute("TRUNCATE ledger_daily_total")
        cursor.execute(_TOTALS)
        cursor.execute("UPDATE ledger_seal_state SET last_id = %s, ceiling = %s", [base + entries, base + entries])
        cursor.execute("ANALYZE ledger_journal; ANALYZE ledger_line; ANALYZE ledger_daily_total")
    return entries


def statements_draw() -> list[Any]:
    """All four, with the year before beside each."""
    from apps.reporting.drawing import statement_draw
    from apps.reporting.statements import DRAWN

    last = FIRST + dt.timedelta(days=DAYS - 1)
    return [
        statement_draw(
            kind=kind, since=last.replace(month=1, day=1), as_of=last, currency="KES", branch_ids=None, compares=True
        )
        for kind in DRAWN
    ]


def _timed(work: Any) -> tuple[float, list[Any]]:
    times, found = [], []
    for _ in range(ROUNDS):
        started = time.monotonic()
        found = work()
        times.append(time.monotonic() - started)
    return statistics.median(times), [statement.rows for statement in found]


def periods_close() -> None:
    """Close the first of the two years, so that its totals are kept."""
    from django.db import connection

    from apps.core import clock
    from apps.ledger.services import period_close, period_create
    from apps.ledger.totals import period_totals_keep

    year = FIRST.year
    period = period_create(
        acting_user=None, code=f"B{year}", starts_on=dt.date(year, 1, 1), ends_on=dt.date(year, 12, 31)
    )
    period_close(acting_user=None, period_id=period.pk, at=clock.now())
    period_totals_keep()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE ledger_period_total")


def pdf_draw(number: int) -> int:
    """One PDF, in a worker process; its bytes."""
    import django

    django.setup()
    from apps.core import clock
    from apps.reporting.renditions import statement_pdf
    from apps.reporting.statements import Column, FinancialStatement, Row

    rows = [Row("line", f"Line {place}", 1, f"{place}", None, (place * 100,)) for place in range(60)]
    statement = FinancialStatement("bench", f"Statement {number}", "KES", (Column(FIRST),), rows, [], 0)
    return len(statement_pdf(statement, drawn_at=clock.now(), drawn_by="bench", scope="All branches"))


def export_measure(rows: int) -> None:
    """Write lists of so many rows as CSV and XLSX, each in a process of its own: seconds, and memory at its highest."""
    for form in ("csv", "xlsx"):
        started = time.monotonic()
        with ProcessPoolExecutor(1) as pool:
            before, after, size = pool.submit(_export, form, rows).result()
        seconds = time.monotonic() - started
        print(
            f"{rows:,} lines as {form}: {seconds:.0f} s, {size / 1024**2:.0f} MB, memory {before / 1024:.0f} MB before,"
            f" {after / 1024:.0f} MB at its highest"
        )


def _export(form: str, rows: int) -> tuple[int, int, int]:
    import resource
    import tempfile

    import django

    django.setup()
    from apps.core import clock
    from apps.reporting.tables import Column, Table, rows_stream
    from apps.reporting.tables.render import table_write

    columns = (
        Column("entry", "Entry", "count"), Column("date", "Date", "date"), Column("account", "Account", "count"),
        Column("currency", "Currency"), Column("amount", "Amount", "money", True),
    )  # fmt: skip
    sql = "SELECT journal_id, business_date, account_id, currency, amount FROM ledger_line LIMIT %(rows)s"
    stream = rows_stream(sql, {"rows": rows}, limit_ms=0)
    table = Table("lines", "Lines", "Lines of the journal.", "KES", columns, stream, FIRST)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryFile() as file:
        table_write(table, form, file, drawn_at=clock.now(), drawn_by="bench")
        size = file.tell()
    return before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, size


def main(*, lines: int, pdfs: int) -> int:
    """Fill, measure, print."""
    import django

    django.setup()
    from django.db import connection, connections

    print(f"Making a journal of {lines:,} lines ...", flush=True)
    books_fill(lines)
    days, shown = _timed(statements_draw)
    periods_close()
    periods, same = _timed(statements_draw)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("DELETE FROM ledger_period_total")
        cursor.execute("TRUNCATE ledger_daily_total")
        cursor.execute("UPDATE ledger_seal_state SET last_id = 0")
    raw, from_lines = _timed(statements_draw)
    equal = shown == same == from_lines
    print(f"{os.cpu_count()} cores, {platform.machine()}, {lines:,} lines, four statements with comparatives")
    print(f"medians of {ROUNDS}:")
    print(f"from period and daily totals {periods:.3f} s, from daily totals {days:.3f} s, from raw lines {raw:.3f} s")
    print(f"raw / totals: {raw / periods:.0f}; the same figures: {equal}")
    connections.close_all()
    export_measure(min(lines, 1_000_000))
    workers = os.cpu_count() or 1
    started = time.monotonic()
    with ProcessPoolExecutor(workers) as pool:
        total = sum(pool.map(pdf_draw, range(pdfs), chunksize=10))
    seconds = time.monotonic() - started
    print(f"{pdfs} PDF statements by {workers} workers: {seconds:.1f} s, {pdfs / seconds:.1f} a second")
    print(f"{total / pdfs / 1024:.0f} KB each")
    return 0 if equal else 1
