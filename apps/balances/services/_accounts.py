"""Opening ledger accounts with their balance, and finding the bank's own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.balances.models import Balance
from apps.ledger.selectors import internal_account_find
from apps.ledger.services import BATCH_SIZE, ledger_account_create, ledger_accounts_create


@transaction.atomic
def account_open(
    *,
    gl_code: str,
    branch_id: UUID,
    currency: str,
    kind: str,
    number: str,
    name: str,
    overdraft_limit: int = 0,
    stripe: int = 0,
) -> int:
    """Open a ledger account with a balance of zero and return its id. `overdraft_limit` in minor units.

    Raises `GLAccountNotFound` or `GLAccountNotPostable`, and IntegrityError when the number is taken.
    """
    account = ledger_account_create(
        gl_code=gl_code,
        branch_id=branch_id,
        currency=currency,
        kind=kind,
        number=number,
        name=name,
        stripe=stripe,
    )
    Balance.objects.create(account=account, currency=currency, kind=kind, overdraft_limit=overdraft_limit)
    return account.pk


@transaction.atomic
def accounts_open(*, gl_code: str, currency: str, rows: Sequence[tuple[UUID, str, str, int]]) -> dict[str, int]:
    """Open many customers' ledger accounts under one control account, set-based; returns their ids by number.

    A row is branch id, number, name, overdraft limit in minor units. Raises as `account_open` does; then none is open.
    """
    accounts = ledger_accounts_create(
        gl_code=gl_code, currency=currency, kind="customer", rows=[row[:3] for row in rows]
    )
    Balance.objects.bulk_create(
        [
            Balance(account_id=account.pk, currency=currency, kind="customer", overdraft_limit=row[3])
            for account, row in zip(accounts, rows, strict=True)
        ],
        batch_size=BATCH_SIZE,
    )
    return {account.number: account.pk for account in accounts}


def internal_account_id(*, gl_code: str, branch_id: UUID, branch_code: str, currency: str, stripe: int = 0) -> int:
    """Id of the bank's own account under a chart node for a branch and a currency; opened at its first use.

    Call it before the transaction that posts: the id is kept in the process, since it never changes.
    """
    found = _internal_account_cached(gl_code, branch_id, currency, stripe)
    if found is not None:
        return found
    _internal_account_cached.cache_clear()
    found = internal_account_find(gl_code=gl_code, branch_id=branch_id, currency=currency, stripe=stripe)
    if found is not None:
        return found
    suffix = f"#{stripe}" if stripe else ""
    number = f"{gl_code}-{branch_code}-{currency}{suffix}"
    try:
        return account_open(
            gl_code=gl_code,
            branch_id=branch_id,
            currency=currency,
            kind="internal",
            number=number,
            name=f"{gl_code} {branch_code} {currency}{suffix}",
            stripe=stripe,
        )
    except IntegrityError:  # another process opened it at the same moment
        found = internal_account_find(gl_code=gl_code, branch_id=branch_id, currency=currency, stripe=stripe)
        if found is None:
            raise
        return found


@lru_cache(maxsize=4096)
def _internal_account_cached(gl_code: str, branch_id: UUID, currency: str, stripe: int) -> int | None:
    return internal_account_find(gl_code=gl_code, branch_id=branch_id, currency=currency, stripe=stripe)
