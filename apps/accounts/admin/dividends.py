"""Dividends on the staff site: list, record with what accounts get, and the form on the page of a product of shares."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from apps.accounts import actions, services
from apps.accounts.admin.accounts import AccountProductAdmin
from apps.accounts.admin.forms import choice_read, percent_read, text_read, version_read
from apps.accounts.models import AccountProduct, Dividend
from apps.accounts.selectors import dividend_shares_visible_to, dividends_all, product_get_for
from apps.approvals.services import request_submit
from apps.core import clock, display
from apps.core.admin import NuminaAdmin, money_column
from apps.core.errors import DomainError, InvalidRequest
from apps.core.query_forms import day_typed
from apps.core.record_pages import Fact, Tab, record_link, user_may
from apps.identity.guards import amount_check
from apps.ledger.figures import business_date_or_none
from apps.ledger.selectors import business_date_current

MANAGE = "products.manage"
CHIPS = {"draft": "info", "paying": "warn", "paid": "good", "withdrawn": "plain"}
SHARE_CHIPS = {"due": "info", "paid": "good", "refused": "bad"}
ROWS_MAX = 200


def _percent(rate: Any) -> str:
    return f"{(rate * 100).normalize():f} %"


@admin.register(Dividend)
class DividendAdmin(NuminaAdmin):
    """Dividends that were drawn up, paid or withdrawn. Draw them up on the page of a product of shares."""

    empty_text = "Draw one up for the shares held in a period: members' accounts get it once it is paid."
    view_permission = "ledger.view"
    subtitle = "Dividend"
    list_display = ("product", "starts_on", "ends_on", "percent", "accounts", "gross_money", "tax_money", "state")
    list_filter = ("status", "product")
    ordering = ("-ends_on", "-id")
    overview_template = "accounts/dividend.html"

    gross_money = money_column("Gross", "gross", "product__currency_id")
    tax_money = money_column("Tax", "tax", "product__currency_id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dividend]:
        return dividends_all()

    def get_urls(self) -> list[URLPattern]:
        act, draw = self.admin_site.admin_view(self.act_view), self.admin_site.admin_view(self.draw_view)
        return [
            path("<uuid:object_id>/act/", act, name="accounts_dividend_act"),
            path("draw/<uuid:product_id>/", draw, name="accounts_dividend_draw"),
            *super().get_urls(),
        ]

    @admin.display(description="Rate", ordering="rate")
    def percent(self, dividend: Dividend) -> str:
        return _percent(dividend.rate)

    @admin.display(description="Status", ordering="status")
    def state(self, dividend: Dividend) -> SafeString:
        return display.chip(dividend.get_status_display(), CHIPS[dividend.status])

    def record_title(self, record: Dividend) -> str:
        return f"{record.product.name}, {display.day_text(record.starts_on)} to {display.day_text(record.ends_on)}"

    def record_chips(self, record: Dividend) -> Iterable[SafeString]:
        yield self.state(record)

    def record_sections(self, request: HttpRequest, record: Dividend) -> list[tuple[str, list[Fact]]]:
        currency = record.product.currency_id

        def money(minor: int) -> str:
            return display.money_text(minor, currency, with_currency=True)

        facts = [
            Fact("Product", record_link(request, self.admin_site, record.product)),
            Fact("Rate", _percent(record.rate)),
            Fact("Taken on", record.get_basis_display()),
            Fact("Paid to", record.get_pay_to_display()),
        ]
        sums = [
            Fact("Accounts", str(record.accounts)),
            Fact("Gross", money(record.gross)),
            Fact(f"Tax, {_percent(record.tax_rate)}", money(record.tax)),
            Fact("Net", money(record.gross - record.tax)),
            Fact("Paid on", display.day_text(record.paid_on)),
        ]
        return [("Dividend", facts), ("Sums", sums)]

    def overview_context(self, request: HttpRequest, record: Dividend) -> dict[str, Any]:
        user: Any = request.user
        rows = dividend_shares_visible_to(user, record)[:ROWS_MAX]
        return {
            "dividend_rows": [(row, row.gross - row.tax, SHARE_CHIPS[row.status]) for row in rows],
            "dividend_rows_max": ROWS_MAX,
            "dividend_may": record.status == Dividend.Status.DRAFT and user_may(request, MANAGE),
            "dividend_payable": record.accounts > 0,
        }

    def act_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Pay or withdraw, as the record's buttons say."""
        record: Dividend = self.record_get(request, str(object_id))
        act = _ACTS.get(request.POST.get("action", ""))
        if request.method != "POST" or act is None or not user_may(request, MANAGE):
            raise PermissionDenied
        try:
            messages.success(request, act(request, record))
        except DomainError as error:
            messages.error(request, str(error.detail or error.title))
        return HttpResponseRedirect(reverse("admin:accounts_dividend_change", args=[record.pk]))

    def draw_view(self, request: HttpRequest, product_id: Any) -> HttpResponse:
        """The form of a product's tab; on to what was worked out."""
        user: Any = request.user
        if request.method != "POST" or not user_may(request, MANAGE):
            raise PermissionDenied
        product = product_get_for(user=user, pk=product_id)
        try:
            dividend = services.dividend_draw(
                acting_user=user,
                product_id=product.pk,
                starts_on=_day(request, "starts_on"),
                ends_on=_day(request, "ends_on"),
                rate=percent_read(request, "rate"),
                tax_rate=percent_read(request, "tax"),
                basis=choice_read(request, "basis", Dividend.Basis.values),
                pay_to=choice_read(request, "pay_to", Dividend.PayTo.values),
                today=business_date_current(),
            )
        except DomainError as error:
            messages.error(request, str(error.detail or error.title))
            return HttpResponseRedirect(reverse("admin:accounts_accountproduct_dividends", args=[product.pk]))
        messages.success(request, f"Drawn up for {dividend.accounts} accounts. Nothing is paid yet.")
        return HttpResponseRedirect(reverse("admin:accounts_dividend_change", args=[dividend.pk]))


def _day(request: HttpRequest, name: str) -> dt.date:
    try:
        return day_typed(text_read(request, name))
    except ValueError as error:
        raise InvalidRequest("The period: not a date.", pointer=f"/{name}") from error


def _pay(request: HttpRequest, record: Dividend) -> str:
    user: Any = request.user
    at, version = clock.now(), version_read(request)
    amount_check(user, MANAGE, record.gross, record.product.currency_id, at=at)
    payload = actions.dividend_payload(dividend=record, version=version)
    approval = request_submit(kind=actions.DIVIDEND, maker=user, payload=payload, at=at)
    if approval is not None:
        return f"{approval.number} waits for approval: nothing is paid until then."
    services.dividend_pay(acting_user=user, dividend_id=record.pk, expected_version=version, at=at)
    return "It is being paid in the background."


def _withdraw(request: HttpRequest, record: Dividend) -> str:
    user: Any = request.user
    services.dividend_withdraw(acting_user=user, dividend_id=record.pk, expected_version=version_read(request))
    return "Withdrawn."


_ACTS: dict[str, Callable[[HttpRequest, Dividend], str]] = {"pay": _pay, "withdraw": _withdraw}


def _tab(request: HttpRequest, record: AccountProduct) -> dict[str, Any]:
    today = business_date_or_none() or clock.now().date()
    last = dt.date(today.year - 1, 12, 31)
    return {
        "dividend_rows": [
            (one, _percent(one.rate), CHIPS[one.status]) for one in dividends_all().filter(product=record)
        ],
        "dividend_shares": record.kind == AccountProduct.Kind.SHARE,
        "dividend_may": record.kind == AccountProduct.Kind.SHARE and user_may(request, MANAGE),
        "dividend_from": last.replace(month=1, day=1),
        "dividend_to": last,
        "dividend_bases": Dividend.Basis.choices,
        "dividend_targets": Dividend.PayTo.choices,
    }


DIVIDENDS_TAB = Tab("dividends", "Dividends", "accounts/dividends_tab.html", _tab, "ledger.view")
AccountProductAdmin.tab_add(DIVIDENDS_TAB)
