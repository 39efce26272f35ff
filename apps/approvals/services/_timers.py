"""What time does: reminders, escalation again and again, expiry. Each timer fires once, under its request's lock."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from apps.approvals import locks
from apps.approvals.errors import ApprovalStateConflict, NotYourApproval
from apps.approvals.hours import worktime_of
from apps.approvals.models import ApprovalCandidate, ApprovalLevel, ApprovalRequest, ApprovalTimer, Approver
from apps.approvals.policies import Who, level_rule
from apps.approvals.selectors import branch_ancestors, levels_for, standings_of
from apps.approvals.services._change import request_end
from apps.approvals.services._common import happened, request_write
from apps.approvals.services._execute import ADMINISTER
from apps.approvals.services._steps import candidate_of
from apps.core.api.etag import version_check
from apps.core.retry import retry_transient
from apps.identity.models import User

logger = logging.getLogger(__name__)


def timers_sweep(*, at: dt.datetime, limit: int = 500) -> int:
    """Fire the timers that are due, each in a transaction of its own. Returns how many had an effect.

    Two sweeps at once, or one again after a crash, fire nothing twice: a timer is read again under the lock.
    """
    due = ApprovalTimer.objects.filter(fired_at__isnull=True, due_at__lte=at).order_by("due_at", "id")
    fired = 0
    for timer_id, request_pk in list(due.values_list("pk", "request_id")[:limit]):
        try:
            fired += bool(_fire(timer_id, request_pk, at=at))
        except Exception:  # one that cannot fire now, tried again at the next sweep, does not hold up the others
            logger.exception("timer %s of an approval could not be fired", timer_id)
    return fired


@retry_transient
@transaction.atomic
def _fire(timer_id: int, request_pk: int, *, at: dt.datetime) -> str:
    request = locks.request_lock(pk=request_pk)
    timer = ApprovalTimer.objects.select_related("level").filter(pk=timer_id, fired_at__isnull=True).first()
    if timer is None:
        return ""
    effect = _effect(request, timer, at=at)
    timer.fired_at, timer.effect = at, effect or "void"
    timer.save(update_fields=["fired_at", "effect"])
    return effect


def _effect(request: ApprovalRequest, timer: ApprovalTimer, *, at: dt.datetime) -> str:
    if timer.what == ApprovalTimer.What.EXPIRE:
        stale = request.expires_at is not None and request.expires_at > timer.due_at  # a later round has its own
        if request.state not in ("pending", "returned") or stale:
            return ""
        request_end(request, "expired", user=None, at=at, comment="Nobody decided in time.")
        return "expired"
    level = timer.level
    if request.state != "pending" or level is None or level.state != ApprovalLevel.State.OPEN:
        return ""
    if timer.what == ApprovalTimer.What.REMIND:
        happened(request, "reminded", user=None, at=at, level=level.name)
        return "reminded"
    level_escalate(request, level, user=None, at=at)
    return "escalated"


def level_escalate(
    request: ApprovalRequest, level: ApprovalLevel, *, user: User | None, at: dt.datetime, comment: str = ""
) -> None:
    """Ask a wider circle as well, and set the clock for the next time. Call it under the request's lock.

    First whom the policy names, or the next level, or the supervisor of who holds the task; then branch by branch up
    to the head office, which is asked again each time. Those asked before may still decide; who held it holds it no
    more.
    """
    level.escalations += 1
    rows = _wider(request, level)
    known = {_key(row) for row in level.candidates.all()}
    fresh = []
    for row in rows:
        if _key(row) not in known:
            row.level = level
            fresh.append(row)
            known.add(_key(row))
    ApprovalCandidate.objects.bulk_create(fresh)
    level.assignee = None
    rule = level_rule(level.rule)
    again = worktime_of(request.branch).after(at, rule.sla_hours)
    level.save(update_fields=["escalations", "assignee"])
    ApprovalTimer.objects.create(request=request, level=level, what="escalate", due_at=again)
    request_write(request)
    happened(
        request, "escalated", user=user, at=at, comment=comment, level=level.name, times=level.escalations,
        to=", ".join(_words(row) for row in rows),
    )  # fmt: skip


@retry_transient
@transaction.atomic
def request_escalate(
    *, acting_user: User, request_id: UUID, expected_version: int, at: dt.datetime, comment: str = ""
) -> ApprovalRequest:
    """Escalate the open levels of a request by hand: for its maker, whom it asks, and administrators.

    Raises ApprovalNotFound, PreconditionFailed, ApprovalStateConflict, NotYourApproval.
    """
    request = locks.request_lock(public_id=request_id)
    version_check(current=request.version, expected=expected_version)
    if request.state != ApprovalRequest.State.PENDING:
        raise ApprovalStateConflict(f"The request is {request.state}.", state=request.state)
    levels = list(request.levels.filter(round=request.round, state="open"))
    if request.maker_id != acting_user.pk and not acting_user.has_permission(ADMINISTER):
        asked = levels_for(standings=standings_of(user=acting_user, at=at))
        if not asked.filter(pk__in=[level.pk for level in levels]).exists():
            raise NotYourApproval
    for level in levels:
        level_escalate(request, level, user=acting_user, at=at, comment=comment)
    return request


def _wider(request: ApprovalRequest, level: ApprovalLevel) -> Sequence[ApprovalCandidate]:
    step = level.escalations
    rule = level_rule(level.rule)
    if step == 1:
        if rule.escalate_to is not None:
            return [candidate_of(request, rule.escalate_to, origin="escalation")]
        following = request.levels.filter(round=level.round, stage__gt=level.stage).order_by("stage", "place").first()
        if following is not None:
            return [_copy(row) for row in following.candidates.all()]
        manager = _supervisor(level)
        if manager is not None:
            return [ApprovalCandidate(user_id=manager, origin="escalation")]
    above = branch_ancestors(request.branch or request.maker.branch)
    if not above:
        return [candidate_of(request, Who(position="head_office"), origin="escalation")]
    return [ApprovalCandidate(branch=above[min(step - 1, len(above) - 1)], origin="escalation")]


def _supervisor(level: ApprovalLevel) -> UUID | None:
    if level.assignee_id is None:
        return None
    return Approver.objects.filter(user_id=level.assignee_id).values_list("manager_id", flat=True).first()


def _copy(row: ApprovalCandidate) -> ApprovalCandidate:
    return ApprovalCandidate(
        role_code=row.role_code, branch_id=row.branch_id, group_id=row.group_id, user_id=row.user_id,
        origin="escalation",
    )  # fmt: skip


def _key(row: ApprovalCandidate) -> tuple[object, ...]:
    return row.role_code, row.branch_id, row.group_id, row.user_id


def _words(row: ApprovalCandidate) -> str:
    parts = [row.role_code.replace("_", " "), str(row.branch or ""), str(row.group or ""), str(row.user or "")]
    return " ".join(part for part in parts if part)
