"""What the terms of products that hold today ask of payments: channels, the least and the greatest balance."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import connection


@dataclass(frozen=True, slots=True)
class ProductRules:
    """Rules of a product; amounts in minor units, None for none. No `channels` means all."""

    channels: frozenset[str]
    minimum: int | None
    maximum: int | None


_RULES = """
SELECT DISTINCT ON (product_id) product_id, channels, CASE WHEN minimum_kept THEN minimum_balance END, maximum_balance
  FROM accounts_productterms WHERE effective_from <= (SELECT current FROM ledger_businessdate)
 ORDER BY product_id, effective_from DESC
"""


def product_rules() -> dict[UUID, ProductRules]:
    """The rules by product on the open business day, in one statement; products without any are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_RULES)
        rows = cursor.fetchall()
    found = {pk: ProductRules(frozenset(channels), minimum, maximum) for pk, channels, minimum, maximum in rows}
    nothing = ProductRules(frozenset(), None, None)
    return {pk: rules for pk, rules in found.items() if rules != nothing}
