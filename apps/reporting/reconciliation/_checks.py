"""What is compared with the books: each check says which rows a sub-ledger keeps, and what the books have of them.

A check of a *control account* adds up what the sub-ledger keeps under it and is held against the totals of the
journal; a check *of its own* has the books' figure beside each row. Rows are (record, GL account, branch, currency,
kept, booked), credit-positive minor units. A further check, of statements of other banks say, is one more entry of `CHECKS`.
"""

# ruff: noqa: E501, S608 (statements are put together from parts written here; nothing of a user's is in them)

from __future__ import annotations

from dataclasses import dataclass

from apps.lending.mapping import DEFAULTS


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison. `rows` is read for the sums, `detail` for the rows; `scope` finds a control check's GL accounts."""

    code: str
    rows: str
    detail: str = ""
    scope: str = ""

    @property
    def is_control(self) -> bool:
        """Whether the other side is the journal's total of the GL account."""
        return bool(self.scope)


def _chart(code: str) -> str:
    return f"(SELECT id FROM ledger_glaccount WHERE code = '{code}')"


# What the journal says of one ledger account: the balance after its last line.
_BOOKED = """LEFT JOIN LATERAL (SELECT balance_after FROM ledger_line WHERE account_id = {0}
                      ORDER BY journal_id DESC LIMIT 1) last ON TRUE"""

_MEMBERS = """
SELECT c.number, a.gl_account_id, c.branch_id, c.currency, w.balance, {booked}
  FROM accounts_account c JOIN ledger_ledgeraccount a ON a.id = c.ledger_account_id
  JOIN balances_balance w ON w.account_id = a.id {join}
"""
# Accounts under the same control accounts that no record of the sub-ledger points at: the books have them alone.
_STRANGERS = """
UNION ALL
SELECT a.number || ' (of no record)', a.gl_account_id, a.branch_id, a.currency_id, 0, w.balance
  FROM ledger_ledgeraccount a JOIN balances_balance w ON w.account_id = a.id
 WHERE w.balance <> 0 AND a.gl_account_id IN ({scope}) AND NOT EXISTS ({known})
"""
_MEMBER_SCOPE = (
    "SELECT gl_account_id FROM accounts_accountproduct UNION"
    " SELECT id FROM ledger_glaccount WHERE usage = 'control' AND type IN ('liability', 'equity')"
)

MEMBER_ACCOUNTS = Check(
    "member accounts",
    _MEMBERS.format(booked="NULL::bigint", join=""),
    _MEMBERS.format(booked="coalesce(last.balance_after, 0)", join=_BOOKED.format("a.id"))
    + _STRANGERS.format(scope=_MEMBER_SCOPE, known="SELECT FROM accounts_account c WHERE c.ledger_account_id = a.id"),
    _MEMBER_SCOPE,
)


def _loan_scope(*roles: str) -> str:
    """GL accounts that play these roles in any loan product, the usual ones among them."""
    usual = ", ".join(f"'{DEFAULTS[role]}'" for role in roles)
    chosen = " OR ".join(f"g.code = p.mapping ->> '{role}'" for role in roles)
    return (
        f"SELECT g.id FROM ledger_glaccount g WHERE g.code IN ({usual})"
        f" OR EXISTS (SELECT FROM lending_loanproduct p WHERE {chosen})"
    )


_OF_LOANS = """
SELECT x.record, a.gl_account_id, x.branch_id, x.currency, w.balance, {booked}
  FROM (SELECT n.number AS record, n.branch_id, n.currency, v.account_id FROM lending_loan n
         CROSS JOIN LATERAL (VALUES (n.principal_account_id), (n.interest_account_id), (n.charges_account_id))
            AS v (account_id)
         UNION ALL
        SELECT c.number, c.branch_id, c.currency, v.account_id FROM lending_creditline c
         CROSS JOIN LATERAL (VALUES (c.principal_account_id), (c.interest_account_id)) AS v (account_id)) x
  JOIN ledger_ledgeraccount a ON a.id = x.account_id JOIN balances_balance w ON w.account_id = a.id {join}
"""
_LOAN_SCOPE = _loan_scope("principal", "interest", "charges")

LOAN_ACCOUNTS = Check(
    "loan accounts",
    _OF_LOANS.format(booked="NULL::bigint", join=""),
    _OF_LOANS.format(booked="coalesce(last.balance_after, 0)", join=_BOOKED.format("a.id"))
    + _STRANGERS.format(
        scope=_LOAN_SCOPE,
        known="SELECT FROM lending_loan n WHERE a.id IN (n.principal_account_id, n.interest_account_id,"
        " n.charges_account_id) UNION ALL SELECT FROM lending_creditline c WHERE a.id IN (c.principal_account_id,"
        " c.interest_account_id)",
    ),
    _LOAN_SCOPE,
)

# What schedules and standings say is owed, beside the loan's own accounts. What is written off is owed no more.
LOANS = Check(
    "loans",
    """
SELECT n.number, a.gl_account_id, n.branch_id, n.currency,
       CASE WHEN n.status = 'written_off' THEN 0 ELSE -x.kept END, w.balance
  FROM lending_loan n JOIN lending_loanstanding s ON s.loan_id = n.id
  LEFT JOIN (SELECT i.schedule_id, sum(i.principal - i.principal_paid) AS principal, sum(i.interest_paid) AS interest,
                    sum(i.fees_paid + i.penalties_paid) AS charges
               FROM lending_loaninstalment i JOIN lending_loan o ON o.schedule_id = i.schedule_id
              GROUP BY i.schedule_id) r ON r.schedule_id = n.schedule_id
 CROSS JOIN LATERAL (VALUES
    (n.principal_account_id, coalesce(r.principal, 0)),
    (n.interest_account_id, s.interest_booked - coalesce(r.interest, 0)),
    (n.charges_account_id, s.charges_booked - coalesce(r.charges, 0))) AS x (account_id, kept)
  JOIN ledger_ledgeraccount a ON a.id = x.account_id JOIN balances_balance w ON w.account_id = a.id
""",
)

CREDIT_LINES = Check(
    "credit lines",
    """
SELECT c.number, a.gl_account_id, c.branch_id, c.currency, -x.kept, w.balance
  FROM lending_creditline c
 CROSS JOIN LATERAL (
    SELECT coalesce(sum(CASE e.kind WHEN 'draw' THEN e.amount ELSE -e.principal END), 0) AS principal,
           coalesce(sum(e.interest), 0) AS interest FROM lending_creditlineevent e WHERE e.line_id = c.id) e
 CROSS JOIN LATERAL (VALUES (c.principal_account_id, e.principal), (c.interest_account_id, c.interest_booked - e.interest))
    AS x (account_id, kept)
  JOIN ledger_ledgeraccount a ON a.id = x.account_id JOIN balances_balance w ON w.account_id = a.id
""",
)

_ALLOWANCE = (
    f"coalesce(p.mapping ->> ('allowance_' || {{0}}), CASE {{0}} WHEN 1 THEN '{DEFAULTS['allowance_1']}'"
    f" WHEN 2 THEN '{DEFAULTS['allowance_2']}' ELSE '{DEFAULTS['allowance_3']}' END)"
)
_SUSPENSE = f"coalesce(p.mapping ->> 'suspense', '{DEFAULTS['suspense']}')"
_PROVIDED = (
    f"""
SELECT n.number, g.id, n.branch_id, n.currency, v.kept, NULL::bigint
  FROM lending_loan n JOIN lending_loanproduct p ON p.id = n.product_id JOIN lending_loanstanding s ON s.loan_id = n.id
 CROSS JOIN LATERAL (VALUES
    ({_SUSPENSE},
     CASE WHEN n.status = 'written_off' THEN 0 ELSE s.suspended END),
    ("""
    + _ALLOWANCE.format("coalesce(s.provision_stage, 3)")
    + """, s.provision)) AS v (code, kept)
  JOIN ledger_glaccount g ON g.code = v.code WHERE v.kept <> 0
 UNION ALL
SELECT c.number, g.id, c.branch_id, c.currency, v.kept, NULL::bigint
  FROM lending_creditline c JOIN lending_loanproduct p ON p.id = c.product_id
 CROSS JOIN LATERAL (VALUES
    ("""
    + _SUSPENSE
    + """, c.suspended), ("""
    + _ALLOWANCE.format("coalesce(c.provision_stage, 3)")
    + """, c.provision)) AS v (code, kept)
  JOIN ledger_glaccount g ON g.code = v.code WHERE v.kept <> 0
"""
)

PROVISIONS = Check("provisions", _PROVIDED, scope=_loan_scope("suspense", "allowance_1", "allowance_2", "allowance_3"))

# Accrued by the books of interest, less what was paid out of it or charged.
_ACCRUED = f"""
SELECT p.code, CASE t.side WHEN 'earned' THEN coalesce(p.interest_payable_id, {_chart("2210")})
                           ELSE coalesce(p.overdraft_receivable_id, {_chart("1445")}) END,
       t.branch_id, p.currency_id,
       CASE t.side WHEN 'earned' THEN t.booked - coalesce(d.credit, 0) ELSE coalesce(d.debit, 0) - t.booked END,
       NULL::bigint
  FROM accounts_interest_total t JOIN accounts_accountproduct p ON p.id = t.product_id
  LEFT JOIN (SELECT c.product_id, c.branch_id, sum(i.credit) AS credit, sum(i.debit) AS debit
               FROM accounts_interest_posting i JOIN accounts_account c ON c.id = i.account_id
              WHERE i.status = 'posted' GROUP BY c.product_id, c.branch_id) d
    ON d.product_id = t.product_id AND d.branch_id = t.branch_id
"""
INTEREST = Check(
    "interest accrued",
    _ACCRUED,
    scope=f"SELECT coalesce(interest_payable_id, {_chart('2210')}) FROM accounts_accountproduct"
    f" UNION SELECT coalesce(overdraft_receivable_id, {_chart('1445')}) FROM accounts_accountproduct",
)

# Cheques of other banks that are neither cleared nor returned, beside what their own entries left on the account of
# clearing. What else goes through it, the bank's own cheques that others present, is among the open items.
CHEQUES = Check(
    "cheques in clearing",
    f"""
SELECT q.drawer_bank || ' ' || q.number, g.id, c.branch_id, q.currency,
       CASE q.status WHEN 'clearing' THEN -q.amount ELSE 0 END, coalesce(l.amount, 0)::bigint
  FROM payments_chequedeposit q JOIN accounts_account c ON c.id = q.account_id
  JOIN ledger_glaccount g ON g.id = {_chart("1260")}
  LEFT JOIN LATERAL (SELECT sum(CASE e.side WHEN 'C' THEN e.amount ELSE -e.amount END) AS amount
                       FROM balances_transaction_key k JOIN ledger_line e ON e.journal_id = k.journal_id
                       JOIN ledger_ledgeraccount a ON a.id = e.account_id
                      WHERE k.transaction_id IN (q.transaction_id, q.settlement_id) AND a.gl_account_id = g.id) l ON TRUE
""",
)

# What was counted at the end of the last session, or what a session that runs began with and moved.
TILLS = Check(
    "tills",
    """
SELECT t.name, a.gl_account_id, t.branch_id, t.currency,
       -coalesce(CASE s.status WHEN 'closed' THEN s.counted ELSE s.opening_books + coalesce(v.moved, 0) END, 0), w.balance
  FROM payments_till t JOIN ledger_ledgeraccount a ON a.id = t.ledger_account_id
  JOIN balances_balance w ON w.account_id = a.id
  LEFT JOIN LATERAL (SELECT * FROM payments_tillsession o WHERE o.till_id = t.id ORDER BY o.opened_at DESC LIMIT 1) s
    ON TRUE
  LEFT JOIN LATERAL (SELECT sum(amount) AS moved FROM payments_tillmovement WHERE session_id = s.id) v ON TRUE
""",
)

# Cash between vaults and tills as it was confirmed, beside the lines of the vault in the entries that moved it.
VAULTS = Check(
    "vault transfers",
    f"""
SELECT t.name, g.id, t.branch_id, t.currency,
       sum(CASE v.direction WHEN 'to_till' THEN v.amount ELSE -v.amount END)::bigint, coalesce(sum(l.amount), 0)::bigint
  FROM payments_vaulttransfer v JOIN payments_tillsession s ON s.id = v.session_id JOIN payments_till t ON t.id = s.till_id
  JOIN ledger_glaccount g ON g.id = {_chart("1110")}
  LEFT JOIN balances_transaction_key k ON k.transaction_id = v.transaction_id
  LEFT JOIN LATERAL (SELECT sum(CASE e.side WHEN 'C' THEN e.amount ELSE -e.amount END) AS amount
                       FROM ledger_line e JOIN ledger_ledgeraccount a ON a.id = e.account_id
                      WHERE e.journal_id = k.journal_id AND a.gl_account_id = g.id) l ON TRUE
 WHERE v.status = 'done' GROUP BY t.name, g.id, t.branch_id, t.currency
""",
)

HOLDS = Check(
    "holds",
    """
SELECT a.number, a.gl_account_id, a.branch_id, a.currency_id, coalesce(h.amount, 0), w.held
  FROM balances_balance w JOIN ledger_ledgeraccount a ON a.id = w.account_id
  LEFT JOIN (SELECT account_id, sum(amount)::bigint AS amount FROM balances_hold WHERE status = 'active'
              GROUP BY account_id) h ON h.account_id = w.account_id
 WHERE w.held <> 0 OR h.amount IS NOT NULL
""",
)

# What branches owe each other is nothing for the bank as a whole; only who reads all branches sees it.
INTER_BRANCH = Check(
    "inter-branch",
    f"""
SELECT 'All branches', b.gl_account_id, NULL::uuid, b.currency, 0, sum(b.amount)::bigint
  FROM booked b WHERE b.gl_account_id = {_chart("1910")} GROUP BY b.gl_account_id, b.currency
""",
    f"""
SELECT 'Branch', b.gl_account_id, b.branch_id, b.currency, 0, b.amount::bigint
  FROM booked b WHERE b.gl_account_id = {_chart("1910")}
""",
)

CHECKS = (
    MEMBER_ACCOUNTS, LOAN_ACCOUNTS, LOANS, CREDIT_LINES, PROVISIONS, INTEREST, CHEQUES, TILLS, VAULTS, HOLDS,
    INTER_BRANCH,
)  # fmt: skip
