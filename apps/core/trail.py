"""The trail, seen from below: how layers under `audit` record what happened without importing it.

`audit` registers its recorder when Django starts. A missing recorder is a wrong installation, and raises: an action
that cannot be recorded must not happen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import models

Recorder = Callable[..., Any]
"""audit.services.record."""

_recorders: list[Recorder] = []


def recorder_register(recorder: Recorder) -> None:
    """Make `recorder` the one that answers. Called once, by the audit app."""
    _recorders[:] = [recorder]


def trail_record(*, action: str, acting_user: Any, **facts: Any) -> Any:
    """Record an event in the running transaction; the facts are those of audit.services.record."""
    if not _recorders:
        raise RuntimeError("no recorder is registered: is apps.audit in INSTALLED_APPS?")
    return _recorders[0](action=action, acting_user=acting_user, **facts)


ReadHook = Callable[..., None]
"""audit.access.read_note."""

_read_hooks: list[ReadHook] = []


def read_hook_register(hook: ReadHook) -> None:
    """Have `hook(acting_user=, object_type=, object_id=, object_label=)` called for each sensitive read by staff."""
    _read_hooks[:] = [hook]


def read_announce(*, acting_user: Any, object_type: str, object_id: str, object_label: str = "") -> None:
    """Say that somebody looked at a sensitive record. Members who look at their own things are not noted."""
    if getattr(acting_user, "is_staff", False):
        for hook in _read_hooks:
            hook(acting_user=acting_user, object_type=object_type, object_id=object_id, object_label=object_label)


def history_stamp(instance: models.Model, *, acting_user: Any, reason: str = "") -> None:
    """Name who changes `instance` and why in the history row that its next save() writes.

    `acting_user` may be None: the system itself.
    """
    instance._history_user = acting_user  # type: ignore[attr-defined]
    instance._change_reason = reason or None  # type: ignore[attr-defined]
