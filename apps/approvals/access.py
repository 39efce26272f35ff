"""Roles and limits: identity's changes of rights as actions, and the gate through which every one of them passes.

Identity, below, asks its gate before a change by a person is made (apps.identity.gate). The gate asks the policy in
force; where that wants a second person the change waits as a request, and is made by its execution.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from apps.approvals.registry import Action, Change, Execution, Payload, Preview, Result, action_register
from apps.approvals.services import request_submit
from apps.core.display import kind_text, money_text
from apps.core.errors import NotFound, ValidationFailed
from apps.identity import services
from apps.identity.errors import OwnRolesRefused
from apps.identity.gate import Waiting, gate_register
from apps.identity.models import AmountLimit, RateLimit, Role, User
from apps.identity.permissions import PERMISSIONS
from apps.identity.selectors import user_get_for
from apps.identity.services import amount_limit_check, rate_limit_check, rate_limit_of, role_permissions_check

ROLES, PERMITS = "identity.user_roles", "identity.role_permissions"
AMOUNTS, RATES = "identity.amount_limit", "identity.rate_limit"


def change_gate(*, action: str, acting_user: User, payload: Mapping[str, Any], at: dt.datetime) -> Waiting | None:
    """Have a change of rights wait where the policy in force wants a second person; None where it does not."""
    request = request_submit(kind=action, maker=acting_user, payload=payload, at=at)
    return None if request is None else Waiting(request.public_id, request.number, request.url)


def id_of(payload: Payload, name: str) -> UUID:
    """A UUID of a payload. Raises ValidationFailed."""
    try:
        return UUID(str(payload[name]))
    except (KeyError, ValueError) as error:
        raise _fault(name, "Must be an id.") from error


def text_of(payload: Payload, name: str) -> str:
    """A text of a payload that says something. Raises ValidationFailed."""
    value = payload.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > 500:
        raise _fault(name, "Must be a text of at most 500 characters.")
    return value


def texts_of(payload: Payload, name: str) -> list[str]:
    """A list of texts of a payload. Raises ValidationFailed."""
    value = payload.get(name)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _fault(name, "Must be a list of codes.")
    return value


def _fault(name: str, detail: str) -> ValidationFailed:
    return ValidationFailed([{"pointer": f"/payload/{name}", "code": "invalid", "detail": detail}])


def _staff_holding(role: Role) -> tuple[UUID, ...]:
    """Whose own affair a change of the role is: its holders among the staff, who are those that could approve."""
    return tuple(User.objects.filter(user_roles__role=role, is_staff=True).order_by("pk").values_list("pk", flat=True))


# -- roles of a user


def _roles_validate(maker: User, payload: Payload) -> None:
    user = user_get_for(user=maker, pk=id_of(payload, "user_id"))
    if user.pk == maker.pk:
        raise OwnRolesRefused
    text_of(payload, "reason")
    services.user_roles_check(acting_user=maker, role_codes=texts_of(payload, "roles"))


def roles_text(codes: Iterable[str]) -> str:
    """Roles in words: Branch manager, Teller."""
    return ", ".join(kind_text(code) for code in sorted(codes))


def _roles_preview(maker: User, payload: Payload) -> Preview:
    user = user_get_for(user=maker, pk=id_of(payload, "user_id"))
    return Preview(
        title=f"Roles of {user.get_full_name()}",
        changes=(
            Change("Roles", roles_text(user.role_codes), roles_text(payload["roles"])),
            Change("Reason", "", str(payload["reason"])),
        ),
        branch_id=user.branch_id,
        branch_code=user.branch.code if user.branch else "",
        interested_ids=(user.pk,),
        key=f"roles {user.pk}",
        url=f"/admin/identity/user/{user.pk}/change/",
    )


def _roles_execute(execution: Execution) -> Result:
    payload = execution.payload
    services.user_roles_set(
        acting_user=execution.maker,
        user_id=id_of(payload, "user_id"),
        role_codes=texts_of(payload, "roles"),
        reason=text_of(payload, "reason"),
        at=execution.at,
        approval=execution.request_id,
    )
    return Result({"user_id": payload["user_id"]}, f"/api/v1/users/{payload['user_id']}")


# -- what a role allows


def _permits(payload: Payload) -> dict[str, Any]:
    scope = payload.get("scope")
    if scope is not None and not isinstance(scope, str):
        raise _fault("scope", "Must be the name of a scope.")
    return {"role_id": id_of(payload, "role_id"), "permissions": texts_of(payload, "permissions"), "scope": scope}


def _permits_validate(maker: User, payload: Payload) -> None:
    text_of(payload, "reason")
    role_permissions_check(acting_user=maker, **_permits(payload))


def _permits_preview(maker: User, payload: Payload) -> Preview:
    facts = _permits(payload)
    role = Role.objects.filter(pk=facts["role_id"]).first()
    if role is None:
        raise NotFound("There is no such role.")
    present, wanted = set(role.permissions), set(facts["permissions"])
    rows = [Change(PERMISSIONS[code], "no", "yes") for code in sorted(wanted - present)]
    rows += [Change(PERMISSIONS.get(code, code), "yes", "no") for code in sorted(present - wanted)]
    if facts["scope"] and facts["scope"] != role.scope:
        rows.append(Change("Reach", role.get_scope_display(), str(Role.Scope(facts["scope"]).label)))
    return Preview(
        title=f"Permissions of the role {role.name}",
        changes=(*rows, Change("Reason", "", str(payload["reason"]))),
        interested_ids=_staff_holding(role),
        key=f"role {role.pk}",
        url=f"/admin/identity/role/{role.pk}/change/",
    )


def _permits_execute(execution: Execution) -> Result:
    services.role_permissions_set(
        acting_user=execution.maker,
        **_permits(execution.payload),
        reason=text_of(execution.payload, "reason"),
        at=execution.at,
        approval=execution.request_id,
    )
    return Result({"role_id": execution.payload["role_id"]}, "/api/v1/roles")


# -- how much money a role moves


def _amounts(payload: Payload) -> dict[str, Any]:
    facts = {name: text_of(payload, name) for name in ("role_code", "permission", "currency")}
    return {**facts, "amount_max": payload.get("amount_max"), "step_up_above": payload.get("step_up_above")}


def _amounts_validate(maker: User, payload: Payload) -> None:
    text_of(payload, "reason")
    amount_limit_check(acting_user=maker, **_amounts(payload))


def _amounts_preview(maker: User, payload: Payload) -> Preview:
    facts = _amounts(payload)
    role = amount_limit_check(acting_user=maker, **facts)
    currency = facts["currency"]
    present = AmountLimit.objects.filter(
        role=role, permission=facts["permission"], currency=currency, ends_at=None
    ).last()

    def shown(name: str) -> Change:
        label = {"amount_max": "At most", "step_up_above": "Second factor above"}[name]
        before, after = getattr(present, name, None), facts[name]
        return Change(label, *(f"{money_text(one, currency)} {currency}" if one is not None else "no limit"
                               for one in (before, after)))  # fmt: skip

    return Preview(
        title=f"Limit of the role {role.name}: {PERMISSIONS[facts['permission']].lower()}",
        changes=(shown("amount_max"), shown("step_up_above"), Change("Reason", "", str(payload["reason"]))),
        interested_ids=_staff_holding(role),
        key=f"limit {role.pk} {facts['permission']} {currency}",
        url=f"/admin/identity/role/{role.pk}/change/",
    )


def _amounts_execute(execution: Execution) -> Result:
    limit = services.amount_limit_set(
        acting_user=execution.maker,
        **_amounts(execution.payload),
        reason=text_of(execution.payload, "reason"),
        at=execution.at,
        approval=execution.request_id,
    )
    return Result({"limit_id": str(limit.id)}, "/api/v1/amount-limits")


# -- how much of the API may be used


def _rates_validate(maker: User, payload: Payload) -> None:
    rate_limit_check(acting_user=maker, limit=rate_limit_of(payload=payload))


def _rates_preview(maker: User, payload: Payload) -> Preview:
    limit = rate_limit_of(payload=payload)
    present = RateLimit.objects.filter(pk=limit.pk).first()
    before = services.rate_limit_payload(limit=present, reason="") if present else {}
    after = services.rate_limit_payload(limit=limit, reason="")
    names = [name for name in after if name not in {"limit_id", "reason"} and before.get(name) != after[name]]
    return Preview(
        title=f"Rate limit {limit}",
        changes=tuple(
            Change(name.replace("_", " ").capitalize(), str(before.get(name) or ""), str(after[name] or ""))
            for name in names
        ),
        interested_ids=_staff_holding(limit.role) if limit.role else (),
        key=f"rate {payload['limit_id']}" if payload.get("limit_id") else "",
    )


def _rates_execute(execution: Execution) -> Result:
    limit = services.rate_limit_save(
        acting_user=execution.maker,
        limit=rate_limit_of(payload=execution.payload),
        reason=str(execution.payload.get("reason", "")),
        at=execution.at,
        approval=execution.request_id,
    )
    return Result({"limit_id": str(limit.id)}, "")


def actions_register() -> None:
    """Make the actions known, and stand at identity's gate."""
    roles, rates = "identity.manage_roles", "identity.manage_rate_limits"
    for action in (
        Action(
            ROLES, "Roles of a user", "identity.manage_users",
            _roles_validate, _roles_preview, _roles_execute, transactional=True,
        ),
        Action(
            PERMITS, "What a role allows", roles,
            _permits_validate, _permits_preview, _permits_execute, transactional=True,
        ),
        Action(
            AMOUNTS, "Limit by amount", roles,
            _amounts_validate, _amounts_preview, _amounts_execute, transactional=True,
        ),
        Action(
            RATES, "Rate limit of the API", rates,
            _rates_validate, _rates_preview, _rates_execute, transactional=True,
        ),
    ):  # fmt: skip
        action_register(action)
    gate_register(change_gate)
