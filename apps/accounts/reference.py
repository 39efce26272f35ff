"""Account products that every installation starts with."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from apps.accounts.models import AccountProduct
from apps.core.reference import LoadReport, rows_insert_missing


@transaction.atomic
def products_load(rows: list[dict[str, Any]]) -> LoadReport:
    """Insert missing products of fixtures/products.json; their currencies and GL accounts are loaded before."""
    return rows_insert_missing(AccountProduct, rows, references={"currency": "code", "gl_account": "code"})
