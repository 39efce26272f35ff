"""Payments in the background: imports, standing instructions, and what the close of business does.

An import has the id of its run: /api/v1/jobs/{id} and /api/v1/imports/transactions/{id}.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from apps.core.errors import InvalidRequest
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
from apps.ledger.selectors import business_date_current
from apps.payments.selectors import cheques_due, instructions_due, pendings_overdue
from apps.payments.services import cheques_clear, import_run_execute, pendings_expire, standing_run

IMPORT, STANDING, CLEARING = "payments.import", "payments.standing_run", "payments.cheques_clear"
SIGNING = "payments.pendings_expire"


def register() -> None:
    """Make kinds, the morning's schedule and the steps of the close known.

    Imports are started by sending a file, not by POST /api/v1/jobs. Instructions are carried out in the morning of
    their day; the close of business takes what came up since.
    """
    kind_register(JobKind(IMPORT, "Import of transactions", run=_import, queue="bulk", check=dict))
    kind_register(
        JobKind(
            STANDING, "Standing instructions", run=_standing, permission="payments.run_instructions", check=_day_check
        )
    )
    schedule_register(
        Schedule(STANDING, "Standing instructions", kind=STANDING, at=dt.time(6), catch_up=False, every_day=True)
    )
    step_register(CloseStep(CLEARING, "Cheques in clearing", order=390, run=_clearing_close, preview=_clearing_preview))
    step_register(
        CloseStep(SIGNING, "Payments not signed in time", order=260, run=_signing_close, preview=_signing_preview)
    )
    step_register(
        CloseStep(STANDING, "Standing instructions", order=380, run=_standing_close, preview=_standing_preview)
    )


def _import(run: JobRun) -> JobResult:
    counts = import_run_execute(
        run_id=UUID(run.payload["run_id"]),
        on_progress=lambda done, total: run.progress(done=done, total=total, message="Bytes of the file"),
    )
    return JobResult(counts, url=f"/api/v1/imports/transactions/{run.payload['run_id']}")


def _day_check(payload: Payload) -> dict[str, Any]:
    """What schedules give; by hand there is nothing to say, since only what is due is carried out."""
    unknown = sorted(set(payload) - {"business_date", "branch_id"})
    if unknown:
        raise InvalidRequest("This kind of job takes no payload.", pointer=f"/payload/{unknown[0][:40]}")
    return {}


def _standing(run: JobRun) -> JobResult:
    return JobResult(standing_run(business_date=business_date_current(), at=run.at))


def _standing_close(context: CloseContext, partition: str) -> Payload:
    return standing_run(business_date=context.business_date, at=context.at)


def _standing_preview(context: CloseContext, partition: str) -> Payload:
    return {"instructions": len(instructions_due(on=context.business_date))}


def _clearing_close(context: CloseContext, partition: str) -> Payload:
    return cheques_clear(business_date=context.business_date, at=context.at)


def _clearing_preview(context: CloseContext, partition: str) -> Payload:
    return {"cheques": cheques_due(on=context.business_date).count()}


def _signing_close(context: CloseContext, partition: str) -> Payload:
    return {"expired": pendings_expire(at=context.at)}


def _signing_preview(context: CloseContext, partition: str) -> Payload:
    return {"expired": len(pendings_overdue(at=context.at))}
