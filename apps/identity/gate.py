"""The one place where changes of roles and limits are made to wait for somebody else's approval.

Identity knows no approvals. The app that does (apps.approvals.access) registers a gate, which takes the change and says
what waits. Once approved, it calls the same service again with `approval`, the id of what was approved, and the change
is made in its maker's name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Waiting:
    """A change that was not made yet: the request for approval it waits in, and where the API shows that."""

    id: UUID
    number: str
    url: str


Gate = Callable[..., Waiting | None]
"""`gate(action=..., acting_user=..., payload=..., at=...)`: what the change waits in; None when it may go at once."""

_gates: list[Gate] = []


def gate_register(gate: Gate | None) -> Gate | None:
    """Have every change of roles and limits by a person shown to `gate`; None takes it away. The one before."""
    before = _gates[0] if _gates else None
    _gates[:] = [gate] if gate is not None else []
    return before


def change_asks(
    *, action: str, acting_user: Any, payload: Mapping[str, Any], at: datetime, approval: UUID | None
) -> Waiting | None:
    """What this change waits in. None: make it, because it was approved, is the system's own, or no rule asks."""
    if acting_user is None or approval is not None or not _gates:
        return None
    return _gates[0](action=action, acting_user=acting_user, payload=payload, at=at)
