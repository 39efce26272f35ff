"""How loans are parted for the close of business, and what the terms that they have say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from apps.accounts.closing import accrued_through
from apps.accounts.partitions import WIDTH, Range
from apps.balances import services as balances
from apps.calculations.arrears import PenaltyRule
from apps.lending.conventions import ArrearsTerms, arrears_read, penalties_read
from apps.lending.mapping import mapping_of
from apps.lending.models import LoanProduct, LoanProductTerms

ACCOUNTS_MAX = 490
"""Ledger accounts that one transaction of the close locks; the door takes 500."""
LEGS_MAX = 190
CLIENT = "bank:lending"


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a product's terms, read for the close."""

    terms: LoanProductTerms
    arrears: ArrearsTerms
    penalties: Sequence[PenaltyRule]


@dataclass(frozen=True, slots=True)
class Group:
    """Loans whose entries have the same accounts of the bank on the other side: one branch, one product."""

    branch_id: UUID
    branch_code: str
    currency: str
    codes: Mapping[str, str]

    def account(self, role: str) -> int:
        """The ledger account of the bank that plays a role, such as `interest_income`; outside of a transaction."""
        return balances.internal_account_id(
            gl_code=self.codes[role], branch_id=self.branch_id, branch_code=self.branch_code, currency=self.currency
        )

    def accounts(self, roles: Iterable[str]) -> dict[str, int]:
        """The ledger accounts of the bank by role."""
        return {role: self.account(role) for role in roles}


def horizon_of(business_date: dt.date) -> dt.date:
    """The morning that the books of a date go up to: of the next day that is closed, or of the next month."""
    return accrued_through(business_date) + dt.timedelta(days=1)


def ranges_with_loans() -> list[str]:
    """The names of all ranges of ledger account ids in which there are loans, by their account for interest."""
    found = rows_of(
        "SELECT DISTINCT interest_account_id / %(width)s AS n FROM lending_loan WHERE status <> 'approved' ORDER BY n",
        {"width": WIDTH},
    )
    return [Range(n * WIDTH, (n + 1) * WIDTH - 1).name for (n,) in found]


_USED = """
SELECT DISTINCT l.terms_id, l.branch_id, b.code, l.product_id
  FROM lending_loan l JOIN identity_branch b ON b.id = l.branch_id
 WHERE l.interest_account_id BETWEEN %(low)s AND %(high)s AND (l.status = 'active' OR %(provided)s AND EXISTS (
       SELECT FROM lending_loanstanding s WHERE s.loan_id = l.id AND s.provision > 0))
"""


def versions_of(accounts: Range, *, provided: bool = False) -> list[Version]:
    """The versions of terms that active loans of a range have; `provided`: with others that have an allowance."""
    used = rows_of(_USED, {"low": accounts.low, "high": accounts.high, "provided": provided})
    ids = {row[0] for row in used}
    found = LoanProductTerms.objects.filter(pk__in=ids).select_related("product__currency")
    return [
        Version(one, arrears_read(one.arrears), penalties_read(one.penalties, exponent=one.product.currency.exponent))
        for one in found.order_by("pk")
    ]


def groups_of(accounts: Range, *, provided: bool = False) -> dict[tuple[UUID, UUID], Group]:
    """The groups of the active loans of a range, by branch and product; `provided`: with others with an allowance."""
    used = rows_of(_USED, {"low": accounts.low, "high": accounts.high, "provided": provided})
    found = sorted({row[1:] for row in used}, key=str)
    products = LoanProduct.objects.in_bulk({row[2] for row in found})
    return {
        (branch, product): Group(branch, code, products[product].currency_id, mapping_of(products[product].mapping))
        for branch, code, product in found
    }


@dataclass(frozen=True, slots=True)
class Listed:
    """A loan that is to be booked: its key, its group, and the ledger accounts that it locks."""

    loan_id: UUID
    group: tuple[UUID, UUID]
    accounts: tuple[int, ...]


def packed(loans: Iterable[Listed], of_group: Mapping[tuple[UUID, UUID], frozenset[int]]) -> Iterator[list[Listed]]:
    """The loans in the given order, in packs that one transaction may lock."""
    pack: list[Listed] = []
    held: set[int] = set()
    for loan in loans:
        wanted = {*loan.accounts, *of_group[loan.group]}
        if pack and len(held | wanted) > ACCOUNTS_MAX:
            yield pack
            pack, held = [], set()
        pack.append(loan)
        held |= wanted
    if pack:
        yield pack


def rows_of(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """What a statement returns."""
    with connection.cursor() as cursor:
        cursor.execute(statement, dict(values))
        return cursor.fetchall() if cursor.description else []
