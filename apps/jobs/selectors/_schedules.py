"""When schedules are due, and how their last runs went."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.conf import settings

from apps.identity.models import Branch
from apps.jobs.models import ScheduleRun
from apps.jobs.registry import Schedule, schedules_all
from apps.jobs.selectors._calendars import Calendar, calendar_of

CATCH_UP_DAYS_MAX = 366
AHEAD_DAYS_MAX = 60


def schedule_branches(schedule: Schedule) -> Sequence[Branch | None]:
    """The branches for which a schedule runs; [None] when it runs for the whole bank."""
    if not schedule.per_branch:
        return [None]
    return list(Branch.objects.filter(is_active=True).order_by("code"))


def due_at(schedule: Schedule, *, branch: Branch | None, day: dt.date) -> dt.datetime:
    """When the run of a date is due: by the clock of the branch, or of the head office."""
    return dt.datetime.combine(day + dt.timedelta(days=schedule.days_after), schedule.at, tzinfo=_zone(branch))


def _zone(branch: Branch | None) -> ZoneInfo:
    return ZoneInfo(branch.time_zone if branch else settings.NUMINA["TIME_ZONE"])


def due_dates(schedule: Schedule, *, branch: Branch | None, at: dt.datetime, last: dt.date | None) -> list[dt.date]:
    """Dates after `last` whose run is due at `at`, in order; without a last one only the newest, so that a new
    schedule has no past to catch up."""
    newest = at.astimezone(_zone(branch)).date() - dt.timedelta(days=schedule.days_after)
    if due_at(schedule, branch=branch, day=newest) > at:
        newest -= dt.timedelta(days=1)
    if last is not None and newest <= last:
        return []
    calendar = None if schedule.every_day else calendar_of(branch_id=branch.pk if branch else None)
    if last is None:
        return [day for day in [_counts_back(newest, calendar)] if day is not None]
    first = max(last + dt.timedelta(days=1), newest - dt.timedelta(days=CATCH_UP_DAYS_MAX))
    days = (first + dt.timedelta(days=offset) for offset in range((newest - first).days + 1))
    return [day for day in days if calendar is None or calendar.is_business_day(day)]


def _counts_back(day: dt.date, calendar: Calendar | None) -> dt.date | None:
    for _ in range(AHEAD_DAYS_MAX):
        if calendar is None or calendar.is_business_day(day):
            return day
        day -= dt.timedelta(days=1)
    return None


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """A schedule at one branch or for the bank: its last run, and when the next is due."""

    schedule: Schedule
    branch: Branch | None
    last: ScheduleRun | None
    next_date: dt.date | None
    next_at: dt.datetime | None

    @property
    def seconds(self) -> int | None:
        """How long the last run took, in whole seconds; None while it runs."""
        if self.last is None or self.last.finished_at is None:
            return None
        return int((self.last.finished_at - self.last.started_at).total_seconds())


def schedule_states(*, at: dt.datetime) -> list[ScheduleState]:
    """All schedules as they stand, one entry for each branch where they run by branch."""
    newest = ScheduleRun.objects.order_by("schedule", "branch_id", "-business_date").distinct("schedule", "branch_id")
    last = {(run.schedule, run.branch_id): run for run in newest.select_related("job")}
    states = []
    for schedule in schedules_all():
        for branch in schedule_branches(schedule):
            run = last.get((schedule.name, branch.pk if branch else None))
            day = _next_date(schedule, branch, at=at, last=run.business_date if run else None)
            moment = due_at(schedule, branch=branch, day=day) if day else None
            states.append(ScheduleState(schedule, branch, run, day, moment))
    return states


def _next_date(schedule: Schedule, branch: Branch | None, *, at: dt.datetime, last: dt.date | None) -> dt.date | None:
    due = due_dates(schedule, branch=branch, at=at, last=last)
    if due:
        return due[0]
    calendar = None if schedule.every_day else calendar_of(branch_id=branch.pk if branch else None)
    day = (last or at.date() - dt.timedelta(days=2)) + dt.timedelta(days=1)
    for _ in range(AHEAD_DAYS_MAX):
        if due_at(schedule, branch=branch, day=day) > at and (calendar is None or calendar.is_business_day(day)):
            return day
        day += dt.timedelta(days=1)
    return None
