"""Changes of limits. Each is recorded, and in force at once in the process that made it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.core.errors import NotFound, PermissionDenied, ValidationFailed
from apps.core.trail import history_stamp, trail_record
from apps.identity.gate import change_asks
from apps.identity.limits import limits_forget
from apps.identity.models import AmountLimit, RateLimit, Role, User
from apps.identity.permissions import PERMISSIONS

MANAGE_RATES = "identity.manage_rate_limits"
MANAGE_ROLES = "identity.manage_roles"


@transaction.atomic
def rate_limit_save(
    *, acting_user: User | None, limit: RateLimit, changed: Iterable[str], reason: str = ""
) -> RateLimit:
    """Write a new or changed rate limit. `changed` names the fields. Raises PermissionDenied."""
    _may(acting_user, MANAGE_RATES)
    fresh = limit._state.adding
    names = sorted(changed)
    before = RateLimit.objects.filter(pk=limit.pk).values(*names).first() if names and not fresh else None
    if not fresh:
        limit.version += 1
    history_stamp(limit, acting_user=acting_user, reason=reason)
    limit.save()
    trail_record(
        action="identity.ratelimit.created" if fresh else "identity.ratelimit.changed",
        acting_user=acting_user,
        kind="security",
        target=limit,
        before=before,
        after={name: getattr(limit, name) for name in names},
        reason=reason,
    )
    limits_forget()
    return limit


@transaction.atomic
def amount_limit_set(
    *,
    acting_user: User | None,
    role_code: str,
    permission: str,
    currency: str,
    amount_max: int | None,
    step_up_above: int | None,
    reason: str,
    at: datetime,
) -> AmountLimit | None:
    """From `at` on, holders of a role move at most `amount_max` minor units at once with this permission.

    The limit before it ends at that moment. None when the change waits for approval (apps.identity.gate), which then
    calls this again. Raises PermissionDenied, NotFound, ValidationFailed for negative amounts or an unknown permission.
    """
    _may(acting_user, MANAGE_ROLES)
    role = Role.objects.filter(code=role_code).first()
    if role is None:
        raise NotFound("There is no such role.")
    if permission not in PERMISSIONS:
        raise _fault("/permission", "unknown-permission", "There is no such permission.")
    if any(amount is not None and amount < 0 for amount in (amount_max, step_up_above)):
        raise _fault("/amount_max", "out-of-range", "Amounts are not negative.")
    facts: dict[str, Any] = {
        "role_code": role_code,
        "permission": permission,
        "currency": currency,
        "amount_max": amount_max,
        "step_up_above": step_up_above,
        "reason": reason,
    }
    if change_asks(action="identity.amount_limit", acting_user=acting_user, payload=facts):
        return None
    about = {"role": role, "permission": permission, "currency": currency}
    present = AmountLimit.objects.filter(**about, ends_at=None).order_by("-starts_at").first()
    before = None
    if present is not None:
        before = {"amount_max": present.amount_max, "step_up_above": present.step_up_above}
        present.ends_at, present.version = at, present.version + 1
        history_stamp(present, acting_user=acting_user, reason=reason)
        present.save(update_fields=["ends_at", "version", "updated_at"])
    limit = AmountLimit(**about, amount_max=amount_max, step_up_above=step_up_above, starts_at=at)
    history_stamp(limit, acting_user=acting_user, reason=reason)
    limit.save(force_insert=True)
    trail_record(
        action="identity.amountlimit.changed",
        acting_user=acting_user,
        kind="security",
        target=limit,
        before=before,
        after=facts,
        reason=reason,
        at=at,
    )
    limits_forget()
    return limit


@transaction.atomic
def role_permissions_set(
    *,
    acting_user: User | None,
    role_id: UUID,
    permissions: Iterable[str],
    reason: str,
    scope: str | None = None,
) -> Role | None:
    """Have a role allow exactly these permissions, and reach as far as `scope` (as before where None).

    It shows at the next request of every holder. None when the change waits for approval. Nobody changes a role of
    their own: OwnRolesRefused. Raises PermissionDenied, NotFound, ValidationFailed.
    """
    from apps.identity.errors import OwnRolesRefused
    from apps.identity.principals import principal_forget

    _may(acting_user, MANAGE_ROLES)
    wanted = sorted(set(permissions))
    if unknown := sorted(set(wanted) - PERMISSIONS.keys()):
        raise _fault("/permissions", "unknown-permission", f"There is no permission {', '.join(unknown)}.")
    if scope is not None and scope not in Role.Scope.values:
        raise _fault("/scope", "invalid-choice", "There is no such scope.")
    role = Role.objects.filter(pk=role_id).first()
    if role is None:
        raise NotFound
    if acting_user is not None and role.user_roles.filter(user=acting_user).exists():
        raise OwnRolesRefused
    facts = {"role_id": str(role_id), "permissions": wanted, "scope": scope, "reason": reason}
    if change_asks(action="identity.role_permissions", acting_user=acting_user, payload=facts):
        return None
    before = {"permissions": sorted(role.permissions), "scope": role.scope}
    role.permissions, role.scope, role.version = wanted, scope or role.scope, role.version + 1
    history_stamp(role, acting_user=acting_user, reason=reason)
    role.save(update_fields=["permissions", "scope", "version", "updated_at"])
    trail_record(
        action="identity.role.changed",
        acting_user=acting_user,
        kind="security",
        target=role,
        before=before,
        after={"permissions": wanted, "scope": role.scope},
        reason=reason,
    )
    principal_forget()
    return role


def _may(acting_user: User | None, code: str) -> None:
    if acting_user is not None and not acting_user.has_permission(code):
        raise PermissionDenied(f"This needs the permission {code}.", permission=code)


def _fault(pointer: str, code: str, detail: str) -> ValidationFailed:
    return ValidationFailed([{"pointer": pointer, "code": code, "detail": detail}])
