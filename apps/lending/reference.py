"""Loan products that every installation starts with."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db import transaction

from apps.core.currencies import currency_get
from apps.core.money import amount_parse
from apps.core.reference import LoadReport
from apps.lending.models import LoanProduct
from apps.lending.services import TermsAsked, product_create

_DOCUMENTS = ("conventions", "servicing", "fees", "penalties", "requirements", "arrears")


@transaction.atomic
def loan_products_load(rows: list[dict[str, Any]]) -> LoadReport:
    """Insert missing products of fixtures/loan_products.json with their terms; the chart is loaded before."""
    report = LoadReport()
    known = set(LoanProduct.objects.values_list("code", flat=True))
    for row in rows:
        if row["code"] in known:
            report.present += 1
            continue
        facts = {name: value for name, value in row.items() if name != "terms"}
        product_create(acting_user=None, terms=_terms(row["terms"], row["currency"]), **facts)
        report.added.append(row["code"])
    return report


def _terms(row: dict[str, Any], currency: str) -> TermsAsked:
    exponent = currency_get(currency).exponent
    return TermsAsked(
        effective_from=dt.date.fromisoformat(row["effective_from"]),
        principal_min=amount_parse(row["principal_min"], exponent),
        principal_max=amount_parse(row["principal_max"], exponent),
        instalments_min=row["instalments_min"],
        instalments_max=row["instalments_max"],
        rate=Decimal(row["rate"]),
        rate_min=Decimal(row["rate_min"]),
        rate_max=Decimal(row["rate_max"]),
        **{name: row[name] for name in _DOCUMENTS if name in row},
    )
