"""Balances: the only door for money."""

from django.apps import AppConfig


class BalancesConfig(AppConfig):
    name = "apps.balances"
    label = "balances"
    verbose_name = "Balances"

    def ready(self) -> None:
        """Offer the proofs of the books as a job and to the close of business; register what may need approval."""
        from apps.balances import actions, closing

        closing.register()
        actions.actions_register()
