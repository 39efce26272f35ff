"""Loans with their past, set-based: for a bank that is filled from a plan, or taken over from another system.

What is written is what the events would have given one by one: the same replay, the same books, an entry an event.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from simple_history.utils import bulk_create_with_history

from apps.balances import services as balances
from apps.balances.services import Leg, Posting, postings_post
from apps.calculations.loans import fee_amount
from apps.core.money import MAX_MINOR
from apps.identity.models import Branch
from apps.lending.conventions import arrears_read
from apps.lending.mapping import LOAN_ACCOUNTS, mapping_of
from apps.lending.models import (
    Loan,
    LoanEvent,
    LoanInstalment,
    LoanProduct,
    LoanProductTerms,
    LoanSchedule,
    LoanStanding,
)
from apps.lending.numbers import loan_numbers
from apps.lending.selectors import loan_conventions
from apps.lending.services._asked import Counter
from apps.lending.services._loans import SUFFIXES
from apps.lending.services._money import Side, side_of
from apps.lending.services._plans import account_ids_of
from apps.lending.services._store import lateness_set, row_values, terms_shown
from apps.lending.servicing import Books, Happening, Loaned, Position, books_due, moves_between, replay

CALL_SIZE = 1_000
Kind = LoanEvent.Kind


@dataclass(frozen=True, slots=True)
class LoanPast:
    """A loan with its past: paid out on `start` by `channel`; `paid` instalments came, each `lags` days after its due
    date in turn. Principal in minor units."""

    id: uuid.UUID
    member_id: uuid.UUID
    member_name: str
    branch: Branch
    terms: LoanProductTerms
    principal: int
    rate: Decimal
    instalments: int
    start: dt.date
    paid: int
    lags: tuple[int, ...] = (0,)
    channel: str = "mobile"


@dataclass(slots=True)
class _Made:
    """A loan in the making."""

    loan: Loan
    past: LoanPast
    position: Position
    events: list[LoanEvent]
    standing: LoanStanding


def loans_take_over(*, pasts: Sequence[LoanPast], today: dt.date, at: dt.datetime) -> int:
    """Write loans that are not there yet, of one currency; how many entries they have in the books.

    Repeatable: ids and keys of what was written before are the same, and nothing happens twice. Penalties of the past
    are not charged. Raises what the calculations refuse.
    """
    known = {loan.pk: loan for loan in Loan.objects.filter(pk__in=[past.id for past in pasts])}
    with transaction.atomic():
        fresh = [past for past in pasts if past.id not in known]
        known |= {loan.pk: loan for loan in _loans(fresh, at)}
        made = [_made(known[past.id], past, today) for past in pasts]
        _write([one for one in made if one.past in fresh])
    return _post(made, today)


def _loans(pasts: Sequence[LoanPast], at: dt.datetime) -> list[Loan]:
    """The loans with their ledger accounts, still to be paid out."""
    loans: list[Loan] = []
    for product in {past.terms.product.pk: past.terms.product for past in pasts}.values():
        mine = [past for past in pasts if past.terms.product_id == product.pk]
        numbers = loan_numbers(prefix=product.number_prefix, count=len(mine))
        mapping = mapping_of(product.mapping)
        ids = {
            role: balances.accounts_open(
                gl_code=mapping[role],
                currency=product.currency_id,
                rows=[
                    (
                        past.branch.pk,
                        f"{number}-{SUFFIXES[role]}",
                        f"Loan {number} {role}, {past.member_name}"[:160],
                        MAX_MINOR,
                    )
                    for past, number in zip(mine, numbers, strict=True)
                ],
            )
            for role in LOAN_ACCOUNTS
        }
        for past, number in zip(mine, numbers, strict=True):
            accounts = {f"{role}_account_id": ids[role][f"{number}-{SUFFIXES[role]}"] for role in LOAN_ACCOUNTS}
            loans.append(
                Loan(
                    id=past.id, created_at=dt.datetime.combine(past.start, at.timetz()), number=number, product=product,
                    terms=past.terms, member_id=past.member_id, branch=past.branch, currency=product.currency_id,
                    principal=past.principal, rate=past.rate, instalments=past.instalments, **accounts,
                )
            )  # fmt: skip
    bulk_create_with_history(loans, Loan, batch_size=CALL_SIZE, default_change_reason="taken over")
    return loans


def _made(loan: Loan, past: LoanPast, today: dt.date) -> _Made:
    """What a past gives: its events, the position after them, and where the loan stands today."""
    conventions = loan_conventions(loan)
    loaned = Loaned(conventions, past.principal, past.rate, past.instalments)
    happenings = [Happening(0, Kind.DISBURSEMENT, past.start, past.principal)]
    for n, one in enumerate(replay(loaned, happenings).rows[: past.paid], 1):
        day = min(one.row.due + dt.timedelta(days=past.lags[n % len(past.lags)]), today)
        happenings.append(Happening(n, Kind.REPAYMENT, day, one.row.total))
    position = replay(loaned, happenings)
    side = side_of(user=None, loan=loan, account=None, channel=past.channel, inward=True)
    withheld = sum(fee_amount(fee, past.principal, 0, past.principal) for fee in conventions.upfront)
    events = [_event(loan, one, position, side, withheld) for one in happenings]
    standing = LoanStanding(loan=loan)
    lateness_set(standing, position, today)
    arrears = arrears_read(past.terms.arrears)
    standing.bucket = next((one.name for one in arrears.buckets if one.holds(standing.days_past_due)), "")
    if standing.days_past_due > arrears.non_accrual_days and standing.overdue_since is not None:
        standing.is_non_accrual = True
        standing.non_accrual_since = standing.overdue_since + dt.timedelta(days=arrears.non_accrual_days + 1)
    return _Made(loan, past, position, events, standing)


def _event(loan: Loan, one: Happening, position: Position, side: Side, withheld: int) -> LoanEvent:
    is_payout = one.kind == Kind.DISBURSEMENT
    counters = [("money", side.ledger_id, one.amount - withheld if is_payout else -one.amount)]
    if is_payout and withheld:
        counters.append(("fee_income", account_ids_of(loan, ["fee_income"])["fee_income"], withheld))
    portions = position.portions.get(one.id)
    names = ("principal", "interest", "fees", "penalties", "overpaid")
    return LoanEvent(
        id=uuid.uuid5(loan.pk, f"event {one.id}"),
        loan=loan,
        sequence=int(str(one.id)) + 1,
        kind=one.kind,
        value_date=one.date,
        business_date=one.date,
        amount=one.amount,
        details={"money": [list(counter) for counter in counters], **({"withheld": withheld} if is_payout else {})},
        **{name: getattr(portions, name) if portions else 0 for name in names},
        channel=side.channel,
        transaction_id=uuid.uuid5(loan.pk, f"transaction {one.id}"),
        fingerprint=hashlib.sha256(f"{loan.pk} {one.id}".encode()).digest(),
    )


def _write(made: Sequence[_Made]) -> None:
    """Events, schedules, rows and standing; then the loans point at their schedules."""
    LoanEvent.objects.bulk_create([event for one in made for event in one.events], batch_size=CALL_SIZE)
    schedules = [
        LoanSchedule(loan=one.loan, number=1, event=one.events[0], terms=terms_shown(one.position)) for one in made
    ]
    LoanSchedule.objects.bulk_create(schedules, batch_size=CALL_SIZE)
    rows = []
    for one, schedule in zip(made, schedules, strict=True):
        rows += [
            LoanInstalment(schedule=schedule, parts=[part.shown() for part in row.stretches], **row_values(one=row))
            for row in one.position.rows
        ]
        loan, last = one.loan, max(event.value_date for event in one.events)
        is_closed = one.position.is_settled
        loan.schedule, loan.started_on = schedule, one.past.start
        loan.matures_on = max(row.row.due for row in one.position.rows)
        loan.status = Loan.Status.CLOSED if is_closed else Loan.Status.ACTIVE
        loan.closed_on = last if is_closed else None
    LoanInstalment.objects.bulk_create(rows, batch_size=CALL_SIZE)
    Loan.objects.bulk_update(
        [one.loan for one in made],
        ["schedule", "started_on", "matures_on", "status", "closed_on"],
        batch_size=CALL_SIZE,
    )
    LoanStanding.objects.bulk_create([one.standing for one in made], batch_size=CALL_SIZE)


def _post(made: Sequence[_Made], today: dt.date) -> int:
    """Post an entry for each event, and one that brings each loan to today; note them with the events and standings."""
    postings: list[Posting] = []
    owners: list[LoanEvent | None] = []
    for one in made:
        for posting, event in _entries(one, today):
            postings.append(posting)
            owners.append(event)
    for first in range(0, len(postings), CALL_SIZE):
        chunk = postings[first : first + CALL_SIZE]
        outcomes = postings_post(chunk, actor_id=None, correlation_id="takeover").outcomes
        events = []
        for outcome, event in zip(outcomes, owners[first : first + CALL_SIZE], strict=True):
            if not outcome.ok:
                raise RuntimeError(f"an entry of a loan was refused: {outcome.code}")
            if event is not None:
                event.journal_id = outcome.journal_id
                events.append(event)
        LoanEvent.objects.bulk_update(events, ["journal_id"], batch_size=CALL_SIZE)
    LoanStanding.objects.bulk_update(
        [one.standing for one in made],
        ["booked_through", "interest_booked", "charges_booked", "penalties_booked", "suspended"], batch_size=CALL_SIZE,
    )  # fmt: skip
    return len(postings)


def _entries(one: _Made, today: dt.date) -> list[tuple[Posting, LoanEvent | None]]:
    """The entries of a loan: of each event on its day, and of what has accrued by today."""
    found: list[tuple[Posting, LoanEvent | None]] = []
    by_cash = one.loan.product.accounting == LoanProduct.Accounting.CASH
    held, paid, out = Books(), {"principal": 0, "interest": 0, "charges": 0}, 0
    for event in [*one.events, None]:
        counters: list[Counter] = []
        if event is not None:
            counters = [Counter(*counter) for counter in event.details["money"]]
            out += event.amount if event.kind == Kind.DISBURSEMENT else 0
            paid["principal"] += event.principal
            paid["interest"] += event.interest
            paid["charges"] += event.fees + event.penalties
        day = event.value_date if event is not None else today
        if event is None and one.position.is_settled:
            day = max(today, *(row.row.due for row in one.position.rows))
        suspends = by_cash or (event is None and one.standing.is_non_accrual)
        whole = books_due(one.position, day, suspends=False)
        owed = whole.earned - paid["interest"]
        books = Books(
            out - paid["principal"], owed, whole.charged - paid["charges"], whole.earned, whole.charged, 0,
            max(owed, 0) if suspends else 0,
        )  # fmt: skip
        moves = moves_between(held, books)
        ids = account_ids_of(one.loan, list(moves))
        legs = [(leg.ledger_id, leg.amount) for leg in counters] + [(ids[role], minor) for role, minor in moves.items()]
        held = books
        if legs:
            found.append((_posting(one.loan, event, legs, day if event is not None else today), event))
    standing = one.standing
    standing.booked_through, standing.interest_booked = today, held.earned
    standing.charges_booked, standing.penalties_booked, standing.suspended = held.charged, 0, held.suspended
    return found


def _posting(loan: Loan, event: LoanEvent | None, legs: list[tuple[int, int]], day: dt.date) -> Posting:
    sums: dict[int, int] = {}
    for account, amount in legs:
        sums[account] = sums.get(account, 0) + amount
    key: Any = event.transaction_id if event is not None else uuid.uuid5(loan.pk, f"accrued {day}")
    return Posting(
        transaction_id=key,
        client_id="lending",
        key=str(key),
        fingerprint=hashlib.sha256(str(key).encode()).digest(),
        kind=f"loan_{event.kind}" if event is not None else "loan_accrual",
        legs=tuple(
            Leg(account, amount, loan.currency) for amount, account in sorted((v, k) for k, v in sums.items()) if amount
        ),
        business_date=day,
        value_date=day,
        channel=event.channel if event is not None else "",
        description=f"Loan {loan.number}",
        reference=loan.number,
    )
