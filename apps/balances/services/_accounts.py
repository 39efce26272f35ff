"""Opening ledger accounts with their balance, and finding the bank's own."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from apps.balances.models import Balance
from apps.core.ids import uuid7
from apps.ledger.selectors import internal_account_find
from apps.ledger.services import BATCH_SIZE, ledger_account_create, ledger_accounts_create

NUMBER_MAX = 34
ENGINE_PARTITION = 1
"""Where accounts of real-time products are; more partitions help only groups that rarely trade with each other."""


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
    realtime: bool = False,
) -> int:
    """Open a ledger account with a balance of zero and return its id. `overdraft_limit` in minor units.

    With `realtime` the engine may execute it.

    Raises `GLAccountNotFound`, `GLAccountNotPostable`, `CurrencyNotKept`; IntegrityError when the number is taken.
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
    Balance.objects.create(
        account=account,
        currency=currency,
        kind=kind,
        overdraft_limit=overdraft_limit,
        partition_id=ENGINE_PARTITION if realtime else 0,
    )
    return account.pk


@transaction.atomic
def accounts_open(
    *, gl_code: str, currency: str, rows: Sequence[tuple[UUID, str, str, int]], realtime: bool = False
) -> dict[str, int]:
    """Open many customers' ledger accounts under one control account, set-based; returns their ids by number.

    A row is branch id, number, name, overdraft limit in minor units. Raises as `account_open` does; then none is open.
    """
    accounts = ledger_accounts_create(
        gl_code=gl_code, currency=currency, kind="customer", rows=[row[:3] for row in rows]
    )
    Balance.objects.bulk_create(
        [
            Balance(
                account_id=account.pk,
                currency=currency,
                kind="customer",
                overdraft_limit=row[3],
                partition_id=ENGINE_PARTITION if realtime else 0,
            )
            for account, row in zip(accounts, rows, strict=True)
        ],
        batch_size=BATCH_SIZE,
    )
    return {account.number: account.pk for account in accounts}


def internal_account_id(*, gl_code: str, branch_id: UUID, branch_code: str, currency: str, stripe: int = 0) -> int:
    """Id of the bank's own account under a chart node for a branch and a currency; opened at its first use.

    Call it before the transaction that posts: the id is kept in the process, since it never changes.
    """
    # Inside a transaction nothing is remembered: the account may still be undone with it.
    if connection.in_atomic_block:
        found = internal_account_find(gl_code=gl_code, branch_id=branch_id, currency=currency, stripe=stripe)
    else:
        found = _found.get((gl_code, branch_id, currency, stripe))
    if found is None:
        found = _internal_account_ready(gl_code, branch_id, branch_code, currency, stripe)
        if not connection.in_atomic_block and len(_found) < FOUND_MAX:
            _found[gl_code, branch_id, currency, stripe] = found
    return found


FOUND_MAX = 10_000
_found: dict[tuple[str, UUID, str, int], int] = {}


def _internal_account_ready(gl_code: str, branch_id: UUID, branch_code: str, currency: str, stripe: int) -> int:
    """The id of an account that exists, or was opened now by this process or, at the same moment, by another."""
    found = internal_account_find(gl_code=gl_code, branch_id=branch_id, currency=currency, stripe=stripe)
    if found is not None:
        return found
    name = f"{gl_code} {branch_code} {currency}" + (f"#{stripe}" if stripe else "")
    number = name.replace(" ", "-")
    try:
        return account_open(
            gl_code=gl_code,
            branch_id=branch_id,
            currency=currency,
            kind="internal",
            number=number if len(number) <= NUMBER_MAX else uuid7().hex,
            name=name,
            stripe=stripe,
        )
    except IntegrityError:
        found = internal_account_find(gl_code=gl_code, branch_id=branch_id, currency=currency, stripe=stripe)
        if found is None:
            raise
        return found
