"""Background work of payments."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from celery import shared_task

from apps.core import clock
from apps.core.tasks import after_commit
from apps.core.trace import trace_start
from apps.payments.selectors import import_runs_stuck
from apps.payments.services import import_run_execute


@shared_task(name="payments.import_run", queue="bulk", ignore_result=True)
def import_run(*, run_id: str, **_: Any) -> None:
    """Execute an uploaded import."""
    trace_start(f"import-{run_id}")
    import_run_execute(run_id=UUID(run_id))


@shared_task(name="payments.import_sweep", queue="default", ignore_result=True)
def import_sweep(**_: Any) -> None:
    """Send again the imports whose message or worker was lost. Beat runs it every minute."""
    for run_id in import_runs_stuck(at=clock.now()):
        after_commit(import_run, run_id=run_id)
