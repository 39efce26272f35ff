"""The staff site: pages that bring the other apps together, and the site itself."""

from django.apps import AppConfig


class BackofficeConfig(AppConfig):
    """Composition without rules of its own."""

    name = "apps.backoffice"
    label = "backoffice"
