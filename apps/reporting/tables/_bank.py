"""Lists about money held and moved: trial balance by branch, depositors, dormancy, liquidity, activity of staff."""

# ruff: noqa: E501, S608 (statements are put together from parts written here; nothing of a user's is in them)

from __future__ import annotations

from apps.reporting.tables._model import Column, Drill, TableReport

GROUP = "Bank"


def lines_of(since: str) -> Drill:
    """The journal lines of an account of the chart, in the row's branch and currency, from a day on."""
    query = {"kind": "{code}", "branch": "{branch}", "currency": "{currency}", "since": since, "as_of": "{as_of}"}
    return Drill("admin:reporting_table", ("journal-lines",), query)


def record_of(model: str, key: str) -> Drill:
    """The record of a model that has the number in a column."""
    return Drill(f"admin:{model}_changelist", (), {"q": f"{{{key}}}"})


ENTRY = Drill("admin:ledger_journalentry_change", ("{entry}",))
IN_REACH = "(%(branches)s::uuid[] IS NULL OR {}.branch_id = ANY (%(branches)s::uuid[]))"
_ACCOUNT, _LEDGER = IN_REACH.format("c"), IN_REACH.format("a")
MEMBER_NAME = "coalesce(nullif(m.business_name, ''), trim(m.first_name || ' ' || m.last_name))"

TOTALS = """
WITH sealed AS (SELECT last_id FROM ledger_seal_state WHERE id = 1),
moves AS (
    SELECT t.gl_account_id, t.branch_id, t.currency, t.business_date, t.debit, t.credit FROM ledger_daily_total t
     WHERE t.business_date <= %(as_of)s
    UNION ALL
    SELECT a.gl_account_id, a.branch_id, l.currency, l.business_date,
           CASE l.side WHEN 'D' THEN l.amount ELSE 0 END, CASE l.side WHEN 'C' THEN l.amount ELSE 0 END
      FROM ledger_line l JOIN ledger_ledgeraccount a ON a.id = l.account_id
     WHERE l.journal_id > (SELECT last_id FROM sealed) AND l.business_date <= %(as_of)s
)
"""

TRIAL_BALANCE = TableReport(
    "trial-balance-by-branch", "Trial balance by branch", GROUP, "ledger.view",
    "Every node of the chart in every branch and currency at the end of a day, on its side. Debits equal credits.",
    (Column("branch", "Branch"), Column("code", "Code"), Column("name", "Account"), Column("currency", "Currency"),
     Column("debit", "Debit", "money", True), Column("credit", "Credit", "money", True)),
    TOTALS + """
SELECT b.code, g.code, g.name, a.currency, greatest(sum(a.debit - a.credit), 0)::bigint,
       greatest(sum(a.credit - a.debit), 0)::bigint
  FROM moves a JOIN ledger_glaccount g ON g.id = a.gl_account_id JOIN identity_branch b ON b.id = a.branch_id
 WHERE (%(currency)s = '' OR a.currency = %(currency)s) AND """ + _LEDGER + """
 GROUP BY b.code, g.code, g.name, a.currency HAVING sum(a.debit - a.credit) <> 0 ORDER BY b.code, a.currency, g.code
""",
    ("as_of",),
    drill=lines_of("1900-01-01"),
)  # fmt: skip

JOURNAL_LINES = TableReport(
    "journal-lines", "Lines of an account", GROUP, "ledger.view",
    "What a figure of a statement is made of: lines of a period on an account of the chart, or all below a header; kind "
    "is its code. Closing entries of years are left out of income and expenses, as statements do.",
    (Column("date", "Date", "date"), Column("entry", "Entry", "count"), Column("kind", "Kind", is_code=True),
     Column("code", "Code"), Column("account", "Account"), Column("branch", "Branch"),
     Column("description", "Description"), Column("currency", "Currency"), Column("debit", "Debit", "money", True),
     Column("credit", "Credit", "money", True)),
    """
WITH RECURSIVE below AS (
    SELECT id, code, type FROM ledger_glaccount WHERE code = %(kind)s
    UNION ALL SELECT g.id, g.code, g.type FROM ledger_glaccount g JOIN below u ON g.parent_id = u.id
)
SELECT l.business_date, j.id, j.kind, g.code, a.name, b.code, j.description, l.currency,
       CASE l.side WHEN 'D' THEN l.amount END, CASE l.side WHEN 'C' THEN l.amount END
  FROM below g JOIN ledger_ledgeraccount a ON a.gl_account_id = g.id JOIN identity_branch b ON b.id = a.branch_id
  JOIN ledger_line l ON l.account_id = a.id JOIN ledger_journal j ON j.id = l.journal_id
 WHERE l.business_date BETWEEN %(since)s AND %(as_of)s AND (%(currency)s = '' OR l.currency = %(currency)s)
   AND (j.kind <> 'year_close' OR g.type NOT IN ('income', 'expense')) AND """ + _LEDGER + """
 ORDER BY l.journal_id, l.line_no
""",
    ("since", "as_of", "kind"),
    drill=ENTRY,
)  # fmt: skip

BRANCH_RESULT = TableReport(
    "branch-result", "Result by branch", GROUP, "ledger.view",
    "Income and expenses of a period in each branch, each on its own side; closing entries of years are left out.",
    (Column("branch", "Branch"), Column("code", "Code"), Column("name", "Account"), Column("currency", "Currency"),
     Column("income", "Income", "money", True), Column("expense", "Expense", "money", True)),
    """
SELECT b.code, g.code, g.name, l.currency,
       coalesce(sum(CASE l.side WHEN 'C' THEN l.amount ELSE -l.amount END) FILTER (WHERE g.type = 'income'), 0)::bigint,
       coalesce(sum(CASE l.side WHEN 'D' THEN l.amount ELSE -l.amount END) FILTER (WHERE g.type = 'expense'), 0)::bigint
  FROM ledger_journal j JOIN ledger_line l ON l.journal_id = j.id JOIN ledger_ledgeraccount a ON a.id = l.account_id
  JOIN ledger_glaccount g ON g.id = a.gl_account_id JOIN identity_branch b ON b.id = a.branch_id
 WHERE j.business_date BETWEEN %(since)s AND %(as_of)s AND j.outcome = 'OK' AND j.kind <> 'year_close'
   AND g.type IN ('income', 'expense') AND (%(currency)s = '' OR l.currency = %(currency)s) AND """ + _LEDGER + """
 GROUP BY b.code, g.code, g.name, l.currency ORDER BY b.code, l.currency, g.code
""",
    ("since", "as_of"),
    drill=lines_of("{since}"),
)  # fmt: skip

TOP_DEPOSITORS = TableReport(
    "top-depositors", "Largest depositors", GROUP, "accounts.view",
    "Members by what all their deposit accounts hold together now, with the share of all deposits of the currency.",
    (Column("number", "Member"), Column("name", "Name"), Column("branch", "Branch"), Column("currency", "Currency"),
     Column("accounts", "Accounts", "count"), Column("balance", "Deposits", "money", True),
     Column("share", "Share", "percent")),
    """
WITH held AS (
    SELECT c.member_id, c.currency, count(*) AS accounts, sum(b.balance) AS balance
      FROM accounts_account c JOIN balances_balance b ON b.account_id = c.ledger_account_id
     WHERE c.status <> 'closed' AND (%(currency)s = '' OR c.currency = %(currency)s) AND """ + _ACCOUNT + """
     GROUP BY c.member_id, c.currency
)
SELECT m.number, """ + MEMBER_NAME + """, b.code, h.currency, h.accounts, h.balance::bigint,
       round(100 * h.balance / nullif(sum(h.balance) OVER (PARTITION BY h.currency), 0), 2)
  FROM held h JOIN members_member m ON m.id = h.member_id JOIN identity_branch b ON b.id = m.branch_id
 ORDER BY h.balance DESC, m.number LIMIT %(limit)s
""",
    ("limit",),
    drill=record_of("members_member", "number"),
)  # fmt: skip

CONCENTRATION = TableReport(
    "deposit-bands", "Deposits by size", GROUP, "accounts.view",
    "How many accounts hold how much now: the concentration of deposits. Bands are units of the currency.",
    (Column("band", "Balance from", is_code=True), Column("currency", "Currency"), Column("accounts", "Accounts", "count", True),
     Column("balance", "Deposits", "money", True), Column("share", "Share", "percent")),
    """
WITH held AS (
    SELECT c.currency, b.balance,
           width_bucket(b.balance / power(10, y.exponent), ARRAY[0, 1, 1000, 10000, 100000, 1000000, 10000000]) AS band
      FROM accounts_account c JOIN balances_balance b ON b.account_id = c.ledger_account_id
      JOIN ledger_currency y ON y.code = c.currency
     WHERE c.status <> 'closed' AND (%(currency)s = '' OR c.currency = %(currency)s) AND """ + _ACCOUNT + """
)
SELECT (ARRAY['overdrawn', '0', '1', '1,000', '10,000', '100,000', '1,000,000', '10,000,000'])[band + 1], currency,
       count(*), sum(balance)::bigint,
       round(100 * sum(balance) / nullif(sum(sum(balance)) OVER (PARTITION BY currency), 0), 2)
  FROM held GROUP BY band, currency ORDER BY currency, band
""",
)  # fmt: skip

DORMANT = TableReport(
    "dormant-accounts", "Accounts without movement", GROUP, "accounts.view",
    "Open accounts whose last entry in the books is older than the days asked for, oldest first.",
    (Column("number", "Account"), Column("name", "Name"), Column("product", "Product"), Column("branch", "Branch"),
     Column("currency", "Currency"), Column("moved", "Last moved", "date"), Column("days", "Days", "count"),
     Column("balance", "Balance", "money", True)),
    """
SELECT c.number, c.name, p.code, r.code, c.currency, coalesce(l.business_date, c.opened_on),
       (%(as_of)s::date - coalesce(l.business_date, c.opened_on)), b.balance
  FROM accounts_account c JOIN accounts_accountproduct p ON p.id = c.product_id
  JOIN identity_branch r ON r.id = c.branch_id JOIN balances_balance b ON b.account_id = c.ledger_account_id
  LEFT JOIN LATERAL (SELECT business_date FROM ledger_line WHERE account_id = c.ledger_account_id
                      ORDER BY journal_id DESC LIMIT 1) l ON TRUE
 WHERE c.status <> 'closed' AND coalesce(l.business_date, c.opened_on) <= %(as_of)s::date - %(days)s
   AND (%(currency)s = '' OR c.currency = %(currency)s) AND """ + _ACCOUNT + """
 ORDER BY coalesce(l.business_date, c.opened_on), c.number
""",
    ("as_of", "days"),
    drill=record_of("accounts_account", "number"),
)  # fmt: skip

SUMMARY = TableReport(
    "transaction-summary", "Summary of transactions", GROUP, "ledger.view",
    "Posted entries of a period by kind and channel; the amount is the sum of their debits.",
    (Column("kind", "Kind", is_code=True), Column("channel", "Channel", is_code=True), Column("currency", "Currency"),
     Column("entries", "Entries", "count", True), Column("amount", "Amount", "money", True)),
    """
SELECT j.kind, j.channel, l.currency, count(DISTINCT j.id), sum(l.amount)::bigint
  FROM ledger_journal j JOIN ledger_line l ON l.journal_id = j.id AND l.side = 'D'
  JOIN ledger_ledgeraccount a ON a.id = l.account_id
 WHERE j.business_date BETWEEN %(since)s AND %(as_of)s AND j.outcome = 'OK'
   AND (%(currency)s = '' OR l.currency = %(currency)s) AND (%(kind)s = '' OR j.kind = %(kind)s) AND """ + _LEDGER + """
 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
""",
    ("since", "as_of", "kind"),
    drill=Drill("admin:reporting_table", ("audit-report",), {"kind": "{kind}", "since": "{since}", "as_of": "{as_of}"}),
)  # fmt: skip

STAFF_ACTIVITY = TableReport(
    "staff-activity", "Activity of staff", GROUP, "ledger.view",
    "Posted entries of a period by who entered them: how many, over the counter, reversals, and the sum of debits.",
    (Column("user", "User"), Column("email", "E-mail"), Column("currency", "Currency"),
     Column("entries", "Entries", "count", True), Column("counter", "At the counter", "count", True),
     Column("reversals", "Reversals", "count", True), Column("amount", "Amount", "money", True)),
    """
SELECT u.full_name, u.email, l.currency, count(DISTINCT j.id),
       count(DISTINCT j.id) FILTER (WHERE j.channel IN ('branch', 'cash')),
       count(DISTINCT j.id) FILTER (WHERE j.reverses_id IS NOT NULL), sum(l.amount)::bigint
  FROM ledger_journal j JOIN identity_user u ON u.id = j.actor JOIN ledger_line l ON l.journal_id = j.id AND l.side = 'D'
  JOIN ledger_ledgeraccount a ON a.id = l.account_id
 WHERE j.business_date BETWEEN %(since)s AND %(as_of)s AND j.outcome = 'OK' AND u.is_staff
   AND (%(currency)s = '' OR l.currency = %(currency)s) AND (%(who)s = '' OR u.email = %(who)s) AND """ + _LEDGER + """
 GROUP BY u.full_name, u.email, l.currency ORDER BY 4 DESC, 2
""",
    ("since", "as_of", "who"),
    drill=Drill("admin:reporting_table", ("audit-report",), {"who": "{email}", "since": "{since}", "as_of": "{as_of}"}),
)  # fmt: skip

TILLS = TableReport(
    "till-sessions", "Till sessions", GROUP, "ledger.view",
    "Sessions of tills opened in a period, with what the books said and what was counted at the end.",
    (Column("date", "Date", "date"), Column("branch", "Branch"), Column("till", "Till"), Column("teller", "Teller"),
     Column("status", "Status", is_code=True), Column("currency", "Currency"), Column("opening", "At opening", "money"),
     Column("books", "By the books", "money"), Column("counted", "Counted", "money"),
     Column("difference", "Difference", "money", True)),
    """
SELECT s.business_date, b.code, c.name, u.full_name, s.status, c.currency, s.opening_counted, s.counted_books, s.counted,
       s.counted - s.counted_books
  FROM payments_tillsession s JOIN payments_till c ON c.id = s.till_id JOIN identity_branch b ON b.id = c.branch_id
  JOIN identity_user u ON u.id = s.teller_id
 WHERE s.business_date BETWEEN %(since)s AND %(as_of)s AND (%(currency)s = '' OR c.currency = %(currency)s)
   AND (%(who)s = '' OR u.email = %(who)s) AND """ + _ACCOUNT + """
 ORDER BY s.business_date, b.code, c.number, s.opened_at
""",
    ("since", "as_of", "who"),
)  # fmt: skip

REPORTS = (
    TRIAL_BALANCE, JOURNAL_LINES, BRANCH_RESULT, TOP_DEPOSITORS, CONCENTRATION, DORMANT, SUMMARY, STAFF_ACTIVITY, TILLS,
)  # fmt: skip
