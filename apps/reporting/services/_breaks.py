"""Keeping the differences between sub-ledgers and the general ledger that a close of business finds."""

# ruff: noqa: E501, S608 (statements are put together from parts written here; nothing of a user's is in them)

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import connection, transaction

from apps.core.notices import notify
from apps.identity.models import User
from apps.reporting import notices
from apps.reporting.reconciliation import COMPARED

KEEPERS = "ledger.manage_periods"
"""Who is told of new breaks: those who close periods, which should not hold any."""

_SAME = (
    "b.until IS NULL AND b.key = '' AND b.what = f.what AND b.gl_account_id = f.gl_account_id"
    " AND b.branch_id IS NOT DISTINCT FROM f.branch_id AND b.currency = f.currency"
)
_KEEP = (
    COMPARED
    + f"""
, found AS MATERIALIZED (SELECT * FROM compared WHERE kept <> booked),
known AS (
    UPDATE reporting_reconciliationbreak b SET kept = f.kept, booked = f.booked, seen_on = %(day)s
      FROM found f WHERE {_SAME} RETURNING b.id
), ended AS (
    UPDATE reporting_reconciliationbreak b SET until = %(day)s
     WHERE b.until IS NULL AND b.key = '' AND NOT EXISTS (SELECT FROM found f WHERE {_SAME}) RETURNING b.id
), begun AS (
    INSERT INTO reporting_reconciliationbreak (what, gl_account_id, branch_id, currency, key, since, seen_on, kept, booked)
    SELECT f.what, f.gl_account_id, f.branch_id, f.currency, '', %(day)s, %(day)s, f.kept, f.booked FROM found f
     WHERE NOT EXISTS (SELECT FROM reporting_reconciliationbreak b WHERE {_SAME}) RETURNING id
)
SELECT (SELECT count(*) FROM compared), (SELECT count(*) FROM found), (SELECT count(*) FROM begun),
       (SELECT count(*) FROM ended)
"""
)
_COUNT = COMPARED + " SELECT count(*), count(*) FILTER (WHERE kept <> booked) FROM compared"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How many comparisons there were, how many differ, and of those how many are new; how many differ no more."""

    comparisons: int
    breaks: int
    begun: int
    ended: int


def breaks_keep(*, day: dt.date, at: dt.datetime) -> Reconciled:
    """Compare every sub-ledger with the books and keep what differs, as found at the close of `day`.

    Who closes periods is told of new ones. Nothing is put right and nothing stopped: a break is for people to explain.
    Twice is once.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(_KEEP, {"day": day})
        found = Reconciled(*cursor.fetchone())
        if found.begun:
            holders = User.objects.filter(is_active=True, roles__permissions__contains=[KEEPERS]).distinct()
            notify(
                notices.BREAKS,
                recipients=list(holders.values_list("pk", flat=True)),
                context=notices.BreaksFound(found.begun, day),
                at=at,
                link="/admin/reports/lists/reconciliation-breaks/",
                key=f"reconciliation {day.isoformat()} {found.breaks}",
            )
    return found


def breaks_count() -> tuple[int, int]:
    """How many comparisons there are now, and how many differ; nothing is kept."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(_COUNT)
        comparisons, breaks = cursor.fetchone()
    return comparisons, breaks
