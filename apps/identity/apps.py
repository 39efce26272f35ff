"""The identity app: people who use Numina, their roles, the branches they work in."""

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    name = "apps.identity"
    label = "identity"
    verbose_name = "People and access"
    default_auto_field = "django.db.models.BigAutoField"
