"""Row locks of identity. Order: user, challenge, session; each once per transaction. A role is locked alone."""

from __future__ import annotations

from uuid import UUID

from django.db import connection

from apps.identity.models import Challenge, RateLimit, Role, Session, User


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


def role_lock(*, code: str = "", role_id: UUID | None = None) -> Role | None:
    """Lock a role, by code or id, while what hangs on it changes; None when there is none."""
    _in_transaction()
    about = {"code": code} if role_id is None else {"pk": role_id}
    return Role.objects.select_for_update(of=("self",), no_key=True).filter(**about).first()


def rate_limit_lock(*, limit_id: UUID) -> RateLimit | None:
    """Lock a rate limit; None when there is none."""
    _in_transaction()
    return RateLimit.objects.select_for_update(of=("self",), no_key=True).filter(pk=limit_id).first()


def challenge_lock(*, token_hash: str) -> Challenge | None:
    """Lock the challenge with this token, its user and factor read beside it; None when there is none."""
    _in_transaction()
    return (
        Challenge.objects.select_related("user", "factor")
        .select_for_update(of=("self",), no_key=True)
        .filter(token_hash=token_hash)
        .first()
    )


def _in_transaction() -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("row locks need an open transaction")
