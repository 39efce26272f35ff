"""Term and recurring deposits on the staff site: list, record with its instalments and forms, a tab of each account."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from apps.accounts import services
from apps.accounts.admin.accounts import AccountAdmin
from apps.accounts.admin.forms import account_read, amount_read, choice_read, number_read, version_read
from apps.accounts.models import Account, TermDeposit
from apps.accounts.selectors import account_get_for, accounts_visible_to, instalments_of, term_deposits_visible_to
from apps.core import clock, display
from apps.core.admin import NuminaAdmin, money_column
from apps.core.errors import DomainError
from apps.core.record_pages import Fact, Tab, record_link, user_may
from apps.identity.guards import amount_check
from apps.ledger.selectors import business_date_current

PLACE, BREAK = "accounts.update", "accounts.close"
CHIPS = {"active": "good", "matured": "plain", "renewed": "info", "broken": "warn"}
INSTALMENT_CHIPS = {"due": "info", "paid": "good", "missed": "bad", "dropped": "plain"}
ROWS_MAX = 600


def term_chip(term: TermDeposit) -> SafeString:
    """How the term stands."""
    return display.chip(term.get_status_display(), CHIPS[term.status])


@admin.register(TermDeposit)
class TermDepositAdmin(NuminaAdmin):
    """Terms of accounts in reach: what was placed, until when, what is done then."""

    empty_text = "Money that is placed for some months at a fixed rate stands here until it is paid out."
    view_permission = "accounts.view"
    subtitle = "Term deposit"
    list_display = ("account", "principal_money", "each_money", "starts_on", "matures_on", "instruction", "state")
    list_filter = ("status", "instruction", "frequency")
    search_fields = ("account__number",)
    ordering = ("-starts_on", "-id")
    overview_template = "accounts/term_deposit.html"

    principal_money = money_column("Put in", "principal", "account__currency")
    each_money = money_column("Instalment", "instalment", "account__currency")

    def get_queryset(self, request: HttpRequest) -> QuerySet[TermDeposit]:
        user: Any = request.user
        return term_deposits_visible_to(user).select_related("terms", "account__member")

    def get_urls(self) -> list[URLPattern]:
        view, place = self.admin_site.admin_view(self.act_view), self.admin_site.admin_view(self.place_view)
        return [
            path("<uuid:object_id>/act/", view, name="accounts_termdeposit_act"),
            path("place/<uuid:account_id>/", place, name="accounts_termdeposit_place"),
            *super().get_urls(),
        ]

    @admin.display(description="Status", ordering="status")
    def state(self, term: TermDeposit) -> SafeString:
        return term_chip(term)

    def record_title(self, record: TermDeposit) -> str:
        return f"{record.account.number}, {record.months} months"

    def record_subtitle(self, record: TermDeposit) -> str:
        return f"{record.account.member.display_name} · {'recurring' if record.instalment else 'term'} deposit"

    def record_chips(self, record: TermDeposit) -> Iterable[SafeString]:
        yield term_chip(record)

    def record_sections(self, request: HttpRequest, record: TermDeposit) -> list[tuple[str, list[Fact]]]:
        site, currency = self.admin_site, record.account.currency
        facts = [
            Fact("Account", record_link(request, site, record.account)),
            Fact("Put in", display.money_text(record.principal, currency, with_currency=True)),
            Fact("From", display.day_text(record.starts_on)),
            Fact("Due", display.day_text(record.matures_on)),
            Fact("When due", record.get_instruction_display()),
            Fact("From and to", record_link(request, site, record.payout_account)),
        ]
        if record.instalment:
            each = display.money_text(record.instalment, currency, with_currency=True)
            facts.insert(2, Fact("Instalment", f"{each}, {record.get_frequency_display().lower()}"))
        if record.ended_on:
            facts.append(Fact("Ended", display.day_text(record.ended_on)))
        rates = ", ".join(f"{Decimal(str(rate)) * 100:f} %".replace(".00 %", " %") for _, rate in record.terms.rates)
        early = record.terms.early_rate
        terms = [
            Fact("Rate a year", rates or "None"),
            Fact("Broken early", f"{(early * 100).normalize():f} %" if early else "No interest"),
            Fact("Tax withheld", f"{(record.terms.tax_rate * 100).normalize():f} %"),
        ]
        if record.instalment:
            terms.append(Fact("Days of grace", str(record.terms.grace_days)))
        return [("Deposit", facts), ("Terms, agreed until the end", terms)]

    def overview_context(self, request: HttpRequest, record: TermDeposit) -> dict[str, Any]:
        today = business_date_current()
        rows = list(instalments_of(record)[:ROWS_MAX])
        running = record.status == TermDeposit.Status.ACTIVE
        return {
            "term_rows": [(row, INSTALMENT_CHIPS[row.status]) for row in rows],
            "term_open": any(row.status in {"due", "missed"} and row.due_on <= today for row in rows),
            "term_instructions": TermDeposit.Instruction.choices,
            "term_may_place": running and user_may(request, PLACE),
            "term_may_break": running and user_may(request, BREAK),
        }

    def act_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """One of the forms of a record; a preview is shown on the page itself, with the button that does it."""
        record: TermDeposit = self.record_get(request, str(object_id))
        act, permission = _ACTS.get(request.POST.get("action", ""), (None, ""))
        if request.method != "POST" or act is None or not user_may(request, permission):
            raise PermissionDenied
        try:
            done = act(request, record)
            if isinstance(done, services.BreakPreview):
                context = {
                    "record_sections": self.record_sections(request, record),
                    **self.overview_context(request, record),
                    "term_preview": done,
                    "term_accrued": display.money_text(int(done.accrued), record.account.currency),
                }
                return self.render_tab(request, record, "", self.overview_template, context)
            messages.success(request, done)
        except DomainError as error:
            messages.error(request, str(error.detail or error.title))
        return HttpResponseRedirect(reverse("admin:accounts_termdeposit_change", args=[record.pk]))

    def place_view(self, request: HttpRequest, account_id: Any) -> HttpResponse:
        """The form of an account's tab: money goes from another account of the owner onto it."""
        user: Any = request.user
        if request.method != "POST" or not user_may(request, PLACE):
            raise PermissionDenied
        account = account_get_for(user=user, pk=account_id)
        try:
            amount = amount_read(request, "amount", account.currency)
            amount_check(user, PLACE, amount, account.currency, at=clock.now())
            term = services.term_deposit_place(
                acting_user=user,
                account_id=account.pk,
                source_id=account_read(request, "source").pk,
                amount=amount,
                months=number_read(request, "months"),
                instruction=choice_read(request, "instruction", TermDeposit.Instruction.values),
                frequency=choice_read(request, "frequency", ["", *TermDeposit.Frequency.values]),
                today=business_date_current(),
            )
        except DomainError as error:
            messages.error(request, str(error.detail or error.title))
            return HttpResponseRedirect(reverse("admin:accounts_account_term", args=[account.pk]))
        messages.success(request, f"Placed until {display.day_text(term.matures_on)}.")
        return HttpResponseRedirect(reverse("admin:accounts_termdeposit_change", args=[term.pk]))


def _instruct(request: HttpRequest, record: TermDeposit) -> str:
    user: Any = request.user
    term = services.term_deposit_instruct(
        acting_user=user,
        term_id=record.pk,
        expected_version=version_read(request),
        instruction=choice_read(request, "instruction", TermDeposit.Instruction.values),
    )
    return f"When it is due: {term.get_instruction_display().lower()}."


def _pay(request: HttpRequest, record: TermDeposit) -> str:
    user: Any = request.user
    amount_check(user, PLACE, record.instalment or 0, record.account.currency, at=clock.now())
    row = services.term_instalment_pay(
        acting_user=user, term_id=record.pk, expected_version=version_read(request), today=business_date_current()
    )
    return f"Instalment {row.number} is paid."


def _preview(request: HttpRequest, record: TermDeposit) -> services.BreakPreview:
    return services.term_deposit_break_preview(
        term_id=record.pk, expected_version=version_read(request), today=business_date_current()
    )


def _break(request: HttpRequest, record: TermDeposit) -> str:
    user: Any = request.user
    amount_check(user, BREAK, record.principal, record.account.currency, at=clock.now())
    services.term_deposit_break(
        acting_user=user, term_id=record.pk, expected_version=version_read(request), today=business_date_current()
    )
    return "Broken: everything is paid out."


_ACTS: dict[str, tuple[Callable[[HttpRequest, TermDeposit], Any], str]] = {
    "instruct": (_instruct, PLACE),
    "pay": (_pay, PLACE),
    "preview": (_preview, BREAK),
    "break": (_break, BREAK),
}


def _tab(request: HttpRequest, record: Account) -> dict[str, Any]:
    """The terms of a fixed-term or recurring account, and the form that places the next one."""
    user: Any = request.user
    kind = record.product.kind
    terms = list(term_deposits_visible_to(user).filter(account=record.pk)[:ROWS_MAX])
    running = any(term.status == TermDeposit.Status.ACTIVE for term in terms)
    free = record.status == Account.Status.ACTIVE and not running
    own = accounts_visible_to(user).filter(member=record.member_id)
    sources = own.filter(currency=record.currency, status=Account.Status.ACTIVE)
    return {
        "term_rows": [(term, CHIPS[term.status]) for term in terms],
        "term_kind": kind,
        "term_may_place": free and kind in services.TERM_KINDS and user_may(request, PLACE),
        "term_sources": sources.exclude(pk=record.pk).exclude(product__kind__in=services.TERM_KINDS).order_by("number"),
        "term_instructions": TermDeposit.Instruction.choices,
        "term_frequencies": TermDeposit.Frequency.choices if kind == "recurring" else (),
    }


TERM_TAB = Tab("term", "Term deposits", "accounts/term_tab.html", _tab)
AccountAdmin.tab_add(TERM_TAB)
