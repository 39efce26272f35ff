"""Writing a version of a budget on the staff site: begin one, fill its sheet branch by branch, have it hold."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from apps.approvals.services import request_submit
from apps.budgets import selectors, services
from apps.budgets.actions import ACTIVATE, activation_payload
from apps.budgets.errors import BudgetNotFound
from apps.budgets.models import Budget
from apps.budgets.services import LinePlan
from apps.budgets.spreads import SPREADS
from apps.budgets.staff_forms import Sent, fault_text, nominal_accounts, page_of
from apps.core import clock
from apps.core.currencies import CURRENCIES, minor_format
from apps.core.errors import DomainError, InvalidRequest
from apps.core.record_pages import user_may
from apps.identity.models import Branch
from apps.ledger.admin.scope import branches_of
from apps.ledger.figures import business_date_or_none

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
BEGINNINGS = (
    ("empty", "Empty"),
    ("actuals", "What the year before came to"),
    ("budget", "A copy of another version"),
)
SPREAD_WORDS = {"even": "Evenly", "weeks": "By weeks, 4-4-5", "like_last_year": "As the year before went"}


def new_page(site: Any, request: HttpRequest) -> HttpResponse:
    """Begin a version: empty, from actuals, or as a copy; each month times a percentage."""
    if not user_may(request, "budgets.manage"):
        raise PermissionDenied
    sent, faults = Sent(request), []
    if request.method == "POST":
        try:
            budget = _begun(request, sent)
            messages.success(request, f"{budget} is begun. Write its lines; then have it hold.")
            return HttpResponseRedirect(reverse("admin:budgets_sheet", args=[budget.pk]))
        except DomainError as error:
            faults.append(fault_text(error))
    today = business_date_or_none()
    usual = {
        "year": str(today.year + 1 if today else ""), "currency": settings.NUMINA["BASE_CURRENCY"], "factor": "100",
        "begin": "budget" if request.GET.get("copy_of") else "empty", "copy_of": request.GET.get("copy_of", ""),
    }  # fmt: skip
    context = {
        "page_faults": faults,
        "plan_values": {
            name: sent.text(name) if request.method == "POST" else usual.get(name, "")
            for name in ("year", "currency", "title", "note", "begin", "copy_of", "factor")
        },
        "plan_beginnings": BEGINNINGS,
        "plan_versions": [(str(one.pk), str(one)) for one in selectors.budgets_all()[:100]],
    }
    return page_of(site, request, "New version", "budgets/new.html", context)


def _begun(request: HttpRequest, sent: Sent) -> Budget:
    user: Any = request.user
    begin = sent.choice("begin", "Begin with", dict(BEGINNINGS))
    title = sent.text("title", 120)
    if not title:
        raise InvalidRequest("Title: what the version is called, such as Plan of the board.", pointer="/title")
    return services.budget_draft(
        acting_user=user, year=sent.whole("year", "Year", 1950, 2200), title=title, note=sent.text("note"),
        currency=sent.choice("currency", "Currency", CURRENCIES), from_actuals=begin == "actuals",
        source=selectors.budget_get(pk=sent.key("copy_of", "Version")) if begin == "budget" else None,
        factor=sent.percent("factor", "Times") if begin != "empty" else Decimal(1), at=clock.now(),
    )  # fmt: skip


def sheet_page(site: Any, request: HttpRequest, budget_id: UUID) -> HttpResponse:
    """A branch's accounts by months. A draft takes amounts, spreads a year's, and is sent to hold from here."""
    if not user_may(request, "budgets.view"):
        raise PermissionDenied
    try:
        budget = selectors.budget_get(pk=budget_id)
    except BudgetNotFound as error:
        raise Http404 from error
    branches = branches_of(request)
    named = request.POST.get("branch", request.GET.get("branch", ""))
    branch = next((one for one in branches if one.code == named), branches[0] if branches else None)
    faults: list[str] = []
    sent = Sent(request)
    if request.method == "POST":
        if not user_may(request, "budgets.manage"):
            raise PermissionDenied
        try:
            messages.success(request, _done(request, sent, budget))
            where = reverse("admin:budgets_sheet", args=[budget.pk])
            return HttpResponseRedirect(f"{where}?branch={branch.code}" if branch else where)
        except DomainError as error:
            faults.append(fault_text(error))
    context = {
        "page_faults": faults,
        "budget": budget,
        "sheet_branches": branches,
        "sheet_branch": branch,
        "sheet_months": MONTHS,
        "sheet_may": budget.status == Budget.Status.DRAFT and user_may(request, "budgets.manage"),
        "sheet_may_copy": user_may(request, "budgets.manage"),
        "sheet_key": uuid4().hex,
        "sheet_accounts": nominal_accounts(),
        "sheet_spreads": list(SPREAD_WORDS.items()),
        "sheet_sent": {name: sent.text(name) for name in ("account", "amount", "spread")},
        **_sheet(budget, branch, sent if faults and sent.text("act") == "save" else None),
    }
    return page_of(site, request, str(budget), "budgets/sheet.html", context)


def _sheet(budget: Budget, branch: Branch | None, sent: Sent | None) -> dict[str, Any]:
    """The rows of a branch with what is typed or kept, the year before beside them, and sums by month."""
    rows: dict[str, dict[str, Any]] = {}
    kept: dict[str, list[int]] = defaultdict(lambda: [0] * 12)
    if branch is not None:
        for line in budget.lines.filter(branch=branch).select_related("gl_account").order_by("gl_account__code"):
            node = line.gl_account
            rows.setdefault(node.code, {"code": node.code, "name": node.name, "type": node.type})
            kept[node.code][line.month.month - 1] = line.amount
    before = _year_before(budget, branch)
    sums = {"income": [0] * 12, "expense": [0] * 12}
    for code, row in rows.items():
        amounts = kept[code]
        row["cells"] = [
            (month, sent.text(_cell(code, month), 30) if sent else _shown(amount, budget.currency))
            for month, amount in enumerate(amounts, 1)
        ]
        row["total"], row["before"] = sum(amounts), before.get(code, 0)
        for place, amount in enumerate(amounts):
            sums[row["type"]][place] += amount
    result = [one - other for one, other in zip(sums["income"], sums["expense"], strict=True)]
    totals = [("Income", sums["income"]), ("Expenses", sums["expense"]), ("Result", result)]
    return {
        "sheet_rows": list(rows.values()),
        "sheet_totals": [(label, months, sum(months)) for label, months in totals] if rows else [],
    }


def _year_before(budget: Budget, branch: Branch | None) -> dict[str, int]:
    """What accounts of the branch came to in the year before, each on its own side."""
    if branch is None:
        return {}
    first, last = dt.date(budget.year - 1, 1, 1), dt.date(budget.year - 1, 12, 31)
    found = selectors.actuals(first=first, last=last, currency=budget.currency, branch_ids=[branch.pk])
    return {code: amount for (_, code), amount in found.items()}


def _cell(code: str, month: int) -> str:
    return f"m-{code}-{month}"


def _shown(amount: int, currency: str) -> str:
    return minor_format(amount, currency) if amount else ""


def _done(request: HttpRequest, sent: Sent, budget: Budget) -> str:
    """What the sent form asks for; a sentence of what came of it."""
    user: Any = request.user
    act = sent.choice("act", "Act", ("save", "spread", "hold"))
    version = sent.whole("version", "Version", 1, 999_999_999)
    if act == "hold":
        return _held(user, budget, sent.text("key", 64))
    branch = sent.branch()
    if act == "spread":
        code = sent.choice("account", "Account", {one.code for one in nominal_accounts()})
        amount = sent.amount("amount", "Amount of the year", budget.currency)
        how = sent.choice("spread", "Spread", SPREADS)
        plans = [LinePlan(branch, code, amount, spread=how)]
    else:
        rows = budget.lines.filter(branch=branch).order_by().values_list("gl_account__code", flat=True).distinct()
        plans = [
            LinePlan(branch, code, sent.amount(_cell(code, month), f"{code}, {name}", budget.currency), month)
            for code in rows
            for month, name in enumerate(MONTHS, 1)
            if _cell(code, month) in sent.values
        ]
    if not plans:
        raise InvalidRequest("There is nothing to save yet: add an account with a year's amount first.")
    services.budget_lines_set(acting_user=user, budget=budget, lines=plans, version=version, at=clock.now())
    return "Spread over the months." if act == "spread" else "Saved."


def _held(user: Any, budget: Budget, key: str) -> str:
    approval = request_submit(
        kind=ACTIVATE, maker=user, payload=activation_payload(budget), at=clock.now(), key=f"page:{key}" if key else ""
    )
    if approval is not None:
        return "Sent for approval. It holds as soon as it is approved; changed meanwhile, it has to be sent again."
    services.budget_activate_now(acting_user=user, budget=budget, at=clock.now())
    return "It holds from now on, in place of the version before."
