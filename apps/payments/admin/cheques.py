"""Cheques and terminals on the staff site; a tab of each account."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from apps.core import clock, display
from apps.core.admin import NuminaAdmin, money_column
from apps.core.errors import DomainError, InvalidRequest
from apps.core.record_pages import user_may
from apps.identity.guards import amount_check
from apps.payments import services
from apps.payments.admin.forms import text_read, version_read
from apps.payments.models import Authorisation, ChequeBook, ChequeDeposit, Terminal
from apps.payments.selectors import authorisations_visible_to, cheque_books_visible_to, cheque_deposits_visible_to
from apps.vault.crypto import masked

CHIPS = {"clearing": "info", "cleared": "good", "returned": "bad"}
LEAF_CHIPS = {"unused": "plain", "paid": "good", "stopped": "bad"}
HOLD_CHIPS = {"active": "info", "captured": "good", "released": "plain", "expired": "warn"}
RETURN = "payments.return_cheques"
LEAVES_SHOWN = 200


@admin.register(ChequeDeposit)
class ChequeDepositAdmin(NuminaAdmin):
    """Cheques of other banks. They are paid in on an account's tab."""

    view_permission = "accounts.view"
    list_title = "Cheques"
    empty_text = "A cheque is paid in on the account's tab Cheques."
    subtitle = "Cheque paid in"
    list_display = ("number", "drawer_bank", "account", "amount_money", "state", "deposited_on", "clears_on")
    list_filter = ("status", "clears_on")
    search_fields = ("number", "account__number")
    overview_template = "payments/cheque.html"
    fields = ("number", "drawer_bank", "drawer_masked", "drawer_name", "account", "amount_money", "deposited_on",
              "clears_on", "return_reason", "fee_money", "unpaid_money")  # fmt: skip

    amount_money = money_column("Amount", "amount")
    fee_money = money_column("Fee taken", "fee")
    unpaid_money = money_column("Fee still due", "fee_unpaid")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChequeDeposit]:
        user: Any = request.user
        return cheque_deposits_visible_to(user)

    @admin.display(description="Drawer account")
    def drawer_masked(self, cheque: ChequeDeposit) -> str:
        return masked(cheque.drawer_account)

    @admin.display(description="Status", ordering="status")
    def state(self, cheque: ChequeDeposit) -> SafeString:
        return display.chip(cheque.get_status_display(), CHIPS[cheque.status])

    def record_title(self, record: ChequeDeposit) -> str:
        return f"Cheque {record.number} of {record.drawer_bank}"

    def record_chips(self, record: ChequeDeposit) -> Iterable[SafeString]:
        yield self.state(record)

    def overview_context(self, request: HttpRequest, record: ChequeDeposit) -> dict[str, Any]:
        return {"cheque_may_return": record.status == "clearing" and user_may(request, RETURN)}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.return_view)
        return [path("<uuid:object_id>/return/", view, name="payments_chequedeposit_return"), *super().get_urls()]

    def return_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Take a cheque back that bounced."""
        record: ChequeDeposit = self.record_get(request, str(object_id))
        if request.method != "POST" or not user_may(request, RETURN):
            raise PermissionDenied
        user: Any = request.user
        try:
            reason = text_read(request, "reason", max_length=200)
            if not reason:
                raise InvalidRequest("Say why.")
            amount_check(user, RETURN, record.amount, record.currency, at=clock.now())
            services.cheque_return(
                acting_user=user,
                cheque_id=record.pk,
                expected_version=version_read(request),
                reason=reason,
                at=clock.now(),
            )
            self.message_user(request, "Returned: the deposit is taken back.", messages.SUCCESS)
        except DomainError as error:
            self.message_user(request, str(error.detail or error.title), messages.ERROR)
        return HttpResponseRedirect(reverse("admin:payments_chequedeposit_change", args=[record.pk]))


@admin.register(ChequeBook)
class ChequeBookAdmin(NuminaAdmin):
    """Books that were issued, with their leaves."""

    empty_text = "Books that are issued on accounts stand here with the numbers of their leaves."
    view_permission = "accounts.view"
    subtitle = "Cheque book"
    list_display = ("__str__", "account", "issued_on", "issued_by")
    list_select_related = ("issued_by",)
    search_fields = ("account__number",)
    overview_template = "payments/cheque_book.html"
    fields = ("account", "first_number", "last_number", "issued_on", "issued_by")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChequeBook]:
        user: Any = request.user
        return cheque_books_visible_to(user)

    def overview_context(self, request: HttpRequest, record: ChequeBook) -> dict[str, Any]:
        leaves = record.leaves.order_by("number")[:LEAVES_SHOWN]
        return {"book_leaves": [(leaf, LEAF_CHIPS[leaf.status]) for leaf in leaves]}


@admin.register(Terminal)
class TerminalAdmin(NuminaAdmin):
    """Cash machines, shops, the online and mobile channels."""

    empty_text = "Cash machines and card terminals that may authorise stand here."
    view_permission = "payments.manage_terminals"
    subtitle = "Terminal"
    list_display = ("code", "name", "channel", "branch", "most_money", "hold_minutes", "is_active")
    list_select_related = ("branch",)
    list_filter = ("channel", "is_active")
    search_fields = ("code", "name")
    fields = ("code", "name", "channel", "branch", "currency", "most_money", "hold_minutes", "is_active")

    most_money = money_column("At most", "amount_max")


@admin.register(Authorisation)
class AuthorisationAdmin(NuminaAdmin):
    """What terminals asked for; its state is that of the hold."""

    view_permission = "accounts.view"
    empty_text = "What cash machines and card terminals have authorised stands here until it is collected or let go."
    subtitle = "Authorisation"
    list_display = ("reference", "terminal", "account", "asked_money", "taken_money", "state", "made")
    list_filter = ("terminal__channel",)
    search_fields = ("reference", "account__number")
    fields = ("reference", "terminal", "account", "asked_money", "taken_money", "made", "ends")

    asked_money = money_column("Asked for", "hold__amount", "hold__currency")
    taken_money = money_column("Taken", "hold__captured", "hold__currency")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Authorisation]:
        user: Any = request.user
        return authorisations_visible_to(user)

    @admin.display(description="Status")
    def state(self, found: Authorisation) -> SafeString:
        return display.chip(found.hold.get_status_display(), HOLD_CHIPS[found.hold.status])

    @admin.display(description="Made", ordering="created_at")
    def made(self, found: Authorisation) -> str:
        return display.moment_text(found.created_at)

    @admin.display(description="Ends")
    def ends(self, found: Authorisation) -> str:
        return display.moment_text(found.hold.expires_at)

    def record_chips(self, record: Authorisation) -> Iterable[SafeString]:
        yield self.state(record)
