"""The only door for money.

`postings_post` moves money in one call; `in_database` opens a transaction over given accounts for domain code that
changes its own tables with the money; holds and states go the same way.
"""

from apps.balances.services._accounts import account_open, accounts_open, internal_account_id
from apps.balances.services._door import Book, in_database
from apps.balances.services._engine import (
    account_heal,
    account_reassign,
    engine_verify,
    partition_activate,
    partition_fence,
    partition_heal,
)
from apps.balances.services._holds import hold_capture, hold_expire_due, hold_place, hold_release
from apps.balances.services._journal import ENTRY_LINES_MAX, MANUAL, ManualLine, entry_post, entry_reverse
from apps.balances.services._posting import AMOUNT_MAX, Leg, Outcome, Posting, PostingResult, postings_post
from apps.balances.services._realtime import (
    Accepted,
    Receipt,
    posting_accept,
    posting_status,
    postings_accept,
    postings_execute,
)

__all__ = [
    "AMOUNT_MAX",
    "ENTRY_LINES_MAX",
    "MANUAL",
    "Accepted",
    "Book",
    "Leg",
    "ManualLine",
    "Outcome",
    "Posting",
    "PostingResult",
    "Receipt",
    "account_heal",
    "account_open",
    "account_reassign",
    "accounts_open",
    "engine_verify",
    "entry_post",
    "entry_reverse",
    "hold_capture",
    "hold_expire_due",
    "hold_place",
    "hold_release",
    "in_database",
    "internal_account_id",
    "partition_activate",
    "partition_fence",
    "partition_heal",
    "posting_accept",
    "posting_status",
    "postings_accept",
    "postings_execute",
    "postings_post",
]
