"""What administrators do with other people's users."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from apps.core import clock
from apps.core.api.etag import version_check
from apps.core.errors import NotFound, PermissionDenied
from apps.core.trail import history_stamp, trail_record
from apps.identity import locks
from apps.identity.errors import EmailTaken, OwnRolesRefused, RoleOutOfReach, RoleUnknown
from apps.identity.gate import Waiting, change_asks
from apps.identity.leavers import leaving_announce
from apps.identity.models import SCOPES, Branch, Role, User, UserRole
from apps.identity.principals import principal_forget
from apps.identity.services._tokens import sessions_end
from apps.identity.services._users import email_read, particulars_check, password_check, user_save

MANAGE = "identity.manage_users"


@transaction.atomic
def user_create_staff(
    *,
    acting_user: User | None,
    email: str,
    full_name: str,
    role_codes: Iterable[str],
    branch: Branch | None = None,
    password: str | None = None,
    phone: str = "",
    time_zone: str = "UTC",
    locale: str = "en",
    confirmed: bool = True,
) -> User:
    """Create a user with roles; signs in to the staff site when one of them is a staff role.

    Without a password nobody can sign in until one is set. `confirmed`: whoever makes the user answers for the address;
    else the link that is sent there proves it. `acting_user` None is the system (commands, seeds).
    Raises PermissionDenied, ValidationFailed, EmailTaken, RoleUnknown.
    """
    may_manage(acting_user)
    particulars_check({"time_zone": time_zone, "locale": locale})
    roles = roles_named(role_codes)
    user = User(
        email=email_read(email),
        full_name=full_name,
        phone=phone,
        branch=branch,
        time_zone=time_zone,
        locale=locale,
        is_staff=any(role.is_staff_role for role in roles),
        email_confirmed_at=clock.now() if confirmed else None,
    )
    if password is not None:
        password_check(password, user)
    user.password = make_password(password)
    history_stamp(user, acting_user=acting_user, reason="created")
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        raise EmailTaken(pointer="/email") from None
    for role in roles:
        _grant(user, role, acting_user=acting_user, reason="created")
    trail_record(
        action="identity.user.created",
        acting_user=acting_user,
        target=user,
        after={
            "email": user.email,
            "full_name": full_name,
            "branch": branch.code if branch else None,
            "roles": sorted(role.code for role in roles),
        },
    )
    return user


@transaction.atomic
def user_roles_set(
    *,
    acting_user: User | None,
    user_id: Any,
    role_codes: Iterable[str],
    reason: str,
    expected_version: int | None = None,
    at: datetime | None = None,
    approval: UUID | None = None,
) -> User | Waiting:
    """Have a user hold exactly these roles. It shows at the user's next request (see apps.identity.principals).

    Waiting when somebody else has to approve first (apps.identity.gate); `approval` is what was approved. Nobody
    changes their own: OwnRolesRefused. Raises PermissionDenied, NotFound, PreconditionFailed, RoleUnknown, and
    RoleOutOfReach for roles that reach further than who gives or takes them.
    """
    may_manage(acting_user)
    user = other_user_lock(acting_user, user_id, expected_version)
    wanted = {role.code: role for role in roles_named(role_codes)}
    held = {item.role.code: item for item in UserRole.objects.select_related("role").filter(user=user)}
    if wanted.keys() == held.keys():
        return user
    moved = [held[code].role for code in held.keys() - wanted.keys()]
    reach_check(acting_user, [*moved, *(wanted[code] for code in wanted.keys() - held.keys())])
    waiting = change_asks(
        action="identity.user_roles",
        acting_user=acting_user,
        payload={"user_id": str(user.pk), "roles": sorted(wanted), "reason": reason},
        at=at or clock.now(),
        approval=approval,
    )
    if waiting is not None:
        return waiting
    for code in held.keys() - wanted.keys():
        history_stamp(held[code], acting_user=acting_user, reason=reason)
        held[code].delete()
    for code in wanted.keys() - held.keys():
        _grant(user, wanted[code], acting_user=acting_user, reason=reason, at=at)
    user.is_staff = any(role.is_staff_role for role in wanted.values())
    user_save(user, acting_user=acting_user, fields=["is_staff"], reason=reason)
    trail_record(
        action="identity.user.roles_changed",
        acting_user=acting_user,
        kind="security",
        target=user,
        before={"roles": sorted(held)},
        after={"roles": sorted(wanted), **approved(approval)},
        reason=reason,
    )
    principal_forget(user.pk)
    return user


def user_roles_check(*, acting_user: User | None, role_codes: Iterable[str]) -> None:
    """Raise RoleUnknown, or RoleOutOfReach for roles that reach further than who would give them."""
    reach_check(acting_user, roles_named(role_codes))


def approved(approval: UUID | None) -> dict[str, str]:
    """What the trail says of a change that somebody approved."""
    return {} if approval is None else {"approval": str(approval)}


def reach_check(acting_user: User | None, roles: Iterable[Role]) -> None:
    """Raise RoleOutOfReach for a role that reaches further than `acting_user`; None is the system."""
    if acting_user is None:
        return
    own = SCOPES.index(acting_user.reach)
    further = sorted(role.code for role in roles if SCOPES.index(role.scope) > own)
    if further:
        raise RoleOutOfReach(f"Beyond your reach: {', '.join(further)}.")


@transaction.atomic
def user_deactivate(*, acting_user: User | None, user_id: Any, reason: str, at: datetime | None = None) -> User:
    """Lock a user out: sign-in and every token are refused. Users are never deleted, since the trail names them.

    Raises PermissionDenied, NotFound, OwnRolesRefused, RoleOutOfReach for a user who reaches further than oneself. A
    user who is deactivated already stays so.
    """
    may_manage(acting_user)
    user = other_user_lock(acting_user, user_id, None)
    reach_check(acting_user, user.roles.all())
    if not user.is_active:
        return user
    user.is_active = False
    user_save(user, acting_user=acting_user, fields=["is_active"], reason=reason)
    at = at or clock.now()
    sessions_end(acting_user=acting_user, user=user, reason="deactivated", at=at)
    leaving_announce(user=user, acting_user=acting_user, at=at)
    trail_record(
        action="identity.user.deactivated",
        acting_user=acting_user,
        target=user,
        before={"is_active": True},
        after={"is_active": False},
        reason=reason,
    )
    return user


def roles_named(codes: Iterable[str]) -> list[Role]:
    """The roles with these codes, each once; RoleUnknown when one does not exist."""
    wanted = set(codes)
    roles = list(Role.objects.filter(code__in=wanted).order_by("code"))
    missing = sorted(wanted - {role.code for role in roles})
    if missing:
        raise RoleUnknown(f"There is no role {', '.join(missing)}.", pointer="/roles")
    return roles


def _grant(user: User, role: Role, *, acting_user: User | None, reason: str, at: datetime | None = None) -> None:
    granted = UserRole(user=user, role=role, granted_by=acting_user, granted_at=at or clock.now())
    history_stamp(granted, acting_user=acting_user, reason=reason)
    granted.save(force_insert=True)


def may_manage(acting_user: User | None) -> None:
    """PermissionDenied for who may not manage users; None is the system, which may."""
    if acting_user is not None and not acting_user.has_permission(MANAGE):
        raise PermissionDenied(f"This needs the permission {MANAGE}.", permission=MANAGE)


def other_user_lock(acting_user: User | None, user_id: Any, expected_version: int | None) -> User:
    """Lock somebody else's user. Raises NotFound, OwnRolesRefused for one's own, PreconditionFailed."""
    user = locks.user_lock(user_id=user_id)
    if user is None:
        raise NotFound
    if acting_user is not None and user.pk == acting_user.pk:
        raise OwnRolesRefused
    if expected_version is not None:
        version_check(current=user.version, expected=expected_version)
    return user
