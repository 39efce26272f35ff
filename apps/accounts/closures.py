"""What hangs on an account that is to be closed. Apps above register their part, since accounts know none of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from apps.accounts.models import Account, TermDeposit
from apps.balances.selectors import holds

if TYPE_CHECKING:
    from apps.identity.models import User


@dataclass(frozen=True, slots=True)
class Ties:
    """In words: what `blocks` closing until it is over, and what `ends` with the account."""

    blocks: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClosurePart:
    """An app's part: `look` at an account, and, in the transaction that closes it and before its row is locked, `end`
    what ends with it: `end(account_id=..., acting_user=..., reason=..., at=...)`."""

    name: str
    look: Callable[[UUID], Ties]
    end: Callable[..., None] | None = None


_parts: dict[str, ClosurePart] = {}


def closure_part_register(part: ClosurePart) -> None:
    """Have an app asked about each account that is closed. For AppConfig.ready()."""
    _parts[part.name] = part


def account_ties(account_id: UUID) -> Ties:
    """All that hangs on an account: terms and holds of its own, and what the apps above know."""
    running = TermDeposit.objects.filter(status=TermDeposit.Status.ACTIVE)
    own = [
        (running.filter(account=account_id), "A term deposit runs on it."),
        (running.filter(payout_account=account_id).exclude(account=account_id), "A term deposit is paid out to it."),
    ]
    ledger = Account.objects.filter(pk=account_id).values("ledger_account_id")
    held = holds().filter(account__in=ledger, status="active").count()
    found = [Ties(tuple(words for rows, words in own if rows.exists()) + counted(held, "A hold.", "{} holds."))]
    found += [_parts[name].look(account_id) for name in sorted(_parts)]
    return Ties(
        tuple(words for ties in found for words in ties.blocks), tuple(words for ties in found for words in ties.ends)
    )


def account_ties_end(*, account_id: UUID, acting_user: User | None, reason: str, at: dt.datetime) -> None:
    """End what ends with the account; what an app raises undoes the whole."""
    for name in sorted(_parts):
        if (end := _parts[name].end) is not None:
            end(account_id=account_id, acting_user=acting_user, reason=reason, at=at)


def counted(number: int, one: str, many: str) -> tuple[str, ...]:
    """A sentence for a number of things, none for none: `counted(2, "A cheque.", "{} cheques.")`."""
    return (one if number == 1 else many.format(number),) if number else ()
