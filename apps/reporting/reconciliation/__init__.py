"""Sub-ledgers against the general ledger: what each keeps, what the books have, and the difference.

Every reading is one statement, hence of one state of the books. Differences that a close of business finds are kept
from that day until the close that finds them no more: so each has an age.
"""

# ruff: noqa: E501, S608 (statements are put together from parts written here; nothing of a user's is in them)

from __future__ import annotations

from apps.reporting.reconciliation._checks import CHECKS, Check

# The totals of the journal, whatever its day: sealed days, and the lines after them.
_BOOKED = """
booked AS MATERIALIZED (
    SELECT m.gl_account_id, m.branch_id, m.currency, sum(m.net) AS amount FROM (
        SELECT gl_account_id, branch_id, currency, credit - debit AS net FROM ledger_daily_total
        UNION ALL
        SELECT a.gl_account_id, a.branch_id, l.currency, CASE l.side WHEN 'C' THEN l.amount ELSE -l.amount END
          FROM ledger_line l JOIN ledger_ledgeraccount a ON a.id = l.account_id
         WHERE l.journal_id > (SELECT last_id FROM ledger_seal_state WHERE id = 1)) m
     GROUP BY m.gl_account_id, m.branch_id, m.currency
)
"""
_COLUMNS = "(record, gl_account_id, branch_id, currency, kept, booked)"


def _sums(check: Check) -> str:
    """A check's rows added up, with the totals of the journal beside those of control accounts."""
    summed = (
        f"SELECT r.gl_account_id, r.branch_id, r.currency, count(*) AS records, sum(r.kept) AS kept,"
        f" sum(r.booked) AS booked FROM ({check.rows}) AS r {_COLUMNS} GROUP BY 1, 2, 3"
    )
    if not check.is_control:
        return f"SELECT '{check.code}', x.* FROM ({summed}) x"
    return (
        f"SELECT '{check.code}', coalesce(x.gl_account_id, b.gl_account_id), coalesce(x.branch_id, b.branch_id),"
        " coalesce(x.currency, b.currency), coalesce(x.records, 0), coalesce(x.kept, 0), coalesce(b.amount, 0)"
        f" FROM ({summed}) x FULL JOIN (SELECT * FROM booked WHERE gl_account_id IN ({check.scope})) b"
        " ON b.gl_account_id = x.gl_account_id AND b.branch_id = x.branch_id AND b.currency = x.currency"
    )


COMPARED = (
    "WITH "
    + _BOOKED
    + ", compared (what, gl_account_id, branch_id, currency, records, kept, booked) AS ("
    + "\nUNION ALL\n".join(_sums(check) for check in CHECKS)
    + ")"
)
"""(what, GL account, branch, currency, records, kept, booked) of all checks, credit-positive."""


def _rows(check: Check) -> str:
    """A check's rows; one that has no figure of the books beside each ends with the books' totals."""
    chosen = f"'{check.code}' = split_part(%(kind)s, ':', 1)"
    found = f"SELECT r.* FROM ({check.detail or check.rows}) AS r {_COLUMNS} WHERE {chosen}"
    if check.is_control and not check.detail:
        found += (
            "\nUNION ALL\nSELECT 'General ledger', b.gl_account_id, b.branch_id, b.currency, NULL, b.amount FROM booked b"
            f" WHERE b.gl_account_id IN ({check.scope}) AND {chosen}"
        )
    return found


DETAILED = (
    "WITH " + _BOOKED + f", detailed {_COLUMNS} AS (" + "\nUNION ALL\n".join(_rows(check) for check in CHECKS) + ")"
)
"""The rows of the check that `kind` names, as `check:code of the chart`."""

__all__ = ["CHECKS", "COMPARED", "DETAILED", "Check"]
