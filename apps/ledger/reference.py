"""Currencies and the chart of accounts that every installation starts with."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from apps.core.reference import LoadReport, rows_insert_missing
from apps.ledger.models import Currency, GLAccount


@transaction.atomic
def currencies_load(rows: list[dict[str, Any]]) -> LoadReport:
    """Insert missing currencies of fixtures/currencies.json."""
    return rows_insert_missing(Currency, rows)


@transaction.atomic
def chart_load(rows: list[dict[str, Any]]) -> LoadReport:
    """Insert missing nodes of fixtures/chart_of_accounts.json, parents (shorter or smaller codes) first."""
    ordered = sorted(rows, key=lambda row: str(row["code"]))
    return rows_insert_missing(GLAccount, ordered, references={"parent": "code"})
