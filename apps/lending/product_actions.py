"""Changes of loan products that may need approval: rates, limits and all other terms. Loaded when Django starts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from apps.approvals.differences import facts_changes, json_kept, json_read, tried
from apps.approvals.models import ApprovalRequest
from apps.approvals.registry import Action, Execution, Payload, Preview, Result, action_register
from apps.approvals.services import request_submit
from apps.calculations.rounding import decimal_text
from apps.core.display import money_text
from apps.ledger.selectors import business_date_current
from apps.lending import services
from apps.lending.models import LoanProduct
from apps.lending.selectors import product_facts, product_get_for, terms_facts

if TYPE_CHECKING:
    from apps.identity.models import User

CHANGE = "lending.product_change"
TITLES = {"terms_add": "New terms", "product_update": "Change"}
DATES = frozenset({"effective_from"})
DECIMALS = frozenset({"rate", "rate_min", "rate_max"})


def product_change(
    *, maker: User, product: LoanProduct, do: str, values: Mapping[str, Any], at: dt.datetime
) -> tuple[ApprovalRequest | None, Any]:
    """Make a change, or ask for approval of it where a policy wants that: (the request or None, what was made).

    `do` is terms_add, with the fields of `TermsAsked`, or product_update, with what that service takes. Raises as
    `request_submit` and the services.
    """
    payload = {"product_id": str(product.pk), "do": do, "values": json_kept(values)}
    approval = request_submit(kind=CHANGE, maker=maker, payload=payload, at=at)
    return approval, None if approval is not None else _make(maker, product.pk, do, values)


def _make(maker: User, product_id: UUID, do: str, values: Mapping[str, Any]) -> Any:
    if do == "product_update":
        return services.product_update(acting_user=maker, product_id=product_id, **values)
    terms = services.TermsAsked(**values)
    return services.terms_add(
        acting_user=maker, product_id=product_id, terms=terms, business_date=business_date_current()
    )


def _change(maker: User, payload: Payload) -> Any:
    values = json_read(payload["values"], dates=DATES, decimals=DECIMALS)
    return _make(maker, UUID(payload["product_id"]), payload["do"], values)


def _validate(maker: User, payload: Payload) -> None:
    tried(lambda: _change(maker, payload))


def _preview(maker: User, payload: Payload) -> Preview:
    product = product_get_for(user=maker, pk=UUID(payload["product_id"]))
    made = tried(lambda: _change(maker, payload))
    if payload["do"] == "product_update":
        before, after = product_facts(product), product_facts(made)
    else:
        newest = product.terms.order_by("-effective_from").first()
        before, after = terms_facts(newest) if newest else {}, terms_facts(made)

    def show(name: str, value: Any) -> str:
        return _shown(name, value, product.currency_id)

    return Preview(
        title=f"{TITLES[payload['do']]}: {product.name}",
        changes=facts_changes(before, after, show=show),
        product=product.code,
        key=f"loan product {product.pk}",
        url=f"/admin/lending/loanproduct/{product.pk}/change/",
    )


def _shown(name: str, value: Any, currency: str) -> str:
    """A fact of `terms_facts` in words: [least, most] amounts, [least, usual, most] rates, documents as they are."""
    if name == "principal":
        return " to ".join(money_text(one, currency, with_currency=True) for one in value)
    if name == "rate":
        least, usual, most = (f"{decimal_text(Decimal(one), shift=2)} %" for one in value)
        return f"{usual} ({least} to {most})"
    if name == "instalments":
        return " to ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(_line(one) for one in value) if isinstance(value, list) else str(value)


def _line(value: Any) -> str:
    """A fee or a penalty: its fields in one line."""
    return " ".join(f"{name} {one}" for name, one in value.items()) if isinstance(value, Mapping) else str(value)


def _execute(execution: Execution) -> Result:
    _change(execution.maker, execution.payload)
    product_id = execution.payload["product_id"]
    return Result({"product_id": product_id}, f"/api/v1/loan-products/{product_id}")


def actions_register() -> None:
    """Make the action known."""
    action_register(
        Action(
            CHANGE, "Rates, limits and terms of a loan product", "lending.manage_products",
            _validate, _preview, _execute, transactional=True,
        )
    )  # fmt: skip
