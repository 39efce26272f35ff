"""Short forms of the staff site: fields as data, an act of the services behind them, a preview where money moves."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.accounts.models import Account
from apps.approvals.models import ApprovalRequest
from apps.core.currencies import currency_get
from apps.core.errors import DomainError, InvalidRequest, NotFound
from apps.core.money import amount_parse
from apps.core.query_forms import day_typed
from apps.core.record_pages import user_may
from apps.core.text import ungrouped
from apps.lending.services import Asked
from apps.members.models import Member
from apps.members.selectors import members_visible_to

PERCENT_MAX = 10_000


def percent_of(raw: str, name: str) -> Decimal:
    """A fraction from a percentage as it was typed. Raises InvalidRequest, also for 1e99 and NaN."""
    try:
        found = Decimal(raw)
    except ArithmeticError:
        found = Decimal("NaN")
    if not found.is_finite() or not 0 <= found <= PERCENT_MAX:
        raise InvalidRequest(f"{name.capitalize()}: a number such as 12.5.", pointer=f"/{name}")
    return found / 100


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form. `kind`: text, money, percent, number, date, choice or document (JSON)."""

    name: str
    label: str
    kind: str = "text"
    value: str = ""
    options: Sequence[tuple[str, str]] = ()
    is_needed: bool = True
    hint: str = ""


class Sent:
    """What was sent, read field by field; what cannot be read raises InvalidRequest with the field's name."""

    def __init__(self, values: QueryDict) -> None:
        self.values = values

    def text(self, name: str, most: int = 400) -> str:
        """The text, without what no text holds."""
        return str(self.values.get(name, "")).replace("\x00", "").strip()[:most]

    def choice(self, name: str, values: Sequence[str]) -> str:
        """One of the values that the form offers."""
        raw = self.text(name, 40)
        if raw not in values:
            raise InvalidRequest(f"{name.capitalize()}: choose from the list.", pointer=f"/{name}")
        return raw

    def amount(self, name: str, currency: str) -> int | None:
        """Minor units of the currency, None where nothing was entered."""
        raw = ungrouped(self.text(name, 30))
        return amount_parse(raw, currency_get(currency).exponent, pointer=f"/{name}") if raw else None

    def percent(self, name: str) -> Decimal | None:
        """A fraction from a percentage, None where nothing was entered."""
        raw = self.text(name, 12)
        return percent_of(raw, name) if raw else None

    def whole(self, name: str) -> int:
        """A whole number, not below zero."""
        raw = self.text(name, 9)
        if not (raw.isascii() and raw.isdigit()):
            raise InvalidRequest(f"{name.capitalize()}: a whole number.", pointer=f"/{name}")
        return int(raw)

    def day(self, name: str) -> dt.date | None:
        """A date, None where nothing was entered."""
        raw = self.text(name, 10)
        try:
            return day_typed(raw) if raw else None
        except ValueError:
            raise InvalidRequest("A date such as 2026-11-21.", pointer=f"/{name}") from None

    def key(self, name: str) -> uuid.UUID | None:
        """The key of a record, None where nothing was chosen."""
        raw = self.text(name, 40)
        try:
            return uuid.UUID(raw) if raw else None
        except ValueError:
            raise InvalidRequest("Choose one of the list.", pointer=f"/{name}") from None

    def document(self, name: str) -> Any:
        """JSON; an empty field is an empty document."""
        raw = self.text(name, 20_000)
        try:
            return json.loads(raw, parse_float=str) if raw else {}
        except (ValueError, RecursionError):
            raise InvalidRequest(f"{name.capitalize()}: not JSON.", pointer=f"/{name}") from None

    def member(self, user: Any, name: str = "member") -> Member:
        """The member of a number, in the user's reach. Raises NotFound."""
        found = members_visible_to(user).filter(number=self.text(name, 20)).first()
        if found is None:
            raise NotFound("No member in your reach has this number.", pointer=f"/{name}")
        return found

    def account(self, member: Member, name: str = "account") -> Account | None:
        """The member's account of a number, None where nothing was entered. Raises NotFound."""
        raw = self.text(name, 40)
        found = Account.objects.filter(member=member, number=raw).first() if raw else None
        if raw and found is None:
            raise NotFound("The member has no such account.", pointer=f"/{name}")
        return found

    def asked(self, user: Any) -> Asked:
        """Once for the key of the form. Raises InvalidRequest without one."""
        key = self.text("key", 64)
        if not key:
            raise InvalidRequest("The form has no key.")
        facts = sorted((name, self.text(name)) for name in self.values if name not in ("csrfmiddlewaretoken", "step"))
        return Asked(user, f"page:{key}", hashlib.sha256(repr(facts).encode()).digest())


Change = tuple[str, str, str]
"""What a preview says of a figure: its name, now, then."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form about a record, or about none (`find` None). `act` does it and returns the record to go to, or
    the request for its approval."""

    title: str
    icon: str
    permission: str
    fields: Callable[[Any, Any], list[Field]]
    act: Callable[[Any, Any, Sent], Any]
    find: Callable[..., Any] | None = None
    preview: Callable[[Any, Any, Sent], list[Change]] | None = None
    entry: Callable[[Any, Any, Sent], list[Change]] | None = None
    """What will be posted: account, debit, credit; shown with the preview."""
    states: tuple[str, ...] = field(default=())
    """Of the record, in which the form is offered; empty for all."""


FORMS: dict[str, Form] = {}


def forms_add(**forms: Form) -> None:
    """Offer forms under their names, `_` for `-`."""
    FORMS.update({name.replace("_", "-"): form for name, form in forms.items()})


def actions_of(request: HttpRequest, record: Any, names: Sequence[str]) -> list[dict[str, Any]]:
    """The forms of a record that the user may use in its state, as buttons of its page."""
    found: list[dict[str, Any]] = []
    for name in names:
        form = FORMS[name]
        if user_may(request, form.permission) and (not form.states or record.status in form.states):
            url = reverse("admin:lending_form_of", args=[name, record.pk])
            found.append({"title": form.title, "url": url, "icon": form.icon, "primary": not found})
    return found


def new_button(request: HttpRequest, name: str) -> dict[str, str] | None:
    """The button above a list that begins a new record; None for those who may not."""
    form = FORMS[name]
    if not user_may(request, form.permission):
        return None
    return {"title": form.title, "url": reverse("admin:lending_form", args=[name]), "icon": form.icon}


def form_page(site: Any, request: HttpRequest, name: str, pk: uuid.UUID | None = None) -> HttpResponse:
    """The form; sent, what it does, with a preview first where it has one."""
    form, user = FORMS.get(name), request.user
    if form is None or (form.find is None) != (pk is None):
        raise Http404
    if not user_may(request, form.permission):
        raise PermissionDenied
    try:
        record = form.find(user=user, pk=pk) if form.find else None
    except DomainError as error:
        raise Http404 from error
    sent, faults, changes, entry = Sent(request.POST), [], None, None
    if request.method == "POST" and request.POST.get("step") != "edit":
        try:
            if form.preview is not None and request.POST.get("step") != "post":
                changes = form.preview(user, record, sent)
                entry = form.entry(user, record, sent) if form.entry else None
            else:
                shown = form.act(user, record, sent)
                waits = isinstance(shown, ApprovalRequest)
                messages.success(request, f"{shown} waits for approval now." if waits else f"{form.title}: done.")
                return HttpResponseRedirect(address_of(record if waits else shown))
        except DomainError as error:
            faults.append(str(error.detail or error.title))
    request.current_app = site.name
    fields = form.fields(user, record)
    values = {one.name: sent.values.get(one.name, one.value) for one in fields}
    about = getattr(record, "loan", record)
    context = {
        **site.each_context(request),
        "title": f"{form.title} · {about}" if record is not None else form.title,
        "page_crumbs": [*([(str(about), address_of(about))] if record is not None else []), (form.title, "")],
        "page_faults": faults,
        "form_title": form.title,
        "form_about": getattr(getattr(about, "member", None), "display_name", ""),
        "form_fields": [(one, values[one.name]) for one in fields],
        "form_changes": changes,
        "form_entry": entry,
        "form_previews": form.preview is not None,
        "form_back": address_of(about) if record is not None else reverse("admin:index"),
        "form_key": sent.text("key", 64) or uuid.uuid4().hex,
    }
    return TemplateResponse(request, "lending/form.html", context)


def address_of(record: Any) -> str:
    """The page of a record."""
    return reverse(f"admin:{record._meta.app_label}_{record._meta.model_name}_change", args=[record.pk])
