"""Imports of transactions on the staff site."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.core import display
from apps.core.admin import NuminaAdmin
from apps.payments.models import ImportRun
from apps.payments.selectors import import_runs_visible_to

STATUS_CHIPS = {"queued": "plain", "running": "info", "done": "good", "failed": "bad"}
REFUSALS_PAGE = 100


@admin.register(ImportRun)
class ImportRunAdmin(NuminaAdmin):
    """What was read, posted, skipped and refused, with the reason for each refused row."""

    empty_text = "Files are read by manage.py import_transactions, or sent to POST /api/v1/imports/transactions."
    view_permission = "payments.import"
    list_title = "Imports"
    subtitle = "Import of transactions"
    list_display = ("file_name", "source", "started", "state", "read", "posted", "skipped", "refused")
    list_filter = ("status", "is_dry_run")
    search_fields = ("file_name", "source")
    overview_template = "payments/import_run.html"
    fields = (
        "file_name",
        "source",
        "started",
        "finished_at",
        "asked_for_by",
        "is_dry_run",
        "allow_overdraft",
        "create_accounts",
        "accounts_created",
        "balances_compared",
        "balances_differing",
        "file_sha256",
        "error",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportRun]:
        user: Any = request.user
        return import_runs_visible_to(user)

    @admin.display(description="Started", ordering="created_at")
    def started(self, run: ImportRun) -> str:
        return display.moment_text(run.created_at)

    @admin.display(description="Asked for by")
    def asked_for_by(self, run: ImportRun) -> str:
        user = get_user_model().objects.filter(pk=run.started_by).first() if run.started_by else None
        return str(user) if user else "System"

    @admin.display(description="Status", ordering="status")
    def state(self, run: ImportRun) -> SafeString:
        text = f"{run.get_status_display()}, dry run" if run.is_dry_run else run.get_status_display()
        return display.chip(text, STATUS_CHIPS[run.status])

    @admin.display(description="Read", ordering="rows_read")
    def read(self, run: ImportRun) -> str:
        return display.count_text(run.rows_read)

    @admin.display(description="Posted", ordering="rows_posted")
    def posted(self, run: ImportRun) -> str:
        return display.count_text(run.rows_posted)

    @admin.display(description="Skipped", ordering="rows_skipped")
    def skipped(self, run: ImportRun) -> str:
        return display.count_text(run.rows_skipped)

    @admin.display(description="Refused", ordering="rows_refused")
    def refused(self, run: ImportRun) -> str:
        return display.count_text(run.rows_refused)

    def record_title(self, record: ImportRun) -> str:
        return record.file_name

    def record_chips(self, record: ImportRun) -> Iterable[SafeString]:
        yield self.state(record)

    def overview_context(self, request: HttpRequest, record: ImportRun) -> dict[str, Any]:
        return {"run_refusals": list(record.refusals.all()[:REFUSALS_PAGE]), "run_refusals_max": REFUSALS_PAGE}
