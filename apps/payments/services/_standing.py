"""Standing instructions: set up, changed, paused, resumed, cancelled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from apps.accounts.selectors import AccountRef
from apps.approvals.errors import ApprovalRequired
from apps.approvals.services import approval_possible
from apps.audit.services import record
from apps.calculations.business_days import convention_name
from apps.core.api.etag import version_check
from apps.core.ids import uuid7
from apps.core.money import Money
from apps.ledger.selectors import business_date_current
from apps.payments import locks
from apps.payments.errors import InstructionEnded, InstructionNotValid, SameAccount
from apps.payments.models import StandingExecution, StandingInstruction
from apps.payments.selectors import account_ref, instruction_get_for, product_limits
from apps.payments.services._common import currency_check, limit_check, usable_ref
from apps.payments.services._rules import channel_check
from apps.payments.services._signatures import signatures_check
from apps.payments.standing_dates import bank_days, date_after, date_from

if TYPE_CHECKING:
    from apps.identity.models import User

TRANSFER = "payments.transfer"
"""The kind of action whose policies also bind instructions: see `approval_check`."""
Status = StandingInstruction.Status
CHANGEABLE = ("amount", "percentage", "keep", "amount_max", "description", "reference", "ends_on", "count_max",
              "total_max", "retries", "failures_max", "catch_up")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Terms:
    """What an instruction says. Amounts are minor units of the source's currency; see the model for each."""

    kind: str
    rule: str
    starts_on: dt.date
    amount: int | None = None
    percentage: Decimal | None = None
    keep: int = 0
    amount_max: int | None = None
    description: str = ""
    reference: str = ""
    month_end: str = "last"
    convention: str = "following"
    ends_on: dt.date | None = None
    count_max: int | None = None
    total_max: int | None = None
    retries: int = 0
    failures_max: int = 3
    catch_up: str = "each"


def instruction_facts(instruction: StandingInstruction) -> dict[str, Any]:
    """What the audit trail keeps of an instruction; amounts in minor units."""
    names = ("kind", "rule", "starts_on", "month_end", "convention", "status", *CHANGEABLE)
    facts = {name: getattr(instruction, name) for name in names}
    return {**facts, "source": str(instruction.source_id), "destination": str(instruction.destination_id)}


@transaction.atomic
def instruction_create(
    *,
    acting_user: User,
    source: str,
    destination: str,
    terms: Terms,
    at: dt.datetime,
    signed_by: Iterable[UUID] = (),
    instruction_id: UUID | None = None,
) -> StandingInstruction:
    """Set an instruction up, from an account that the user may act on to any other of the same currency.

    `signed_by` are the members who signed it, where the account's mandate asks for several; `instruction_id` is the id
    it gets, where the caller chose one so that asking twice makes one (the second breaks the primary key). Raises
    `PaymentAccountNotFound`, `SameAccount`, `CurrencyMismatch`, `TransactionLimitExceeded`, `ApprovalRequired` for an
    amount that as a single transfer would need approval, `SignaturesMissing`, `SignatoryUnknown`,
    `InstructionNotValid`, `RecurrenceNotValid`, `UnknownConvention`.
    """
    debit = usable_ref(user=acting_user, name=source, pointer="/source_account")
    credit = account_ref(name=destination, pointer="/destination_account")
    if debit.ledger_id == credit.ledger_id:
        raise SameAccount(pointer="/destination_account")
    amount = Money(terms.amount or 0, debit.currency)
    currency_check(ref=credit, amount=amount, pointer="/destination_account")
    _terms_check(terms)
    channel_check(ref=debit, channel="standing")
    if terms.amount:
        limit_check(ref=debit, amount=amount, limits=product_limits())
        approval_check(amount, at=at)
    signatures_check(
        user=acting_user, ref=debit, amount=most_moved(terms, debit.currency), signed_by=signed_by, pointer="/amount"
    )
    today = business_date_current()
    if terms.starts_on < today:
        raise InstructionNotValid(f"It begins on {today} or later.", pointer="/starts_on")
    instruction = StandingInstruction(
        id=instruction_id or uuid7(),
        source_id=debit.account_id,
        destination_id=credit.account_id,
        currency=debit.currency,
        created_by=acting_user,
        created_at=at,
        **{name: getattr(terms, name) for name in Terms.__dataclass_fields__},
    )
    instruction.convention = convention_name(terms.convention)
    _next_set(instruction, debit, today)
    if instruction.next_on is None:
        raise InstructionNotValid("None of its dates lies ahead.", pointer="/rule")
    instruction.save(force_insert=True)
    record(
        action="payments.instruction.created",
        acting_user=acting_user,
        target=instruction,
        after=instruction_facts(instruction),
        at=at,
    )
    return instruction


def approval_check(amount: Money, *, at: dt.datetime) -> None:
    """Raise `ApprovalRequired` for an amount that a single transfer would need approval for: no way around it."""
    if approval_possible(kind=TRANSFER, amount=amount, at=at):
        raise ApprovalRequired("Such an amount needs approval: send it as single transfers.", pointer="/amount")


def most_moved(terms: Terms, currency: str) -> Money | None:
    """The most that one date may move; None where nothing bounds it."""
    most = terms.amount or terms.amount_max
    return Money(most, currency) if most else None


def _terms_check(terms: Terms) -> None:
    """Raise `InstructionNotValid` for terms that do not go together."""
    wanted = {"fixed": "amount", "percentage": "percentage"}.get(terms.kind)
    for name in ("amount", "percentage"):
        if (getattr(terms, name) is not None) != (name == wanted):
            word = "needs" if name == wanted else "takes no"
            raise InstructionNotValid(f"The kind {terms.kind} {word} {name}.", pointer=f"/{name}")
    if terms.keep and terms.kind != "sweep":
        raise InstructionNotValid("Only a sweep keeps an amount.", pointer="/keep")
    if terms.percentage is not None and not 0 < terms.percentage <= 100:
        raise InstructionNotValid("Above zero and at most 100.", pointer="/percentage")
    if terms.ends_on is not None and terms.ends_on < terms.starts_on:
        raise InstructionNotValid("It would end before it begins.", pointer="/ends_on")


def _next_set(instruction: StandingInstruction, source: AccountRef, today: dt.date) -> None:
    """The first date from today on that is not decided becomes the next one; without any it has ended."""
    decided = StandingExecution.objects.filter(instruction=instruction.pk).aggregate(newest=Max("nominal"))["newest"]
    following = date_from(instruction, bank_days(branch_id=source.branch_id), today, after=decided)
    instruction.next_nominal = following.nominal if following else None
    instruction.next_on = following.date if following else None
    instruction.dates_passed = following.number - 1 if following else instruction.dates_passed


def _locked(acting_user: User, pk: UUID, expected_version: int) -> StandingInstruction:
    known = instruction_get_for(user=acting_user, pk=pk)
    instruction = locks.instruction_lock(pk=known.pk)
    version_check(current=instruction.version, expected=expected_version)
    instruction.source, instruction.destination = known.source, known.destination
    instruction.created_by = known.created_by
    return instruction


@transaction.atomic
def instruction_update(
    *, acting_user: User, instruction_id: UUID, expected_version: int, changes: dict[str, Any], at: dt.datetime
) -> StandingInstruction:
    """Change amounts, texts, ends and policies of an instruction that has not ended; its rule stays.

    Raises `NotFound`, `PreconditionFailed`, `InstructionEnded`, and what `instruction_create` raises of the terms;
    `SignaturesMissing` where one signatory may not say so alone: then it is cancelled and set up anew.
    """
    instruction = _locked(acting_user, instruction_id, expected_version)
    _check_alive(instruction)
    before = instruction_facts(instruction)
    for name in CHANGEABLE:
        if name in changes:
            setattr(instruction, name, changes[name])
    _terms_check(Terms(**{name: getattr(instruction, name) for name in Terms.__dataclass_fields__}))
    if {"amount", "amount_max", "percentage", "keep"} & changes.keys():
        ref = usable_ref(user=acting_user, name=instruction.source.number, pointer="")
        terms = Terms(**{name: getattr(instruction, name) for name in Terms.__dataclass_fields__})
        signatures_check(user=acting_user, ref=ref, amount=most_moved(terms, ref.currency), pointer="/amount")
    if "amount" in changes:
        ref = usable_ref(user=acting_user, name=instruction.source.number, pointer="")
        amount = Money(changes["amount"], instruction.currency)
        limit_check(ref=ref, amount=amount, limits=product_limits())
        approval_check(amount, at=at)
    if instruction.next_nominal is not None:
        days = bank_days(branch_id=instruction.source.branch_id)
        following = date_after(instruction, days, instruction.next_nominal - dt.timedelta(days=1))
        if following is None:
            _end(instruction, "None of its dates lies ahead.")
    return _save("changed", instruction, acting_user, before=before, at=at)


@transaction.atomic
def instruction_pause(
    *, acting_user: User, instruction_id: UUID, expected_version: int, reason: str, at: dt.datetime
) -> StandingInstruction:
    """Pay nothing until it is resumed; what waits for funds waits too. Raises as `instruction_update`."""
    instruction = _locked(acting_user, instruction_id, expected_version)
    if instruction.status != Status.ACTIVE:
        raise InstructionEnded(f"It is {instruction.get_status_display().lower()}.")
    before = instruction_facts(instruction)
    instruction.status, instruction.status_reason = Status.PAUSED, reason
    return _save("paused", instruction, acting_user, before=before, reason=reason, at=at)


@transaction.atomic
def instruction_resume(
    *, acting_user: User, instruction_id: UUID, expected_version: int, at: dt.datetime
) -> StandingInstruction:
    """Go on with the first date from today; those that passed in the pause are not paid. Raises as the others."""
    instruction = _locked(acting_user, instruction_id, expected_version)
    if instruction.status != Status.PAUSED:
        raise InstructionEnded(f"It is {instruction.get_status_display().lower()}.")
    before = instruction_facts(instruction)
    ref = usable_ref(user=acting_user, name=instruction.source.number, pointer="")
    _next_set(instruction, ref, business_date_current())
    instruction.failures = 0
    if instruction.next_on is None:
        _end(instruction, "None of its dates lies ahead.")
    else:
        instruction.status, instruction.status_reason = Status.ACTIVE, ""
    return _save("resumed", instruction, acting_user, before=before, at=at)


@transaction.atomic
def instruction_cancel(
    *, acting_user: User, instruction_id: UUID, expected_version: int, reason: str, at: dt.datetime
) -> StandingInstruction:
    """End it for good; what waits for funds is given up. Raises as `instruction_update`."""
    instruction = _locked(acting_user, instruction_id, expected_version)
    _check_alive(instruction)
    return instruction_end(instruction=instruction, acting_user=acting_user, reason=reason, at=at)


def instruction_end(
    *, instruction: StandingInstruction, acting_user: User | None, reason: str, at: dt.datetime
) -> StandingInstruction:
    """Cancel one that the caller has locked."""
    before = instruction_facts(instruction)
    instruction.status, instruction.status_reason = Status.CANCELLED, reason
    instruction.next_nominal = instruction.next_on = None
    waiting = instruction.executions.filter(status=StandingExecution.Status.WAITING)
    waiting.update(status=StandingExecution.Status.FAILED, next_try_on=None, code="cancelled", at=at)
    return _save("cancelled", instruction, acting_user, before=before, reason=reason, at=at)


def _check_alive(instruction: StandingInstruction) -> None:
    if instruction.status in {Status.ENDED, Status.CANCELLED}:
        raise InstructionEnded(f"It is {instruction.get_status_display().lower()}.")


def _end(instruction: StandingInstruction, reason: str) -> None:
    instruction.status, instruction.status_reason = Status.ENDED, reason
    instruction.next_nominal = instruction.next_on = None


def _save(
    verb: str,
    instruction: StandingInstruction,
    acting_user: User | None,
    *,
    before: dict[str, Any],
    at: dt.datetime,
    reason: str = "",
) -> StandingInstruction:
    instruction.version += 1
    instruction.save()
    record(
        action=f"payments.instruction.{verb}",
        acting_user=acting_user,
        target=instruction,
        before=before,
        after=instruction_facts(instruction),
        reason=reason,
        at=at,
    )
    return instruction
