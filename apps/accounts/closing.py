"""What accounts do at the close of business: instalments, balances by day, interest, fees, dormancy, terms that end.

Orders 200 to 799 are for what posts; see apps.jobs.registry.
"""

from __future__ import annotations

import calendar
import datetime as dt
from uuid import UUID

from apps.accounts import services
from apps.accounts.partitions import ranges_with_accounts
from apps.balances.controls import entry_owner_register
from apps.jobs.registry import (
    CloseContext,
    CloseStep,
    JobKind,
    JobResult,
    JobRun,
    Payload,
    kind_register,
    step_register,
)
from apps.jobs.selectors import calendar_of
from apps.ledger.closing import rolls_by_clock
from apps.ledger.sealing import journal_seal_all
from apps.ledger.selectors import business_date_current


def accrued_through(business_date: dt.date) -> dt.date:
    """The last day whose interest belongs to the close of a business date.

    By the clock each day is closed, and that is it. Otherwise the days up to the next business date go with it, since
    nothing moves on them; but not beyond the end of the month, whose books have the interest of its own days.
    """
    if rolls_by_clock():
        return business_date
    month_end = business_date.replace(day=calendar.monthrange(business_date.year, business_date.month)[1])
    return min(calendar_of().next_after(business_date) - dt.timedelta(days=1), month_end)


def _owner(kind: str, transaction_id: UUID) -> str:
    return {"dividend": "a dividend", "term_deposit": "a term deposit"}.get(kind, "")


def register() -> None:
    """Offer the steps to the runner of the close, and say which entries are of a term deposit or a dividend."""
    entry_owner_register(_owner)
    for name, title, order, run in (
        ("accounts.instalments", "Instalments of recurring deposits", 200, _instalments),
        ("accounts.day_balances", "Balances by day", 210, _fold_sealed),
        ("accounts.interest_accrue", "Accrue interest", 300, _accrue),
        ("accounts.fees_assess", "Note fees that are due", 320, _fees_assess),
        ("accounts.fees_charge", "Charge fees", 330, _fees_charge),
        ("accounts.interest_post", "Pay interest that is due", 340, _post),
        ("accounts.dormancy", "Dormant accounts", 350, _rest),
        ("accounts.blocks_end", "Blocks that end", 360, _blocks_end),
        ("accounts.maturities", "Term deposits that are due", 370, _mature),
        ("accounts.final_balances", "Balances at the end of the day", 790, _fold_sealed),
    ):
        step_register(CloseStep(name, title, order=order, run=run, partitions=_parts))
    step_register(CloseStep("accounts.interest_entries", "Book accrued interest", order=310, run=_entries))
    kind_register(JobKind(services.DIVIDEND_JOB, "Payment of a dividend", run=_dividend, queue="bulk", check=dict))


def _parts(context: CloseContext) -> list[str]:
    return ranges_with_accounts()


def _instalments(context: CloseContext, partition: str) -> Payload:
    through = accrued_through(context.business_date)
    return services.instalments_collect(partition=partition, business_date=context.business_date, through=through)


def _fold_sealed(context: CloseContext, partition: str) -> Payload:
    """With what the steps before have posted, which is sealed first."""
    journal_seal_all(at=context.at)
    return services.day_balances_fold(partition=partition)


def _accrue(context: CloseContext, partition: str) -> Payload:
    through = accrued_through(context.business_date)
    return services.interest_accrue(partition=partition, business_date=context.business_date, through=through)


def _entries(context: CloseContext, partition: str) -> Payload:
    return services.interest_entries_post(business_date=context.business_date)


def _post(context: CloseContext, partition: str) -> Payload:
    through = accrued_through(context.business_date)
    return services.interest_post(partition=partition, business_date=context.business_date, through=through)


def _fees_assess(context: CloseContext, partition: str) -> Payload:
    through = accrued_through(context.business_date)
    return services.fees_assess(partition=partition, business_date=context.business_date, through=through)


def _fees_charge(context: CloseContext, partition: str) -> Payload:
    return services.fees_charge(partition=partition, business_date=context.business_date)


def _rest(context: CloseContext, partition: str) -> Payload:
    return services.accounts_rest(partition=partition, business_date=context.business_date)


def _blocks_end(context: CloseContext, partition: str) -> Payload:
    return services.account_blocks_end(partition=partition, business_date=context.business_date)


def _mature(context: CloseContext, partition: str) -> Payload:
    through = accrued_through(context.business_date)
    return services.term_deposits_mature(partition=partition, business_date=context.business_date, through=through)


def _dividend(run: JobRun) -> JobResult:
    dividend_id = run.payload["dividend_id"]
    facts = services.dividend_shares_pay(
        dividend_id=UUID(dividend_id),
        business_date=business_date_current(),
        on_progress=lambda done, total: run.progress(done=done, total=total, message="Accounts"),
    )
    return JobResult(facts, url=f"/api/v1/dividends/{dividend_id}")
