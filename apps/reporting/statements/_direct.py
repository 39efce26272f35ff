"""What stood against cash in the entries that touched it: the direct method of the cash flow statement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from apps.reporting.statements._model import Column

# An entry's lines sum to zero, so its lines outside of cash are what its cash came from (+) or went to (-).
_SOURCES = """
WITH cash AS (
    SELECT a.id FROM ledger_ledgeraccount a JOIN ledger_glaccount g ON g.id = a.gl_account_id
     WHERE g.code = ANY (%(cash)s) AND a.currency_id = %(currency)s
), entries AS (
    SELECT DISTINCT l.journal_id FROM ledger_line l JOIN cash c ON c.id = l.account_id
     WHERE l.business_date BETWEEN %(first)s AND %(last)s
)
SELECT g.code, l.side, sum(l.amount)::bigint
  FROM entries e JOIN ledger_line l ON l.journal_id = e.journal_id AND l.currency = %(currency)s
  JOIN ledger_ledgeraccount a ON a.id = l.account_id JOIN ledger_glaccount g ON g.id = a.gl_account_id
 WHERE NOT g.code = ANY (%(cash)s)
   AND (%(branches)s::uuid[] IS NULL OR a.branch_id = ANY (%(branches)s::uuid[]))
 GROUP BY g.code, l.side
"""


def cash_sources(
    *, column: Column, cash: Sequence[str], currency: str, branch_ids: Sequence[UUID] | None
) -> dict[tuple[str, int], int]:
    """Minor units by (code, 1 received or -1 paid), signed: what was paid is below zero."""
    branches = [column.branch_id] if column.branch_id else branch_ids
    with connection.cursor() as cursor:
        cursor.execute(
            _SOURCES,
            {
                "cash": list(cash),
                "currency": currency,
                "first": column.since or dt.date(1, 1, 1),
                "last": column.as_of,
                "branches": list(branches) if branches is not None else None,
            },
        )
        return {(code, 1 if side == "C" else -1): amount if side == "C" else -amount for code, side, amount in cursor}
