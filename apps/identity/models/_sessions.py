"""Sessions of people and keys of machines. What opens a door is stored as a hash or an id, never as itself."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.core import clock
from apps.core.ids import uuid7
from apps.identity.models._people import User


class Session(models.Model):
    """One sign-in, through the API or on the staff site.

    Of the API it is the family of tokens that grew from it.

    Only the newest refresh token (`refresh_jti`) works; an older one was stolen or replayed, and ends the session.
    No token is stored, only its random id.
    """

    class Place(models.TextChoices):
        API = "api", "API"
        STAFF = "staff", "Staff site"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="sessions")
    refresh_jti = models.UUIDField()
    created_at = models.DateTimeField(default=clock.now, editable=False)
    refreshed_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(help_text="No refresh later than this, however often it was refreshed.")
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoke_reason = models.CharField(max_length=40, blank=True)
    ip = models.GenericIPAddressField(null=True, blank=True)
    place = models.CharField(max_length=10, choices=Place.choices, default=Place.API)
    user_agent = models.CharField(max_length=200, blank=True)
    device = models.CharField(max_length=64, blank=True, help_text="Hash of the device's own id.")
    web_key = models.CharField(max_length=64, blank=True, help_text="Key of the staff site's session.")
    verified_at = models.DateTimeField(
        null=True, blank=True, help_text="When the second factor, or the password where there is none, was last shown."
    )

    class Meta:
        ordering = ("-created_at",)
        indexes: ClassVar = [
            models.Index(fields=["user", "-created_at"], name="session_user"),
            models.Index(fields=["expires_at"], name="session_expires"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.created_at:%Y-%m-%d %H:%M}"


class ApiKey(models.Model):
    """A machine's key: acts as `user`, with no more than the permissions named here, until it expires.

    The key itself (`nk_live_...`, `nk_test_...`) is shown once, when it is made; only its hash is kept.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="api_keys")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=24, unique=True, help_text="The part that may be shown and logged.")
    secret_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the whole key.")
    permissions = ArrayField(models.CharField(max_length=80), default=list)
    is_live = models.BooleanField(default=True, help_text="Off: a key for trying out (nk_test_).")
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="To the minute.")
    last_used_ip = models.GenericIPAddressField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoke_reason = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ("-created_at",)
        verbose_name = "API key"
        indexes: ClassVar = [models.Index(fields=["user", "-created_at"], name="api_key_user")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"
