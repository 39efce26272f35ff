"""Standing in for an absent colleague: dated, within limits, itself approved, never in a circle."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from apps.approvals.errors import ApprovalNotFound, DelegationInvalid, DelegationLoop
from apps.approvals.locks import delegations_lock
from apps.approvals.models import ApprovalRequest, Delegation
from apps.approvals.registry import action_get
from apps.approvals.services._execute import ADMINISTER
from apps.approvals.services._submit import request_submit
from apps.audit.services import record
from apps.core.errors import PermissionDenied
from apps.core.money import Money
from apps.identity.guards import step_up_check
from apps.identity.models import User

DECIDE = "approvals.decide"
DAYS_MAX = 366
KIND = "approvals.delegation"


def delegation_create(
    *,
    acting_user: User,
    delegate: User,
    starts_at: dt.datetime,
    ends_at: dt.datetime,
    at: dt.datetime,
    kinds: Sequence[str] = (),
    limit: Money | None = None,
    reason: str = "",
) -> tuple[Delegation, ApprovalRequest | None]:
    """Lend one's own authority for a time; it works once approved, at once where no policy asks for approval.

    Raises PermissionDenied, MfaStepUpRequired, DelegationInvalid, DelegationLoop, ApprovalKindUnknown.
    """
    if not acting_user.has_permission(DECIDE):
        raise PermissionDenied(f"This needs the permission {DECIDE}.", permission=DECIDE)
    step_up_check(acting_user, at=at)
    for kind in kinds:
        action_get(kind)
    if starts_at >= ends_at or ends_at <= at or ends_at - starts_at > dt.timedelta(days=DAYS_MAX):
        raise DelegationInvalid("The period must lie ahead and last at most a year.", pointer="/ends_at")
    if delegate.pk == acting_user.pk or not delegate.is_active or not delegate.has_permission(DECIDE):
        raise DelegationInvalid("The delegate must be another user who decides on approvals.", pointer="/delegate_id")
    row = Delegation(
        principal=acting_user,
        delegate=delegate,
        starts_at=starts_at,
        ends_at=ends_at,
        kinds=sorted(set(kinds)),
        limit_minor=limit.minor if limit else None,
        reason=reason,
    )
    with transaction.atomic():
        delegations_lock()
        loop_check(row)
        row.save(force_insert=True)
        record(action="approvals.delegation.asked", acting_user=acting_user, target=row, reason=reason, at=at)
        request = request_submit(kind=KIND, maker=acting_user, payload={"delegation_id": str(row.pk)}, at=at)
        if request is None:
            delegation_activate(delegation_id=row.pk, acting_user=acting_user, at=at)
            row.refresh_from_db()
    return row, request


def loop_check(row: Delegation) -> None:
    """Raises DelegationLoop when, on some day of the period, authority would come back to its principal."""
    others = Delegation.objects.filter(
        state__in=["pending", "active"], starts_at__lt=row.ends_at, ends_at__gt=row.starts_at
    ).exclude(pk=row.pk)
    onward: dict[UUID, set[UUID]] = {}
    for principal, delegate in others.values_list("principal_id", "delegate_id"):
        onward.setdefault(principal, set()).add(delegate)
    reached, frontier = set(), {row.delegate_id}
    while frontier:
        reached |= frontier
        frontier = {following for person in frontier for following in onward.get(person, ())} - reached
    if row.principal_id in reached:
        raise DelegationLoop("The delegate has delegated to you in this period, directly or through others.")


@transaction.atomic
def delegation_activate(*, delegation_id: UUID, acting_user: User | None, at: dt.datetime) -> Delegation:
    """Let a delegation work. Called when it is approved. Raises ApprovalNotFound, DelegationInvalid, DelegationLoop."""
    delegations_lock()
    row = Delegation.objects.select_related("principal", "delegate").filter(pk=delegation_id).first()
    if row is None:
        raise ApprovalNotFound("No such delegation.")
    if row.state == Delegation.State.ACTIVE:
        return row
    if row.state != Delegation.State.PENDING or row.ends_at <= at:
        raise DelegationInvalid("The delegation is over, or was refused or revoked.")
    loop_check(row)
    row.state, row.version = Delegation.State.ACTIVE, row.version + 1
    row.save(update_fields=["state", "version", "updated_at"])
    record(action="approvals.delegation.activated", acting_user=acting_user, target=row, at=at)
    return row


@transaction.atomic
def delegation_end(
    *, delegation_id: UUID, acting_user: User | None, at: dt.datetime, state: str = "revoked"
) -> Delegation:
    """Revoke a delegation, or refuse one that waits. For its principal and administrators; None is the system.

    Raises ApprovalNotFound, PermissionDenied. One that has ended stays as it is.
    """
    delegations_lock()
    row = Delegation.objects.select_related("principal", "delegate").filter(pk=delegation_id).first()
    if row is None:
        raise ApprovalNotFound("No such delegation.")
    if acting_user is not None and acting_user.pk != row.principal_id and not acting_user.has_permission(ADMINISTER):
        raise PermissionDenied(f"This needs the permission {ADMINISTER}.", permission=ADMINISTER)
    if row.state in (Delegation.State.PENDING, Delegation.State.ACTIVE):
        row.state, row.ended_by, row.version = state, acting_user, row.version + 1
        row.save(update_fields=["state", "ended_by", "version", "updated_at"])
        record(action=f"approvals.delegation.{state}", acting_user=acting_user, target=row, at=at)
    return row
