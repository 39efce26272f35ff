"""Answers the hooks of core, so that layers below audit are recorded without importing it."""

from __future__ import annotations

from typing import Any

from apps.audit import access, security, services
from apps.core import trail
from apps.core.api import permissions
from apps.core.errors import PermissionDenied


def register() -> None:
    """Called once, when Django starts."""
    trail.recorder_register(services.record)
    trail.read_hook_register(access.read_note)
    permissions.denied_register(on_denied)


def on_denied(request: Any, view: Any, error: PermissionDenied) -> None:
    """Every 403 of the API comes by here."""
    security.denied_record(
        acting_user=error.acting_user or request.user,
        permission=str(error.extra.get("permission", "")),
        place=type(view).__name__,
        method=str(request.method),
    )
