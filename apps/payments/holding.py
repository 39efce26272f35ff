"""Holds that a record keeps: they end with it, and are not given back by hand. Apps above register theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apps.balances.selectors import Hold

HoldOwner = Callable[["Hold"], str]
_owners: list[HoldOwner] = []


def hold_owner_register(owner: HoldOwner) -> None:
    """Have `owner` say, of an active hold, which record keeps it, in words; empty for none. For AppConfig.ready()."""
    if owner not in _owners:
        _owners.append(owner)


def hold_owner_of(hold: Hold) -> str:
    """The record that keeps a hold, in words: "a cheque in clearing". Empty when it may be released by itself."""
    return next((words for owner in _owners if (words := owner(hold))), "")
