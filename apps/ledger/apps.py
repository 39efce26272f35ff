"""The ledger: one journal for the whole bank."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "apps.ledger"
    label = "ledger"
    verbose_name = "General ledger"

    def ready(self) -> None:
        """Offer the loaders of reference data, the journal's chain for the daily anchor, and its part in a close."""
        from apps.audit.anchors import chain_register
        from apps.core.reference import loader_register
        from apps.ledger import closing, reference, sealing

        loader_register("currencies", reference.currencies_load)
        loader_register("chart_of_accounts", reference.chart_load)
        chain_register("journal", sealing.chain_head)
        closing.register()
