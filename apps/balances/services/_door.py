"""`in_database`: one ordinary PostgreSQL transaction over given accounts, for domain code that moves money."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from django.db import DatabaseError, IntegrityError, connection, transaction

from apps.balances.engine.ownership import accounts_bring_home
from apps.balances.errors import BalanceNotZero, EngineOwned, InsufficientFunds, refusal_of
from apps.balances.locks import balances_lock, day_lock_shared
from apps.balances.models import Balance, Partition
from apps.balances.services._handover import TRIES
from apps.balances.services._posting import Outcome, Posting, open_accounts, postings_post
from apps.core.errors import DomainError

ACCOUNTS_MAX = 500


class Book:
    """The open door: what may be done to the accounts it was opened for, until the block ends."""

    def __init__(self, *, balances: dict[int, Balance], actor_id: UUID | None, correlation_id: str) -> None:
        self._balances = balances
        self._actor_id = actor_id
        self._correlation_id = correlation_id
        self._stale: set[int] = set()

    @property
    def account_ids(self) -> frozenset[int]:
        """The ledger accounts that the door is open for."""
        return frozenset(self._balances)

    def balance(self, account_id: int) -> Balance:
        """The locked state of one account, as of now in this transaction."""
        if account_id in self._stale:
            self._balances.update(Balance.objects.in_bulk(self._stale))
            self._stale.clear()
        return self._balances[account_id]

    def post(self, *postings: Posting, atomic: bool = True) -> list[Outcome]:
        """Post inside this transaction. Raises the first refusal as a DomainError, so that the whole block is undone.

        A refusal undone with its block is not kept: the same key is decided anew, unlike with `postings_post`.
        """
        result = postings_post(postings, actor_id=self._actor_id, correlation_id=self._correlation_id, atomic=atomic)
        for outcome in result.outcomes:
            if not outcome.ok:
                raise refusal_of(outcome.code)
        self._stale.update(result.balances)
        return result.outcomes

    def change(
        self, account_id: int, *, held_delta: int = 0, overdraft_limit: int | None = None, status: str | None = None
    ) -> None:
        """Change what is held (minor units, signed), the overdraft limit or the status of one account.

        Raises `InsufficientFunds` when nothing would be left available, `BalanceNotZero` when an account is closed that
        has a balance or holds; PostgreSQL's CHECKs decide, and the block is undone.
        """
        row = self.balance(account_id)
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT balances_change(%s, %s, %s, %s, %s)",
                    [account_id, row.version, held_delta, overdraft_limit, status],
                )
        except IntegrityError as error:
            refusal = _REFUSALS.get(constraint_of(error))
            if refusal is None:
                raise
            raise refusal() from error
        self._stale.add(account_id)


_REFUSALS: dict[str, type[DomainError]] = {
    "balances_available_not_negative": InsufficientFunds,
    "balances_closed_is_empty": BalanceNotZero,
}


def constraint_of(error: DatabaseError) -> str:
    """The name of the constraint that a database error is about; empty when it is about none."""
    return getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or ""


_current: ContextVar[Book | None] = ContextVar("current_book", default=None)


@contextmanager
def in_database(account_ids: Iterable[int], *, actor_id: UUID | None, correlation_id: str = "") -> Iterator[Book]:
    """Open a transaction that owns the given ledger accounts; all of them are locked in key order at its start.

    It must be the outermost transaction (RuntimeError otherwise); a nested use is allowed for a subset of the accounts
    and joins it. Lock order: business day, accounts by id, then whatever rows the body locks. Keep bodies short and
    free of calls to the outside. Accounts in the engine's hands are called back first; raises `EngineOwned` (503) when
    that takes too long.
    """
    wanted = frozenset(account_ids)
    if not 1 <= len(wanted) <= ACCOUNTS_MAX:
        raise ValueError(f"in_database takes 1 to {ACCOUNTS_MAX} accounts")
    outer = _current.get()
    if outer is not None:
        if not wanted <= outer.account_ids:
            raise RuntimeError("a nested in_database may only use accounts of the outer one")
        yield outer
        return
    for attempt in range(1, TRIES + 1):
        with transaction.atomic(durable=True):
            day_lock_shared()
            balances = balances_lock(account_ids=wanted)
            if balances.keys() != wanted:
                raise ValueError("no balance for accounts " + ", ".join(map(str, sorted(wanted - balances.keys()))))
            engine_owned = _engine_owned(balances)
            if not engine_owned:
                with _opened(Book(balances=balances, actor_id=actor_id, correlation_id=correlation_id)) as book:
                    yield book
                return
        # Nothing is locked while the engine hands the accounts over.
        if attempt == TRIES:
            raise EngineOwned(retry_after=2)
        accounts_bring_home(engine_owned)


@contextmanager
def _opened(book: Book) -> Iterator[Book]:
    book_token = _current.set(book)
    accounts_token = open_accounts.set(book.account_ids)
    try:
        yield book
    finally:
        open_accounts.reset(accounts_token)
        _current.reset(book_token)


def _engine_owned(balances: dict[int, Balance]) -> list[int]:
    """Ownership rule, read in a later statement than the locks: a statement's snapshot is older than its lock wait."""
    live = {p.id: p.epoch for p in Partition.objects.exclude(mode=Partition.Mode.SAFE)}
    return [pk for pk, row in balances.items() if live.get(row.partition_id or 0) == row.owner_epoch]
