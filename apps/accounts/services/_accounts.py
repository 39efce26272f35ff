"""Opening, changing, blocking and closing accounts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.accounts import locks
from apps.accounts.alerts import status_tell
from apps.accounts.errors import (
    AccountIsClosed,
    AccountNumberTaken,
    HolderInvalid,
    OverdraftAboveProduct,
    OverdraftInUse,
    ProductNotUsable,
)
from apps.accounts.models import Account, AccountHolder, AccountProduct
from apps.accounts.numbers import account_number, number_check, serials_take
from apps.accounts.selectors import account_facts
from apps.audit.services import record
from apps.balances import services as balances
from apps.core.api.etag import version_check
from apps.core.errors import InvalidText, NotFound
from apps.core.retry import retry_transient
from apps.core.text import text_clean
from apps.core.trail import history_stamp
from apps.members.errors import MemberNotActive
from apps.members.facts import branch_require
from apps.members.services import member_require_active

if TYPE_CHECKING:
    from apps.identity.models import User
    from apps.members.models import Member

HOLDERS_MAX = 10
NUMBER_TRIES = 100
TERM_RUNS = "A term deposit runs."

# What a status means to the door for money.
_BOOK_STATUS = {
    Account.Status.ACTIVE: "O",
    Account.Status.DEBIT_BLOCKED: "D",
    Account.Status.CREDIT_BLOCKED: "C",
    Account.Status.FROZEN: "F",
    Account.Status.DORMANT: "D",
}
CLOSED = "X"
_HALVES = (Account.Status.DEBIT_BLOCKED, Account.Status.CREDIT_BLOCKED)


@dataclass(frozen=True, slots=True)
class Holder:
    """A further member on an account; `role` is joint or signatory."""

    member_id: UUID
    role: str


@transaction.atomic
def account_open(
    *,
    acting_user: User | None,
    product_id: UUID,
    member_id: UUID,
    opened_on: dt.date,
    branch_id: UUID | None = None,
    name: str = "",
    overdraft_limit: int = 0,
    holders: Sequence[Holder] = (),
    number: str | None = None,
) -> Account:
    """Open an account with a balance of zero. The branch is the member's unless another is given.

    `overdraft_limit` in minor units of the product's currency. `number` is for accounts that come from elsewhere;
    others get the next one. Raises `ProductNotUsable`, `MemberNotActive`, `BranchNotUsable`, `HolderInvalid`,
    `OverdraftAboveProduct`, `AccountNumberTaken`, `AccountNumberInvalid`, `InvalidText`, and `NotFound` for the member.
    """
    product = AccountProduct.objects.select_related("gl_account").filter(pk=product_id).first()
    if product is None or not product.is_active:
        raise ProductNotUsable("No such product, or not open for new accounts.", pointer="/product_id")
    _overdraft_check(product, overdraft_limit)
    member = _members_lock(member_id, holders)
    branch = branch_require(acting_user=acting_user, branch_id=branch_id or member.branch_id)
    number = number_check(number) if number is not None else _number_fresh(product, branch_code=branch.code)
    account = Account(
        number=number,
        name=text_clean(name or member.display_name, max_length=160, pointer="/name")[:120],
        product=product,
        member=member,
        branch=branch,
        currency=product.currency_id,
        overdraft_limit=overdraft_limit,
        opened_on=opened_on,
    )
    history_stamp(account, acting_user=acting_user, reason="opened")
    try:
        with transaction.atomic():
            account.ledger_account_id = balances.account_open(
                gl_code=product.gl_account.code,
                branch_id=branch.pk,
                currency=account.currency,
                kind="customer",
                number=number,
                name=account.name,
                overdraft_limit=overdraft_limit,
                realtime=product.engine == AccountProduct.Engine.REALTIME,
            )
            account.save(force_insert=True)
    except IntegrityError as error:
        if "number" in str(error):
            raise AccountNumberTaken(pointer="/number") from error
        raise
    _holders_add(account, holders, acting_user=acting_user)
    after = {**account_facts(account), "holders": [f"{holder.role} {holder.member_id}" for holder in holders]}
    record(action="accounts.account.opened", acting_user=acting_user, target=account, after=after)
    return account


@retry_transient
def account_update(
    *,
    acting_user: User | None,
    account_id: UUID,
    expected_version: int,
    name: str | None = None,
    overdraft_limit: int | None = None,
) -> Account:
    """Change the name or the overdraft limit (minor units); None leaves it.

    Raises `NotFound`, `PreconditionFailed`, `AccountIsClosed`, `OverdraftAboveProduct`, `OverdraftInUse`,
    `InvalidText`.
    """
    if name is not None:
        name = text_clean(name, max_length=120, min_length=1, pointer="/name")
    ledger_id = _ledger_id(account_id)
    door: AbstractContextManager[balances.Book | None] = (
        _door(ledger_id, acting_user) if overdraft_limit is not None else nullcontext()
    )
    with door as book, transaction.atomic():
        account = account_locked(account_id, expected_version)
        before = account_facts(account)
        if name is not None:
            account.name = name
        if book is not None and overdraft_limit is not None and overdraft_limit != account.overdraft_limit:
            _overdraft_check(account.product, overdraft_limit)
            state = book.balance(ledger_id)
            if state.balance - state.held + overdraft_limit < 0:
                raise OverdraftInUse(pointer="/overdraft_limit")
            book.change(ledger_id, overdraft_limit=overdraft_limit)
            account.overdraft_limit = overdraft_limit
        return account_changed(account, before, acting_user=acting_user, action="updated", reason="updated")


@retry_transient
def account_status_set(
    *,
    acting_user: User | None,
    account_id: UUID,
    expected_version: int,
    status: str,
    reason: str,
    until: dt.date | None = None,
) -> Account:
    """Block or free an account: active, debit_blocked, credit_blocked, frozen or dormant, with the reason.

    A block with `until` ends by itself at the close of that date; while a term deposit runs, a block is a freeze. The
    balance's own status changes in the same transaction, so no posting slips through in between.
    Raises `NotFound`, `PreconditionFailed`, `AccountIsClosed`, `InvalidText` without a reason.
    """
    wanted = Account.Status(status)
    if wanted not in _BOOK_STATUS:
        raise ValueError("an account is closed by account_close")
    reason = reason_check(reason)
    ledger_id = _ledger_id(account_id)
    with _door(ledger_id, acting_user) as book:
        account = account_locked(account_id, expected_version)
        before = account_facts(account)
        if wanted == Account.Status.ACTIVE and account.fixed_terms_id is not None:
            wanted, reason = Account.Status.DEBIT_BLOCKED, TERM_RUNS  # what a term forbids stays forbidden
        elif wanted in _HALVES and account.fixed_terms_id is not None:
            wanted = Account.Status.FROZEN  # a block of credits would free the debits, one of debits end with the term
        if wanted != account.status:
            book.change(ledger_id, status=_BOOK_STATUS[wanted])
        account.status = wanted
        account.status_reason = "" if wanted == Account.Status.ACTIVE else reason
        account.status_until = None if wanted == Account.Status.ACTIVE else until
        changed = account_changed(account, before, acting_user=acting_user, action="status_set", reason=reason)
        status_tell(changed, before=before["status"])
        return changed


def _number_fresh(product: AccountProduct, *, branch_code: str) -> str:
    """The next number that no import has taken before. Raises `AccountNumberTaken` after a hundred that were."""
    for _ in range(NUMBER_TRIES):
        serial = serials_take(count=1)[0]
        number = account_number(prefix=product.number_prefix, branch_code=branch_code, serial=serial)
        if not Account.objects.filter(number=number).exists():
            return number
    raise AccountNumberTaken


def _door(ledger_id: int, acting_user: User | None) -> AbstractContextManager[balances.Book]:
    return balances.in_database([ledger_id], actor_id=acting_user.pk if acting_user is not None else None)


def _ledger_id(account_id: UUID) -> int:
    """Read before the transaction, since the balance is locked before the account; it never changes."""
    found = Account.objects.filter(pk=account_id).values_list("ledger_account_id", flat=True).first()
    if found is None:
        raise NotFound("No such account.")
    return found


def account_locked(account_id: UUID, expected_version: int) -> Account:
    """The account, locked, in the version that the caller saw. Raises `NotFound`, `PreconditionFailed`,
    `AccountIsClosed`."""
    account = locks.account_lock(pk=account_id)
    if account is None:
        raise NotFound("No such account.")
    version_check(current=account.version, expected=expected_version)
    if account.status == Account.Status.CLOSED:
        raise AccountIsClosed
    return account


def account_changed(
    account: Account, before: dict[str, Any], *, acting_user: User | None, action: str, reason: str
) -> Account:
    """Save, with history and audit, when anything differs from `before`."""
    after = account_facts(account)
    names = [name for name in after if after[name] != before[name]]
    if not names:
        return account
    account.version += 1
    history_stamp(account, acting_user=acting_user, reason=reason)
    account.save()
    record(
        action=f"accounts.account.{action}",
        acting_user=acting_user,
        target=account,
        before={name: before[name] for name in names},
        after={name: after[name] for name in names},
        reason=reason if action != "updated" else "",
    )
    return account


def _overdraft_check(product: AccountProduct, overdraft_limit: int) -> None:
    if not 0 <= overdraft_limit <= product.overdraft_limit_max:
        raise OverdraftAboveProduct(pointer="/overdraft_limit")


def reason_check(reason: str) -> str:
    """A reason as it is kept. Raises `InvalidText` for none."""
    clean = text_clean(reason, max_length=200, pointer="/reason")
    if not clean:
        raise InvalidText("Say why.", pointer="/reason")
    return clean


def _members_lock(member_id: UUID, holders: Sequence[Holder]) -> Member:
    """The owner and the holders, active and locked in key order; returns the owner."""
    if len(holders) > HOLDERS_MAX:
        raise HolderInvalid(f"At most {HOLDERS_MAX} further holders.", pointer="/holders")
    wanted = {member_id, *(holder.member_id for holder in holders)}
    if len(wanted) != len(holders) + 1:
        raise HolderInvalid("The owner, or a holder named twice.", pointer="/holders")
    found = {}
    for pk in sorted(wanted):
        try:
            found[pk] = member_require_active(member_id=pk)
        except (NotFound, MemberNotActive) as error:
            if pk == member_id:
                raise
            raise HolderInvalid("No such member, or not an active one.", pointer="/holders") from error
    return found[member_id]


def _holders_add(account: Account, holders: Sequence[Holder], *, acting_user: User | None) -> None:
    for holder in holders:
        row = AccountHolder(account=account, member_id=holder.member_id, role=AccountHolder.Role(holder.role).value)
        history_stamp(row, acting_user=acting_user, reason="account opened")
        row.save(force_insert=True)
