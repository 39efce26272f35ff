"""Changes of limits and of what roles allow. Each is recorded, and in force at once in the process that made it.

Somebody else may have to approve first (apps.identity.gate): then `Waiting` comes back and nothing has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.core.api.etag import version_check
from apps.core.currencies import currency_get
from apps.core.errors import NotFound, PermissionDenied, ValidationFailed
from apps.core.trail import history_stamp, trail_record
from apps.identity import locks
from apps.identity.errors import OwnRolesRefused, RoleOutOfReach
from apps.identity.gate import Waiting, change_asks
from apps.identity.limits import limits_forget
from apps.identity.models import AmountLimit, RateLimit, Role, User
from apps.identity.permissions import AMOUNT_PERMISSIONS, PERMISSIONS
from apps.identity.principals import principal_forget
from apps.identity.services._staff import approved

MANAGE_RATES = "identity.manage_rate_limits"
MANAGE_ROLES = "identity.manage_roles"
RATE_NUMBERS = ("requests", "per_seconds", "burst")
RATE_DATES = ("starts_at", "ends_at")
RATE_FIELDS = ("operation", "plan", *RATE_NUMBERS, *RATE_DATES)


def rate_limit_payload(*, limit: RateLimit, reason: str) -> dict[str, Any]:
    """A new or changed rate limit as JSON can hold it; `rate_limit_of` reads it back."""
    facts = {name: getattr(limit, name) for name in RATE_FIELDS}
    facts |= {name: facts[name].isoformat() if facts[name] else None for name in RATE_DATES}
    role = limit.role.code if limit.role else ""
    return {"limit_id": None if limit._state.adding else str(limit.pk), "role": role, **facts, "reason": reason}


def rate_limit_of(*, payload: Mapping[str, Any]) -> RateLimit:
    """The limit of a payload, changed or new, not written yet. Raises NotFound, ValidationFailed."""
    wanted = payload.get("limit_id")
    limit = RateLimit.objects.filter(pk=_uuid(wanted)).first() if wanted else RateLimit()
    role = Role.objects.filter(code=str(payload.get("role", ""))).first()
    if limit is None or (payload.get("role") and role is None):
        raise NotFound("There is no such limit or role.")
    limit.role = role
    limit.operation, limit.plan = str(payload.get("operation", "")), str(payload.get("plan", ""))
    for name in RATE_NUMBERS:
        number = payload.get(name)
        if type(number) is not int:
            raise _fault(f"/{name}", "invalid", "Must be a whole number.")
        setattr(limit, name, number)
    for name in RATE_DATES:
        setattr(limit, name, _moment(payload.get(name), name))
    try:
        limit.full_clean(validate_unique=False)
    except ValidationError as error:
        name, said = next(iter(error.message_dict.items()))
        raise _fault(f"/{name}", "invalid", said[0]) from error
    return limit


@transaction.atomic
def rate_limit_save(
    *, acting_user: User | None, limit: RateLimit, at: datetime, reason: str = "", approval: UUID | None = None
) -> RateLimit | Waiting:
    """Write a new or changed rate limit. Raises PermissionDenied, RoleOutOfReach, OwnRolesRefused, NotFound."""
    rate_limit_check(acting_user=acting_user, limit=limit)
    fresh = limit._state.adding
    present = None if fresh else locks.rate_limit_lock(limit_id=limit.pk)
    if not fresh and present is None:
        raise NotFound
    payload = rate_limit_payload(limit=limit, reason=reason)
    waiting = change_asks(
        action="identity.rate_limit", acting_user=acting_user, payload=payload, at=at, approval=approval
    )
    if waiting is not None:
        return waiting
    before = None
    if present is not None:
        before = rate_limit_payload(limit=present, reason="")
        limit.version = present.version + 1
    history_stamp(limit, acting_user=acting_user, reason=reason)
    limit.save()
    changed = [name for name in ("role", *RATE_FIELDS) if before is None or payload[name] != before[name]]
    trail_record(
        action="identity.ratelimit.created" if fresh else "identity.ratelimit.changed",
        acting_user=acting_user,
        kind="security",
        target=limit,
        before=before and {name: before[name] for name in changed},
        after={**{name: payload[name] for name in changed}, **approved(approval)},
        reason=reason,
    )
    limits_forget()
    return limit


def rate_limit_check(*, acting_user: User | None, limit: RateLimit) -> None:
    """Raise PermissionDenied, RoleOutOfReach or OwnRolesRefused for who may not set this limit."""
    _may(acting_user, MANAGE_RATES)
    if limit.role is not None:
        _not_own(acting_user, limit.role)


def amount_limit_check(
    *,
    acting_user: User | None,
    role_code: str,
    permission: str,
    currency: str,
    amount_max: int | None,
    step_up_above: int | None,
) -> Role:
    """The role whose limit may be set so. Raises what `amount_limit_set` raises."""
    _may(acting_user, MANAGE_ROLES)
    role = Role.objects.filter(code=role_code).first()
    if role is None:
        raise NotFound("There is no such role.")
    if permission not in PERMISSIONS:
        raise _fault("/permission", "unknown-permission", "There is no such permission.")
    if permission not in AMOUNT_PERMISSIONS:
        raise _fault("/permission", "moves-no-money", "No money is moved with this permission.")
    currency_get(currency)
    for amount in (amount_max, step_up_above):
        if amount is not None and (type(amount) is not int or not 0 <= amount < 2**63):
            raise _fault("/amount_max", "out-of-range", "Amounts are minor units, not negative.")
    _not_own(acting_user, role)
    return role


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
    approval: UUID | None = None,
) -> AmountLimit | Waiting:
    """From `at` on, holders of a role move at most `amount_max` minor units at once with this permission.

    The limit before it ends at that moment. Raises PermissionDenied, NotFound, OwnRolesRefused for a role of one's
    own, RoleOutOfReach, InvalidCurrency, ValidationFailed for negative amounts or an unknown permission.
    """
    facts: dict[str, Any] = {
        "role_code": role_code,
        "permission": permission,
        "currency": currency,
        "amount_max": amount_max,
        "step_up_above": step_up_above,
    }
    amount_limit_check(acting_user=acting_user, **facts)
    role = locks.role_lock(code=role_code)
    waiting = change_asks(
        action="identity.amount_limit",
        acting_user=acting_user,
        payload={**facts, "reason": reason},
        at=at,
        approval=approval,
    )
    if waiting is not None:
        return waiting
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
        after={**facts, **approved(approval)},
        reason=reason,
        at=at,
    )
    limits_forget()
    return limit


def role_permissions_check(
    *, acting_user: User | None, role_id: UUID, permissions: Iterable[str], scope: str | None
) -> Role:
    """The role that may be changed so. Raises what `role_permissions_set` raises."""
    _may(acting_user, MANAGE_ROLES)
    if unknown := sorted(set(permissions) - PERMISSIONS.keys()):
        raise _fault("/permissions", "unknown-permission", f"There is no permission {', '.join(unknown)[:200]}.")
    if scope is not None and scope not in Role.Scope.values:
        raise _fault("/scope", "invalid-choice", "There is no such scope.")
    role = Role.objects.filter(pk=role_id).first()
    if role is None:
        raise NotFound("There is no such role.")
    _not_own(acting_user, role)
    return role


@transaction.atomic
def role_permissions_set(
    *,
    acting_user: User | None,
    role_id: UUID,
    permissions: Iterable[str],
    reason: str,
    at: datetime,
    scope: str | None = None,
    expected_version: int | None = None,
    approval: UUID | None = None,
) -> Role | Waiting:
    """Have a role allow exactly these permissions, and reach as far as `scope` (as before where None).

    It shows at the next request of every holder. Nobody changes a role of their own: OwnRolesRefused. Raises
    PermissionDenied, RoleOutOfReach, NotFound, PreconditionFailed, ValidationFailed.
    """
    wanted = sorted(set(permissions))
    role_permissions_check(acting_user=acting_user, role_id=role_id, permissions=wanted, scope=scope)
    role = locks.role_lock(role_id=role_id)
    if role is None:
        raise NotFound("There is no such role.")
    if expected_version is not None:
        version_check(current=role.version, expected=expected_version)
    waiting = change_asks(
        action="identity.role_permissions",
        acting_user=acting_user,
        payload={"role_id": str(role_id), "permissions": wanted, "scope": scope, "reason": reason},
        at=at,
        approval=approval,
    )
    if waiting is not None:
        return waiting
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
        after={"permissions": wanted, "scope": role.scope, **approved(approval)},
        reason=reason,
    )
    principal_forget()
    return role


def _may(acting_user: User | None, code: str) -> None:
    """Roles and limits belong to the whole bank: so must the reach of who changes them."""
    if acting_user is None:
        return
    if not acting_user.has_permission(code):
        raise PermissionDenied(f"This needs the permission {code}.", permission=code)
    if acting_user.scope != "all":
        raise RoleOutOfReach("Roles and limits belong to the whole bank; you do not reach that far.")


def _not_own(acting_user: User | None, role: Role) -> None:
    if acting_user is not None and role.user_roles.filter(user=acting_user).exists():
        raise OwnRolesRefused("You hold this role yourself.")


def _uuid(value: Any) -> UUID:
    try:
        return UUID(str(value))
    except ValueError as error:
        raise NotFound("There is no such limit.") from error


def _moment(value: Any, name: str) -> datetime | None:
    if value is None and name == "ends_at":
        return None
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise _fault(f"/{name}", "invalid", "Must be a moment, such as 2026-01-31T00:00:00+00:00.") from error
    if found.tzinfo is None:
        raise _fault(f"/{name}", "invalid", "Must name its offset from UTC.")
    return found


def _fault(pointer: str, code: str, detail: str) -> ValidationFailed:
    return ValidationFailed([{"pointer": pointer, "code": code, "detail": detail}])
