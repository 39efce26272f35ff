"""The form of a new standing instruction: from which account to which, how much, and on which dates, in words."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.accounts.admin.forms import account_read, choice_read, day_read, number_read
from apps.accounts.models import Account
from apps.accounts.selectors import accounts_visible_to
from apps.core import clock
from apps.core.errors import DomainError, InvalidRequest
from apps.core.ids import uuid7
from apps.core.money import Money
from apps.core.record_pages import user_may
from apps.core.text import ungrouped
from apps.ledger.selectors import business_date_current
from apps.payments import services
from apps.payments.admin.forms import text_read
from apps.payments.admin.signing import signatories_shown, signed_read
from apps.payments.api.limits import instruction_allowed
from apps.payments.models import StandingInstruction
from apps.payments.services import Terms

INSTRUCT = "payments.instruct"
RHYTHMS = {
    "FREQ=MONTHLY": "Every month",
    "FREQ=MONTHLY;BYMONTHDAY=-1": "Every month, on its last day",
    "FREQ=WEEKLY": "Every week",
    "FREQ=WEEKLY;INTERVAL=2": "Every two weeks",
    "FREQ=DAILY": "Every day",
    "FREQ=MONTHLY;INTERVAL=3": "Every quarter",
    "FREQ=YEARLY": "Every year",
}
"""Rules that the form offers, counted from the first date. Over the API there is any rule of RFC 5545."""
HOLIDAYS = {
    "following": "The business day after",
    "modified_following": "The business day after, in the same month",
    "preceding": "The business day before",
    "none": "The date itself",
}
OF_KIND = {"fixed": {"amount"}, "percentage": {"percentage", "amount_max"}, "sweep": {"keep", "amount_max"}}
"""The fields that say how much, by the kind that asks for them; the style sheet shows no others."""
RETRIES_MAX, DATES_MAX = 10, 10_000


_UNITS = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}
_DAYS = {"MO": "Monday", "TU": "Tuesday", "WE": "Wednesday", "TH": "Thursday", "FR": "Friday", "SA": "Saturday",
         "SU": "Sunday"}  # fmt: skip


def rhythm_words(rule: str) -> str:
    """A rule in words: those of the form, and every so many units on days of the week or of the month.

    What has more parts is shown as it was written.
    """
    if rule in RHYTHMS:
        return RHYTHMS[rule]
    parts = dict(part.split("=", 1) for part in rule.removeprefix("RRULE:").split(";") if "=" in part)
    unit, count = _UNITS.get(parts.pop("FREQ", "")), parts.pop("INTERVAL", "1")
    week_days = [_DAYS.get(code, "") for code in parts.pop("BYDAY", "").split(",") if code]
    month_days = [day for day in parts.pop("BYMONTHDAY", "").split(",") if day]
    if unit is None or parts or not all(week_days) or not all(day == "-1" or day.isdigit() for day in month_days):
        return rule
    every = f"Every {unit}" if count == "1" else f"Every {count} {unit}s"
    days = [*week_days, *("the last day" if day == "-1" else f"day {day}" for day in month_days)]
    return f"{every}, on {' and '.join(days)}" if days else every


def standing_form_page(site: Any, request: HttpRequest) -> HttpResponse:
    """Ask for an instruction and set it up, once; what stands in the way is said above what was typed."""
    if not user_may(request, INSTRUCT):
        raise PermissionDenied
    faults: list[str] = []
    if request.method == "POST":
        try:
            pk = _key(request)
            if not StandingInstruction.objects.filter(pk=pk).exists():
                _create(request, pk)
                messages.success(request, "It is set up.")
            return HttpResponseRedirect(reverse("admin:payments_standinginstruction_change", args=[pk]))
        except DomainError as error:
            faults = [item["detail"] for item in getattr(error, "errors", None) or []] or [
                str(error.detail or error.title)
            ]
    request.current_app = site.name
    page = TemplateResponse(request, "payments/standing_form.html", _context(site, request, faults))
    page.status_code = 422 if faults else 200
    return page


def _key(request: HttpRequest) -> UUID:
    """The id of the page that was sent, which becomes the instruction's: sent twice it is one."""
    try:
        return UUID(request.POST.get("key", ""))
    except ValueError as error:
        raise InvalidRequest("The form has no key: open it again.") from error


def _create(request: HttpRequest, pk: UUID) -> None:
    user: Any = request.user
    source = account_read(request, "source")
    terms = _terms(request, source.currency)
    instruction_allowed(user, terms.amount or terms.amount_max, source.currency)
    try:
        with transaction.atomic():
            services.instruction_create(
                acting_user=user,
                source=source.number,
                destination=text_read(request, "destination").replace(" ", "").upper(),
                terms=terms,
                at=clock.now(),
                signed_by=signed_read(request),
                instruction_id=pk,
            )
    except IntegrityError:  # pressed twice: the other one made it
        if not StandingInstruction.objects.filter(pk=pk).exists():
            raise


def _terms(request: HttpRequest, currency: str) -> Terms:
    kind = choice_read(request, "kind", StandingInstruction.Kind.values)
    asked = OF_KIND[kind]  # what was typed for another kind is out of sight
    return Terms(
        kind=kind,
        rule=choice_read(request, "rule", RHYTHMS),
        starts_on=day_read(request, "starts_on"),
        amount=_money(request, "amount", currency) if "amount" in asked else None,
        percentage=_percentage(request) if "percentage" in asked else None,
        keep=(_money(request, "keep", currency) or 0) if "keep" in asked else 0,
        amount_max=_money(request, "amount_max", currency) if "amount_max" in asked else None,
        description=text_read(request, "description", max_length=200),
        convention=choice_read(request, "convention", HOLIDAYS),
        ends_on=day_read(request, "ends_on") if text_read(request, "ends_on") else None,
        count_max=_number(request, "count", DATES_MAX) or None,
        retries=_number(request, "retries", RETRIES_MAX),
    )


def _money(request: HttpRequest, name: str, currency: str) -> int | None:
    """An amount above zero in minor units; None where nothing was typed. Raises InvalidAmount."""
    raw = ungrouped(text_read(request, name))
    return Money.parse(raw, currency, positive=True).minor if raw else None


def _percentage(request: HttpRequest) -> Decimal | None:
    raw = text_read(request, "percentage").replace("%", "").strip()
    try:
        value = Decimal(raw) if raw else None
    except InvalidOperation as error:
        raise InvalidRequest("Percent: a number such as 12.5.", pointer="/percentage") from error
    if value is not None and (not value.is_finite() or not 0 < value <= 100 or value != round(value, 4)):
        raise InvalidRequest("Percent: above 0 and at most 100, to four decimals.", pointer="/percentage")
    return value


def _number(request: HttpRequest, name: str, most: int) -> int:
    found = number_read(request, name) if text_read(request, name) else 0
    if found > most:
        raise InvalidRequest(f"{name.capitalize()}: at most {most}.", pointer=f"/{name}")
    return found


def _source(request: HttpRequest) -> Account | None:
    """The account whose money it is, as far as it is known: its currency and who signs stand on the form."""
    user: Any = request.user
    number = (request.POST.get("source") or request.GET.get("account") or "").replace("\x00", "").replace(" ", "")
    return accounts_visible_to(user).filter(number=number.upper()).first() if number else None


def _context(site: Any, request: HttpRequest, faults: list[str]) -> dict[str, Any]:
    source, today = _source(request), business_date_current()
    changelist = reverse("admin:payments_standinginstruction_changelist")
    back = reverse("admin:accounts_account_standing", args=[source.pk]) if source is not None else changelist
    title = "New standing instruction"
    defaults = {"source": source.number if source else "", "starts_on": today.isoformat(), "retries": "3"}
    return {
        **site.each_context(request),
        "title": title,
        "page_crumbs": [("Standing instructions", changelist), (title, "")],
        "page_faults": faults,
        "standing_typed": request.POST or defaults,
        "standing_key": request.POST.get("key") or uuid7(),
        "standing_currency": source.currency if source else "",
        "standing_kinds": StandingInstruction.Kind.choices,
        "standing_rhythms": RHYTHMS.items(),
        "standing_holidays": HOLIDAYS.items(),
        "standing_today": today,
        "standing_signatories": signatories_shown(source, request.POST) if source is not None else [],
        "standing_back": back,
    }
