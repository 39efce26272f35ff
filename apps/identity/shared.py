"""Principals on Redis, for all processes: a session that moves between them costs the database one read.

What is kept names the state it was read in: two marks, one of the user, one of everybody. Whoever changes a user or
a role sets a new mark, before and after the commit; what was read in between carries an old one, and counts as not
there. Without Redis, or when it lost the marks, PostgreSQL is asked. Entries live for at most
NUMINA["PRINCIPAL_SHARED_SECONDS"] (0 switches this off): for that long a change may go unseen if Redis was away at the
very moment it was made.
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import DEFAULT_DB_ALIAS, models

from apps.core.cache_stats import CacheStats
from apps.identity.models import Branch, User

MARK_SECONDS = 86_400
EVERYBODY = "principal-mark:all"
UNKEPT = frozenset({"password", "phone"})
"""What does not go to Redis: a principal has no use for it, and whoever reads Redis has no business with it."""

stats = CacheStats("principals on redis")


def shared_seconds() -> int:
    """How long a principal is kept; 0: not at all."""
    return int(settings.NUMINA["PRINCIPAL_SHARED_SECONDS"])


def shared_get(*, user_id: uuid.UUID, session_id: uuid.UUID, at: datetime) -> tuple[User | None, list[Any]]:
    """The principal as kept, or None, and the marks under which one read now may be kept."""
    if not shared_seconds():
        return None, []
    names = [f"principal:{session_id}", f"principal-mark:{user_id}", EVERYBODY]
    found: Mapping[str, Any] = cache.get_many(names)
    marks = [found.get(name) for name in names[1:]]
    text = found.get(names[0])
    entry = json.loads(text) if text else None
    known = entry is not None and entry["marks"] == marks and entry["user"]["id"] == str(user_id)
    if known and entry and datetime.fromisoformat(entry["expires_at"]) > at:
        stats.hits += 1
        return _user(entry, session_id), marks
    stats.misses += 1
    return None, marks


def shared_put(*, user: User, session_id: uuid.UUID, expires_at: datetime, marks: list[Any]) -> None:
    """Keep a principal that was read after `marks` were."""
    if not shared_seconds():
        return
    entry = {
        "marks": marks,
        "expires_at": expires_at,
        "verified_at": user.verified_at,
        "roles": [[code, scope, sorted(permissions)] for code, scope, permissions in user.role_facts],
        "branch_ids": user.branch_ids,
        "user": _fields(user),
        "branch": _fields(user.branch) if user.branch else None,
    }
    cache.set(f"principal:{session_id}", json.dumps(entry, default=str), shared_seconds())


def shared_forget(user_id: uuid.UUID | None) -> None:
    """Have no process use what is kept of this user (None: of anybody)."""
    if shared_seconds():
        cache.set(EVERYBODY if user_id is None else f"principal-mark:{user_id}", secrets.token_hex(8), MARK_SECONDS)


def _fields(row: models.Model) -> dict[str, Any]:
    kept = [one for one in row._meta.concrete_fields if one.attname not in UNKEPT]
    return {one.attname: one.value_from_object(row) for one in kept}


def _row(model: type[Any], values: Mapping[str, Any]) -> Any:
    fields = [one for one in model._meta.concrete_fields if one.attname in values]
    names = [one.attname for one in fields]
    return model.from_db(DEFAULT_DB_ALIAS, names, [one.to_python(values[one.attname]) for one in fields])


def _user(entry: Mapping[str, Any], session_id: uuid.UUID) -> User:
    user: User = _row(User, entry["user"])
    user.branch = _row(Branch, entry["branch"]) if entry["branch"] else None
    user.session_id = session_id
    user.verified_at = datetime.fromisoformat(entry["verified_at"]) if entry["verified_at"] else None
    user.__dict__["role_facts"] = tuple(
        (code, scope, frozenset(permissions)) for code, scope, permissions in entry["roles"]
    )
    user.__dict__["branch_ids"] = tuple(uuid.UUID(one) for one in entry["branch_ids"])
    _ = user.permission_codes, user.reach
    return user
