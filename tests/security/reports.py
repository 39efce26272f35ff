"""A report that is kept and a schedule, for the walk over all operations."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.core import clock
from apps.reporting.models import ReportRun, ReportSchedule
from apps.reporting.services import report_draw
from tests.factories.identity import RoleFactory


def report_things(root: Any) -> tuple[dict[str, Any], dict[tuple[str, str], dict[str, Any]]]:
    """Ids by URL parameter, and bodies that are accepted."""
    role = RoleFactory()
    schedule = ReportSchedule.objects.create(
        report="cash-flow", form="csv", rhythm="month", currency="KES", role=role, created_by=root
    )
    run = ReportRun.objects.create(
        report="cash-flow",
        form="csv",
        since=dt.date(2020, 1, 1),
        as_of=dt.date(2020, 1, 31),
        currency="KES",
        requested_by=root,
    )
    report_draw(run_id=run.pk, at=clock.now())
    asked = {"report": "balance-sheet", "format": "csv"}
    return {"report_id": run.pk, "schedule_id": schedule.pk}, {
        ("POST", "reports/runs"): asked,
        ("POST", "reports/schedules"): {**asked, "rhythm": "month", "role": role.code},
    }
