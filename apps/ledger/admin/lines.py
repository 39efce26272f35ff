"""The list of an account's lines, for the pages of ledger accounts and of members' accounts."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest

from apps.core.currencies import currency_get
from apps.core.query_forms import QueryForm
from apps.core.record_pages import user_may
from apps.ledger.admin.journal import KindFilter
from apps.ledger.figures import LineFilter, account_lines

DIRECTIONS = {"in": "Paid in", "out": "Paid out"}
BANK_DIRECTIONS = {"in": "Credits", "out": "Debits"}


def lines_context(request: HttpRequest, *, account_id: int, currency: str, customer: bool) -> dict[str, Any]:
    """What templates/ledger/lines.html shows: a page of lines by the query string, the filter, and the pages around.

    A customer's list speaks of money in and out; the bank's own accounts of debits and credits.
    """
    form = QueryForm(request)
    exponent = currency_get(currency).exponent
    narrow = LineFilter(
        since=form.day("from", "From"),
        until=form.day("to", "To"),
        direction=form.choice("direction", DIRECTIONS),
        kind=form.choice("kind", KindFilter.kinds),
        low=form.amount("min", "Smallest amount", exponent),
        high=form.amount("max", "Largest amount", exponent),
        text=form.text("q"),
    )
    try:
        page = account_lines(
            account_id=account_id,
            narrow=narrow,
            after=form.text("after") or None,
            before=form.text("before") or None,
        )
    except ValueError as error:
        raise Http404 from error
    return {
        "lines_page": page,
        "lines_currency": currency,
        "lines_customer": customer,
        "lines_entries_open": user_may(request, "ledger.view"),
        "lines_kinds": [(kind, kind == narrow.kind) for kind in KindFilter.kinds],
        "lines_directions": [
            (code, words, code == narrow.direction)
            for code, words in (DIRECTIONS if customer else BANK_DIRECTIONS).items()
        ],
        "lines_query": {name: form.text(name) for name in ("from", "to", "min", "max", "q")},
        "lines_filtered": narrow != LineFilter(),
        "page_faults": form.faults,
    }
