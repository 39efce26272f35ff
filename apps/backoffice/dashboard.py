"""The first page: what the bank holds today and how it got there. A handful of queries, none of them over all lines."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from apps.accounts.figures import deposit_gl_codes
from apps.accounts.selectors import accounts_visible_to
from apps.core import clock
from apps.core.charts import Chart, Values, bars, line
from apps.core.currencies import currency_get
from apps.core.display import count_text, money_short, money_text
from apps.core.record_pages import user_may
from apps.ledger.admin.journal import amounts_of
from apps.ledger.admin.scope import branch_ids_of
from apps.ledger.figures import (
    MonthTotal,
    business_date_or_none,
    entries_of_day,
    entries_touching,
    month_totals,
    posted_entries,
)
from apps.ledger.selectors import TrialBalance, trial_balance
from apps.members.selectors import members_visible_to

MONTHS = 12
LATEST_ENTRIES = 8
CASH_CODES = frozenset({"1110", "1120"})  # vault and tills; what is in transit is in neither


def dashboard_context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's callback for the index page."""
    if not user_may(request, "backoffice.dashboard"):
        return {**context, "dash_denied": True}
    today = business_date_or_none()
    base = settings.NUMINA["BASE_CURRENCY"]
    branch_ids = branch_ids_of(request)
    context |= {"page_crumbs": [("Dashboard", "")], "dash_today": today, "dash_as_of": clock.now(), "dash_base": base}
    user: Any = request.user
    members = members_visible_to(user).order_by().count()
    if today is None:
        return {**context, "dash_empty": True}
    books = trial_balance(as_of=today, branch_ids=branch_ids)
    if not books.rows and not members:
        return {**context, "dash_empty": True}
    codes = deposit_gl_codes()
    since = _months_back(today, MONTHS - 1)
    before, months = month_totals(gl_codes=codes, currency=base, since=since, until=today, branch_ids=branch_ids)
    deposits = _deposits(books, codes)
    context |= {
        "dash_kpis": _kpis(request, today, base, branch_ids, books, deposits, members, before, months),
        "dash_charts": _charts(base, before, months),
        "dash_deposits": [(code, money_text(minor, code)) for code, minor in deposits],
        "dash_whole_bank": branch_ids is None,
        "dash_differences": {code: minor for code, minor in books.differences.items() if minor},
        "dash_entry": books.as_of_entry,
    }
    if user_may(request, "ledger.view"):
        entries = entries_touching(posted_entries(), branch_ids=branch_ids)[:LATEST_ENTRIES]
        context["dash_entries"] = [(entry, amounts_of(entry)) for entry in entries]
    return context


def _deposits(books: TrialBalance, codes: list[str]) -> list[tuple[str, int]]:
    sums: dict[str, int] = {}
    for row in books.rows:
        if row.code in codes:
            sums[row.currency] = sums.get(row.currency, 0) + row.net
    return sorted(sums.items())


def _kpis(
    request: HttpRequest,
    today: dt.date,
    base: str,
    branch_ids: list[UUID] | None,
    books: TrialBalance,
    deposits: list[tuple[str, int]],
    members: int,
    before: int,
    months: list[MonthTotal],
) -> list[dict[str, Any]]:
    user: Any = request.user
    accounts = accounts_visible_to(user).exclude(status="closed").order_by().count()
    held = dict(deposits).get(base, 0)
    cash = -sum(row.net for row in books.rows if row.code in CASH_CODES and row.currency == base)
    others = ", ".join(f"{code} {money_short(minor, code)}" for code, minor in deposits if code != base and minor)
    of_today = f"business_date_from={today}&business_date_to={today}"
    volume = _volume_today(today, base, branch_ids)
    count = entries_of_day(day=today, branch_ids=branch_ids)
    return [
        {
            "title": "Deposits",
            "value": f"{base} {money_short(held, base)}",
            "note": _growth(before, months),
            "more": others,
            "url": reverse("admin:ledger_trial_balance") if user_may(request, "ledger.view") else "",
        },
        {
            "title": "Cash in vault and tills",
            "value": f"{base} {money_short(cash, base)}",
            "note": ("", "at the end of the open day so far"),
        },
        {
            "title": "Members",
            "value": count_text(members),
            "note": ("", f"{count_text(accounts)} open accounts"),
            "url": reverse("admin:members_member_changelist") if user_may(request, "members.view") else "",
        },
        {
            "title": "Posted today",
            "value": count_text(count),
            "note": ("", f"{base} {money_short(volume, base)} moved"),
            "url": f"{reverse('admin:ledger_journalentry_changelist')}?{of_today}"
            if user_may(request, "ledger.view")
            else "",
        },
    ]


def _volume_today(today: dt.date, base: str, branch_ids: list[UUID] | None) -> int:
    rows = trial_balance(as_of=today, since=today, branch_ids=branch_ids, currency=base).rows
    return sum(row.turnover_debit for row in rows)


def _growth(before: int, months: list[MonthTotal]) -> tuple[str, str]:
    """This month's change of deposits against their height at the end of the last, with a direction for its colour."""
    if not months:
        return "", ""
    opening = before + sum(month.credit - month.debit for month in months[:-1])
    change = months[-1].credit - months[-1].debit
    if opening <= 0 or change == 0:
        return "", "no change this month so far"
    share = abs(change) * 100 / opening
    return ("up", f"+{share:.1f}% this month so far") if change > 0 else ("down", f"−{share:.1f}% this month so far")  # noqa: RUF001


def _charts(base: str, before: int, months: list[MonthTotal]) -> list[Chart]:
    scale = 10 ** currency_get(base).exponent
    labels = [f"{month.month:%b}" for month in months]
    height, heights = before, []
    for month in months:
        height += month.credit - month.debit
        heights.append(height)

    def texts(minors: list[int]) -> list[str]:
        return [f"{base} {money_short(minor, base)}" for minor in minors]

    paid_in, paid_out = [month.credit for month in months], [month.debit for month in months]
    return [
        bars(
            f"Paid in and paid out, {base}",
            labels,
            [
                Values("Paid in", "nm-series-1", [minor / scale for minor in paid_in], texts(paid_in)),
                Values("Paid out", "nm-series-2", [minor / scale for minor in paid_out], texts(paid_out)),
            ],
        ),
        line(
            f"Deposits at the end of the month, {base}",
            labels,
            Values("Deposits", "nm-series-1", [minor / scale for minor in heights], texts(heights)),
        ),
    ]


def _months_back(day: dt.date, months: int) -> dt.date:
    index = day.year * 12 + day.month - 1 - months
    return dt.date(index // 12, index % 12 + 1, 1)
