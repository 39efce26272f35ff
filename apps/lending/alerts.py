"""What borrowers and loan officers are told: due soon, overdue, a missed promise, a credit line nearly used up."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db.models import F

from apps.core.notices import EMAIL, IN_APP, SMS, Amount, Kind, Texts, kind_register, notify
from apps.jobs.registry import CloseContext
from apps.lending.arrears_promises import promises_settle
from apps.lending.closing_parts import horizon_of, rows_of
from apps.lending.models import Loan, PaymentPromise

DAYS_BEFORE = 3
DAYS_LATE = (1, 7, 30, 60, 90)
USED_SHARE = 90
REVIEW_DAYS = 14


@dataclass(frozen=True)
class LoanDue:
    """An instalment that falls due."""

    loan: str
    amount: Amount
    due: dt.date


@dataclass(frozen=True)
class LoanLate:
    """A loan that is late."""

    loan: str
    amount: Amount
    days: int


@dataclass(frozen=True)
class PromiseMissed:
    """What was promised and did not come."""

    loan: str
    member: str
    amount: Amount
    due: dt.date


@dataclass(frozen=True)
class LineUsed:
    """What is left of a credit line."""

    line: str
    left: Amount


@dataclass(frozen=True)
class LineReview:
    """When a credit line is to be reviewed."""

    line: str
    review: dt.date


_SAMPLE, _DAY = Amount(125_000, "KES"), dt.date(2026, 1, 31)
DUE_SOON = kind_register(
    Kind(
        "lending.due_soon", "An instalment is due soon", LoanDue("5000000017", _SAMPLE, _DAY),
        {"en": Texts("{amount} due on {due}", "The next instalment of your loan {loan}, {amount}, is due on {due}.")},
        channels=frozenset({IN_APP, EMAIL, SMS}),
    )
)  # fmt: skip
OVERDUE = kind_register(
    Kind(
        "lending.overdue", "An instalment is overdue", LoanLate("5000000017", _SAMPLE, 7),
        {"en": Texts("{amount} overdue", "Loan {loan} is {days} days late: {amount} is overdue. Please pay or call.")},
        channels=frozenset({IN_APP, EMAIL, SMS}), fixed=frozenset({IN_APP}),
    )
)  # fmt: skip
PROMISE_MISSED = kind_register(
    Kind(
        "lending.promise_missed", "A promise to pay was not kept",
        PromiseMissed("5000000017", "Alice Wanjiku", _SAMPLE, _DAY),
        {"en": Texts("{member} did not pay", "{member} promised {amount} for loan {loan} by {due}; it did not come.")},
        channels=frozenset({IN_APP}),
    )
)  # fmt: skip
LINE_USED = kind_register(
    Kind(
        "lending.line_used", "A credit line is nearly used up", LineUsed("5000000025", _SAMPLE),
        {"en": Texts("{left} left on your credit line", "Of your credit line {line} {left} is left.")},
        channels=frozenset({IN_APP}),
    )
)  # fmt: skip
LINE_REVIEW = kind_register(
    Kind(
        "lending.line_review", "A credit line is to be reviewed", LineReview("5000000025", _DAY),
        {"en": Texts("Review of credit line {line}", "The credit line {line} is to be reviewed by {review}.")},
        channels=frozenset({IN_APP}),
    )
)  # fmt: skip

_LINES = """
SELECT l.id, l.number, l.currency, m.user_id, l.decided_by_id, l.limit + b.balance, l.limit, l.review_on
  FROM lending_creditline l JOIN members_member m ON m.id = l.member_id
  JOIN balances_balance b ON b.account_id = l.principal_account_id
 WHERE l.status = 'active'
   AND (-b.balance * 100 >= l.limit * %(share)s OR l.review_on BETWEEN %(day)s AND %(review)s)
"""


def alerts_send(*, business_date: dt.date, at: dt.datetime) -> dict[str, int]:
    """Tell those whom a date concerns, each thing once; settle promises first. Facts: sent by kind, kept, missed."""
    facts = promises_settle(business_date=business_date)
    facts |= {"due": _due(business_date, at), "overdue": _overdue(business_date, at)}
    facts |= {"promises": _promises(business_date, at), "lines": _lines(business_date, at)}
    return facts


def _due(day: dt.date, at: dt.datetime) -> int:
    soon = horizon_of(day) + dt.timedelta(days=DAYS_BEFORE - 1)
    sent = 0
    loans = Loan.objects.filter(
        status=Loan.Status.ACTIVE, member__user__isnull=False, standing__next_due_on__gt=day,
        standing__next_due_on__lte=soon,
    ).select_related("member", "standing")  # fmt: skip
    for loan in loans.iterator():
        standing = loan.standing
        if standing.next_due_on is None or loan.member.user_id is None:
            continue
        context = LoanDue(loan.number, Amount(standing.next_due_amount, loan.currency), standing.next_due_on)
        key = f"{loan.pk}:{standing.next_due_on}"
        sent += len(notify(DUE_SOON, recipients=[loan.member.user_id], context=context, at=at, key=key, bulk=True))
    return sent


def _overdue(day: dt.date, at: dt.datetime) -> int:
    sent = 0
    loans = Loan.objects.filter(
        status=Loan.Status.ACTIVE, member__user__isnull=False, standing__days_past_due__in=DAYS_LATE
    ).select_related("member", "standing")
    for loan in loans.iterator():
        standing = loan.standing
        if loan.member.user_id is None:
            continue
        context = LoanLate(loan.number, Amount(standing.overdue_total, loan.currency), standing.days_past_due)
        key = f"{loan.pk}:{standing.overdue_since}:{standing.days_past_due}"
        sent += len(notify(OVERDUE, recipients=[loan.member.user_id], context=context, at=at, key=key, bulk=True))
    return sent


def _promises(day: dt.date, at: dt.datetime) -> int:
    sent = 0
    missed = PaymentPromise.objects.filter(status=PaymentPromise.Status.MISSED, settled_on=day)
    missed = missed.select_related("loan__member").annotate(
        officer=F("loan__officer__user"), wrote=F("loan__application__created_by")
    )
    for promise in missed:
        who: UUID | None = promise.officer or promise.wrote or promise.taken_by_id
        if who is None:
            continue
        loan = promise.loan
        context = PromiseMissed(
            loan.number, loan.member.display_name, Amount(promise.amount, loan.currency), promise.due_on
        )
        link = f"/admin/lending/loan/{loan.pk}/change/"
        sent += len(notify(PROMISE_MISSED, recipients=[who], context=context, at=at, link=link, key=str(promise.pk)))
    return sent


def _lines(day: dt.date, at: dt.datetime) -> int:
    values = {"share": USED_SHARE, "day": day, "review": day + dt.timedelta(days=REVIEW_DAYS)}
    sent = 0
    for pk, number, currency, user_id, decided_by, left, limit, review_on in rows_of(_LINES, values):
        if user_id is not None and left * 100 <= limit * (100 - USED_SHARE):
            context = LineUsed(number, Amount(max(left, 0), currency))
            key = f"{pk}:{day:%Y-%m}"
            sent += len(notify(LINE_USED, recipients=[user_id], context=context, at=at, key=key, bulk=True))
        if decided_by is not None and review_on is not None and review_on <= values["review"]:
            review = LineReview(number, review_on)
            sent += len(notify(LINE_REVIEW, recipients=[decided_by], context=review, at=at, key=f"{pk}:{review_on}"))
    return sent


def step(context: CloseContext, partition: str) -> dict[str, int]:
    """The step of the close, in one transaction: notices leave when it commits."""
    from django.db import transaction

    with transaction.atomic():
        return alerts_send(business_date=context.business_date, at=context.at)
