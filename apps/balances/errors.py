"""What the door for money refuses. `refusal_of` gives the error of a journaled outcome."""

from collections.abc import Sequence

from apps.core.errors import (
    Conflict,
    CurrencyMismatch,
    DomainError,
    IdempotencyKeyReused,
    NotFound,
    Unavailable,
    Unprocessable,
)


class InsufficientFunds(Unprocessable):
    """422: the account's available balance does not cover the amount."""

    code = "insufficient-funds"
    title = "Insufficient funds"


class BooksDiffer(Unprocessable):
    """422: a proof of the books found differences. The business date stays open until they are understood."""

    code = "books-differ"
    title = "The books do not add up"


class AccountBlocked(Unprocessable):
    """422: the account is blocked for this direction."""

    code = "account-blocked"
    title = "The account is blocked"


class AccountClosed(Unprocessable):
    """422: the account is closed."""

    code = "account-closed"
    title = "The account is closed"


class AmountOutOfRange(Unprocessable):
    """422: the amount or the balance after it is beyond what the books hold exactly."""

    code = "amount-out-of-range"
    title = "The amount is out of range"


class AlreadyReversed(Unprocessable):
    """422: the entry has been reversed before."""

    code = "already-reversed"
    title = "Already reversed"


class BatchRefused(Unprocessable):
    """422: this item stands, but another of the all-or-nothing batch was refused."""

    code = "batch-refused"
    title = "Another item of the batch was refused"
    errors: Sequence[dict[str, str]] = ()
    """The items that were refused, as {pointer, code, detail}, when the whole batch is answered."""


class EngineOwned(Unavailable):
    """503: the account is being handed over from the engine; try again."""

    code = "account-moving"
    title = "The account is being moved"


class PartitionUnknown(NotFound):
    """404: there is no such partition of the engine."""

    code = "partition-unknown"
    title = "No such partition"


class EngineBusy(Unavailable):
    """503: more transfers wait for the journal than may; nothing was done. Try again."""

    code = "engine-busy"
    title = "Too many transfers at once"


class OutcomeUnknown(Unavailable):
    """503: it may or may not happen. The same request under the same key has the one true answer."""

    code = "outcome-unknown"
    title = "The outcome is not known yet"


class TransactionVoid(Unprocessable):
    """422: the transfer was accepted, but never carried out, and under this key it never will be."""

    code = "transaction-void"
    title = "The transfer was not carried out"


class HoldNotActive(Conflict):
    """409: the hold was captured, released or expired before."""

    code = "hold-not-active"
    title = "The hold has ended"


class BalanceNotZero(Conflict):
    """409: an account is closed only with nothing on it and nothing held."""

    code = "balance-not-zero"
    title = "The account still has a balance or holds"


class EntryNotBalanced(Unprocessable):
    """422: debits and credits of a currency differ."""

    code = "entry-not-balanced"
    title = "The entry does not balance"


class NotReversible(Conflict):
    """409: the entry was refused, is itself a reversal, or belongs to a loan, a till or the like: undo that."""

    code = "not-reversible"
    title = "The entry cannot be reversed"


_REFUSALS: dict[str, type[DomainError]] = {
    "NSF": InsufficientFunds,
    "FROZEN": AccountBlocked,
    "CLOSED": AccountClosed,
    "CCY": CurrencyMismatch,
    "LIMIT": AmountOutOfRange,
    "REVERSED": AlreadyReversed,
    "BATCH": BatchRefused,
    "REUSED": IdempotencyKeyReused,
    "VOID": TransactionVoid,
}


def refusal_of(outcome: str) -> DomainError:
    """The error that stands for a refused outcome. Raises KeyError for ``OK``."""
    return _REFUSALS[outcome]()
