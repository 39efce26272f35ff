"""From account numbers to what a payment needs to know, in one statement and without model instances."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection


@dataclass(frozen=True, slots=True)
class AccountRef:
    """An account as payments see it. `transaction_limit` in minor units, None for none.

    `number`, the ids, `currency` and `branch_code` never change and may be kept; the rest is as of the reading. The
    door for money enforces the status again, under the lock.
    """

    number: str
    account_id: UUID
    ledger_id: int
    currency: str
    branch_id: UUID
    branch_code: str
    product_id: UUID
    status: str
    transaction_limit: int | None
    owner_user_id: UUID | None
    holder_user_ids: tuple[UUID, ...]

    def belongs_to(self, user_id: UUID) -> bool:
        """Is the user the owner or a further holder?"""
        return user_id == self.owner_user_id or user_id in self.holder_user_ids


_REFS = """
SELECT a.number, a.id, a.ledger_account_id, a.currency, a.branch_id, b.code, a.product_id, a.status,
       p.transaction_limit, m.user_id,
       (SELECT array_agg(hm.user_id ORDER BY hm.user_id) FROM accounts_accountholder h
          JOIN members_member hm ON hm.id = h.member_id
          CROSS JOIN ledger_businessdate d
         WHERE h.account_id = a.id AND hm.user_id IS NOT NULL
           AND (h.since IS NULL OR h.since <= d.current) AND (h.until IS NULL OR h.until >= d.current))
  FROM accounts_account a
  JOIN accounts_accountproduct p ON p.id = a.product_id
  JOIN members_member m ON m.id = a.member_id
  JOIN identity_branch b ON b.id = a.branch_id
 WHERE {}
"""
_BY_NUMBER = _REFS.format("a.number = ANY (%s)")
_BY_ID = _REFS.format("a.id = ANY (%s)")
_BY_EITHER = _REFS.format("a.number = ANY (%s) OR a.id = ANY (%s)")


def ledger_refs(*, numbers: Iterable[str] = (), ids: Iterable[UUID] = ()) -> dict[str, AccountRef]:
    """References by number for the given numbers and account ids; unknown ones are left out. One statement."""
    by_number, by_id = list(numbers), list(ids)
    values: list[Any]
    if by_number and by_id:
        sql, values = _BY_EITHER, [by_number, by_id]
    else:
        sql, values = (_BY_ID, [by_id]) if by_id else (_BY_NUMBER, [by_number])
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[Any] = cursor.fetchall()
    return {row[0]: AccountRef(*row[:10], *[tuple(row[10] or ())]) for row in rows}


def transaction_limits() -> dict[UUID, int]:
    """The most that one transaction may take out, minor units, by product; products without a limit are left out."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, transaction_limit FROM accounts_accountproduct WHERE transaction_limit IS NOT NULL")
        return dict(cursor.fetchall())
