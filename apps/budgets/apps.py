"""Budgets of the organisation: plans by branch, account and month, what became of them, and control of spending."""

from django.apps import AppConfig


class BudgetsConfig(AppConfig):
    """Budgets, their control of manual entries, and the alerts at the close of business."""

    name = "apps.budgets"
    label = "budgets"
    verbose_name = "Budgets"

    def ready(self) -> None:
        """Register the action, the control of manual entries, and the step of the close."""
        from apps.balances.controls import entry_control_register
        from apps.budgets import actions, closing, control

        actions.register()
        closing.register()
        entry_control_register(control.entry_check)
