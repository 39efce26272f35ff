"""Lists for control and audit: entries by hand, reversals, roles that should not meet, what people did."""

# ruff: noqa: S608 (statements are put together from parts written here; nothing of a user's is in them)

from __future__ import annotations

from apps.identity.permissions import PERMISSIONS
from apps.reporting.tables._bank import ENTRY, record_of
from apps.reporting.tables._model import Column, TableReport

GROUP = "Control"
_LEDGER = "(%(branches)s::uuid[] IS NULL OR a.branch_id = ANY (%(branches)s::uuid[]))"

_ENTRIES = (
    """
SELECT j.business_date, j.booked_at, j.id, j.kind, coalesce(nullif(u.full_name, ''), u.email, 'System'),
       coalesce(u.email, ''), j.description, j.reference, l.currency, sum(l.amount)::bigint
  FROM ledger_journal j JOIN ledger_line l ON l.journal_id = j.id AND l.side = 'D'
  JOIN ledger_ledgeraccount a ON a.id = l.account_id LEFT JOIN identity_user u ON u.id = j.actor
 WHERE j.business_date BETWEEN %(since)s AND %(as_of)s AND j.outcome = 'OK' AND {wanted}
   AND (%(currency)s = '' OR l.currency = %(currency)s) AND (%(who)s = '' OR u.email = %(who)s) AND """
    + _LEDGER
    + """
 GROUP BY j.id, u.id, l.currency ORDER BY j.id
"""
)
_ENTRY_COLUMNS = (
    Column("date", "Business date", "date"), Column("booked", "Booked", "moment"), Column("entry", "Entry", "count"),
    Column("kind", "Kind", is_code=True), Column("by", "By"), Column("email", "E-mail"),
    Column("description", "Description"), Column("reference", "Reference"), Column("currency", "Currency"),
    Column("amount", "Amount", "money", True),
)  # fmt: skip

MANUAL = TableReport(
    "manual-entries", "Entries by hand", GROUP, "ledger.view",
    "Manual entries and the entries that close years, of a period, with who posted them.",
    _ENTRY_COLUMNS, _ENTRIES.format(wanted="j.kind IN ('manual', 'year_close')"), ("since", "as_of", "who"),
    drill=ENTRY,
)  # fmt: skip

REVERSALS = TableReport(
    "reversals", "Reversals", GROUP, "ledger.view", "Entries of a period that undo another one, with who posted them.",
    _ENTRY_COLUMNS, _ENTRIES.format(wanted="j.reverses_id IS NOT NULL"), ("since", "as_of", "who"),
    drill=ENTRY,
)  # fmt: skip

BACKDATED = TableReport(
    "backdated-entries", "Entries into earlier days", GROUP, "ledger.view",
    "Entries whose business date lies before the day in which they were booked, of a period.",
    _ENTRY_COLUMNS, _ENTRIES.format(wanted="j.business_date < (j.booked_at AT TIME ZONE %(zone)s)::date"),
    ("since", "as_of", "who"),
    drill=ENTRY,
)  # fmt: skip

REFUSED = TableReport(
    "refused-transactions", "Refused transactions", GROUP, "audit.view",
    "Transactions of a period that the books refused, by outcome and kind.",
    (Column("date", "Date", "date"), Column("outcome", "Outcome", is_code=True), Column("kind", "Kind", is_code=True),
     Column("channel", "Channel", is_code=True), Column("count", "Refused", "count", True)),
    """
SELECT business_date, outcome, kind, channel, count(*) FROM ledger_journal
 WHERE business_date BETWEEN %(since)s AND %(as_of)s AND outcome <> 'OK' AND %(branches)s::uuid[] IS NULL
 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
""",
    ("since", "as_of"),
)  # fmt: skip

DUTIES = TableReport(
    "segregation-of-duties", "Duties that should be apart", GROUP, "audit.view",
    "Active users whose roles together allow both sides of a check: to ask and to decide, to make users and to move "
    "money, to open a year and to post into it.",
    (Column("user", "User"), Column("email", "E-mail"), Column("first", "May", words=PERMISSIONS),
     Column("second", "And also", words=PERMISSIONS), Column("roles", "By roles")),
    """
WITH held AS (
    SELECT u.id, u.full_name, u.email, p.code, array_agg(DISTINCT r.name) AS roles
      FROM identity_user u JOIN identity_userrole g ON g.user_id = u.id JOIN identity_role r ON r.id = g.role_id
      CROSS JOIN unnest(r.permissions) AS p (code)
     WHERE u.is_active AND (%(branches)s::uuid[] IS NULL OR u.branch_id = ANY (%(branches)s::uuid[]))
       AND (%(who)s = '' OR u.email = %(who)s)
     GROUP BY u.id, p.code
), apart (first, second) AS (VALUES
    ('ledger.post', 'approvals.decide'), ('identity.manage_users', 'payments.transfer'),
    ('identity.manage_roles', 'ledger.post'), ('reporting.reopen_year', 'ledger.post'),
    ('payments.withdraw', 'payments.reverse'), ('products.manage', 'payments.deposit'),
    ('approvals.manage_policies', 'approvals.decide'))
SELECT x.full_name, x.email, x.code, y.code,
       (SELECT string_agg(DISTINCT one, ', ') FROM unnest(x.roles || y.roles) AS one)
  FROM apart t JOIN held x ON x.code = t.first JOIN held y ON y.code = t.second AND y.id = x.id
 ORDER BY x.email, 3, 4
""",
    ("who",),
    drill=record_of("identity_user", "email"),
)  # fmt: skip

USERS = TableReport(
    "user-review", "Review of users", GROUP, "identity.view_users",
    "Active users of the staff with roles, last sign-in and whether a second factor is on: for the yearly review.",
    (Column("user", "User"), Column("email", "E-mail"), Column("branch", "Branch"), Column("roles", "Roles"),
     Column("last", "Last signed in", "moment"), Column("factor", "Second factor"),
     Column("password", "Password changed", "moment")),
    """
SELECT u.full_name, u.email, coalesce(b.code, ''), coalesce(string_agg(r.name, ', ' ORDER BY r.name), ''), u.last_login,
       CASE WHEN u.mfa_enabled_at IS NULL THEN 'Off' ELSE 'On' END, u.password_changed_at
  FROM identity_user u LEFT JOIN identity_branch b ON b.id = u.branch_id
  LEFT JOIN identity_userrole g ON g.user_id = u.id LEFT JOIN identity_role r ON r.id = g.role_id
 WHERE u.is_active AND u.is_staff AND (%(branches)s::uuid[] IS NULL OR u.branch_id = ANY (%(branches)s::uuid[]))
 GROUP BY u.id, b.code ORDER BY u.last_login NULLS FIRST, u.email
""",
    drill=record_of("identity_user", "email"),
)  # fmt: skip

AUDIT = TableReport(
    "audit-report", "Audit report", GROUP, "audit.view",
    "What people did in a period, events of the trail and posted entries in one list; by date, user (e-mail) and type: "
    "a kind of transaction such as transfer, or the beginning of an action such as members.member.",
    (Column("at", "At", "moment"), Column("source", "From", is_code=True), Column("by", "By"),
     Column("email", "E-mail"), Column("type", "Type"), Column("object", "About"), Column("currency", "Currency"),
     Column("amount", "Amount", "money")),
    """
SELECT * FROM (
    SELECT e.at, 'trail',
           coalesce(nullif(u.full_name, ''), u.email, nullif(nullif(e.actor_label, ''), 'system'), 'System'),
           coalesce(u.email, ''), e.action, e.object_label, '', NULL::bigint
      FROM audit_auditevent e LEFT JOIN identity_user u ON u.id = e.actor_id
     WHERE e.at >= %(since)s::timestamp AT TIME ZONE %(zone)s
       AND e.at < (%(as_of)s::date + 1)::timestamp AT TIME ZONE %(zone)s AND %(branches)s::uuid[] IS NULL
       AND (%(who)s = '' OR u.email = %(who)s) AND (%(kind)s = '' OR starts_with(e.action, %(kind)s))
    UNION ALL
    SELECT j.booked_at, 'journal', coalesce(nullif(u.full_name, ''), u.email, 'System'), coalesce(u.email, ''), j.kind,
           j.id::text || ' ' || j.description, l.currency, sum(l.amount)::bigint
      FROM ledger_journal j JOIN ledger_line l ON l.journal_id = j.id AND l.side = 'D'
      JOIN ledger_ledgeraccount a ON a.id = l.account_id LEFT JOIN identity_user u ON u.id = j.actor
     WHERE j.booked_at >= %(since)s::timestamp AT TIME ZONE %(zone)s
       AND j.booked_at < (%(as_of)s::date + 1)::timestamp AT TIME ZONE %(zone)s AND j.outcome = 'OK'
       AND (%(who)s = '' OR u.email = %(who)s) AND (%(kind)s = '' OR j.kind = %(kind)s) AND """ + _LEDGER + """
     GROUP BY j.id, u.id, l.currency
) AS both_ (at, source, by, email, type, object, currency, amount) ORDER BY at
""",
    ("since", "as_of", "who", "kind"),
)  # fmt: skip

REPORTS = (MANUAL, REVERSALS, BACKDATED, REFUSED, DUTIES, USERS, AUDIT)
