"""Where a product's interest and fees are booked: its own nodes of the chart, or those that its kind usually has."""

from __future__ import annotations

from dataclasses import dataclass

from apps.accounts.models import AccountProduct

# Purpose: (type of the node, the usual code).
PURPOSES: dict[str, tuple[str, str]] = {
    "interest_expense": ("expense", "5110"),
    "interest_payable": ("liability", "2210"),
    "overdraft_income": ("income", "4120"),
    "overdraft_receivable": ("asset", "1445"),
    "tax_payable": ("liability", "2220"),
    "fee_income": ("income", "4210"),
}
_EXPENSE_BY_KIND = {"current": "5120", "fixed_term": "5130", "recurring": "5130"}


@dataclass(frozen=True, slots=True)
class ProductBooks:
    """Codes of the chart by purpose."""

    interest_expense: str
    interest_payable: str
    overdraft_income: str
    overdraft_receivable: str
    tax_payable: str
    fee_income: str


def purpose_code(product: AccountProduct, purpose: str) -> str:
    """The code of the chart that a purpose of the product is booked to."""
    own = getattr(product, purpose)
    if own is not None:
        return str(own.code)
    if purpose == "interest_expense":
        return _EXPENSE_BY_KIND.get(product.kind, PURPOSES[purpose][1])
    return PURPOSES[purpose][1]


def books_of(product: AccountProduct) -> ProductBooks:
    """The codes of all purposes; select_related(*PURPOSES) saves the queries."""
    return ProductBooks(**{purpose: purpose_code(product, purpose) for purpose in PURPOSES})
