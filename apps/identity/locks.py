"""Row locks of identity. Order: session, then user; each once per transaction."""

from __future__ import annotations

from uuid import UUID

from django.db import connection

from apps.identity.models import Session, User


def session_lock(*, session_id: UUID) -> Session | None:
    """Lock a session, with its user read beside it; None when there is none. Needs an open transaction."""
    _in_transaction()
    return (
        Session.objects.select_related("user")
        .select_for_update(of=("self",), no_key=True)
        .filter(pk=session_id)
        .first()
    )


def user_lock(*, user_id: UUID) -> User | None:
    """Lock a user; None when there is none. Needs an open transaction."""
    _in_transaction()
    return User.objects.select_for_update(of=("self",), no_key=True).filter(pk=user_id).first()


def _in_transaction() -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("row locks need an open transaction")
