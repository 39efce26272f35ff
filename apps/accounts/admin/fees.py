"""The tab of an account's fees: what was charged, what is due, and a form to let one go."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse

from apps.accounts import fee_actions
from apps.accounts.admin.accounts import AccountAdmin
from apps.accounts.models import Account
from apps.accounts.selectors import fee_charge_get, fee_charges_of
from apps.accounts.services import fee_waive
from apps.approvals.services import request_submit
from apps.core import clock
from apps.core.errors import DomainError, InvalidRequest
from apps.core.record_pages import Tab, user_may
from apps.identity.guards import amount_check

ROWS_MAX = 100


def _context(request: HttpRequest, record: Account) -> dict[str, Any]:
    return {
        "fee_charges": fee_charges_of(record)[:ROWS_MAX],
        "fee_may_waive": user_may(request, fee_actions.WAIVE),
    }


def fee_waive_view(admin: AccountAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """A POST of the tab's form: waives, or asks for approval where a policy wants it."""
    account = admin.record_get(request, object_id)
    if not user_may(request, fee_actions.WAIVE):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        messages.success(request, _waived(request, account))
    except DomainError as error:
        messages.error(request, error.detail)
    return HttpResponseRedirect(reverse("admin:accounts_account_fees", args=[account.pk]))


def _waived(request: HttpRequest, account: Account) -> str:
    user: Any = request.user
    number, reason = request.POST.get("fee", ""), request.POST.get("reason", "")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise InvalidRequest("There is no such fee.")
    charge = fee_charge_get(account=account, pk=int(number))
    if not reason.strip():
        raise InvalidRequest("Say why the fee is let go.", pointer="/reason")
    amount_check(user, fee_actions.WAIVE, charge.amount, account.currency, at=clock.now())
    payload = fee_actions.waiver_payload(account=account, charge=charge, reason=reason)
    approval = request_submit(kind=fee_actions.WAIVER, maker=user, payload=payload, at=clock.now())
    if approval is not None:
        return f"{approval.number} waits for approval now; you will hear of the decision."
    fee_waive(acting_user=user, account_id=account.pk, charge_id=charge.pk, reason=reason)
    return f"{charge.fee.name} is waived."


FEES_TAB = Tab("fees", "Fees", "accounts/fees.html", _context)
AccountAdmin.tab_add(FEES_TAB)
AccountAdmin.fee_waive_view = fee_waive_view
