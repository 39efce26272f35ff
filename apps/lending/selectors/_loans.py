"""What a replay needs to know of a loan."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from django.db.models import Sum

from apps.core.currencies import currency_get
from apps.core.snapshots import one_moment
from apps.lending.conventions import Conventions, conventions_read
from apps.lending.errors import LoanNotFound
from apps.lending.models import Loan, LoanEvent, LoanInstalment, LoanProductTerms, LoanStanding
from apps.lending.servicing import Happening, Loaned, Position, replay

CONVENTIONS_MAX = 1_000


def terms_on(*, product_id: UUID, day: dt.date) -> LoanProductTerms | None:
    """The terms of a product that hold on a day, or None before its first."""
    versions = LoanProductTerms.objects.filter(product=product_id, effective_from__lte=day)
    return versions.select_related("product").order_by("-effective_from").first()


@lru_cache(maxsize=CONVENTIONS_MAX)
def _kept(terms_id: UUID) -> Conventions:
    # Terms are written once, so what was read of them holds for the life of the process.
    return _read(LoanProductTerms.objects.select_related("product").get(pk=terms_id))


def _read(terms: LoanProductTerms) -> Conventions:
    return conventions_read(
        conventions=terms.conventions,
        servicing=terms.servicing,
        fees=terms.fees,
        exponent=currency_get(terms.product.currency_id).exponent,
    )


def terms_conventions(terms: LoanProductTerms) -> Conventions:
    """How loans on these terms are worked out and serviced."""
    return _read(terms)


def loan_conventions(loan: Loan) -> Conventions:
    """How a loan is worked out and serviced."""
    return _kept(loan.terms_id)


def to_pay_out(loan: Loan) -> int:
    """What of the principal is still to be paid out, minor units."""
    if loan.started_on is not None and loan_conventions(loan).tranches_max == 1:
        return 0  # the first part was all of it
    out = LoanEvent.objects.filter(loan=loan, kind=LoanEvent.Kind.DISBURSEMENT, reversed_at__isnull=True)
    return loan.principal - (out.aggregate(sum=Sum("amount"))["sum"] or 0)


def events_standing(loan_id: UUID) -> list[LoanEvent]:
    """The events of a loan that stand, in the order of entering."""
    return list(LoanEvent.objects.filter(loan=loan_id, reversed_at__isnull=True).order_by("sequence"))


def happening_of(event: LoanEvent) -> Happening:
    """An event as it is replayed."""
    return Happening(event.pk, event.kind, event.value_date, event.amount, event.details)


@dataclass(frozen=True, slots=True)
class Servicing:
    """A loan with what a replay takes, and with what is kept of it."""

    loan: Loan
    standing: LoanStanding
    loaned: Loaned
    events: tuple[LoanEvent, ...]
    rows: tuple[LoanInstalment, ...]
    """The current schedule."""

    def position(self, *more: Happening, without: UUID | None = None) -> Position:
        """The position by replay, with further events, or without one."""
        stand = [happening_of(event) for event in self.events if event.pk != without]
        return replay(self.loaned, [*stand, *more])


def servicing_of(loan_id: UUID) -> Servicing:
    """A loan with what a replay takes, read now. Raises `LoanNotFound`."""
    found = servicings_of([loan_id])
    if not found:
        raise LoanNotFound
    return found[loan_id]


def servicings_of(ids: Sequence[UUID]) -> dict[UUID, Servicing]:
    """Loans with what replays take, read now: four queries, however many they are, of one state of the books.

    A payment that came between two of them would leave loan, events and rows at odds.
    """
    with one_moment():
        return _read_all(ids)


def _read_all(ids: Sequence[UUID]) -> dict[UUID, Servicing]:
    loans = list(Loan.objects.select_related("product", "branch", "account").filter(pk__in=ids))
    standings = LoanStanding.objects.in_bulk(ids)
    events: dict[UUID, list[LoanEvent]] = defaultdict(list)
    for event in LoanEvent.objects.filter(loan__in=ids, reversed_at__isnull=True).order_by("sequence"):
        events[event.loan_id].append(event)
    rows: dict[int, list[LoanInstalment]] = defaultdict(list)
    schedules = [loan.schedule_id for loan in loans if loan.schedule_id is not None]
    for row in LoanInstalment.objects.filter(schedule__in=schedules).order_by("number") if schedules else ():
        rows[row.schedule_id].append(row)
    return {
        loan.pk: Servicing(
            loan,
            standings[loan.pk],
            Loaned(loan_conventions(loan), loan.principal, loan.rate, loan.instalments, loan.first_due),
            tuple(events[loan.pk]),
            tuple(rows[loan.schedule_id]) if loan.schedule_id is not None else (),
        )
        for loan in loans
    }


def position_of(loan: Loan) -> Position:
    """Where a loan stands after its events."""
    return servicing_of(loan.pk).position()


def rows_current(loan: Loan) -> list[LoanInstalment]:
    """The rows of the current schedule; none before anything was paid out."""
    if loan.schedule_id is None:
        return []
    return list(LoanInstalment.objects.filter(schedule=loan.schedule_id).order_by("number"))
