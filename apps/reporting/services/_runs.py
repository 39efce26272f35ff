"""Drawing up reports in the background, keeping them, and having them drawn up by themselves."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import F

from apps.audit.services import record
from apps.core.errors import NotFound
from apps.core.ids import uuid7
from apps.core.notices import notify
from apps.core.trail import read_announce
from apps.identity.models import Role, User
from apps.jobs.services import job_start
from apps.ledger.selectors import branches_in_reach
from apps.reporting import notices, renditions
from apps.reporting.drawing import statement_draw
from apps.reporting.errors import ReportNotReady, ReportPeriod, ReportScheduleExists, ReportScheduleReach
from apps.reporting.models import ReportRun, ReportSchedule
from apps.reporting.selectors import report_branch, report_schedules

if TYPE_CHECKING:
    from collections.abc import Sequence

DRAW = "reporting.draw"


@transaction.atomic
def report_request(
    *,
    acting_user: User,
    report: str,
    form: str,
    since: dt.date,
    as_of: dt.date,
    currency: str,
    compares: bool,
    options: dict[str, str],
    branch_code: str,
    key: str,
    at: dt.datetime,
) -> tuple[ReportRun, bool]:
    """Have a report drawn up by a job of the same id; the run, and whether it was asked for before under this key.

    Raises `ReportPeriod`, `NotFound` for a branch out of reach, `IdempotencyKeyReused`.
    """
    if since > as_of:
        raise ReportPeriod(pointer="/since")
    branch, branch_ids = report_branch(user=acting_user, code=branch_code)
    payload = {
        "report": report, "form": form, "since": since.isoformat(), "as_of": as_of.isoformat(), "currency": currency,
        "compares": compares, "branch": branch_code, **options,
    }  # fmt: skip
    job, replayed = job_start(
        acting_user=acting_user, kind=DRAW, at=at, payload=payload, key=f"report {key}", job_id=uuid7()
    )
    if replayed:
        return ReportRun.objects.get(pk=job.pk), True
    run = ReportRun.objects.create(
        id=job.pk,
        report=report,
        form=form,
        since=since,
        as_of=as_of,
        currency=currency,
        compares=compares,
        params=options,
        branch_code=branch.code if branch else "",
        branch_ids=branch_ids,
        requested_by=acting_user,
        created_at=at,
    )
    return run, False


def report_draw(*, run_id: UUID, at: dt.datetime) -> ReportRun:
    """Draw up a report that was asked for, keep its file and tell whom its schedule names. Twice is once.

    The file is written before the row that names it: one that a dying worker left behind is named by nobody.
    """
    run = ReportRun.objects.select_related("requested_by", "schedule__role").get(pk=run_id)
    if run.drawn_at is not None:
        return run
    statement = statement_draw(
        kind=run.report,
        since=run.since,
        as_of=run.as_of,
        compares=run.compares,
        currency=run.currency,
        branch_ids=run.branch_ids,
        options=run.params,
    )
    content, _ = renditions.statement_file(
        statement,
        run.form,
        drawn_at=at,
        drawn_by=run.requested_by.full_name if run.requested_by else "schedule",
        scope=run.branch_code or ("All branches" if run.branch_ids is None else "Own branches"),
    )
    name = default_storage.save(f"reports/{run.as_of:%Y/%m}/{run.pk}.{run.form}", ContentFile(content))
    with transaction.atomic():
        kept = ReportRun.objects.filter(pk=run.pk, drawn_at=None).update(
            file=name,
            sha256=hashlib.sha256(content).hexdigest(),
            size=len(content),
            as_of_entry=statement.as_of_entry,
            is_proven=statement.is_proven,
            drawn_at=at,
            updated_at=at,
            version=F("version") + 1,
        )
        if kept and run.schedule is not None:
            notify(
                notices.READY,
                recipients=[user.pk for user in _readers(run.schedule.role)],
                context=notices.ReportReady(run.title, run.as_of),
                at=at,
                link=f"/admin/reporting/reportrun/{run.pk}/change/",
                key=f"report {run.pk}",
            )
    run.refresh_from_db()
    return run


def report_open(*, acting_user: User, run: ReportRun) -> bytes:
    """The file of a report; that it was opened, and by whom, goes to the access log.

    Raises `ReportNotReady` while it is being drawn up, and when the file is no longer the one that was kept.
    """
    if run.drawn_at is None:
        raise ReportNotReady("It is still being drawn up.")
    with default_storage.open(run.file) as file:
        content: bytes = file.read()
    if hashlib.sha256(content).hexdigest() != run.sha256:
        raise ReportNotReady("The file is not the one that was kept. Tell the operators.")
    read_announce(acting_user=acting_user, object_type="reporting.report", object_id=str(run.pk), object_label=str(run))
    return content


@transaction.atomic
def schedule_create(
    *,
    acting_user: User,
    report: str,
    form: str,
    rhythm: str,
    currency: str,
    compares: bool,
    options: dict[str, str],
    role_code: str,
    at: dt.datetime,
) -> ReportSchedule:
    """Have a report drawn up by itself, for all who hold a role, over the whole bank.

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
                report=report,
                form=form,
                rhythm=rhythm,
                currency=currency,
                compares=compares,
                params=options,
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
    for schedule in report_schedules().filter(is_active=True):
        since = period_start(rhythm=schedule.rhythm, day=business_date)
        if since is None or ReportRun.objects.filter(schedule=schedule, as_of=business_date).exists():
            continue
        with transaction.atomic():
            run = ReportRun.objects.create(
                report=schedule.report,
                form=schedule.form,
                since=since,
                as_of=business_date,
                currency=schedule.currency,
                compares=schedule.compares,
                params=schedule.params,
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


def _readers(role: Role) -> Sequence[User]:
    """Whoever holds the role and may see the books of the whole bank."""
    holders = User.objects.filter(is_active=True, roles=role)
    return [user for user in holders if user.has_permission("ledger.view") and branches_in_reach(user=user) is None]
