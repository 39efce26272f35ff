"""Terms and a fee of a product that have not begun, for the walk over all operations."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.accounts.services import fee_add, terms_set
from apps.ledger.selectors import business_date_current

KES = {"amount": "1.00", "currency": "KES"}


def deposit_things(product: Any) -> tuple[dict[str, Any], dict[tuple[str, str], dict[str, Any]]]:
    """Ids by URL parameter, and bodies that are accepted."""
    today = business_date_current()
    later = today + dt.timedelta(days=30)
    terms = terms_set(acting_user=None, product_id=product.pk, effective_from=later, today=today, rates=[[0, "0.03"]])
    fee = fee_add(
        acting_user=None, product_id=product.pk, today=today, name="Fee", kind="monthly", amount=100,
        effective_from=later,
    )  # fmt: skip
    one = "account-products/{product_id}/"
    return {"terms_id": terms.pk, "fee_id": fee.pk}, {
        ("POST", one + "terms"): {
            "effective_from": (later + dt.timedelta(days=1)).isoformat(),
            "rates": [{"from_balance": {"amount": "0.00", "currency": "KES"}, "rate": "0.05"}],
            "note": "Higher",
        },
        ("POST", one + "fees"): {
            "kind": "monthly", "name": "Keeping", "amount": KES, "effective_from": later.isoformat(),
        },
        ("POST", one + "fees/{fee_id}/end"): {"effective_to": later.isoformat()},
    }  # fmt: skip
