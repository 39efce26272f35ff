"""Movements as those who look for unusual activity read them: what left customers' accounts, when, by whom."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from apps.core.clock import bank_day


@dataclass(frozen=True, slots=True)
class Outflow:
    """What left one customer account in a window. Amounts are minor units of `currency`, positive.

    `usual` is the average of the account's single outflows in the `days` before the window, `usual_count` how many.
    """

    account_id: UUID
    number: str
    currency: str
    count: int
    total: int
    largest: int
    usual: int
    usual_count: int


_OUTFLOWS = """
WITH recent AS (
    SELECT l.account_id, l.currency, count(*) AS count, sum(l.amount) AS total, max(l.amount) AS largest
      FROM ledger_journal j JOIN ledger_line l ON l.journal_id = j.id
      JOIN ledger_ledgeraccount a ON a.id = l.account_id
     WHERE j.id > %(after)s AND j.booked_at >= %(since)s AND j.booked_at < %(until)s AND l.side = 'D'
       AND a.kind = 'customer'
     GROUP BY 1, 2)
SELECT a.public_id, a.number, r.currency, r.count, r.total, r.largest, coalesce(u.usual, 0)::bigint,
       coalesce(u.usual_count, 0)
  FROM recent r JOIN ledger_ledgeraccount a ON a.id = r.account_id
  LEFT JOIN LATERAL (
       SELECT avg(amount) AS usual, count(*) AS usual_count FROM ledger_line p
        WHERE p.account_id = r.account_id AND p.side = 'D' AND p.currency = r.currency
          AND p.business_date BETWEEN %(before)s AND %(day)s) u ON true
"""


def outflows(*, since: dt.datetime, until: dt.datetime, days: int) -> list[Outflow]:
    """Customer accounts that paid out between the two moments, with what was usual in the `days` before."""
    with connection.cursor() as cursor:
        cursor.execute(
            _OUTFLOWS,
            {
                "after": _entry_before(since),
                "since": since,
                "until": until,
                "before": bank_day(since) - dt.timedelta(days=days),
                "day": bank_day(since) - dt.timedelta(days=1),
            },
        )
        return [Outflow(*row[:3], *(int(value) for value in row[3:])) for row in cursor.fetchall()]


def actors_between(*, since: dt.datetime, until: dt.datetime) -> list[tuple[UUID, int, dt.datetime]]:
    """Users who posted between the two moments: id, how many entries, when first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT actor, count(*), min(booked_at) FROM ledger_journal"
            " WHERE id > %s AND booked_at >= %s AND booked_at < %s AND actor IS NOT NULL AND outcome = 'OK' GROUP BY 1",
            [_entry_before(since), since, until],
        )
        return [(actor, int(count), first) for actor, count, first in cursor.fetchall()]


def _entry_before(moment: dt.datetime) -> int:
    """An entry before the moment, by bisection over ids: entries are booked in order but for seconds, and the time
    has no index. Two hours of margin cover what was booked out of order."""
    margin = moment - dt.timedelta(hours=2)
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM ledger_journal")
        low, high = cursor.fetchone()
        while high - low > 1_000:
            middle = (low + high) // 2
            cursor.execute("SELECT booked_at FROM ledger_journal WHERE id >= %s ORDER BY id LIMIT 1", [middle])
            row = cursor.fetchone()
            if row is not None and row[0] < margin:
                low = middle
            else:
                high = middle
    return int(low) - 1
