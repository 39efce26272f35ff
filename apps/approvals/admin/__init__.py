"""Approvals on the staff site: the inbox (see inbox, task, tools), and the records behind it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from viewflow.workflow.models import Process, Task

from apps.approvals.admin.shown import kind_title
from apps.approvals.models import ApprovalPolicy, Approver, ApproverGroup
from apps.audit.services import record
from apps.core import clock, display
from apps.core.admin import NuminaAdmin
from apps.identity.guards import step_up_check

for model in (Process, Task):
    admin.site.unregister(model)  # Viewflow's own pages would let a process be deleted

STATES = {"draft": "warn", "active": "good", "withdrawn": "plain"}


@admin.register(ApprovalPolicy)
class ApprovalPolicyAdmin(NuminaAdmin):
    """Versions of policies, as they were written. New ones come by the API, where they are checked."""

    view_permission = "approvals.view"
    empty_text = (
        "Without a policy nothing waits for a second person. Write one over the API (POST /api/v1/approvals/policies)."
    )
    list_display = ("name", "kind_words", "number", "effective_from", "state_chip")
    list_filter = ("state", "kind")
    fields = ("name", "kind_words", "number", "effective_from", "state", "made_by", "activated_at", "rules")

    @admin.display(description="Action", ordering="kind")
    def kind_words(self, policy: ApprovalPolicy) -> str:
        return kind_title(policy.kind)

    @admin.display(description="Status", ordering="state")
    def state_chip(self, policy: ApprovalPolicy) -> SafeString:
        return display.chip(policy.get_state_display(), STATES[policy.state])

    @admin.display(description="Rules")
    def rules(self, policy: ApprovalPolicy) -> SafeString:
        text = json.dumps(policy.document, indent=2, ensure_ascii=False)
        return format_html('<pre class="nm-code nm-document">{}</pre>', text)

    def record_chips(self, record: ApprovalPolicy) -> Iterable[SafeString]:
        yield self.state_chip(record)


class ApproverBase(NuminaAdmin):
    """Changed here, each change in the trail."""

    empty_text = "Who is not here decides by role alone, without a limit or a manager of their own."
    view_permission = "approvals.view"
    add_permission = "approvals.administer"
    change_permission = "approvals.administer"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        user: Any = request.user
        step_up_check(user, at=clock.now())
        before = {name: str(form.initial.get(name)) for name in form.changed_data} if change else None
        obj.version += change
        super().save_model(request, obj, form, change)
        record(
            action=f"approvals.{obj._meta.model_name}.{'changed' if change else 'created'}",
            acting_user=request.user,
            target=obj,
            before=before,
            after={name: str(form.cleaned_data.get(name)) for name in form.changed_data},
        )


@admin.register(Approver)
class ApproverAdmin(ApproverBase):
    """Managers, personal limits and committees of those who decide. Nobody writes their own."""

    list_display = ("user", "manager", "limit", "committees")
    list_select_related = ("user", "manager")
    search_fields = ("user__email", "user__full_name")
    fields = ("user", "manager", "limit_minor", "groups", "related_members")
    autocomplete_fields = ("user", "manager")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever administers approvals, but for the row about themselves."""
        return super().has_change_permission(request, obj) and (obj is None or obj.user_id != request.user.pk)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if obj.user_id == request.user.pk:
            raise PermissionDenied
        super().save_model(request, obj, form, change)

    @admin.display(description="Limit", ordering="limit_minor")
    def limit(self, row: Approver) -> str:
        if row.limit_minor is None:
            return "none"
        return display.money_text(row.limit_minor, settings.NUMINA["BASE_CURRENCY"], with_currency=True)

    @admin.display(description="Committees")
    def committees(self, row: Approver) -> str:
        return ", ".join(group.name for group in row.groups.all()) or display.EMPTY

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")


@admin.register(ApproverGroup)
class ApproverGroupAdmin(ApproverBase):
    """Committees."""

    list_display = ("name", "code")
    fields = ("code", "name")
