"""Starting what is due: once for each business date, in order."""

from __future__ import annotations

import datetime as dt
import logging

from django.db import IntegrityError, transaction

from apps.identity.models import Branch
from apps.jobs.models import ScheduleRun
from apps.jobs.registry import Schedule, schedules_all
from apps.jobs.selectors import due_at, due_dates, schedule_branches
from apps.jobs.services._jobs import job_start

logger = logging.getLogger(__name__)


def schedule_tick(*, at: dt.datetime) -> int:
    """Start the jobs of all schedules that are due; returns how many. Safe at any time, also twice at once.

    Of a schedule that missed dates, one is caught up at a time: the next begins when the last is done. A failed one
    holds those after it until it is done after all, or somebody discards it.
    """
    started = 0
    for schedule in schedules_all():
        for branch in schedule_branches(schedule):
            try:
                started += _advance(schedule, branch, at)
            except Exception:  # one faulty schedule must not stop the others
                logger.exception("schedule %s could not be started", schedule.name)
    return started


def _advance(schedule: Schedule, branch: Branch | None, at: dt.datetime) -> int:
    last = ScheduleRun.objects.filter(schedule=schedule.name, branch=branch).order_by("-business_date").first()
    dates = due_dates(schedule, branch=branch, at=at, last=last.business_date if last else None)
    waits = {ScheduleRun.Outcome.STARTED, *([ScheduleRun.Outcome.FAILED] if schedule.catch_up else [])}
    if not dates or (last is not None and last.outcome in waits):
        return 0
    if schedule.newest is not None and dates[0] > schedule.newest():
        return 0
    if not schedule.catch_up:
        for day in dates[:-1]:
            _record(schedule, branch, day, at=at, outcome=ScheduleRun.Outcome.SKIPPED)
        dates = dates[-1:]
    return _start(schedule, branch, dates[0], at=at)


def _start(schedule: Schedule, branch: Branch | None, day: dt.date, *, at: dt.datetime) -> int:
    branch_id = branch.pk if branch else None
    payload = {"business_date": day.isoformat(), "branch_id": str(branch_id) if branch_id else None}
    with transaction.atomic():
        run = _record(schedule, branch, day, at=at, outcome=ScheduleRun.Outcome.STARTED)
        if run is None:
            return 0
        key = f"schedule {schedule.name} {branch_id or 'bank'} {day}"
        run.job, _ = job_start(
            acting_user=None, kind=schedule.kind, payload=payload, key=key, branch_id=branch_id, at=at
        )
        run.save(update_fields=["job"])
    return 1


def _record(
    schedule: Schedule, branch: Branch | None, day: dt.date, *, at: dt.datetime, outcome: str
) -> ScheduleRun | None:
    """The run of this date, or None when it is on record: another ticker was faster."""
    try:
        with transaction.atomic():
            return ScheduleRun.objects.create(
                schedule=schedule.name,
                branch=branch,
                business_date=day,
                due_at=due_at(schedule, branch=branch, day=day),
                started_at=at,
                finished_at=at if outcome == ScheduleRun.Outcome.SKIPPED else None,
                outcome=outcome,
            )
    except IntegrityError:
        return None
