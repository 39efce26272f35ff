"""Account products that every installation starts with, with their first terms and fees."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models, transaction

from apps.accounts.models import AccountProduct
from apps.accounts.services import fee_add, terms_set
from apps.core.reference import LoadReport, rows_insert_missing
from apps.ledger.selectors import business_date_current

_NOT_COLUMNS = ("terms", "fees")


@transaction.atomic
def products_load(rows: list[dict[str, Any]]) -> LoadReport:
    """Insert missing products of fixtures/products.json; their currencies and GL accounts are loaded before.

    A new product gets the terms and fees of its row from the first day of the open business month on.
    """
    begins = business_date_current().replace(day=1)
    by_code = {row["code"]: row for row in rows}

    def added(product: models.Model) -> None:
        if not isinstance(product, AccountProduct):
            raise TypeError("not a product")
        row = by_code[product.code]
        if "terms" in row:
            rates = {name: Decimal(row["terms"][name]) for name in ("tax_rate", "early_rate") if name in row["terms"]}
            terms = {**row["terms"], **rates}
            terms_set(acting_user=None, product_id=product.pk, effective_from=begins, today=None, **terms)
        for fee in row.get("fees", []):
            percent = {"percent": Decimal(fee["percent"])} if "percent" in fee else {}
            fee_add(acting_user=None, product_id=product.pk, today=None, effective_from=begins, **{**fee, **percent})

    plain = [{name: value for name, value in row.items() if name not in _NOT_COLUMNS} for row in rows]
    references = {"currency": "code", "gl_account": "code"}
    return rows_insert_missing(AccountProduct, plain, references=references, added=added)
