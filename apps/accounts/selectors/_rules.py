"""What the terms of products that hold today ask of payments: channels, the least and the greatest balance."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import connection


@dataclass(frozen=True, slots=True)
class ProductRules:
    """Rules of a product; amounts in minor units, None for none. No `channels` means all.

    `realtime` products' accounts are executed by the engine.
    """

    channels: frozenset[str]
    minimum: int | None
    maximum: int | None
    realtime: bool = False

    @property
    def exact(self) -> bool:
        """Is there a bound that is measured under the lock of the balance?"""
        return not self.realtime and (self.minimum is not None or self.maximum is not None)


_RULES = """
SELECT DISTINCT ON (t.product_id) t.product_id, t.channels, CASE WHEN t.minimum_kept THEN t.minimum_balance END,
       t.maximum_balance, p.engine = 'realtime'
  FROM accounts_productterms t JOIN accounts_accountproduct p ON p.id = t.product_id
 WHERE t.effective_from <= (SELECT current FROM ledger_businessdate)
 ORDER BY t.product_id, t.effective_from DESC
"""


def product_rules() -> dict[UUID, ProductRules]:
    """The rules by product on the open business day, in one statement; products without any are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_RULES)
        rows = cursor.fetchall()
    return {
        pk: ProductRules(frozenset(channels), minimum, maximum, realtime)
        for pk, channels, minimum, maximum, realtime in rows
        if channels or minimum is not None or maximum is not None
    }
