"""Products and accounts for tests; balances are paid in over the counter, so that the books stay true."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import factory
from factory.django import DjangoModelFactory

from apps.accounts.models import Account, AccountProduct
from apps.accounts.services import Holder, account_open, product_create
from apps.balances.services import Leg, Posting, PostingResult, internal_account_id, postings_post
from apps.core.money import Money
from apps.identity.models import Branch
from apps.ledger.selectors import business_date_current
from tests.factories.books import currency_ready, gl_account_ready
from tests.factories.members import MemberFactory


class ProductFactory(DjangoModelFactory):
    """Savings in KES unless told otherwise; `overdraft_limit_max` and `transaction_limit` in minor units."""

    class Meta:
        model = AccountProduct

    code = factory.LazyFunction(lambda: f"P-{uuid.uuid4().hex[:12].upper()}")
    name = "Ordinary savings"
    kind = "savings"
    currency = "KES"
    gl_account = "2110"
    number_prefix = "01"

    @classmethod
    def _create(cls, model_class: type[AccountProduct], *args: Any, **kwargs: Any) -> AccountProduct:
        currency_ready(kwargs["currency"])
        gl_account_ready(kwargs["gl_account"])
        return product_create(acting_user=kwargs.pop("acting_user", None), **kwargs)


class AccountFactory(DjangoModelFactory):
    """An open account. `AccountFactory(balance="100.00")` has 100.00 of its product's currency, from cash at the till.

    Also: `member=`, `product=`, `branch=`, `joint=[member, ...]`, `overdraft_limit=` (minor units; the product must
    allow it), `currency=` (makes a product of that currency).
    """

    class Meta:
        model = Account

    @classmethod
    def _create(cls, model_class: type[Account], *args: Any, **kwargs: Any) -> Account:
        currency = kwargs.pop("currency", "KES")
        balance = kwargs.pop("balance", None)
        limit = kwargs.get("overdraft_limit", 0)
        product = kwargs.pop("product", None) or ProductFactory(currency=currency, overdraft_limit_max=limit)
        member = kwargs.pop("member", None)
        branch: Branch | None = kwargs.pop("branch", None)
        if member is None:
            member = MemberFactory(branch=branch) if branch is not None else MemberFactory()
        account = account_open(
            acting_user=kwargs.pop("acting_user", None),
            product_id=product.pk,
            member_id=member.pk,
            branch_id=branch.pk if branch is not None else None,
            opened_on=kwargs.pop("opened_on", None) or business_date_current(),
            holders=[Holder(one.pk, "joint") for one in kwargs.pop("joint", [])],
            **kwargs,
        )
        if balance is not None:
            cash_move(account, balance)
        return account


def cash_account_id(branch: Branch, currency: str = "KES") -> int:
    """The ledger account of the cash at a branch's tills (1120)."""
    currency_ready(currency)
    gl_account_ready("1120")
    return internal_account_id(gl_code="1120", branch_id=branch.pk, branch_code=branch.code, currency=currency)


def cash_move(
    account: Account,
    amount: str,
    *,
    business_date: dt.date | None = None,
    kind: str = "",
    description: str = "",
    **texts: Any,
) -> PostingResult:
    """Pay in, or pay out when the amount begins with a minus; raises when the posting is refused."""
    minor = Money.parse(amount, account.currency, signed=True).minor
    cash = cash_account_id(account.branch, account.currency)
    legs = [Leg(cash, -minor, account.currency), Leg(account.ledger_account_id, minor, account.currency)]
    transaction_id = uuid.uuid4()
    result = postings_post(
        [
            Posting(
                transaction_id=transaction_id,
                client_id="tests",
                key=transaction_id.hex,
                fingerprint=b"\0" * 32,
                kind=kind or ("deposit" if minor > 0 else "withdrawal"),
                legs=tuple(legs if minor > 0 else reversed(legs)),
                business_date=business_date,
                description=description or ("Cash paid in" if minor > 0 else "Cash paid out"),
                **texts,
            )
        ],
        actor_id=None,
    )
    assert result.outcomes[0].ok, result.outcomes[0].code
    return result
