"""Schedules: what runs by itself, when it last did and what came of it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from apps.core import clock, display
from apps.core.admin import NuminaAdmin
from apps.core.record_pages import user_may
from apps.jobs.models import ScheduleRun
from apps.jobs.pulse import pulses_all
from apps.jobs.selectors import schedule_states

CHIPS = {"started": "info", "done": "good", "failed": "bad", "cancelled": "warn", "skipped": "plain"}


@admin.register(ScheduleRun)
class ScheduleRunAdmin(NuminaAdmin):
    """Runs by business date. `now/` is the page of all schedules as they stand."""

    view_permission = "jobs.view"
    subtitle = "Run of a schedule"
    list_display = ("schedule", "business_date", "branch", "state", "due", "started", "took")
    list_select_related = ("branch",)
    list_filter = ("outcome",)
    search_fields = ("schedule",)
    fields = ("schedule", "business_date", "branch", "outcome", "due", "started", "took", "job")
    branch_field = "branch_id"

    @admin.display(description="Outcome", ordering="outcome")
    def state(self, run: ScheduleRun) -> SafeString:
        return display.chip(run.get_outcome_display(), CHIPS[run.outcome])

    @admin.display(description="Due")
    def due(self, run: ScheduleRun) -> str:
        return display.moment_text(run.due_at)

    @admin.display(description="Started")
    def started(self, run: ScheduleRun) -> str:
        return display.moment_text(run.started_at)

    @admin.display(description="Took")
    def took(self, run: ScheduleRun) -> str:
        return f"{int((run.finished_at - run.started_at).total_seconds())} s" if run.finished_at else display.EMPTY

    def get_urls(self) -> list[URLPattern]:
        now = path("now/", self.admin_site.admin_view(self.now_view), name="jobs_schedules")
        return [now, *super().get_urls()]

    def now_view(self, request: HttpRequest) -> HttpResponse:
        """All schedules with last and next run, and the pulse of what beat sends all the time."""
        if not user_may(request, "jobs.view"):
            raise PermissionDenied
        rows = [
            {"state": state, "chip": CHIPS[state.last.outcome] if state.last else "plain"}
            for state in schedule_states(at=clock.now())
        ]
        request.current_app = self.admin_site.name
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": "Schedules",
            "page_crumbs": [("Schedules", "")],
            "schedule_rows": rows,
            "pulses": pulses_all(),
        }
        return TemplateResponse(request, "jobs/schedules.html", context)
