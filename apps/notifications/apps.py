"""E-mail, in-app, SMS and web push: templates, preferences, delivery."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """E-mail, in-app, SMS and web push: templates, preferences, delivery."""

    name = "apps.notifications"
    label = "notifications"
    verbose_name = "Notifications"

    def ready(self) -> None:
        """Answer core's notices, which every app sends without importing this one; offer the metrics."""
        from apps.notifications import hooks, kinds, metrics

        hooks.register()
        kinds.register()
        metrics.register()
