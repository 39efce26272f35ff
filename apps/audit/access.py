"""The access log: who of the staff looked at what. An event of kind access, at most one a minute for a reader and a
record: a page with five tabs is one look, and the write stays cheap."""

from __future__ import annotations

from typing import Any

from apps.audit.security import damper
from apps.audit.services import record


def read_note(*, acting_user: Any, object_type: str, object_id: str, object_label: str = "") -> None:
    """Note a sensitive read, unless the same reader's look at the same record was noted within the minute."""
    held = damper.admit(f"read|{acting_user.pk}|{object_type}|{object_id}")
    if held is None:
        return
    record(
        action=f"{object_type}.read",
        acting_user=acting_user,
        kind="access",
        object_type=object_type,
        object_id=object_id,
        object_label=object_label,
        after={"held_back_before": held} if held else None,
    )
