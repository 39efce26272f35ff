"""The cash screen: find the account, amount, notes, confirm, receipt; every step by keyboard alone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.accounts.models import Account
from apps.accounts.selectors import accounts_visible_to
from apps.balances.selectors import balance_read
from apps.core import clock
from apps.core.currencies import currency_get
from apps.core.errors import DomainError, InvalidRequest
from apps.core.idempotency import request_fingerprint
from apps.core.ids import uuid7
from apps.core.money import Money
from apps.core.record_pages import user_may
from apps.core.trail import read_announce
from apps.members.models import Member
from apps.members.search import WordsMatch, query_of
from apps.payments import services
from apps.payments.admin.forms import amount_read, count_read, pieces_shown, text_read
from apps.payments.admin.signing import signatories_shown, signed_read
from apps.payments.api.limits import amount_guard
from apps.payments.api.tills import cash_approval
from apps.payments.denominations import count_check
from apps.payments.models import TillMovement, TillSession
from apps.payments.selectors import account_ref, movements_of, payment_get_for, session_current
from apps.payments.services import Asked, Details
from apps.payments.services._signatures import signatures_check

FOUND_MAX = 9
"""As many as there are digits to choose one with."""
KINDS = {"deposit": ("payments.deposit", "Pay in"), "withdrawal": ("payments.withdraw", "Pay out")}


def cash_page(site: Any, request: HttpRequest) -> HttpResponse:
    """Without an account the search; with one the form; with POST the check, and then the act."""
    if not user_may(request, "payments.till"):
        raise PermissionDenied
    user: Any = request.user
    current = session_current(teller_id=user.pk)
    session = current if current is not None and current.status == TillSession.Status.OPEN else None
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": "Cash",
        "page_crumbs": [("Cash", "")],
        "cash_session": session,
        "page_faults": [],
    }
    request.current_app = site.name
    if session is None:
        return TemplateResponse(request, "payments/cash.html", context)
    number = request.POST.get("account") or request.GET.get("account", "")
    account = _account(user, number)
    if account is None:
        return _search(request, context)
    if request.method == "POST" and request.POST.get("step") in {"check", "act"}:
        return _step(request, session, account, context)
    read_announce(
        acting_user=user, object_type="accounts.account", object_id=str(account.pk), object_label=account.number
    )
    return _form(request, session, account, context)


def receipt_page(site: Any, request: HttpRequest, transaction_id: UUID) -> HttpResponse:
    """What was done, for the member to take along."""
    if not user_may(request, "payments.till"):
        raise PermissionDenied
    user: Any = request.user
    movement = TillMovement.objects.select_related("session__till__branch", "account__member", "session__teller")
    found = movement.filter(transaction_id=transaction_id, account__isnull=False).first()
    if found is None:
        raise Http404
    try:
        payment = payment_get_for(user=user, transaction_id=transaction_id)
    except DomainError as error:
        raise Http404 from error
    request.current_app = site.name
    context = {
        **site.each_context(request),
        "title": "Receipt",
        "page_crumbs": [("Cash", reverse("admin:payments_cash")), ("Receipt", "")],
        "receipt": found,
        "receipt_payment": payment,
        "receipt_count": _count_lines(found.count, found.session.till.currency),
    }
    return TemplateResponse(request, "payments/receipt.html", context)


def _account(user: Any, number: str) -> Account | None:
    if not number or len(number) > 34:
        return None
    accounts = accounts_visible_to(user).select_related("product", "member", "branch")
    return accounts.filter(number=number).first()


def _search(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The accounts that a number or a name finds; a single one is opened at once."""
    term = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    user: Any = request.user
    found: list[Account] = []
    if term:
        found = _found(user, term)
        if len(found) == 1:
            return HttpResponseRedirect(f"{reverse('admin:payments_cash')}?account={found[0].number}")
    session = context["cash_session"]
    context |= {
        "cash_term": term,
        "cash_found": found,
        "cash_latest": list(movements_of(session)[:5]),
        "cash_in_till": -balance_read(account_id=session.till.ledger_account_id).booked,
    }
    return TemplateResponse(request, "payments/cash.html", context)


def _found(user: Any, term: str) -> list[Account]:
    accounts = accounts_visible_to(user).exclude(status=Account.Status.CLOSED)
    digits = term.replace(" ", "")
    if digits.isascii() and digits.isdigit():
        wanted = accounts.filter(Q(number__startswith=digits) | Q(member__number=digits))
    else:
        query = query_of(term)
        if not query:
            return []
        wanted = accounts.filter(member_id__in=Member.objects.filter(WordsMatch(query)).values("pk"))
    return list(wanted.order_by("number")[:FOUND_MAX])


def _form(request: HttpRequest, session: TillSession, account: Account, context: dict[str, Any]) -> HttpResponse:
    """The form, empty or with what was sent."""
    sent = request.POST
    currency = session.till.currency
    context |= {
        "cash_account": account,
        "cash_balance": balance_read(account_id=account.ledger_account_id),
        "cash_flags": _flags(account, currency),
        "cash_kinds": [(name, title) for name, (code, title) in KINDS.items() if user_may(request, code)],
        "cash_kind": sent.get("kind", "deposit"),
        "cash_exponent": currency_get(currency).exponent,
        "cash_pieces": pieces_shown(currency, sent),
        "cash_sent": sent,
        "cash_signatories": signatories_shown(account, sent),
        "cash_key": sent.get("key") or uuid7().hex,
    }
    return TemplateResponse(request, "payments/cash_form.html", context)


def _flags(account: Account, currency: str) -> list[tuple[str, str]]:
    """What the teller has to know before any cash moves: (words, kind of chip)."""
    flags = []
    if account.status != Account.Status.ACTIVE:
        flags.append((account.get_status_display(), "bad"))
    if account.member.status != "active":
        flags.append((f"Member is {account.member.get_status_display().lower()}", "bad"))
    if account.currency != currency:
        flags.append((f"Account is in {account.currency}", "warn"))
    return flags


def _step(request: HttpRequest, session: TillSession, account: Account, context: dict[str, Any]) -> HttpResponse:
    """Check what was typed and show it once more; then do it. A refusal comes back with the form as it was."""
    user: Any = request.user
    currency = session.till.currency
    kind = request.POST.get("kind", "")
    try:
        if kind not in KINDS or not user_may(request, KINDS[kind][0]):
            raise InvalidRequest("Choose pay in or pay out.")
        amount = amount_read(request, currency)
        count = count_read(request, currency)
        count_check(count, amount)
        texts = {
            "counterparty": text_read(request, "counterparty", max_length=140),
            "reference": text_read(request, "reference", max_length=64, identifier=True),
        }
        key = text_read(request, "key", max_length=64, identifier=True)
        if not key:
            raise InvalidRequest("The form has no key: begin again.")
        signed = signed_read(request) if kind == "withdrawal" else []
        if kind == "withdrawal":
            ref = account_ref(name=account.number, pointer="/account")
            signatures_check(user=user, ref=ref, amount=amount, signed_by=signed)
        if request.POST["step"] == "act":
            facts = {"account": account.number, "kind": kind, "amount": amount.amount, "count": count, **texts}
            if signed:
                facts["signed"] = [str(one) for one in signed]
            fingerprint = request_fingerprint(method="POST", path="counter", body=facts)
            asked = Asked(user=user, key=f"counter-{key}", fingerprint=fingerprint)
            return _act(request, session, account, asked, kind, amount, count, texts, signed)
    except DomainError as error:
        context["page_faults"] = [str(error.detail or error.title)]
        return _form(request, session, account, context)
    return _confirm(request, account, kind, amount, count, texts, context | {"cash_key": key})


def _act(
    request: HttpRequest,
    session: TillSession,
    account: Account,
    asked: Asked,
    kind: str,
    amount: Money,
    count: dict[str, int],
    texts: dict[str, str],
    signed: list[UUID],
) -> HttpResponse:
    amount_guard(asked, KINDS[kind][0], amount)
    values: dict[str, Any] = {
        "session_id": session.pk,
        "account": account.number,
        "amount": amount,
        "count": count,
        "details": Details(
            description=f"Cash {kind}",
            channel="branch",
            counterparty=texts["counterparty"],
            reference=texts["reference"],
        ),
        "at": clock.now(),
        **({"signed_by": signed} if signed else {}),
    }
    approval = cash_approval(asked, kind, values)
    if approval is not None:
        text = f"{approval.number} waits for approval: nothing has moved. It is carried out once it is approved."
        messages.warning(request, text)
        return HttpResponseRedirect(reverse("admin:payments_cash"))
    act = services.cash_take if kind == "deposit" else services.cash_pay
    payment = act(asked=asked, **values)
    return HttpResponseRedirect(reverse("admin:payments_receipt", args=[payment.id]))


def _confirm(
    request: HttpRequest,
    account: Account,
    kind: str,
    amount: Money,
    count: dict[str, int],
    texts: dict[str, str],
    context: dict[str, Any],
) -> HttpResponse:
    """The same once more in large letters; Enter does it, Escape goes back."""
    balance = balance_read(account_id=account.ledger_account_id)
    after = balance.booked + (amount.minor if kind == "deposit" else -amount.minor)
    context |= {
        "cash_account": account,
        "cash_flags": _flags(account, amount.currency),
        "cash_kind": kind,
        "cash_kind_title": KINDS[kind][1],
        "cash_amount": amount,
        "cash_after": after,
        "cash_count": _count_lines(count, amount.currency),
        "cash_texts": texts,
        "cash_sent": request.POST,
        "cash_signatories": [one for one in signatories_shown(account, request.POST) if one["ticked"]],
        "cash_pieces": pieces_shown(amount.currency, request.POST),
    }
    return TemplateResponse(request, "payments/cash_confirm.html", context)


def _count_lines(count: dict[str, int], currency: str) -> list[tuple[int, int, int]]:
    """(value, pieces, worth) of a count, largest first; minor units."""
    return [(value, count[str(value)], value * count[str(value)]) for value in sorted(map(int, count), reverse=True)]
