"""Carrying out standing instructions: each date once, whoever runs it.

A date is decided and its money moved in one transaction under the locks of both accounts and the instruction: of two
runners the second finds the date gone. What became of it is a row, unique for instruction and date.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections import Counter
from uuid import UUID, uuid5

from apps.approvals.errors import ApprovalRequired
from apps.audit.services import record
from apps.balances.services import Book, Leg, Posting, in_database
from apps.calculations.recurrence import Occurrence
from apps.core.errors import DomainError, Unavailable
from apps.core.money import Money
from apps.core.notices import Phrase, notify
from apps.core.retry import retry_transient
from apps.core.trace import trace_id
from apps.ledger.selectors import business_date_current
from apps.payments import locks
from apps.payments.errors import (
    BalanceAboveMaximum,
    BalanceBelowMinimum,
    ChannelNotAllowed,
    TransactionLimitExceeded,
)
from apps.payments.models import StandingExecution, StandingInstruction
from apps.payments.notices import INSTRUCTION_FAILED, InstructionFailed
from apps.payments.selectors import KIND_TRANSFER, account_refs, instructions_due, product_limits, product_rules_now
from apps.payments.services._rules import rules_check, stand_in
from apps.payments.services._standing import Status, approval_check
from apps.payments.standing_dates import bank_days, date_after

logger = logging.getLogger(__name__)
State = StandingExecution.Status

NOTHING, FUNDS, CAUGHT_UP = "nothing-to-move", "insufficient-funds", "caught-up"
REASONS = {
    FUNDS: "there was not enough money",
    "account-blocked": "one of the accounts is blocked",
    "account-closed": "one of the accounts is closed",
    "transaction-limit-exceeded": "the amount is above the limit of the account",
    "balance-above-maximum": "the other account would hold more than it may",
    "channel-not-allowed": "the account is not used for standing instructions any more",
    "approval-required": "the amount needs approval",
}
DATES_MAX = 400
"""The most missed dates of one instruction that one run catches up."""


def standing_run(*, business_date: dt.date, at: dt.datetime) -> dict[str, int]:
    """Carry out every date that is due by a business date, and look for funds again where a date waits for them.

    Returns how many dates were paid, wait, failed and were skipped. Safe to run again, and beside another run. Raises
    `Unavailable` when some could not be done now; the others are done.
    """
    counts: Counter[str] = Counter({state.value: 0 for state in State})
    held_up = 0
    for instruction_id in instructions_due(on=business_date):
        try:
            for execution in instruction_run(instruction_id=instruction_id, business_date=business_date, at=at):
                counts[execution.status] += 1
        except Unavailable:
            logger.warning("standing instruction %s could not be carried out now", instruction_id)
            held_up += 1
        except DomainError as error:  # it stops nobody else's
            logger.warning("standing instruction %s cannot be carried out: %s", instruction_id, error)
            counts[State.FAILED.value] += 1
    if held_up:
        raise Unavailable(f"{held_up} standing instructions could not be carried out now.")
    return dict(counts)


def instruction_run(*, instruction_id: UUID, business_date: dt.date, at: dt.datetime) -> list[StandingExecution]:
    """Carry out the dates of one instruction that are due, those that wait for funds first; what became of each."""
    done: list[StandingExecution] = []
    waiting = StandingExecution.objects.filter(
        instruction=instruction_id, status=State.WAITING, next_try_on__lte=business_date
    )
    for nominal in list(waiting.order_by("nominal").values_list("nominal", flat=True)):
        again = _carried_out(instruction_id, nominal, business_date, at, again=True)
        done += [again] if again else []
    for _ in range(DATES_MAX):
        due = StandingInstruction.objects.filter(pk=instruction_id, status=Status.ACTIVE, next_on__lte=business_date)
        due_nominal = due.values_list("next_nominal", flat=True).first()
        if due_nominal is None:
            break
        execution = _carried_out(instruction_id, due_nominal, business_date, at, again=False)
        done += [execution] if execution else []
    return done


def _carried_out(
    instruction_id: UUID, nominal: dt.date, business_date: dt.date, at: dt.datetime, *, again: bool
) -> StandingExecution | None:
    """One date; None when another runner was first. A refusal that the locks did not show is written down as well."""
    try:
        return _date_run(instruction_id, nominal, business_date, at, again=again, refused="")
    except Unavailable:
        raise
    except DomainError as error:
        return _date_run(instruction_id, nominal, business_date, at, again=again, refused=error.code)


@retry_transient
def _date_run(
    instruction_id: UUID, nominal: dt.date, business_date: dt.date, at: dt.datetime, *, again: bool, refused: str
) -> StandingExecution | None:
    known = StandingInstruction.objects.select_related("source", "destination").get(pk=instruction_id)
    source, destination = known.source, known.destination
    calendar = bank_days(branch_id=source.branch_id)
    ledger_ids = [source.ledger_account_id, destination.ledger_account_id]
    with in_database(ledger_ids, actor_id=known.created_by_id, correlation_id=trace_id()) as book:
        instruction = locks.instruction_lock(pk=instruction_id)
        instruction.source, instruction.destination = source, destination
        execution = StandingExecution.objects.filter(instruction=instruction, nominal=nominal).first()
        if again:
            if execution is None or execution.status != State.WAITING or instruction.status == Status.PAUSED:
                return None
            execution.attempts += 1
        elif execution is not None or instruction.status != Status.ACTIVE or instruction.next_nominal != nominal:
            return None
        else:
            due_on = instruction.next_on or nominal
            execution = StandingExecution(instruction=instruction, nominal=nominal, due_on=due_on)
        following = None if again else date_after(instruction, calendar, nominal)
        late = following is not None and following.date <= business_date
        if not again and late and instruction.catch_up == StandingInstruction.CatchUp.LATEST:
            amount, code = 0, CAUGHT_UP
        else:
            amount, code = (0, refused) if refused else _amount(book, instruction, at)
        execution.business_date, execution.at, execution.code = business_date, at, code
        if amount:
            _pay(book, instruction, execution, amount)
        else:
            may_wait = code == FUNDS and execution.attempts <= instruction.retries
            _not_paid(instruction, execution, calendar.business_days_add(business_date, 1) if may_wait else None)
        if not again:
            _advance(instruction, following)
        execution.save()
        instruction.version += 1
        instruction.save()
        _tell(instruction, execution, at)
    return execution


def _amount(book: Book, instruction: StandingInstruction, at: dt.datetime) -> tuple[int, str]:
    """What this date moves, minor units; zero with the code of what is in the way. All under the locks."""
    source = book.balance(instruction.source.ledger_account_id)
    destination = book.balance(instruction.destination.ledger_account_id)
    if "X" in {source.status, destination.status}:
        return 0, "account-closed"
    if source.status in {"D", "F"} or destination.status in {"C", "F"}:
        return 0, "account-blocked"
    free = max(source.balance - source.held, 0)
    match instruction.kind:
        case StandingInstruction.Kind.FIXED:
            amount = instruction.amount or 0
        case StandingInstruction.Kind.PERCENTAGE:
            amount = int(free * (instruction.percentage or 0) / 100)
        case _:
            amount = free - instruction.keep
    if instruction.amount_max is not None:
        amount = min(amount, instruction.amount_max)
    if instruction.total_max is not None:
        amount = min(amount, instruction.total_max - instruction.total)
    if amount <= 0:
        return 0, NOTHING
    if source.available < amount:
        return 0, FUNDS
    refusal = _refusal(book, instruction, Money(amount, instruction.currency), at)
    return (0, refusal) if refusal else (amount, "")


def _refusal(book: Book, instruction: StandingInstruction, amount: Money, at: dt.datetime) -> str:
    """The code of the rule that stands against it; empty for none."""
    limit = product_limits().get(instruction.source.product_id)
    if limit is not None and amount.minor > limit:
        return TransactionLimitExceeded.code
    try:
        if rules := product_rules_now():
            source, destination = instruction.source.number, instruction.destination.number
            refs = account_refs(names=[source, destination])
            rules_check(
                amount=amount,
                channel="standing",
                debit=refs[source],
                credit=refs[destination],
                rules=rules,
                stand=stand_in(book),
            )
        approval_check(amount, at=at)
    except BalanceBelowMinimum:
        return FUNDS  # tried again as without funds
    except (ApprovalRequired, BalanceAboveMaximum, ChannelNotAllowed) as error:
        return error.code
    return ""


def _pay(book: Book, instruction: StandingInstruction, execution: StandingExecution, amount: int) -> None:
    key = execution.nominal.isoformat()
    posting = Posting(
        transaction_id=uuid5(instruction.pk, key),
        client_id=str(instruction.pk),
        key=key,
        fingerprint=hashlib.sha256(f"{instruction.pk} {key}".encode()).digest(),
        kind=KIND_TRANSFER,
        legs=(
            Leg(instruction.source.ledger_account_id, -amount, instruction.currency),
            Leg(instruction.destination.ledger_account_id, amount, instruction.currency),
        ),
        # A close for a date that is over books on the next one: what was due counts from its own day.
        value_date=execution.business_date if execution.business_date < business_date_current() else None,
        channel="standing",
        description=instruction.description or "Standing instruction",
        reference=instruction.reference,
    )
    book.post(posting)
    execution.status, execution.amount, execution.transaction_id = State.PAID, amount, posting.transaction_id
    execution.next_try_on = None
    instruction.total += amount
    instruction.dates_paid += 1
    instruction.failures = 0


def _not_paid(instruction: StandingInstruction, execution: StandingExecution, next_try_on: dt.date | None) -> None:
    """Wait for funds where the policy says so, else note that the date failed or, without anything to move, passed."""
    execution.next_try_on = next_try_on
    if next_try_on is not None:
        execution.status = State.WAITING
    elif execution.code in {NOTHING, CAUGHT_UP}:
        execution.status = State.SKIPPED
    else:
        execution.status = State.FAILED
        instruction.failures += 1
        if instruction.failures >= instruction.failures_max and instruction.status == Status.ACTIVE:
            instruction.status = Status.PAUSED
            instruction.status_reason = f"{instruction.failures} dates in a row were not paid."


def _advance(instruction: StandingInstruction, following: Occurrence | None) -> None:
    """On to the next date; without one, or with all moved that may be, the instruction has ended."""
    instruction.dates_passed += 1
    moved = instruction.total_max is not None and instruction.total >= instruction.total_max
    if following is not None and not moved:
        instruction.next_nominal, instruction.next_on = following.nominal, following.date
        return
    instruction.next_nominal = instruction.next_on = None
    if instruction.status in {Status.ACTIVE, Status.PAUSED}:
        instruction.status = Status.ENDED
        instruction.status_reason = "All that was to be moved is moved." if moved else "Its last date has passed."


def _tell(instruction: StandingInstruction, execution: StandingExecution, at: dt.datetime) -> None:
    """Write down what became of the date, and tell those concerned of one that was not paid."""
    record(
        action=f"payments.instruction.{execution.status}",
        actor_id=instruction.created_by_id,
        target=instruction,
        after={"nominal": str(execution.nominal), "amount": execution.amount, "code": execution.code},
        at=at,
    )
    if execution.status not in {State.FAILED, State.WAITING}:
        return
    ref = account_refs(names=[instruction.source.number])[instruction.source.number]
    people = {instruction.created_by_id, ref.owner_user_id, *ref.holder_user_ids} - {None}
    if execution.status == State.WAITING and execution.next_try_on is not None:
        outlook = "It is tried again on the next bank day."
    elif instruction.status == Status.PAUSED:
        outlook = "The instruction is paused: resume it once all is in order."
    else:
        outlook = "This date is not tried again."
    notify(
        INSTRUCTION_FAILED,
        recipients=[person for person in people if person is not None],
        context=InstructionFailed(
            account=f"*{instruction.source.number[-4:]}",
            to=f"*{instruction.destination.number[-4:]}",
            day=execution.due_on,
            reason=Phrase(REASONS.get(execution.code, "it was refused")),
            outlook=Phrase(outlook),
        ),
        at=at,
        key=f"{instruction.pk}:{execution.nominal}:{execution.status}",  # told once that it waits, once that it failed
    )
