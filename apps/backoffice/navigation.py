"""What every page of the staff site shows around its content: navigation, business date, badge."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from apps.core.record_pages import user_may
from apps.ledger.figures import business_date_or_none

# Group, then items: title, symbol, URL name, permission code.
GROUPS: tuple[tuple[str, tuple[tuple[str, str, str, str], ...]], ...] = (
    (
        "My work",
        (
            ("Dashboard", "dashboard", "index", "backoffice.dashboard"),
            ("Approvals", "inbox", "approvals_inbox", "approvals.request"),
            ("Delegations", "group_add", "approvals_delegations", "approvals.decide"),
        ),
    ),
    (
        "Loans",
        (
            ("My day", "today", "lending_day", "lending.view"),
            ("Loans", "real_estate_agent", "lending_loan_changelist", "lending.view"),
            ("Applications", "assignment", "lending_loanapplication_changelist", "lending.view"),
            ("Credit lines", "credit_card", "lending_creditline_changelist", "lending.view"),
            ("Loan groups", "groups", "lending_loangroup_changelist", "lending.view"),
            ("Portfolio at risk", "monitoring", "lending_portfolio", "lending.view"),
            ("Loan products", "category", "lending_loanproduct_changelist", "lending.view"),
        ),
    ),
    (
        "Counter",
        (
            ("Cash", "point_of_sale", "payments_cash", "payments.till"),
            ("Till", "inventory", "payments_till_page", "payments.view_tills"),
            ("Till sessions", "history", "payments_tillsession_changelist", "payments.view_tills"),
            ("Tills", "countertops", "payments_till_changelist", "payments.view_tills"),
        ),
    ),
    (
        "Customers",
        (
            ("Members", "group", "members_member_changelist", "members.view"),
            ("Accounts", "account_balance_wallet", "accounts_account_changelist", "accounts.view"),
            ("Account statements", "library_books", "accounts_statementbatch_changelist", "accounts.draw_statements"),
        ),
    ),
    (
        "Money",
        (
            ("Journal", "receipt_long", "ledger_journalentry_changelist", "ledger.view"),
            ("Holds", "front_hand", "balances_hold_changelist", "accounts.view"),
            ("Term deposits", "savings", "accounts_termdeposit_changelist", "accounts.view"),
            ("Standing instructions", "event_repeat", "payments_standinginstruction_changelist", "accounts.view"),
            ("Cheques", "request_page", "payments_chequedeposit_changelist", "accounts.view"),
            ("Cheque books", "menu_book", "payments_chequebook_changelist", "accounts.view"),
            ("Authorisations", "credit_score", "payments_authorisation_changelist", "accounts.view"),
            ("Terminals", "atm", "payments_terminal_changelist", "payments.manage_terminals"),
            ("Imports", "upload_file", "payments_importrun_changelist", "payments.import"),
        ),
    ),
    (
        "Books",
        (
            ("Trial balance", "balance", "ledger_trial_balance", "ledger.view"),
            ("Statements", "summarize", "reporting_statement:balance-sheet", "ledger.view"),
            ("Lists", "table_chart", "reporting_tables", "reporting.read"),
            ("Reconciliation breaks", "sync_alt", "reporting_table:reconciliation-breaks", "ledger.view"),
            ("Analytics", "monitoring", "reporting_dashboards", "reporting.analytics"),
            ("Reports", "folder_open", "reporting_reportrun_changelist", "reporting.read"),
            ("Year ends", "event_available", "reporting_years", "reporting.reopen_year"),
            ("Budgets", "savings", "budgets_budget_changelist", "budgets.view"),
            ("Budget rules", "rule", "budgets_rules", "budgets.view"),
            ("Cost centres", "hub", "budgets_costcentre_changelist", "budgets.view"),
            ("Commitments", "handshake", "budgets_commitment_changelist", "budgets.view"),
            ("Budget alerts", "notification_important", "budgets_budgetalert_changelist", "budgets.view"),
            ("Chart of accounts", "account_tree", "ledger_glaccount_changelist", "ledger.view"),
            ("Periods", "calendar_month", "ledger_accountingperiod_changelist", "ledger.view"),
            ("Products", "inventory_2", "accounts_accountproduct_changelist", "products.view"),
            ("Dividends", "pie_chart", "accounts_dividend_changelist", "ledger.view"),
        ),
    ),
    (
        "Compliance",
        (
            ("Unusual activity", "flag", "compliance_flag_changelist", "compliance.view"),
            ("Personal data", "shield_person", "compliance_privacyrequest_changelist", "compliance.view"),
            ("Legal holds", "gavel", "compliance_legalhold_changelist", "compliance.view"),
        ),
    ),
    (
        "Administration",
        (
            ("Users", "person", "identity_user_changelist", "identity.view_users"),
            ("Roles", "badge", "identity_role_changelist", "identity.view_roles"),
            ("Permissions", "key", "permissions", "identity.view_roles"),
            ("Branches", "store", "identity_branch_changelist", "backoffice.dashboard"),
            ("Deliveries", "outgoing_mail", "notifications_delivery_changelist", "notifications.view"),
            ("Held back", "unsubscribe", "notifications_suppression_changelist", "notifications.view"),
            ("Words", "edit_note", "notifications_template_changelist", "notifications.view"),
            ("Approval policies", "rule", "approvals_approvalpolicy_changelist", "approvals.view"),
            ("Approvers", "how_to_reg", "approvals_approver_changelist", "approvals.view"),
            ("Who would approve?", "account_tree", "approvals_simulator", "approvals.view"),
            ("Time of approvals", "timer", "approvals_report", "approvals.view"),
            ("Audit", "policy", "audit_auditevent_changelist", "audit.view"),
            ("Verifications", "verified", "audit_verification_changelist", "audit.view"),
            ("Encryption keys", "key", "vault_datakey_changelist", "vault.view"),
            ("Key rotations", "autorenew", "vault_rotation_changelist", "vault.view"),
        ),
    ),
    (
        "Background",
        (
            ("Jobs", "work_history", "jobs_job_changelist", "jobs.view"),
            ("Failed jobs", "report", "jobs_deadletter_changelist", "jobs.view"),
            ("Schedules", "schedule", "jobs_schedules", "jobs.view"),
            ("Close of business", "nightlight", "jobs_closerun_changelist", "jobs.view"),
            ("Calendars", "event", "jobs_businesscalendar_changelist", "jobs.view"),
            ("Closures", "event_busy", "jobs_closure_changelist", "jobs.view"),
            ("Balance engine", "bolt", "balances_engine", "balances.view_engine"),
        ),
    ),
)


# What a number beside an item counts, by the item's URL name.
BADGES = {"approvals_inbox": "apps.approvals.admin.inbox.badge"}


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups of the navigation that hold anything for this user."""
    groups: list[dict[str, Any]] = []
    for title, entries in GROUPS:
        items = [item for entry in entries if (item := _item(request, *entry))]
        if items:
            groups.append({"title": title, "separator": bool(groups), "items": items})
    return groups


def _item(request: HttpRequest, title: str, icon: str, name: str, code: str) -> dict[str, Any] | None:
    if not user_may(request, code):
        return None
    try:
        view, _, argument = name.partition(":")
        item = {"title": title, "icon": icon, "link": reverse(f"admin:{view}", args=[argument] if argument else None)}
    except NoReverseMatch:
        return None
    count = import_string(BADGES[name])(request) if name in BADGES else ""
    return {**item, "badge": count} if count else item  # an empty one would still be drawn


def site_subheader(request: HttpRequest) -> str:
    """Below the bank's name: the user's branch, or the whole bank."""
    user: Any = request.user
    if not user.is_authenticated:
        return ""
    branch = user.branch if user.branch_id else None
    return branch.name if branch else "Head office"


def environment_badge(request: HttpRequest) -> list[str] | None:
    """What kind of bank this is, unless it is the real one."""
    match settings.NUMINA.get("ENVIRONMENT"):
        case "demo":
            return ["Demo", "warning"]
        case "training":
            return ["Training", "info"]
        case _:
            return None


def page_context(request: HttpRequest) -> dict[str, Any]:
    """What the header of every page shows."""
    if not getattr(request.user, "is_staff", False):
        return {}
    return {"business_date": business_date_or_none()}
