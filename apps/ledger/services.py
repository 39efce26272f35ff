"""Writes of the ledger that move no money: chart, accounts to post to, periods, business day, reference data.

Postings are in `apps.balances`, the seal of the journal in `apps.ledger.sealing`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction

from apps.audit.services import record
from apps.core.errors import NotFound, PreconditionFailed
from apps.core.trail import history_stamp
from apps.ledger import locks
from apps.ledger.errors import (
    BusinessDateBackwards,
    CurrencyNotKept,
    GLAccountNotFound,
    GLAccountNotPostable,
    PeriodInvalid,
    PeriodNotClosable,
    PeriodOverlaps,
)
from apps.ledger.models import AccountingPeriod, BusinessDate, Currency, GLAccount, LedgerAccount

if TYPE_CHECKING:
    from apps.identity.models import User

BATCH_SIZE = 1_000


def ledger_account_create(
    *, gl_code: str, branch_id: UUID, currency: str, kind: str, number: str, name: str, stripe: int = 0
) -> LedgerAccount:
    """Create an account to post to under a node of the chart. The caller creates its balance in the same transaction.

    Raises `GLAccountNotFound`, `GLAccountNotPostable` for a header, an inactive node, or a customer's account outside a
    control account, and `CurrencyNotKept`.
    """
    gl_account = _gl_account_usable(gl_code, kind)
    _currency_check(currency)
    return LedgerAccount.objects.create(
        gl_account=gl_account,
        branch_id=branch_id,
        currency_id=currency,
        kind=kind,
        number=number,
        name=name,
        stripe=stripe,
    )


def ledger_accounts_create(
    *, gl_code: str, currency: str, kind: str, rows: Sequence[tuple[UUID, str, str]]
) -> list[LedgerAccount]:
    """Create many accounts under one node of the chart: (branch id, number, name) each. As `ledger_account_create`."""
    gl_account = _gl_account_usable(gl_code, kind)
    _currency_check(currency)
    return LedgerAccount.objects.bulk_create(
        [
            LedgerAccount(
                gl_account=gl_account, branch_id=branch_id, currency_id=currency, kind=kind, number=number, name=name
            )
            for branch_id, number, name in rows
        ],
        batch_size=BATCH_SIZE,
    )


def _currency_check(code: str) -> None:
    if not Currency.objects.filter(pk=code, is_enabled=True).exists():
        raise CurrencyNotKept(f"The bank keeps no books in {code}.")


def _gl_account_usable(gl_code: str, kind: str) -> GLAccount:
    """The chart's node, when accounts of this kind may hang under it."""
    gl_account = GLAccount.objects.filter(code=gl_code).first()
    if gl_account is None:
        raise GLAccountNotFound(f"The chart of accounts has no {gl_code}.")
    wanted = GLAccount.Usage.CONTROL if kind == LedgerAccount.Kind.CUSTOMER else GLAccount.Usage.DETAIL
    usable = gl_account.usage == wanted or (kind == LedgerAccount.Kind.INTERNAL and gl_account.usage == "control")
    if not gl_account.is_active or not usable:
        raise GLAccountNotPostable(f"{gl_account} takes no {kind} accounts.")
    return gl_account


@transaction.atomic
def period_create(*, acting_user: User | None, code: str, starts_on: dt.date, ends_on: dt.date) -> AccountingPeriod:
    """Add an open accounting period. Raises `PeriodInvalid` and `PeriodOverlaps`."""
    if ends_on < starts_on:
        raise PeriodInvalid(pointer="/ends_on")
    try:
        with transaction.atomic():
            period = AccountingPeriod.objects.create(code=code, starts_on=starts_on, ends_on=ends_on)
    except IntegrityError as error:
        raise PeriodOverlaps("A period with this code or some of these dates exists.") from error
    record(
        action="ledger.period.created",
        acting_user=acting_user,
        target=period,
        after={"code": code, "starts_on": str(starts_on), "ends_on": str(ends_on)},
    )
    return period


@transaction.atomic
def period_close(
    *, acting_user: User | None, period_id: UUID, at: dt.datetime, version: int | None = None
) -> AccountingPeriod:
    """Close a period for postings, for good. Waits for postings under way. Closing a closed period does nothing.

    Raises `NotFound`, `PreconditionFailed` when `version` is given and is not the period's, and `PeriodNotClosable`
    while the open business day or an open earlier period stands in the way.
    """
    today = locks.business_day_lock().current
    period = locks.period_lock(pk=period_id)
    if period is None:
        raise NotFound
    if version is not None and version != period.version:
        raise PreconditionFailed
    if period.status == AccountingPeriod.Status.CLOSED:
        return period
    if period.ends_on >= today:
        raise PeriodNotClosable(f"The open business day is {today}, the period ends on {period.ends_on}.")
    earlier = AccountingPeriod.objects.filter(ends_on__lt=period.starts_on, status=AccountingPeriod.Status.OPEN).first()
    if earlier is not None:
        raise PeriodNotClosable(f"Period {earlier.code} before it is still open.")
    period.status = AccountingPeriod.Status.CLOSED
    period.closed_at = at
    period.closed_by = acting_user
    period.version += 1
    history_stamp(period, acting_user=acting_user, reason="closed")
    period.save()
    record(
        action="ledger.period.closed",
        acting_user=acting_user,
        target=period,
        before={"status": "open"},
        after={"status": "closed"},
    )
    return period


@transaction.atomic
def business_date_advance(*, acting_user: User | None, to: dt.date, at: dt.datetime) -> dt.date:
    """Cut off the open business day and open `to`. Waits for postings under way; later ones belong to the new day.

    Raises `BusinessDateBackwards`. Advancing to the open day does nothing.
    """
    day = locks.business_day_lock()
    if to < day.current:
        raise BusinessDateBackwards(f"The open business day is {day.current}.")
    if to == day.current:
        return to
    before, day.current, day.changed_at = day.current, to, at
    day.save()
    record(
        action="ledger.business_date.advanced",
        acting_user=acting_user,
        target=day,
        before={"current": str(before)},
        after={"current": str(to)},
    )
    return to


def business_date_roll(*, at: dt.datetime, time_zone: str) -> dt.date:
    """Open the calendar day of the head office when the open business day lies behind it; return the open day."""
    calendar_day = at.astimezone(ZoneInfo(time_zone)).date()
    current = BusinessDate.objects.values_list("current", flat=True).get(pk=1)
    if calendar_day <= current:
        return current
    try:
        return business_date_advance(acting_user=None, to=calendar_day, at=at)
    except BusinessDateBackwards:  # somebody else went further at this moment
        return BusinessDate.objects.values_list("current", flat=True).get(pk=1)
