"""Terms for tests, and days closed as the close of business does it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.accounts import services
from apps.accounts.models import (
    AccountProduct,
    Accrual,
    CloseMark,
    DayBalance,
    FeeCharge,
    InterestPosting,
    InterestTotal,
    ProductFee,
    ProductTerms,
    Reaccrual,
)
from apps.accounts.partitions import ranges_with_accounts
from apps.ledger.models import JournalEntry, SealState
from tests.factories.books import gl_account_ready

CODES = ("1445", "2210", "2220", "4120", "4210", "5110", "5120", "5130")


def terms_make(
    product: AccountProduct, rate: str = "0.0365", *, since: str = "2026-01-01", **values: Any
) -> ProductTerms:
    """Terms from a date on, one rate unless `rates` says otherwise; the chart has what they are booked to."""
    for code in CODES:
        gl_account_ready(code)
    values.setdefault("rates", [[0, rate]] if rate else [])
    return services.terms_set(
        acting_user=None, product_id=product.pk, effective_from=dt.date.fromisoformat(since), today=None, **values
    )


def closes_forget() -> None:
    """As if nothing had ever been closed: for examples that share a test's transaction."""
    for model in (FeeCharge, InterestPosting, InterestTotal, Accrual, DayBalance, Reaccrual, CloseMark):
        model.objects.all().delete()


def sealed_mark() -> None:
    """As if all entries were sealed: inside a test's own transaction none ever is."""
    newest = JournalEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    SealState.objects.update(last_id=newest, ceiling=newest)


def day_close(day: dt.date, *, through: dt.date | None = None) -> dict[str, int]:
    """The steps of accounts for a business date; facts of all ranges together."""
    facts: dict[str, int] = {}

    def add(found: dict[str, int]) -> None:
        for name, value in found.items():
            facts[name] = facts.get(name, 0) + value

    for part in ranges_with_accounts():
        add(services.instalments_collect(partition=part, business_date=day, through=through or day))
    sealed_mark()
    for part in ranges_with_accounts():
        services.day_balances_fold(partition=part)
        add(services.interest_accrue(partition=part, business_date=day, through=through or day))
    add(services.interest_entries_post(business_date=day))
    for part in ranges_with_accounts():
        add(services.fees_assess(partition=part, business_date=day, through=through or day))
        add({f"fees_{name}": value for name, value in services.fees_charge(partition=part, business_date=day).items()})
        add(services.interest_post(partition=part, business_date=day, through=through or day))
        add(services.accounts_rest(partition=part, business_date=day))
        add(services.account_blocks_end(partition=part, business_date=day))
        add(services.term_deposits_mature(partition=part, business_date=day, through=through or day))
    return facts


def fee_make(product: AccountProduct, kind: str, *, since: str = "2026-01-01", **values: Any) -> ProductFee:
    """A fee from a date on."""
    gl_account_ready("4210")
    start = dt.date.fromisoformat(since)
    return services.fee_add(
        acting_user=None,
        product_id=product.pk,
        today=None,
        name=f"{kind} fee",
        kind=kind,
        effective_from=start,
        **values,
    )
