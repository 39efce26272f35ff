"""Levels: made when a round begins, opened stage by stage, closed together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db.models import Q
from viewflow.workflow.models import Task
from viewflow.workflow.status import PROCESS

from apps.approvals.flow import ApprovalFlow, StepActivation
from apps.approvals.hours import worktime_of
from apps.approvals.models import (
    ApprovalCandidate,
    ApprovalLevel,
    ApprovalRequest,
    ApprovalTimer,
    Approver,
    ApproverGroup,
)
from apps.approvals.policies import Band, LevelRule, Who, level_rule
from apps.approvals.selectors import branch_ancestors
from apps.identity.models import Branch, User

State = ApprovalLevel.State
DECIDE = "approvals.decide"


def round_levels(request: ApprovalRequest, band: Band) -> list[ApprovalLevel]:
    """Write the levels of a round with whom they ask. Those that the maker outranks are skipped, never the last."""
    asked = [_candidates(request, rule) for rule in band.levels]
    groups = _groups_of(request.maker)
    stands = [any(_is(request.maker, candidate, groups) for candidate in rows) for rows in asked]
    levels = []
    for place, rule in enumerate(band.levels):
        skip = rule.skip_if_maker_outranks and place < len(band.levels) - 1 and any(stands[place:])
        levels.append(
            ApprovalLevel(
                request=request,
                round=request.round,
                stage=rule.stage,
                place=place,
                name=rule.name,
                rule=dict(rule.raw),
                state=State.SKIPPED if skip else State.WAITING,
            )
        )
    ApprovalLevel.objects.bulk_create(levels)
    for level, rows in zip(levels, asked, strict=True):
        for row in rows:
            row.level = level
    ApprovalCandidate.objects.bulk_create([row for rows in asked for row in rows])
    return levels


def stage_next(request: ApprovalRequest, levels: Iterable[ApprovalLevel]) -> list[ApprovalLevel]:
    """The levels to open after the present stage: those of the next stage that has any left; none at the end."""
    waiting = [level for level in levels if level.state == State.WAITING and level.stage > request.stage]
    first = min((level.stage for level in waiting), default=0)
    return [level for level in waiting if level.stage == first]


def route_of(opening: Sequence[ApprovalLevel]) -> tuple[str, ...]:
    """The flow's next steps: a review for each level to open, or the end."""
    return ("review",) * len(opening) or ("finish",)


def stage_open(request: ApprovalRequest, opening: Sequence[ApprovalLevel], *, at: dt.datetime) -> list[ApprovalLevel]:
    """Open levels on the tasks that the flow has reached, each with its clock. Returns the levels, not yet written."""
    clock = worktime_of(request.branch)
    timers = []
    for level, task in zip(opening, request.reached, strict=True):
        rule = level_rule(level.rule)
        level.state, level.task, level.opened_at = State.OPEN, task, at
        level.due_at = clock.after(at, rule.sla_hours)
        level.need = _need(request, level, rule)
        remind_at = clock.after(at, rule.remind_hours)
        timers.append(ApprovalTimer(request=request, level=level, what="escalate", due_at=level.due_at))
        if remind_at < level.due_at:
            timers.append(ApprovalTimer(request=request, level=level, what="remind", due_at=remind_at))
    ApprovalTimer.objects.bulk_create(timers)
    request.stage = opening[0].stage
    request.due_at = min(level.due_at for level in opening if level.due_at is not None)
    return list(opening)


LEVEL_FIELDS = ("state", "task", "opened_at", "due_at", "need", "decided_at", "assignee")


def levels_write(levels: Iterable[ApprovalLevel]) -> None:
    """Write what changed of levels, in one statement."""
    rows = list(levels)
    if len(rows) == 1:  # the usual case, at a fifth of the cost
        rows[0].save(update_fields=LEVEL_FIELDS)
    else:
        ApprovalLevel.objects.bulk_update(rows, LEVEL_FIELDS)


def task_of(request: ApprovalRequest, level: ApprovalLevel) -> StepActivation:
    """The flow's task of an open level, ready to be taken."""
    if level.task is None:
        raise ValueError("a level that is not open has no task")
    return activation_of(request, level.task)


def activation_of(request: ApprovalRequest, task: Task) -> StepActivation:
    """A task on the locked request itself, so that Viewflow reads neither again."""
    task.process = request
    activation: StepActivation = task.flow_task.activation_class(task)
    return activation


def step_complete(request: ApprovalRequest, activation: StepActivation, *, user: User, route: tuple[str, ...]) -> None:
    """Complete a task in the name of `user` and follow the route; the tasks reached are in `request.reached`."""
    request.route = route
    request.reached.clear()
    activation.take(user)
    activation.execute()


def others_close(request: ApprovalRequest, levels: Iterable[ApprovalLevel], *, at: dt.datetime) -> list[ApprovalLevel]:
    """Cancel the tasks of levels that are still open or waiting. Returns the levels, not yet written."""
    closed = []
    for level in levels:
        if level.state == State.OPEN:
            task_of(request, level).cancel()
        if level.state in (State.OPEN, State.WAITING):
            level.state, level.decided_at = State.CLOSED, at
            closed.append(level)
    return closed


def process_stop(request: ApprovalRequest, levels: Iterable[ApprovalLevel], *, at: dt.datetime) -> None:
    """End the flow before its end: every open task is cancelled, also that of a request sent back to its maker."""
    levels_write(others_close(request, levels, at=at))
    for task in Task.objects.filter(process_id=request.pk, finished__isnull=True):
        activation_of(request, task).cancel()
    request.status, request.finished = PROCESS.CANCELED, at


def revise_task(request: ApprovalRequest) -> StepActivation:
    """The open task in which the maker changes a returned request."""
    task = Task.objects.get(process_id=request.pk, flow_task=ApprovalFlow.revise, finished__isnull=True)
    return activation_of(request, task)


# -- whom a level asks


def _candidates(request: ApprovalRequest, rule: LevelRule) -> list[ApprovalCandidate]:
    return [candidate_of(request, rule.who, origin="policy")]


def candidate_of(request: ApprovalRequest, who: Who, *, origin: str) -> ApprovalCandidate:
    """The row for a `who` of a policy, with its position found in the tree; not yet written.

    A maker without a named manager has the manager's place filled by the maker's own branch. A group that is gone asks
    the head office.
    """
    home = request.branch or request.maker.branch
    row = ApprovalCandidate(role_code=who.role, origin=origin)
    match who.position:
        case "own_manager":
            manager = Approver.objects.filter(user=request.maker).values_list("manager_id", flat=True).first()
            if manager is not None:
                row.user_id = manager
            else:
                row.branch = request.maker.branch or home or _root()
        case "branch":
            row.branch = home or _root()
        case "area":
            above = branch_ancestors(home)
            row.branch = above[0] if above else home or _root()
        case "head_office":
            row.branch = _root()
    if who.group:
        row.group = ApproverGroup.objects.filter(code=who.group).first()
        if row.group is None and not row.role_code and row.branch_id is None and row.user_id is None:
            row.branch = _root()
    return row


def _root() -> Branch:
    return Branch.objects.filter(parent__isnull=True).order_by("created_at").first() or Branch.objects.earliest(
        "created_at"
    )


def _groups_of(user: User) -> set[UUID]:
    return set(ApproverGroup.objects.filter(approvers__user=user).values_list("pk", flat=True))


def _is(user: User, row: ApprovalCandidate, groups: set[UUID]) -> bool:
    if not user.has_permission(DECIDE):
        return False
    if row.user_id is not None:
        return row.user_id == user.pk
    return (
        (not row.role_code or row.role_code in user.role_codes)
        and (row.branch_id is None or row.branch_id == user.branch_id)
        and (row.group_id is None or row.group_id in groups)
    )


def people_of(*, candidates: Iterable[ApprovalCandidate]) -> list[User]:
    """Active users whom the rows ask, who may decide; for counting and for messages, at most 200."""
    wanted = Q()
    for row in candidates:
        if row.user_id is not None:
            wanted |= Q(pk=row.user_id)
            continue
        part = Q()
        if row.role_code:
            part &= Q(user_roles__role__code=row.role_code)
        if row.branch_id is not None:
            part &= Q(branch_id=row.branch_id)
        if row.group_id is not None:
            part &= Q(approver__groups=row.group_id)
        wanted |= part
    if not wanted:
        return []
    users = User.objects.filter(wanted, is_active=True).distinct().prefetch_related("user_roles__role")[:200]
    return [user for user in users if user.has_permission(DECIDE)]


def _need(request: ApprovalRequest, level: ApprovalLevel, rule: LevelRule) -> int:
    if rule.need == "any":
        return 1
    if rule.need == "all":
        barred = {request.maker_id, *request.interested_ids}
        return max(1, sum(user.pk not in barred for user in people_of(candidates=level.candidates.all())))
    return int(rule.need)
