"""Who stands behind a session: the user with roles and branch, from PostgreSQL in one query, kept for a few seconds.

Kept in the process first, then on Redis for all of them (apps.identity.shared).

How fast a change shows: in the process that made it, with the next request; in other processes after at most
NUMINA["PRINCIPAL_CACHE_SECONDS"] (5 unless set; 0 asks PostgreSQL at every request). So a signed-out token, a user
deactivated or a role taken away can live on for at most that long, and only in another process.
"""

from __future__ import annotations

import threading
import time
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import OuterRef, Q
from django.db.models.base import ModelState
from django.db.models.functions import JSONObject

from apps.core import clock
from apps.core.cache_stats import CacheStats
from apps.core.context import context_get
from apps.identity.models import ApiKey, Session, User, UserRole
from apps.identity.seals import token_hash
from apps.identity.shared import shared_forget, shared_get, shared_put

PRINCIPALS_MAX = 10_000


class _Principals:
    """Users by session. Entries are prototypes: callers get copies, so that no request sees another's changes."""

    def __init__(self) -> None:
        self._entries: dict[uuid.UUID, tuple[float, User]] = {}
        self._generation = 0
        self._lock = threading.Lock()

    def get(self, session_id: uuid.UUID, seconds: float) -> User | None:
        entry = self._entries.get(session_id)
        if entry is None or time.monotonic() - entry[0] >= seconds:
            return None
        return entry[1]

    @property
    def generation(self) -> int:
        return self._generation

    def put(self, session_id: uuid.UUID, user: User, generation: int) -> None:
        """Keep `user`, unless something was forgotten since the generation at which reading it began."""
        with self._lock:
            if generation != self._generation:
                return
            if len(self._entries) >= PRINCIPALS_MAX:
                for old in list(self._entries)[: PRINCIPALS_MAX // 10]:
                    del self._entries[old]
            self._entries.pop(session_id, None)
            self._entries[session_id] = (time.monotonic(), user)

    def forget(self, user_id: uuid.UUID | None) -> None:
        with self._lock:
            self._generation += 1
            if user_id is None:
                self._entries.clear()
                return
            for session_id in [key for key, (_, user) in self._entries.items() if user.pk == user_id]:
                del self._entries[session_id]


_principals = _Principals()
stats = CacheStats("principals in the process")


def principal_get(*, user_id: uuid.UUID, session_id: uuid.UUID) -> User | None:
    """The active user of a live session, ready to answer for permissions, scope and branch without a query.

    None when the session has ended, does not exist or is not the user's, or the user was deactivated.
    """
    seconds = settings.NUMINA.get("PRINCIPAL_CACHE_SECONDS", 5)
    user = _principals.get(session_id, seconds)
    if user is not None:
        stats.hits += 1
        return _copy(user) if user.pk == user_id else None
    stats.misses += 1
    generation, at = _principals.generation, clock.now()
    user, marks = shared_get(user_id=user_id, session_id=session_id, at=at)
    if user is None:
        session = _session_load(user_id=user_id, session_id=session_id, at=at)
        if session is None:
            return None
        user = session.user
        shared_put(user=user, session_id=session_id, expires_at=session.expires_at, marks=marks)
    if seconds:
        _principals.put(session_id, user, generation)
    return _copy(user)


def principal_of_key(*, raw: str) -> User | None:
    """The user as whom a machine's key acts, with the key's permissions only; None when it does not open anything.

    Notes when the key was last used, to the minute.
    """
    hashed = token_hash(raw)
    seconds = settings.NUMINA.get("PRINCIPAL_CACHE_SECONDS", 5)
    entry = uuid.UUID(hashed[:32])  # keys and sessions share the store; neither can be made to meet the other
    user = _principals.get(entry, seconds)
    if user is None:
        generation, at = _principals.generation, clock.now()
        user = _key_load(secret_hash=hashed, at=at)
        if user is None:
            return None
        ApiKey.objects.filter(
            Q(last_used_at=None) | Q(last_used_at__lt=at - timedelta(minutes=1)), secret_hash=hashed
        ).update(last_used_at=at, last_used_ip=context_get().get("ip") or None)
        if seconds:
            _principals.put(entry, user, generation)
    return _copy(user)


def principal_forget(user_id: uuid.UUID | None = None) -> None:
    """Have the next request of this user (None: of everybody) read PostgreSQL again, in this process.

    At once and again after the running transaction commits: what is read in between may be the old state.
    """

    def forget() -> None:
        _principals.forget(user_id)
        shared_forget(user_id)

    forget()
    transaction.on_commit(forget)


def principals_clear() -> None:
    """Forget every principal, whatever transaction is open: for tests."""
    _principals.forget(None)


def _session_load(*, user_id: uuid.UUID, session_id: uuid.UUID, at: datetime) -> Session | None:
    """The live session with its user, ready to answer."""
    session = (
        Session.objects.filter(
            pk=session_id, user_id=user_id, revoked_at=None, expires_at__gt=at, user__is_active=True, place="api"
        )
        .select_related("user__branch")
        .defer("user__password")
        .annotate(role_facts=_role_facts())
        .first()
    )
    if session is None:
        return None
    user = session.user
    user.session_id, user.verified_at = session.pk, session.verified_at
    _ready(user, session.role_facts)
    return session


def _key_load(*, secret_hash: str, at: datetime) -> User | None:
    key = (
        ApiKey.objects.filter(secret_hash=secret_hash, revoked_at=None, expires_at__gt=at, user__is_active=True)
        .select_related("user__branch")
        .defer("user__password")
        .annotate(role_facts=_role_facts())
        .first()
    )
    if key is None:
        return None
    user = key.user
    user.api_key_id, user.api_key_live = key.pk, key.is_live
    user = _ready(user, key.role_facts)
    # No more than the key says, and no more than its user may today.
    user.__dict__["permission_codes"] = user.permission_codes & frozenset(key.permissions)
    return user


def _role_facts() -> ArraySubquery:
    roles = UserRole.objects.filter(user=OuterRef("user_id")).order_by("role__code")
    return ArraySubquery(
        roles.values_list(JSONObject(code="role__code", scope="role__scope", permissions="role__permissions"))
    )


def _ready(user: User, roles: list[dict[str, Any]]) -> User:
    """Work out once what copies are to carry: roles, permissions, reach."""
    user.__dict__["role_facts"] = tuple((role["code"], role["scope"], frozenset(role["permissions"])) for role in roles)
    _ = user.permission_codes, user.reach, user.branch_ids
    return user


def _copy(user: User) -> User:
    """A copy that can be changed freely; Django's own copying goes through pickling and is ten times slower."""
    twin: Any = object.__new__(User)
    twin.__dict__.update(user.__dict__)
    state = twin.__dict__["_state"] = ModelState()
    state.db, state.adding = user._state.db, user._state.adding
    state.fields_cache = dict(user._state.fields_cache)
    return twin
