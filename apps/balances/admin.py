"""Ledger accounts with their balances, and holds, on the staff site. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.balances.models import Balance, Hold
from apps.core import clock, display
from apps.core.admin import NuminaAdmin, branch_scope, money_column
from apps.core.query_forms import QueryForm
from apps.core.record_pages import Tab
from apps.core.trail import read_announce
from apps.identity.selectors import branches_visible_to
from apps.ledger.admin.chart import GLAccountAdmin
from apps.ledger.admin.lines import lines_context
from apps.ledger.models import GLAccount, LedgerAccount

ACCOUNTS_PAGE = 50
BALANCE_CHIPS = {"O": "good", "X": "plain"}
HOLD_CHIPS = {"active": "info", "captured": "good", "released": "plain", "expired": "warn"}


@admin.register(LedgerAccount)
class LedgerAccountAdmin(NuminaAdmin):
    """Every account that is posted to, members' and the bank's own."""

    view_permission = "ledger.view"
    branch_field = "branch_id"
    list_display = ("number", "name", "gl_account", "branch", "kind", "booked_money")
    list_select_related = ("gl_account", "branch", "balance")
    list_filter = ("kind", "branch")
    search_fields = ("number__startswith",)
    ordering = ("-id",)
    overview_template = "balances/ledger_account.html"
    fields = ("number", "name", "gl_account", "branch", "currency", "kind", "stripe", "opened_at", "public_id")

    booked_money = money_column("Balance", "balance__balance", "currency_id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerAccount]:
        return super().get_queryset(request).select_related("gl_account", "branch", "balance")

    def record_subtitle(self, record: LedgerAccount) -> str:
        return f"Ledger account · {record.get_kind_display()}"

    def record_chips(self, record: LedgerAccount) -> Iterable[SafeString]:
        balance: Balance = record.balance
        yield display.chip(balance.get_status_display(), BALANCE_CHIPS.get(balance.status, "bad"))

    def record_actions(self, request: HttpRequest, record: LedgerAccount) -> list[dict[str, Any]]:
        account = getattr(record, "deposit_account", None)  # of an app above this one
        if account is None:
            return []
        url = reverse("admin:accounts_account_change", args=[account.pk])
        return [{"title": "Member's account", "url": url, "icon": "account_balance_wallet"}]

    def overview_context(self, request: HttpRequest, record: LedgerAccount) -> dict[str, Any]:
        return {"ledger_balance": record.balance}

    def render_tab(self, request: HttpRequest, record: LedgerAccount, *args: Any) -> TemplateResponse:
        """As of every record; a member's account seen from the books is seen, too, and the access log notes it."""
        if record.kind == LedgerAccount.Kind.CUSTOMER:
            read_announce(
                acting_user=request.user, object_type="ledger.ledgeraccount", object_id=str(record.pk),
                object_label=record.number,
            )  # fmt: skip
        return super().render_tab(request, record, *args)


def _lines(request: HttpRequest, record: Any) -> dict[str, Any]:
    return lines_context(
        request, account_id=record.pk, currency=record.currency_id, customer=record.kind == LedgerAccount.Kind.CUSTOMER
    )


LedgerAccountAdmin.tab_add(Tab("lines", "Lines", "ledger/lines_tab.html", _lines))


def _accounts_of_node(request: HttpRequest, record: GLAccount) -> dict[str, Any]:
    form = QueryForm(request)
    accounts = branch_scope(request, LedgerAccount.objects.filter(gl_account=record), "branch_id")
    branch, currency, number = form.text("branch"), form.text("currency"), form.text("q")
    if branch:
        accounts = accounts.filter(branch__code=branch)
    if currency:
        accounts = accounts.filter(currency_id=currency)
    if number:
        accounts = accounts.filter(number__startswith=number)
    after = form.text("after")
    page = accounts.filter(pk__gt=int(after)) if after.isascii() and after.isdigit() and len(after) <= 18 else accounts
    rows = list(page.select_related("branch", "balance").order_by("pk")[: ACCOUNTS_PAGE + 1])
    more = len(rows) > ACCOUNTS_PAGE
    rows = rows[:ACCOUNTS_PAGE]
    user: Any = request.user
    return {
        "node_accounts": rows,
        "node_debit_side": record.normal_side == "D",
        "node_next": rows[-1].pk if more else None,
        "node_branches": branches_visible_to(user).order_by("code"),
        "node_query": {"branch": branch, "currency": currency, "q": number},
        "page_faults": form.faults,
    }


GLAccountAdmin.tab_add(Tab("accounts", "Ledger accounts", "balances/node_accounts.html", _accounts_of_node))


@admin.register(Hold)
class HoldAdmin(NuminaAdmin):
    """Money set aside. Placing, capturing and releasing are done through the API."""

    view_permission = "accounts.view"
    empty_text = "Money is held over the API, by an authorisation at a terminal, or for a guarantor of a loan."
    branch_field = "account__branch_id"
    list_display = ("placed", "account_link", "reason", "hold_money", "captured_money", "state", "expires")
    list_select_related = ("account__deposit_account",)
    list_filter = ("status",)
    search_fields = ("account__number__startswith",)
    ordering = ("-placed_at",)
    fields = (
        "account_link",
        "hold_money",
        "captured_money",
        "status",
        "reason",
        "placed_at",
        "expires_at",
        "ended_at",
        "transaction_id",
    )

    hold_money = money_column("Amount", "amount")
    captured_money = money_column("Captured", "captured")

    @admin.display(description="Placed", ordering="placed_at")
    def placed(self, hold: Hold) -> str:
        return display.moment_text(hold.placed_at).removesuffix(" UTC")

    @admin.display(description="Expires", ordering="expires_at")
    def expires(self, hold: Hold) -> str:
        if hold.expires_at is None:
            return "Never"
        return display.moment_text(hold.expires_at).removesuffix(" UTC")

    @admin.display(description="Account")
    def account_link(self, hold: Hold) -> SafeString:
        deposit = getattr(hold.account, "deposit_account", None)  # of an app above this one
        if deposit is not None:
            url = reverse("admin:accounts_account_holds", args=[deposit.pk])
        else:
            url = reverse("admin:ledger_ledgeraccount_change", args=[hold.account_id])
        return format_html('<a class="nm-link" href="{}">{}</a>', url, hold.account.number)

    @admin.display(description="Status", ordering="status")
    def state(self, hold: Hold) -> SafeString:
        late = hold.status == "active" and hold.expires_at is not None and hold.expires_at <= clock.now()
        if late:
            return display.chip("Due to expire", "warn")
        return display.chip(hold.get_status_display(), HOLD_CHIPS[hold.status])

    def record_title(self, record: Hold) -> str:
        return f"Hold of {display.money_text(record.amount, record.currency, with_currency=True)}"

    def record_chips(self, record: Hold) -> Iterable[SafeString]:
        yield self.state(record)
