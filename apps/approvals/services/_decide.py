"""The one decision: for the page, the bulk and the API."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.approvals import locks
from apps.approvals.errors import (
    AlreadyDecided,
    ApprovalStateConflict,
    ApproverLimitExceeded,
    CommentRequired,
    ConflictOfInterest,
    MakerIsNotChecker,
    NotYourApproval,
)
from apps.approvals.models import ApprovalDecision, ApprovalLevel, ApprovalRequest
from apps.approvals.registry import action_get
from apps.approvals.selectors import Standing, candidates_asked, standings_of
from apps.approvals.services._common import happened, request_write, state_set
from apps.approvals.services._execute import carry_out, claim, maker_check
from apps.approvals.services._steps import (
    levels_write,
    others_close,
    route_of,
    stage_next,
    stage_open,
    step_complete,
    task_of,
)
from apps.core.api.etag import version_check
from apps.core.errors import DomainError, PermissionDenied
from apps.core.retry import retry_transient
from apps.identity.guards import amount_check, step_up_check
from apps.identity.models import User
from apps.identity.permissions import STEP_UP_PERMISSIONS

DECIDE = "approvals.decide"
APPROVE, REJECT, RETURN = "approve", "reject", "return"
ENDS = ("status", "finished")
"""What Viewflow's end sets of a process."""
VERB = {APPROVE: "approved", REJECT: "rejected", RETURN: "returned"}
LevelState = ApprovalLevel.State


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a decision. `replayed`: it had been made before, and nothing was done now."""

    request: ApprovalRequest
    replayed: bool


def request_decide(
    *,
    acting_user: User,
    request_id: UUID,
    verdict: str,
    expected_version: int,
    at: dt.datetime,
    comment: str = "",
    level_id: UUID | None = None,
) -> Decided:
    """Approve, reject or return a request; the last approval carries the action out at once.

    The same verdict by the same user again changes nothing. Raises PermissionDenied, ApprovalNotFound,
    MakerIsNotChecker, PreconditionFailed when the request changed since `expected_version`, ApprovalStateConflict,
    AlreadyDecided, NotYourApproval, ConflictOfInterest, ApproverLimitExceeded, CommentRequired, MfaStepUpRequired and
    AmountLimitExceeded for an approval, and what the action's `validate` raises when it is not possible any more.
    """
    decided = _decide(
        checked=_checked(request_id) if verdict == APPROVE else None,
        acting_user=acting_user,
        request_id=request_id,
        verdict=verdict,
        expected_version=expected_version,
        at=at,
        comment=comment,
        level_id=level_id,
    )
    if decided.request.state == ApprovalRequest.State.APPROVED and not decided.replayed:
        return Decided(carry_out(decided.request, at=at), replayed=False)
    return decided


@dataclass(frozen=True, slots=True)
class _Checked:
    """What an action's `validate` said of a request, as it was at a version; `refusal` None for nothing."""

    version: int
    refusal: DomainError | None


def _checked(request_id: UUID) -> _Checked | None:
    """Ask whether it is still possible, before the lock: reads that belong together are then of one state.

    Under the lock a payment of that instant comes between them and would fail the decision. What the action reads is
    not locked either way, and its execution looks again.
    """
    request = ApprovalRequest.objects.select_related("maker").filter(public_id=request_id).first()
    if request is None or request.state != ApprovalRequest.State.PENDING:
        return None
    try:
        _still_possible(request)
    except DomainError as error:
        return _Checked(request.version, error)
    return _Checked(request.version, None)


@retry_transient
@transaction.atomic
def _decide(
    *,
    checked: _Checked | None,
    acting_user: User,
    request_id: UUID,
    verdict: str,
    expected_version: int,
    at: dt.datetime,
    comment: str,
    level_id: UUID | None,
) -> Decided:
    if not acting_user.has_permission(DECIDE):
        raise PermissionDenied(f"This needs the permission {DECIDE}.", permission=DECIDE)
    request = locks.request_lock(public_id=request_id)
    if request.maker_id == acting_user.pk:
        raise MakerIsNotChecker
    made = list(ApprovalDecision.objects.filter(request=request, round=request.round))
    mine = next((row for row in made if row.actor_id == acting_user.pk), None)
    if mine is not None and mine.verdict == verdict:
        return Decided(request, replayed=True)
    version_check(current=request.version, expected=expected_version)
    if request.state != ApprovalRequest.State.PENDING:
        raise ApprovalStateConflict(f"The request is {request.state}.", state=request.state)
    if mine is not None:
        raise AlreadyDecided
    levels = list(request.levels.filter(round=request.round).select_related("task"))
    level, standing = _place(request, levels, made, user=acting_user, level_id=level_id, at=at)
    if not comment and (verdict != APPROVE or request.risk_flags):
        raise CommentRequired("Say why.", pointer="/comment")
    if verdict == APPROVE:
        _second_factor(request, acting_user, at=at)
        version_check(current=request.version, expected=checked.version if checked else -1)
        if checked is not None and checked.refusal is not None:
            raise checked.refusal
    ApprovalDecision.objects.create(
        request=request,
        level=level,
        round=request.round,
        maker_id=request.maker_id,
        actor=acting_user,
        authority=standing.authority,
        verdict=verdict,
        comment=comment,
        payload_hash=request.payload_hash,
        decided_at=at,
    )
    approvals = sum(row.level_id == level.pk and row.verdict == APPROVE for row in made)
    changed = ["due_at", "stage"]
    if verdict == APPROVE:
        changed += _approve(request, level, levels, user=acting_user, count=approvals + 1, at=at)
    else:
        changed += _refuse(request, level, levels, user=acting_user, verdict=verdict, comment=comment, at=at)
    request_write(request, *changed)
    facts: dict[str, Any] = {"level": level.name}
    if standing.delegated:
        facts["in_place_of"] = standing.authority.get_username()
    # The last approval is announced as what comes of it: executed, or failed.
    happened(
        request, VERB[verdict], user=acting_user, at=at, comment=comment, quietly=request.state == "approved", **facts
    )
    return Decided(request, replayed=False)


def _second_factor(request: ApprovalRequest, user: User, *, at: dt.datetime) -> None:
    """An approval is as good as the act: it asks for what the act asks for. Raises MfaStepUpRequired,
    AmountLimitExceeded."""
    if action_get(request.kind).permission in STEP_UP_PERMISSIONS:
        step_up_check(user, at=at)
    if request.amount_minor is not None:
        amount_check(user, DECIDE, request.amount_minor, request.currency, at=at)


def _still_possible(request: ApprovalRequest) -> None:
    """Raises when what is asked for cannot be done any more, or not by its maker."""
    maker_check(request)
    action_get(request.kind).validate(request.maker, request.payload)


def _approve(
    request: ApprovalRequest,
    level: ApprovalLevel,
    levels: list[ApprovalLevel],
    *,
    user: User,
    count: int,
    at: dt.datetime,
) -> list[str]:
    if count < level.need:
        return []
    level.state, level.decided_at = LevelState.APPROVED, at
    beside = [other for other in levels if other.state == LevelState.OPEN]
    opening = [] if beside else stage_next(request, levels)
    step_complete(request, task_of(request, level), user=user, route=() if beside else route_of(opening))
    touched = [level]
    if opening:
        touched += stage_open(request, opening, at=at)
    levels_write(touched)
    if beside or opening:
        return []
    request.due_at, request.next_attempt_at = None, at
    # Claimed in the same breath: who decides carries it out next, and dying leaves a lease that ends.
    return [*state_set(request, "approved", user=user, at=at), *claim(request, at=at), "next_attempt_at", *ENDS]


def _refuse(
    request: ApprovalRequest,
    level: ApprovalLevel,
    levels: list[ApprovalLevel],
    *,
    user: User,
    verdict: str,
    comment: str,
    at: dt.datetime,
) -> list[str]:
    """One refusal ends the round, whatever the others of a committee said."""
    state = "rejected" if verdict == REJECT else "returned"
    level.state, level.decided_at = LevelState(state), at
    levels_write([level, *others_close(request, levels, at=at)])
    step_complete(request, task_of(request, level), user=user, route=("finish" if verdict == REJECT else "revise",))
    request.due_at = None
    if verdict == REJECT:
        ended(request, "rejected")
    return [*state_set(request, state, user=user, at=at, reason=comment), *ENDS]


def ended(request: ApprovalRequest, state: str) -> None:
    """Tell the action that the request ends without being carried out, in the same transaction."""
    action = action_get(request.kind)
    if action.ended is not None:
        action.ended(request.payload, state)


def _place(
    request: ApprovalRequest,
    levels: Sequence[ApprovalLevel],
    made: Sequence[ApprovalDecision],
    *,
    user: User,
    level_id: UUID | None,
    at: dt.datetime,
) -> tuple[ApprovalLevel, Standing]:
    """The open level on which the user decides, and in whose authority; or the reason why there is none."""
    opened = [
        level
        for level in levels
        if level.state == LevelState.OPEN and (level_id is None or level.public_id == level_id)
    ]
    used = {row.authority_id for row in made}
    refusal: PermissionDenied | AlreadyDecided = NotYourApproval("The open level asks somebody else.")
    for standing in standings_of(user=user, at=at):
        asked = candidates_asked(level_ids=[level.pk for level in opened], standing=standing)
        for level in opened:
            if level.pk not in asked or level.assignee_id not in (None, user.pk, standing.authority.pk):
                continue
            problem = _barred(request, standing, used)
            if problem is None:
                return level, standing
            refusal = problem
    raise refusal


def _barred(request: ApprovalRequest, standing: Standing, used: set[UUID]) -> PermissionDenied | AlreadyDecided | None:
    people = {standing.user.pk, standing.authority.pk}
    if request.maker_id in people:
        return MakerIsNotChecker("The maker lends nobody the authority to decide.")
    if people & set(request.interested_ids) or set(standing.related) & set(request.member_ids):
        return ConflictOfInterest()
    if standing.kinds and request.kind not in standing.kinds:
        return NotYourApproval("The delegation is not for this kind of action.")
    if standing.branches is not None and request.branch_id not in standing.branches:
        return NotYourApproval("The request is of another branch.")
    if standing.limit is not None and (request.base_minor is None or request.base_minor > standing.limit):
        return ApproverLimitExceeded()
    if standing.authority.pk in used:
        return AlreadyDecided("Decided already in this authority.")
    return None
