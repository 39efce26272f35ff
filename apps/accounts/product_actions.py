"""Changes of deposit products that may need approval: rates, fees and limits. Loaded when Django starts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from apps.accounts import services
from apps.accounts.models import AccountProduct
from apps.accounts.selectors import fee_facts, product_facts, product_get_for, terms_facts, terms_get, terms_on
from apps.approvals.differences import facts_changes, json_kept, json_read, tried
from apps.approvals.models import ApprovalRequest
from apps.approvals.registry import Action, Change, Execution, Payload, Preview, Result, action_register
from apps.approvals.services import request_submit
from apps.calculations.rounding import decimal_text
from apps.core.display import money_text
from apps.ledger.selectors import business_date_current

if TYPE_CHECKING:
    from apps.identity.models import User

CHANGE = "accounts.product_change"
ACTS: dict[str, tuple[str, Callable[..., Any]]] = {
    "terms_set": ("New terms", services.terms_set),
    "terms_withdraw": ("Terms withdrawn", services.terms_withdraw),
    "fee_add": ("New fee", services.fee_add),
    "fee_end": ("End of a fee", services.fee_end),
    "product_update": ("Change", services.product_update),
}
"""By name: how a request is titled, and the service that does it."""
DATES = frozenset({"effective_from", "effective_to"})
DECIMALS = frozenset({"tax_rate", "early_rate", "percent"})
MONEY = frozenset({"interest_minimum", "minimum_balance", "maximum_balance", "amount", "fee_min", "fee_max",
                   "overdraft_limit_max", "transaction_limit"})  # fmt: skip
TIERS = frozenset({"rates", "overdraft_rates"})
IDS = frozenset({"product_id", "terms_id", "fee_id"})


def product_change(
    *, maker: User, product: AccountProduct, do: str, values: Mapping[str, Any], at: dt.datetime
) -> tuple[ApprovalRequest | None, Any]:
    """Make a change, or ask for approval of it where a policy wants that: (the request or None, what was made).

    `do` is one of ACTS, `values` are those of its service. Raises as `request_submit` and the service.
    """
    payload = {"product_id": str(product.pk), "do": do, "values": json_kept(values)}
    approval = request_submit(kind=CHANGE, maker=maker, payload=payload, at=at)
    return approval, None if approval is not None else _make(maker, product.pk, do, values)


def _make(maker: User, product_id: UUID, do: str, values: Mapping[str, Any]) -> Any:
    more = {} if do == "product_update" else {"today": business_date_current()}
    return ACTS[do][1](acting_user=maker, product_id=product_id, **values, **more)


def _change(maker: User, payload: Payload) -> Any:
    values = json_read(payload["values"], dates=DATES, decimals=DECIMALS)
    values |= {name: UUID(values[name]) for name in IDS & values.keys()}
    return _make(maker, UUID(payload["product_id"]), payload["do"], values)


def _validate(maker: User, payload: Payload) -> None:
    tried(lambda: _change(maker, payload))


def _preview(maker: User, payload: Payload) -> Preview:
    product = product_get_for(user=maker, pk=UUID(payload["product_id"]))
    do, values = payload["do"], payload["values"]
    before, after = _facts(maker, product, payload)

    def show(name: str, value: Any) -> str:
        return _shown(name, value, product.currency_id)

    title = f"{ACTS[do][0]}: {product.name}"
    rows = facts_changes(before, after, show=show)
    named = values.get("name") if do == "fee_add" else before.get("name") if do == "fee_end" else None
    first = (Change("Fee", str(named), str(named)),) if named and do == "fee_end" else ()
    return Preview(
        title=f"{title} ({named})" if named else title,
        changes=(*first, *rows),
        product=product.code,
        key=f"product {product.pk}",
        url=f"/admin/accounts/accountproduct/{product.pk}/terms/",
    )


def _facts(maker: User, product: AccountProduct, payload: Payload) -> tuple[dict[str, Any], dict[str, Any]]:
    """The facts before and after."""
    match payload["do"]:
        case "terms_set":
            day = dt.date.fromisoformat(payload["values"]["effective_from"])
            old = terms_on(product_id=product.pk, day=day)
            made = tried(lambda: _change(maker, payload))
            return terms_facts(old) if old else {}, terms_facts(made)
        case "terms_withdraw":
            return terms_facts(terms_get(product_id=product.pk, pk=UUID(payload["values"]["terms_id"]))), {}
        case "fee_add":
            return {}, fee_facts(tried(lambda: _change(maker, payload)))
        case "fee_end":
            fee = product.fees.get(pk=UUID(payload["values"]["fee_id"]))
            return fee_facts(fee), fee_facts(tried(lambda: _change(maker, payload)))
        case _:
            return product_facts(product), product_facts(tried(lambda: _change(maker, payload)))


def _shown(name: str, value: Any, currency: str) -> str:
    if name in TIERS:
        tiers = [f"{_percent(rate)} from {money_text(int(start), currency)}" for start, rate in value]
        return ", ".join(tiers) or "none"
    if name in MONEY:
        return money_text(value, currency, with_currency=True)
    if name in DECIMALS:
        return _percent(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _percent(rate: object) -> str:
    return f"{decimal_text(Decimal(str(rate)), shift=2)} %"


def _execute(execution: Execution) -> Result:
    _change(execution.maker, execution.payload)
    product_id = execution.payload["product_id"]
    return Result({"product_id": product_id}, f"/api/v1/account-products/{product_id}")


def actions_register() -> None:
    """Make the action known."""
    action_register(
        Action(
            CHANGE, "Rates, fees and limits of a deposit product", "products.manage",
            _validate, _preview, _execute, transactional=True,
        )
    )  # fmt: skip
