"""The interest that accrued, in the general ledger: expense and payable, receivable and income, once a business day."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from uuid import UUID

from django.db import connection

from apps.accounts import locks
from apps.accounts.models import AccountProduct, InterestTotal
from apps.accounts.product_books import PURPOSES, ProductBooks, books_of
from apps.accounts.services._bank_postings import bank_posting
from apps.balances import services as balances
from apps.balances.services import Leg
from apps.calculations.rounding import whole_round

KIND = "interest_accrual"
_OPEN = """
SELECT DISTINCT t.branch_id, b.code FROM accounts_interest_total t JOIN identity_branch b ON b.id = t.branch_id
 WHERE t.booked <> round(t.exact) ORDER BY b.code
"""


def interest_entries_post(*, business_date: dt.date) -> dict[str, int]:
    """Bring the general ledger up to what has accrued: an entry a product, branch and side, dated `business_date`.

    The exact total is rounded half to even, and the entry is the difference to what is booked: over the days nothing
    is lost and nothing is booked twice. Returns facts: entries, branches.
    """
    with connection.cursor() as cursor:
        cursor.execute(_OPEN)
        branches = cursor.fetchall()
    products = {one.pk: one for one in AccountProduct.objects.select_related(*PURPOSES)}
    entries = sum(_branch_post(branch, code, products, business_date) for branch, code in branches)
    return {"entries": entries, "branches": len(branches)}


def _branch_post(
    branch_id: UUID, branch_code: str, products: dict[UUID, AccountProduct], business_date: dt.date
) -> int:
    """The entries of one branch in one transaction; a branch has far fewer accounts for them than one may hold."""
    ids: dict[tuple[UUID, str], tuple[int, int]] = {}
    for total in InterestTotal.objects.filter(branch=branch_id):
        product = products[total.product_id]
        codes = _sides(books_of(product), total.side)
        first, second = (
            balances.internal_account_id(
                gl_code=code, branch_id=branch_id, branch_code=branch_code, currency=product.currency_id
            )
            for code in codes
        )
        ids[total.product_id, total.side] = first, second
    entries = 0
    with balances.in_database({one for pair in ids.values() for one in pair}, actor_id=None) as book:
        for total in locks.interest_totals_lock(branch_id=branch_id):
            amount = whole_round(Decimal(total.exact), "half_even") - total.booked
            pair = ids.get((total.product_id, total.side))
            if not amount or pair is None:
                continue
            currency = products[total.product_id].currency_id
            legs = (Leg(pair[0], -amount, currency), Leg(pair[1], amount, currency))
            key = ":".join((KIND, products[total.product_id].code, branch_code, total.side, str(total.entries)))
            posting = bank_posting(
                key=key,
                kind=KIND,
                legs=legs,
                business_date=business_date,
                description=f"Interest accrued, {products[total.product_id].code}",
            )
            book.post(posting)
            total.booked += amount
            total.entries += 1
            total.save(update_fields=["booked", "entries"])
            entries += 1
    return entries


def _sides(books: ProductBooks, side: str) -> tuple[str, str]:
    """Chart codes (debit, credit) of an accrual."""
    if side == InterestTotal.Side.EARNED:
        return books.interest_expense, books.interest_payable
    return books.overdraft_receivable, books.overdraft_income
