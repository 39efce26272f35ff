"""The only door for money.

`postings_post` moves money in one call; `in_database` opens a transaction over given accounts for domain code that
changes its own tables with the money; holds and states go the same way.
"""

from apps.balances.services._accounts import account_open, accounts_open, internal_account_id
from apps.balances.services._door import Book, in_database
from apps.balances.services._holds import hold_capture, hold_expire_due, hold_place, hold_release
from apps.balances.services._journal import ENTRY_LINES_MAX, ManualLine, entry_post, entry_reverse
from apps.balances.services._posting import Leg, Outcome, Posting, PostingResult, postings_post

__all__ = [
    "ENTRY_LINES_MAX",
    "Book",
    "Leg",
    "ManualLine",
    "Outcome",
    "Posting",
    "PostingResult",
    "account_open",
    "accounts_open",
    "entry_post",
    "entry_reverse",
    "hold_capture",
    "hold_expire_due",
    "hold_place",
    "hold_release",
    "in_database",
    "internal_account_id",
    "postings_post",
]
