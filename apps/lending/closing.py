"""What lending does at the close of business: penalties, accrual with ageing, provisions, alerts, and the proof.

Orders 200 to 799 are for what posts; see apps.jobs.registry. The figures of a date are those of its evening.
"""

from __future__ import annotations

from apps.jobs.registry import CloseContext, CloseStep, Payload, step_register
from apps.lending import alerts
from apps.lending.arrears_penalties import loans_penalise
from apps.lending.closing_accrual import loans_accrue
from apps.lending.closing_lines import credit_lines_provide
from apps.lending.closing_parts import ranges_with_loans
from apps.lending.closing_proof import loans_prove
from apps.lending.credit_lines import credit_lines_accrue
from apps.lending.provisions import loans_provide


def register() -> None:
    """Offer the steps to the runner of the close."""
    for step in (
        CloseStep("lending.penalties", "Penalties on late loans", order=400, run=_penalise, partitions=_parts),
        CloseStep("lending.accrue", "Age loans and accrue their interest", order=410, run=_accrue, partitions=_parts),
        CloseStep("lending.lines", "Accrue the interest of credit lines", order=415, run=_lines),
        CloseStep("lending.provide", "Provide for loans", order=420, run=_provide, partitions=_parts),
        CloseStep("lending.lines_provide", "Age credit lines and provide for them", order=421, run=_lines_provide),
        CloseStep("lending.alerts", "Tell borrowers and officers", order=500, run=alerts.step),
        CloseStep("lending.prove", "Prove loans against the books", order=780, run=_prove, preview=_prove),
    ):
        step_register(step)


def _parts(context: CloseContext) -> list[str]:
    return ranges_with_loans()


def _penalise(context: CloseContext, partition: str) -> Payload:
    return loans_penalise(partition=partition, business_date=context.business_date)


def _accrue(context: CloseContext, partition: str) -> Payload:
    return loans_accrue(partition=partition, business_date=context.business_date)


def _lines(context: CloseContext, partition: str) -> Payload:
    return credit_lines_accrue(business_date=context.business_date)


def _lines_provide(context: CloseContext, partition: str) -> Payload:
    return credit_lines_provide(business_date=context.business_date)


def _provide(context: CloseContext, partition: str) -> Payload:
    return loans_provide(partition=partition, business_date=context.business_date)


def _prove(context: CloseContext, partition: str) -> Payload:
    return loans_prove(business_date=context.business_date)
