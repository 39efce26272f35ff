"""Balances: the only door for money."""

from django.apps import AppConfig


class BalancesConfig(AppConfig):
    name = "apps.balances"
    label = "balances"
    verbose_name = "Balances"

    def ready(self) -> None:
        """Offer the proofs of the books as a job and to the close of business; register what may need approval."""
        from apps.balances import actions, closing, metrics
        from apps.balances.engine import notices  # noqa: F401 - makes its kind of notice known

        closing.register()
        actions.actions_register()
        metrics.register()
