"""Balances by day: what the journal says, folded by account, business date and value date. One statement a range."""

from __future__ import annotations

from django.db import connection, transaction

from apps.accounts import locks
from apps.accounts.partitions import range_of

# Only sealed entries: below the seal nothing can appear any more, so each line is folded exactly once. A delta of a day
# counts on that day and on all later rows; all parts of the statement see the rows as they were before it.
_FOLD = """
WITH sealed AS (
    SELECT last_id FROM ledger_seal_state WHERE id = 1
), lines AS (
    SELECT l.account_id, l.business_date, j.value_date,
           CASE l.side WHEN 'C' THEN l.amount ELSE -l.amount END AS amount
      FROM ledger_line l
      JOIN ledger_journal j ON j.id = l.journal_id
      JOIN accounts_account a ON a.ledger_account_id = l.account_id
     WHERE l.journal_id > %(after)s AND l.journal_id <= (SELECT last_id FROM sealed)
       AND l.account_id BETWEEN %(low)s AND %(high)s
), deltas AS MATERIALIZED (
    SELECT account_id, day, sum(booked)::bigint AS booked, sum(valued)::bigint AS valued
      FROM (SELECT account_id, business_date AS day, amount AS booked, 0 AS valued FROM lines
             UNION ALL SELECT account_id, value_date, 0, amount FROM lines) AS both_dates
     GROUP BY account_id, day
), running AS MATERIALIZED (
    SELECT account_id, day, lead(day) OVER by_day AS next_day,
           sum(booked) OVER by_day AS booked, sum(valued) OVER by_day AS valued
      FROM deltas WINDOW by_day AS (PARTITION BY account_id ORDER BY day)
), later AS (
    UPDATE accounts_day_balance s SET booked = s.booked + r.booked, valued = s.valued + r.valued
      FROM running r
     WHERE s.account_id = r.account_id AND s.day >= r.day AND (r.next_day IS NULL OR s.day < r.next_day)
 RETURNING 1
), placed AS MATERIALIZED (
    SELECT r.account_id, r.day, coalesce(p.booked, 0) + r.booked AS booked, coalesce(p.valued, 0) + r.valued AS valued
      FROM running r
      LEFT JOIN LATERAL (SELECT s.booked, s.valued FROM accounts_day_balance s
                          WHERE s.account_id = r.account_id AND s.day < r.day ORDER BY s.day DESC LIMIT 1) p ON true
     WHERE NOT EXISTS (SELECT FROM accounts_day_balance s WHERE s.account_id = r.account_id AND s.day = r.day)
), fresh AS (
    -- The counts are there so that nothing is inserted before all is read: a table that was empty is planned to be read
    -- whole for each row, and the rows that this statement inserts would be read with it.
    INSERT INTO accounts_day_balance (account_id, day, booked, valued)
    SELECT account_id, day, booked, valued FROM placed
     WHERE (SELECT count(*) FROM placed) + (SELECT count(*) FROM later) >= 0
     ORDER BY account_id, day
), changed AS (
    INSERT INTO accounts_reaccrual AS d (account_id, since)
    SELECT account_id, min(day) FROM deltas WHERE valued <> 0 AND day <= %(accrued)s GROUP BY account_id
        ON CONFLICT (account_id) DO UPDATE SET since = least(d.since, excluded.since)
)
SELECT (SELECT last_id FROM sealed), (SELECT count(*) FROM deltas), (SELECT count(DISTINCT account_id) FROM deltas)
"""


@transaction.atomic
def day_balances_fold(*, partition: str) -> dict[str, int]:
    """Bring the balances by day of a range of accounts up to the sealed journal; what was folded before is left alone.

    Accounts whose value-dated past changes are noted for `interest_accrue`. Returns facts: accounts, days.
    """
    mark = locks.close_mark_lock(partition=partition)
    low, high = range_of(partition)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        values = {"after": mark.journal_id, "low": low, "high": high, "accrued": mark.accrued_through}
        cursor.execute(_FOLD, values)
        sealed, days, accounts = cursor.fetchone()
    if sealed > mark.journal_id:
        mark.journal_id = sealed
        mark.save(update_fields=["journal_id"])
    return {"accounts": accounts, "days": days}
