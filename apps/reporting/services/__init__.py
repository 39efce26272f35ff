"""What reporting does: draws and keeps reports, closes years, keeps layouts and rates."""

from apps.reporting.services._breaks import Reconciled, breaks_count, breaks_keep
from apps.reporting.services._definitions import (
    definition_change,
    definition_create,
    definition_exported,
    definition_retire,
    table_exported,
)
from apps.reporting.services._delivery import link_make, link_open, may_read
from apps.reporting.services._layouts import layout_reset, layout_write, translation_rate_set
from apps.reporting.services._runs import (
    DEFINED,
    DRAW,
    Asked,
    report_draw,
    report_open,
    report_permission,
    report_request,
)
from apps.reporting.services._schedules import period_start, schedule_create, schedule_end, schedules_run
from apps.reporting.services._years import year_close, year_reopen

__all__ = [
    "DEFINED",
    "DRAW",
    "Asked",
    "Reconciled",
    "breaks_count",
    "breaks_keep",
    "definition_change",
    "definition_create",
    "definition_exported",
    "definition_retire",
    "layout_reset",
    "layout_write",
    "link_make",
    "link_open",
    "may_read",
    "period_start",
    "report_draw",
    "report_open",
    "report_permission",
    "report_request",
    "schedule_create",
    "schedule_end",
    "schedules_run",
    "table_exported",
    "translation_rate_set",
    "year_close",
    "year_reopen",
]
