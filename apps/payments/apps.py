"""Payments: deposits, withdrawals, transfers, reversals, imports."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "apps.payments"
    label = "payments"
    verbose_name = "Payments"

    def ready(self) -> None:
        """Register what may need approval, kinds of jobs, what a locked-out user and a closed account leave."""
        from apps.identity.leavers import leaving_register
        from apps.payments import actions, closures, jobs
        from apps.payments.services import instructions_suspend

        actions.actions_register()
        jobs.register()
        closures.register()
        leaving_register(instructions_suspend)
