"""Terms and a fee of a product that have not begun, for the walk over all operations."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.accounts.models import CloseMark, Dividend, DividendShare, FeeCharge
from apps.accounts.partitions import ranges_with_accounts
from apps.accounts.services import fee_add, term_deposit_place, terms_set
from apps.ledger.selectors import business_date_current
from tests.factories.accounts import AccountFactory, ProductFactory
from tests.factories.books import gl_account_ready

KES = {"amount": "1.00", "currency": "KES"}


def _term_accounts(account: Any, today: dt.date) -> list[Any]:
    """Two accounts of a fixed-term product, of the same owner."""
    for code in ("2140", "3110", "2210", "2220", "1445", "4120", "4210", "5130"):
        gl_account_ready(code)
    product = ProductFactory(kind="fixed_term", gl_account="2140")
    terms_set(
        acting_user=None, product_id=product.pk, effective_from=today, today=None, rates=[[0, "0.05"]], posting="at_end"
    )
    return [AccountFactory(product=product, member=account.member, branch=account.branch) for _ in range(2)]


def _dividend(account: Any, today: dt.date) -> tuple[Dividend, Any]:
    """A dividend that is drawn up, and its product."""
    gl_account_ready("3330")
    product = ProductFactory(kind="share", gl_account="3110")
    shares = AccountFactory(product=product, member=account.member, branch=account.branch)
    last = today - dt.timedelta(days=365)
    for part in ranges_with_accounts():
        CloseMark.objects.update_or_create(partition=part, defaults={"accrued_through": last})
    dividend = Dividend.objects.create(
        product=product,
        starts_on=last,
        ends_on=last,
        rate="0.08",
        basis="closing",
        pay_to="shares",
        accounts=1,
        gross=8,
    )
    DividendShare.objects.create(dividend=dividend, account=shares, target=shares, base=100, gross=8, tax=0)
    return dividend, product


def deposit_things(product: Any, account: Any) -> tuple[dict[str, Any], dict[tuple[str, str], dict[str, Any]]]:
    """Ids by URL parameter, and bodies that are accepted."""
    today = business_date_current()
    later = today + dt.timedelta(days=30)
    terms = terms_set(acting_user=None, product_id=product.pk, effective_from=later, today=today, rates=[[0, "0.03"]])
    fee = fee_add(
        acting_user=None, product_id=product.pk, today=today, name="Fee", kind="monthly", amount=100,
        effective_from=later,
    )  # fmt: skip
    charge = FeeCharge.objects.create(account=account, fee=fee, period=today, base=0, amount=100, due_on=today)
    placed, spare = _term_accounts(account, today)
    term = term_deposit_place(
        acting_user=None, account_id=placed.pk, source_id=account.pk, amount=100, months=12, instruction="payout",
        today=today,
    )  # fmt: skip
    dividend, shares = _dividend(account, today)
    one = "account-products/{product_id}/"
    return {
        "terms_id": terms.pk, "fee_id": fee.pk, "charge_id": charge.pk, "term_deposit_id": term.pk,
        "dividend_id": dividend.pk,
    }, {
        ("POST", "dividends"): {
            "product_id": str(shares.pk), "starts_on": "2020-01-01", "ends_on": "2020-12-31", "rate": "0.08",
            "tax_rate": "0.05", "basis": "average", "pay_to": "deposits",
        },
        ("POST", one + "terms"): {
            "effective_from": (later + dt.timedelta(days=1)).isoformat(),
            "rates": [{"from_balance": {"amount": "0.00", "currency": "KES"}, "rate": "0.05"}],
            "note": "Higher",
        },
        ("POST", one + "fees"): {
            "kind": "monthly", "name": "Keeping", "amount": KES, "effective_from": later.isoformat(),
        },
        ("POST", one + "fees/{fee_id}/end"): {"effective_to": later.isoformat()},
        ("POST", "accounts/{account_id}/fees/{charge_id}/waiver"): {"reason": "Our mistake"},
        ("POST", "term-deposits"): {
            "account_id": str(spare.pk), "source_account_id": str(account.pk), "amount": KES, "months": 12,
            "instruction": "payout",
        },
        ("PATCH", "term-deposits/{term_deposit_id}"): {"instruction": "renew_all"},
    }  # fmt: skip
