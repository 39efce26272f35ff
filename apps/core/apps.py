from django.apps import AppConfig


class CoreConfig(AppConfig):
    """The shared ground of every app: money, errors, clock, ids, API and admin base classes."""

    name = "apps.core"
    label = "core"
    verbose_name = "Core"
