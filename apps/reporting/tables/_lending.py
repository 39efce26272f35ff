"""Lists about loans: how late, at risk, paid out, collected, provided for."""

# ruff: noqa: E501, S608 (statements are put together from parts written here; nothing of a user's is in them)

from __future__ import annotations

from apps.reporting.tables._bank import MEMBER_NAME, record_of
from apps.reporting.tables._model import Column, Drill, TableReport

GROUP = "Lending"
_REACH = (
    "(%(currency)s = '' OR n.currency = %(currency)s)"
    " AND (%(branches)s::uuid[] IS NULL OR n.branch_id = ANY (%(branches)s::uuid[]))"
)
# Principal as the books have it now; how late as the last close of business found it.
_OWED = """
  FROM lending_loan n JOIN lending_loanproduct p ON p.id = n.product_id JOIN identity_branch b ON b.id = n.branch_id
  JOIN lending_loanstanding s ON s.loan_id = n.id JOIN balances_balance w ON w.account_id = n.principal_account_id
"""
_LATE = """CASE WHEN s.days_past_due = 0 THEN 'on time' WHEN s.days_past_due <= 30 THEN '1-30'
            WHEN s.days_past_due <= 60 THEN '31-60' WHEN s.days_past_due <= 90 THEN '61-90' ELSE '91+' END"""

AGEING = TableReport(
    "loan-ageing", "Ageing of loans", GROUP, "lending.view",
    "Loans with principal owed, by how late their oldest unpaid instalment is; overdue is what has fallen due.",
    (Column("number", "Loan"), Column("member", "Member"), Column("name", "Name"), Column("branch", "Branch"),
     Column("product", "Product"), Column("currency", "Currency"), Column("late", "Days late", "count"),
     Column("band", "Band", is_code=True), Column("principal", "Principal owed", "money", True),
     Column("overdue", "Overdue", "money", True), Column("stage", "Stage", "count")),
    "SELECT n.number, m.number, " + MEMBER_NAME + ", b.code, p.code, n.currency, s.days_past_due, " + _LATE + ", "
    "-w.balance, s.overdue_principal + s.overdue_interest + s.overdue_charges, s.stage" + _OWED
    + " JOIN members_member m ON m.id = n.member_id WHERE w.balance < 0 AND (%(kind)s = '' OR " + _LATE + " = %(kind)s)"
    " AND " + _REACH + " ORDER BY s.days_past_due DESC, n.number",
    ("kind",),
    drill=record_of("lending_loan", "number"), kinds=("on time", "1-30", "31-60", "61-90", "91+"),
)  # fmt: skip

PAR = TableReport(
    "portfolio-at-risk", "Portfolio at risk", GROUP, "lending.view",
    "Principal owed by branch and product, and how much of it is in loans later than 0, 30, 60 and 90 days: the whole "
    "principal of a late loan is at risk, not only what is overdue.",
    (Column("branch", "Branch"), Column("product", "Product"), Column("currency", "Currency"),
     Column("loans", "Loans", "count", True), Column("principal", "Principal owed", "money", True),
     Column("par1", "PAR 1", "money", True), Column("par30", "PAR 30", "money", True),
     Column("par60", "PAR 60", "money", True), Column("par90", "PAR 90", "money", True),
     Column("rate", "PAR 30 rate", "percent")),
    "SELECT b.code, p.code, n.currency, count(*), sum(-w.balance)::bigint, "
    + ", ".join(
        f"coalesce(sum(-w.balance) FILTER (WHERE s.days_past_due > {days}), 0)::bigint" for days in (0, 30, 60, 90)
    )
    + ", round(100 * coalesce(sum(-w.balance) FILTER (WHERE s.days_past_due > 30), 0) / sum(-w.balance), 2)" + _OWED
    + " WHERE w.balance < 0 AND " + _REACH + " GROUP BY b.code, p.code, n.currency ORDER BY 1, 2, 3",
    drill=Drill("admin:reporting_table", ("loan-ageing",), {"branch": "{branch}", "currency": "{currency}"}),
)  # fmt: skip

_EVENTS = (
    """
SELECT e.business_date, e.value_date, n.number, m.number, """
    + MEMBER_NAME
    + """, b.code, p.code, e.kind, n.currency,
       e.amount, e.principal, e.interest, e.fees + e.penalties, u.full_name
  FROM lending_loanevent e JOIN lending_loan n ON n.id = e.loan_id JOIN lending_loanproduct p ON p.id = n.product_id
  JOIN identity_branch b ON b.id = n.branch_id JOIN members_member m ON m.id = n.member_id
  LEFT JOIN identity_user u ON u.id = e.entered_by_id
 WHERE e.business_date BETWEEN %(since)s AND %(as_of)s AND e.reversed_at IS NULL AND e.kind IN ({kinds}) AND """
    + _REACH
    + """
 ORDER BY e.business_date, n.number, e.sequence
"""
)
_EVENT_COLUMNS = (
    Column("date", "Entered", "date"), Column("value_date", "Value date", "date"), Column("loan", "Loan"),
    Column("member", "Member"), Column("name", "Name"), Column("branch", "Branch"), Column("product", "Product"),
    Column("kind", "Kind", is_code=True), Column("currency", "Currency"), Column("amount", "Amount", "money", True),
    Column("principal", "Principal", "money", True), Column("interest", "Interest", "money", True),
    Column("charges", "Fees and penalties", "money", True), Column("by", "Entered by"),
)  # fmt: skip

DISBURSEMENTS = TableReport(
    "disbursements", "Disbursements", GROUP, "lending.view", "Loans paid out in a period, top-ups among them.",
    _EVENT_COLUMNS, _EVENTS.format(kinds="'disbursement', 'top_up'"), ("since", "as_of"),
    drill=record_of("lending_loan", "loan"),
)  # fmt: skip

COLLECTIONS = TableReport(
    "collections", "Collections", GROUP, "lending.view",
    "Repayments, payoffs and recoveries of a period, with what they paid; reversed ones are left out.",
    _EVENT_COLUMNS, _EVENTS.format(kinds="'repayment', 'payoff', 'recovery'"), ("since", "as_of"),
    drill=record_of("lending_loan", "loan"),
)  # fmt: skip

PROVISIONS = TableReport(
    "provisions", "Provisions by stage", GROUP, "lending.view",
    "Principal owed and the allowance that the books hold for it, by stage (IFRS 9).",
    (Column("stage", "Stage", "count"), Column("currency", "Currency"), Column("loans", "Loans", "count", True),
     Column("principal", "Principal owed", "money", True), Column("provision", "Allowance", "money", True),
     Column("cover", "Cover", "percent")),
    "SELECT s.stage, n.currency, count(*), sum(-w.balance)::bigint, sum(s.provision)::bigint,"
    " round(100 * sum(s.provision) / nullif(sum(-w.balance), 0), 2)" + _OWED
    + " WHERE w.balance < 0 AND " + _REACH + " GROUP BY s.stage, n.currency ORDER BY 2, 1",
)  # fmt: skip

CASELOAD = TableReport(
    "officer-caseload", "Caseload of loan officers", GROUP, "lending.view",
    "Loans by who took the application: how many, principal owed, and how much of it is more than 30 days late.",
    (Column("officer", "Officer"), Column("currency", "Currency"), Column("loans", "Loans", "count", True),
     Column("principal", "Principal owed", "money", True), Column("par30", "PAR 30", "money", True),
     Column("overdue", "Overdue", "money", True)),
    "SELECT coalesce(u.full_name, 'Nobody'), n.currency, count(*), sum(-w.balance)::bigint,"
    " coalesce(sum(-w.balance) FILTER (WHERE s.days_past_due > 30), 0)::bigint,"
    " sum(s.overdue_principal + s.overdue_interest + s.overdue_charges)::bigint" + _OWED
    + " LEFT JOIN lending_loanapplication t ON t.id = n.application_id LEFT JOIN identity_user u ON u.id = t.created_by_id"
    " WHERE w.balance < 0 AND " + _REACH + " GROUP BY u.id, n.currency ORDER BY 4 DESC",
)  # fmt: skip

_BAND = """CASE WHEN {0}.days_past_due IS NULL OR {0}.days_past_due = 0 THEN 'on time' WHEN {0}.days_past_due <= 30
            THEN '1-30' WHEN {0}.days_past_due <= 60 THEN '31-60' WHEN {0}.days_past_due <= 90 THEN '61-90' ELSE '91+' END"""

ROLL = TableReport(
    "roll-rates", "Roll of arrears", GROUP, "lending.view",
    "Where loans that were late at the close on or before the first day stood at the close on or before the last, and "
    "those that became late between: by band of days late. The rate is the share of what was in a band of late loans.",
    (Column("first", "Was", is_code=True), Column("second", "Is", is_code=True), Column("currency", "Currency"),
     Column("loans", "Loans", "count", True), Column("principal", "Principal", "money", True), Column("rate", "Rate", "percent")),
    """
WITH ends AS (
    SELECT max(business_date) FILTER (WHERE business_date <= %(since)s) AS first, max(business_date) AS last
      FROM lending_loanday WHERE business_date <= %(as_of)s
), rolled AS (
    SELECT n.currency, """ + _BAND.format("a") + " AS was, " + _BAND.format("b") + """ AS is_,
           coalesce(a.balance, b.balance) AS principal
      FROM (SELECT d.* FROM lending_loanday d JOIN ends ON d.business_date = ends.first) a
      FULL JOIN (SELECT d.* FROM lending_loanday d JOIN ends ON d.business_date = ends.last) b ON b.loan_id = a.loan_id
      JOIN lending_loan n ON n.id = coalesce(a.loan_id, b.loan_id) WHERE """ + _REACH + """
)
SELECT was, is_, currency, count(*), sum(principal)::bigint,
       CASE WHEN was <> 'on time' THEN
            round(100 * sum(principal) / nullif(sum(sum(principal)) OVER (PARTITION BY was, currency), 0), 2) END
  FROM rolled GROUP BY was, is_, currency ORDER BY currency, was, is_
""",
    ("since", "as_of"),
)  # fmt: skip

REPORTS = (AGEING, PAR, ROLL, DISBURSEMENTS, COLLECTIONS, PROVISIONS, CASELOAD)
