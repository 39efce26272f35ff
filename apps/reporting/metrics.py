"""The figures of analytics: what each means, and the SQL that makes it for every date of a range.

A stock is what there is at the end of a date; a flow is what happened on it. Each statement yields (day, branch,
currency, key, count, amount), amounts in minor units positive on their natural side. Nothing in them comes from a user.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

STOCK, FLOW = "stock", "flow"


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure: `by` is what its key divides it by; `money` says that amounts count, else counts."""

    code: str
    title: str
    kind: str
    by: str
    definition: str
    sql: str
    money: bool = True


# What moved on nodes of the chart, by date; sealed days from their totals, newer ones from lines.
_MOVES = """
WITH sealed AS (SELECT last_id FROM ledger_seal_state WHERE id = 1),
moves AS (
    SELECT t.business_date AS day, t.branch_id, t.currency, g.code AS key, g.type, t.credit - t.debit AS net,
           t.line_count AS lines
      FROM ledger_daily_total t JOIN ledger_glaccount g ON g.id = t.gl_account_id
     WHERE t.business_date <= %(last)s AND {wanted}
    UNION ALL
    SELECT l.business_date, a.branch_id, l.currency, g.code, g.type,
           CASE l.side WHEN 'C' THEN l.amount ELSE -l.amount END, 1
      FROM ledger_line l JOIN ledger_ledgeraccount a ON a.id = l.account_id
      JOIN ledger_glaccount g ON g.id = a.gl_account_id
     WHERE l.journal_id > (SELECT last_id FROM sealed) AND l.business_date <= %(last)s AND {wanted}
)
"""

# A stock from its changes: what there was before the range, and the running sum in it, for every date.
_RUNNING = """
, keys AS (SELECT DISTINCT branch_id, currency, key FROM moves),
opening AS (
    SELECT branch_id, currency, key, sum(net) AS net, sum(pieces) AS pieces FROM moves
     WHERE day < %(first)s GROUP BY 1, 2, 3
), changed AS (
    SELECT day, branch_id, currency, key, sum(net) AS net, sum(pieces) AS pieces FROM moves
     WHERE day >= %(first)s GROUP BY 1, 2, 3, 4
)
SELECT d.day::date, k.branch_id, k.currency, k.key,
       coalesce(o.pieces, 0) + coalesce(sum(c.pieces) OVER sofar, 0),
       {sign} * (coalesce(o.net, 0) + coalesce(sum(c.net) OVER sofar, 0))
  FROM keys k CROSS JOIN generate_series(%(first)s::date, %(last)s::date, interval '1 day') AS d (day)
  LEFT JOIN opening o ON o.branch_id = k.branch_id AND o.currency = k.currency AND o.key = k.key
  LEFT JOIN changed c ON c.day = d.day AND c.branch_id = k.branch_id AND c.currency = k.currency AND c.key = k.key
WINDOW sofar AS (PARTITION BY k.branch_id, k.currency, k.key ORDER BY d.day)
"""

_DEPOSITS = "g.id IN (SELECT gl_account_id FROM accounts_accountproduct)"
_CASH = "g.code IN ('1110', '1120', '1130')"
_LOANS = "g.code IN ('1410', '1420', '1430')"
_RESULT = "g.type IN ('income', 'expense')"


def _stock_of_nodes(wanted: str, sign: int) -> str:
    moves = _MOVES.format(wanted=wanted).replace("t.line_count AS lines", "0 AS pieces").replace(", 1\n", ", 0\n")
    return moves + _RUNNING.format(sign=sign)


_RESULT_OF_DAY = (
    _MOVES.format(wanted=_RESULT)
    + """
SELECT day, branch_id, currency, key, sum(lines), sum(CASE type WHEN 'income' THEN net ELSE -net END) FROM moves
 WHERE day >= %(first)s GROUP BY 1, 2, 3, 4
"""
)

_NET_OF_DAY = (
    _MOVES.format(wanted=_RESULT)
    + """
SELECT day, branch_id, currency, 'net result', sum(lines), sum(net) FROM moves WHERE day >= %(first)s GROUP BY 1, 2, 3
"""
)

_ENTRIES = """
SELECT j.business_date, a.branch_id, l.currency, {key}, count(DISTINCT j.id), sum(l.amount)
  FROM ledger_journal j JOIN ledger_line l ON l.journal_id = j.id AND l.side = {side}
  JOIN ledger_ledgeraccount a ON a.id = l.account_id
 WHERE j.business_date BETWEEN %(first)s AND %(last)s AND j.outcome = 'OK' AND {wanted}
 GROUP BY 1, 2, 3, 4
"""

_ON_DEPOSITS = "a.kind = 'customer' AND a.gl_account_id IN (SELECT gl_account_id FROM accounts_accountproduct)"

_AT_THE_COUNTER = "j.actor IS NOT NULL AND j.channel IN ('branch', 'cash')"

_PEOPLE = """
WITH moves AS (
    SELECT joined_on AS day, branch_id, ''::text AS currency, kind AS key, 0 AS net, 1 AS pieces FROM members_member
     WHERE joined_on <= %(last)s
    UNION ALL
    SELECT exited_on, branch_id, '', kind, 0, -1 FROM members_member WHERE exited_on <= %(last)s
)
"""

_ACCOUNTS = """
WITH moves AS (
    SELECT c.opened_on AS day, c.branch_id, c.currency, p.code AS key, 0 AS net, 1 AS pieces
      FROM accounts_account c JOIN accounts_accountproduct p ON p.id = c.product_id WHERE c.opened_on <= %(last)s
    UNION ALL
    SELECT c.closed_on, c.branch_id, c.currency, p.code, 0, -1
      FROM accounts_account c JOIN accounts_accountproduct p ON p.id = c.product_id WHERE c.closed_on <= %(last)s
)
"""

# The evening of each date as the close of business booked it; PAR counts the whole principal of late loans.
_LATE = """
SELECT d.business_date, l.branch_id, l.currency,
       CASE WHEN d.days_past_due = 0 THEN '0' WHEN d.days_past_due <= 30 THEN '1-30'
            WHEN d.days_past_due <= 60 THEN '31-60' WHEN d.days_past_due <= 90 THEN '61-90' ELSE '91+' END,
       count(*), sum(d.balance)
  FROM lending_loanday d JOIN lending_loan l ON l.id = d.loan_id
 WHERE d.business_date BETWEEN %(first)s AND %(last)s AND d.balance > 0
 GROUP BY 1, 2, 3, 4
"""

_LOAN_MONEY = """
SELECT e.business_date, l.branch_id, l.currency, p.code, count(*), sum(e.amount)
  FROM lending_loanevent e JOIN lending_loan l ON l.id = e.loan_id JOIN lending_loanproduct p ON p.id = l.product_id
 WHERE e.business_date BETWEEN %(first)s AND %(last)s AND e.kind IN ({kinds}) AND e.reversed_at IS NULL
 GROUP BY 1, 2, 3, 4
"""

_FLAGS = """
SELECT f.day, f.branch_id, '', f.rule, count(*), 0 FROM compliance_flag f
 WHERE f.day BETWEEN %(first)s AND %(last)s AND f.branch_id IS NOT NULL GROUP BY 1, 2, 4
"""

_ALL = (
    Metric("deposits", "Deposits held", STOCK, "gl",
           "Balances of all deposit accounts, by control account of the chart.", _stock_of_nodes(_DEPOSITS, 1)),
    Metric("paid_in", "Paid in", FLOW, "kind", "Credits on deposit accounts, by kind of transaction.",
           _ENTRIES.format(key="j.kind", side="'C'", wanted=_ON_DEPOSITS)),
    Metric("paid_out", "Paid out", FLOW, "kind", "Debits on deposit accounts, by kind of transaction.",
           _ENTRIES.format(key="j.kind", side="'D'", wanted=_ON_DEPOSITS)),
    Metric("cash", "Cash", STOCK, "gl", "Cash in vaults, at tills and in transit: chart 1110, 1120, 1130.",
           _stock_of_nodes(_CASH, -1)),
    Metric("channels", "Transactions by channel", FLOW, "channel",
           "Posted entries by the channel they came through; the amount is the sum of debits.",
           _ENTRIES.format(key="CASE j.channel WHEN '' THEN 'internal' ELSE j.channel END", side="'D'", wanted="TRUE")),
    Metric("tellers", "Transactions by member of staff", FLOW, "user",
           "Posted entries at the counter by who entered them; the amount is the sum of debits.",
           _ENTRIES.format(key="j.actor::text", side="'D'", wanted=_AT_THE_COUNTER)),
    Metric("members", "Members", STOCK, "words", "People and businesses that have joined and not left, by kind.",
           _PEOPLE + _RUNNING.format(sign=1), money=False),
    Metric("members_joined", "Members joined", FLOW, "words", "People and businesses by the day they joined.",
           "SELECT joined_on, branch_id, '', kind, count(*), 0 FROM members_member"
           " WHERE joined_on BETWEEN %(first)s AND %(last)s GROUP BY 1, 2, 4", money=False),
    Metric("accounts", "Open accounts", STOCK, "code", "Accounts that are opened and not closed, by product.",
           _ACCOUNTS + _RUNNING.format(sign=1), money=False),
    Metric("result", "Income and expenses", FLOW, "gl",
           "What income and expense accounts moved by, each on its own side; closing entries of a year are in it.",
           _RESULT_OF_DAY),
    Metric("net_result", "Net result", FLOW, "words",
           "Income less expenses; closing entries of a year are in it.", _NET_OF_DAY),
    Metric("loans", "Loan portfolio", STOCK, "gl", "Principal owed, by control account of the chart.",
           _stock_of_nodes(_LOANS, -1)),
    Metric("arrears", "Portfolio by days past due", STOCK, "late",
           "Principal of late loans by how late their oldest instalment is; from 31 days on it is PAR 30.", _LATE),
    Metric("disbursed", "Disbursed", FLOW, "code", "Loans paid out, top-ups counted, by product.",
           _LOAN_MONEY.format(kinds="'disbursement', 'top_up'")),
    Metric("collected", "Collected", FLOW, "code", "Repayments, payoffs and recoveries, by product.",
           _LOAN_MONEY.format(kinds="'repayment', 'payoff', 'recovery'")),
    Metric("manual", "Entries by hand", FLOW, "user",
           "Manual journal entries by who entered them; the amount is the sum of debits.",
           _ENTRIES.format(key="j.actor::text", side="'D'", wanted="j.kind = 'manual' AND j.actor IS NOT NULL")),
    Metric("reversed", "Entries undone", FLOW, "kind",
           "Entries that undo another one, by the kind of the one undone; the amount is the sum of debits.",
           _ENTRIES.format(key="(SELECT o.kind FROM ledger_journal o WHERE o.id = j.reverses_id)", side="'D'",
                           wanted="j.reverses_id IS NOT NULL")),
    Metric("flags", "Unusual activity", FLOW, "words",
           "What rules of compliance found unusual, by rule; only what belongs to a branch.", _FLAGS, money=False),
)  # fmt: skip

METRICS: Mapping[str, Metric] = {metric.code: metric for metric in _ALL}
