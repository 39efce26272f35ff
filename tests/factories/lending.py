"""Loan products, applications and loans for tests; everything goes through the services."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from decimal import Decimal
from typing import Any

from apps.accounts.models import Account
from apps.balances.selectors import balances_read
from apps.core import clock
from apps.identity.models import User
from apps.ledger.selectors import business_date_current
from apps.lending import services
from apps.lending.mapping import DEFAULTS
from apps.lending.models import Loan, LoanApplication, LoanProduct
from apps.members.models import Member
from tests.factories.accounts import AccountFactory
from tests.factories.books import currency_ready, gl_account_ready
from tests.factories.identity import user_make


def terms_asked(**changes: Any) -> services.TermsAsked:
    """Terms from long ago on: 1.00 to 1,000,000.00 at 12 %, 1 to 60 months."""
    values: dict[str, Any] = {
        "effective_from": dt.date(2000, 1, 1),
        "principal_min": 100,
        "principal_max": 100_000_000,
        "instalments_min": 1,
        "instalments_max": 60,
        "rate": Decimal("0.12"),
        "rate_min": Decimal(0),
        "rate_max": Decimal("0.6"),
    }
    return services.TermsAsked(**(values | changes))


def chart_ready() -> None:
    """The nodes of the chart that loans need."""
    for code in {*DEFAULTS.values(), "1120", "1240", "2420", "2410"}:
        gl_account_ready(code)


def product_make(*, kind: str = "personal", accounting: str = "accrual", **terms: Any) -> LoanProduct:
    """A loan product in KES."""
    currency_ready("KES")
    chart_ready()
    return services.product_create(
        acting_user=None,
        code=f"L-{uuid.uuid4().hex[:12].upper()}",
        name="Personal loan",
        kind=kind,
        currency="KES",
        borrowers=["person", "business"],
        number_prefix="50",
        accounting=accounting,
        terms=terms_asked(**terms),
    )


def asked(user: User | None = None, key: str = "") -> services.Asked:
    """A request under a key of its own."""
    key = key or uuid.uuid4().hex
    return services.Asked(user, key, hashlib.sha256(key.encode()).digest())


def loan_make(
    *,
    principal: int = 1_200_000,
    instalments: int = 12,
    rate: str = "0.12",
    start: dt.date | None = None,
    product: LoanProduct | None = None,
    account: Account | None = None,
    first_due: dt.date | None = None,
    disburse: bool = True,
) -> Loan:
    """An accepted loan of 12,000.00 over 12 months at 12 %; paid out into the borrower's account on `start` (today)."""
    today = business_date_current()
    account = account or AccountFactory(balance="50000.00")
    clerk, chief = (user_make(email=f"{uuid.uuid4().hex}@example.com") for _ in range(2))  # unique where tests commit
    application = application_make(
        product=product, member=account.member, account=account, user=clerk, amount=principal,
        instalments=instalments, rate=Decimal(rate),
    )  # fmt: skip
    services.application_submit(
        acting_user=clerk, application_id=application.pk, expected_version=application.version,
        business_date=today, at=clock.now(),
    )  # fmt: skip
    services.application_decide(
        acting_user=chief, application_id=application.pk, approve=True, business_date=today, at=clock.now()
    )
    loan = services.offer_accept(acting_user=clerk, application_id=application.pk, business_date=today, at=clock.now())
    if first_due is not None:
        Loan.objects.filter(pk=loan.pk).update(first_due=first_due)  # an offer of today cannot lie in the past
    if disburse:
        money = services.Money(principal, value_date=start)
        services.loan_disburse(asked=asked(clerk), loan_id=loan.pk, money=money, at=clock.now())
    return Loan.objects.get(pk=loan.pk)


def application_make(
    *, product: LoanProduct | None = None, member: Member | None = None, user: User | None = None, **facts: Any
) -> LoanApplication:
    """A draft."""
    user = user or user_make()
    product = product or product_make()
    account = facts.pop("account", None)
    return services.application_save(
        acting_user=user,
        business_date=business_date_current(),
        product_id=product.pk,
        member_id=(member or AccountFactory().member).pk,
        account_id=account.pk if account else None,
        **facts,
    )


def owed(loan: Loan) -> tuple[int, int, int]:
    """Principal, interest and charges receivable by the books: the borrower's debt, minor units."""
    ids = (loan.principal_account_id, loan.interest_account_id, loan.charges_account_id)
    found = balances_read(account_ids=ids)
    principal, interest, charges = (-found[one].booked for one in ids)
    return principal, interest, charges
