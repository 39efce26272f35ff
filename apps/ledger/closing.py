"""What the ledger does at the close of business, and how the next business date begins.

The business date is rolled in one of two ways, by NUMINA_BUSINESS_DATE_ROLL: by the clock at midnight of the head
office (`automatic`), or by the last step of the close (`close_of_business`), which opens the next business day.
"""

from __future__ import annotations

from django.conf import settings

from apps.jobs.registry import CloseContext, CloseStep, Payload, business_day_register, step_register
from apps.jobs.selectors import calendar_of
from apps.ledger.sealing import journal_seal_all
from apps.ledger.selectors import business_date_current, unsealed_count
from apps.ledger.services import business_date_advance
from apps.ledger.totals import period_totals_keep, periods_without_totals


def rolls_by_clock() -> bool:
    """Is the business date rolled at midnight, and not by the close?"""
    return settings.NUMINA["BUSINESS_DATE_ROLL"] == "automatic"


def register() -> None:
    """Offer the business date and the ledger's steps to the runner of the close."""
    business_day_register(business_date_current)
    step_register(CloseStep("ledger.journal_seal", "Seal the journal", order=100, run=_seal, preview=_seal_preview))
    step_register(
        CloseStep("ledger.period_totals", "Keep totals of closed periods", order=110, run=_totals, preview=_missing)
    )
    step_register(
        CloseStep("ledger.business_date", "Open the next business date", order=900, run=_roll, preview=_roll_preview)
    )


def _seal(context: CloseContext, partition: str) -> Payload:
    return {"sealed": journal_seal_all(at=context.at)}


def _seal_preview(context: CloseContext, partition: str) -> Payload:
    return {"unsealed": unsealed_count()}


def _totals(context: CloseContext, partition: str) -> Payload:
    return {"periods": period_totals_keep()}


def _missing(context: CloseContext, partition: str) -> Payload:
    return {"periods": len(list(periods_without_totals()))}


def _roll(context: CloseContext, partition: str) -> Payload:
    """Open the next business date, unless the clock does it or the closed one is behind already."""
    plan = _roll_preview(context, partition)
    if "opens" in plan:
        business_date_advance(
            acting_user=context.acting_user, to=calendar_of().next_after(context.business_date), at=context.at
        )
    return plan


def _roll_preview(context: CloseContext, partition: str) -> Payload:
    current = business_date_current()
    if current > context.business_date:
        return {"open": current.isoformat()}
    if rolls_by_clock():
        return {"open": current.isoformat(), "rolled": "by the clock"}
    return {"opens": calendar_of().next_after(context.business_date).isoformat()}
