"""Controls of entries by hand, registered by the apps that have them: budgets say what may be spent.

A control is given the lines, the business date, and whether it is asked in the transaction that posts the entry: then
it locks what it compares with, after the balances. It returns flags for those who decide, or raises a DomainError.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from apps.balances.services import ManualLine

EntryControl = Callable[[Sequence["ManualLine"], dt.date, bool], tuple[str, ...]]
EntryOwner = Callable[[str, UUID], str]
_controls: list[EntryControl] = []
_owners: list[EntryOwner] = []


def entry_control_register(control: EntryControl) -> None:
    """Have every entry by hand looked at by `control`, when it is asked for and again when it is decided."""
    if control not in _controls:
        _controls.append(control)


def entry_controls_run(lines: Sequence[ManualLine], day: dt.date, *, posting: bool = False) -> tuple[str, ...]:
    """The flags of all controls, in their order; `posting` where the entry is posted. Raises what a control raises."""
    return tuple(flag for control in _controls for flag in control(lines, day, posting))


def entry_owner_register(owner: EntryOwner) -> None:
    """Have `owner` say, of an entry's kind and transaction, which record it belongs to, in words; empty for none."""
    if owner not in _owners:
        _owners.append(owner)


def entry_owner_of(kind: str, transaction_id: UUID) -> str:
    """The record that an entry belongs to, in words: "a loan". Empty when the entry may be reversed by itself."""
    return next((words for owner in _owners if (words := owner(kind, transaction_id))), "")
