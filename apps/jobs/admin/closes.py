"""The close of business: what would be done, starting it, and following its steps."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from apps.core import clock, display
from apps.core.admin import NuminaAdmin
from apps.core.api.etag import etag_of
from apps.core.errors import DomainError
from apps.core.ids import uuid7
from apps.core.record_pages import user_may
from apps.jobs.admin.live import live_part
from apps.jobs.kinds import CLOSE
from apps.jobs.models import CloseRun
from apps.jobs.registry import steps_all
from apps.jobs.selectors import close_runs_visible_to
from apps.jobs.services import close_date_default, close_preview, job_start

CHIPS = {"pending": "plain", "running": "info", "done": "good", "failed": "bad"}


@admin.register(CloseRun)
class CloseRunAdmin(NuminaAdmin):
    """One row a business date."""

    empty_text = "A business date is closed each night by the schedule; POST /api/v1/close-of-business does it now."
    view_permission = "jobs.view"
    list_title = "Close of business"
    subtitle = "Close of business"
    list_display = ("business_date", "state", "starts", "started", "took", "by")
    list_select_related = ("started_by",)
    list_filter = ("status",)
    list_before_template = "jobs/close_start_link.html"
    overview_template = "jobs/close.html"
    fields = ("business_date", "starts", "started", "finished", "by")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CloseRun]:
        user: Any = request.user
        return close_runs_visible_to(user)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(
            request, {"close_may_start": user_may(request, "jobs.close"), **(extra_context or {})}
        )

    @admin.display(description="Status", ordering="status")
    def state(self, run: CloseRun) -> SafeString:
        return display.chip(run.get_status_display(), CHIPS[run.status])

    @admin.display(description="Begun")
    def started(self, run: CloseRun) -> str:
        return display.moment_text(run.started_at)

    @admin.display(description="Ended")
    def finished(self, run: CloseRun) -> str:
        return display.moment_text(run.finished_at)

    @admin.display(description="Took")
    def took(self, run: CloseRun) -> str:
        return f"{int((run.finished_at - run.started_at).total_seconds())} s" if run.finished_at else display.EMPTY

    @admin.display(description="By")
    def by(self, run: CloseRun) -> str:
        return str(run.started_by) if run.started_by else "System"

    def record_title(self, record: CloseRun) -> str:
        return f"Close of {display.day_text(record.business_date)}"

    def record_chips(self, record: CloseRun) -> Iterable[SafeString]:
        return ()  # the status is in the part that is kept up to date

    def overview_context(self, request: HttpRequest, record: CloseRun) -> dict[str, Any]:
        return {"live_tag": etag_of(record.version), **self._live_context(request, record)}

    def _live_context(self, request: HttpRequest, run: CloseRun) -> dict[str, Any]:
        titles = {step.name: step.title for step in steps_all()}
        parts = list(run.parts.all())
        return {
            "record": run,
            "close_state": self.state(run),
            "close_done": sum(part.status == "done" for part in parts),
            "close_total": len(parts),
            "close_steps": [
                (titles.get(name, name), [(part, CHIPS[part.status]) for part in group])
                for name, group in groupby(parts, key=lambda part: part.step)
            ],
            "close_may_start": run.status == CloseRun.Status.FAILED and user_may(request, "jobs.close"),
        }

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("start/", view(self.start_view), name="jobs_closerun_start"),
            path("<uuid:run_id>/live/", view(self.live_view), name="jobs_closerun_live"),
            *super().get_urls(),
        ]

    def live_view(self, request: HttpRequest, run_id: Any) -> HttpResponse:
        """How far it is, for the script of the page."""
        run: CloseRun = self.record_get(request, str(run_id))
        return live_part(request, "jobs/close_parts.html", self._live_context(request, run), version=run.version)

    def start_view(self, request: HttpRequest) -> HttpResponse:
        """The dry run first; then a job does it."""
        if not user_may(request, "jobs.close"):
            raise PermissionDenied
        at, day = clock.now(), close_date_default()
        if request.method == "POST":
            user: Any = request.user
            key = f"page {request.POST.get('key', '')}"
            job, _ = job_start(acting_user=user, kind=CLOSE, payload={"business_date": day.isoformat()}, key=key, at=at)
            self.message_user(request, f"The close of {display.day_text(day)} has begun.", messages.SUCCESS)
            return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]))
        preview, fault = None, ""
        try:
            preview = close_preview(business_date=day, at=at)
        except DomainError as error:
            fault = str(error.detail)
        request.current_app = self.admin_site.name
        changelist = reverse("admin:jobs_closerun_changelist")
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": f"Close {display.day_text(day)}",
            "page_crumbs": [(self.list_name(), changelist), ("Close a date", "")],
            "close_day": day,
            "close_preview": preview,
            "close_key": uuid7(),
            "page_faults": [fault] if fault else [],
        }
        return TemplateResponse(request, "jobs/close_start.html", context)
