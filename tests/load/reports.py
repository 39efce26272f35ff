"""Statements from totals beside statements from raw lines, in one run; analytics, long exports, and PDF statements.

`make bench ARGS="--reports --lines 5000000"` runs it alone, on servers of its own, with the lines of the load profile
(1,000,000 unless said); `--pdfs` says how many PDFs are drawn (100). Each phase says when it begins, and how long it
took.
"""

from __future__ import annotations

import datetime as dt
import os
import platform
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

ROUNDS, RAW_ROUNDS = 5, 2
DAYS = 730
CHUNK = 250_000
FIRST = dt.date(2024, 1, 1)
CODES = ("1110", "1120", "1220", "1310", "1720", "2510", "2310", "3120", "4110", "4210", "4220", "5410", "5510", "5620")
BRANCHES = 10
_PERMISSIONS = (
    "ledger.view", "accounts.view", "members.view", "lending.view", "audit.view", "payments.view_tills",
    "compliance.view",
)  # fmt: skip

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


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Say what begins, and how long it took."""
    print(f"{name} ...", flush=True)
    started = time.monotonic()
    yield
    print(f"{name}: {time.monotonic() - started:.1f} s", flush=True)


@contextmanager
def bare(cursor: Any, *tables: str) -> Iterator[None]:
    """Tables without triggers, foreign keys and indexes that are no constraints; these are built anew afterwards.

    What is filled in by statements of our own needs no check of each row, and an index is built once, not row by row.
    """
    names = list(tables)
    cursor.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = ANY (%s::regclass[]) AND NOT indisunique",
        [names],
    )
    indexes = cursor.fetchall()
    cursor.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = ANY (%s::regclass[]) AND contype = 'f'",
        [names],
    )
    keys = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    for table, name, _ in keys:
        cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    for table in names:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    for table in names:
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    for _, definition in indexes:
        cursor.execute(definition)
    for table, name, definition in keys:
        cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')


def books_fill(lines: int) -> int:
    """A journal of so many lines over two years, with daily totals as the sealer would have made them; entries."""
    from django.core.management import call_command
    from django.db import connection

    from apps.balances.services import internal_account_id
    from tests.factories.identity import BranchFactory

    with phase("Tables and reference data"):
        call_command("migrate", verbosity=0)
        call_command("load_reference_data", verbosity=0)
        branches: list[Any] = [BranchFactory(code=f"BENCH{number}") for number in range(BRANCHES)]
        accounts = [
            internal_account_id(gl_code=code, branch_id=one.pk, branch_code=one.code, currency="KES")
            for code in CODES
            for one in branches
        ]
    entries = lines // 2
    span: dict[str, Any] = {"first": FIRST, "days": DAYS, "accounts": accounts, "many": len(accounts)}
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; SET synchronous_commit = off; SET maintenance_work_mem = '512MB'")
        cursor.execute("SELECT coalesce(max(id), 0) FROM ledger_journal")
        base = cursor.fetchone()[0]
        with phase(f"A journal of {lines:,} lines"), bare(cursor, "ledger_journal", "ledger_line"):
            started = time.monotonic()
            for low in range(base + 1, base + entries + 1, CHUNK):
                high = min(low + CHUNK - 1, base + entries)
                cursor.execute(_ENTRIES, {**span, "low": low, "high": high})
                cursor.execute(_LINES, {**span, "low": low, "high": high})
                print(f"  {2 * (high - base):>12,} lines, {time.monotonic() - started:.0f} s", flush=True)
        with phase("Daily totals"):
            cursor.execute("SELECT setval('ledger_journal_id_seq', %s)", [base + entries])
            cursor.execute("TRUNCATE ledger_daily_total")
            cursor.execute(_TOTALS)
            cursor.execute("UPDATE ledger_seal_state SET last_id = %s, ceiling = %s", [base + entries, base + entries])
            cursor.execute("UPDATE ledger_businessdate SET current = %s", [FIRST + dt.timedelta(days=DAYS)])
            cursor.execute("ANALYZE ledger_journal; ANALYZE ledger_line; ANALYZE ledger_daily_total")
    return entries


def statements_draw() -> tuple[list[Any], list[float]]:
    """All four, with the year before beside each; and the seconds that each took."""
    from apps.reporting.drawing import statement_draw
    from apps.reporting.statements import DRAWN

    last = FIRST + dt.timedelta(days=DAYS - 1)
    drawn, seconds = [], []
    for kind in DRAWN:
        started = time.monotonic()
        found = statement_draw(
            kind=kind, since=last.replace(month=1, day=1), as_of=last, currency="KES", branch_ids=None, compares=True
        )
        drawn.append(found.rows)
        seconds.append(time.monotonic() - started)
    return drawn, seconds


def statements_measure(name: str, rounds: int) -> tuple[float, float, list[Any]]:
    """Median seconds of all four together, the slowest single one, and what they say."""
    together: list[float] = []
    single = 0.0
    rows: list[Any] = []
    with phase(f"Statements from {name}, {rounds} rounds"):
        for _ in range(rounds):
            rows, seconds = statements_draw()
            together.append(sum(seconds))
            single = max(single, *seconds)
    median = statistics.median(together)
    print(f"Four statements from {name}: {median:.3f} s; the slowest of one: {single:.3f} s", flush=True)
    return median, single, rows


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


def analytics_measure() -> None:
    """Keep the facts of all days; then what dashboards ask, over HTTP in process: cold, and from the cache."""
    from django.core.cache import cache
    from django.test import Client

    from apps.core import clock
    from apps.identity.services import token_pair_issue
    from apps.reporting.facts import facts_keep
    from apps.reporting.metrics import METRICS
    from tests.factories.identity import user_make

    last = FIRST + dt.timedelta(days=DAYS - 1)
    with phase("Summaries for analytics"):
        facts_keep(upto=last, at=clock.now())
    user = user_make("reporting.analytics", *_PERMISSIONS, scope="all", plan="unlimited")
    token = token_pair_issue(user=user).access
    client = Client(SERVER_NAME="127.0.0.1", headers={"Authorization": f"Bearer {token}"})
    since = last - dt.timedelta(days=364)
    questions = [
        f"/api/v1/analytics?metric={metric}&interval={interval}&group_by={group}&from={since}&to={last}"
        for metric in METRICS
        for interval in ("month", "day")
        for group in ("branch", "key")
    ]
    client.get("/api/v1/analytics/metrics")  # the first request of a process reads the code
    cache.clear()
    for name in ("cold", "cached"):
        times = []
        for question in questions:
            started = time.perf_counter()
            answer = client.get(question)
            times.append(1000 * (time.perf_counter() - started))
            if answer.status_code != 200:
                raise RuntimeError(f"{question}: {answer.status_code} {answer.content[:300]!r}")
        times.sort()
        print(
            f"Analytics, {name}: {len(times)} questions, median {times[len(times) // 2]:.0f} ms,"
            f" p95 {times[int(len(times) * 0.95)]:.0f} ms, slowest {times[-1]:.0f} ms",
            flush=True,
        )


def export_measure(rows: int) -> None:
    """Write lists of so many rows as CSV and XLSX at once, each in a process: seconds, and memory at its highest."""
    with phase(f"Lists of {rows:,} rows"), ProcessPoolExecutor(2, max_tasks_per_child=1) as pool:
        under_way = [(form, pool.submit(_export, form, rows)) for form in ("csv", "xlsx")]
        for form, one in under_way:
            before, after, size, seconds = one.result()
            print(
                f"{rows:,} rows as {form}: {seconds:.0f} s, {size / 1024**2:.0f} MB, memory {before / 1024:.0f} MB"
                f" before, {after / 1024:.0f} MB at its highest",
                flush=True,
            )


def _export(form: str, rows: int) -> tuple[int, int, int, float]:
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
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with tempfile.TemporaryFile() as file:
        table_write(table, form, file, drawn_at=clock.now(), drawn_by="bench")
        size = file.tell()
    return before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, size, time.monotonic() - started


def main(*, lines: int, pdfs: int) -> int:
    """Fill, measure, print."""
    import django

    django.setup()
    from django.db import connection, connections

    print(f"{os.cpu_count()} cores, {platform.machine()}, {lines:,} lines", flush=True)
    books_fill(lines)
    days, _, shown = statements_measure("daily totals", ROUNDS)
    with phase("Closing the first year"):
        periods_close()
    periods, _, same = statements_measure("period and daily totals", ROUNDS)
    analytics_measure()
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("DELETE FROM ledger_period_total")
        cursor.execute("TRUNCATE ledger_daily_total")
        cursor.execute("UPDATE ledger_seal_state SET last_id = 0")
    raw, _, from_lines = statements_measure("raw lines", RAW_ROUNDS)
    equal = shown == same == from_lines
    print(f"raw / totals: {raw / periods:.0f} (daily totals {raw / days:.0f}); the same figures: {equal}", flush=True)
    connections.close_all()
    export_measure(min(lines, 1_000_000))
    workers = os.cpu_count() or 1
    started = time.monotonic()
    with phase(f"{pdfs:,} PDF statements"), ProcessPoolExecutor(workers) as pool:
        total = sum(pool.map(pdf_draw, range(pdfs), chunksize=10))
    seconds = time.monotonic() - started
    each = total / pdfs / 1024
    print(f"{pdfs:,} PDF statements by {workers} workers: {pdfs / seconds:.1f} a second, {each:.0f} KB each")
    return 0 if equal else 1
