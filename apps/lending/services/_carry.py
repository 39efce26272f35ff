"""Carrying out a plan: under the lock, once, with entry, schedule, standing and trail in one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.audit.services import record
from apps.balances.services import Book, Leg, Posting, in_database
from apps.core.errors import IdempotencyKeyReused, Unavailable
from apps.core.money import Money
from apps.core.retry import TRIES, retry_transient
from apps.core.trace import trace_id
from apps.ledger.selectors import business_date_current
from apps.lending import locks
from apps.lending.errors import LoanNotFound
from apps.lending.models import Loan, LoanEvent
from apps.lending.selectors import Servicing, loan_facts, servicing_of
from apps.lending.services._asked import Asked
from apps.lending.services._plans import Plan, new_id, stamp_of
from apps.lending.services._store import position_store
from apps.payments.services import till_cash_move

Make = Callable[[Servicing, dt.date], Plan]


_REVERSED = ("reversed_at", "reversed_on", "reversal_id", "reversal_journal_id", "reversal_reason")


@dataclass(frozen=True, slots=True)
class Done:
    """What was carried out, or was before under the same key (`replayed`)."""

    event: LoanEvent
    loan: Loan
    replayed: bool = False


@retry_transient
def plan_carry_out(*, asked: Asked, loan_id: UUID, make: Make, at: dt.datetime, reason: str = "") -> Done:
    """Do what `make` plans for the loan as it is under the lock; once under one key.

    The plan is made before the lock, so that the accounts to lock are known, and again under it when the loan has
    changed in between. `reason` is noted with a reversal. Raises what `make` raises, refusals of the books,
    `IdempotencyKeyReused`.
    """
    known = known_find(asked)
    if known is not None:
        return known
    for _ in range(TRIES):
        plan = make(servicing_of(loan_id), business_date_current())
        with in_database(plan.account_ids, actor_id=asked.actor_id, correlation_id=trace_id()) as book:
            if locks.loan_lock(pk=loan_id) is None:
                raise LoanNotFound
            known = known_find(asked)
            if known is not None:
                return known
            fresh, today = servicing_of(loan_id), business_date_current()
            if stamp_of(fresh, today) != plan.stamp:
                plan = make(fresh, today)
            if plan.account_ids <= book.account_ids:
                return _done(asked, plan, book, at=at, reason=reason)
    raise Unavailable(retry_after=1)


def known_find(asked: Asked) -> Done | None:
    """What was done under this key, if anything was. Raises `IdempotencyKeyReused` when it stood for something else."""
    event = LoanEvent.objects.filter(transaction_id=asked.transaction_id).select_related("loan").first()
    if event is None:
        event = LoanEvent.objects.filter(reversal_id=asked.transaction_id).select_related("loan").first()
    elif bytes(event.fingerprint) != asked.fingerprint:
        raise IdempotencyKeyReused
    return None if event is None else Done(event, event.loan, replayed=True)


def _done(asked: Asked, plan: Plan, book: Book, *, at: dt.datetime, reason: str) -> Done:
    loan = plan.servicing.loan
    till_move(asked, plan, book, at=at)
    posting = posting_of(asked, plan)
    journal_id = book.post(posting)[0].journal_id if posting is not None else None
    before = loan_facts(loan)
    event = plan.taken_back
    if event is None:
        last = LoanEvent.objects.filter(loan=loan).order_by("-sequence").values_list("sequence", flat=True).first()
        event = event_of(asked, plan, sequence=(last or 0) + 1, journal_id=journal_id)
        event.save(force_insert=True)
    if plan.taken_back is not None:
        event.reversed_at, event.reversed_on = at, plan.today
        event.reversal_id, event.reversal_journal_id = asked.transaction_id, journal_id
        event.reversal_reason = reason
        event.save(update_fields=[*_REVERSED, "updated_at"])
    position_store(plan, event=event, acting_user=asked.user)
    record(**trail_of(plan, event, before), acting_user=asked.user, reason=reason, at=at)
    return Done(event, loan)


def till_move(asked: Asked, plan: Plan, book: Book, *, at: dt.datetime) -> None:
    """Cash of the plan's event goes through the teller's open till. Raises what `till_cash_move` raises."""
    event, loan = plan.event, plan.servicing.loan
    if event is None or event.till is None or asked.user is None:
        return
    moved = sum(leg.amount for leg in event.counters if leg.role == "money")
    till_cash_move(
        book=book, session_id=event.till, teller=asked.user, transaction_id=asked.transaction_id,
        amount=Money(abs(moved), loan.currency), paid_out=moved > 0, at=at,
    )  # fmt: skip


def trail_of(plan: Plan, event: LoanEvent, before: dict[str, Any]) -> dict[str, Any]:
    """What the trail says of an event: the loan before and after it."""
    loan = plan.servicing.loan
    verb = "reversed" if plan.taken_back is not None else event.kind
    after = {**loan_facts(loan), "event": str(event.pk), "kind": event.kind, "amount": event.amount}
    return {"action": f"lending.loan.{verb}", "target": loan, "before": before, "after": after}


def event_of(asked: Asked, plan: Plan, *, sequence: int, journal_id: int | None) -> LoanEvent:
    """The event of a plan, to be inserted. Raises ValueError for a plan that takes one back."""
    event = plan.event
    if event is None:
        raise ValueError("the plan has no event")
    portions = plan.portions
    money = [[leg.role, leg.ledger_id, leg.amount] for leg in event.counters]
    return LoanEvent(
        pk=new_id(),
        loan=plan.servicing.loan,
        sequence=sequence,
        kind=event.kind,
        value_date=event.value_date,
        business_date=plan.today,
        amount=event.amount,
        details={**event.details, **({"money": money} if money else {})},
        principal=portions.principal,
        interest=portions.interest,
        fees=portions.fees,
        penalties=portions.penalties,
        overpaid=portions.overpaid,
        channel=event.channel,
        account_id=event.account_id,
        reference=event.reference,
        description=event.description,
        transaction_id=asked.transaction_id,
        fingerprint=asked.fingerprint,
        journal_id=journal_id,
        entered_by=asked.user,
    )


def posting_of(asked: Asked, plan: Plan) -> Posting | None:
    """The entry of the plan; None where nothing moves."""
    sums: dict[int, int] = {}
    for leg in plan.legs:
        sums[leg.ledger_id] = sums.get(leg.ledger_id, 0) + leg.amount
    loan, event, back = plan.servicing.loan, plan.event, plan.taken_back
    legs = sorted((amount, account) for account, amount in sums.items() if amount)  # debits first
    if not legs:
        return None
    kind = event.kind if event is not None else "reversal"
    about = event or back
    return Posting(
        transaction_id=asked.transaction_id,
        client_id=asked.client_id,
        key=asked.key,
        fingerprint=asked.fingerprint,
        kind=f"loan_{kind}",
        legs=tuple(Leg(account, amount, loan.currency) for amount, account in legs),
        value_date=event.value_date if event is not None else None,
        channel=about.channel if about is not None else "",
        description=(about.description if about is not None else "") or f"Loan {loan.number}",
        reference=(about.reference if about is not None else "") or loan.number,
    )
