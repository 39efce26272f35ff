"""The till page: open, what is in it, cash of the vault, count; and what waits for a supervisor's word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.balances.selectors import balance_read, balances_read
from apps.core import clock
from apps.core.currencies import currency_get
from apps.core.display import money_text
from apps.core.errors import DomainError, InvalidRequest
from apps.core.money import Money
from apps.core.record_pages import user_may
from apps.payments import services
from apps.payments.admin.forms import amount_read, count_read, pieces_shown, text_read, version_read
from apps.payments.api.limits import amount_allowed
from apps.payments.models import TillSession, VaultTransfer
from apps.payments.selectors import (
    movements_of,
    session_current,
    session_get_for,
    sessions_visible_to,
    till_get_for,
    tills_visible_to,
    vault_transfer_get_for,
)

WORK, SUPERVISE = "payments.till", "payments.supervise_tills"
LATEST = 15
WAITING_MAX = 50


def till_page(site: Any, request: HttpRequest) -> HttpResponse:
    """One page for tellers and supervisors; each sees what concerns them."""
    if not user_may(request, "payments.view_tills"):
        raise PermissionDenied
    faults: list[str] = []
    if request.method == "POST":
        try:
            said = _act(request)
        except DomainError as error:
            faults.append(str(error.detail or error.title))
        else:
            messages.success(request, said)
            return HttpResponseRedirect(reverse("admin:payments_till_page"))
    request.current_app = site.name
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": "Till",
        "page_crumbs": [("Till", "")],
        "page_faults": faults,
        "till_sent": request.POST,
        "till_works": user_may(request, WORK),
    }
    user: Any = request.user
    if context["till_works"]:
        context |= _own(request, session_current(teller_id=user.pk))
    if user_may(request, SUPERVISE):
        context |= _waiting(user) | _away(request)
    else:
        context["till_overview"] = _overview(user)
    return TemplateResponse(request, "payments/till.html", context)


def _own(request: HttpRequest, session: TillSession | None) -> dict[str, Any]:
    """The teller's own session, or the tills that may be opened."""
    user: Any = request.user
    if session is None:
        busy = TillSession.objects.exclude(status=TillSession.Status.CLOSED).values("till")
        free = list(tills_visible_to(user).filter(is_active=True).exclude(pk__in=busy).order_by("name"))
        wanted = request.POST.get("till") or request.GET.get("till", "")
        chosen = next((till for till in free if str(till.pk) == wanted), free[0] if free else None)
        return {
            "till_free": free,
            "till_chosen": chosen,
            "till_exponent": currency_get(chosen.currency).exponent if chosen else 0,
            "till_books": -balance_read(account_id=chosen.ledger_account_id).booked if chosen else 0,
            "till_pieces": pieces_shown(chosen.currency, request.POST) if chosen else [],
        }
    till = session.till
    cash = -balance_read(account_id=till.ledger_account_id).booked
    return {
        "till_session": session,
        "till_exponent": currency_get(till.currency).exponent,
        "till_cash": cash,
        "till_percent": max(0, min(100, 100 * cash // till.holding_limit)),
        "till_movements": list(movements_of(session)[:LATEST]),
        "till_asked": session.vault_transfers.filter(status=VaultTransfer.Status.ASKED).first(),
        "till_pieces": pieces_shown(till.currency, request.POST),
    }


def _waiting(user: Any) -> dict[str, Any]:
    """What a supervisor has to look at, and how every till in reach stands."""
    sessions = sessions_visible_to(user)
    transfers = VaultTransfer.objects.select_related("session__till__branch", "session__teller", "asked_by")
    asked = transfers.filter(status=VaultTransfer.Status.ASKED, session__in=sessions.values("pk"))
    return {
        "till_supervises": True,
        "till_counts": list(sessions.filter(status=TillSession.Status.COUNTED)[:WAITING_MAX]),
        "till_transfers": list(asked[:WAITING_MAX]),
        "till_overview": _overview(user),
    }


def _away(request: HttpRequest) -> dict[str, Any]:
    """The session that a supervisor is to count for a teller who is away, if one is named."""
    user: Any = request.user
    try:
        wanted = UUID(request.POST.get("away") or request.GET.get("away", ""))
    except ValueError:
        return {}
    session = sessions_visible_to(user).filter(pk=wanted, status=TillSession.Status.OPEN).exclude(teller=user).first()
    if session is None:
        return {}
    pieces = pieces_shown(session.till.currency, request.POST)
    exponent = currency_get(session.till.currency).exponent
    return {"till_away": session, "till_away_pieces": pieces, "till_away_exponent": exponent}


def _overview(user: Any) -> list[dict[str, Any]]:
    """Every till in reach: what it holds by the books and who is at it."""
    tills = list(tills_visible_to(user).filter(is_active=True).order_by("branch__code", "number")[:WAITING_MAX])
    held = balances_read(account_ids=[till.ledger_account_id for till in tills])
    at_work = {
        session.till_id: session
        for session in sessions_visible_to(user)
        .filter(till__in=[till.pk for till in tills])
        .exclude(status=TillSession.Status.CLOSED)
    }
    return [
        {"till": till, "cash": -held[till.ledger_account_id].booked, "session": at_work.get(till.pk)} for till in tills
    ]


# -- what the forms do


def _act(request: HttpRequest) -> str:
    """Do what the form asks for, and say it. Raises DomainError."""
    name = request.POST.get("action", "")
    found = _ACTIONS.get(name)
    if found is None:
        raise PermissionDenied
    permission, act = found
    if not user_may(request, permission):
        raise PermissionDenied
    return act(request)


def _uuid(request: HttpRequest, name: str) -> UUID:
    try:
        return UUID(request.POST.get(name, ""))
    except ValueError as error:
        raise InvalidRequest("The form does not say which one.") from error


def _open(request: HttpRequest) -> str:
    user: Any = request.user
    till = till_get_for(user=user, pk=_uuid(request, "till"))
    session = services.session_open(
        acting_user=user, till_id=till.pk, count=count_read(request, till.currency), at=clock.now()
    )
    if session.opening_difference:
        by = money_text(session.opening_difference, till.currency, with_currency=True)
        return f"{till.name} is open. The drawer differs from the books by {by}; this is settled at the count."
    return f"{till.name} is open."


def _current(request: HttpRequest) -> TillSession:
    user: Any = request.user
    session = session_current(teller_id=user.pk)
    if session is None:
        raise InvalidRequest("You have no open till.")
    return session


def _count(request: HttpRequest) -> str:
    session = _current(request)
    user: Any = request.user
    session = services.session_count(
        acting_user=user,
        session_id=session.pk,
        expected_version=version_read(request),
        count=count_read(request, session.till.currency),
        note=text_read(request, "note", max_length=200),
        at=clock.now(),
    )
    if session.status == TillSession.Status.COUNTED:
        return "Counted. The difference is above the till's tolerance: a supervisor has to confirm it."
    return "Counted and closed."


def _ask(request: HttpRequest) -> str:
    session = _current(request)
    direction = request.POST.get("direction", "")
    if direction not in VaultTransfer.Direction.values:
        raise InvalidRequest("From the vault, or to the vault?")
    user: Any = request.user
    amount = amount_read(request, session.till.currency)
    amount_allowed(user, "payments.till", amount)
    services.vault_transfer_ask(
        acting_user=user,
        session_id=session.pk,
        direction=direction,
        amount=amount,
        count={},
        at=clock.now(),
    )
    return "Asked for. It moves once a keeper of the vault confirms it."


def _cancel(request: HttpRequest) -> str:
    user: Any = request.user
    services.vault_transfer_cancel(
        acting_user=user, transfer_id=_uuid(request, "transfer"), expected_version=version_read(request), at=clock.now()
    )
    return "Taken back."


def _decide(request: HttpRequest) -> str:
    user: Any = request.user
    confirm = request.POST.get("verdict") == "confirm"
    asked = vault_transfer_get_for(user=user, pk=_uuid(request, "transfer"))
    if confirm:
        amount_allowed(user, "payments.supervise_tills", Money(asked.amount, asked.session.till.currency))
    services.vault_transfer_decide(
        acting_user=user,
        transfer_id=asked.pk,
        expected_version=version_read(request),
        confirm=confirm,
        at=clock.now(),
    )
    return "Confirmed: the cash is booked." if confirm else "Declined: nothing moved."


def _note(request: HttpRequest) -> str:
    note = text_read(request, "note", max_length=200)
    if not note:
        raise InvalidRequest("Say why.")
    return note


def _count_away(request: HttpRequest) -> str:
    user: Any = request.user
    session = session_get_for(user=user, pk=_uuid(request, "away"))
    services.session_count(
        acting_user=user,
        session_id=session.pk,
        expected_version=version_read(request),
        count=count_read(request, session.till.currency),
        note=_note(request),
        at=clock.now(),
        for_teller=True,
    )
    return "Counted. Another supervisor has to confirm it."


def _confirm(request: HttpRequest) -> str:
    user: Any = request.user
    accept = request.POST.get("verdict") == "confirm"
    note = _note(request)
    session = session_get_for(user=user, pk=_uuid(request, "session"))
    services.session_confirm(
        acting_user=user,
        session_id=session.pk,
        expected_version=version_read(request),
        accept=accept,
        note=note,
        at=clock.now(),
    )
    return "The difference is booked and the till closed." if accept else "The teller counts again."


_ACTIONS: dict[str, tuple[str, Callable[[HttpRequest], str]]] = {
    "open": (WORK, _open),
    "count": (WORK, _count),
    "ask": (WORK, _ask),
    "cancel": (WORK, _cancel),
    "decide": (SUPERVISE, _decide),
    "confirm": (SUPERVISE, _confirm),
    "count_away": (SUPERVISE, _count_away),
}
