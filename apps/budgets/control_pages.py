"""Control of spending on the staff site: rules, cost centres and commitments, each written by a short form."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from apps.budgets import selectors, services
from apps.budgets.errors import CommitmentNotFound
from apps.budgets.models import BudgetRule, Commitment, CostCentre
from apps.budgets.staff_forms import Sent, fault_text, nominal_accounts, page_of
from apps.core import clock
from apps.core.currencies import CURRENCIES
from apps.core.errors import DomainError, InvalidRequest
from apps.core.record_pages import user_may
from apps.identity.models import Branch
from apps.ledger.admin.scope import branches_of
from apps.ledger.figures import business_date_or_none

MANAGE = "budgets.manage"
BLANK_PLACES = 4
"""Empty rows for places at the end of a cost centre's form."""


def rules_page(site: Any, request: HttpRequest) -> HttpResponse:
    """What happens beyond a budget, account by account; a form sets a rule or takes it away."""
    if not user_may(request, "budgets.view"):
        raise PermissionDenied
    sent, faults, user = Sent(request), [], request.user
    accounts = nominal_accounts("expense", with_headers=True)
    if request.method == "POST":
        if not user_may(request, MANAGE):
            raise PermissionDenied
        try:
            code = sent.choice("account", "Account", {one.code for one in accounts})
            mode = sent.choice("mode", "Beyond the budget", ("none", *BudgetRule.Mode.values))
            services.rule_set(
                acting_user=user, code=code, mode=mode, span=sent.choice("span", "Compare", BudgetRule.Span.values),  # type: ignore[arg-type]
                alert_percent=sent.whole("alert_percent", "Tell from", 1, 100), at=clock.now(),
            )  # fmt: skip
            done = "no rule of its own any more" if mode == "none" else "the rule holds"
            messages.success(request, f"{code}: {done}.")
            return HttpResponseRedirect(reverse("admin:budgets_rules"))
        except DomainError as error:
            faults.append(fault_text(error))
    usual = {"mode": "warn", "span": "month", "alert_percent": "90"}
    context = {
        "page_faults": faults,
        "rule_rows": list(selectors.rules_all()),
        "rule_accounts": accounts,
        "rule_modes": [*BudgetRule.Mode.choices, ("none", "No rule of its own")],
        "rule_spans": BudgetRule.Span.choices,
        "rule_may": user_may(request, MANAGE),
        "rule_values": {
            name: sent.text(name, 20) if faults else request.GET.get(name, usual.get(name, ""))
            for name in ("account", "mode", "span", "alert_percent")
        },
    }
    return page_of(site, request, "Budget rules", "budgets/rules.html", context)


def centre_page(site: Any, request: HttpRequest, centre_id: UUID | None = None) -> HttpResponse:
    """A cost centre with its places: a new one, or one that is changed. Places that are left empty are taken away."""
    if not user_may(request, MANAGE):
        raise PermissionDenied
    centre = None
    if centre_id is not None:
        centre = CostCentre.objects.filter(pk=centre_id).first()
        if centre is None:
            raise Http404
    branches, sent, faults, user = branches_of(request), Sent(request), [], request.user
    if request.method == "POST":
        try:
            kept = services.cost_centre_set(
                acting_user=user, code=centre.code if centre else _code(sent), name=_name(sent),  # type: ignore[arg-type]
                places=_places(request, branches), at=clock.now(),
            )  # fmt: skip
            messages.success(request, f"{kept} is kept.")
            return HttpResponseRedirect(reverse("admin:budgets_costcentre_change", args=[kept.pk]))
        except DomainError as error:
            faults.append(fault_text(error))
    if faults:
        rows = list(zip(request.POST.getlist("account"), request.POST.getlist("branch"), strict=False))
    elif centre:
        places = centre.places.select_related("gl_account", "branch")
        rows = [(one.gl_account.code, one.branch.code if one.branch else "") for one in places]
    else:
        rows = []
    context = {
        "page_faults": faults,
        "centre": centre,
        "centre_code": sent.text("code", 20) if faults else "",
        "centre_name": sent.text("name", 120) if faults else centre.name if centre else "",
        "centre_rows": rows + [("", "")] * BLANK_PLACES,
        "centre_accounts": nominal_accounts(with_headers=True),
        "centre_branches": branches,
    }
    above = ("Cost centres", reverse("admin:budgets_costcentre_changelist"))
    return page_of(site, request, str(centre) if centre else "New cost centre", "budgets/centre.html", context, above)


def _code(sent: Sent) -> str:
    code = sent.text("code", 20).upper()
    if not code:
        raise InvalidRequest("Code: a short name such as IT.", pointer="/code")
    if CostCentre.objects.filter(code=code).exists():
        raise InvalidRequest("There is a cost centre of this code: change that one.", pointer="/code")
    return code


def _name(sent: Sent) -> str:
    name = sent.text("name", 120)
    if not name:
        raise InvalidRequest("Name: what the cost centre is called.", pointer="/name")
    return name


def _places(request: HttpRequest, branches: list[Branch]) -> list[tuple[Branch | None, str]]:
    known = {one.code: one for one in branches}
    pairs = zip(request.POST.getlist("account"), request.POST.getlist("branch"), strict=False)
    places = [(branch, code[:20]) for code, branch in pairs if code]
    for branch, code in places:
        if branch and branch not in known:
            raise InvalidRequest(f"{code}: choose a branch from the list, or every branch.", pointer="/branch")
    return [(known.get(branch), code) for branch, code in places]


def commitment_page(site: Any, request: HttpRequest) -> HttpResponse:
    """Promise money of a budget: a purchase order, a contract. Checked as an entry is."""
    if not user_may(request, MANAGE):
        raise PermissionDenied
    sent, faults, user = Sent(request), [], request.user
    accounts, today = nominal_accounts("expense"), business_date_or_none()
    if request.method == "POST":
        try:
            made = _promised(user, sent, {one.code for one in accounts})
            messages.success(request, f"{made.reference} is promised.")
            return HttpResponseRedirect(reverse("admin:budgets_commitment_change", args=[made.pk]))
        except DomainError as error:
            faults.append(fault_text(error))
    usual = {"currency": settings.NUMINA["BASE_CURRENCY"], "month": today.strftime("%Y-%m") if today else ""}
    names = ("reference", "description", "branch", "account", "month", "amount", "currency")
    context = {
        "page_faults": faults,
        "promise": {name: sent.text(name, 200) if faults else usual.get(name, "") for name in names},
        "promise_branches": branches_of(request),
        "promise_accounts": accounts,
    }
    above = ("Commitments", reverse("admin:budgets_commitment_changelist"))
    return page_of(site, request, "New commitment", "budgets/commitment.html", context, above)


def _promised(user: Any, sent: Sent, codes: set[str]) -> Commitment:
    reference = sent.text("reference", 64)
    if not reference:
        raise InvalidRequest("Reference: the number of the order or contract.", pointer="/reference")
    currency = sent.choice("currency", "Currency", CURRENCIES)
    return services.commitment_create(
        acting_user=user, branch=sent.branch(), code=sent.choice("account", "Account", codes),
        month=sent.month("month"), amount=sent.amount("amount", "Amount", currency, positive=True), currency=currency,
        reference=reference, description=sent.text("description", 200), at=clock.now(),
    )  # fmt: skip


def commitment_end_page(site: Any, request: HttpRequest, commitment_id: UUID) -> HttpResponse:
    """Say that a commitment was spent, or release it; then back to its page."""
    if request.method != "POST" or not user_may(request, MANAGE):
        raise PermissionDenied
    user: Any = request.user
    try:
        found = selectors.commitment_get_for(user=user, pk=commitment_id)
    except CommitmentNotFound as error:
        raise Http404 from error
    try:
        status = Sent(request).choice("status", "End", (Commitment.Status.SPENT, Commitment.Status.RELEASED))
        services.commitment_end(acting_user=user, commitment=found, status=status, at=clock.now())
        messages.success(request, f"{found.reference} is {status}: its money is free in the budget again.")
    except DomainError as error:
        messages.error(request, fault_text(error))
    return HttpResponseRedirect(reverse("admin:budgets_commitment_change", args=[commitment_id]))
