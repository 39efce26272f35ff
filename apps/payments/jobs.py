"""Imports as background jobs. A job has the id of its run: /api/v1/jobs/{id} and /api/v1/imports/transactions/{id}."""

from __future__ import annotations

from uuid import UUID

from apps.jobs.registry import JobKind, JobResult, JobRun, kind_register
from apps.payments.services import import_run_execute

IMPORT = "payments.import"


def register() -> None:
    """Make the kind known. It is started by sending a file, not by POST /api/v1/jobs."""
    kind_register(JobKind(IMPORT, "Import of transactions", run=_import, queue="bulk", check=dict))


def _import(run: JobRun) -> JobResult:
    counts = import_run_execute(
        run_id=UUID(run.payload["run_id"]),
        on_progress=lambda done, total: run.progress(done=done, total=total, message="Bytes of the file"),
    )
    return JobResult(counts, url=f"/api/v1/imports/transactions/{run.payload['run_id']}")
