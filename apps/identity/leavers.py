"""What else happens when a user is locked out: apps above register it, since identity knows none of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from apps.identity.models import User

Leaving = Callable[..., None]
"""`hook(user=..., acting_user=..., at=...)`, in the transaction that locks the user out."""

_hooks: list[Leaving] = []


def leaving_register(hook: Leaving) -> None:
    """Have `hook` called for each user who is locked out. For AppConfig.ready()."""
    if hook not in _hooks:
        _hooks.append(hook)


def leaving_announce(*, user: User, acting_user: User | None, at: datetime) -> None:
    """Tell the apps above; what one of them raises undoes the whole."""
    for hook in _hooks:
        hook(user=user, acting_user=acting_user, at=at)
