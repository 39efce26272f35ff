"""Reports that are drawn up by themselves after the close of business, for the holders of a role."""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction
from django.db.models import F

from apps.audit.services import record
from apps.core.errors import NotFound
from apps.identity.models import Role, User
from apps.jobs.services import job_start
from apps.ledger.selectors import branches_in_reach
from apps.reporting.errors import ReportScheduleExists, ReportScheduleReach
from apps.reporting.models import ReportRun, ReportSchedule
from apps.reporting.selectors import report_schedules
from apps.reporting.services._runs import DRAW, Asked


@transaction.atomic
def schedule_create(*, acting_user: User, asked: Asked, rhythm: str, role_code: str, at: dt.datetime) -> ReportSchedule:
    """Have a report drawn up by itself, for all who hold a role, over the whole bank. Days of `asked` do not count.

    Raises `ReportScheduleReach` for one who does not see the whole bank, `NotFound` for an unknown role,
    `ReportScheduleExists`.
    """
    if branches_in_reach(user=acting_user) is not None:
        raise ReportScheduleReach
    role = Role.objects.filter(code=role_code).first()
    if role is None:
        raise NotFound("There is no such role.", pointer="/role")
    try:
        with transaction.atomic():
            schedule = ReportSchedule.objects.create(
                report=asked.report,
                definition=asked.definition,
                params=dict(asked.options or {}),
                form=asked.form,
                rhythm=rhythm,
                currency=asked.currency,
                compares=asked.compares,
                role=role,
                created_by=acting_user,
                created_at=at,
            )
    except IntegrityError as error:
        raise ReportScheduleExists from error
    record(action="reporting.schedule.created", acting_user=acting_user, target=schedule, at=at)
    return schedule


@transaction.atomic
def schedule_end(*, acting_user: User, schedule: ReportSchedule, at: dt.datetime) -> None:
    """Draw it up no more. What was drawn up stays."""
    ReportSchedule.objects.filter(pk=schedule.pk).update(is_active=False, updated_at=at, version=F("version") + 1)
    record(action="reporting.schedule.ended", acting_user=acting_user, target=schedule, at=at)


def schedules_run(*, business_date: dt.date, at: dt.datetime) -> int:
    """Ask for the reports that are due with a closed business date; how many. Twice is once a date."""
    asked = 0
    for schedule in report_schedules().filter(is_active=True).select_related("definition"):
        since = period_start(rhythm=schedule.rhythm, day=business_date)
        if since is None or ReportRun.objects.filter(schedule=schedule, as_of=business_date).exists():
            continue
        params = dict(schedule.params)
        if schedule.definition is not None:
            params["number"] = schedule.definition.number
        with transaction.atomic():
            run = ReportRun.objects.create(
                report=schedule.report,
                definition=schedule.definition,
                params=params,
                form=schedule.form,
                since=since,
                as_of=business_date,
                currency=schedule.currency,
                compares=schedule.compares,
                schedule=schedule,
                created_at=at,
            )
            job_start(acting_user=None, kind=DRAW, at=at, payload={"report": schedule.report}, job_id=run.pk)
        asked += 1
    return asked


def period_start(*, rhythm: str, day: dt.date) -> dt.date | None:
    """First day of the period that `day` ends, or None when it ends none. Days of a rhythm of days: the year so far."""
    if rhythm == ReportSchedule.Rhythm.DAY:
        return day.replace(month=1, day=1)
    if (day + dt.timedelta(days=1)).day != 1:
        return None
    months = {"month": 1, "quarter": 3, "year": 12}[rhythm]
    return day.replace(month=day.month - months + 1, day=1) if day.month % months == 0 else None
