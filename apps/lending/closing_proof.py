"""The proof of a close: what is kept of loans is what their ledger accounts hold, and those are all there is.

Nothing here is put right: a difference stops the close, for people to look at.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.lending.closing_parts import rows_of
from apps.lending.errors import LoanBooksDiffer
from apps.lending.mapping import DEFAULTS

FAULTS_SHOWN = 20

# Of each loan: its schedule and standing, beside its ledger accounts. What is written off is owed no more.
_LOANS = """
SELECT l.number, x.what, x.kept, x.booked
  FROM lending_loan l
  JOIN lending_loanstanding s ON s.loan_id = l.id
  JOIN balances_balance p ON p.account_id = l.principal_account_id
  JOIN balances_balance i ON i.account_id = l.interest_account_id
  JOIN balances_balance c ON c.account_id = l.charges_account_id
  LEFT JOIN (SELECT n.schedule_id, sum(n.principal - n.principal_paid) AS principal, sum(n.interest_paid) AS interest,
                    sum(n.fees_paid + n.penalties_paid) AS charges
               FROM lending_loaninstalment n JOIN lending_loan o ON o.schedule_id = n.schedule_id
              GROUP BY n.schedule_id) r ON r.schedule_id = l.schedule_id
 CROSS JOIN LATERAL (VALUES
    ('principal', coalesce(r.principal, 0), -p.balance),
    ('interest', s.interest_booked - coalesce(r.interest, 0), -i.balance),
    ('charges', s.charges_booked - coalesce(r.charges, 0), -c.balance)) AS x (what, kept, booked)
 WHERE CASE WHEN l.status = 'written_off' THEN 0 ELSE x.kept END <> x.booked
 LIMIT 20
"""
_LINES = """
SELECT c.number, x.what, x.kept, x.booked
  FROM lending_creditline c
  JOIN balances_balance p ON p.account_id = c.principal_account_id
  JOIN balances_balance i ON i.account_id = c.interest_account_id
 CROSS JOIN LATERAL (
    SELECT coalesce(sum(CASE e.kind WHEN 'draw' THEN e.amount ELSE -e.principal END), 0) AS principal,
           coalesce(sum(e.interest), 0) AS interest FROM lending_creditlineevent e WHERE e.line_id = c.id) e
 CROSS JOIN LATERAL (VALUES
    ('principal', e.principal, -p.balance), ('interest', c.interest_booked - e.interest, -i.balance))
    AS x (what, kept, booked)
 WHERE x.kept <> x.booked LIMIT 20
"""
# Nothing else hangs under the control accounts of loans.
_STRANGERS = """
SELECT a.number, 'account that is of no loan', 0, -b.balance
  FROM ledger_ledgeraccount a
  JOIN ledger_glaccount g ON g.id = a.gl_account_id
  JOIN balances_balance b ON b.account_id = a.id
 WHERE g.code = ANY (%(codes)s) AND b.balance <> 0 AND NOT EXISTS (
       SELECT FROM lending_loan l
        WHERE a.id IN (l.principal_account_id, l.interest_account_id, l.charges_account_id))
   AND NOT EXISTS (SELECT FROM lending_creditline c WHERE a.id IN (c.principal_account_id, c.interest_account_id))
 LIMIT 20
"""
# Suspense and allowances a branch and currency: the sum of what loans have.
_HELD = """
WITH kept AS (
    SELECT l.branch_id, l.currency, m.code, sum(m.amount) AS amount
      FROM lending_loan l
      JOIN lending_loanproduct p ON p.id = l.product_id
      JOIN lending_loanstanding s ON s.loan_id = l.id
     CROSS JOIN LATERAL (VALUES
        (coalesce(p.mapping ->> 'suspense', %(suspense)s),
         CASE WHEN l.status = 'written_off' THEN 0 ELSE s.suspended END),
        (CASE s.provision_stage WHEN 1 THEN coalesce(p.mapping ->> 'allowance_1', %(allowance_1)s)
                                WHEN 2 THEN coalesce(p.mapping ->> 'allowance_2', %(allowance_2)s)
                                ELSE coalesce(p.mapping ->> 'allowance_3', %(allowance_3)s) END, s.provision)
        ) AS m (code, amount)
     GROUP BY l.branch_id, l.currency, m.code
     UNION ALL
    SELECT c.branch_id, c.currency, m.code, sum(m.amount)
      FROM lending_creditline c
      JOIN lending_loanproduct p ON p.id = c.product_id
     CROSS JOIN LATERAL (VALUES
        (coalesce(p.mapping ->> 'suspense', %(suspense)s), c.suspended),
        (CASE c.provision_stage WHEN 1 THEN coalesce(p.mapping ->> 'allowance_1', %(allowance_1)s)
                                WHEN 2 THEN coalesce(p.mapping ->> 'allowance_2', %(allowance_2)s)
                                ELSE coalesce(p.mapping ->> 'allowance_3', %(allowance_3)s) END, c.provision)
        ) AS m (code, amount)
     GROUP BY c.branch_id, c.currency, m.code
), summed AS (
    SELECT branch_id, currency, code, sum(amount) AS amount FROM kept GROUP BY branch_id, currency, code
), booked AS (
    SELECT a.branch_id, a.currency_id AS currency, g.code, sum(b.balance) AS amount
      FROM ledger_ledgeraccount a
      JOIN ledger_glaccount g ON g.id = a.gl_account_id
      JOIN balances_balance b ON b.account_id = a.id
     WHERE a.kind = 'internal' AND g.code = ANY (%(held)s)
     GROUP BY a.branch_id, a.currency_id, g.code
)
SELECT b.code, x.code, x.kept, x.booked
  FROM (SELECT branch_id, code, coalesce(k.amount, 0) AS kept, coalesce(o.amount, 0) AS booked
          FROM summed k FULL JOIN booked o USING (branch_id, currency, code)) x
  JOIN identity_branch b ON b.id = x.branch_id
 WHERE x.kept <> x.booked AND x.code = ANY (%(proved)s)
"""
_CODES = "SELECT DISTINCT p.mapping ->> %(role)s FROM lending_loanproduct p WHERE p.mapping ? %(role)s"


def loans_prove(*, business_date: dt.date) -> dict[str, int]:
    """Compare what is kept of loans with the books. Raises LoanBooksDiffer naming the first differences.

    Allowances may be higher or lower by a manual entry: that is a fact of the report (`overlay`, minor units of all
    currencies), no fault. Returns facts: loans, overlay.
    """
    codes = {role: _codes(role) for role in DEFAULTS}
    faults = [f"{number} {what}: {kept} kept, {booked} booked" for number, what, kept, booked in _pairs()]
    controls = sorted({code for role in ("principal", "interest", "charges") for code in codes[role]})
    faults += [
        f"{number}: {what}, {booked} booked" for number, what, _, booked in rows_of(_STRANGERS, {"codes": controls})
    ]
    held: dict[str, Any] = {role: DEFAULTS[role] for role in ("suspense", "allowance_1", "allowance_2", "allowance_3")}
    held["held"] = sorted({code for role in held for code in codes[role]})
    suspense = sorted(codes["suspense"])
    faults += [
        f"suspense {code} of {branch}: {kept} kept, {booked} booked"
        for branch, code, kept, booked in rows_of(_HELD, {**held, "proved": suspense})
    ]
    if faults:
        raise LoanBooksDiffer("; ".join(faults[:FAULTS_SHOWN]))
    allowances = [code for code in held["held"] if code not in suspense]
    overlay = sum(booked - kept for _, _, kept, booked in rows_of(_HELD, {**held, "proved": allowances}))
    loans = rows_of("SELECT count(*) FROM lending_loan WHERE status = 'active'", {})
    return {"loans": loans[0][0], "overlay": int(overlay)}


def _pairs() -> list[tuple[Any, ...]]:
    return [*rows_of(_LOANS, {}), *rows_of(_LINES, {})]


def _codes(role: str) -> set[str]:
    """The codes of the chart that play a role in any product."""
    return {DEFAULTS[role], *(code for (code,) in rows_of(_CODES, {"role": role}))}
