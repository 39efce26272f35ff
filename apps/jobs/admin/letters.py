"""Failed jobs: what was asked for, what went wrong, and the two decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core import clock, display
from apps.core.admin import NuminaAdmin
from apps.core.errors import DomainError
from apps.core.record_pages import user_may
from apps.core.text import text_clean
from apps.jobs.admin.jobs import json_block
from apps.jobs.models import DeadLetter
from apps.jobs.registry import kind_title
from apps.jobs.selectors import dead_letters_visible_to
from apps.jobs.services import dead_letter_discard, dead_letter_retry

CHIPS = {"open": "bad", "retried": "info", "discarded": "plain"}
NOTE_MAX = 400


@admin.register(DeadLetter)
class DeadLetterAdmin(NuminaAdmin):
    """Open ones first in mind: the filter is on them when the page is opened from the navigation."""

    empty_text = "Good: no background job has failed for good."
    view_permission = "jobs.view"
    list_title = "Failed jobs"
    subtitle = "Failed job"
    list_display = ("title", "state", "reason", "detail", "queue", "attempts", "failed_at")
    list_filter = ("decision", "reason", "queue")
    search_fields = ("kind",)
    overview_template = "jobs/letter.html"
    fields = (
        "title", "reason", "detail", "job_link", "queue", "attempts", "failed_at", "decided", "note", "payload_text",
        "error_text", "traceback_text",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeadLetter]:
        user: Any = request.user
        return dead_letters_visible_to(user)

    @admin.display(description="Job", ordering="kind")
    def title(self, letter: DeadLetter) -> str:
        return kind_title(letter.kind)

    @admin.display(description="Decision", ordering="decision")
    def state(self, letter: DeadLetter) -> SafeString:
        return display.chip(letter.get_decision_display(), CHIPS[letter.decision])

    @admin.display(description="What went wrong")
    def detail(self, letter: DeadLetter) -> str:
        return str(letter.error.get("detail", "")) or display.EMPTY

    @admin.display(description="Failed", ordering="created_at")
    def failed_at(self, letter: DeadLetter) -> str:
        return display.moment_text(letter.created_at)

    @admin.display(description="The job")
    def job_link(self, letter: DeadLetter) -> SafeString:
        url = reverse("admin:jobs_job_change", args=[letter.job_id])
        return format_html('<a class="nm-link" href="{}">{}</a>', url, letter.job_id)

    @admin.display(description="Decided")
    def decided(self, letter: DeadLetter) -> str:
        if letter.decided_at is None:
            return display.EMPTY
        return f"{letter.get_decision_display()} {display.moment_text(letter.decided_at)} · {letter.decided_by}"

    @admin.display(description="Payload")
    def payload_text(self, letter: DeadLetter) -> SafeString:
        return json_block(letter.payload)

    @admin.display(description="Problem")
    def error_text(self, letter: DeadLetter) -> SafeString:
        return json_block(letter.error)

    @admin.display(description="Traceback")
    def traceback_text(self, letter: DeadLetter) -> object:
        if not letter.traceback:
            return display.EMPTY
        return format_html('<div class="nm-scroll"><pre class="nm-code">{}</pre></div>', letter.traceback)

    def record_title(self, record: DeadLetter) -> str:
        return kind_title(record.kind)

    def record_chips(self, record: DeadLetter) -> Iterable[SafeString]:
        yield self.state(record)

    def overview_context(self, request: HttpRequest, record: DeadLetter) -> dict[str, Any]:
        return {"letter_may_decide": record.decision == "open" and user_may(request, "jobs.manage")}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        retry, discard = self._decision(dead_letter_retry), self._decision(dead_letter_discard)
        return [
            path("<uuid:letter_id>/retry/", view(retry), name="jobs_deadletter_retry"),
            path("<uuid:letter_id>/discard/", view(discard), name="jobs_deadletter_discard"),
            *super().get_urls(),
        ]

    def _decision(self, decide: Callable[..., DeadLetter]) -> Callable[..., HttpResponse]:
        def page(request: HttpRequest, letter_id: Any) -> HttpResponse:
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            letter: DeadLetter = self.record_get(request, str(letter_id))
            if not user_may(request, "jobs.manage"):
                raise PermissionDenied
            try:
                note = text_clean(request.POST.get("note", ""), min_length=1, max_length=NOTE_MAX)
                letter = decide(acting_user=request.user, letter_id=letter.pk, note=note, at=clock.now())
            except DomainError as error:
                self.message_user(request, str(error.detail), messages.ERROR)
            else:
                self.message_user(request, f"The job was {letter.get_decision_display().lower()}.", messages.SUCCESS)
            return HttpResponseRedirect(reverse("admin:jobs_deadletter_change", args=[letter.pk]))

        return page
