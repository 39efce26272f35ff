"""Loan products on the staff site: terms by date, and the schedule that a loan on them would have."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.core import display
from apps.core.admin import NuminaHistoryAdmin
from apps.core.currencies import currency_get
from apps.core.display import money_text
from apps.core.errors import DomainError
from apps.core.money import amount_parse
from apps.core.query_forms import QueryForm
from apps.core.record_pages import Fact, Tab
from apps.core.text import ungrouped
from apps.ledger.selectors import business_date_current
from apps.lending import services
from apps.lending.admin.forms import actions_of, percent_of
from apps.lending.admin.product_forms import PRODUCT_FORMS
from apps.lending.mapping import mapping_of
from apps.lending.models import LoanProduct, ProvisionPolicy
from apps.lending.selectors import terms_on


@admin.register(LoanProduct)
class LoanProductAdmin(NuminaHistoryAdmin):
    """What the bank lends, and on which terms."""

    view_permission = "lending.view"
    empty_text = (
        "Products are set up over the API (POST /api/v1/loan-products); their terms are changed on their pages."
    )
    list_display = ("code", "name", "kind", "currency", "accounting", "state")
    list_filter = ("kind", "currency", "is_active")
    search_fields = ("code", "name")

    @admin.display(description="For applications", ordering="is_active")
    def state(self, product: LoanProduct) -> SafeString:
        return display.chip("Open", "good") if product.is_active else display.chip("Closed", "plain")

    def record_actions(self, request: HttpRequest, record: LoanProduct) -> Sequence[dict[str, Any]]:
        return actions_of(request, record, PRODUCT_FORMS)

    def record_sections(self, request: HttpRequest, record: LoanProduct) -> list[tuple[str, list[Fact]]]:
        names = ("code", "name", "kind", "currency", "borrowers", "accounting", "description")
        books = [Fact(role.replace("_", " ").capitalize(), code) for role, code in mapping_of(record.mapping).items()]
        policy = ProvisionPolicy.objects.filter(product=record, effective_from__lte=business_date_current()).first()
        provisions = [Fact("How", policy.get_method_display() if policy else "By bucket of the terms")]
        if policy:
            provisions += [
                Fact("Since", display.day_text(policy.effective_from)),
                Fact("Probability of default", f"{policy.pd_12_months} in 12 months, {policy.pd_lifetime} for life"),
                Fact("Loss given default", str(policy.lgd)),
            ]
        return [
            ("Product", [self.fact(request, record, name) for name in names]),
            ("Provisions", provisions),
            ("Books", books),
        ]


def _terms(request: HttpRequest, record: LoanProduct) -> dict[str, Any]:
    versions = list(record.terms.order_by("-effective_from"))
    documents = ("conventions", "servicing", "fees", "penalties", "arrears", "requirements")
    return {
        "product_terms": [
            (one, [(name, json.dumps(getattr(one, name), indent=1)) for name in documents if getattr(one, name)])
            for one in versions
        ]
    }


def _preview(request: HttpRequest, record: LoanProduct) -> dict[str, Any]:
    """The schedule of a loan on today's terms, by the amount, rate and instalments of the form."""
    form, today = QueryForm(request), business_date_current()
    terms = terms_on(product_id=record.pk, day=today)
    context: dict[str, Any] = {"preview_terms": terms, "preview_rows": [], "page_faults": form.faults}
    if terms is None:
        return context
    currency = record.currency_id
    raw = ungrouped(form.text("amount", characters=30))
    instalments = form.text("instalments", characters=4)
    percent = form.text("rate", characters=12)
    context |= {
        "preview_amount": raw or money_text(terms.principal_min, currency),
        "preview_instalments": instalments or terms.instalments_min,
        "preview_rate": percent or f"{terms.rate * 100:f}".rstrip("0").rstrip("."),
    }
    try:
        amount = amount_parse(raw, currency_get(currency).exponent, pointer="/amount") if raw else terms.principal_min
        count = int(instalments) if instalments.isascii() and instalments.isdigit() else terms.instalments_min
        rate = percent_of(percent, "rate") if percent else terms.rate
        services.limits_check(terms=terms, amount=amount, rate=rate, instalments=count)
        position = services.position_offered(
            terms=terms, amount=amount, rate=rate, instalments=count, start=today, first_due=None
        )
    except DomainError as error:
        form.faults.append(str(error.detail or error.title))
        return context
    rows = [one.row for one in position.rows]
    return context | {
        "preview_rows": rows,
        "preview_interest": sum(row.interest for row in rows),
        "preview_total": sum(row.total for row in rows),
    }


LoanProductAdmin.tab_add(Tab("terms", "Terms", "lending/product_terms.html", _terms))
LoanProductAdmin.tab_add(Tab("preview", "Preview", "lending/product_preview.html", _preview))
