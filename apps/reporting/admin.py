"""Kept reports and their schedules on the staff site."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core import clock, display
from apps.core.admin import NuminaAdmin
from apps.core.errors import DomainError
from apps.ledger.admin.scope import branch_ids_of
from apps.reporting import renditions
from apps.reporting.models import ReportOpening, ReportRun, ReportSchedule, StatementLayout, TranslationRate, YearClose
from apps.reporting.selectors import report_run_get_for, report_runs_visible_to, report_schedules_visible_to
from apps.reporting.services import report_open

OPENINGS_SHOWN = 50


@admin.register(ReportRun)
class ReportRunAdmin(NuminaAdmin):
    """Reports that one asked for, and those that came by a schedule for one's roles."""

    empty_text = "Keep a statement or a list with the button on its page, or have one drawn up by a schedule."
    view_permission = "reporting.read"
    subtitle = "Report"
    list_display = ("title", "as_of", "form", "asked", "state")
    list_filter = ("form",)
    fields = (
        "title", "form", "since", "as_of", "currency", "branch_code", "compares", "asked", "drawn_at", "as_of_entry",
        "sha256", "size", "state", "opened_by", "file_link",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReportRun]:
        user: Any = request.user
        return report_runs_visible_to(user)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.file_view)
        return [path("<uuid:run_id>/file/", view, name="reporting_reportrun_file"), *super().get_urls()]

    def file_view(self, request: HttpRequest, run_id: Any) -> HttpResponse | FileResponse:
        """The file. That it was opened is noted."""
        user: Any = request.user
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            run = report_run_get_for(user=user, pk=run_id)
            file = report_open(acting_user=user, run=run, at=clock.now(), way=ReportOpening.Way.PAGE)
        except DomainError as error:
            return HttpResponse(error.detail, status=error.status, content_type="text/plain; charset=utf-8")
        response = FileResponse(file, content_type=renditions.MEDIA_TYPES[run.form])
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
        if run.is_proven is None:
            return display.chip("Drawn up", "good")
        return display.chip("Ties to the books", "good") if run.is_proven else display.chip("Open positions", "warn")

    @admin.display(description="Opened by")
    def opened_by(self, run: ReportRun) -> SafeString | str:
        rows = [
            (opening.user, opening.get_way_display(), display.moment_text(opening.opened_at))
            for opening in run.openings.select_related("user")[:OPENINGS_SHOWN]
        ]
        return format_html_join(SafeString("<br>"), "{}, {}, {}", rows) if rows else "Nobody yet"

    @admin.display(description="File")
    def file_link(self, run: ReportRun) -> SafeString | str:
        if run.drawn_at is None:
            return "Not yet: reload the page in a moment"
        return format_html('<a href="{}" download>Open</a>', reverse("admin:reporting_reportrun_file", args=[run.pk]))


@admin.register(ReportSchedule)
class ReportScheduleAdmin(NuminaAdmin):
    """When which report is drawn up by itself, and who is told. Made and ended over the API."""

    view_permission = "reporting.read"
    subtitle = "Schedule of a report"
    list_display = ("title", "rhythm", "form", "currency", "role", "is_active")
    list_filter = ("is_active",)
    fields = ("title", "form", "rhythm", "currency", "compares", "role", "is_active", "created_by", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReportSchedule]:
        user: Any = request.user
        return report_schedules_visible_to(user)


@admin.register(YearClose)
class YearCloseAdmin(NuminaAdmin):
    """Years that were closed. Closing and opening again is done on the page of year ends."""

    view_permission = "ledger.view"
    subtitle = "Year-end close"
    list_display = ("year", "status", "entry_count", "changed_by", "changed_at")
    fields = ("year", "status", "results", "entry_count", "reason", "changed_by", "changed_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[YearClose]:
        """Results are those of the whole bank, for who sees it."""
        years = super().get_queryset(request)
        return years if branch_ids_of(request) is None else years.none()


@admin.register(StatementLayout)
class StatementLayoutAdmin(NuminaAdmin):
    """Layouts of statements that the bank wrote, over the API."""

    view_permission = "ledger.view"
    subtitle = "Layout of a statement"
    list_display = ("kind", "number", "is_active", "note", "created_by", "created_at")
    list_filter = ("kind", "is_active")
    fields = ("kind", "number", "is_active", "note", "definition", "created_by", "created_at")


@admin.register(TranslationRate)
class TranslationRateAdmin(NuminaAdmin):
    """Rates by which statements are translated into the bank's own currency."""

    view_permission = "ledger.view"
    subtitle = "Rate of translation"
    list_display = ("currency", "day", "rate", "entered_by")
    list_filter = ("currency",)
    fields = ("currency", "day", "rate", "entered_by", "created_at")
