"""Instalments of recurring deposits: planned, taken from the source when due, missed at a penalty, paid late."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import F

from apps.accounts.errors import NoInstalmentOpen, TermDepositInvalid, TermDepositNotRunning
from apps.accounts.models import Account, AccountProduct, FeeCharge, ProductFee, TermDeposit, TermInstalment
from apps.accounts.partitions import range_of
from apps.accounts.selectors import fees_on
from apps.accounts.services._bank_postings import bank_posting, bank_transaction_id
from apps.accounts.services._fees import fee_amount
from apps.audit.services import record
from apps.balances import services as balances
from apps.balances.errors import AccountBlocked, AccountClosed, InsufficientFunds
from apps.balances.services import Leg
from apps.calculations.business_days import months_add
from apps.core.api.etag import version_check

if TYPE_CHECKING:
    from apps.identity.models import User

KIND = "instalment"
INSTALMENTS_MAX = 600
WAITS = (Account.Status.FROZEN, Account.Status.CREDIT_BLOCKED)
"""On an account that the bank has blocked like this nothing of a term is put in, missed, paid out or renewed."""
_MONTHS = {TermDeposit.Frequency.MONTHLY: 1, TermDeposit.Frequency.QUARTERLY: 3}


def instalment_dates(product: AccountProduct, starts_on: dt.date, months: int, frequency: str) -> list[dt.date]:
    """The days of the instalments of a term, the first day among them; none on an account that takes all at once.

    Raises `TermDepositInvalid` when product and frequency do not go together, or for more than 600.
    """
    if product.kind != AccountProduct.Kind.RECURRING:
        if frequency:
            raise TermDepositInvalid("Only of an account of a recurring product.", pointer="/frequency")
        return []
    if frequency not in TermDeposit.Frequency.values:
        raise TermDepositInvalid("How often an instalment is put in.", pointer="/frequency")
    ends_on = months_add(starts_on, months)
    dates = [starts_on]
    while True:
        number = len(dates)
        step = _MONTHS.get(TermDeposit.Frequency(frequency))
        day = months_add(starts_on, number * step) if step else starts_on + dt.timedelta(weeks=number)
        if day >= ends_on:
            return dates
        if number >= INSTALMENTS_MAX:
            raise TermDepositInvalid(f"At most {INSTALMENTS_MAX} instalments.", pointer="/months")
        dates.append(day)


def instalments_plan(term: TermDeposit, dates: Sequence[dt.date], *, first_paid: bool) -> None:
    """Note the instalments of a new term; with `first_paid` it was placed with the first one."""
    if term.instalment is None:
        return
    rows = [TermInstalment(term=term, number=n + 1, due_on=day, amount=term.instalment) for n, day in enumerate(dates)]
    if first_paid:
        rows[0].status, rows[0].paid_on = TermInstalment.Status.PAID, term.starts_on
    TermInstalment.objects.bulk_create(rows)


def instalments_end(term: TermDeposit, account: Account, day: dt.date, *, missed: bool) -> None:
    """The term is over: what is still due is missed, with its penalty, or not called for any more."""
    open_rows = term.instalments.filter(status=TermInstalment.Status.DUE)
    if missed:
        for row in open_rows:
            _miss(row, account, day)
    else:
        open_rows.update(status=TermInstalment.Status.DROPPED)


def instalments_collect(*, partition: str, business_date: dt.date, through: dt.date) -> dict[str, int]:
    """Take the instalments that are due by `through` from their sources, onto the accounts of a range.

    What a source refuses is tried at each close of its days of grace, then it is missed and its penalty noted; those of
    an account that the bank has blocked wait. Each in a transaction of its own, which a repetition finds done. Returns
    facts: collected, late, missed.
    """
    low, high = range_of(partition)
    open_rows = TermInstalment.objects.filter(
        status=TermInstalment.Status.DUE,
        due_on__lte=through,
        term__status=TermDeposit.Status.ACTIVE,
        term__account__ledger_account__gte=low,
        term__account__ledger_account__lte=high,
    )
    due = open_rows.exclude(term__account__status__in=WAITS).select_related(
        "term__terms", "term__account", "term__payout_account"
    )
    facts = {"collected": 0, "late": 0, "missed": 0}
    for row in due.order_by("due_on", "pk"):
        try:
            facts["collected"] += _collect(row, business_date, actor_id=None)
        except (InsufficientFunds, AccountBlocked, AccountClosed):
            if row.due_on + dt.timedelta(days=row.term.terms.grace_days) > through:
                facts["late"] += 1
            else:
                with transaction.atomic():
                    facts["missed"] += _miss(row, row.term.account, business_date)
    return facts


def term_instalment_pay(
    *, acting_user: User | None, term_id: UUID, expected_version: int, today: dt.date
) -> TermInstalment:
    """Pay the oldest instalment that is open by today, missed ones among them, from the source, at once.

    Raises `TermDepositNotRunning`, `PreconditionFailed`, `NoInstalmentOpen`, and what the posting refuses
    (`InsufficientFunds`, `AccountBlocked`, `AccountClosed`).
    """
    term = TermDeposit.objects.filter(pk=term_id, status=TermDeposit.Status.ACTIVE).first()
    if term is None:
        raise TermDepositNotRunning
    version_check(current=term.version, expected=expected_version)
    wanted = (TermInstalment.Status.DUE, TermInstalment.Status.MISSED)
    rows = TermInstalment.objects.filter(term=term, status__in=wanted, due_on__lte=today).order_by("number")
    row = rows.select_related("term__account", "term__payout_account").first()
    if row is None or not _collect(row, today, actor_id=acting_user.pk if acting_user else None):
        raise NoInstalmentOpen
    row.refresh_from_db()
    record(
        action="accounts.term.instalment_paid",
        acting_user=acting_user,
        target=row.term.account,
        after={"number": row.number, "due_on": row.due_on, "amount": row.amount},
    )
    return row


def _collect(row: TermInstalment, business_date: dt.date, *, actor_id: UUID | None) -> bool:
    """Move one instalment; False when somebody else did, or the term has ended meanwhile."""
    term = row.term
    account, source = term.account, term.payout_account
    value = max(row.due_on, business_date)
    key = f"{KIND}:{row.pk}:{business_date}"
    with balances.in_database([source.ledger_account_id, account.ledger_account_id], actor_id=actor_id) as book:
        open_rows = TermInstalment.objects.filter(
            pk=row.pk,
            status__in=(TermInstalment.Status.DUE, TermInstalment.Status.MISSED),
            term__status=TermDeposit.Status.ACTIVE,
        )
        if not open_rows.update(
            status=TermInstalment.Status.PAID, paid_on=value, transaction_id=bank_transaction_id(key)
        ):
            return False
        legs = (
            Leg(source.ledger_account_id, -row.amount, source.currency),
            Leg(account.ledger_account_id, row.amount, account.currency),
        )
        book.post(
            bank_posting(
                key=key,
                kind=KIND,
                legs=legs,
                business_date=business_date,
                value_date=value,
                description=f"Instalment {row.number} of {account.number}",
            )
        )
        TermDeposit.objects.filter(pk=term.pk).update(principal=F("principal") + row.amount, version=F("version") + 1)
    return True


def _miss(row: TermInstalment, account: Account, day: dt.date) -> int:
    """It was not there in time: note that, and the penalty, once."""
    rows = TermInstalment.objects.filter(pk=row.pk, status=TermInstalment.Status.DUE)
    if not rows.update(status=TermInstalment.Status.MISSED):
        return 0
    charges = [
        FeeCharge(account=account, fee=fee, period=row.due_on, base=row.amount, amount=amount, due_on=day)
        for fee in fees_on(day=day, kinds=[ProductFee.Kind.MISSED], product_id=account.product_id)
        if (amount := fee_amount(fee, row.amount))
    ]
    FeeCharge.objects.bulk_create(charges, ignore_conflicts=True)
    return 1
