"""Chart nodes and currencies as the reference data has them, for tests that need some of them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from apps.core.currencies import currency_get
from apps.ledger.models import Currency, GLAccount

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


@cache
def _chart() -> dict[str, dict[str, Any]]:
    rows = json.loads((FIXTURES / "chart_of_accounts.json").read_text())
    return {row["code"]: row for row in rows}


def gl_account_ready(code: str) -> GLAccount:
    """The chart node with this code of the reference chart, and those above it."""
    found = GLAccount.objects.filter(code=code).first()
    if found is None:
        row = dict(_chart()[code])
        parent = row.pop("parent")
        found = GLAccount.objects.create(parent=gl_account_ready(parent) if parent else None, **row)
    return found


def currency_ready(code: str) -> Currency:
    """The currency, known to the books."""
    known = currency_get(code)
    return Currency.objects.get_or_create(pk=code, defaults={"exponent": known.exponent, "name": known.name})[0]
