"""What reporting does: draws and keeps reports, closes years, keeps layouts and rates."""

from apps.reporting.services._layouts import layout_reset, layout_write, translation_rate_set
from apps.reporting.services._runs import (
    DRAW,
    period_start,
    report_draw,
    report_open,
    report_request,
    schedule_create,
    schedule_end,
    schedules_run,
)
from apps.reporting.services._years import year_close, year_reopen

__all__ = [
    "DRAW",
    "layout_reset",
    "layout_write",
    "period_start",
    "report_draw",
    "report_open",
    "report_request",
    "schedule_create",
    "schedule_end",
    "schedules_run",
    "translation_rate_set",
    "year_close",
    "year_reopen",
]
