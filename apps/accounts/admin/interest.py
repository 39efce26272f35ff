"""The tab of an account's interest: each day's figure, the rule it follows and the rows it comes from."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.http import HttpRequest

from apps.accounts.admin.accounts import AccountAdmin
from apps.accounts.models import Account
from apps.accounts.selectors import formula_of, interest_explained, terms_of_account
from apps.calculations.rounding import decimal_text
from apps.core import clock
from apps.core.currencies import currency_get
from apps.core.errors import DomainError
from apps.core.query_forms import QueryForm
from apps.core.record_pages import Tab
from apps.ledger.figures import business_date_or_none

DAYS_SHOWN = 100


def _context(request: HttpRequest, record: Account) -> dict[str, Any]:
    form = QueryForm(request)
    today = business_date_or_none() or clock.now().date()
    since = form.day("from", "From") or today.replace(day=1)
    until = form.day("to", "To") or today
    context: dict[str, Any] = {
        "interest_since": since,
        "interest_until": until,
        "interest_terms": terms_of_account(account=record, day=today),
        "page_faults": form.faults,
    }
    try:
        found = interest_explained(account=record, starts_on=since, ends_on=until)
    except DomainError as error:
        form.faults.append(error.detail)
        return context
    shift = -currency_get(record.currency).exponent

    def units(minor: Decimal | int) -> str:
        return decimal_text(minor, shift=shift, places=8)

    days = [
        {"day": one, "formula": formula_of(one, record.currency), "interest": units(one.earned - one.owed)}
        for one in reversed(found.days[-DAYS_SHOWN:])
    ]
    return context | {
        "interest_found": found,
        "interest_days": days,
        "interest_more": len(found.days) > DAYS_SHOWN,
        "interest_sum": units(found.earned - found.owed),
        "interest_unpaid": units(found.unpaid),
        "interest_rules": [
            {"terms": terms, "told": told, "rates": _rates(terms.rates), "overdraft": _rates(terms.overdraft_rates)}
            for terms, told in found.conventions
        ],
    }


def _rates(rows: list[list[Any]]) -> list[tuple[int, str]]:
    """(from minor units, the rate in percent)."""
    return [(int(start), decimal_text(Decimal(str(rate)), shift=2)) for start, rate in rows]


INTEREST_TAB = Tab("interest", "Interest", "accounts/interest.html", _context)
AccountAdmin.tab_add(INTEREST_TAB)
