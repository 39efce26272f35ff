"""Reports as background jobs, and the daily run of their schedules."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from uuid import UUID

from apps.balances.controls import entry_owner_register
from apps.core import clock
from apps.jobs.registry import (
    CloseContext,
    CloseStep,
    JobKind,
    JobResult,
    JobRun,
    Payload,
    Schedule,
    kind_register,
    schedule_register,
    step_register,
)
from apps.ledger.totals import CLOSING
from apps.reporting.facts import facts_keep, facts_state
from apps.reporting.services import DRAW, breaks_count, breaks_keep, report_draw, schedules_run

SCHEDULES = "reporting.schedules"


def _owner(kind: str, transaction_id: UUID) -> str:
    return "the close of a year" if kind == CLOSING else ""


def register() -> None:
    """Make the kinds known, and whose the entries of a closed year are; schedules run in the morning."""
    entry_owner_register(_owner)
    kind_register(JobKind(DRAW, "Report", run=_draw, queue="bulk", check=dict))
    kind_register(JobKind(SCHEDULES, "Scheduled reports", run=_schedules, check=dict))
    step_register(
        CloseStep(
            "reporting.reconcile", "Compare sub-ledgers with the books", order=840, run=_reconcile,
            preview=_reconcile_preview,
        )
    )  # fmt: skip
    step_register(
        CloseStep("reporting.facts", "Summaries for analytics", order=850, run=_facts, preview=_facts_preview)
    )
    schedule_register(
        Schedule(SCHEDULES, "Scheduled reports", kind=SCHEDULES, at=dt.time(5), days_after=1, every_day=True)
    )


def _draw(run: JobRun) -> JobResult:
    report = report_draw(run_id=run.id, at=clock.now())
    return JobResult(
        {"sha256": report.sha256, "is_proven": report.is_proven}, url=f"/api/v1/reports/runs/{report.pk}/file"
    )


def _schedules(run: JobRun) -> JobResult:
    day = dt.date.fromisoformat(run.payload["business_date"])
    return JobResult({"reports": schedules_run(business_date=day, at=run.at)})


def _reconcile(context: CloseContext, partition: str) -> Payload:
    return asdict(breaks_keep(day=context.business_date, at=context.at))


def _reconcile_preview(context: CloseContext, partition: str) -> Payload:
    comparisons, breaks = breaks_count()
    return {"comparisons": comparisons, "breaks": breaks}


def _facts(context: CloseContext, partition: str) -> Payload:
    return {"dates": facts_keep(upto=context.business_date, at=context.at)}


def _facts_preview(context: CloseContext, partition: str) -> Payload:
    kept_to = facts_state().kept_to
    return {"kept_to": kept_to.isoformat() if kept_to else None}
