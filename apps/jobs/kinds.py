"""The jobs' own kinds and schedules: the close of business, and the removal of old jobs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from apps.core import clock
from apps.core.background import Work, host_register
from apps.core.errors import InvalidRequest
from apps.jobs.errors import CloseUnderWay
from apps.jobs.registry import (
    JobKind,
    JobResult,
    JobRun,
    Schedule,
    day_read,
    kind_register,
    payload_day,
    schedule_register,
)
from apps.jobs.services import close_date_newest, close_preview, close_run, job_start, job_tidy

CLOSE, TIDY = "jobs.close_of_business", "jobs.tidy"


def register() -> None:
    """Make them known. By the clock every day is closed after midnight; otherwise business days are."""
    kind_register(
        JobKind(
            CLOSE, "Close of business", run=_close, permission="jobs.close", check=_close_check,
            transient=(CloseUnderWay,),
        )
    )  # fmt: skip
    kind_register(JobKind(TIDY, "Removal of old jobs", run=_tidy, queue="bulk", check=payload_day))
    by_clock = settings.NUMINA["BUSINESS_DATE_ROLL"] == "automatic"
    schedule_register(
        Schedule(
            CLOSE, "Close of business", kind=CLOSE, at=dt.time(0, 30), days_after=1, every_day=by_clock,
            newest=close_date_newest,  # a bank that comes back in the night rolls its date a little later than it ticks
        )
    )  # fmt: skip
    host_register(_host, job_start)
    schedule_register(Schedule(TIDY, "Removal of old jobs", kind=TIDY, at=dt.time(3), every_day=True, catch_up=False))


def _host(work: Work) -> None:
    """Work of the apps below, as a kind of job."""
    kind_register(JobKind(work.name, work.title, run=lambda run: JobResult(*work.run(run)), queue="bulk", check=dict))


def _close(run: JobRun) -> JobResult:
    day = dt.date.fromisoformat(run.payload["business_date"])
    if run.payload.get("dry_run"):
        return JobResult(close_preview(business_date=day, at=run.at))
    report = close_run(
        acting_user=run.owner,
        business_date=day,
        now=clock.now,
        on_progress=lambda done, total, message: run.progress(done=done, total=total, message=message),
    )
    facts = {"status": report["status"], "steps": len(report["steps"])}
    return JobResult(facts, url=f"/api/v1/close-of-business/{report['id']}")


def _tidy(run: JobRun) -> JobResult:
    return JobResult({"removed": job_tidy(before=run.at - dt.timedelta(days=settings.NUMINA["JOBS_KEPT_DAYS"]))})


def _close_check(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A business date, and whether to only look."""
    unknown = sorted(set(payload) - {"business_date", "dry_run", "branch_id"})
    if unknown:
        raise InvalidRequest("The payload has business_date and dry_run.", pointer=f"/payload/{unknown[0][:40]}")
    if not isinstance(payload.get("dry_run", False), bool):
        raise InvalidRequest("true or false.", pointer="/payload/dry_run")
    return {"business_date": day_read(payload), "dry_run": payload.get("dry_run", False)}
