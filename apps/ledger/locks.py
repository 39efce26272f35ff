"""Row locks of the ledger. Order: business day (advisory 7003) before anything else; docs/locking.md."""

from uuid import UUID

from django.db import connection

from apps.ledger.models import AccountingPeriod, BusinessDate, SealState


def business_day_lock() -> BusinessDate:
    """Stop postings until the transaction ends and return the business day: for cut-off and closing of periods."""
    if not connection.in_atomic_block:
        raise RuntimeError("business_day_lock needs an open transaction")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(7003)")
    return BusinessDate.objects.select_for_update().get(pk=1)


def period_lock(*, pk: UUID) -> AccountingPeriod | None:
    """The period, locked, or None."""
    return AccountingPeriod.objects.select_for_update().filter(pk=pk).first()


def seal_state_lock() -> SealState | None:
    """The sealer's state, locked; None while another sealer works."""
    return SealState.objects.select_for_update(skip_locked=True).filter(pk=1).first()
