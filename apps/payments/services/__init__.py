"""Payments: money into, out of and between accounts. The ledger is their only record.

Each takes the client's key and the fingerprint of what was asked: the same key gives the first outcome again, for ever.
A refusal by the books (funds, blocked, closed) is an outcome that is kept; what is wrong with the request itself is
raised and not kept.
"""

from apps.payments.services._batches import BATCH_MAX, BatchItem, ItemResult, transfer_batch_post
from apps.payments.services._cash import deposit_post, withdrawal_post
from apps.payments.services._cheque_books import cheque_book_issue, cheque_pay, cheque_stop
from apps.payments.services._cheque_deposits import (
    Drawn,
    cheque_clear,
    cheque_deposit,
    cheque_return,
    cheques_clear,
)
from apps.payments.services._common import Asked, Details
from apps.payments.services._counter import cash_pay, cash_take, till_cash_move
from apps.payments.services._holds import hold_capture, hold_place, hold_release
from apps.payments.services._imports import UPLOAD_BYTES_MAX, import_file, import_run_execute, import_upload
from apps.payments.services._leavers import instructions_suspend
from apps.payments.services._sessions import session_confirm, session_count, session_open
from apps.payments.services._signatures import authority_needed
from apps.payments.services._signing import (
    pending_create,
    pending_end,
    pending_enough,
    pending_refuse,
    pending_sign,
    pendings_expire,
    signed_members,
)
from apps.payments.services._standing import (
    Terms,
    instruction_cancel,
    instruction_create,
    instruction_end,
    instruction_pause,
    instruction_resume,
    instruction_update,
)
from apps.payments.services._standing_run import instruction_run, standing_run
from apps.payments.services._terminals import (
    authorisation_capture,
    authorisation_place,
    authorisation_release,
    terminal_create,
)
from apps.payments.services._tills import till_create, till_update
from apps.payments.services._transfers import REVERSIBLE, transfer_accept, transfer_post, transfer_reverse
from apps.payments.services._vault import vault_transfer_ask, vault_transfer_cancel, vault_transfer_decide

__all__ = [
    "BATCH_MAX",
    "REVERSIBLE",
    "UPLOAD_BYTES_MAX",
    "Asked",
    "BatchItem",
    "Details",
    "Drawn",
    "ItemResult",
    "Terms",
    "authorisation_capture",
    "authorisation_place",
    "authorisation_release",
    "authority_needed",
    "cash_pay",
    "cash_take",
    "cheque_book_issue",
    "cheque_clear",
    "cheque_deposit",
    "cheque_pay",
    "cheque_return",
    "cheque_stop",
    "cheques_clear",
    "deposit_post",
    "hold_capture",
    "hold_place",
    "hold_release",
    "import_file",
    "import_run_execute",
    "import_upload",
    "instruction_cancel",
    "instruction_create",
    "instruction_end",
    "instruction_pause",
    "instruction_resume",
    "instruction_run",
    "instruction_update",
    "instructions_suspend",
    "pending_create",
    "pending_end",
    "pending_enough",
    "pending_refuse",
    "pending_sign",
    "pendings_expire",
    "session_confirm",
    "session_count",
    "session_open",
    "signed_members",
    "standing_run",
    "terminal_create",
    "till_cash_move",
    "till_create",
    "till_update",
    "transfer_accept",
    "transfer_batch_post",
    "transfer_post",
    "transfer_reverse",
    "vault_transfer_ask",
    "vault_transfer_cancel",
    "vault_transfer_decide",
    "withdrawal_post",
]
