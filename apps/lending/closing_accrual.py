"""The daily accrual: interest earned, fees that fell due, what is in suspense, and how old arrears are; set by set.

Loans that are late past the limit of their terms stop accruing: what they earn, and what they owe of before, is in
suspense and no income until it is paid, or nothing is overdue any more.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from apps.accounts.partitions import Range, range_of
from apps.balances import services as balances
from apps.balances.services import Leg, Posting
from apps.core.ids import uuid7
from apps.core.retry import retry_transient
from apps.lending import locks
from apps.lending.closing_parts import (
    CLIENT,
    LEGS_MAX,
    Group,
    Listed,
    groups_of,
    horizon_of,
    packed,
    rows_of,
    versions_of,
)
from apps.lending.closing_sql import CALCULATED, LISTED, WRITTEN, terms_values

KIND = "loan_accrual"
ROLES = ("interest_income", "suspense", "fee_income")


class Calculated(NamedTuple):
    """What a close has to book for one loan, and where it stands. Changes in minor units."""

    loan_id: UUID
    branch_id: UUID
    product_id: UUID
    interest_account: int
    charges_account: int
    interest: int
    suspended: int
    charges: int
    balance: int
    rate: Any
    horizon: dt.date
    past: int
    oldest: dt.date | None
    late_principal: int
    late_interest: int
    late_charges: int
    next_on: dt.date | None
    next_amount: int
    bucket: str
    non_accrual: bool


def loans_accrue(*, partition: str, business_date: dt.date) -> dict[str, int]:
    """Age the loans of a range and book what they earned, at the close of `business_date`.

    Each pack of loans in one transaction with their standing: a loan that is done is found done, so that a run that
    broke off goes on where it was. Returns facts: loans, interest and suspended in minor units of all currencies.
    """
    accounts = range_of(partition)
    horizon = horizon_of(business_date)
    values = terms_values(versions_of(accounts)) | {"day": business_date, "horizon": horizon}
    groups = groups_of(accounts)
    roles = {key: group.accounts(ROLES) for key, group in groups.items()}
    listed = _listed(accounts, horizon)
    done = interest = suspended = 0
    for pack in packed(listed, {key: frozenset(found.values()) for key, found in roles.items()}):
        rows = _pack_accrue(pack, groups, roles, values)
        done += len(rows)
        interest += sum(row.interest for row in rows)
        suspended += sum(row.suspended for row in rows)
    return {"loans": done, "interest": interest, "suspended": suspended}


def _listed(accounts: Range, horizon: dt.date) -> list[Listed]:
    found = rows_of(LISTED, {"low": accounts.low, "high": accounts.high, "horizon": horizon})
    return [
        Listed(loan, (branch, product), (interest, charges) if has_charges else (interest,))
        for loan, branch, product, interest, charges, has_charges in found
    ]


@retry_transient
def _pack_accrue(
    pack: Sequence[Listed],
    groups: Mapping[tuple[UUID, UUID], Group],
    roles: Mapping[tuple[UUID, UUID], Mapping[str, int]],
    values: Mapping[str, Any],
) -> list[Calculated]:
    """Age and book some loans, which are locked: no event of theirs comes between reading and writing."""
    ids = {one for loan in pack for one in loan.accounts}
    for key in {loan.group for loan in pack}:
        ids.update(roles[key].values())
    with balances.in_database(ids, actor_id=None) as book:
        locks.loans_lock(ids=[loan.loan_id for loan in pack])
        found = rows_of(CALCULATED, {**values, "loans": [loan.loan_id for loan in pack]})
        # Charges whose account is not locked have come since the list was made: the next close has them.
        rows = [row if row.charges_account in ids else row._replace(charges=0) for row in map(Calculated._make, found)]
        postings, transactions = _postings(rows, groups, roles, values["day"])
        if postings:
            book.post(*postings)
        _write(rows, transactions, values["day"])
    return rows


def _postings(
    rows: Sequence[Calculated],
    groups: Mapping[tuple[UUID, UUID], Group],
    roles: Mapping[tuple[UUID, UUID], Mapping[str, int]],
    day: dt.date,
) -> tuple[list[Posting], dict[UUID, UUID]]:
    """Entries of many loans each, all of one branch and product; and which entry each loan is in."""
    by_group: dict[tuple[UUID, UUID], list[Calculated]] = defaultdict(list)
    for row in rows:
        if row.interest or row.suspended or row.charges:
            by_group[row.branch_id, row.product_id].append(row)
    postings, transactions = [], {}
    for key, members in by_group.items():
        size = LEGS_MAX // 2
        for start in range(0, len(members), size):
            some = members[start : start + size]
            posting = _posting(some, groups[key].currency, roles[key], day)
            transactions.update({row.loan_id: posting.transaction_id for row in some} if posting.legs else {})
            postings += [posting] if posting.legs else []
    return postings, transactions


def _posting(rows: Sequence[Calculated], currency: str, roles: Mapping[str, int], day: dt.date) -> Posting:
    legs: dict[int, int] = defaultdict(int)
    for row in rows:
        legs[row.interest_account] -= row.interest
        legs[row.charges_account] -= row.charges
        legs[roles["suspense"]] += row.suspended
        legs[roles["interest_income"]] += row.interest - row.suspended
        legs[roles["fee_income"]] += row.charges
    return bank_posting(
        kind=KIND,
        legs=[Leg(account, amount, currency) for account, amount in legs.items() if amount],
        day=day,
        description="Interest and fees of loans",
    )


def bank_posting(*, kind: str, legs: Sequence[Leg], day: dt.date, description: str) -> Posting:
    """An entry of the close. Its key is new each time: the tables written with it say that it was made."""
    key = f"{kind}:{day}:{uuid7()}"
    return Posting(
        transaction_id=uuid5(_NAMESPACE, key),
        client_id=CLIENT,
        key=key,
        fingerprint=hashlib.sha256(key.encode()).digest(),
        kind=kind,
        legs=tuple(legs),
        business_date=day,
        channel="bank",
        description=description,
    )


_NAMESPACE = UUID("6f1f5f0e-2f0b-5d1c-9a55-5f2c8d9e7a10")


def _write(rows: Sequence[Calculated], transactions: Mapping[UUID, UUID], day: dt.date) -> None:
    names = {"loan": "loan_id"} | {name: name for name in Calculated._fields[5:]}
    columns = {name: [getattr(row, field) for row in rows] for name, field in names.items()}
    rows_of(WRITTEN, {**columns, "transaction": [transactions.get(row.loan_id) for row in rows], "day": day})
