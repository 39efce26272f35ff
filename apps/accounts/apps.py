"""Deposit products and accounts."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "apps.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        """Offer the loaders of reference data; register what may need approval."""
        from apps.accounts import (
            actions,
            authority_actions,
            closing,
            exposure,
            fee_actions,
            jobs,
            product_actions,
            reference,
        )
        from apps.core.reference import loader_register

        loader_register("products", reference.products_load)
        actions.actions_register()
        authority_actions.actions_register()
        fee_actions.actions_register()
        product_actions.actions_register()
        exposure.register()
        closing.register()
        jobs.register()
