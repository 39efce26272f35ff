"""What budgets do at the close of business: tell of those that are nearly used up."""

from __future__ import annotations

from apps.budgets.models import Budget
from apps.budgets.services import alerts_raise
from apps.jobs.registry import CloseContext, CloseStep, Payload, step_register


def register() -> None:
    """Offer the step to the runner of the close."""
    step_register(CloseStep("budgets.alerts", "Alerts of budgets", order=820, run=_alerts, preview=_preview))


def _alerts(context: CloseContext, partition: str) -> Payload:
    return {"alerts": alerts_raise(day=context.business_date, at=context.at)}


def _preview(context: CloseContext, partition: str) -> Payload:
    return {"budgets": Budget.objects.filter(year=context.business_date.year, status="active").count()}
