"""The audit trail on the staff site: searched and read, never touched."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RangeDateTimeFilter

from apps.audit.models import AuditEvent
from apps.audit.selectors import events_visible_to
from apps.core import display
from apps.core.admin import NuminaAdmin


@admin.register(AuditEvent)
class AuditEventAdmin(NuminaAdmin):
    """Who did what, when, from where and why."""

    view_permission = "audit.view"
    list_display = ("at", "kind", "action", "actor_label", "object_label", "reason", "ip")
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
