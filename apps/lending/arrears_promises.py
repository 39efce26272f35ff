"""Promises to pay, pauses of arrears, and who looks after a loan."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction

from apps.audit.services import record
from apps.core.errors import InvalidAmount, NotFound
from apps.core.text import text_clean
from apps.lending import locks
from apps.lending.errors import EventDateNotAllowed, LoanStateWrong
from apps.lending.models import Loan, LoanEvent, LoanOfficer, LoanPause, PaymentPromise

if TYPE_CHECKING:
    from apps.identity.models import User

PAYS = (LoanEvent.Kind.REPAYMENT, LoanEvent.Kind.PAYOFF)


def _active(loan_id: UUID) -> Loan:
    loan = locks.loan_lock(pk=loan_id)
    if loan is None:
        raise NotFound("No such loan.")
    if loan.status != Loan.Status.ACTIVE:
        raise LoanStateWrong(f"The loan is {loan.get_status_display().lower()}.")
    return loan


@transaction.atomic
def promise_make(
    *, acting_user: User | None, loan_id: UUID, due_on: dt.date, amount: int, note: str = "", today: dt.date,
    at: dt.datetime,
) -> PaymentPromise:  # fmt: skip
    """Note what a borrower promised: `amount` minor units by `due_on`. Raises NotFound, LoanStateWrong, InvalidAmount,
    EventDateNotAllowed for a day that has passed."""
    loan = _active(loan_id)
    if amount <= 0:
        raise InvalidAmount("The amount must be above zero.", pointer="/amount")
    if due_on < today:
        raise EventDateNotAllowed("A promise is for today or later.", pointer="/due_on")
    promise = PaymentPromise.objects.create(
        loan=loan, made_on=today, due_on=due_on, amount=amount, taken_by=acting_user,
        note=text_clean(note, max_length=200, pointer="/note"),
    )  # fmt: skip
    after = {"loan": loan.number, "due_on": str(due_on), "amount": amount}
    record(action="lending.promise.made", acting_user=acting_user, target=promise, after=after, at=at)
    return promise


def promises_settle(*, business_date: dt.date) -> dict[str, int]:
    """Say of promises up to a date whether they were kept: paid since they were made, so much or more.

    Facts: kept, missed. A promise is settled once.
    """
    kept = missed = 0
    open_ones = PaymentPromise.objects.filter(status=PaymentPromise.Status.OPEN, due_on__lte=business_date)
    for promise in open_ones.order_by("pk"):
        events = LoanEvent.objects.filter(
            loan=promise.loan_id, kind__in=PAYS, reversed_at__isnull=True, value_date__gte=promise.made_on,
            value_date__lte=promise.due_on,
        )  # fmt: skip
        is_kept = sum(events.values_list("amount", flat=True)) >= promise.amount
        status = PaymentPromise.Status.KEPT if is_kept else PaymentPromise.Status.MISSED
        PaymentPromise.objects.filter(pk=promise.pk, status=PaymentPromise.Status.OPEN).update(
            status=status, settled_on=business_date, version=promise.version + 1
        )
        kept, missed = kept + is_kept, missed + (not is_kept)
    return {"kept": kept, "missed": missed}


@transaction.atomic
def pause_add(
    *, acting_user: User | None, loan_id: UUID, starts_on: dt.date, ends_on: dt.date, reason: str, today: dt.date,
    at: dt.datetime,
) -> LoanPause:  # fmt: skip
    """Days on which arrears do not grow older. Closes that are done stay as they were.

    Raises NotFound, LoanStateWrong, InvalidText without a reason, EventDateNotAllowed for an end before the start.
    """
    loan = _active(loan_id)
    if ends_on <= starts_on:
        raise EventDateNotAllowed("A pause ends after it begins.", pointer="/ends_on")
    pause = LoanPause.objects.create(
        loan=loan, starts_on=starts_on, ends_on=ends_on, entered_on=today, entered_by=acting_user,
        reason=text_clean(reason, max_length=200, min_length=3, pointer="/reason"),
    )  # fmt: skip
    after = {"loan": loan.number, "starts_on": str(starts_on), "ends_on": str(ends_on), "reason": pause.reason}
    record(action="lending.pause.added", acting_user=acting_user, target=pause, after=after, at=at)
    return pause


@transaction.atomic
def officer_set(
    *, acting_user: User | None, loan_id: UUID, officer: User, today: dt.date, at: dt.datetime
) -> LoanOfficer:
    """Give a loan to somebody to look after. Raises NotFound."""
    loan = locks.loan_lock(pk=loan_id)
    if loan is None:
        raise NotFound("No such loan.")
    row, _ = LoanOfficer.objects.update_or_create(loan=loan, defaults={"user": officer, "since": today})
    record(action="lending.loan.officer", acting_user=acting_user, target=loan, after={"officer": str(officer)}, at=at)
    return row
