"""Reads of payments: the accounts that a payment names, decided payments, holds, runs of imports."""

from __future__ import annotations

import datetime as dt
import re
import threading
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from apps.accounts.selectors import (
    AccountRef,
    ProductRules,
    accounts_mandated,
    accounts_visible_to,
    ledger_refs,
    product_rules,
    transaction_limits,
)
from apps.balances.selectors import engine_seen_to_have, holds, transaction_find
from apps.core.cache_stats import CacheStats
from apps.core.errors import NotFound
from apps.core.money import Money
from apps.payments.errors import PaymentAccountNotFound
from apps.payments.models import ImportRun

if TYPE_CHECKING:
    from apps.balances.selectors import Hold, TransactionKey
    from apps.identity.models import User

CACHED_MAX = 200_000
LIMIT_SECONDS = 5.0
"""How long a changed transaction limit may go unnoticed by another process. A new mandate too, where a client of the
whole bank is served: members and branches are measured by what holds now."""

KIND_DEPOSIT, KIND_WITHDRAWAL, KIND_TRANSFER, KIND_CAPTURE = "deposit", "withdrawal", "transfer", "hold_capture"
KIND_REVERSAL, KIND_IMPORT = "reversal", "import"
KINDS = frozenset({KIND_DEPOSIT, KIND_WITHDRAWAL, KIND_TRANSFER, KIND_CAPTURE, KIND_REVERSAL, KIND_IMPORT})

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


stats = CacheStats("account references")


class _Refs:
    """Account names already resolved. What is kept never changes: ids, number, currency, branch and product.

    Nothing is kept from inside a transaction: it may still be rolled back.
    """

    def __init__(self) -> None:
        self._refs: dict[str, AccountRef] = {}
        self._limits: dict[UUID, int] = {}
        self._limits_until = 0.0
        self._rules: Mapping[UUID, ProductRules] = {}
        self._rules_until = 0.0
        self._mandated: frozenset[UUID] = frozenset()
        self._mandated_until = 0.0
        self._lock = threading.Lock()

    def refs(self, names: Collection[str]) -> dict[str, AccountRef]:
        known = self._refs
        found = {name: known[name] for name in names if name in known}
        stats.hits += len(found)
        if len(found) == len(names):
            return found
        stats.misses += len(names) - len(found)
        missing = [name for name in names if name not in found]
        ids = [UUID(name) for name in missing if _UUID.fullmatch(name)]
        read = ledger_refs(numbers=[name for name in missing if not _UUID.fullmatch(name)], ids=ids)
        fresh = {}
        for ref in read.values():
            fresh[ref.number] = fresh[str(ref.account_id)] = ref
        found.update({name: fresh[name] for name in missing if name in fresh})
        if not connection.in_atomic_block:
            with self._lock:
                if len(known) + len(fresh) > CACHED_MAX:
                    known.clear()
                known.update(fresh)
        return found

    def ledgers(self, names: Collection[str]) -> list[int] | None:
        """Ledger accounts of names that are all known; None otherwise. No query."""
        found = [self._refs.get(name) for name in names]
        return [ref.ledger_id for ref in found if ref is not None] if None not in found else None

    def limits(self) -> Mapping[UUID, int]:
        """The most that one transaction may take out, minor units, by product; at most `LIMIT_SECONDS` old."""
        if connection.in_atomic_block:
            return transaction_limits()
        if time.monotonic() >= self._limits_until:
            self._limits = transaction_limits()
            self._limits_until = time.monotonic() + LIMIT_SECONDS
        return self._limits

    def mandated(self) -> frozenset[UUID]:
        """Accounts on which one signature may not be enough; at most `LIMIT_SECONDS` old."""
        if time.monotonic() >= self._mandated_until:
            self._mandated = accounts_mandated()
            self._mandated_until = time.monotonic() + LIMIT_SECONDS
        return self._mandated

    def rules(self) -> Mapping[UUID, ProductRules]:
        """Channels and bounds of balances by product; at most `LIMIT_SECONDS` old."""
        if connection.in_atomic_block:
            return product_rules()
        if time.monotonic() >= self._rules_until:
            self._rules = product_rules()
            self._rules_until = time.monotonic() + LIMIT_SECONDS
        return self._rules

    def forget(self) -> None:
        with self._lock:
            self._refs.clear()
            self._rules_until = 0.0
            self._limits_until = self._mandated_until = 0.0


_refs = _Refs()


def refs_forget() -> None:
    """Forget all resolved accounts and limits, for tests and after a restore."""
    _refs.forget()


def account_refs(*, names: Collection[str]) -> dict[str, AccountRef]:
    """Accounts by number or id (lower-case UUID); unknown names are left out. At most one query, none when known."""
    return _refs.refs(names)


def engine_executes(*, names: Collection[str]) -> bool:
    """Whether the engine executes all these accounts, as this process saw them last. No query."""
    ledgers = _refs.ledgers(names)
    return ledgers is not None and engine_seen_to_have(account_ids=ledgers)


def account_ref(*, name: str, pointer: str) -> AccountRef:
    """One account by number or id. Raises `PaymentAccountNotFound` at `pointer`."""
    found = _refs.refs((name,)).get(name)
    if found is None:
        raise PaymentAccountNotFound("No such account.", pointer=pointer)
    return found


def usable_accounts(*, user: User, refs: Iterable[AccountRef]) -> set[UUID]:
    """Of these accounts, the ids of those that the user may act on: all, the branch's, or the user's own.

    Owners are read again, since they may change; the rest of a reference may not.
    """
    scope = user.scope
    if scope == "all":
        return {ref.account_id for ref in refs}
    if scope == "branch":
        return {ref.account_id for ref in refs if ref.branch_id in user.branch_ids}
    fresh = ledger_refs(ids=[ref.account_id for ref in refs])
    return {ref.account_id for ref in fresh.values() if ref.belongs_to(user.pk)}


def product_limits() -> Mapping[UUID, int]:
    """The most that one transaction may take out, minor units, by product; products without a limit are left out."""
    return _refs.limits()


def mandated_accounts(*, user: User, refs: Iterable[AccountRef]) -> frozenset[UUID]:
    """Of these accounts, the ids of those on which one signature may not be enough.

    Inside a transaction the callers of the whole bank would read all of them: those are asked for by id as well.
    """
    if user.scope == "all" and not connection.in_atomic_block:
        return _refs.mandated()
    return accounts_mandated(ids=[ref.account_id for ref in refs])


def product_rules_now() -> Mapping[UUID, ProductRules]:
    """Channels and bounds of balances by product, of the open business day; products without any are left out."""
    return _refs.rules()


@dataclass(frozen=True, slots=True)
class AccountName:
    """How an account is named in answers."""

    id: UUID
    number: str


@dataclass(frozen=True, slots=True)
class Payment:
    """A decided payment. A refused one (`outcome` other than OK) moved nothing: it has no amount and no accounts.

    `source` or `destination` is None where the other side is the bank's own account.
    """

    id: UUID
    kind: str
    outcome: str
    replayed: bool
    amount: Money | None
    source: AccountName | None
    destination: AccountName | None
    channel: str
    description: str
    counterparty: str
    reference: str
    client_timestamp: dt.datetime | None
    business_date: dt.date
    value_date: dt.date
    booked_at: dt.datetime
    journal_id: int
    actor_id: UUID | None
    reverses: UUID | None = None

    @property
    def ok(self) -> bool:
        return self.outcome == "OK"


def payment_find(*, transaction_id: UUID, replayed: bool = False) -> Payment | None:
    """A decided payment of any kind, or None."""
    key = transaction_find(transaction_id=transaction_id)
    return None if key is None else payment_of(key, replayed=replayed)


def payment_of(key: TransactionKey, *, replayed: bool) -> Payment | None:
    """The payment that a decided transaction was; None for entries that are no payments."""
    entry = key.journal
    if entry is None or entry.kind not in KINDS:
        return None
    lines = list(entry.lines.all())
    refs = ledger_refs(numbers=[line.account.number for line in lines if line.account.kind == "customer"])
    amount, sides = None, {}
    for line in lines:
        amount = amount or Money(line.amount, line.currency)
        ref = refs.get(line.account.number)
        if ref is not None:
            sides[line.side] = AccountName(ref.account_id, ref.number)
    return Payment(
        id=entry.transaction_id,
        kind=entry.kind,
        outcome=entry.outcome,
        replayed=replayed,
        amount=amount,
        source=sides.get("D"),
        destination=sides.get("C"),
        channel=entry.channel,
        description=entry.description,
        counterparty=entry.counterparty,
        reference=entry.reference,
        client_timestamp=entry.client_timestamp,
        business_date=entry.business_date,
        value_date=entry.value_date,
        booked_at=entry.booked_at,
        journal_id=entry.pk,
        actor_id=entry.actor,
        reverses=entry.reverses.transaction_id if entry.reverses is not None else None,
    )


def payment_get_for(*, user: User, transaction_id: UUID, kinds: frozenset[str] = KINDS) -> Payment:
    """A payment that the user made, or that touches an account in the user's reach. Raises `NotFound`."""
    payment = payment_find(transaction_id=transaction_id)
    if payment is None or payment.kind not in kinds:
        raise NotFound("No such payment.")
    if payment.actor_id == user.pk or user.scope == "all":
        return payment
    names = [str(side.id) for side in (payment.source, payment.destination) if side is not None]
    if not usable_accounts(user=user, refs=account_refs(names=names).values()):
        raise NotFound("No such payment.")
    return payment


def holds_visible_to(*, user: User, account: str | None = None, status: str | None = None) -> QuerySet[Hold]:
    """Holds on accounts in the user's reach; of one account (number or id) and one status when given."""
    found = holds()
    if user.scope != "all":
        found = found.filter(account_id__in=accounts_visible_to(user).values("ledger_account_id"))
    if account is not None:
        ref = account_refs(names=[account]).get(account)
        found = found.filter(account_id=ref.ledger_id) if ref is not None else found.none()
    return found.filter(status=status) if status is not None else found


def hold_get_for(*, user: User, hold_id: UUID) -> Hold:
    """A hold on an account in the user's reach. Raises `NotFound`."""
    hold = holds().filter(pk=hold_id).first()
    if hold is None:
        raise NotFound("No such hold.")
    if user.scope != "all":
        ref = account_ref(name=hold.account.number, pointer="")
        if not usable_accounts(user=user, refs=[ref]):
            raise NotFound("No such hold.")
    return hold


def import_runs_visible_to(user: User) -> QuerySet[ImportRun]:
    """Runs of imports: all of them for those who see the whole bank, one's own for others."""
    runs = ImportRun.objects.all()
    return runs if user.scope == "all" else runs.filter(started_by=user.pk)


def import_run_get_for(*, user: User, run_id: UUID) -> ImportRun:
    """One run. Raises `NotFound`."""
    run = import_runs_visible_to(user).filter(pk=run_id).first()
    if run is None:
        raise NotFound("No such import.")
    return run
