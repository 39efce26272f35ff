"""Lists about money to come and to go: liquidity gap, cash-flow projection, cash of the next days.

What is known of the time ahead: cash and banks, deposits (those of a term on their date), unpaid instalments of loans,
approved loans, and standing instructions from one branch's accounts to another's.
"""

# ruff: noqa: E501, S608 (statements are put together from parts written here; nothing of a user's is in them)

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from apps.reporting.tables._bank import GROUP, IN_REACH, TOTALS
from apps.reporting.tables._model import Column, Params, TableReport
from apps.reporting.tables._standing import standing_flows

_LEDGER = IN_REACH.format("a")
DAYS_AHEAD = 366
"""How far ahead dates of standing instructions are worked out."""

# Each yields (branch, currency, days left, comes in, goes out).
_CASH = """
    SELECT a.branch_id, a.currency, {days} AS days, sum(a.debit - a.credit) AS inflow, 0::numeric AS outflow
      FROM moves a JOIN ledger_glaccount g ON g.id = a.gl_account_id JOIN ledger_glaccount h ON h.id = g.parent_id
     WHERE h.code IN ('1100', '1200') GROUP BY 1, 2
"""
_RUNNING = """
      FROM accounts_term_deposit t JOIN accounts_account c ON c.id = t.account_id
     WHERE t.starts_on <= %(as_of)s AND (t.ended_on IS NULL OR t.ended_on > %(as_of)s)
"""
_DEPOSITS_AT_ONCE = (
    """
    SELECT a.branch_id, a.currency, 0, 0, sum(a.credit - a.debit)
      FROM moves a JOIN ledger_glaccount g ON g.id = a.gl_account_id JOIN ledger_glaccount h ON h.id = g.parent_id
     WHERE h.code = '2100' GROUP BY 1, 2
    UNION ALL
    SELECT c.branch_id, c.currency, 0, 0, -t.principal"""
    + _RUNNING
)
_TERM_DEPOSITS = (
    "SELECT c.branch_id, c.currency, greatest(t.matures_on - %(as_of)s::date, 0), 0, t.principal" + _RUNNING
)
_LOANS = """
    SELECT n.branch_id, n.currency, greatest(i.due_on - %(as_of)s::date, 0),
           i.principal + i.interest + i.fees + i.penalties
           - i.principal_paid - i.interest_paid - i.fees_paid - i.penalties_paid, 0
      FROM lending_loan n JOIN lending_loaninstalment i ON i.schedule_id = n.schedule_id AND i.paid_on IS NULL
     WHERE n.status NOT IN ('approved', 'closed', 'written_off')
    UNION ALL
    SELECT n.branch_id, n.currency, 7, 0, n.principal FROM lending_loan n WHERE n.status = 'approved'
"""
_STANDING = """
    SELECT s.branch, s.currency, s.day - %(as_of)s::date, s.inflow, s.outflow
      FROM jsonb_to_recordset(%(standing)s::jsonb)
        AS s (branch uuid, currency text, day date, inflow numeric, outflow numeric)
"""


def _due(*parts: str) -> str:
    return TOTALS + ", flows AS (" + "\n UNION ALL ".join(parts) + ")"


def _standing(params: Params) -> dict[str, Any]:
    """Dates of standing instructions after the day asked for; both branches see their side, the whole bank both."""
    flows = standing_flows(after=params.as_of, until=params.as_of + dt.timedelta(days=DAYS_AHEAD))
    return {
        "standing": json.dumps(
            [
                {"branch": str(branch), "currency": currency, "day": day.isoformat(), side: amount, other: 0}
                for day, currency, amount, source, destination in flows
                for branch, side, other in ((source, "outflow", "inflow"), (destination, "inflow", "outflow"))
            ]
        )
    }


LIQUIDITY_GAP = TableReport(
    "liquidity-gap", "Liquidity gap", GROUP, "ledger.view",
    "What comes in and what may go out by the time left: cash and banks at once, unpaid instalments on their due dates "
    "(late ones at once), deposits at once, those of a term on its last day, approved loans within a week, standing "
    "instructions between branches on the dates of a year. The gap adds up from band to band.",
    (Column("band", "Within", is_code=True), Column("currency", "Currency"), Column("inflow", "Comes in", "money", True),
     Column("outflow", "May go out", "money", True), Column("gap", "Gap", "money"),
     Column("cumulative", "Added up", "money")),
    _due(_CASH.format(days=0), _DEPOSITS_AT_ONCE, _TERM_DEPOSITS, _LOANS, _STANDING) + """
, banded AS (
    SELECT a.currency, width_bucket(a.days, ARRAY[1, 8, 31, 91, 181, 366]) AS band, sum(a.inflow) AS inflow,
           sum(a.outflow) AS outflow
      FROM flows a WHERE (%(currency)s = '' OR a.currency = %(currency)s) AND """ + _LEDGER + """
     GROUP BY 1, 2
)
SELECT (ARRAY['at once', '7 days', '30 days', '90 days', '180 days', '1 year', 'later'])[band + 1], currency,
       inflow::bigint, outflow::bigint, (inflow - outflow)::bigint,
       sum(inflow - outflow) OVER (PARTITION BY currency ORDER BY band)::bigint
  FROM banded ORDER BY currency, band
""",
    ("as_of",), derived=_standing,
)  # fmt: skip


def _ahead(step: int, steps: int) -> str:
    """What comes in and goes out in each of so many spans of days, and the cash at the end of each."""
    return (
        _due(_CASH.format(days=-1), _TERM_DEPOSITS + " AND t.instruction = 'payout'", _LOANS, _STANDING)
        + f"""
, spans AS (
    SELECT a.currency, CASE WHEN a.days < 0 THEN -1 ELSE a.days / {step} END AS span, sum(a.inflow) AS inflow,
           sum(a.outflow) AS outflow
      FROM flows a WHERE a.days < {step * steps} AND (%(currency)s = '' OR a.currency = %(currency)s) AND {_LEDGER}
     GROUP BY 1, 2
), every AS (
    SELECT y.currency, w.span FROM (SELECT DISTINCT currency FROM spans) y
     CROSS JOIN generate_series(-1, {steps - 1}) w (span)
), summed AS (
    SELECT s.currency, s.span, coalesce(w.inflow, 0) AS inflow, coalesce(w.outflow, 0) AS outflow,
           sum(coalesce(w.inflow, 0) - coalesce(w.outflow, 0)) OVER (PARTITION BY s.currency ORDER BY s.span) AS cash
      FROM every s LEFT JOIN spans w ON w.currency = s.currency AND w.span = s.span
)
SELECT %(as_of)s::date + {step} * span, currency, inflow::bigint, outflow::bigint, cash::bigint FROM summed
 WHERE span >= 0 ORDER BY currency, span
"""
    )


_AHEAD = (
    "unpaid instalments of loans on their due dates (late ones first), approved loans within a week, term deposits that "
    "are to be paid out on their last day, standing instructions between branches, and the cash and bank balances that "
    "they lead to."
)

CASH_PROJECTION = TableReport(
    "cash-projection", "Cash-flow projection", GROUP, "ledger.view", "Thirteen weeks from the day on: " + _AHEAD,
    (Column("week", "Week from", "date"), Column("currency", "Currency"), Column("inflow", "Comes in", "money", True),
     Column("outflow", "Goes out", "money", True), Column("cash", "Cash at its end", "money")),
    _ahead(7, 13), ("as_of",), derived=_standing,
)  # fmt: skip

CASH_POSITION = TableReport(
    "cash-position", "Cash position and the next seven days", GROUP, "ledger.view", "Eight days from the day on: " + _AHEAD,
    (Column("day", "Day", "date"), Column("currency", "Currency"), Column("inflow", "Comes in", "money", True),
     Column("outflow", "Goes out", "money", True), Column("cash", "Cash at its end", "money")),
    _ahead(1, 8), ("as_of",), derived=_standing,
)  # fmt: skip

REPORTS = (LIQUIDITY_GAP, CASH_PROJECTION, CASH_POSITION)
