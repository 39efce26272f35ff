"""Keys and rotations on the staff site. No page shows a key: only its wrapped form exists outside of memory."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from apps.core import clock, display
from apps.core.admin import NuminaAdmin
from apps.vault.models import DataKey, Rotation


@admin.register(DataKey)
class DataKeyAdmin(NuminaAdmin):
    """Data keys: what for, how old, wrapped by which master."""

    view_permission = "vault.view"
    list_title = "Encryption keys"
    empty_text = "The first key is made when the first field is encrypted."
    subtitle = "Encryption key"
    list_display = ("number", "purpose", "state", "age", "master", "created_at", "retired_at")
    list_filter = ("purpose", "status")
    fields = ("purpose", "status", "age", "master", "created_at", "retired_at")

    @admin.display(description="Key", ordering="id")
    def number(self, key: DataKey) -> str:
        return f"Key {key.pk}"

    @admin.display(description="Status", ordering="status")
    def state(self, key: DataKey) -> SafeString:
        if key.retired_at:
            return display.chip("Nothing left under it", "plain")
        return display.chip(key.get_status_display(), "good" if key.status == "active" else "warn")

    @admin.display(description="Age")
    def age(self, key: DataKey) -> str:
        return f"{(clock.now() - key.created_at).days} days"


@admin.register(Rotation)
class RotationAdmin(NuminaAdmin):
    """Rotations: how far, and since when."""

    view_permission = "vault.view"
    list_title = "Key rotations"
    empty_text = "manage.py rotate_keys changes the keys; each time stands here with its progress."
    subtitle = "Rotation of keys"
    list_display = ("created_at", "state", "progress", "reason", "finished_at")
    fields = ("status", "progress", "data_key", "index_key", "reason", "created_at", "finished_at")

    @admin.display(description="Status", ordering="status")
    def state(self, rotation: Rotation) -> SafeString:
        return display.chip(rotation.get_status_display(), "good" if rotation.status == "done" else "info")

    @admin.display(description="Values")
    def progress(self, rotation: Rotation) -> str:
        return f"{display.count_text(rotation.done)} of {display.count_text(rotation.total)}"
