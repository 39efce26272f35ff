"""Sessions and their tokens: issue, rotate, end."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module

from django.conf import settings
from django.db import transaction

from apps.core import clock
from apps.core.context import context_get
from apps.core.errors import InvalidToken
from apps.core.trail import trail_record
from apps.identity import locks
from apps.identity.errors import InvalidCredentials, InvalidRefreshToken
from apps.identity.models import Session, User
from apps.identity.principals import principal_forget
from apps.identity.tokens import AccessToken, Claims, RefreshToken, claims_read


@dataclass(frozen=True)
class TokenPair:
    """What a sign-in or a refresh gives. `expires_in` is the life of the access token in seconds."""

    access: str
    refresh: str
    expires_in: int
    user: User
    session_id: uuid.UUID


@dataclass(frozen=True)
class Client:
    """The program and device that a session belongs to, as they call themselves. Nothing is decided by it."""

    user_agent: str = ""
    device: str = ""


def token_pair_issue(
    *, user: User, at: datetime | None = None, client: Client | None = None, verified_at: datetime | None = None
) -> TokenPair:
    """Begin a session for a user who has just proved who it is. Raises InvalidCredentials for a deactivated user.

    `verified_at` is when a second factor was shown for it: for some minutes it counts as a step-up as well.
    """
    if not user.is_active:
        raise InvalidCredentials
    moment = at or clock.now()
    days = settings.NUMINA.get("SESSION_DAYS_MAX", 30)
    session = session_start(
        user=user, at=moment, expires_at=moment + timedelta(days=days), client=client, verified_at=verified_at
    )
    return _pair(session, user, moment)


@transaction.atomic
def session_start(
    *,
    user: User,
    at: datetime,
    expires_at: datetime,
    client: Client | None = None,
    verified_at: datetime | None = None,
    web_key: str = "",
) -> Session:
    """Write down a sign-in. `web_key` is the key of the staff site's own session; the API's have none."""
    client = client or Client()
    session = Session(
        user=user,
        refresh_jti=uuid.uuid4(),
        created_at=at,
        expires_at=expires_at,
        ip=context_get().get("ip") or None,
        place=Session.Place.STAFF if web_key else Session.Place.API,
        user_agent=client.user_agent[:200],
        device=client.device[:64],
        verified_at=verified_at,
        web_key=web_key,
    )
    session.save(force_insert=True)
    trail_record(
        action="identity.session.started",
        acting_user=user,
        kind="security",
        target=user,
        after={"place": "staff site"} if web_key else {"session": session.pk},
        at=at,
    )
    return session


def token_refresh(*, refresh: str, at: datetime | None = None) -> TokenPair:
    """A new pair for a refresh token, which is spent by this.

    A token that was spent before is in two hands: its session ends, with every token of it, and a security event is
    recorded. Raises InvalidRefreshToken for that and for any token that is not acceptable.
    """
    moment = at or clock.now()
    try:
        claims = claims_read(refresh, RefreshToken)
    except InvalidToken:
        raise InvalidRefreshToken from None
    with transaction.atomic():
        # Refused after the commit: a rollback would bring the stolen session back to life.
        pair = _rotate(claims, moment)
    if pair is None:
        raise InvalidRefreshToken
    return pair


def token_revoke(
    *, acting_user: User, session_id: uuid.UUID, reason: str = "signed out", at: datetime | None = None
) -> bool:
    """End one of the user's own sessions: all its tokens stop working. False when it had ended or is not theirs."""
    moment = at or clock.now()
    with transaction.atomic():
        session = locks.session_lock(session_id=session_id)
        if session is None or session.user_id != acting_user.pk or session.revoked_at is not None:
            return False
        _end(session, acting_user=acting_user, reason=reason, at=moment)
    return True


def sessions_end(
    *, acting_user: User | None, user: User, reason: str, at: datetime, except_id: uuid.UUID | None = None
) -> int:
    """End all sessions of a user (but the one named), in the caller's transaction. Returns how many were alive."""
    alive = Session.objects.filter(user=user, revoked_at=None, expires_at__gt=at)
    if except_id is not None:
        alive = alive.exclude(pk=except_id)
    web_keys = [key for key in alive.values_list("web_key", flat=True) if key]
    ended = alive.update(revoked_at=at, revoke_reason=reason[:40])
    _web_sessions_drop(web_keys)
    principal_forget(user.pk)
    if ended:
        trail_record(
            action="identity.session.ended",
            acting_user=acting_user,
            kind="security",
            target=user,
            after={"sessions": ended},
            reason=reason,
        )
    return ended


def _rotate(claims: Claims, at: datetime) -> TokenPair | None:
    session = locks.session_lock(session_id=claims.session_id)
    if session is None or session.user_id != claims.user_id or session.revoked_at is not None:
        return None
    if session.expires_at <= at or not session.user.is_active or session.place != Session.Place.API:
        return None
    if session.refresh_jti != claims.jti:
        _end(session, acting_user=None, reason="refresh token used twice", at=at)
        return None
    session.refresh_jti = uuid.uuid4()
    session.refreshed_at = at
    session.save(update_fields=["refresh_jti", "refreshed_at"])
    return _pair(session, session.user, at)


def _end(session: Session, *, acting_user: User | None, reason: str, at: datetime) -> None:
    session.revoked_at, session.revoke_reason = at, reason
    session.save(update_fields=["revoked_at", "revoke_reason"])
    _web_sessions_drop([session.web_key] if session.web_key else [])
    trail_record(
        action="identity.session.ended",
        acting_user=acting_user,
        kind="security",
        target=session.user,
        after={"session": session.pk},
        reason=reason,
        at=at,
    )
    principal_forget(session.user_id)


def _web_sessions_drop(keys: list[str]) -> None:
    """Sign out on the staff site: its sessions live in Django's store, from which they are taken."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    for key in keys:
        store(key).delete()


def _pair(session: Session, user: User, at: datetime) -> TokenPair:
    access, refresh = AccessToken(), RefreshToken()
    for token in (access, refresh):
        token["sub"], token["sid"] = str(user.pk), str(session.pk)
        token["jti"] = uuid.uuid4().hex
        token.set_iat(at_time=at)
        # No token outlives its session.
        token.set_exp(from_time=at, lifetime=min(token.lifetime, session.expires_at - at))
    refresh["jti"] = session.refresh_jti.hex
    return TokenPair(
        access=str(access),
        refresh=str(refresh),
        expires_in=access["exp"] - access["iat"],
        user=user,
        session_id=session.pk,
    )
