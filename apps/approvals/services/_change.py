"""What else can be done with a request: change and send again, withdraw, hand on, comment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.approvals import locks
from apps.approvals.errors import (
    ApprovalNotNeeded,
    ApprovalStateConflict,
    ApproverNotUsable,
    MakerIsNotChecker,
    NotYourApproval,
)
from apps.approvals.models import ApprovalCandidate, ApprovalLevel, ApprovalRequest
from apps.approvals.policies import rule_choose
from apps.approvals.registry import action_get
from apps.approvals.selectors import levels_for, policy_in_force, standings_of
from apps.approvals.services._common import action_read, happened, payload_hash, request_write, state_set
from apps.approvals.services._decide import DECIDE, ended
from apps.approvals.services._execute import ADMINISTER
from apps.approvals.services._steps import process_stop, revise_task, step_complete
from apps.approvals.services._submit import facts_of, preview_fields, round_open, round_plan, rule_shown
from apps.core.api.etag import version_check
from apps.core.clock import bank_day
from apps.core.errors import PermissionDenied
from apps.core.retry import retry_transient
from apps.identity.models import User

State = ApprovalRequest.State


def _opened(request_id: UUID, expected_version: int, *states: str) -> ApprovalRequest:
    """The request, locked, at the version that the caller saw and in one of the states."""
    request = locks.request_lock(public_id=request_id)
    version_check(current=request.version, expected=expected_version)
    if request.state not in states:
        raise ApprovalStateConflict(f"The request is {request.state}.", state=request.state)
    return request


@retry_transient
@transaction.atomic
def request_resubmit(
    *,
    acting_user: User,
    request_id: UUID,
    expected_version: int,
    at: dt.datetime,
    payload: Mapping[str, Any] | None = None,
    comment: str = "",
) -> ApprovalRequest:
    """Send a returned request again, changed or not: a new round, under the policy of today. Only its maker does.

    Raises ApprovalNotFound, PermissionDenied, PreconditionFailed, ApprovalStateConflict, what `validate` raises, and
    ApprovalNotNeeded when the policy of today lets it go at once: cancel it then, and call the operation.
    """
    request = _opened(request_id, expected_version, State.RETURNED)
    if request.maker_id != acting_user.pk:
        raise PermissionDenied("Only its maker sends a request again.")
    action = action_get(request.kind)
    if payload is not None:
        request.payload = dict(payload)
        request.payload_hash = payload_hash(kind=request.kind, payload=payload)
    preview = action_read(action, maker=acting_user, payload=request.payload)
    facts = facts_of(preview, at=at)
    found = policy_in_force(kind=request.kind, day=bank_day(at))
    chosen = None if found is None else rule_choose(found.document, base_minor=facts["base_minor"], facts=facts)
    if found is None or chosen is None or not chosen.asks:
        raise ApprovalNotNeeded
    for name, value in preview_fields(preview, facts).items():
        setattr(request, name, value)
    request.policy, request.rule = found.policy, rule_shown(chosen, found)
    request.round += 1
    state_set(request, State.PENDING, user=acting_user, at=at, reason=comment)
    opening = round_plan(request, chosen)
    step_complete(request, revise_task(request), user=acting_user, route=request.route)
    round_open(request, opening, expire_hours=found.document.expire_hours, at=at)
    request.version += 1
    request.save()
    happened(request, "resubmitted", user=acting_user, at=at, comment=comment, changed=payload is not None)
    return request


@retry_transient
@transaction.atomic
def request_cancel(
    *, acting_user: User, request_id: UUID, expected_version: int, at: dt.datetime, comment: str = ""
) -> ApprovalRequest:
    """Withdraw a request that is not carried out. For its maker, and for those who administer approvals.

    Raises ApprovalNotFound, PermissionDenied, PreconditionFailed, ApprovalStateConflict.
    """
    request = _opened(request_id, expected_version, State.PENDING, State.RETURNED, State.FAILED)
    if request.maker_id != acting_user.pk and not acting_user.has_permission(ADMINISTER):
        raise PermissionDenied("Only its maker withdraws a request.", permission=ADMINISTER)
    request_end(request, State.CANCELLED, user=acting_user, at=at, comment=comment)
    return request


def request_end(request: ApprovalRequest, state: str, *, user: User | None, at: dt.datetime, comment: str = "") -> None:
    """End a locked request before a decision: cancelled or expired."""
    process_stop(request, request.levels.filter(round=request.round).select_related("task"), at=at)
    request.due_at = None
    ended(request, state)
    request_write(request, *state_set(request, state, user=user, at=at, reason=comment), "due_at", "status", "finished")
    happened(request, state, user=user, at=at, comment=comment)


@retry_transient
@transaction.atomic
def request_reassign(
    *,
    acting_user: User,
    request_id: UUID,
    to: User,
    expected_version: int,
    at: dt.datetime,
    level_id: UUID | None = None,
    comment: str = "",
) -> ApprovalRequest:
    """Hand an open level on to one colleague, who then decides alone. For whom it asks, and administrators.

    Raises ApprovalNotFound, PreconditionFailed, ApprovalStateConflict, MakerIsNotChecker, NotYourApproval,
    ApproverNotUsable for a colleague who cannot decide.
    """
    request = _opened(request_id, expected_version, State.PENDING)
    if to.pk == request.maker_id:
        raise MakerIsNotChecker("The maker cannot be asked.")
    if not to.is_active or not to.has_permission(DECIDE):
        raise ApproverNotUsable("This user does not decide on approvals.", pointer="/user_id")
    levels = request.levels.filter(round=request.round, state="open")
    if level_id is not None:
        levels = levels.filter(public_id=level_id)
    level = _level_of(levels, acting_user, at=at)
    ApprovalCandidate.objects.get_or_create(level=level, user=to, defaults={"origin": "person"})
    level.assignee = to
    level.save(update_fields=["assignee"])
    request_write(request)
    happened(request, "reassigned", user=acting_user, at=at, comment=comment, level=level.name, to=str(to))
    return request


def _level_of(levels: Any, user: User, *, at: dt.datetime) -> ApprovalLevel:
    if user.has_permission(ADMINISTER):
        level = levels.first()
    else:
        mine = levels_for(standings=standings_of(user=user, at=at)).filter(pk__in=levels)
        level = mine.filter(assignee__isnull=True).first() or mine.filter(assignee=user).first()
    if level is None:
        raise NotYourApproval
    found: ApprovalLevel = level
    return found


@transaction.atomic
def request_comment(*, acting_user: User, request_id: UUID, comment: str, at: dt.datetime) -> ApprovalRequest:
    """Add to the thread of a request. Whether the user may see it is the caller's gate. Raises ApprovalNotFound."""
    request = locks.request_lock(public_id=request_id)
    happened(request, "commented", user=acting_user, at=at, comment=comment)
    return request
