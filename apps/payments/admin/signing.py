"""Signatures on the staff site: who signed at the counter, and a tab of each account with what waits for signatures."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest

from apps.accounts.admin import AccountAdmin
from apps.accounts.models import Account, MandateRule
from apps.accounts.selectors import mandate_rules, signatories_of
from apps.core.errors import InvalidRequest
from apps.core.record_pages import Tab
from apps.ledger.selectors import business_date_current
from apps.payments.selectors import pendings_visible_to, signatures_on

CHIPS = {"waiting": "warn", "done": "good", "failed": "bad", "refused": "bad", "cancelled": "plain", "expired": "plain"}
ROWS_SHOWN = 50


def signatories_shown(account: Account, sent: Any) -> list[dict[str, Any]]:
    """Who may sign, with those ticked before; none where each signatory acts alone for any amount."""
    rules = mandate_rules(account_id=account.pk, on=business_date_current())
    if not rules.exclude(rule=MandateRule.Rule.ANY).exists():
        return []
    ticked = set(sent.getlist("signed"))
    return [
        {"id": one.member_id, "name": one.name, "role": one.role, "ticked": str(one.member_id) in ticked}
        for one in signatories_of(account_id=account.pk)
    ]


def signed_read(request: HttpRequest) -> list[UUID]:
    """The members ticked as having signed. Raises InvalidRequest."""
    try:
        return sorted({UUID(text) for text in request.POST.getlist("signed")})
    except ValueError as error:
        raise InvalidRequest("Choose who signed from the list.") from error


def _tab(request: HttpRequest, record: Account) -> dict[str, Any]:
    user: Any = request.user
    pending = pendings_visible_to(user).filter(account=record.pk).prefetch_related("signatures__member")
    return {
        "signing_pending": [(one, CHIPS[one.status]) for one in pending[:ROWS_SHOWN]],
        "signing_rows": list(signatures_on(account_id=record.pk)[:ROWS_SHOWN]),
    }


AccountAdmin.tab_add(Tab("signatures", "Signatures", "payments/signatures_tab.html", _tab))
