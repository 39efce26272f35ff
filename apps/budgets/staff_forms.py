"""Reading the forms of budgets as people type them; what cannot be read says what to do."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.core.currencies import currency_get
from apps.core.errors import DomainError, InvalidAmount, InvalidRequest
from apps.core.money import amount_parse
from apps.core.text import ungrouped
from apps.identity.models import Branch
from apps.ledger.admin.scope import branches_of
from apps.ledger.selectors import gl_accounts


class Sent:
    """What was sent, field by field. What cannot be read raises InvalidRequest or InvalidAmount."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.values = request.POST

    def text(self, name: str, most: int = 400) -> str:
        """The text, without what no text holds."""
        return str(self.values.get(name, "")).replace("\x00", "").strip()[:most]

    def whole(self, name: str, label: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        raw = self.text(name, 9)
        if not (raw.isascii() and raw.isdigit() and low <= int(raw) <= high):
            raise InvalidRequest(f"{label}: a whole number from {low} to {high}.", pointer=f"/{name}")
        return int(raw)

    def choice(self, name: str, label: str, choices: Any) -> str:
        """One of the choices."""
        raw = self.text(name, 60)
        if raw not in choices:
            raise InvalidRequest(f"{label}: choose from the list.", pointer=f"/{name}")
        return raw

    def amount(self, name: str, label: str, currency: str, *, positive: bool = False) -> int:
        """Minor units, with or without separators; nothing is zero unless `positive`."""
        raw = ungrouped(self.text(name, 30))
        if not raw and not positive:
            return 0
        try:
            return amount_parse(raw, currency_get(currency).exponent, positive=positive, pointer=f"/{name}")
        except InvalidAmount as error:
            raise InvalidAmount(f"{label}: {error.detail}", pointer=f"/{name}") from None

    def percent(self, name: str, label: str) -> Decimal:
        """A percentage as a fraction, nothing is 100 %."""
        raw = self.text(name, 12).replace("%", "").replace(",", ".").strip() or "100"
        try:
            value = Decimal(raw)
        except InvalidOperation:
            value = Decimal(-1)
        if not value.is_finite() or not 0 <= value <= 1000:
            raise InvalidRequest(f"{label}: a percentage such as 105.", pointer=f"/{name}")
        return value / 100

    def month(self, name: str) -> dt.date:
        """The first day of a month, as browsers send it."""
        try:
            return dt.date.fromisoformat(f"{self.text(name, 7)}-01")
        except ValueError:
            raise InvalidRequest("Month: a month such as 2026-11.", pointer=f"/{name}") from None

    def key(self, name: str, label: str) -> UUID:
        """The key of a record."""
        try:
            return UUID(self.text(name, 40))
        except ValueError:
            raise InvalidRequest(f"{label}: choose from the list.", pointer=f"/{name}") from None

    def branch(self, name: str = "branch") -> Branch:
        """A branch in reach by its code."""
        code = self.text(name, 20)
        found = next((one for one in branches_of(self.request) if one.code == code), None)
        if found is None:
            raise InvalidRequest("Branch: choose from the list.", pointer=f"/{name}")
        return found


def nominal_accounts(*types: str, with_headers: bool = False) -> list[Any]:
    """Income and expense accounts of the chart to choose from, by code."""
    found = gl_accounts().filter(type__in=types or ("income", "expense"), is_active=True).order_by("code")
    return list(found if with_headers else found.filter(usage="detail"))


def fault_text(error: DomainError) -> str:
    """What went wrong, in a sentence."""
    return str(error.detail or error.title)


def page_of(
    site: Any, request: HttpRequest, title: str, template: str, context: dict[str, Any], *above: tuple[str, str]
) -> HttpResponse:
    """A page of budgets with its place in the site."""
    request.current_app = site.name
    crumbs = [("Budgets", reverse("admin:budgets_budget_changelist")), *above, (title, "")]
    return TemplateResponse(
        request, template, {**site.each_context(request), "title": title, "page_crumbs": crumbs, **context}
    )
