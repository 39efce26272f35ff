"""Branches, roles and users. Users are deactivated, never deleted: the audit trail names them."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import ClassVar
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Lower
from simple_history.models import HistoricalRecords

from apps.core import clock
from apps.core.ids import uuid7
from apps.core.models import BaseModel
from apps.identity.managers import UserManager
from apps.identity.permissions import ADMIN_PERMISSIONS, PERMISSIONS
from apps.vault.fields import EncryptedTextField

# Narrow to wide; a user has the widest scope of the roles held. `tree` is the own branch and all below it.
SCOPES = ("own", "branch", "tree", "all")


def history(**options: object) -> HistoricalRecords:
    """Field-by-field history with 64-bit ids and a reason of any length."""
    return HistoricalRecords(
        history_id_field=models.BigAutoField(),
        history_change_reason_field=models.TextField(null=True, blank=True),
        **options,
    )


class Branch(BaseModel):
    """A place where the bank works; branches form a tree under the head office."""

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=120)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    time_zone = models.CharField(max_length=64, default="UTC", help_text="IANA name, for example Africa/Nairobi.")
    address = models.CharField(max_length=255, blank=True)
    phone = models.CharField(max_length=32, blank=True)
    email = models.EmailField(blank=True)
    is_active = models.BooleanField(default=True)

    history = history()

    class Meta:
        ordering = ("code",)
        verbose_name_plural = "branches"
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(parent=models.F("id")), name="branch_is_not_its_own_parent"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


def branches_below(branch_id: UUID) -> tuple[UUID, ...]:
    """The branch and all below it in the tree, in one query; each once, even if the tree were a circle."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE tree AS (SELECT %s::uuid AS id UNION"
            " SELECT b.id FROM identity_branch b JOIN tree t ON b.parent_id = t.id) SELECT id FROM tree ORDER BY id",
            [branch_id],
        )
        return tuple(row[0] for row in cursor.fetchall())


class Role(BaseModel):
    """A named set of permission codes and how far they reach: own things, a branch, it and those below, the bank."""

    class Scope(models.TextChoices):
        OWN = "own", "Own"
        BRANCH = "branch", "Branch"
        TREE = "tree", "Branch and those below"
        ALL = "all", "Whole bank"

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=255, blank=True)
    scope = models.CharField(max_length=10, choices=Scope.choices)
    permissions = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    is_staff_role = models.BooleanField(default=True, help_text="Holders may sign in to the staff site.")

    history = history()

    class Meta:
        ordering = ("code",)
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(scope__in=SCOPES), name="role_scope_known"),
        ]

    def __str__(self) -> str:
        return self.name


class User(AbstractBaseUser, BaseModel):  # type: ignore[django-manager-missing]  # django-otp has no types
    """Somebody (or a machine) who signs in with an e-mail address."""

    email = models.EmailField(unique=True, max_length=254)
    full_name = models.CharField(max_length=160, blank=True)
    phone = EncryptedTextField(context="identity.user.phone", max_length=32, db_column="phone_sealed")
    branch = models.ForeignKey(Branch, null=True, blank=True, on_delete=models.PROTECT, related_name="users")
    roles = models.ManyToManyField(
        Role, through="UserRole", through_fields=("user", "role"), related_name="users", blank=True
    )
    is_staff = models.BooleanField(default=False, help_text="May sign in to the staff site.")
    is_active = models.BooleanField(default=True)
    is_superuser = models.BooleanField(default=False, help_text="May do everything.")
    locale = models.CharField(max_length=16, default="en")
    time_zone = models.CharField(max_length=64, default="UTC")
    preferred_currency = models.CharField(max_length=3, blank=True, help_text="ISO 4217; empty for the bank's own.")
    email_confirmed_at = models.DateTimeField(null=True, blank=True)
    password_changed_at = models.DateTimeField(null=True, blank=True)
    mfa_enabled_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when sign-in asks for a second factor; empty while there is none."
    )
    plan = models.CharField(
        max_length=20, default="standard", help_text="The subscription that decides how much of the API may be used."
    )
    date_joined = models.DateTimeField(default=clock.now, editable=False)

    # What apps.identity.principals adds for one request: which session or key the user came by, and when a second
    # factor was last shown in it.
    session_id: UUID | None = None
    verified_at: datetime | None = None
    on_staff_site: bool = False  # as apps.identity.staff_gate says
    api_key_id: UUID | None = None
    api_key_live: bool = True

    # A sign-in is no change of the record, and a hash never leaves its row.
    history = history(excluded_fields=["password", "last_login"])
    objects = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = []

    class Meta:
        ordering = ("email",)
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_lower_case"),
        ]

    def __str__(self) -> str:
        """How people are named to people: lists, pages, forms. The address is in the record, and in the audit trail."""
        return self.get_full_name()

    def get_full_name(self) -> str:
        return self.full_name or self.email

    def get_short_name(self) -> str:
        return self.full_name.split(" ", 1)[0] or self.email

    @cached_property
    def role_facts(self) -> tuple[tuple[str, str, frozenset[str]], ...]:
        """(code, scope, permissions) of each role held: at most one query, once for this instance."""
        held = getattr(self, "_prefetched_objects_cache", {}).get("user_roles")
        if held is None:
            held = self.user_roles.select_related("role").order_by("role__code")
        return tuple((item.role.code, item.role.scope, frozenset(item.role.permissions)) for item in held)

    @cached_property
    def permission_codes(self) -> frozenset[str]:
        """Every code the user holds; all of the registry for a superuser, none when deactivated."""
        if not self.is_active:
            return frozenset()
        if self.is_superuser:
            return frozenset(PERMISSIONS)
        return frozenset().union(*(permissions for _, _, permissions in self.role_facts))

    @cached_property
    def reach(self) -> str:
        """The widest scope of the roles, one of SCOPES."""
        if self.is_superuser:
            return "all"
        return max((scope for _, scope, _ in self.role_facts), key=SCOPES.index, default="own")

    @property
    def scope(self) -> str:
        """What decides: 'own', 'branch' (the branches in `branch_ids`) or 'all'."""
        return "branch" if self.reach == "tree" else self.reach

    @cached_property
    def branch_ids(self) -> tuple[UUID, ...]:
        """The branches that a user of branch scope reaches: the own one and, for `tree`, those below it. Else none."""
        if self.branch_id is None or self.scope != "branch":
            return ()
        return branches_below(self.branch_id) if self.reach == "tree" else (self.branch_id,)

    @property
    def role_codes(self) -> list[str]:
        return [code for code, _, _ in self.role_facts]

    def has_permission(self, code: str) -> bool:
        """Does any role of the user give this code? An unknown code is a programming error: KeyError."""
        if code not in PERMISSIONS:
            raise KeyError(f"permission code {code!r} is not in apps.identity.permissions")
        return code in self.permission_codes

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """django.contrib.admin's question, answered from our codes; see permissions.ADMIN_PERMISSIONS."""
        if not self.is_active:
            return False
        if self.is_superuser:
            return True
        code = ADMIN_PERMISSIONS.get(perm, perm)
        if code not in PERMISSIONS:
            app, _, action = perm.partition(".")
            code = f"{app}.view" if action.startswith("view_") else ""
        return code in self.permission_codes

    def has_perms(self, perm_list: list[str], obj: object = None) -> bool:
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        """Shows an app in the admin's index when the user holds any code of it."""
        if not self.is_active:
            return False
        return self.is_superuser or any(code.startswith(f"{app_label}.") for code in self.permission_codes)


class UserRole(models.Model):
    """One role held by one user, and who gave it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="user_roles")
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="user_roles")
    granted_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    granted_at = models.DateTimeField(default=clock.now, editable=False)

    history = history()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "role"], name="user_role_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role_id}"
