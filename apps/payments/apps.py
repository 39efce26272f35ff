"""Payments: deposits, withdrawals, transfers, reversals, imports."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "apps.payments"
    label = "payments"
    verbose_name = "Payments"

    def ready(self) -> None:
        """Register what may need approval, and imports as a kind of job."""
        from apps.payments import actions, jobs

        actions.actions_register()
        jobs.register()
