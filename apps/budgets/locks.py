"""Row locks of budgets; docs/locking.md. Rules come after the balances of the entry that they are asked for."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import connection

from apps.budgets.models import BudgetRule


def rules_lock(*, ids: Iterable[UUID]) -> None:
    """Lock rules of control in key order until the transaction ends: whoever spends what they watch waits his turn.

    Raises RuntimeError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("rules_lock needs an open transaction")
    rules = BudgetRule.objects.filter(pk__in=set(ids)).order_by("pk").values_list("pk", flat=True)
    list(rules.select_for_update(no_key=True))
