"""The one place where changes of roles and limits can be made to wait for somebody else's approval.

Identity knows no approvals. The app that does registers a gate, which takes the change and says whether it waits; once
approved, it calls the service again as the system (`acting_user=None`), which passes the gate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Gate = Callable[..., bool]
"""`gate(action=..., acting_user=..., payload=...)`: True when the change was taken and waits."""

_gates: list[Gate] = []


def gate_register(gate: Gate | None) -> None:
    """Have every change of roles and limits by a person shown to `gate`; None takes it away."""
    _gates[:] = [gate] if gate is not None else []


def change_asks(*, action: str, acting_user: Any, payload: Mapping[str, Any]) -> bool:
    """Does this change wait for approval? Never that of the system, nor where no gate is registered."""
    if acting_user is None or not _gates:
        return False
    return _gates[0](action=action, acting_user=acting_user, payload=payload)
