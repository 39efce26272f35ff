"""The registry of permission codes: the only place where a code is born.

A code reads `<app>.<action>`. Views, admins and services name codes as strings; a test scans the source and fails
on a code that is not listed here.
"""

from __future__ import annotations

from collections.abc import Iterable

PERMISSIONS: dict[str, str] = {
    "members.view": "See members",
    "members.create": "Register members",
    "members.update": "Change members",
    "accounts.view": "See accounts, balances and statements",
    "accounts.open": "Open accounts",
    "accounts.update": "Change an account's settings",
    "accounts.freeze": "Freeze and unfreeze accounts",
    "accounts.close": "Close accounts",
    "products.view": "See account products",
    "products.manage": "Create and change account products",
    "payments.transfer": "Transfer money between accounts",
    "payments.deposit": "Take deposits",
    "payments.withdraw": "Pay out withdrawals",
    "payments.reverse": "Reverse a payment",
    "payments.batch": "Post batches of transfers",
    "payments.import": "Import transactions from files",
    "payments.hold": "Place, capture and release holds",
    "payments.view_tills": "See tills, sessions of tellers and their reports",
    "payments.till": "Work at a till: open it, count it, ask for cash of the vault",
    "payments.supervise_tills": "Confirm differences of tills and cash of the vault",
    "payments.instruct": "Set up, change, pause and cancel standing instructions",
    "payments.run_instructions": "Have all standing instructions that are due carried out",
    "payments.manage_tills": "Set up tills and their limits",
    "ledger.view": "See the chart of accounts, the journal and the trial balance",
    "ledger.post": "Post manual journal entries",
    "ledger.manage_periods": "Open and close accounting periods",
    "ledger.manage_chart": "Change the chart of accounts",
    "identity.view_users": "See users",
    "identity.manage_users": "Create users, change their roles, deactivate them",
    "identity.view_roles": "See roles and what they allow",
    "identity.manage_roles": "Change roles, and the limits that hang on them",
    "identity.manage_api_keys": "Make and revoke keys of machines",
    "identity.manage_rate_limits": "Change how much of the API may be used",
    "audit.view": "See the audit trail",
    "audit.export": "Export the audit trail as a file",
    "audit.verify": "Have the audit trail verified",
    "members.reveal": "See identity numbers and the like in full; each look is recorded",
    "vault.view": "See the age of encryption keys and how far a rotation is",
    "vault.rotate": "Rotate encryption keys",
    "compliance.view": "See flags of unusual activity and requests about personal data",
    "compliance.clear": "Clear flags of unusual activity",
    "compliance.decide": "Decide requests about personal data, place and lift legal holds",
    "compliance.request": "Ask for one's own data, or for its erasure",
    "notifications.view": "See what was sent to whom, and what became of it",
    "notifications.manage": "Change the bank's words in messages, send failed messages again",
    "approvals.request": "Ask for approval, and follow the requests that concern oneself",
    "approvals.view": "See requests for approval of others, their trail and the report",
    "approvals.decide": "Decide on requests for approval that ask one's role, branch or committee",
    "approvals.administer": "Hand on, withdraw and retry requests of others, name approvers and their limits",
    "approvals.manage_policies": "Write and activate approval policies",
    "jobs.view": "See background jobs, failed ones, schedules and closes of business",
    "jobs.manage": "Cancel jobs of others, decide on failed jobs, keep business calendars",
    "jobs.close": "Close business dates",
    "calculations.use": "Use the calculation engine: day counts, interest, schedules, quotes",
    "reporting.schedule": "Have reports drawn up by themselves, and end that",
    "reporting.reopen_year": "Open a closed year again",
    "reporting.layouts": "Change layouts of statements and rates of their translation",
    "reporting.define": "Define reports of one's own and share them",
    "reporting.analytics": "See dashboards and analytics",
    "budgets.view": "See budgets, what was spent of them, and alerts",
    "budgets.manage": "Write budgets and commitments; changes may need approval",
    "balances.view_engine": "See how the balance engine does",
    "balances.operate": "Switch the balance engine, have it checked and healed",
    "backoffice.dashboard": "See the staff dashboard",
}

# What django.contrib.admin asks for ("identity.view_user"), in our codes. Anything else an admin page may ask for is
# answered by the registry itself or, for third-party models, by is_superuser alone.
ADMIN_PERMISSIONS: dict[str, str] = {
    "identity.view_user": "identity.view_users",
    "identity.view_historicaluser": "identity.view_users",
    "identity.view_userrole": "identity.view_users",
    "identity.view_session": "identity.view_users",
    "identity.view_apikey": "identity.manage_api_keys",
    "identity.view_ratelimit": "identity.view_roles",
    "identity.view_amountlimit": "identity.view_roles",
    "identity.view_role": "identity.view_roles",
    "identity.view_historicalrole": "identity.view_roles",
    "identity.view_branch": "backoffice.dashboard",
    "identity.view_historicalbranch": "backoffice.dashboard",
    "audit.view_auditevent": "audit.view",
    "audit.view_verification": "audit.view",
    "audit.view_anchor": "audit.view",
    "audit.view_archive": "audit.view",
    "vault.view_datakey": "vault.view",
    "vault.view_rotation": "vault.view",
    "compliance.view_flag": "compliance.view",
    "compliance.view_privacyrequest": "compliance.view",
    "compliance.view_legalhold": "compliance.view",
    "approvals.view_approvalrequest": "approvals.view",
    "approvals.view_approvalpolicy": "approvals.view",
    "notifications.view_delivery": "notifications.view",
    "notifications.view_suppression": "notifications.view",
    "notifications.view_template": "notifications.view",
}


def permissions_unknown(codes: Iterable[str]) -> list[str]:
    """The codes that are not in the registry, sorted."""
    return sorted(set(codes) - PERMISSIONS.keys())
