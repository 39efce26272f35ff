"""Lending: products, applications, loans with their schedules, events and standing."""

from django.apps import AppConfig


class LendingConfig(AppConfig):
    name = "apps.lending"
    label = "lending"
    verbose_name = "Lending"

    def ready(self) -> None:
        """Register what may need approval, steps of the close of business, what keeps accounts open, and products."""
        from apps.core.reference import loader_register
        from apps.lending import actions, closing, closures, exposure, product_actions, reference

        actions.actions_register()
        product_actions.actions_register()
        exposure.register()
        closing.register()
        closures.register()
        loader_register("loan_products", reference.loan_products_load)
