"""Celery entry points of approvals: the sweeps of what time does and of what is approved, and messages."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from celery import shared_task

from apps.approvals import notices, services
from apps.approvals.models import ApprovalCandidate, ApprovalRequest
from apps.approvals.selectors import levels_for, standings_of
from apps.core import clock
from apps.core.display import money_text
from apps.core.notices import Phrase, notify
from apps.identity.models import User
from apps.jobs.selectors import calendar_of


@shared_task(name="approvals.timers_sweep", ignore_result=True)
def timers_sweep(**_: Any) -> None:
    """Remind, escalate and expire what is due. Beat runs it every half minute."""
    services.timers_sweep(at=clock.now())


@shared_task(name="approvals.executions_sweep", ignore_result=True)
def executions_sweep(**_: Any) -> None:
    """Carry out what is approved and was not carried out: after a crash, or after a transient fault."""
    services.executions_sweep(at=clock.now())


@shared_task(name="approvals.event_announce", ignore_result=True)
def event_announce(*, request_id: str, event: str, number: int, **_: Any) -> None:
    """Tell whom an event concerns: the approvers that the open levels ask, and the maker. Safe twice, by the key."""
    request = ApprovalRequest.objects.select_related("maker", "branch").get(public_id=UUID(request_id))
    at, key = clock.now(), f"{request_id}/{event}/{number}"
    context = notices.Step(
        number=request.number,
        title=request.title,
        amount=Phrase(_amount(request)),
        event=Phrase(notices.EVENT_WORDS[event]),
        state=Phrase(request.get_state_display()),
        due=Phrase(f"{request.due_at:%Y-%m-%d %H:%M} UTC" if request.due_at else "no set time"),
    )
    link = f"/admin/approvals/task/{request_id}/"
    if event in notices.FOR_MAKER:
        notify(notices.STEP_TAKEN, recipients=[request.maker_id], context=context, at=at, link=link, key=key)
    if event in notices.FOR_APPROVERS and request.state == ApprovalRequest.State.PENDING:
        asked = ApprovalCandidate.objects.filter(
            level__request=request, level__round=request.round, level__state="open"
        ).select_related("level")
        held = [row for row in asked if row.level.assignee_id in (None, row.user_id)]
        barred = {request.maker_id, *request.interested_ids}
        people = [user.pk for user in services.people_of(candidates=held) if user.pk not in barred]
        notify(notices.STEP_WAITING, recipients=people, context=context, at=at, link=link, key=key)


def _amount(request: ApprovalRequest) -> str:
    if request.amount_minor is None:
        return "no amount"
    return money_text(request.amount_minor, request.currency, with_currency=True)


@shared_task(name="approvals.digest_send", ignore_result=True)
def digest_send(**_: Any) -> None:
    """Tell each approver how much waits, once on a working day. Whom nothing waits for hears nothing."""
    at = clock.now()
    if not calendar_of().is_business_day(clock.bank_day(at)):
        return
    users = User.objects.filter(is_active=True, is_staff=True).prefetch_related("user_roles__role")
    for user in users.iterator(chunk_size=500):
        waiting = levels_for(standings=standings_of(user=user, at=at)).count()
        if waiting:
            notify(
                notices.DIGEST, recipients=[user.pk], context=notices.Waiting(waiting), at=at,
                link="/admin/approvals/inbox/", key=f"{at:%Y-%m-%d}",
            )  # fmt: skip
