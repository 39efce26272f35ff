"""Accounts and products on the staff site, and what a member's page shows of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from apps.accounts.models import Account, AccountProduct
from apps.accounts.numbers import iban_of, number_of
from apps.accounts.selectors import accounts_of_member, accounts_visible_to
from apps.accounts.services import statement_issue
from apps.accounts.statements.files import MEDIA_TYPES, statement_file
from apps.accounts.statements.pdf_file import PDF_LINES_MAX
from apps.balances.selectors import holds
from apps.core import clock, display
from apps.core.admin import NuminaHistoryAdmin, money_column
from apps.core.errors import DomainError
from apps.core.query_forms import QueryForm
from apps.core.record_pages import Fact, Tab, record_link
from apps.ledger.admin.lines import lines_context
from apps.ledger.figures import business_date_or_none
from apps.members.admin import MemberAdmin
from apps.members.models import Member
from apps.members.search import WordsMatch, query_of

STATUS_CHIPS = {"active": "good", "frozen": "bad", "closed": "plain"}
RECENT_LINES = 5
HOLDS_MAX = 200
MEMBER_ACCOUNTS_MAX = 200


def account_chip(account: Account) -> SafeString:
    """What may be done with the account."""
    return display.chip(account.get_status_display(), STATUS_CHIPS.get(account.status, "warn"))


def with_balances(accounts: QuerySet[Account]) -> QuerySet[Account]:
    """Accounts with everything that a row of a list needs, in one query."""
    return accounts.select_related("product", "member", "branch", "ledger_account__balance")


@admin.register(Account)
class AccountAdmin(NuminaHistoryAdmin):
    """Deposit accounts: balance, transactions, holds, statements."""

    fee_waive_view: ClassVar[Callable[..., HttpResponse]]
    account_close_view: ClassVar[Callable[..., HttpResponse]]

    account_act_view: ClassVar[Callable[..., HttpResponse]]

    view_permission = "accounts.view"
    empty_text = "Accounts are opened for members over the API (POST /api/v1/accounts)."
    notes_reads = True
    list_display = ("number", "holder", "product_name", "branch_name", "state", "booked_money", "available_money")
    list_filter = ("status", "product", "currency", "branch")
    search_fields = ("number",)  # shows the search field; see get_search_results
    search_help_text = "Account number, IBAN, or a member's name"
    ordering = ("-created_at", "-id")
    overview_template = "accounts/account.html"

    booked_money = money_column("Booked", "ledger_account__balance__balance")
    available_money = money_column("Available", "ledger_account__balance__available")
    available_money.admin_order_field = None  # type: ignore[attr-defined]  # a sum that no index serves

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.statement_file_view)
        waive = self.admin_site.admin_view(self.fee_waive_view)
        return [
            path("<path:object_id>/fees/waive/", waive, name="accounts_account_fee_waive"),
            path("<path:object_id>/statement/file/", view, name="accounts_account_statement_file"),
            path(
                "<path:object_id>/act/<slug:act>/",
                self.admin_site.admin_view(self.account_act_view),
                name="accounts_account_act",
            ),
            path(
                "<path:object_id>/close/",
                self.admin_site.admin_view(self.account_close_view),
                name="accounts_account_close",
            ),
            *super().get_urls(),
        ]

    def statement_file_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The file; a period that the service refuses is said on the tab instead."""
        record = self.record_get(request, object_id)
        try:
            return statement_response(request, record)
        except DomainError as error:
            faults = [item["detail"] for item in getattr(error, "errors", [])] or [str(error.detail)]
            context = {**_statement(request, record), "page_faults": faults}
            return self.render_tab(request, record, "statement", "accounts/statement_tab.html", context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        user: Any = request.user
        return with_balances(accounts_visible_to(user))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Account], search_term: str
    ) -> tuple[QuerySet[Account], bool]:
        term = search_term.replace("\x00", "").strip()[:100]
        if not term:
            return queryset, False
        digits = number_of(term)
        if digits.isascii() and digits.isdigit():
            return queryset.filter(number__startswith=digits), False
        query = query_of(term)
        if not query:
            return queryset.none(), False
        members = Member.objects.filter(WordsMatch(query)).values("pk")
        return queryset.filter(Q(member_id__in=members)), False

    @admin.display(description="Member")
    def holder(self, account: Account) -> str:
        return account.member.display_name

    @admin.display(description="Product", ordering="product__name")
    def product_name(self, account: Account) -> str:
        return account.product.name

    @admin.display(description="Branch", ordering="branch__name")
    def branch_name(self, account: Account) -> str:
        return account.branch.name

    @admin.display(description="Status", ordering="status")
    def state(self, account: Account) -> SafeString:
        return account_chip(account)

    def record_title(self, record: Account) -> str:
        return number_spaced(record.number)

    def record_subtitle(self, record: Account) -> str:
        return f"{record.member.display_name} · {record.product.name} · {record.currency}"

    def record_chips(self, record: Account) -> Iterable[SafeString]:
        yield account_chip(record)

    def record_actions(self, request: HttpRequest, record: Account) -> Sequence[dict[str, Any]]:
        url = reverse("admin:accounts_account_statement", args=[record.pk])
        return [{"title": "Statement", "url": url, "icon": "description", "primary": True}]

    def overview_context(self, request: HttpRequest, record: Account) -> dict[str, Any]:
        lines = lines_context(request, account_id=record.ledger_account_id, currency=record.currency, customer=True)
        return {
            "account_balance": record.ledger_account.balance,
            "account_lines": lines["lines_page"].lines[:RECENT_LINES],
        }

    def _people(self, request: HttpRequest, record: Account) -> list[Fact]:
        site = self.admin_site
        people = [Fact("Owner", record_link(request, site, record.member))]
        return people + [
            Fact(other.get_role_display(), record_link(request, site, other.member)) for other in record.holders_now
        ]

    def record_sections(self, request: HttpRequest, record: Account) -> list[tuple[str, list[Fact]]]:
        agreed = display.money_text(record.overdraft_limit, record.currency, with_currency=True)
        facts = [self.fact(request, record, name) for name in ("name", "product", "branch", "opened_on")]
        if iban := iban_of(record.number):
            facts.insert(0, Fact("IBAN", number_spaced(iban)))
        facts.append(Fact("Agreed overdraft", agreed if record.overdraft_limit else "None"))
        if record.status_reason:
            facts.append(Fact("Reason of the status", record.status_reason))
        if record.status_until:
            facts.append(Fact("Blocked until the close of", display.day_text(record.status_until)))
        if record.closed_on:
            facts.append(self.fact(request, record, "closed_on"))
        facts.append(Fact("Ledger account", record_link(request, self.admin_site, record.ledger_account)))
        sections = [("Account", facts), ("Holders", self._people(request, record))]
        if record.fixed_terms_id is not None:
            sections.append(("Term deposit", self._term(request, record)))
        return sections

    def _term(self, request: HttpRequest, record: Account) -> list[Fact]:
        """The running term of a fixed-term account."""
        term = record.term_deposits.filter(status="active").select_related("payout_account").first()
        if term is None:
            return []
        return [
            Fact("Principal", display.money_text(term.principal, record.currency, with_currency=True)),
            Fact("From", display.day_text(term.starts_on)),
            Fact("Due", display.day_text(term.matures_on)),
            Fact("When due", term.get_instruction_display()),
            Fact("Paid to", record_link(request, self.admin_site, term.payout_account)),
        ]


def _transactions(request: HttpRequest, record: Account) -> dict[str, Any]:
    return {
        "account_balance": record.ledger_account.balance,
        **lines_context(request, account_id=record.ledger_account_id, currency=record.currency, customer=True),
    }


def _holds(request: HttpRequest, record: Account) -> dict[str, Any]:
    return {
        "account_balance": record.ledger_account.balance,
        "account_holds": list(holds().filter(account_id=record.ledger_account_id)[:HOLDS_MAX]),
    }


AccountAdmin.tab_add(Tab("transactions", "Transactions", "accounts/transactions.html", _transactions))


def _statement(request: HttpRequest, record: Account) -> dict[str, Any]:
    form = QueryForm(request)
    today = business_date_or_none() or clock.now().date()
    since = form.day("from", "From") or today.replace(day=1)
    until = form.day("to", "To") or today
    return {
        "statement_since": since,
        "statement_until": until,
        "statement_periods": _periods(today),
        "page_faults": form.faults,
    }


def _periods(today: dt.date) -> list[tuple[str, dt.date, dt.date]]:
    """Usual periods of statements: (words, first day, last day)."""
    this_month = today.replace(day=1)
    last_of_previous = this_month - dt.timedelta(days=1)
    quarter = dt.date(today.year, 3 * ((today.month - 1) // 3) + 1, 1)
    return [
        ("This month", this_month, today),
        ("Last month", last_of_previous.replace(day=1), last_of_previous),
        ("This quarter", quarter, today),
        ("This year", dt.date(today.year, 1, 1), today),
    ]


def statement_response(request: HttpRequest, record: Account) -> HttpResponse:
    """A statement as PDF, CSV or XLSX through the same service as the API's: it is recorded and can be verified."""
    form = QueryForm(request)
    kind = form.choice("format", ("pdf", "csv", "xlsx"))
    since, until = form.day("from", "From"), form.day("to", "To")
    if not kind or since is None or until is None:
        raise Http404
    user: Any = request.user
    limits = {"lines_max": PDF_LINES_MAX} if kind == "pdf" else {}
    statement, issue = statement_issue(
        acting_user=user, account=record, starts_on=since, ends_on=until, form=kind, at=clock.now(), **limits
    )
    response = HttpResponse(statement_file(statement, issue, kind), content_type=MEDIA_TYPES[kind])
    response["Content-Disposition"] = f'attachment; filename="statement-{record.number[-4:]}-{since}-{until}.{kind}"'
    return response


AccountAdmin.tab_add(Tab("holds", "Holds", "accounts/holds.html", _holds))
AccountAdmin.tab_add(Tab("statement", "Statement", "accounts/statement_tab.html", _statement))


def number_spaced(number: str) -> str:
    """Digits in fours, as people read them out."""
    return " ".join(number[index : index + 4] for index in range(0, len(number), 4))


@admin.register(AccountProduct)
class AccountProductAdmin(NuminaHistoryAdmin):
    """What the bank offers, on which terms and at which fees."""

    terms_change_view: ClassVar[Callable[..., HttpResponse]]

    view_permission = "products.view"
    list_title = "Products"
    empty_text = (
        "Products are set up over the API (POST /api/v1/account-products); their terms and fees on their pages."
    )
    list_display = ("code", "name", "kind", "currency", "gl_account", "most_overdraft_money", "state")
    list_select_related = ("gl_account", "currency")
    list_filter = ("kind", "is_active")
    search_fields = ("code", "name")
    fields = (
        "code",
        "name",
        "kind",
        "currency",
        "gl_account",
        "number_prefix",
        "most_overdraft_money",
        "limit_money",
        "description",
        "is_active",
    )

    most_overdraft_money = money_column("Largest overdraft", "overdraft_limit_max", "currency_id")
    limit_money = money_column("Most a transaction may take out", "transaction_limit", "currency_id", empty="No limit")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.terms_change_view)
        return [
            path("<path:object_id>/terms/change/", view, name="accounts_accountproduct_terms_change"),
            *super().get_urls(),
        ]

    @admin.display(description="Status", ordering="is_active")
    def state(self, product: AccountProduct) -> SafeString:
        return display.chip("Offered", "good") if product.is_active else display.chip("Withdrawn", "plain")

    def record_chips(self, record: AccountProduct) -> Iterable[SafeString]:
        yield self.state(record)


def _member_accounts(request: HttpRequest, record: Member) -> dict[str, Any]:
    user: Any = request.user
    visible = with_balances(accounts_visible_to(user))
    mine = accounts_of_member(visible, member_id=record.pk)
    accounts = list(mine.order_by("status", "number")[:MEMBER_ACCOUNTS_MAX])
    totals: dict[str, int] = {}
    for account in accounts:
        if account.member_id == record.pk:
            booked = account.ledger_account.balance.balance
            totals[account.currency] = totals.get(account.currency, 0) + booked
    return {"member_accounts": accounts, "member_totals": sorted(totals.items())}


MemberAdmin.tab_add(Tab("accounts", "Accounts", "accounts/member_accounts.html", _member_accounts, "accounts.view"))
MemberAdmin.overview_add(Tab("accounts", "Accounts", "accounts/account_part.html", _member_accounts, "accounts.view"))
