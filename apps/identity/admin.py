"""Users, roles and branches on the staff site: to look at. Services own the writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString

from apps.core import clock, display
from apps.core.admin import NuminaAdmin, NuminaHistoryAdmin
from apps.identity import staff_login
from apps.identity.models import AmountLimit, ApiKey, Branch, RateLimit, Role, User
from apps.identity.permissions import PERMISSIONS
from apps.identity.selectors import api_keys_visible_to, users_visible_to
from apps.identity.services import rate_limit_save
from apps.identity.staff_access import RoleAccessPages, UserAccessPages, said
from apps.identity.staff_gate import confirm_first, lately_verified
from apps.vault.crypto import masked

# Access is by the bank's own roles; Django's groups would be a second truth beside them.
if admin.site.is_registered(Group):
    admin.site.unregister(Group)

admin.site.login_form = staff_login.StaffLoginForm
admin.site.login = staff_login.limited(admin.site.login)  # type: ignore[method-assign]


@admin.register(Branch)
class BranchAdmin(NuminaHistoryAdmin):
    """Where the bank works."""

    view_permission = "backoffice.dashboard"
    empty_text = "Branches are loaded when the bank is set up."
    list_display = ("code", "name", "parent", "time_zone", "phone", "is_active")
    list_select_related = ("parent",)
    list_filter = ("is_active",)
    search_fields = ("code", "name")
    ordering = ("code",)
    fields = ("code", "name", "parent", "time_zone", "address", "phone", "email", "is_active")


@admin.register(Role)
class RoleAdmin(RoleAccessPages, NuminaHistoryAdmin):
    """What each role allows."""

    view_permission = "identity.view_roles"
    empty_text = "Roles are loaded when the bank is set up; their permissions and limits are changed on their pages."
    list_display = ("name", "code", "scope", "is_staff_role", "permission_count")
    list_filter = ("scope", "is_staff_role")
    search_fields = ("code", "name")
    ordering = ("code",)
    fields = ("code", "name", "description", "scope", "is_staff_role", "allows")

    @admin.display(description="Permissions")
    def permission_count(self, role: Role) -> int:
        return len(role.permissions)

    @admin.display(description="Allows")
    def allows(self, role: Role) -> str:
        return "; ".join(PERMISSIONS.get(code, code) for code in role.permissions)


@admin.register(User)
class UserAdmin(UserAccessPages, NuminaHistoryAdmin):
    """Who may sign in. The password's hash is no field of any page."""

    view_permission = "identity.view_users"
    empty_text = "Begin with Invite a user."
    list_before_template = "identity/list_actions.html"
    list_display = ("email", "full_name", "roles_held", "branch", "is_staff", "is_active", "last_login")
    list_select_related = ("branch",)
    list_filter = ("is_active", "is_staff", "roles", "branch")
    search_fields = ("email", "full_name")
    ordering = ("email",)
    fieldsets = (
        (None, {"fields": ("email", "full_name", "phone_masked", "branch")}),
        ("Access", {"fields": ("roles_held", "scope", "is_staff", "is_active", "is_superuser")}),
        ("Preferences", {"fields": ("locale", "time_zone", "preferred_currency")}),
        ("Dates", {"fields": ("date_joined", "last_login", "email_confirmed_at")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """The users whom the reader's roles reach."""
        return users_visible_to(request.user).order_by(*self.get_ordering(request))  # type: ignore[arg-type]

    @admin.display(description="Phone")
    def phone_masked(self, user: User) -> str:
        return masked(user.phone)

    @admin.display(description="Roles")
    def roles_held(self, user: User) -> str:
        return ", ".join(user.role_codes)

    def record_chips(self, user: Any) -> Iterable[SafeString]:
        if not user.is_active:
            yield display.chip("Deactivated", "bad")
        elif not user.has_usable_password():
            yield display.chip("Invited", "warn")
        if user.is_superuser:
            yield display.chip("Superuser", "warn")


@admin.register(ApiKey)
class ApiKeyAdmin(NuminaAdmin):
    """Keys of machines: whose, what they open, until when. Made and revoked through the API."""

    view_permission = "identity.manage_api_keys"
    list_display = ("name", "prefix", "user", "state", "expires_at", "last_used_at")
    list_select_related = ("user",)
    list_filter = ("is_live",)
    search_fields = ("name", "prefix", "user__email")
    ordering = ("-created_at",)
    fields = (
        "name",
        "prefix",
        "user",
        "permissions",
        "is_live",
        "created_by",
        "created_at",
        "expires_at",
        "last_used_at",
        "last_used_ip",
        "revoked_at",
        "revoke_reason",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        """The keys of users whom the reader's roles reach."""
        return api_keys_visible_to(request.user).order_by(*self.get_ordering(request))  # type: ignore[arg-type]

    @admin.display(description="Status")
    def state(self, key: ApiKey) -> SafeString:
        if key.revoked_at is not None:
            return display.chip("Revoked", "bad")
        return display.chip("Expired", "plain") if key.expires_at <= clock.now() else display.chip("Works", "good")


@admin.register(RateLimit)
class RateLimitAdmin(NuminaHistoryAdmin):
    """How much of the API may be used, by whom. Whoever may change it adds a limit with dates; history keeps all."""

    view_permission = "identity.view_roles"
    add_permission = "identity.manage_rate_limits"
    change_permission = "identity.manage_rate_limits"
    list_display = ("operation", "role", "plan", "requests", "per_seconds", "burst", "starts_at", "ends_at")
    list_select_related = ("role",)
    list_filter = ("role", "plan")
    search_fields = ("operation",)
    fields = ("operation", "role", "plan", "requests", "per_seconds", "burst", "starts_at", "ends_at")

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Written only by who has shown the second factor lately."""
        if request.method == "POST" and not lately_verified(request):
            return confirm_first(request)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: RateLimit, form: Any, change: bool) -> None:
        """Written by the service: recorded, in force at once, or kept for somebody else's approval."""
        request.rate_limit_done = rate_limit_save(acting_user=request.user, limit=obj, at=clock.now())  # type: ignore[attr-defined, arg-type]

    def response_add(self, request: HttpRequest, obj: RateLimit, post_url_continue: str | None = None) -> HttpResponse:
        return self._done(request)

    def response_change(self, request: HttpRequest, obj: RateLimit) -> HttpResponse:
        return self._done(request)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The trail has it; what waits was not written."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The trail has it; what waits was not written."""

    def _done(self, request: HttpRequest) -> HttpResponse:
        said(self, request, request.rate_limit_done)  # type: ignore[attr-defined]
        return HttpResponseRedirect(reverse("admin:identity_ratelimit_changelist"))


@admin.register(AmountLimit)
class AmountLimitAdmin(NuminaHistoryAdmin):
    """How much money roles move at once, and above what they show a second factor."""

    view_permission = "identity.view_roles"
    list_display = ("role", "allows", "most", "above", "starts_at", "ends_at")
    list_select_related = ("role",)
    list_filter = ("role", "permission", "currency")
    fields = ("role", "allows", "permission", "currency", "most", "above", "starts_at", "ends_at")

    @admin.display(description="For", ordering="permission")
    def allows(self, limit: AmountLimit) -> str:
        return limit.permission_text

    @admin.display(description="At most", ordering="amount_max")
    def most(self, limit: AmountLimit) -> str:
        return limit.amount_max_text

    @admin.display(description="Second factor above", ordering="step_up_above")
    def above(self, limit: AmountLimit) -> str:
        return limit.step_up_text
