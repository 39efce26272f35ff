"""Staff who come, move and come back, as actions: identity shows each to its gate (apps.approvals.access)."""

from __future__ import annotations

from apps.approvals.access import id_of, roles_text, text_of, texts_of
from apps.approvals.registry import Action, Change, Execution, Payload, Preview, Result, action_register
from apps.core.errors import ValidationFailed
from apps.identity import services
from apps.identity.errors import OwnRolesRefused
from apps.identity.models import User
from apps.identity.selectors import user_get_for

INVITE, MOVE, BACK = "identity.user_invite", "identity.user_branch", "identity.user_reactivate"
WHOLE_BANK = "the whole bank"


def _branch(payload: Payload) -> str:
    code = payload.get("branch", "")
    if not isinstance(code, str) or len(code) > 20:
        raise ValidationFailed([{"pointer": "/payload/branch", "code": "invalid", "detail": "Must be a code."}])
    return code


def _user(maker: User, payload: Payload) -> User:
    user = user_get_for(user=maker, pk=id_of(payload, "user_id"))
    if user.pk == maker.pk:
        raise OwnRolesRefused
    return user


def _user_preview(user: User, payload: Payload, *, title: str, key: str, changes: tuple[Change, ...]) -> Preview:
    return Preview(
        title=title,
        changes=(*changes, Change("Reason", "", str(payload["reason"]))),
        branch_id=user.branch_id,
        branch_code=user.branch.code if user.branch else "",
        interested_ids=(user.pk,),
        key=f"{key} {user.pk}",
        url=f"/admin/identity/user/{user.pk}/change/",
    )


def _invite_validate(maker: User, payload: Payload) -> None:
    text_of(payload, "reason")
    services.invitation_check(
        acting_user=maker,
        email=text_of(payload, "email"),
        full_name=text_of(payload, "full_name"),
        role_codes=texts_of(payload, "roles"),
        branch_code=_branch(payload),
    )


def _invite_preview(maker: User, payload: Payload) -> Preview:
    code = _branch(payload)
    branch = services.branch_in_reach(acting_user=maker, code=code, roles=())
    rows = [("Address", payload["email"]), ("Name", payload["full_name"]), ("Branch", code or WHOLE_BANK)]
    rows += [("Roles", roles_text(payload["roles"])), ("Reason", payload["reason"])]
    return Preview(
        title=f"Invite {payload['full_name']}",
        changes=tuple(Change(label, "", str(value)) for label, value in rows),
        branch_id=branch.pk if branch else None,
        branch_code=code,
        key=f"invite {payload['email']}",
    )


def _invite_execute(execution: Execution) -> Result:
    payload = execution.payload
    user = services.user_invite(
        acting_user=execution.maker,
        email=text_of(payload, "email"),
        full_name=text_of(payload, "full_name"),
        role_codes=texts_of(payload, "roles"),
        branch_code=_branch(payload),
        reason=text_of(payload, "reason"),
        at=execution.at,
        approval=execution.request_id,
    )
    return Result({"user_id": str(user.id)}, f"/api/v1/users/{user.id}")


def _move_validate(maker: User, payload: Payload) -> None:
    user = _user(maker, payload)
    text_of(payload, "reason")
    services.branch_in_reach(acting_user=maker, code=_branch(payload), roles=user.roles.all())


def _move_preview(maker: User, payload: Payload) -> Preview:
    user = _user(maker, payload)
    before = user.branch.code if user.branch else WHOLE_BANK
    change = Change("Branch", before, _branch(payload) or WHOLE_BANK)
    return _user_preview(user, payload, title=f"Branch of {user.get_full_name()}", key="branch", changes=(change,))


def _move_execute(execution: Execution) -> Result:
    payload = execution.payload
    services.user_branch_set(
        acting_user=execution.maker,
        user_id=id_of(payload, "user_id"),
        branch_code=_branch(payload),
        reason=text_of(payload, "reason"),
        at=execution.at,
        approval=execution.request_id,
    )
    return Result({"user_id": payload["user_id"]}, f"/api/v1/users/{payload['user_id']}")


def _back_validate(maker: User, payload: Payload) -> None:
    _user(maker, payload)
    text_of(payload, "reason")


def _back_preview(maker: User, payload: Payload) -> Preview:
    user = _user(maker, payload)
    changes = (Change("Standing", "deactivated", "active"), Change("Roles", "", roles_text(user.role_codes)))
    return _user_preview(user, payload, title=f"Reactivate {user.get_full_name()}", key="standing", changes=changes)


def _back_execute(execution: Execution) -> Result:
    payload = execution.payload
    services.user_reactivate(
        acting_user=execution.maker,
        user_id=id_of(payload, "user_id"),
        reason=text_of(payload, "reason"),
        at=execution.at,
        approval=execution.request_id,
    )
    return Result({"user_id": payload["user_id"]}, f"/api/v1/users/{payload['user_id']}")


def actions_register() -> None:
    """Make the actions known."""
    manage = "identity.manage_users"
    for action in (
        Action(
            INVITE, "Invitation of a user", manage,
            _invite_validate, _invite_preview, _invite_execute, transactional=True,
        ),
        Action(MOVE, "Branch of a user", manage, _move_validate, _move_preview, _move_execute, transactional=True),
        Action(
            BACK, "Reactivation of a user", manage,
            _back_validate, _back_preview, _back_execute, transactional=True,
        ),
    ):  # fmt: skip
        action_register(action)
