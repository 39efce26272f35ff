"""The cheques of an account: paid in, its own books, and the forms for them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse

from apps.accounts.admin import AccountAdmin
from apps.accounts.models import Account
from apps.accounts.selectors import account_get_for
from apps.core import clock
from apps.core.errors import DomainError, InvalidRequest
from apps.core.ids import uuid7
from apps.core.record_pages import Tab, user_may
from apps.ledger.selectors import business_date_current
from apps.payments import services
from apps.payments.admin.cheques import CHIPS
from apps.payments.admin.forms import amount_read, text_read
from apps.payments.admin.signing import signatories_shown, signed_read
from apps.payments.api.limits import amount_guard
from apps.payments.models import TillSession
from apps.payments.selectors import cheque_books_visible_to, cheque_deposits_visible_to, session_current
from apps.payments.services import Asked, Drawn

CHEQUES, STOP, PAY = "payments.cheques", "payments.stop_cheques", "payments.withdraw"
ROWS = 50
LEAVES_MAX, NUMBER_MAX = 200, 999_999
SIZES = (25, 50, 100)


def _asked(request: HttpRequest, account: Account, act: str) -> Asked:
    """The key of the page that was sent: the same form sent again is the same payment."""
    user: Any = request.user
    facts = {name: value for name, value in request.POST.items() if name != "csrfmiddlewaretoken"}
    written = f"cheques {act} {account.pk} {sorted(facts.items())}"
    return Asked(
        user=user, key=f"page {text_read(request, 'key')}"[:255], fingerprint=hashlib.sha256(written.encode()).digest()
    )


def _number(request: HttpRequest, name: str, most: int) -> int:
    raw = text_read(request, name)
    if not (raw.isascii() and raw.isdigit() and len(raw) < 10 and 1 <= int(raw) <= most):
        raise InvalidRequest(f"{name.capitalize()}: a whole number from 1 to {most}.", pointer=f"/{name}")
    return int(raw)


def _needed(request: HttpRequest, name: str, words: str, *, most: int = 200) -> str:
    text = text_read(request, name, max_length=most)
    if not text:
        raise InvalidRequest(words, pointer=f"/{name}")
    return text


def _paid_in(request: HttpRequest, account: Account) -> str:
    asked, amount = _asked(request, account, "in"), amount_read(request, account.currency)
    amount_guard(asked, "payments.deposit", amount)
    amount_guard(asked, CHEQUES, amount)
    drawn = Drawn(
        _needed(request, "bank", "Which bank is it drawn on?", most=40),
        _needed(request, "drawer_account", "The account it is drawn on.", most=34),
        _needed(request, "number", "The number of the cheque.", most=20),
        text_read(request, "drawer", max_length=160),
    )
    cheque, _ = services.cheque_deposit(asked=asked, account=account.number, amount=amount, drawn=drawn, at=clock.now())
    return f"Paid in: it clears on {cheque.clears_on}; until then the money is held."


def _issue(request: HttpRequest, account: Account) -> str:
    user: Any = request.user
    book = services.cheque_book_issue(
        acting_user=user,
        account=account.number,
        leaves=_number(request, "leaves", LEAVES_MAX),
        issued_on=business_date_current(),
    )
    return f"Issued: leaves {book}."


def _stop(request: HttpRequest, account: Account) -> str:
    user: Any = request.user
    first = _number(request, "first", NUMBER_MAX)
    last = _number(request, "last", NUMBER_MAX) if text_read(request, "last") else first
    if not first <= last < first + LEAVES_MAX:
        raise InvalidRequest(f"At most {LEAVES_MAX} leaves, the first before the last.", pointer="/last")
    stopped = services.cheque_stop(
        acting_user=user,
        account=account.number,
        first=first,
        last=last,
        reason=_needed(request, "reason", "Say why."),
        at=clock.now(),
    )
    return "The leaf is stopped." if len(stopped) == 1 else f"{len(stopped)} leaves are stopped."


def _pay(request: HttpRequest, account: Account) -> str:
    """A leaf that was presented: at one's own open till, else another bank presented it in clearing."""
    user: Any = request.user
    asked, amount = _asked(request, account, "pay"), amount_read(request, account.currency)
    amount_guard(asked, PAY, amount)
    session = session_current(teller_id=user.pk)
    in_cash = request.POST.get("how") == "cash"
    if in_cash and (session is None or session.status != TillSession.Status.OPEN):
        raise InvalidRequest("You have no open till.", pointer="/how")
    payment = services.cheque_pay(
        asked=asked,
        account=account.number,
        number=_number(request, "leaf", NUMBER_MAX),
        amount=amount,
        payee=_needed(request, "payee", "To whom?", most=160),
        session_id=session.pk if session is not None and in_cash else None,
        at=clock.now(),
        signed_by=signed_read(request),
    )
    return f"Paid: {payment.amount}."


_ACTS: dict[str, tuple[Callable[[HttpRequest, Account], str], str]] = {
    "in": (_paid_in, CHEQUES),
    "issue": (_issue, CHEQUES),
    "stop": (_stop, STOP),
    "pay": (_pay, PAY),
}


def cheque_act_page(site: Any, request: HttpRequest, account_id: Any, act: str) -> HttpResponse:
    """A POST of one of the forms; what the service refuses is said above them."""
    run, permission = _ACTS.get(act, (None, ""))
    if run is None or not user_may(request, permission):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    user: Any = request.user
    try:
        messages.success(request, run(request, account_get_for(user=user, pk=account_id)))
    except DomainError as error:
        faults = [item["detail"] for item in getattr(error, "errors", None) or []]
        messages.error(request, " ".join(faults) or str(error.detail or error.title))
    return HttpResponseRedirect(reverse("admin:accounts_account_cheques", args=[account_id]))


def _tab(request: HttpRequest, record: Account) -> dict[str, Any]:
    user: Any = request.user
    alive = record.status != Account.Status.CLOSED
    session = session_current(teller_id=user.pk)
    books = list(cheque_books_visible_to(user).filter(account=record.pk)[:ROWS])
    return {
        "account_cheques": [
            (one, CHIPS[one.status]) for one in cheque_deposits_visible_to(user).filter(account=record.pk)[:ROWS]
        ],
        "account_books": books,
        "cheque_may_handle": alive and user_may(request, CHEQUES),
        "cheque_may_stop": alive and bool(books) and user_may(request, STOP),
        "cheque_may_pay": alive and bool(books) and user_may(request, PAY),
        "cheque_in_cash": session is not None and session.status == TillSession.Status.OPEN,
        "cheque_key": uuid7(),
        "cheque_book_sizes": SIZES,
        "cheque_signatories": signatories_shown(record, request.POST),
    }


AccountAdmin.tab_add(Tab("cheques", "Cheques", "payments/cheques_tab.html", _tab))
