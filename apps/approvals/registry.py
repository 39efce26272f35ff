"""The actions that may need approval. Domain apps register them by name in `AppConfig.ready()`; nothing is imported up.

An action is written once and used by every entry point: the page, the API, the bulk decision and the sweep.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from apps.approvals.errors import ApprovalKindUnknown
from apps.core.money import Money

if TYPE_CHECKING:
    from apps.identity.models import User

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """A row of what a decision is about. An empty `before` is something new."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What is asked for, in words and figures: for the people who decide and for the policy that chooses them.

    `key` names the record that at most one open request may be about. `interested_ids` are users whose own affair it
    is; `member_ids` members concerned, against whom relations of an approver are checked.
    """

    title: str
    changes: tuple[Change, ...] = ()
    amount: Money | None = None
    branch_id: UUID | None = None
    branch_code: str = ""
    product: str = ""
    member_type: str = ""
    member_label: str = ""
    member_status: str = ""
    channel: str = ""
    risk_flags: tuple[str, ...] = ()
    key: str = ""
    url: str = ""
    interested_ids: tuple[UUID, ...] = ()
    member_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Execution:
    """One attempt to do what was approved.

    `key` is an idempotency key that stays the same until an attempt ends in a definite no: an action that hands it on
    happens once, however often it is tried. `is_first` says that it is the maker's own key, if there was one.
    `settle` marks the request as executed; an action with a transaction of its own calls it inside, so that both
    commit as one.
    """

    request_id: UUID
    key: str
    maker: User
    payload: Payload
    at: dt.datetime
    is_first: bool
    settle: Callable[[Result], None]

    @property
    def fingerprint(self) -> bytes:
        """What the key stands for: that of the operation that asked, as the payload has it, or the key's."""
        kept = self.payload.get("fingerprint") if self.is_first else None
        return bytes.fromhex(kept) if kept else hashlib.sha256(self.key.encode()).digest()


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it: facts that JSON can hold, and where the API shows the record."""

    facts: dict[str, Any] = field(default_factory=dict)
    url: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """A kind of action.

    `permission` is what the maker must hold when asking and still when it is decided. `validate` raises DomainError
    when the payload is wrong or not possible (any more). `preview` describes it and reads nothing but the present.
    `execute` does it, as the maker. With `transactional` it runs in one transaction with the mark that it is done;
    without, it moves money in a transaction of its own, under `Execution.key`.
    """

    name: str
    title: str
    permission: str
    validate: Callable[[User, Payload], None]
    preview: Callable[[User, Payload], Preview]
    execute: Callable[[Execution], Result]
    transactional: bool = False
    ended: Callable[[Payload, str], None] | None = None
    """Called in the transaction in which a request ends without being executed, with its state."""


_actions: dict[str, Action] = {}


def action_register(action: Action) -> None:
    """Make an action known. Raises ValueError when another one has its name."""
    if _actions.get(action.name, action) is not action:
        raise ValueError(f"an action {action.name!r} is registered already")
    _actions[action.name] = action


def action_get(name: str) -> Action:
    """The action of this name. Raises ApprovalKindUnknown."""
    action = _actions.get(name)
    if action is None:
        raise ApprovalKindUnknown(f"There is no action {name[:60]!r}.", pointer="/kind")
    return action


def actions_all() -> list[Action]:
    """Every registered action, by name."""
    return [_actions[name] for name in sorted(_actions)]


Converter = Callable[[Money, dt.date], int | None]
_converters: list[Converter] = []


def converter_register(converter: Converter) -> None:
    """Have `converter(money, day)` say what an amount is in base currency minor units. The app with rates does so."""
    _converters[:] = [converter]


def base_minor_of(money: Money | None, *, base: str, day: dt.date) -> int | None:
    """An amount in the base currency: zero for none, None when no rate is known (it then counts as the highest)."""
    if money is None:
        return 0
    if money.currency == base:
        return money.minor
    return _converters[0](money, day) if _converters else None
