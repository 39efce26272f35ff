"""Payments: deposits, withdrawals, transfers, reversals, imports."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "apps.payments"
    label = "payments"
    verbose_name = "Payments"

    def ready(self) -> None:
        """Register what may need approval, imports as a kind of job, and what is paused when its user is locked out."""
        from apps.identity.leavers import leaving_register
        from apps.payments import actions, jobs
        from apps.payments.services import instructions_suspend

        actions.actions_register()
        jobs.register()
        leaving_register(instructions_suspend)
