"""Lists of reconciliation: sub-ledgers against the general ledger, what differs and since when, and open items."""

# ruff: noqa: E501, S608 (statements are put together from parts written here; nothing of a user's is in them)

from __future__ import annotations

from apps.reporting.reconciliation import CHECKS, COMPARED, DETAILED
from apps.reporting.tables._model import Column, Drill, TableReport

GROUP = "Control"
CLEARING = (
    "1130", "1230", "1240", "1250", "1260", "1690", "1910", "2230", "2410", "2420", "2430", "2440", "2590",
)  # fmt: skip
"""Accounts of the chart that money only passes through: what stays on them is open."""

_CHECKED = tuple(check.code for check in CHECKS)
_OWN_SIDE = "CASE WHEN x.what = 'holds' OR (g.type IN ('asset', 'expense')) = g.is_contra THEN 1 ELSE -1 END"
_REACH = (
    "(%(currency)s = '' OR x.currency = %(currency)s)"
    " AND (%(branches)s::uuid[] IS NULL OR x.branch_id = ANY (%(branches)s::uuid[]))"
)
_NAMED = "(%(kind)s = '' OR x.what = %(kind)s)"
_COMPARISON = (
    Column("check", "Compared", is_code=True), Column("code", "Code"), Column("name", "Account"), Column("branch", "Branch"),
    Column("currency", "Currency"), Column("records", "Records", "count"),
    Column("kept", "Sub-ledger", "money"), Column("booked", "General ledger", "money"),
    Column("difference", "Difference", "money"),
)  # fmt: skip
_COMPARE = (
    COMPARED
    + """
SELECT x.what, g.code, g.name, coalesce(b.code, ''), x.currency, x.records, (v.side * x.kept)::bigint,
       (v.side * x.booked)::bigint, (v.side * (x.kept - x.booked))::bigint{more}
  FROM compared x JOIN ledger_glaccount g ON g.id = x.gl_account_id LEFT JOIN identity_branch b ON b.id = x.branch_id
 CROSS JOIN LATERAL (SELECT """
    + _OWN_SIDE
    + """ AS side) v {join}
 WHERE """
    + _NAMED
    + " AND "
    + _REACH
)
_ROWS = Drill(
    "admin:reporting_table", ("reconciliation-rows",),
    {"kind": "{check}:{code}", "branch": "{branch}", "currency": "{currency}"},
)  # fmt: skip
_WHAT = (
    "Member accounts and loan accounts: what all accounts under a control account hold. Loans and credit lines: what "
    "schedules and events say is owed, against the accounts of each. Provisions: suspense and allowances of all loans. "
    "Interest accrued: on deposits and overdrafts, not paid yet. Cheques in clearing. Tills: what was counted, and "
    "moved since. Vault transfers. Holds: against what the accounts have held. Inter-branch: nothing, over all branches. "
)

RECONCILIATIONS = TableReport(
    "reconciliations", "Sub-ledgers against the general ledger", GROUP, "ledger.view",
    _WHAT + "As of now, on the account's own side; no difference is the proof that both agree.",
    _COMPARISON, _COMPARE.format(more="", join="") + " ORDER BY 1, 2, 4, 5", ("kind",), drill=_ROWS, kinds=_CHECKED,
)  # fmt: skip

BREAKS = TableReport(
    "reconciliation-breaks", "Reconciliation breaks", GROUP, "ledger.view",
    _WHAT + "Only what differs now, with the business date whose close found it first, and how many days ago that is; "
    "what no close has seen yet is of today.",
    (*_COMPARISON, Column("since", "Since", "date"), Column("days", "Days", "count")),
    _COMPARE.format(
        more=", coalesce(k.since, %(as_of)s::date), %(as_of)s::date - coalesce(k.since, %(as_of)s::date)",
        join="LEFT JOIN reporting_reconciliationbreak k ON k.until IS NULL AND k.key = '' AND k.what = x.what"
        " AND k.gl_account_id = x.gl_account_id AND k.branch_id IS NOT DISTINCT FROM x.branch_id"
        " AND k.currency = x.currency",
    )
    + " AND x.kept <> x.booked ORDER BY coalesce(k.since, %(as_of)s::date), 1, 2, 4, 5",
    ("kind",), drill=_ROWS, kinds=_CHECKED,
    nothing="Nothing differs: every sub-ledger agrees with the general ledger.",
)  # fmt: skip

HISTORY = TableReport(
    "reconciliation-history", "Breaks of a period", GROUP, "ledger.view",
    "Differences that closes of business found in a period: since when, until which close, and what they were when last "
    "seen. Those without an end are open.",
    (*_COMPARISON[:5], *_COMPARISON[6:], Column("since", "Since", "date"), Column("until", "Until", "date"),
     Column("days", "Days", "count")),
    """
SELECT x.what, g.code, g.name, coalesce(b.code, ''), x.currency, (v.side * x.kept)::bigint, (v.side * x.booked)::bigint,
       (v.side * (x.kept - x.booked))::bigint, x.since, x.until, coalesce(x.until, %(as_of)s::date) - x.since
  FROM reporting_reconciliationbreak x JOIN ledger_glaccount g ON g.id = x.gl_account_id
  LEFT JOIN identity_branch b ON b.id = x.branch_id CROSS JOIN LATERAL (SELECT """ + _OWN_SIDE + """ AS side) v
 WHERE x.since <= %(as_of)s AND (x.until IS NULL OR x.until >= %(since)s) AND """ + _NAMED + " AND " + _REACH + """
 ORDER BY x.since, x.id
""",
    ("since", "as_of", "kind"), kinds=_CHECKED,
)  # fmt: skip

ROWS = TableReport(
    "reconciliation-rows", "Rows of a reconciliation", GROUP, "ledger.view",
    "What one comparison is made of, what differs first; kind is its name and the code of the chart, as loans:1410. Where "
    "the books have no figure of a row, their total stands at the end.",
    (Column("record", "Record"), Column("code", "Code"), Column("branch", "Branch"), Column("currency", "Currency"),
     Column("kept", "Sub-ledger", "money", True), Column("booked", "General ledger", "money", True),
     Column("difference", "Difference", "money")),
    DETAILED + """
SELECT x.record, g.code, coalesce(b.code, ''), x.currency, (v.side * x.kept)::bigint, (v.side * x.booked)::bigint,
       (v.side * (x.kept - x.booked))::bigint
  FROM (SELECT split_part(%(kind)s, ':', 1) AS what, d.* FROM detailed d) x
  JOIN ledger_glaccount g ON g.id = x.gl_account_id LEFT JOIN identity_branch b ON b.id = x.branch_id
 CROSS JOIN LATERAL (SELECT """ + _OWN_SIDE + """ AS side) v
 WHERE (split_part(%(kind)s, ':', 2) IN ('', g.code)) AND """ + _REACH + """
 ORDER BY x.kept IS NULL, abs(coalesce(x.kept - x.booked, 0)) DESC, x.record
""",
    ("kind",),
    drill=Drill("admin:reporting_table", ("journal-lines",),
                {"kind": "{code}", "branch": "{branch}", "currency": "{currency}", "since": "1900-01-01"}),
)  # fmt: skip

OPEN_ITEMS = TableReport(
    "open-items", "Open items", GROUP, "ledger.view",
    "What stands on suspense, settlement and clearing accounts at the end of a day, oldest first: they add up to the "
    "balance. Entries of one reference and reversals are matched first; what is left on the other side is taken off the "
    "oldest. Kind is a code of the chart.",
    (Column("code", "Code"), Column("name", "Account"), Column("branch", "Branch"), Column("entry", "Entry", "count"),
     Column("since", "Since", "date"), Column("days", "Days", "count"), Column("reference", "Reference"),
     Column("description", "Description"), Column("currency", "Currency"), Column("amount", "Amount", "money"),
     Column("open", "Open", "money", True)),
    """
WITH lines AS (
    SELECT a.gl_account_id, a.branch_id, l.currency, j.id, j.business_date, CASE l.side WHEN 'C' THEN l.amount ELSE -l.amount END
           AS amount, coalesce(nullif(coalesce(o.reference, j.reference), ''), '#' || coalesce(o.id, j.id)) AS item
      FROM ledger_glaccount g JOIN ledger_ledgeraccount a ON a.gl_account_id = g.id
      JOIN ledger_line l ON l.account_id = a.id JOIN ledger_journal j ON j.id = l.journal_id
      LEFT JOIN ledger_journal o ON o.id = j.reverses_id
     WHERE g.code = ANY (%(clearing)s) AND l.business_date <= %(as_of)s AND (%(kind)s = '' OR g.code = %(kind)s)
       AND (%(currency)s = '' OR l.currency = %(currency)s)
       AND (%(branches)s::uuid[] IS NULL OR a.branch_id = ANY (%(branches)s::uuid[]))
), items AS (
    SELECT gl_account_id, branch_id, currency, min(id) AS entry, min(business_date) AS since, sum(amount) AS net
      FROM lines GROUP BY gl_account_id, branch_id, currency, item HAVING sum(amount) <> 0
), totals AS (
    SELECT i.*, sum(net) OVER (PARTITION BY gl_account_id, branch_id, currency) AS total FROM items i
), newest_first AS (
    SELECT t.*, sum(abs(net)) OVER (PARTITION BY gl_account_id, branch_id, currency ORDER BY since DESC, entry DESC) AS upto
      FROM totals t WHERE sign(net) = sign(total)
)
SELECT g.code, g.name, b.code, n.entry, n.since, %(as_of)s::date - n.since, j.reference, j.description, n.currency,
       (v.side * n.net)::bigint, (v.side * sign(n.net) * least(abs(n.net), abs(n.total) - n.upto + abs(n.net)))::bigint
  FROM newest_first n JOIN ledger_glaccount g ON g.id = n.gl_account_id JOIN identity_branch b ON b.id = n.branch_id
  JOIN ledger_journal j ON j.id = n.entry
 CROSS JOIN LATERAL (SELECT CASE WHEN (g.type IN ('asset', 'expense')) = g.is_contra THEN 1 ELSE -1 END AS side) v
 WHERE n.upto - abs(n.net) < abs(n.total) ORDER BY n.since, n.entry, g.code
""",
    ("as_of", "kind"), kinds=CLEARING, derived=lambda _: {"clearing": list(CLEARING)},
    drill=Drill("admin:ledger_journalentry_change", ("{entry}",)),
)  # fmt: skip

REPORTS = (RECONCILIATIONS, BREAKS, HISTORY, ROWS, OPEN_ITEMS)
