"""The tab that closes an account: what stands on it, and the form that settles and pays it out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from apps.accounts import actions, services
from apps.accounts.admin.accounts import AccountAdmin
from apps.accounts.admin.forms import account_read, text_read, version_read
from apps.accounts.closures import account_ties
from apps.accounts.models import Account, FeeCharge
from apps.accounts.selectors import interest_unpaid
from apps.approvals.services import request_submit
from apps.core import clock
from apps.core.display import money_text
from apps.core.errors import DomainError
from apps.core.record_pages import Tab, user_may
from apps.identity.guards import amount_check
from apps.ledger.selectors import business_date_current

CLOSE = "accounts.close"


def _context(request: HttpRequest, record: Account) -> dict[str, Any]:
    due = FeeCharge.objects.filter(account=record, status=FeeCharge.Status.DUE).aggregate(sum=Sum("amount"))["sum"]
    unpaid = interest_unpaid(account=record)
    balance = record.ledger_account.balance
    return {
        "closing_may": user_may(request, CLOSE) and record.status != Account.Status.CLOSED,
        "closing_facts": [
            ("Balance", money_text(balance.balance, record.currency, with_currency=True)),
            ("Held", money_text(balance.held, record.currency, with_currency=True)),
            ("Interest accrued, before tax", money_text(int(Decimal(unpaid)), record.currency, with_currency=True)),
            ("Fees due", money_text(due or 0, record.currency, with_currency=True)),
        ],
        "closing_ties": account_ties(record.pk),
    }


def account_close_view(admin: AccountAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """A POST of the tab's form: closes, or asks for approval where a policy wants it."""
    account = admin.record_get(request, object_id)
    if request.method != "POST" or not user_may(request, CLOSE):
        raise PermissionDenied
    try:
        messages.success(request, _closed(request, account))
    except DomainError as error:
        messages.error(request, str(error.detail or error.title))
    return HttpResponseRedirect(reverse("admin:accounts_account_closing", args=[account.pk]))


def _closed(request: HttpRequest, account: Account) -> str:
    user: Any = request.user
    version, reason = version_read(request), text_read(request, "reason")
    payout = account_read(request, "payout").pk if text_read(request, "payout") else None
    amount_check(user, CLOSE, actions.left_on(account), account.currency, at=clock.now())
    payload = actions.closure_payload(account=account, version=version, reason=reason, payout_to=payout)
    approval = request_submit(kind=actions.CLOSE, maker=user, payload=payload, at=clock.now())
    if approval is not None:
        return f"{approval.number} waits for approval: the account stays open until then."
    services.account_close(
        acting_user=user,
        account_id=account.pk,
        expected_version=version,
        reason=reason,
        closed_on=business_date_current(),
        at=clock.now(),
        payout_to=payout,
    )
    return "Closed."


CLOSING_TAB = Tab("closing", "Close", "accounts/closing.html", _context, CLOSE)
AccountAdmin.tab_add(CLOSING_TAB)
AccountAdmin.account_close_view = account_close_view
