"""Forms that set up and change tills, beside the API."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.core.errors import DomainError, InvalidRequest
from apps.core.money import Money
from apps.core.record_pages import user_may
from apps.core.text import ungrouped
from apps.identity.selectors import branches_visible_to
from apps.payments import services
from apps.payments.admin.forms import text_read, version_read
from apps.payments.models import Till

MANAGE = "payments.manage_tills"
LIMITS = (
    ("holding_limit", "May hold", "More goes to the vault."),
    ("transaction_limit", "A transaction", "The most that one deposit or withdrawal may move."),
    ("tolerance", "Tolerance", "A difference up to this is booked at the count; above it a supervisor confirms."),
)
NUMBER_MAX = 999


def till_form(site: Any, request: HttpRequest, till: Till | None) -> HttpResponse:
    """The form of a new till, or of one that is there; what it asks for, and what stands in the way."""
    if not user_may(request, MANAGE):
        raise PermissionDenied
    faults: list[str] = []
    if request.method == "POST":
        try:
            done = _changed(request, till) if till is not None else _created(request)
        except DomainError as error:
            faults = [item["detail"] for item in getattr(error, "errors", None) or []] or [
                str(error.detail or error.title)
            ]
        else:
            messages.success(request, "Changed." if till is not None else "The till is set up.")
            return HttpResponseRedirect(reverse("admin:payments_till_change", args=[done.pk]))
    request.current_app = site.name
    page = TemplateResponse(request, "payments/till_form.html", _context(site, request, till, faults))
    page.status_code = 422 if faults else 200
    return page


def _context(site: Any, request: HttpRequest, till: Till | None, faults: list[str]) -> dict[str, Any]:
    user: Any = request.user
    typed = request.POST
    currency = till.currency if till is not None else settings.NUMINA["BASE_CURRENCY"]
    now = {name: Money(getattr(till, name), currency).amount for name, _, _ in LIMITS} if till is not None else {}
    title = f"Change {till.name}" if till is not None else "Set up a till"
    return {
        **site.each_context(request),
        "title": title,
        "page_crumbs": [("Tills", reverse("admin:payments_till_changelist")), (title, "")],
        "page_faults": faults,
        "till_record": till,
        "till_currency": currency,
        "till_branches": branches_visible_to(user).filter(is_active=True).order_by("code"),
        "till_limits": [(name, label, hint, typed.get(name, now.get(name, ""))) for name, label, hint in LIMITS],
        "till_name": typed.get("name", till.name if till is not None else ""),
        "till_typed": typed,
        "till_active": bool(typed.get("is_active")) if typed else till is not None and till.is_active,
    }


def _limits(request: HttpRequest, currency: str) -> dict[str, Any]:
    return {
        name: Money.parse(_amount(request, name) or "0", currency, positive=name != "tolerance").minor
        for name, _, _ in LIMITS
    }


def _amount(request: HttpRequest, name: str) -> str:
    return ungrouped(text_read(request, name))


def _name(request: HttpRequest) -> str:
    name = text_read(request, "name", max_length=60)
    if not name:
        raise InvalidRequest("The till needs a name.", pointer="/name")
    return name


def _created(request: HttpRequest) -> Till:
    user: Any = request.user
    number = text_read(request, "number")
    if not (number.isascii() and number.isdigit() and 1 <= int(number[:6]) <= NUMBER_MAX):
        raise InvalidRequest(f"The number is from 1 to {NUMBER_MAX}.", pointer="/number")
    return services.till_create(
        acting_user=user,
        branch_code=text_read(request, "branch"),
        number=int(number),
        name=_name(request),
        **_limits(request, settings.NUMINA["BASE_CURRENCY"]),
    )


def _changed(request: HttpRequest, till: Till) -> Till:
    user: Any = request.user
    changes = {
        "name": _name(request),
        "is_active": request.POST.get("is_active") == "on",
        **_limits(request, till.currency),
    }
    return services.till_update(
        acting_user=user, till_id=till.pk, expected_version=version_read(request), changes=changes
    )
