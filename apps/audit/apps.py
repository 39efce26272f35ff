"""The audit app: who did what, when, from where and why."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "apps.audit"
    label = "audit"
    verbose_name = "Audit"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Answer core's hooks: lower layers record through them without importing this app. Make our work known."""
        from apps.audit import exporting, hooks

        hooks.register()
        exporting.register()
