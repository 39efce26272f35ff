"""Members on the staff site. Apps above add what they know of a member as tabs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from apps.core import display
from apps.core.admin import NuminaHistoryAdmin
from apps.core.record_pages import Fact, user_may
from apps.members.identity_numbers import numbers_reveal
from apps.members.models import Member
from apps.members.search import matching
from apps.members.selectors import members_visible_to
from apps.vault.crypto import masked

REVEAL = "members.reveal"
STATUS_CHIPS = {"active": "good", "blocked": "bad", "exited": "plain"}


def member_chip(member: Member) -> SafeString:
    """Active, blocked or exited."""
    return display.chip(member.get_status_display(), STATUS_CHIPS[member.status])


@admin.register(Member)
class MemberAdmin(NuminaHistoryAdmin):
    """People and businesses."""

    view_permission = "members.view"
    empty_text = "Members join over the API (POST /api/v1/members)."
    notes_reads = True
    list_display = ("name", "number", "state", "kind", "phone_masked", "branch_name", "joined_on")
    list_select_related = ("branch",)
    list_filter = ("status", "kind", "branch")
    search_fields = ("search_text",)  # shows the search field; see get_search_results
    search_help_text = "Name, number, phone or e-mail"
    ordering = ("-created_at", "-id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Member]:
        user: Any = request.user
        return members_visible_to(user)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Member], search_term: str
    ) -> tuple[QuerySet[Member], bool]:
        term = search_term.replace("\x00", "").strip()
        if not term:
            return queryset, False
        wanted = matching(term)
        return (queryset.none() if wanted is None else queryset.filter(wanted)), False

    @admin.display(description="Name", ordering="last_name")
    def name(self, member: Member) -> str:
        return member.display_name

    @admin.display(description="Status", ordering="status")
    def state(self, member: Member) -> SafeString:
        return member_chip(member)

    @admin.display(description="Branch", ordering="branch__name")
    def branch_name(self, member: Member) -> str:
        return member.branch.name

    @admin.display(description="Phone")
    def phone_masked(self, member: Member) -> str:
        return masked(member.phone)

    @admin.display(description="National number")
    def national_number(self, member: Member) -> str:
        return masked(member.national_id)

    @admin.display(description="Tax number")
    def tax_number(self, member: Member) -> str:
        return masked(member.tax_id)

    def record_actions(self, request: HttpRequest, record: Member) -> Sequence[dict[str, Any]]:
        if not user_may(request, REVEAL) or not (record.national_id or record.tax_id or record.phone):
            return ()
        url = reverse("admin:members_member_reveal", args=[record.pk])
        return [{"title": "Show numbers in full", "url": url, "icon": "visibility"}]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.reveal_view)
        return [path("<path:object_id>/reveal/", view, name="members_member_reveal"), *super().get_urls()]

    def reveal_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask why, record it, show the numbers on this one page."""
        record: Member = self.record_get(request, object_id)
        if not user_may(request, REVEAL):
            raise PermissionDenied
        context: dict[str, Any] = {}
        if request.method == "POST":
            reason = request.POST.get("reason", "").replace("\x00", "").strip()[:200]
            if reason:
                user: Any = request.user
                numbers = numbers_reveal(acting_user=user, member_id=record.pk, reason=reason)
                labels = {"national_id": "National number", "tax_id": "Tax number", "phone": "Phone"}
                context = {"reveal_numbers": [(labels[name], value) for name, value in numbers.items()]}
            else:
                context = {"page_faults": ["Say why."]}
        return self.render_tab(request, record, "reveal", "members/reveal.html", context)

    @admin.display(description="Country")
    def country_name(self, record: Member) -> str:
        return display.country_text(record.country)

    def record_title(self, record: Member) -> str:
        return record.display_name

    def record_subtitle(self, record: Member) -> str:
        return f"Member {record.number} · {record.get_kind_display()}"

    def record_chips(self, record: Member) -> Iterable[SafeString]:
        yield member_chip(record)

    def record_sections(self, request: HttpRequest, record: Member) -> list[tuple[str, list[Fact]]]:
        if record.kind == Member.Kind.BUSINESS:
            identity = ["number", "business_name", "registration_number", "tax_number"]
        else:
            identity = ["number", "first_name", "last_name", "date_of_birth", "national_number", "tax_number"]
        bank = ["branch", "joined_on", "exited_on", "user"]
        contact = ["phone_masked", "email", "address", "city", "country_name"]
        groups = {"Who": identity, "Contact": contact, "With the bank": bank}
        return [(title, [self.fact(request, record, name) for name in names]) for title, names in groups.items()]
