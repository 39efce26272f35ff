"""Control of spending: what an entry by hand, or a promise, would take is compared with what its budget leaves."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from apps.balances.services import ManualLine
from apps.budgets.errors import BudgetExceeded
from apps.budgets.locks import rules_lock
from apps.budgets.models import BudgetRule
from apps.budgets.selectors import Place, actuals, budget_active, committed, planned_of, rules_by_code
from apps.core.money import Money
from apps.ledger.selectors import gl_accounts_by_code

FLAG = "over budget"


def entry_check(lines: Sequence[ManualLine], day: dt.date, posting: bool) -> tuple[str, ...]:
    """What is wrong with an entry by hand of this day: a flag for each rule that warns. Raises `BudgetExceeded`.

    Called when the entry is asked for, again when it is decided, and in the transaction that posts it. There the rules
    are locked first, so that room that is there once is taken once, by entries and commitments alike.
    """
    takes: dict[tuple[UUID, str, str], int] = defaultdict(int)
    nodes = gl_accounts_by_code(codes={line.gl_code for line in lines})
    for line in lines:
        if line.gl_code in nodes and nodes[line.gl_code].type == "expense":
            takes[line.branch_id, line.gl_code, line.currency] -= line.amount
    more = {key: amount for key, amount in takes.items() if amount > 0}
    if not more:
        return ()
    rules = rules_by_code()
    if posting:
        rules_lock(ids=[rule.pk for _, code, _ in more if (rule := rules.get(code)) is not None])
    flags = [
        _check(rules.get(code), (branch, code), amount, currency, day)
        for (branch, code, currency), amount in sorted(more.items(), key=lambda item: (str(item[0][0]), item[0][1]))
    ]
    return tuple(dict.fromkeys(flag for flag in flags if flag))


def commitment_check(*, place: Place, amount: int, currency: str, day: dt.date) -> None:
    """Raises `BudgetExceeded` when a promise takes more than a budget that stops leaves. In its transaction."""
    rule = rules_by_code().get(place[1])
    if rule is not None:
        rules_lock(ids=[rule.pk])
    _check(rule, place, amount, currency, day)


def _check(rule: BudgetRule | None, place: Place, amount: int, currency: str, day: dt.date) -> str:
    if rule is None:
        return ""
    budget = budget_active(year=day.year, currency=currency)
    if budget is None:
        return ""
    first = day.replace(day=1) if rule.span == BudgetRule.Span.MONTH else day.replace(month=1, day=1)
    last = (day.replace(day=1) + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1)
    reach = {"first": first, "last": last, "currency": currency, "branch_ids": [place[0]]}
    planned = planned_of(budget=budget, place=place, first=first, last=last)
    used = actuals(**reach).get(place, 0) + committed(**reach).get(place, 0)  # type: ignore[arg-type]
    left = planned - used
    if amount <= left:
        return ""
    if rule.mode == BudgetRule.Mode.STOP:
        raise BudgetExceeded(
            f"{place[1]}: {Money(max(left, 0), currency)} of {Money(planned, currency)} are left for "
            f"{'the month' if rule.span == BudgetRule.Span.MONTH else 'the year so far'}.",
            pointer="/lines",
        )
    return FLAG
