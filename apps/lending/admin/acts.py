"""One page for every event of a loan: the form, the preview of what it would do, and doing exactly that."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.approvals.services import request_submit
from apps.core import clock
from apps.core.currencies import currency_get
from apps.core.display import money_text
from apps.core.errors import DomainError, InvalidRequest
from apps.core.money import amount_parse
from apps.core.query_forms import day_typed
from apps.core.record_pages import user_may
from apps.core.text import ungrouped
from apps.identity.guards import amount_check
from apps.ledger.selectors import business_date_current
from apps.lending import services
from apps.lending.actions import act_kind, act_payload, act_size
from apps.lending.admin.forms import percent_of
from apps.lending.models import Loan
from apps.lending.selectors import loan_get_for, servicing_of, to_pay_out
from apps.lending.services import Act, Asked, Money

ACTIVE, APPROVED, WRITTEN_OFF = Loan.Status.ACTIVE, Loan.Status.APPROVED, Loan.Status.WRITTEN_OFF
# Kind: title, icon, permission, states in which it is offered, fields beside amount and reason.
KINDS: dict[str, tuple[str, str, str, tuple[str, ...], tuple[str, ...]]] = {
    "repayment": ("Take a payment", "payments", "lending.repay", (ACTIVE,), ("money", "strategy")),
    "payoff": ("Close early", "task_alt", "lending.repay", (ACTIVE,), ("money", "discount")),
    "disbursement": ("Pay out", "send_money", "lending.disburse", (APPROVED, ACTIVE), ("money",)),
    "charge": ("Charge", "add_card", "lending.change", (ACTIVE,), ("penalty",)),
    "waiver": ("Waive", "money_off", "lending.change", (ACTIVE,), ("component",)),
    "reschedule": ("Reschedule", "event_repeat", "lending.change", (ACTIVE,), ("extra", "dates")),
    "rate_change": ("Change the rate", "percent", "lending.change", (ACTIVE,), ("rate",)),
    "moratorium": ("Moratorium", "pause_circle", "lending.change", (ACTIVE,), ("periods",)),
    "top_up": ("Top up", "add_circle", "lending.disburse", (ACTIVE,), ("money", "extra")),
    "write_off": ("Write off", "delete_forever", "lending.write_off", (ACTIVE,), ()),
    "recovery": ("Take a recovery", "undo", "lending.repay", (WRITTEN_OFF,), ("money",)),
}
MOVES_NONE = ("reschedule", "rate_change", "moratorium", "write_off")
INTEREST_IN_MORATORIUM = (("deferred", "Deferred"), ("forgiven", "Forgiven"), ("paid", "Paid as before"))
STRATEGIES = (
    ("", "Pays what is due, then ahead"), ("lower_instalment", "Early: lower instalments"),
    ("shorten_term", "Early: shorter term"), ("next_instalments", "Early: the next instalments"),
)  # fmt: skip
ROLES = {
    "money": "Money", "principal": "Principal of the loan", "interest": "Interest of the loan",
    "charges": "Charges of the loan", "suspense": "Interest in suspense", "interest_income": "Interest income",
    "fee_income": "Fee income", "penalty_income": "Penalty income", "waivers": "Waivers", "write_off": "Loss",
    "recovery": "Recoveries", "overpaid": "To the member's account", "allowance_1": "Allowance, stage 1",
    "allowance_2": "Allowance, stage 2", "allowance_3": "Allowance, stage 3",
}  # fmt: skip


def kinds_open(request: HttpRequest, loan: Loan) -> list[tuple[str, str, str]]:
    """What the user may do to the loan as it is: (kind, title, icon), the usual one first."""
    return [
        (kind, title, icon)
        for kind, (title, icon, permission, states, _) in KINDS.items()
        if loan.status in states and user_may(request, permission)
        if kind != "disbursement" or to_pay_out(loan)
    ]


def act_page(site: Any, request: HttpRequest, loan_id: uuid.UUID, kind: str) -> HttpResponse:
    """The form; with POST the preview, and with `step=post` the event itself, once for the form's key."""
    user: Any = request.user
    if kind not in KINDS or not user_may(request, KINDS[kind][2]):
        raise PermissionDenied
    try:
        loan = loan_get_for(user=user, pk=loan_id)
    except DomainError as error:
        raise Http404 from error
    context: dict[str, Any] = {"act_sent": request.POST, "page_faults": []}
    if request.method == "POST" and request.POST.get("step") != "edit":
        try:
            act = _act(request, loan, kind)
            if request.POST.get("step") == "post":
                messages.success(request, _carry_out(request, loan, act))
                return HttpResponseRedirect(reverse("admin:lending_loan_transactions", args=[loan.pk]))
            context |= _preview(user, loan, act)
        except DomainError as error:
            context["page_faults"] = [str(error.detail or error.title)]
    if kind == "payoff" and loan.status == ACTIVE:
        context["act_quote"] = services.payoff_quote_of(servicing=servicing_of(loan.pk), date=business_date_current())
    request.current_app = site.name
    page = {
        **site.each_context(request),
        "title": f"{KINDS[kind][0]} · {loan.number}",
        "page_crumbs": [
            ("Loans", reverse("admin:lending_loan_changelist")),
            (loan.number, reverse("admin:lending_loan_change", args=[loan.pk])),
            (KINDS[kind][0], ""),
        ],
        "act_loan": loan,
        "act_kind": kind,
        "act_title": KINDS[kind][0],
        "act_fields": KINDS[kind][4],
        "act_amount": kind not in MOVES_NONE,
        "act_strategies": STRATEGIES,
        "act_interest": INTEREST_IN_MORATORIUM,
        "act_channels": services.CHANNEL_NAMES,
        "act_key": request.POST.get("key", "")[:64] or uuid.uuid4().hex,
        **context,
    }
    return TemplateResponse(request, "lending/act.html", page)


def _act(request: HttpRequest, loan: Loan, kind: str) -> Act:
    """What the form asks for. Raises DomainErrors for what cannot be read."""
    sent, exponent = request.POST, currency_get(loan.currency).exponent

    def text(name: str, most: int = 200) -> str:
        return sent.get(name, "").replace("\x00", "").strip()[:most]

    def amount(name: str) -> int:
        raw = ungrouped(text(name, 30))
        return amount_parse(raw, exponent, pointer=f"/{name}") if raw else 0

    def day(name: str, words: str) -> dt.date | None:
        raw = text(name, 10)
        try:
            return day_typed(raw) if raw else None
        except ValueError as error:
            raise InvalidRequest(f"{words}: a date such as 2026-11-21.", pointer=f"/{name}") from error

    way = text("way", 40)
    account = text("account", 40) if way == "account" else ""
    money = Money(
        amount("amount"), account=account or None, channel=way if way in services.CHANNEL_NAMES else None,
        value_date=day("value_date", "Value date"), reference=text("reference", 64),
    )  # fmt: skip
    details: dict[str, Any] = {}
    if kind == "charge":
        details["penalty"] = bool(sent.get("penalty"))
    elif kind == "waiver":
        details["component"] = text("component", 20)
    elif kind == "reschedule" and (first_due := day("first_due", "First due date")):
        details |= {
            "first_due": first_due.isoformat(), "instalments": _whole(text("instalments", 4), "Instalments from then")
        }  # fmt: skip
    elif kind in ("reschedule", "top_up"):
        details["extra_instalments"] = _whole(text("extra", 4), "More instalments")
    elif kind == "rate_change":
        details["rate"] = _rate(text("rate", 12))
    elif kind == "moratorium":
        details |= {"periods": _whole(text("periods", 4), "Instalments left out"), "interest": text("interest", 10)}
    return Act(kind, money, text("strategy", 30), amount("discount"), details, text("reason"))


def _whole(raw: str, name: str) -> int:
    if not (raw.isascii() and raw.isdigit()):
        raise InvalidRequest(f"{name}: a whole number.")
    return int(raw)


def _rate(raw: str) -> str:
    return f"{percent_of(raw, 'rate'):f}"


def _carry_out(request: HttpRequest, loan: Loan, act: Act) -> str:
    """Do it, or hand it to the approvals where a policy asks for that. Raises DomainErrors."""
    user: Any = request.user
    key = request.POST.get("key", "").replace("\x00", "")[:64]
    if not key:
        raise InvalidRequest("The form has no key.")
    fingerprint = hashlib.sha256(f"{loan.pk}:{act.payload()}".encode()).digest()
    asked = Asked(user, f"page:{key}", fingerprint)
    permission, kind, at = KINDS[act.kind][2], act_kind(act), clock.now()
    amount_check(user, permission, act_size(loan, act), loan.currency, at=at)
    if kind:
        payload = act_payload(asked=asked, loan=loan, act=act)
        approval = request_submit(kind=kind, maker=user, payload=payload, at=at, key=asked.key)
        if approval is not None:
            return "It waits for approval now; you will hear of the decision."
    services.act_carry_out(asked=asked, loan_id=loan.pk, act=act, at=at)
    return f"{KINDS[act.kind][0]}: done."


def _preview(user: Any, loan: Loan, act: Act) -> dict[str, Any]:
    """What would happen: entry, what is owed before and after, the rows that change. Raises DomainErrors."""
    servicing = servicing_of(loan.pk)
    plan = services.act_plan(servicing=servicing, today=business_date_current(), user=user, act=act)
    held = services.books_held(servicing=servicing)
    before = {row.number: row for row in servicing.rows}
    rows = []
    for one in plan.after.rows:
        new, old = services.row_values(one=one), before.get(one.row.number)
        is_new = old is None or any(getattr(old, name) != value for name, value in new.items() if name != "number")
        if is_new:
            rows.append({"new": one, "old": old, "left": one.left, "old_left": old.left if old else None})
    return {
        "act_previewed": True,
        "act_legs": [
            (ROLES.get(leg.role, leg.role), max(-leg.amount, 0), max(leg.amount, 0)) for leg in plan.legs if leg.amount
        ],
        "act_changes": [
            (name, money_text(one, loan.currency), money_text(other, loan.currency))
            for name, one, other in (
                ("Principal owed", held.principal, plan.books.principal),
                ("Interest owed", held.interest, plan.books.interest),
                ("Fees and penalties owed", held.charges, plan.books.charges),
            )
        ],
        "act_rows": rows[:60],
        "act_needs_approval": bool(act_kind(act)),
    }
