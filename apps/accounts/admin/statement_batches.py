"""Statements of many accounts on the staff site: asked for, followed, cancelled, downloaded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from apps.accounts import services
from apps.accounts.admin.forms import choice_read, day_read, text_read
from apps.accounts.models import AccountProduct, StatementBatch
from apps.accounts.selectors import batches_visible_to
from apps.core import clock, display
from apps.core.admin import NuminaAdmin
from apps.core.errors import DomainError, InvalidRequest
from apps.core.ids import uuid7
from apps.core.record_pages import Fact, user_may
from apps.identity.guards import step_up_check
from apps.identity.models import Branch
from apps.identity.selectors import branches_visible_to
from apps.jobs.admin.cancelling import cancel, may_cancel
from apps.jobs.admin.live import live_part
from apps.jobs.errors import JobNotFound
from apps.jobs.selectors import job_get_for
from apps.ledger.selectors import business_date_current

DRAW = "accounts.draw_statements"
CHIPS = {"queued": "plain", "running": "info", "done": "good", "failed": "bad", "cancelled": "warn"}
ZIP = "application/zip"


@admin.register(StatementBatch)
class StatementBatchAdmin(NuminaAdmin):
    """One's own batches; all of them for whoever sees the whole bank."""

    view_permission = DRAW
    list_title = "Account statements"
    empty_text = (
        "Choose a period, a branch and a product with Draw up statements; the archive stands here once it is done."
    )
    subtitle = "Batch of statements"
    list_display = ("period", "branch_name", "product_name", "form", "account_count", "asked_by", "asked", "state")
    list_before_template = "accounts/statement_batch_new.html"
    overview_template = "accounts/statement_batch.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[StatementBatch]:
        user: Any = request.user
        return batches_visible_to(user)

    @admin.display(description="Period", ordering="starts_on")
    def period(self, batch: StatementBatch) -> str:
        return f"{display.day_text(batch.starts_on)} to {display.day_text(batch.ends_on)}"

    @admin.display(description="Branch")
    def branch_name(self, batch: StatementBatch) -> str:
        return batch.branch.name if batch.branch else "All in reach"

    @admin.display(description="Product")
    def product_name(self, batch: StatementBatch) -> str:
        return batch.product.name if batch.product else "All"

    @admin.display(description="Asked for by")
    def asked_by(self, batch: StatementBatch) -> str:
        return str(batch.requested_by)

    @admin.display(description="Asked for", ordering="created_at")
    def asked(self, batch: StatementBatch) -> str:
        return display.moment_text(batch.created_at)

    @admin.display(description="Status")
    def state(self, batch: StatementBatch) -> SafeString:
        if batch.finished_at:
            return display.chip("Finished", "good")
        return display.chip("Cancelled", "warn") if batch.cancelled_at else display.chip("Not finished", "info")

    def record_title(self, record: StatementBatch) -> str:
        return f"Statements, {self.period(record)}"

    def record_chips(self, record: StatementBatch) -> Iterable[SafeString]:
        return ()  # the status is in the part that is kept up to date

    def record_sections(self, request: HttpRequest, record: StatementBatch) -> list[tuple[str, list[Fact]]]:
        facts = [
            Fact("Branch", self.branch_name(record)),
            Fact("Product", self.product_name(record)),
            Fact("Files", record.get_form_display()),
            Fact("Accounts", f"{record.account_count:,}"),
            Fact("Asked for", f"{self.asked(record)}, {record.requested_by}"),
        ]
        if record.finished_at:
            facts.append(Fact("Finished", display.moment_text(record.finished_at)))
            facts.append(Fact("SHA-256 of the archive", record.sha256))
        return [("Batch", facts)]

    def overview_context(self, request: HttpRequest, record: StatementBatch) -> dict[str, Any]:
        return self._live_context(request, record)

    def _live_context(self, request: HttpRequest, batch: StatementBatch) -> dict[str, Any]:
        """How far it is. The job has the batch's id; one that is tidied away has ended long ago."""
        user: Any = request.user
        try:
            job = job_get_for(user=user, pk=batch.pk)
        except JobNotFound:
            job = None
        refused = sum(len(part.refused) for part in batch.parts.all()) if batch.finished_at else 0
        return {
            "record": batch,
            "batch_job": job,
            "batch_state": display.chip(job.get_status_display(), CHIPS[job.status]) if job else self.state(batch),
            "batch_may_cancel": may_cancel(request, job, owner_id=batch.requested_by_id),
            "batch_may_decide": bool(job and job.status == "failed" and user_may(request, "jobs.view")),
            "batch_refused": refused,
            "live_version": (job.version if job else 0) + batch.version,
        }

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("start/", view(self.start_view), name="accounts_statementbatch_start"),
            path("<uuid:batch_id>/live/", view(self.live_view), name="accounts_statementbatch_live"),
            path("<uuid:batch_id>/cancel/", view(self.cancel_view), name="accounts_statementbatch_cancel"),
            path("<uuid:batch_id>/file/", view(self.file_view), name="accounts_statementbatch_file"),
            *super().get_urls(),
        ]

    def live_view(self, request: HttpRequest, batch_id: Any) -> HttpResponse:
        """How far it is, for the script of the page."""
        context = self._live_context(request, self.record_get(request, str(batch_id)))
        return live_part(request, "accounts/statement_batch_live.html", context, version=context["live_version"])

    def cancel_view(self, request: HttpRequest, batch_id: Any) -> HttpResponse:
        """Cancel it with its helping jobs: what was drawn up is removed."""
        batch: StatementBatch = self.record_get(request, str(batch_id))
        back = reverse("admin:accounts_statementbatch_change", args=[batch.pk])
        return cancel(request, job_id=batch.pk, owner_id=batch.requested_by_id, back=back)

    def file_view(self, request: HttpRequest, batch_id: Any) -> HttpResponse | FileResponse:
        """The archive; who opened it is recorded."""
        batch: StatementBatch = self.record_get(request, str(batch_id))
        user: Any = request.user
        step_up_check(user, at=clock.now())
        try:
            file = services.statement_batch_open(acting_user=user, batch=batch)
        except DomainError as error:
            self.message_user(request, str(error.detail or error.title), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:accounts_statementbatch_change", args=[batch.pk]))
        name = f"statements-{batch.starts_on}-{batch.ends_on}.zip"
        return FileResponse(file, as_attachment=True, filename=name, content_type=ZIP)

    def start_view(self, request: HttpRequest) -> HttpResponse:
        """The form, and the batch that it asks for."""
        if not user_may(request, DRAW):
            raise PermissionDenied
        faults: list[str] = []
        if request.method == "POST":
            user: Any = request.user
            step_up_check(user, at=clock.now())
            try:
                batch = self._start(request)
            except DomainError as error:
                faults.append(str(error.detail or error.title))
            else:
                self.message_user(request, "They are being drawn up in the background.", messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:accounts_statementbatch_change", args=[batch.pk]))
        page = TemplateResponse(request, "accounts/statement_batch_start.html", self._start_context(request, faults))
        page.status_code = 422 if faults else 200
        return page

    def _start(self, request: HttpRequest) -> StatementBatch:
        user: Any = request.user
        branch, product = text_read(request, "branch"), text_read(request, "product")
        batch, _ = services.statement_batch_start(
            acting_user=user,
            starts_on=day_read(request, "from"),
            ends_on=min(day_read(request, "to"), business_date_current()),
            form=choice_read(request, "format", StatementBatch.Form.values),
            branch_id=_of(branches_visible_to(user).filter(code=branch), "branch") if branch else None,
            product_id=_of(AccountProduct.objects.filter(code=product), "product") if product else None,
            key=f"page {text_read(request, 'key')}",
            at=clock.now(),
        )
        return batch

    def _start_context(self, request: HttpRequest, faults: list[str]) -> dict[str, Any]:
        user: Any = request.user
        last = business_date_current().replace(day=1) - dt.timedelta(days=1)
        request.current_app = self.admin_site.name
        return {
            **self.admin_site.each_context(request),
            "title": "Draw up statements",
            "page_crumbs": [
                (self.list_name(), reverse("admin:accounts_statementbatch_changelist")),
                ("Draw up statements", ""),
            ],
            "page_faults": faults,
            "batch_branches": branches_visible_to(user).order_by("code"),
            "batch_products": AccountProduct.objects.order_by("code"),
            "batch_forms": StatementBatch.Form.choices,
            "batch_from": request.POST.get("from") or last.replace(day=1).isoformat(),
            "batch_to": request.POST.get("to") or last.isoformat(),
            "batch_typed": request.POST,
            "batch_key": request.POST.get("key") or uuid7(),
        }


def _of(found: QuerySet[Branch] | QuerySet[AccountProduct], name: str) -> Any:
    """The id of the only one that was found. Raises InvalidRequest."""
    pk = found.values_list("pk", flat=True).first()
    if pk is None:
        raise InvalidRequest("Choose from the list.", pointer=f"/{name}")
    return pk
