"""Staff who come, move and come back. Each gives rights, so each passes the gate (apps.identity.gate).

Nobody types a password for somebody else: who is invited gets a link by e-mail and sets one. Where staff need a second
factor, the first sign-in sets it up before anything else opens.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import transaction

from apps.core.errors import ValidationFailed
from apps.core.tasks import after_commit
from apps.core.trail import trail_record
from apps.identity.errors import (
    BranchOutOfReach,
    EmailTaken,
    InvitationAccepted,
    RoleOutOfReach,
    StaffNeedsRole,
    UserErased,
)
from apps.identity.gate import Waiting, change_asks
from apps.identity.messages import EMAIL, message_send
from apps.identity.models import Branch, Challenge, Role, User
from apps.identity.principals import principal_forget
from apps.identity.selectors import branches_visible_to
from apps.identity.services._challenges import challenge_begin
from apps.identity.services._passwords import link_of
from apps.identity.services._staff import (
    approved,
    may_manage,
    other_user_lock,
    reach_check,
    roles_named,
    user_create_staff,
)
from apps.identity.services._users import email_read, user_save

DAY_SECONDS = 86_400
ERASED_DOMAIN = "@erased.invalid"
"""Of the addresses that `user_pseudonymise` leaves."""


@transaction.atomic
def user_invite(
    *,
    acting_user: User | None,
    email: str,
    full_name: str,
    role_codes: Iterable[str],
    branch_code: str,
    reason: str,
    at: datetime,
    approval: UUID | None = None,
) -> User | Waiting:
    """Make a user for somebody of the staff, or a machine, and send them a link to set a password.

    `branch_code` is empty for who works for the whole bank. Waiting when somebody else has to approve first. Raises
    PermissionDenied, ValidationFailed, EmailTaken, StaffNeedsRole, RoleUnknown, RoleOutOfReach, BranchOutOfReach.
    """
    may_manage(acting_user)
    codes = sorted(set(role_codes))
    branch = invitation_check(
        acting_user=acting_user, email=email, full_name=full_name, role_codes=codes, branch_code=branch_code
    )
    waiting = change_asks(
        action="identity.user_invite",
        acting_user=acting_user,
        payload={
            "email": email_read(email), "full_name": full_name, "roles": codes, "branch": branch_code, "reason": reason,
        },
        at=at,
        approval=approval,
    )  # fmt: skip
    if waiting is not None:
        return waiting
    user = user_create_staff(
        acting_user=acting_user, email=email, full_name=full_name, role_codes=codes, branch=branch,
        time_zone=branch.time_zone if branch else "UTC", confirmed=False,
    )  # fmt: skip
    trail_record(
        action="identity.user.invited",
        acting_user=acting_user,
        kind="security",
        target=user,
        after={"roles": codes, "branch": branch_code, **approved(approval)},
        reason=reason,
        at=at,
    )
    _send(user)
    return user


def invitation_check(
    *, acting_user: User | None, email: str, full_name: str, role_codes: Iterable[str], branch_code: str
) -> Branch | None:
    """The branch of an invitation that may be sent, None for the whole bank. Raises as `user_invite` does."""
    address, roles = email_read(email), roles_named(role_codes)
    if not full_name.strip():
        raise ValidationFailed([{"pointer": "/full_name", "code": "blank", "detail": "Say who it is."}])
    if not roles:
        raise StaffNeedsRole(pointer="/roles")
    if User.objects.filter(email=address).exists():
        raise EmailTaken(pointer="/email")
    reach_check(acting_user, roles)
    return branch_in_reach(acting_user=acting_user, code=branch_code, roles=roles)


@transaction.atomic
def invitation_renew(*, acting_user: User | None, user_id: UUID, reason: str, at: datetime) -> User:
    """Send another link to somebody who has not set a password yet; those before stop working.

    Raises PermissionDenied, NotFound, OwnRolesRefused, RoleOutOfReach, InvitationAccepted.
    """
    may_manage(acting_user)
    user = other_user_lock(acting_user, user_id, None)
    reach_check(acting_user, user.roles.all())
    if user.has_usable_password() or not user.is_active:
        raise InvitationAccepted
    Challenge.objects.filter(user=user, purpose=Challenge.Purpose.RESET_PASSWORD, used_at=None).update(used_at=at)
    trail_record(
        action="identity.user.invited_again",
        acting_user=acting_user,
        kind="security",
        target=user,
        reason=reason,
        at=at,
    )
    _send(user)
    return user


def invitation_deliver(*, user_id: UUID, at: datetime) -> bool:
    """Make the link and send it, in a worker: no broker carries it. False when it is not wanted any more."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or user.has_usable_password():
        return False
    days = int(settings.NUMINA["INVITE_LINK_DAYS"])
    begun = challenge_begin(user=user, purpose=Challenge.Purpose.RESET_PASSWORD, at=at, seconds=days * DAY_SECONDS)
    message_send(
        channel=EMAIL,
        kind="invite",
        user=user,
        to=user.email,
        subject="Your access to {bank_name}",
        link=link_of("password", begun.token),
        days=days,
    )
    return True


@transaction.atomic
def user_branch_set(
    *,
    acting_user: User | None,
    user_id: Any,
    branch_code: str,
    reason: str,
    at: datetime,
    expected_version: int | None = None,
    approval: UUID | None = None,
) -> User | Waiting:
    """Have a user work in this branch; empty: for the whole bank. What the roles reach moves along at once.

    Waiting when somebody else has to approve first. Raises PermissionDenied, NotFound, OwnRolesRefused,
    PreconditionFailed, RoleOutOfReach, BranchOutOfReach.
    """
    may_manage(acting_user)
    user = other_user_lock(acting_user, user_id, expected_version)
    roles = list(user.roles.all())
    reach_check(acting_user, roles)
    branch = branch_in_reach(acting_user=acting_user, code=branch_code, roles=roles)
    if (branch.pk if branch else None) == user.branch_id:
        return user
    waiting = change_asks(
        action="identity.user_branch",
        acting_user=acting_user,
        payload={"user_id": str(user.pk), "branch": branch_code, "reason": reason},
        at=at,
        approval=approval,
    )
    if waiting is not None:
        return waiting
    before, user.branch = user.branch, branch
    user_save(user, acting_user=acting_user, fields=["branch"], reason=reason)
    trail_record(
        action="identity.user.moved",
        acting_user=acting_user,
        kind="security",
        target=user,
        before={"branch": before.code if before else ""},
        after={"branch": branch_code, **approved(approval)},
        reason=reason,
        at=at,
    )
    principal_forget(user.pk)
    return user


@transaction.atomic
def user_reactivate(
    *, acting_user: User | None, user_id: Any, reason: str, at: datetime, approval: UUID | None = None
) -> User | Waiting:
    """Let a user who was deactivated sign in again, with the roles, password and second factors held then.

    Waiting when somebody else has to approve first. Raises PermissionDenied, NotFound, OwnRolesRefused, RoleOutOfReach,
    UserErased. A user who is active stays so.
    """
    may_manage(acting_user)
    user = other_user_lock(acting_user, user_id, None)
    reach_check(acting_user, user.roles.all())
    if user.is_active:
        return user
    if user.email.endswith(ERASED_DOMAIN):
        raise UserErased
    waiting = change_asks(
        action="identity.user_reactivate",
        acting_user=acting_user,
        payload={"user_id": str(user.pk), "reason": reason},
        at=at,
        approval=approval,
    )
    if waiting is not None:
        return waiting
    user.is_active = True
    user_save(user, acting_user=acting_user, fields=["is_active"], reason=reason)
    trail_record(
        action="identity.user.reactivated",
        acting_user=acting_user,
        kind="security",
        target=user,
        before={"is_active": False},
        after={"is_active": True, **approved(approval)},
        reason=reason,
        at=at,
    )
    principal_forget(user.pk)
    return user


def branch_in_reach(*, acting_user: User | None, code: str, roles: Iterable[Role]) -> Branch | None:
    """The open branch with this code, None for no code. Raises BranchOutOfReach.

    Who reaches a branch places nobody outside of it; and a role that reaches a branch needs one.
    """
    if not code:
        if acting_user is not None and acting_user.scope != "all":
            raise RoleOutOfReach("Who works for a branch places nobody in the whole bank.")
        if any(role.scope in {"branch", "tree"} for role in roles):
            raise BranchOutOfReach("A role that reaches a branch needs one.", pointer="/branch")
        return None
    reached = Branch.objects.all() if acting_user is None else branches_visible_to(acting_user)
    found = reached.filter(code=code, is_active=True).first()
    if found is None:
        raise BranchOutOfReach(pointer="/branch")
    return found


def _send(user: User) -> None:
    after_commit(current_app.signature("identity.invitation_send"), user_id=user.pk)
