"""What a payment must know of accounts, in one query: facts that never change, and who owns what."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import Q

from apps.accounts.models import Account, AccountProduct

_REFS = """
SELECT a.id, a.number, a.ledger_account_id, a.currency, a.branch_id, b.code, a.product_id
  FROM accounts_account a JOIN identity_branch b ON b.id = a.branch_id
 WHERE a.number = ANY (%s) OR a.id = ANY (%s) OR a.ledger_account_id = ANY (%s)
"""


@dataclass(frozen=True, slots=True)
class PaymentRef:
    """The side of an account that never changes, so that it may be kept. Status and funds are decided when posting."""

    account_id: UUID
    number: str
    ledger_account_id: int
    currency: str
    branch_id: UUID
    branch_code: str
    product_id: UUID


def payment_refs(
    *, numbers: Collection[str] = (), ids: Collection[UUID] = (), ledger_account_ids: Collection[int] = ()
) -> list[PaymentRef]:
    """Accounts by number, id or ledger account, of whatever status, in one query; unknown ones are left out."""
    if not (numbers or ids or ledger_account_ids):
        return []
    with connection.cursor() as cursor:
        cursor.execute(_REFS, [list(numbers), list(ids), list(ledger_account_ids)])
        return [PaymentRef(*row) for row in cursor.fetchall()]


def owned_account_ids(*, user_id: UUID, account_ids: Collection[UUID]) -> set[UUID]:
    """Of these accounts, those that the user's own member record owns, alone or jointly."""
    mine = Q(member__user_id=user_id) | Q(holders__member__user_id=user_id, holders__role="joint")
    return set(Account.objects.filter(mine, pk__in=list(account_ids)).values_list("pk", flat=True))


def transaction_limits() -> dict[UUID, int]:
    """The most that one transaction may take out, minor units, by product id; products without a limit are left out."""
    rows = AccountProduct.objects.filter(transaction_limit__isnull=False).values_list("pk", "transaction_limit")
    return {product_id: limit for product_id, limit in rows if limit is not None}
