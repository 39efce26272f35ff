"""The proofs of the books as a job, and the light one of a single date at the close of business."""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction

from apps.balances.errors import BooksDiffer
from apps.balances.selectors import books_verify
from apps.jobs.registry import (
    CloseContext,
    CloseStep,
    JobKind,
    JobResult,
    JobRun,
    Payload,
    kind_register,
    step_register,
)

FAULTS_SHOWN = 20
# What one date can be proved from without reading the years before it: the entries of the date are found by its index.
_DAY_PROOFS = {
    "the balances of {} do not sum to zero but to {}": (
        "SELECT currency, sum(balance)::text FROM balances_balance WHERE %(day)s::date IS NOT NULL"
        " GROUP BY currency HAVING sum(balance) <> 0"
    ),
    "the lines of the date in {} do not sum to zero but to {}": (
        "SELECT l.currency, sum(CASE l.side WHEN 'C' THEN l.amount ELSE -l.amount END)::text FROM ledger_journal j"
        " JOIN ledger_line l ON l.journal_id = j.id WHERE j.business_date = %(day)s GROUP BY l.currency"
        " HAVING sum(CASE l.side WHEN 'C' THEN l.amount ELSE -l.amount END) <> 0"
    ),
    "entry {} should have {} lines": (
        "SELECT j.id::text, j.line_count::text FROM ledger_journal j LEFT JOIN ledger_line l ON l.journal_id = j.id"
        " WHERE j.business_date = %(day)s GROUP BY j.id HAVING j.line_count <> count(l.journal_id) LIMIT 100"
    ),
    "account {}: the balance before entry {} is not the one after the entry before it": (
        "SELECT a.number, x.journal_id::text FROM (SELECT l.account_id, l.journal_id, l.balance_before,"
        " l.account_version, lag(l.balance_after) OVER w AS previous, lag(l.account_version) OVER w AS version"
        " FROM ledger_journal j JOIN ledger_line l ON l.journal_id = j.id WHERE j.business_date = %(day)s"
        " WINDOW w AS (PARTITION BY l.account_id ORDER BY l.account_version)) x"
        " JOIN ledger_ledgeraccount a ON a.id = x.account_id"
        " WHERE x.version = x.account_version - 1 AND x.balance_before <> x.previous LIMIT 100"
    ),
}


def register() -> None:
    """Offer the proof of the books to whoever may see the ledger, and the proof of a date to the close."""
    kind_register(
        JobKind("balances.books_verify", "Proof of the books", run=_verify, queue="bulk", permission="ledger.view")
    )
    step_register(CloseStep("balances.day_verify", "Prove the books of the date", order=800, run=_day, preview=_day))


def _verify(run: JobRun) -> JobResult:
    report = books_verify(on_proof=lambda done, total: run.progress(done=done, total=total, message="Proofs"))
    _check(report.faults)
    return JobResult({"accounts": report.accounts, "lines": report.lines, "faults": 0})


def _day(context: CloseContext, partition: str) -> Payload:
    faults = day_faults(context.business_date)
    _check(faults)
    return {"proofs": len(_DAY_PROOFS), "faults": 0}


def day_faults(day: dt.date) -> list[str]:
    """What is wrong with the entries of a date and with the sums of all balances, in words."""
    faults: list[str] = []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        for text, query in _DAY_PROOFS.items():
            cursor.execute(query, {"day": day})
            faults += [text.format(*row) for row in cursor.fetchall()]
    return faults


def _check(faults: list[str]) -> None:
    if faults:
        raise BooksDiffer(f"{len(faults)} differences; the first: {faults[0]}", faults=faults[:FAULTS_SHOWN])
