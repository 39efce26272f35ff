"""What changes an account's status by the calendar: nobody moved money for long, or a block came to its end."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db import connection

from apps.accounts.errors import AccountIsClosed
from apps.accounts.models import Account
from apps.accounts.partitions import range_of
from apps.accounts.services._accounts import account_status_set
from apps.core.errors import NotFound, PreconditionFailed

_QUIET = """
SELECT a.id, a.version, t.days
  FROM accounts_account a
  JOIN LATERAL (SELECT s.dormant_after_days AS days FROM accounts_productterms s WHERE s.product_id = a.product_id
                   AND s.effective_from <= %(day)s ORDER BY s.effective_from DESC LIMIT 1) t ON t.days IS NOT NULL
 WHERE a.ledger_account_id BETWEEN %(low)s AND %(high)s AND a.status = 'active' AND a.opened_on <= %(day)s - t.days
   AND NOT EXISTS (SELECT FROM accounts_historicalaccount h WHERE h.id = a.id AND h.status = 'dormant'
                      AND h.history_date > %(day)s::date - t.days)
   AND NOT EXISTS (
       SELECT FROM ledger_line l JOIN ledger_journal j ON j.id = l.journal_id
        WHERE l.account_id = a.ledger_account_id AND j.channel <> 'bank' AND l.business_date > %(day)s - t.days)
 ORDER BY a.ledger_account_id
"""


def accounts_rest(*, partition: str, business_date: dt.date) -> dict[str, int]:
    """Make accounts dormant on which their owners moved nothing for as long as the terms say, at the close of a date.

    What the bank books by itself, interest and fees, is no movement; an account that was woken has its time anew. A
    dormant account takes no debits but the bank's fees until it is freed. Returns facts: dormant.
    """
    low, high = range_of(partition)
    with connection.cursor() as cursor:
        cursor.execute(_QUIET, {"low": low, "high": high, "day": business_date})
        rows = cursor.fetchall()
    made = 0
    for account_id, version, days in rows:
        made += _set(account_id, version, Account.Status.DORMANT, f"No movement by its owner for {days} days.")
    return {"dormant": made}


def account_blocks_end(*, partition: str, business_date: dt.date) -> dict[str, int]:
    """Free the accounts whose block was to end with this date. Returns facts: freed."""
    low, high = range_of(partition)
    ended = Account.objects.filter(
        ledger_account__gte=low, ledger_account__lte=high, status_until__lte=business_date
    ).exclude(status__in=(Account.Status.ACTIVE, Account.Status.CLOSED))
    freed = 0
    for account_id, version in ended.order_by("ledger_account").values_list("pk", "version"):
        freed += _set(account_id, version, Account.Status.ACTIVE, "The block came to its end.")
    return {"freed": freed}


def _set(account_id: UUID, version: int, status: str, reason: str) -> int:
    """1 when it was set; 0 when somebody changed the account meanwhile: the next close looks again."""
    try:
        account_status_set(
            acting_user=None, account_id=account_id, expected_version=version, status=status, reason=reason
        )
    except (PreconditionFailed, AccountIsClosed, NotFound):
        return 0
    return 1
