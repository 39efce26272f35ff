"""The audit trail on the staff site: searched and read, never touched."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RangeDateTimeFilter

from apps.audit import exporting, verifying
from apps.audit.models import Anchor, Archive, AuditEvent, Export, Seal, Verification
from apps.audit.selectors import events_visible_to
from apps.core import clock, display
from apps.core.admin import NuminaAdmin
from apps.core.errors import DomainError
from apps.core.record_pages import user_may

EXPORT = "audit.export"
VERIFY = "audit.verify"
REASON_MAX = 200
_EXPORT_FIELDS = ("from", "to", "actor", "action", "object_type", "object_id", "kind", "reason", "format")


@admin.register(AuditEvent)
class AuditEventAdmin(NuminaAdmin):
    """Who did what, when, from where and why."""

    view_permission = "audit.view"
    list_title = "Audit"
    empty_text = "Whatever people do is written here as they do it."
    list_display = ("at", "kind", "action", "who", "about", "reason", "address")
    list_select_related = ("actor",)
    list_filter = ("kind", ("at", RangeDateTimeFilter))
    list_filter_submit = True
    search_fields = ("action",)  # shows the box; what is searched is below
    search_help_text = "Exact: action, e-mail of the actor, id of the object or of the request"
    ordering = ("-id",)
    show_facets = admin.ShowFacets.NEVER
    fieldsets = (
        (None, {"fields": ("at", "kind", "action", "reason")}),
        ("Who", {"fields": ("actor_label", "ip", "correlation_id")}),
        ("What", {"fields": ("object_type", "object_id", "object_label")}),
        ("Change", {"fields": ("changes",)}),
    )

    list_before_template = "audit/list_actions.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, with the ways on from it."""
        links = [
            {"title": "Export", "icon": "download", "url": reverse("admin:audit_auditevent_export"), "code": EXPORT},
            {"title": "Exports", "icon": "folder", "url": reverse("admin:audit_export_changelist"), "code": EXPORT},
            {
                "title": "Verify",
                "icon": "verified",
                "url": reverse("admin:audit_verification_changelist"),
                "code": "audit.view",
            },
        ]
        shown = [link for link in links if user_may(request, link["code"])]
        return super().changelist_view(request, {"audit_links": shown, **(extra_context or {})})

    def get_urls(self) -> list[URLPattern]:
        export = path("export/", self.admin_site.admin_view(self.export_view), name="audit_auditevent_export")
        return [export, *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """Ask which events and why, then send the file."""
        if not user_may(request, EXPORT):
            raise PermissionDenied
        faults: list[str] = []
        today = clock.now().date()
        values = {"from": (today - dt.timedelta(days=30)).isoformat(), "to": (today + dt.timedelta(days=1)).isoformat()}
        if request.method == "POST":
            values = {name: request.POST.get(name, "").replace("\x00", "").strip()[:254] for name in _EXPORT_FIELDS}
            filters = _filters_read(values, faults)
            if not faults:
                try:
                    made = exporting.trail_export(
                        acting_user=request.user,
                        form="pdf" if values["format"] == "pdf" else "csv",
                        filters=filters,
                        reason=values["reason"],
                        at=clock.now(),
                    )
                except DomainError as error:
                    faults.append(str(error.detail))
                else:
                    return self._export_made(request, made)
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "title": "Export the audit trail",
            "page_crumbs": [("Audit", reverse("admin:audit_auditevent_changelist")), ("Export", "")],
            "page_faults": faults,
            "export_values": values,
            "export_kinds": AuditEvent.Kind.choices,
        }
        return TemplateResponse(request, "audit/export.html", context, status=400 if faults else 200)

    def _export_made(self, request: HttpRequest, made: exporting.TrailFile | Export) -> HttpResponse:
        if isinstance(made, Export):
            text = f"A worker makes the file of {made.total:,} events; this page shows when it is there."
            self.message_user(request, text, messages.SUCCESS)
            return HttpResponseRedirect(reverse("admin:audit_export_change", args=[made.pk]))
        response = HttpResponse(made.content, content_type=made.content_type)
        response["Content-Disposition"] = f'attachment; filename="{made.name}"'
        response["X-Content-SHA256"] = made.sha256
        return response

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        """The events that the reader's roles reach."""
        return events_visible_to(request.user)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Whole values only, each answered by an index: a LIKE over years of events would take minutes."""
        term = search_term.replace("\x00", "").strip()[:254]
        if not term:
            return queryset, False
        wanted = Q(action=term) | Q(correlation_id=term) | Q(actor__email=term.lower()) | Q(object_id=term[:64])
        return queryset.filter(wanted), False

    @admin.display(description="Who", ordering="actor_label")
    def who(self, event: AuditEvent) -> SafeString:
        return display.person(event.actor, event.actor_label)

    @admin.display(description="About", ordering="object_label")
    def about(self, event: AuditEvent) -> str:
        return event.object_label or event.object_id

    @admin.display(description="From", ordering="ip")
    def address(self, event: AuditEvent) -> str:
        return event.ip or display.EMPTY

    @admin.display(description="Before and after")
    def changes(self, event: AuditEvent) -> SafeString | str:
        before, after = event.before or {}, event.after or {}
        names = sorted({*before, *after})
        if not names:
            return display.EMPTY
        rows = format_html_join(
            "",
            "<tr><th scope='row'>{}</th><td>{}</td><td>{}</td></tr>",
            ((name, _shown(before, name), _shown(after, name)) for name in names),
        )
        return format_html(
            "<table class='nm-table'><thead><tr><th>Field</th><th>Before</th><th>After</th></tr></thead>"
            "<tbody>{}</tbody></table>",
            rows,
        )


def _shown(facts: dict[str, Any], name: str) -> str:
    if name not in facts:
        return display.EMPTY
    value = facts[name]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _filters_read(values: dict[str, str], faults: list[str]) -> dict[str, Any]:
    """The filters that a form asks for; what cannot be used is said in `faults`."""
    filters: dict[str, Any] = {
        name: values[name] for name in ("action", "object_type", "object_id", "kind") if values[name]
    }
    for name in ("from", "to"):
        try:
            filters[name] = dt.datetime.combine(dt.date.fromisoformat(values[name]), dt.time(), dt.UTC)
        except ValueError:
            faults.append(f"{name.capitalize()}: not a date such as 2026-11-21.")
    if values["actor"]:
        user = get_user_model().objects.filter(email=values["actor"].lower()).first()
        if user is None:
            faults.append("No user has this e-mail address.")
        else:
            filters["actor_id"] = user.pk
    if not 1 <= len(values["reason"]) <= REASON_MAX:
        faults.append(f"Say why the file is needed, in at most {REASON_MAX} characters.")
    return filters


@admin.register(Export)
class ExportAdmin(NuminaAdmin):
    """One's own files of the trail that a job made."""

    view_permission = EXPORT
    subtitle = "Export of the trail"
    list_display = ("created_at", "form", "total", "state", "reason", "digest")
    fields = (
        "state",
        "form",
        "filters_said",
        "reason",
        "created_at",
        "made_at",
        "total",
        "rows",
        "sha256",
        "file_link",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Export]:
        return super().get_queryset(request).filter(requested_by_id=request.user.pk)

    def record_title(self, record: Export) -> str:
        return f"Export of {display.moment_text(record.created_at)}"

    def record_chips(self, record: Export) -> Iterable[SafeString]:
        yield self.state(record)

    def record_actions(self, request: HttpRequest, record: Export) -> Sequence[dict[str, Any]]:
        if record.file:
            url = reverse("admin:audit_export_file", args=[record.pk])
            return [{"title": "Download", "url": url, "icon": "download"}]
        if record.made_at is None:
            url = reverse("admin:jobs_job_change", args=[record.pk])
            return [{"title": "Progress", "url": url, "icon": "hourglass_top"}]
        return ()

    def get_urls(self) -> list[URLPattern]:
        file = path("<uuid:export_id>/file/", self.admin_site.admin_view(self.file_view), name="audit_export_file")
        return [file, *super().get_urls()]

    def file_view(self, request: HttpRequest, export_id: UUID) -> HttpResponse | FileResponse:
        """The file. That it was fetched is recorded."""
        if not user_may(request, EXPORT):
            raise PermissionDenied
        try:
            export = exporting.export_get_for(user=request.user, pk=export_id)
            file = exporting.export_open(acting_user=request.user, export=export, at=clock.now())
        except DomainError as error:
            return HttpResponse(error.detail, status=error.status, content_type="text/plain; charset=utf-8")
        response = FileResponse(file, content_type=exporting.MEDIA_TYPES[export.form])
        name = exporting.file_name(export.created_at, export.form)
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response["X-Content-SHA256"] = export.sha256
        return response

    @admin.display(description="State")
    def state(self, record: Export) -> SafeString:
        if record.made_at is None:
            return display.chip("Being made", "info")
        return display.chip("Ready", "good") if record.file else display.chip("Removed after a week", "plain")

    @admin.display(description="SHA-256 begins")
    def digest(self, record: Export) -> str:
        return record.sha256[:16] or display.EMPTY

    @admin.display(description="Filters")
    def filters_said(self, record: Export) -> str:
        return ", ".join(f"{name}: {value}" for name, value in record.filters.items()) or display.EMPTY

    @admin.display(description="File")
    def file_link(self, record: Export) -> SafeString | str:
        if record.made_at is None:
            return "Not yet: you will be told when it is there"
        if not record.file:
            return display.EMPTY
        return format_html('<a href="{}" download>Download</a>', reverse("admin:audit_export_file", args=[record.pk]))


STATUS_CHIPS = {"waiting": "plain", "running": "info", "passed": "good", "failed": "bad"}


@admin.register(Verification)
class VerificationAdmin(NuminaAdmin):
    """Checks of the whole chain, and the button that starts one."""

    empty_text = "Verify on the page of the audit trail proves that nothing was changed or removed."
    view_permission = "audit.view"
    subtitle = "Verification of the trail"
    list_display = ("created_at", "state", "requested_by", "progress", "archived", "unsealed", "finished_at")
    list_select_related = ("requested_by",)
    list_before_template = "audit/list_actions.html"
    fields = (
        "status",
        "requested_by",
        "created_at",
        "finished_at",
        "progress",
        "archived",
        "unsealed",
        "anchor",
        "faults_named",
    )

    @admin.display(description="Status", ordering="status")
    def state(self, record: Verification) -> SafeString:
        return display.chip(record.get_status_display(), STATUS_CHIPS[record.status])

    @admin.display(description="Events read")
    def progress(self, record: Verification) -> str:
        return f"{display.count_text(record.done)} of {display.count_text(record.total)}"

    @admin.display(description="Faults")
    def faults_named(self, record: Verification) -> SafeString | str:
        if not record.faults:
            return display.EMPTY
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", ((text,) for text in record.faults)))

    def record_title(self, record: Verification) -> str:
        return f"Verification of {display.moment_text(record.created_at)}"

    def record_chips(self, record: Verification) -> Iterable[SafeString]:
        yield self.state(record)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, with the button above it."""
        links = [{"title": "Verify now", "icon": "verified", "url": reverse("admin:audit_verification_start")}]
        shown = links if user_may(request, VERIFY) else []
        return super().changelist_view(request, {"audit_links": shown, **(extra_context or {})})

    def get_urls(self) -> list[URLPattern]:
        start = path("start/", self.admin_site.admin_view(self.start_view), name="audit_verification_start")
        return [start, *super().get_urls()]

    def start_view(self, request: HttpRequest) -> HttpResponse:
        """Say what will be done, then have a worker do it."""
        if not user_may(request, VERIFY):
            raise PermissionDenied
        if request.method == "POST":
            verification = verifying.verification_request(acting_user=request.user)
            self.message_user(request, "A worker verifies the trail; this page shows how far it is.", messages.SUCCESS)
            return HttpResponseRedirect(reverse("admin:audit_verification_change", args=[verification.pk]))
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "title": "Verify the audit trail",
            "page_crumbs": [("Verifications", reverse("admin:audit_verification_changelist")), ("Verify", "")],
            "verify_sealed": Seal.objects.count(),
        }
        return TemplateResponse(request, "audit/verify.html", context)


@admin.register(Anchor)
class AnchorAdmin(NuminaAdmin):
    """The heads of the chains, day by day, as they were stored outside."""

    view_permission = "audit.view"
    list_display = ("day", "chain", "last_id", "hash_text", "made_at")
    list_filter = ("chain",)
    fields = ("day", "chain", "last_id", "hash_text", "made_at", "file")

    @admin.display(description="Hash")
    def hash_text(self, anchor: Anchor) -> str:
        return bytes(anchor.hash).hex()


@admin.register(Archive)
class ArchiveAdmin(NuminaAdmin):
    """Months of the trail that are in the object storage."""

    view_permission = "audit.view"
    list_display = ("partition", "starts_on", "ends_on", "rows", "archived_at", "restored_at")
    fields = ("partition", "starts_on", "ends_on", "rows", "file", "sha256", "archived_at", "restored_at")
