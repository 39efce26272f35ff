"""Payments: deposits, withdrawals, transfers, reversals, imports."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "apps.payments"
    label = "payments"
    verbose_name = "Payments"

    def ready(self) -> None:
        """Register what may need approval."""
        from apps.payments import actions

        actions.actions_register()
