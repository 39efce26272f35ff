"""Background jobs: the queues above the list, a job's page that follows its progress."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core import clock, display
from apps.core.admin import NuminaAdmin
from apps.core.api.etag import etag_of
from apps.core.record_pages import user_may
from apps.jobs.admin.cancelling import cancel, may_cancel
from apps.jobs.admin.live import live_part
from apps.jobs.models import Job
from apps.jobs.registry import kind_title
from apps.jobs.selectors import jobs_stuck, jobs_visible_to, queue_states

CHIPS = {"queued": "plain", "running": "info", "done": "good", "failed": "bad", "cancelled": "warn"}


class StuckFilter(admin.SimpleListFilter):
    """Those that need a look."""

    title = "needs a look"
    parameter_name = "stuck"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", "Stuck")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(jobs_stuck(at=clock.now())) if self.value() == "1" else queryset


@admin.register(Job)
class JobAdmin(NuminaAdmin):
    """All jobs for whoever holds jobs.view, one's own for all other staff."""

    view_permission = "jobs.view"
    empty_text = "Long work, such as statements, files and reports, is done in the background and stands here."
    subtitle = "Background job"
    list_display = ("title", "state", "progress_text", "queue", "attempts", "owner_name", "created", "took")
    list_select_related = ("owner",)
    list_filter = ("status", "queue", StuckFilter)
    search_fields = ("kind",)
    list_before_template = "jobs/queues.html"
    overview_template = "jobs/job.html"
    fields = (
        "kind", "queue", "owner", "branch", "created", "available", "started", "finished", "attempts_text", "worker",
        "payload_text",
    )  # fmt: skip

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Staff see at least their own jobs: the queryset decides which."""
        return user_may(request, "jobs.view") or user_may(request, "backoffice.dashboard")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        user: Any = request.user
        return jobs_visible_to(user)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        states = queue_states(at=clock.now()) if user_may(request, "jobs.view") else []
        return super().changelist_view(request, {"queue_states": states, **(extra_context or {})})

    @admin.display(description="Job", ordering="kind")
    def title(self, job: Job) -> str:
        return kind_title(job.kind)

    @admin.display(description="Status", ordering="status")
    def state(self, job: Job) -> SafeString:
        if job.is_open and job.cancel_asked_at is not None:
            return display.chip("Stopping", "warn")
        if job.status == Job.Status.QUEUED and job.attempts:
            return display.chip("Waits for its next try", "warn")
        return display.chip(job.get_status_display(), CHIPS[job.status])

    @admin.display(description="Progress")
    def progress_text(self, job: Job) -> str:
        return f"{job.percent} %" if job.progress_total or job.status == "done" else display.EMPTY

    @admin.display(description="Asked for by")
    def owner_name(self, job: Job) -> str:
        return str(job.owner) if job.owner else "System"

    @admin.display(description="Asked for", ordering="created_at")
    def created(self, job: Job) -> str:
        return display.moment_text(job.created_at)

    @admin.display(description="Took")
    def took(self, job: Job) -> str:
        if job.started_at is None or job.finished_at is None:
            return display.EMPTY
        return f"{int((job.finished_at - job.started_at).total_seconds())} s"

    @admin.display(description="Not before")
    def available(self, job: Job) -> str:
        return display.moment_text(job.available_at)

    @admin.display(description="Begun")
    def started(self, job: Job) -> str:
        return display.moment_text(job.started_at)

    @admin.display(description="Ended")
    def finished(self, job: Job) -> str:
        return display.moment_text(job.finished_at)

    @admin.display(description="Tries")
    def attempts_text(self, job: Job) -> str:
        return f"{job.attempts} of {job.attempts_max}"

    @admin.display(description="Payload")
    def payload_text(self, job: Job) -> SafeString:
        return json_block(job.payload)

    def record_title(self, record: Job) -> str:
        return kind_title(record.kind)

    def overview_context(self, request: HttpRequest, record: Job) -> dict[str, Any]:
        return {"live_tag": etag_of(record.version), **self._live_context(request, record)}

    def _live_context(self, request: HttpRequest, job: Job) -> dict[str, Any]:
        return {
            "record": job,
            "job_state": self.state(job),
            "job_result": json_block(job.result) if job.result else "",
            "job_letter": job.letters.filter(decision="open").first() if user_may(request, "jobs.view") else None,
            "job_may_cancel": may_cancel(request, job, owner_id=job.owner_id),
        }

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<uuid:job_id>/live/", view(self.live_view), name="jobs_job_live"),
            path("<uuid:job_id>/cancel/", view(self.cancel_view), name="jobs_job_cancel"),
            *super().get_urls(),
        ]

    def live_view(self, request: HttpRequest, job_id: Any) -> HttpResponse:
        """How far it is, for the script of the page."""
        job: Job = self.record_get(request, str(job_id))
        return live_part(request, "jobs/progress.html", self._live_context(request, job), version=job.version)

    def cancel_view(self, request: HttpRequest, job_id: Any) -> HttpResponse:
        """Cancel one's own job, or with jobs.manage any that one sees."""
        job: Job = self.record_get(request, str(job_id))
        return cancel(
            request, job_id=job.pk, owner_id=job.owner_id, back=reverse("admin:jobs_job_change", args=[job.pk])
        )

    def record_chips(self, record: Job) -> Iterable[SafeString]:
        return ()  # the status is in the part that is kept up to date


def json_block(value: Any) -> SafeString:
    """JSON as people read it."""
    return format_html('<pre class="nm-code">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False))
