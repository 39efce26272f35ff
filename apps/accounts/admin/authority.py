"""Tabs of an account: who holds it and signs for it, its status, the bank's notes, and what was issued of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse

from apps.accounts import actions, services
from apps.accounts.admin.accounts import AccountAdmin
from apps.accounts.admin.forms import day_read, version_read
from apps.accounts.api.serializers import SETTABLE
from apps.accounts.authority_actions import authority_change
from apps.accounts.errors import HolderInvalid, MandateInvalid
from apps.accounts.models import Account, AccountHolder, MandateRule
from apps.accounts.selectors import holders_of, mandate_rules, nominee_of, notes_of, signatories_of
from apps.approvals.services import request_submit
from apps.core import clock
from apps.core.currencies import currency_get
from apps.core.errors import DomainError, InvalidAmount, InvalidRequest
from apps.core.money import amount_parse
from apps.core.record_pages import Tab, user_may
from apps.core.text import ungrouped
from apps.ledger.figures import business_date_or_none
from apps.members.selectors import members_visible_to

UPDATE, FREEZE, NOTE = "accounts.update", "accounts.freeze", "accounts.note"
ROWS_MAX = 100
BANDS = ("1", "2", "3")


def _today() -> dt.date:
    return business_date_or_none() or clock.now().date()


def _people_context(request: HttpRequest, record: Account) -> dict[str, Any]:
    today = _today()
    return {
        "people_may": user_may(request, UPDATE) and record.status != Account.Status.CLOSED,
        "people_today": today,
        "people_holders": [
            (one, "over" if one.until and one.until < today else "later" if one.since and one.since > today else "now")
            for one in holders_of(account=record, current=False).order_by("pk")[:ROWS_MAX]
        ],
        "people_rules": [
            (one, "over" if one.until and one.until < today else "later" if one.since > today else "now")
            for one in mandate_rules(account_id=record.pk)[:ROWS_MAX]
        ],
        "people_signatories": signatories_of(account_id=record.pk),
        "people_nominee": nominee_of(account_id=record.pk),
        "people_roles": AccountHolder.Role.choices,
        "people_rule_kinds": MandateRule.Rule.choices,
        "people_bands": BANDS,
    }


def _status_context(request: HttpRequest, record: Account) -> dict[str, Any]:
    return {
        "status_may": user_may(request, FREEZE) and record.status != Account.Status.CLOSED,
        "status_choices": [choice for choice in SETTABLE if choice[0] != record.status],
        "status_today": _today(),
        "status_past": list(record.history.select_related("history_user").order_by("-history_date")[:ROWS_MAX]),
    }


def _notes_context(request: HttpRequest, record: Account) -> dict[str, Any]:
    return {"note_rows": list(notes_of(account=record)[:ROWS_MAX]), "note_max": services.NOTE_MAX}


def _documents_context(request: HttpRequest, record: Account) -> dict[str, Any]:
    return {"document_rows": list(record.statements.all()[:ROWS_MAX])}


def _asked(request: HttpRequest, account: Account, do: str, values: dict[str, Any]) -> tuple[str, Any]:
    """(What to say where it waits for approval, or nothing; what was made)."""
    user: Any = request.user
    approval, made = authority_change(
        maker=user, account=account, version=version_read(request), do=do, values=values, at=clock.now()
    )
    waits = f"{approval.number} waits for approval: who holds and signs stays as it is until then." if approval else ""
    return waits, made


def _holder_add(request: HttpRequest, account: Account) -> str:
    user: Any = request.user
    number = request.POST.get("member", "").strip()[:40]
    member = members_visible_to(user).filter(number=number).first()
    if member is None:
        raise HolderInvalid("There is no member of this number.")
    values = {
        "member_id": member.pk,
        "role": _choice(request, "role", AccountHolder.Role.values),
        "since": day_read(request, "since", _today()),
    }
    waits, holder = _asked(request, account, "holder_add", values)
    return waits or f"{member.display_name} is a holder from {holder.since}."


def _holder_end(request: HttpRequest, account: Account) -> str:
    text = request.POST.get("holder", "")
    values = {
        "holder_id": int(text) if text.isdecimal() and len(text) < 19 else 0,
        "until": day_read(request, "until", _today()),
        "reason": request.POST.get("reason", ""),
    }
    waits, holder = _asked(request, account, "holder_end", values)
    return waits or f"{holder.member.display_name} is a holder until {holder.until}."


def _mandate_set(request: HttpRequest, account: Account) -> str:
    exponent = currency_get(account.currency).exponent
    rules = []
    for band in BANDS:
        kind = request.POST.get(f"rule{band}", "")
        if not kind:
            continue
        count = request.POST.get(f"count{band}", "").strip()
        rules.append(
            services.MandateTerms(
                _amount(request.POST.get(f"to{band}", ""), exponent),
                _choice(request, f"rule{band}", MandateRule.Rule.values),
                int(count) if kind == MandateRule.Rule.COUNT and count.isdecimal() and len(count) < 4 else None,
            )
        )
    values = {"rules": rules, "since": day_read(request, "since", _today())}
    waits, _ = _asked(request, account, "mandate_set", values)
    return waits or ("The mandate is set." if rules else "From then on each signatory acts alone.")


def _amount(text: str, exponent: int) -> int | None:
    bare = ungrouped(text)
    try:
        return amount_parse(bare, exponent) if bare else None
    except InvalidAmount as error:
        raise MandateInvalid(f"Up to: {error.detail}") from error


def _choice(request: HttpRequest, name: str, values: list[str]) -> str:
    chosen = request.POST.get(name, "")
    if chosen not in values:
        raise InvalidRequest("Choose one of the list.")
    return chosen


def _nominee_set(request: HttpRequest, account: Account) -> str:
    user: Any = request.user
    named = services.nominee_set(
        acting_user=user,
        account_id=account.pk,
        expected_version=version_read(request),
        name=request.POST.get("name", ""),
        relationship=request.POST.get("relationship", ""),
        contact=request.POST.get("contact", ""),
        today=_today(),
    )
    return f"{named.name} is the nominee." if named else "The nomination is taken back."


def _status_set(request: HttpRequest, account: Account) -> str:
    user: Any = request.user
    body: dict[str, Any] = {
        "status": _choice(request, "status", [name for name, _ in SETTABLE]),
        "reason": request.POST.get("reason", ""),
    }
    if request.POST.get("until", "").strip():
        body["until"] = day_read(request, "until")
    payload = actions.status_payload(account=account, version=version_read(request), **body)
    approval = request_submit(
        kind=actions.status_kind(status=body["status"]), maker=user, payload=payload, at=clock.now()
    )
    if approval is not None:
        return f"{approval.number} waits for approval: the account stays as it is until then."
    changed = services.account_status_set(
        acting_user=user, account_id=account.pk, expected_version=version_read(request), **body
    )
    return f"The account is now: {changed.get_status_display().lower()}."


def _note_add(request: HttpRequest, account: Account) -> str:
    user: Any = request.user
    services.note_add(acting_user=user, account=account, text=request.POST.get("text", ""), at=clock.now())
    return "Noted."


# What a form does, the permission it needs, and the tab it returns to.
_ACTS: dict[str, tuple[Callable[[HttpRequest, Account], str], str, str]] = {
    "holder": (_holder_add, UPDATE, "people"),
    "holder_end": (_holder_end, UPDATE, "people"),
    "mandate": (_mandate_set, UPDATE, "people"),
    "nominee": (_nominee_set, UPDATE, "people"),
    "status": (_status_set, FREEZE, "status"),
    "note": (_note_add, NOTE, "notes"),
}


def account_act_view(admin: AccountAdmin, request: HttpRequest, object_id: str, act: str) -> HttpResponse:
    """A POST of one of the forms; what the service refuses is said above them."""
    account = admin.record_get(request, object_id)
    run, permission, tab = _ACTS.get(act, (None, "", ""))
    if run is None or not user_may(request, permission):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        messages.success(request, run(request, account))
    except DomainError as error:
        faults = [item["detail"] for item in getattr(error, "errors", None) or []]
        messages.error(request, " ".join(faults) or str(error.detail or error.title))
    return HttpResponseRedirect(reverse(f"admin:accounts_account_{tab}", args=[account.pk]))


PEOPLE_TAB = Tab("people", "Holders", "accounts/people.html", _people_context)
STATUS_TAB = Tab("status", "Status", "accounts/status.html", _status_context)
NOTES_TAB = Tab("notes", "Notes", "accounts/notes.html", _notes_context, NOTE)
DOCUMENTS_TAB = Tab("documents", "Documents", "accounts/documents.html", _documents_context)
for _tab in (PEOPLE_TAB, STATUS_TAB, NOTES_TAB, DOCUMENTS_TAB):
    AccountAdmin.tab_add(_tab)
AccountAdmin.account_act_view = account_act_view
