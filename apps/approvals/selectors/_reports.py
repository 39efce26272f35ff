"""How long decisions take: open, late, decided, median and 90th percentile, by kind and level."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import connection

_SQL = """
SELECT r.kind, l.name,
       count(*) FILTER (WHERE l.state = 'open'),
       count(*) FILTER (WHERE l.state = 'open' AND l.due_at < %(at)s),
       count(*) FILTER (WHERE l.decided_at IS NOT NULL AND l.state IN ('approved', 'rejected', 'returned')),
       count(*) FILTER (WHERE l.decided_at > l.due_at AND l.state IN ('approved', 'rejected', 'returned')),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM l.decided_at - l.opened_at))
           FILTER (WHERE l.state IN ('approved', 'rejected', 'returned')),
       percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM l.decided_at - l.opened_at))
           FILTER (WHERE l.state IN ('approved', 'rejected', 'returned')),
       coalesce(sum(l.escalations), 0)
FROM approvals_approvallevel l
JOIN approvals_approvalrequest r ON r.process_ptr_id = l.request_id
WHERE l.opened_at >= %(since)s AND l.opened_at < %(until)s
  AND (%(branches)s::uuid[] IS NULL OR r.branch_id = ANY(%(branches)s::uuid[]))
GROUP BY r.kind, l.name ORDER BY r.kind, l.name
"""


@dataclass(frozen=True, slots=True)
class SlaRow:
    """One level of one kind. Times in whole seconds; None where nothing was decided."""

    kind: str
    level: str
    open: int
    open_late: int
    decided: int
    decided_late: int
    median_seconds: int | None
    p90_seconds: int | None
    escalations: int


def sla_report(
    *, since: dt.datetime, until: dt.datetime, at: dt.datetime, branch_ids: list[Any] | None
) -> list[SlaRow]:
    """The levels opened in [since, until), as they stand at `at`. `branch_ids` None is the whole bank."""
    values = {"since": since, "until": until, "at": at, "branches": branch_ids}
    with connection.cursor() as cursor:
        cursor.execute(_SQL, values)
        return [
            SlaRow(row[0], row[1], row[2], row[3], row[4], row[5], _seconds(row[6]), _seconds(row[7]), int(row[8]))
            for row in cursor.fetchall()
        ]


def _seconds(value: Any) -> int | None:
    return None if value is None else round(value)
