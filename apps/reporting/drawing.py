"""Which statement is drawn how: its layout, its columns, and rates where other currencies are translated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any
from uuid import UUID

from apps.identity.models import Branch
from apps.reporting.models import StatementLayout, TranslationRate
from apps.reporting.statements import (
    BUILT_IN,
    DRAWN,
    Column,
    Definition,
    FinancialStatement,
    Rates,
    cash_flow_direct,
    columns_of,
)

BRANCH_COLUMNS_MAX = 40
MONTH_COLUMNS_MAX = 24
VARIANTS = {"two-step": "income-statement", "direct": "cash-flow"}
"""The other form of a statement: an income statement in two steps, a cash flow by the direct method."""


def layout_of(kind: str) -> Definition:
    """The layout that holds for a kind: the bank's own, or the built-in."""
    own = StatementLayout.objects.filter(kind=kind, is_active=True).values_list("definition", flat=True).first()
    return own if own is not None else BUILT_IN[kind]


def rates_known() -> Rates:
    """All rates of translation, by currency and day."""
    known: dict[str, list[tuple[dt.date, Fraction]]] = {}
    for currency, day, rate in TranslationRate.objects.order_by("day").values_list("currency", "day", "rate"):
        known.setdefault(currency, []).append((day, Fraction(rate)))
    return Rates(known)


def statement_draw(
    *,
    kind: str,
    since: dt.date,
    as_of: dt.date,
    currency: str,
    branch_ids: Sequence[UUID] | None,
    compares: bool = False,
    options: Mapping[str, Any] | None = None,
) -> FinancialStatement:
    """A statement. `options`: variant (two-step, direct), basis (translated: all currencies in `currency`, the bank's
    own), by (branch, month: a column for each branch or month beside the whole). Raises `TranslationRateMissing`.
    """
    chosen = options or {}
    variant = chosen.get("variant", "") if VARIANTS.get(chosen.get("variant", "")) == kind else ""
    columns = columns_of(since=since, as_of=as_of, compare=compares)
    if chosen.get("by") == "branch":
        columns = _by_branch(columns, branch_ids)
    elif chosen.get("by") == "month":
        columns = _by_month(since, as_of)
    draw = cash_flow_direct if variant == "direct" else DRAWN[kind]
    layout = None
    if kind != "changes-in-equity":
        layout = layout_of("income-statement-two-step" if variant == "two-step" else kind)
    rates = rates_known() if chosen.get("basis") == "translated" and variant != "direct" else None
    if rates is not None:
        columns = tuple(column for column in columns if column.branch_id is None)
    return draw(columns=columns, currency=currency, branch_ids=branch_ids, layout=layout, rates=rates)


def _by_branch(columns: tuple[Column, ...], branch_ids: Sequence[UUID] | None) -> tuple[Column, ...]:
    """The columns of the whole, then one a branch of each; the proof is of every column."""
    branches = Branch.objects.order_by("code")
    if branch_ids is not None:
        branches = branches.filter(pk__in=branch_ids)
    wholes = [replace(column, branch="Together") for column in columns]
    parts = [
        replace(column, branch_id=branch.pk, branch=branch.code)
        for branch in branches[:BRANCH_COLUMNS_MAX]
        for column in columns
    ]
    return (*wholes, *parts)


def _by_month(since: dt.date, as_of: dt.date) -> tuple[Column, ...]:
    """The whole period, then its months, the last 24 of them; the first and the last as far as the period goes."""
    months: list[Column] = []
    last = as_of
    while last >= since and len(months) < MONTH_COLUMNS_MAX:
        first = max(last.replace(day=1), since)
        months.append(Column(last, first, name=f"{last:%b %Y}"))
        last = last.replace(day=1) - dt.timedelta(days=1)
    return (Column(as_of, since), *reversed(months))
