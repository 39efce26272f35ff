"""Carrying out a plan: under the lock, once, with entry, schedule, standing and trail in one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from apps.audit.services import record
from apps.balances.services import Book, Leg, Posting, in_database
from apps.core.errors import IdempotencyKeyReused, Unavailable
from apps.core.retry import TRIES, retry_transient
from apps.core.trace import trace_id
from apps.core.trail import history_stamp
from apps.ledger.selectors import business_date_current
from apps.lending import locks
from apps.lending.errors import LoanNotFound
from apps.lending.models import Loan, LoanEvent
from apps.lending.selectors import Servicing, loan_facts, servicing_of
from apps.lending.services._asked import Asked
from apps.lending.services._plans import NEW, Plan, new_id, stamp_of
from apps.lending.services._store import position_store

Make = Callable[[Servicing, dt.date], Plan]


_REVERSED = ("reversed_at", "reversed_on", "reversal_id", "reversal_journal_id", "reversal_reason")


@dataclass(frozen=True, slots=True)
class Done:
    """What was carried out, or was before under the same key (`replayed`)."""

    event: LoanEvent
    loan: Loan
    replayed: bool = False


def loan_read(*, loan_id: UUID) -> Loan:
    """The loan with what entries need of it. Raises `LoanNotFound`."""
    loan = Loan.objects.select_related("product", "branch", "account").filter(pk=loan_id).first()
    if loan is None:
        raise LoanNotFound
    return loan


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
        plan = make(servicing_of(loan_read(loan_id=loan_id)), business_date_current())
        with in_database(plan.account_ids, actor_id=asked.actor_id, correlation_id=trace_id()) as book:
            if locks.loan_lock(pk=loan_id) is None:
                raise LoanNotFound
            known = known_find(asked)
            if known is not None:
                return known
            fresh, today = servicing_of(loan_read(loan_id=loan_id)), business_date_current()
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
    journal_id = _post(asked, plan, book)
    before = loan_facts(loan)
    event = plan.taken_back or _event(asked, plan, journal_id)
    if plan.taken_back is not None:
        event.reversed_at, event.reversed_on = at, plan.today
        event.reversal_id, event.reversal_journal_id = asked.transaction_id, journal_id
        event.reversal_reason = reason
        event.save(update_fields=[*_REVERSED, "updated_at"])
    position_store(plan, event=event, acting_user=asked.user)
    verb = "reversed" if plan.taken_back is not None else event.kind
    record(
        action=f"lending.loan.{verb}",
        acting_user=asked.user,
        target=loan,
        before=before,
        after={**loan_facts(loan), "event": str(event.pk), "kind": event.kind, "amount": event.amount},
        reason=reason,
        at=at,
    )
    return Done(event, loan)


def _event(asked: Asked, plan: Plan, journal_id: int | None) -> LoanEvent:
    event = plan.event
    if event is None:
        raise ValueError("the plan has no event")
    portions = plan.portions
    money = [[leg.role, leg.ledger_id, leg.amount] for leg in event.counters]
    last = LoanEvent.objects.filter(loan=plan.servicing.loan).order_by("-sequence").values_list("sequence", flat=True)
    return LoanEvent.objects.create(
        pk=new_id(),
        loan=plan.servicing.loan,
        sequence=(last.first() or 0) + 1,
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


def _post(asked: Asked, plan: Plan, book: Book) -> int | None:
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
    (outcome,) = book.post(
        Posting(
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
    )
    return outcome.journal_id


def loan_touch(loan: Loan, *, acting_user: object, reason: str) -> None:
    """Save a changed loan with its history, one version on."""
    loan.version += 1
    history_stamp(loan, acting_user=acting_user, reason=reason)
    loan.save()


__all__ = ["NEW", "Done", "Make", "known_find", "loan_read", "loan_touch", "plan_carry_out"]
