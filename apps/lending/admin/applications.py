"""Loan applications on the staff site: the list, and a page that goes step by step from the draft to the loan."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from apps.accounts.selectors import accounts_visible_to
from apps.approvals.services import request_submit
from apps.core import clock, display
from apps.core.admin import NuminaHistoryAdmin, money_column
from apps.core.currencies import currency_get
from apps.core.display import money_text
from apps.core.errors import DomainError, InvalidAmount, InvalidRequest
from apps.core.money import amount_parse
from apps.core.record_pages import Fact, record_link, user_may
from apps.core.text import ungrouped
from apps.ledger.selectors import business_date_current
from apps.lending import services
from apps.lending.actions import APPLICATION, application_payload
from apps.lending.admin.forms import percent_of
from apps.lending.affordability import FINANCES
from apps.lending.models import Loan, LoanApplication, LoanProduct
from apps.lending.selectors import application_get_for, applications_visible_to, products_visible_to, terms_on
from apps.members.selectors import members_search, members_visible_to

APPLY, DECIDE = "lending.apply", "lending.decide"
CHIPS = {
    "draft": "plain", "submitted": "info", "approved": "warn", "accepted": "good", "rejected": "bad",
    "withdrawn": "plain", "expired": "plain",
}  # fmt: skip
STEPS = (("draft", "Draft"), ("submitted", "Decision"), ("approved", "Offer"), ("accepted", "Loan"))
ACCOUNTS_MAX = 50
FOUND_MAX = 9
TERM_MAX = 60


@admin.register(LoanApplication)
class LoanApplicationAdmin(NuminaHistoryAdmin):
    """What members ask for, and what came of it."""

    empty_text = "Begin one with New application."
    view_permission = "lending.view"
    list_title = "Applications"
    notes_reads = True
    list_display = ("number", "holder", "product_name", "branch", "state", "submitted_at", "asked_money")
    list_filter = ("status", "product", "branch")
    search_fields = ("number",)
    ordering = ("-created_at", "-id")
    overview_template = "lending/application.html"
    list_before_template = "lending/list_new.html"
    asked_money = money_column("Asked for", "amount", "product__currency_id")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        button = None
        if user_may(request, APPLY):
            button = {"title": "New application", "url": reverse("admin:lending_application_new"), "icon": "note_add"}
        return super().changelist_view(request, {"list_new": button, **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> QuerySet[LoanApplication]:
        user: Any = request.user
        return applications_visible_to(user).select_related("loan")

    @admin.display(description="Member")
    def holder(self, application: LoanApplication) -> str:
        return application.member.display_name

    @admin.display(description="Product", ordering="product__name")
    def product_name(self, application: LoanApplication) -> str:
        return application.product.name

    @admin.display(description="Status", ordering="status")
    def state(self, application: LoanApplication) -> SafeString:
        return display.chip(application.get_status_display(), CHIPS.get(application.status, "plain"))

    def record_subtitle(self, record: LoanApplication) -> str:
        return f"{record.member.display_name} · {record.product.name}"

    def record_chips(self, record: LoanApplication) -> Iterable[SafeString]:
        yield self.state(record)

    def record_actions(self, request: HttpRequest, record: LoanApplication) -> Sequence[dict[str, Any]]:
        if record.status == "draft" and user_may(request, APPLY):
            url = reverse("admin:lending_application_edit", args=[record.pk])
            return [{"title": "Change", "url": url, "icon": "edit"}]
        return []

    def overview_context(self, request: HttpRequest, record: LoanApplication) -> dict[str, Any]:
        order = [name for name, _ in STEPS]
        at = order.index(record.status) if record.status in order else -1
        decides = record.status == "submitted" and user_may(request, DECIDE)
        return {
            "application_steps": [(title, n < at, n == at) for n, (_, title) in enumerate(STEPS)],
            "application_papers": [
                {**paper, "received_on": dt.date.fromisoformat(paper["received_on"]) if paper["received_on"] else None}
                for paper in record.documents
            ],
            "application_loan": Loan.objects.filter(application=record).first(),
            "application_applies": user_may(request, APPLY),
            "application_decides": decides and record.approval_request is None,
            "application_verifies": decides and record.verified_at is None,
        }

    def record_sections(self, request: HttpRequest, record: LoanApplication) -> list[tuple[str, list[Fact]]]:
        currency, site = record.product.currency_id, self.admin_site

        def money(minor: int | None) -> str:
            return display.EMPTY if minor is None else money_text(minor, currency, with_currency=True)

        asked = [
            Fact("Member", record_link(request, site, record.member)),
            Fact("Amount", money(record.amount)),
            Fact("Instalments", record.instalments),
            Fact("Rate a year", display.EMPTY if record.rate is None else f"{record.rate * 100:.2f} %"),
            self.fact(request, record, "purpose"),
            self.fact(request, record, "account"),
            *(Fact(name.capitalize() + " a month", money(record.finances.get(name))) for name in FINANCES),
        ]
        offer = [
            Fact("Amount", money(record.offered_amount)),
            self.fact(request, record, "offered_instalments"),
            Fact("Rate a year", display.EMPTY if record.offered_rate is None else f"{record.offered_rate * 100:.2f} %"),
            self.fact(request, record, "offer_ends_on"),
            self.fact(request, record, "decided_by"),
            self.fact(request, record, "decision_note"),
        ]
        check = [*_affordability_facts(record.affordability, currency), self.fact(request, record, "score")]
        return [("Asked for", asked), ("Affordability", check), ("Offer", offer)]


def _affordability_facts(found: dict[str, Any], currency: str) -> list[Fact]:
    """What the instalment takes of what is left of the income, with the figures it was worked out from."""
    if not found:
        return [Fact("Share of what is left", display.EMPTY)]

    def percent(name: str) -> str:
        return display.EMPTY if found.get(name) is None else f"{Decimal(found[name]) * 100:.2f} %"

    month, income, expenses, obligations = (
        money_text(found[name], currency) for name in ("instalment", "income", "expenses", "obligations")
    )
    return [
        Fact("Instalment a month", f"{currency} {month}"),
        Fact("Share of what is left", percent("share")),
        Fact("How", f"{month} / ({income} - {expenses} - {obligations})"),
        Fact("At most", percent("share_max")),
    ]


# -- the steps


def application_step(site: Any, request: HttpRequest, application_id: uuid.UUID) -> HttpResponse:
    """One step of an application, from the buttons of its page."""
    step = _STEPS.get(request.POST.get("step", ""))
    if request.method != "POST" or step is None or not user_may(request, step[0]):
        raise PermissionDenied
    user: Any = request.user
    url = reverse("admin:lending_loanapplication_change", args=[application_id])
    try:
        application = application_get_for(user=user, pk=application_id)
        said = step[1](request, application)
    except DomainError as error:
        messages.error(request, str(error.detail or error.title))
        return HttpResponseRedirect(url)
    if isinstance(said, Loan):
        messages.success(request, "The offer is accepted; the loan is to be paid out.")
        return HttpResponseRedirect(reverse("admin:lending_loan_change", args=[said.pk]))
    messages.success(request, said)
    return HttpResponseRedirect(url)


def _submit(request: HttpRequest, application: LoanApplication) -> str:
    user: Any = request.user
    at = clock.now()
    with transaction.atomic():
        done = services.application_submit(
            acting_user=user, application_id=application.pk, expected_version=application.version,
            business_date=business_date_current(), at=at,
        )  # fmt: skip
        approval = request_submit(kind=APPLICATION, maker=user, payload=application_payload(done), at=at)
        if approval is not None:
            services.application_wait(application_id=done.pk, request_id=approval.public_id)
    return "Submitted." if approval is None else "Submitted; it waits for approval."


def _document(request: HttpRequest, application: LoanApplication) -> str:
    user: Any = request.user
    came = business_date_current() if request.POST.get("came") else None
    code = request.POST.get("code", "").replace("\x00", "")[:30]
    services.document_mark(acting_user=user, application_id=application.pk, code=code, received_on=came)
    return "Noted."


def _verify(request: HttpRequest, application: LoanApplication) -> str:
    user: Any = request.user
    services.application_verify(
        acting_user=user, application_id=application.pk, expected_version=application.version, at=clock.now(),
        note=request.POST.get("note", "").replace("\x00", "").strip(),
    )  # fmt: skip
    return "Noted as verified."


def _decide(request: HttpRequest, application: LoanApplication, *, approve: bool) -> str:
    user: Any = request.user
    note = request.POST.get("note", "").replace("\x00", "").strip()
    services.application_decide(
        acting_user=user, application_id=application.pk, approve=approve, note=note,
        business_date=business_date_current(), at=clock.now(),
    )  # fmt: skip
    return "An offer is made." if approve else "Rejected."


def _withdraw(request: HttpRequest, application: LoanApplication) -> str:
    user: Any = request.user
    services.application_withdraw(acting_user=user, application_id=application.pk, at=clock.now())
    return "Withdrawn."


def _accept(request: HttpRequest, application: LoanApplication) -> Loan:
    user: Any = request.user
    return services.offer_accept(
        acting_user=user, application_id=application.pk, business_date=business_date_current(), at=clock.now()
    )


_STEPS: dict[str, tuple[str, Callable[[HttpRequest, LoanApplication], str | Loan]]] = {
    "submit": (APPLY, _submit),
    "document": (APPLY, _document),
    "verify": (DECIDE, _verify),
    "approve": (DECIDE, lambda request, application: _decide(request, application, approve=True)),
    "reject": (DECIDE, lambda request, application: _decide(request, application, approve=False)),
    "withdraw": (APPLY, _withdraw),
    "accept": (APPLY, _accept),
}


# -- the draft


def application_form(site: Any, request: HttpRequest, application_id: uuid.UUID | None = None) -> HttpResponse:
    """Begin a draft for a member, or change one; what is saved may be incomplete."""
    if not user_may(request, APPLY):
        raise PermissionDenied
    user: Any = request.user
    faults: list[str] = []
    try:
        application = application_get_for(user=user, pk=application_id) if application_id else None
    except DomainError as error:
        raise Http404 from error
    if request.method == "POST":
        try:
            saved = _save(request, application)
        except DomainError as error:
            faults.append(str(error.detail or error.title))
        else:
            return HttpResponseRedirect(reverse("admin:lending_loanapplication_change", args=[saved.pk]))
    request.current_app = site.name
    member = application.member if application else _member(request)
    term = "" if member else request.GET.get("member", "").replace("\x00", "").strip()[:TERM_MAX]
    product = application.product if application else None
    context = {
        **site.each_context(request),
        "title": f"Application {application.number}" if application else "New loan application",
        "page_crumbs": [("Applications", reverse("admin:lending_loanapplication_changelist")), ("Draft", "")],
        "page_faults": faults,
        "form_application": application,
        "form_member": member,
        "form_term": term,
        "form_found": members_search(members_visible_to(user), text=term)[:FOUND_MAX] if term else [],
        "form_products": _products(user, member) if application is None else [],
        "form_accounts": accounts_visible_to(user).filter(member=member)[:ACCOUNTS_MAX] if member else [],
        "form_values": request.POST if request.method == "POST" else _values(application),
        "form_currency": product.currency_id if product else "",
        "form_terms": terms_on(product_id=product.pk, day=business_date_current()) if product else None,
    }
    return TemplateResponse(request, "lending/application_form.html", context)


def _member(request: HttpRequest) -> Any:
    user: Any = request.user
    number = (request.POST.get("member") or request.GET.get("member", "")).replace("\x00", "").strip()[:20]
    return members_visible_to(user).filter(number=number.upper()).first() if number else None


def _products(user: Any, member: Any) -> list[LoanProduct]:
    if member is None:
        return []
    found = products_visible_to(user).filter(is_active=True, borrowers__contains=[member.kind])
    return list(found.exclude(kind=LoanProduct.Kind.CREDIT_LINE).order_by("name"))


def _values(application: LoanApplication | None) -> dict[str, Any]:
    if application is None:
        return {}
    currency = application.product.currency_id
    return {
        "amount": money_text(application.amount, currency),
        "instalments": application.instalments,
        "purpose": application.purpose,
        "account": str(application.account_id or ""),
        **{name: money_text(application.finances[name], currency) for name in FINANCES if name in application.finances},
    }


def _save(request: HttpRequest, application: LoanApplication | None) -> LoanApplication:
    """Raises DomainErrors for what cannot be."""
    user: Any = request.user
    sent = request.POST
    if application is None:
        member = _member(request)
        if member is None:
            raise InvalidRequest("No member in your reach has this number.")
        try:
            product_id = uuid.UUID(sent.get("product", ""))
        except ValueError:
            raise InvalidRequest("Choose a product.") from None
        return services.application_save(
            acting_user=user, business_date=business_date_current(), product_id=product_id, member_id=member.pk
        )
    exponent = currency_get(application.product.currency_id).exponent

    def amount(name: str) -> int:
        try:
            return amount_parse(ungrouped(sent.get(name, "")) or "0", exponent, pointer=f"/{name}")
        except InvalidAmount as error:
            raise InvalidAmount(f"{name.capitalize()}: {error.detail}", pointer=f"/{name}") from None

    raw, account = sent.get("instalments", ""), sent.get("account", "")
    if not (raw.isascii() and raw.isdigit() and len(raw) < 5):
        raise InvalidRequest("Instalments: a whole number.")
    try:
        account_id = uuid.UUID(account) if account else None
        percent = sent.get("rate", "").strip()
        rate = percent_of(percent, "rate") if percent else None
    except ValueError:
        raise InvalidRequest("The account cannot be read.", pointer="/account") from None
    return services.application_save(
        acting_user=user, business_date=business_date_current(), application_id=application.pk,
        expected_version=application.version, amount=amount("amount"), instalments=int(raw), rate=rate,
        purpose=sent.get("purpose", "").replace("\x00", ""), account_id=account_id,
        finances={name: amount(name) for name in FINANCES},
    )  # fmt: skip
