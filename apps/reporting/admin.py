"""Kept reports and their schedules on the staff site."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core import display
from apps.core.admin import NuminaAdmin
from apps.core.errors import DomainError
from apps.reporting import renditions
from apps.reporting.models import ReportRun, ReportSchedule
from apps.reporting.selectors import report_run_get_for, report_runs_visible_to, report_schedules_visible_to
from apps.reporting.services import report_open


@admin.register(ReportRun)
class ReportRunAdmin(NuminaAdmin):
    """Reports that one asked for, and those that came by a schedule for one's roles."""

    view_permission = "ledger.view"
    subtitle = "Report"
    list_display = ("report", "as_of", "form", "asked", "state")
    list_filter = ("report", "form")
    fields = (
        "report", "form", "since", "as_of", "currency", "branch_code", "compares", "asked", "drawn_at", "as_of_entry",
        "sha256", "size", "state", "file_link",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReportRun]:
        user: Any = request.user
        return report_runs_visible_to(user)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.file_view)
        return [path("<uuid:run_id>/file/", view, name="reporting_reportrun_file"), *super().get_urls()]

    def file_view(self, request: HttpRequest, run_id: Any) -> HttpResponse:
        """The file. That it was opened is noted."""
        user: Any = request.user
        try:
            run = report_run_get_for(user=user, pk=run_id)
            content = report_open(acting_user=user, run=run)
        except DomainError as error:
            return HttpResponse(error.detail, status=error.status, content_type="text/plain; charset=utf-8")
        response = HttpResponse(content, content_type=renditions.MEDIA_TYPES[run.form])
        response["Content-Disposition"] = f'attachment; filename="{run.report}-{run.as_of.isoformat()}.{run.form}"'
        return response

    @admin.display(description="Asked for", ordering="created_at")
    def asked(self, run: ReportRun) -> str:
        who = str(run.requested_by) if run.requested_by else "By schedule"
        return f"{who}, {display.moment_text(run.created_at)}"

    @admin.display(description="State")
    def state(self, run: ReportRun) -> SafeString:
        if run.drawn_at is None:
            return display.chip("Being drawn up", "info")
        return display.chip("Ties to the books", "good") if run.is_proven else display.chip("Open positions", "warn")

    @admin.display(description="File")
    def file_link(self, run: ReportRun) -> SafeString | str:
        if run.drawn_at is None:
            return "Not yet: reload the page in a moment"
        return format_html('<a href="{}" download>Open</a>', reverse("admin:reporting_reportrun_file", args=[run.pk]))


@admin.register(ReportSchedule)
class ReportScheduleAdmin(NuminaAdmin):
    """When which report is drawn up by itself, and who is told. Made and ended over the API."""

    view_permission = "ledger.view"
    subtitle = "Schedule of a report"
    list_display = ("report", "rhythm", "form", "currency", "role", "is_active")
    list_filter = ("is_active",)
    fields = ("report", "form", "rhythm", "currency", "compares", "role", "is_active", "created_by", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReportSchedule]:
        user: Any = request.user
        return report_schedules_visible_to(user)
