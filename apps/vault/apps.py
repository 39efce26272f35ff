"""The vault: encryption of single fields, its keys, and their rotation."""

from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "apps.vault"
    label = "vault"
    verbose_name = "Encryption"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Offer the age of keys to whoever shows metrics."""
        from apps.vault import metrics

        metrics.register()
