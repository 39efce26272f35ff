"""Users, roles and branches on the staff site: to look at. Services own the writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.core import display
from apps.core.admin import NuminaHistoryAdmin
from apps.identity import staff_login
from apps.identity.models import Branch, Role, User
from apps.identity.permissions import PERMISSIONS
from apps.identity.selectors import users_visible_to

# Access is by the bank's own roles; Django's groups would be a second truth beside them.
if admin.site.is_registered(Group):
    admin.site.unregister(Group)

admin.site.login_form = staff_login.StaffLoginForm
admin.site.login = staff_login.limited(admin.site.login)  # type: ignore[method-assign]


@admin.register(Branch)
class BranchAdmin(NuminaHistoryAdmin):
    """Where the bank works."""

    view_permission = "backoffice.dashboard"
    list_display = ("code", "name", "parent", "time_zone", "phone", "is_active")
    list_select_related = ("parent",)
    list_filter = ("is_active",)
    search_fields = ("code", "name")
    ordering = ("code",)
    fields = ("code", "name", "parent", "time_zone", "address", "phone", "email", "is_active")


@admin.register(Role)
class RoleAdmin(NuminaHistoryAdmin):
    """What each role allows."""

    view_permission = "identity.view_roles"
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
class UserAdmin(NuminaHistoryAdmin):
    """Who may sign in. The password's hash is no field of any page."""

    view_permission = "identity.view_users"
    list_display = ("email", "full_name", "roles_held", "branch", "is_staff", "is_active", "last_login")
    list_select_related = ("branch",)
    list_filter = ("is_active", "is_staff", "roles", "branch")
    search_fields = ("email", "full_name")
    ordering = ("email",)
    fieldsets = (
        (None, {"fields": ("email", "full_name", "phone", "branch")}),
        ("Access", {"fields": ("roles_held", "scope", "is_staff", "is_active", "is_superuser")}),
        ("Preferences", {"fields": ("locale", "time_zone", "preferred_currency")}),
        ("Dates", {"fields": ("date_joined", "last_login", "email_confirmed_at")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """The users whom the reader's roles reach."""
        return users_visible_to(request.user).order_by(*self.get_ordering(request))  # type: ignore[arg-type]

    @admin.display(description="Roles")
    def roles_held(self, user: User) -> str:
        return ", ".join(user.role_codes)

    def record_chips(self, user: Any) -> Iterable[SafeString]:
        if not user.is_active:
            yield display.chip("Deactivated", "bad")
        if user.is_superuser:
            yield display.chip("Superuser", "warn")
