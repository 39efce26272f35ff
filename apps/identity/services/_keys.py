"""Keys for machines: made, shown once, found by their hash, taken away."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.core.errors import NotFound, PermissionDenied
from apps.core.trail import trail_record
from apps.identity.errors import ApiKeyRefused
from apps.identity.models import ApiKey, User
from apps.identity.permissions import permissions_unknown
from apps.identity.principals import principal_forget
from apps.identity.seals import token_hash

MANAGE_KEYS = "identity.manage_api_keys"
KEY_PREFIXES = ("nk_live_", "nk_test_")
KEYS_MAX = 20
PERSONS_ONLY = frozenset({"approvals.decide"})
"""What no key holds: a second person is a person."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. `secret` is shown to its maker and kept nowhere."""

    key: ApiKey
    secret: str


@transaction.atomic
def api_key_create(
    *,
    acting_user: User | None,
    user_id: UUID,
    name: str,
    permissions: Iterable[str],
    at: datetime,
    days: int = 90,
    is_live: bool = True,
) -> NewKey:
    """Make a key that acts as a user, with some of that user's permissions, for a number of days.

    The maker needs identity.manage_api_keys and, as nobody hands out what they do not have, either the permissions
    themselves or identity.manage_users. Who makes it sees it, so it acts as its maker or as a user made for machines:
    never as another of the staff or as a member. Raises PermissionDenied, NotFound, ApiKeyRefused.
    """
    _may_manage(acting_user)
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        raise NotFound
    wanted = sorted(set(permissions))
    if acting_user is not None and user.pk != acting_user.pk and (user.is_staff or user.reach == "own"):
        raise ApiKeyRefused("A key acts as oneself or as a machine, not as somebody else.", pointer="/user_id")
    _grant_check(user, wanted, days, at)
    if acting_user is not None and not acting_user.has_permission("identity.manage_users"):
        missing = sorted(set(wanted) - acting_user.permission_codes)
        if missing:
            raise PermissionDenied(f"You do not hold {', '.join(missing)} yourself.", permission=missing[0])
    mark = f"{KEY_PREFIXES[0] if is_live else KEY_PREFIXES[1]}{secrets.token_hex(5)}"
    secret = f"{mark}_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        user=user,
        name=name,
        prefix=mark,
        secret_hash=token_hash(secret),
        permissions=wanted,
        is_live=is_live,
        created_by=acting_user,
        created_at=at,
        expires_at=at + timedelta(days=days),
    )
    trail_record(
        action="identity.api_key.created",
        acting_user=acting_user,
        kind="security",
        target=key,
        after={"user": user.email, "permissions": wanted, "expires_at": key.expires_at, "live": is_live},
        at=at,
    )
    return NewKey(key, secret)


@transaction.atomic
def api_key_revoke(*, acting_user: User | None, key_id: UUID, reason: str, at: datetime) -> ApiKey:
    """End a key at once in this process, elsewhere within seconds. Ending it again changes nothing.

    Raises PermissionDenied, NotFound.
    """
    _may_manage(acting_user)
    key = ApiKey.objects.select_related("user").filter(pk=key_id).first()
    if key is None:
        raise NotFound
    ended = ApiKey.objects.filter(pk=key_id, revoked_at=None).update(revoked_at=at, revoke_reason=reason[:120])
    if ended:
        key.refresh_from_db(fields=["revoked_at", "revoke_reason"])
        trail_record(
            action="identity.api_key.revoked",
            acting_user=acting_user,
            kind="security",
            target=key,
            reason=reason,
            at=at,
        )
        principal_forget(key.user_id)
    return key


def _may_manage(acting_user: Any) -> None:
    if acting_user is not None and not acting_user.has_permission(MANAGE_KEYS):
        raise PermissionDenied(f"This needs the permission {MANAGE_KEYS}.", permission=MANAGE_KEYS)


def _grant_check(user: User, wanted: list[str], days: int, at: datetime) -> None:
    if not wanted or permissions_unknown(wanted) or not set(wanted) <= user.permission_codes:
        raise ApiKeyRefused("A key holds some of its user's permissions, at least one.", pointer="/permissions")
    if PERSONS_ONLY.intersection(wanted):
        raise ApiKeyRefused(f"No key holds {', '.join(sorted(PERSONS_ONLY))}.", pointer="/permissions")
    longest = settings.NUMINA["API_KEY_DAYS_MAX"]
    if not 1 <= days <= longest:
        raise ApiKeyRefused(f"A key lives for 1 to {longest} days.", pointer="/days")
    if ApiKey.objects.filter(user=user, revoked_at=None, expires_at__gt=at).count() >= KEYS_MAX:
        raise ApiKeyRefused(f"A user has at most {KEYS_MAX} keys.")
