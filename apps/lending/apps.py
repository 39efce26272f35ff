"""Lending: products, applications, loans with their schedules, events and standing."""

from django.apps import AppConfig


class LendingConfig(AppConfig):
    name = "apps.lending"
    label = "lending"
    verbose_name = "Lending"

    def ready(self) -> None:
        """Register what may need approval, and the steps of the close of business."""
        from apps.lending import actions, closing

        actions.actions_register()
        closing.register()
