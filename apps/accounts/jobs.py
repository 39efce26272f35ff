"""Accounts in the background: batches of statements. The job of a batch has its id; helpers draw up parts beside it."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from apps.accounts.services import statement_batch_draw, statement_batch_give_up, statement_batch_help
from apps.accounts.services._statement_batches import BATCH, HELP
from apps.jobs.registry import JobKind, JobResult, JobRun, kind_register


def register() -> None:
    """Make the kinds known; they are started by asking for statements, not by POST /api/v1/jobs."""
    kind_register(JobKind(BATCH, "Statements", run=_draw, queue="bulk", check=dict, given_up=_give_up))
    kind_register(JobKind(HELP, "Statements, helping hand", run=_help, queue="bulk", check=dict))


def _draw(run: JobRun) -> JobResult:
    batch = statement_batch_draw(
        batch_id=run.id,
        at=run.at,
        on_progress=lambda done, total: run.progress(done=done, total=total, message="Statements"),
    )
    return JobResult({"sha256": batch.sha256}, url=f"/api/v1/statements/batches/{batch.pk}/file")


def _give_up(job_id: UUID, at: dt.datetime) -> None:
    statement_batch_give_up(batch_id=job_id, at=at)


def _help(run: JobRun) -> JobResult:
    made = statement_batch_help(
        batch_id=UUID(run.payload["batch_id"]),
        at=run.at,
        on_progress=lambda done, total: run.progress(done=done, total=total, message="Statements"),
    )
    return JobResult({"statements": made})
