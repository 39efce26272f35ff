"""Groups with joint liability, and the collection of a meeting: many payments entered as one sheet."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, Sum

from apps.audit.services import record
from apps.core.errors import DomainError, IdempotencyKeyReused, NotFound
from apps.core.idempotency import key_within
from apps.core.text import text_clean
from apps.lending.errors import GroupNotPossible
from apps.lending.models import GroupMeeting, Loan, LoanGroup, LoanGroupMember, LoanInstalment, LoanProduct
from apps.lending.services import Asked, Money, loan_repay
from apps.members.services import member_require_active

if TYPE_CHECKING:
    from apps.identity.models import User

ROWS_MAX = 200
LEFT = (
    F("principal") + F("interest") + F("fees") + F("penalties")
    - F("principal_paid") - F("interest_paid") - F("fees_paid") - F("penalties_paid")
)  # fmt: skip


@transaction.atomic
def group_create(
    *, acting_user: User | None, name: str, branch_id: UUID, meets_on: int = 1, at: dt.datetime
) -> LoanGroup:
    """A group of a branch that meets on a day of the week (Monday 1). Raises InvalidText, GroupNotPossible."""
    if not 1 <= meets_on <= 7:
        raise GroupNotPossible("A day of the week from 1 to 7.", pointer="/meets_on")
    group = LoanGroup(
        name=text_clean(name, max_length=80, min_length=2, pointer="/name"), branch_id=branch_id, meets_on=meets_on
    )
    try:
        with transaction.atomic():
            group.save(force_insert=True)
    except IntegrityError as error:
        raise GroupNotPossible("The branch has a group of this name.", pointer="/name") from error
    record(action="lending.group.created", acting_user=acting_user, target=group, after={"name": group.name}, at=at)
    return group


@transaction.atomic
def group_join(
    *, acting_user: User | None, group: LoanGroup, member_id: UUID, today: dt.date, at: dt.datetime
) -> LoanGroupMember:
    """A member of the group's branch joins; each belongs to one group. Raises MemberNotActive, GroupNotPossible."""
    member = member_require_active(member_id=member_id)
    if member.branch_id != group.branch_id:
        raise GroupNotPossible("The member is of another branch.", pointer="/member_id")
    try:
        with transaction.atomic():
            row = LoanGroupMember.objects.create(group=group, member=member, joined_on=today)
    except IntegrityError as error:
        raise GroupNotPossible("The member belongs to a group already.", pointer="/member_id") from error
    after = {"member": member.number}
    record(action="lending.group.joined", acting_user=acting_user, target=group, after=after, at=at)
    return row


@transaction.atomic
def group_leave(
    *, acting_user: User | None, group: LoanGroup, member_id: UUID, today: dt.date, at: dt.datetime
) -> None:
    """A member leaves: not while anybody in the group owes something, for each answers for all.

    Raises NotFound, GroupNotPossible.
    """
    row = LoanGroupMember.objects.filter(group=group, member=member_id, left_on__isnull=True).first()
    if row is None:
        raise NotFound("No such member of the group.")
    if loans_of(group).exists():
        raise GroupNotPossible("Loans of the group are not paid back: each of its members answers for them.")
    row.left_on = today
    row.save(update_fields=["left_on"])
    record(action="lending.group.left", acting_user=acting_user, target=group, after={"left_on": str(today)}, at=at)


def loans_of(group: LoanGroup) -> Any:
    """The active loans for which a group answers: those of its members from group products.

    A member's home or salary loan is a member's own affair: it is on no sheet, and the others do not answer for it.
    """
    members = LoanGroupMember.objects.filter(group=group, left_on__isnull=True).values("member")
    loans = Loan.objects.filter(member__in=members, product__kind=LoanProduct.Kind.GROUP, status=Loan.Status.ACTIVE)
    return loans.select_related("member", "product", "standing").order_by("number")


def dues_of(loans: Sequence[Loan], day: dt.date) -> dict[UUID, int]:
    """What is due by a day and not paid, by loan, minor units."""
    rows = (
        LoanInstalment.objects.filter(schedule__in=[loan.schedule_id for loan in loans], due_on__lte=day)
        .values("schedule__loan")
        .annotate(due=Sum(LEFT))
    )
    return {row["schedule__loan"]: row["due"] for row in rows}


@dataclass(frozen=True, slots=True)
class Paid:
    """A row of a sheet: a loan's number, and what came in for it in minor units."""

    loan: str
    amount: int


def collection_take(
    *,
    asked: Asked,
    group: LoanGroup,
    rows: Sequence[Paid],
    channel: str | None,
    today: dt.date,
    at: dt.datetime,
) -> GroupMeeting:
    """Take the payments of a meeting: each a payment of its loan, once; what cannot be taken is noted with its reason.

    A sheet that broke off is sent again under the same key: payments that were taken stay as they are.
    Raises GroupNotPossible for a loan that is not the group's, or twice on the sheet, IdempotencyKeyReused.
    """
    if (known := _known(asked)) is not None:
        return known
    loans = {loan.number: loan for loan in loans_of(group)}
    if not 0 < len(rows) <= ROWS_MAX or len({row.loan for row in rows}) != len(rows):
        raise GroupNotPossible(f"1 to {ROWS_MAX} loans, each once.", pointer="/rows")
    for number, row in enumerate(rows):
        if row.loan not in loans:
            raise GroupNotPossible("No active loan of the group.", pointer=f"/rows/{number}/loan")
    dues = dues_of(list(loans.values()), today)
    done: list[Mapping[str, Any]] = []
    for row in rows:
        loan = loans[row.loan]
        shown = {"loan": row.loan, "due": dues.get(loan.pk, 0), "amount": row.amount, "paid": 0, "event": "", "why": ""}
        if row.amount > 0:
            shown |= _row_take(asked, loan, row, channel, at)
        done.append(shown)
    try:
        return _meeting(asked, group, loans, dues, done, today, at)
    except IntegrityError:  # the same sheet came twice at one moment: its payments are the same, too
        if (known := _known(asked)) is not None:
            return known
        raise


def _known(asked: Asked) -> GroupMeeting | None:
    known = GroupMeeting.objects.filter(transaction_id=asked.transaction_id).first()
    if known is not None and bytes(known.fingerprint) != asked.fingerprint:
        raise IdempotencyKeyReused
    return known


def _row_take(asked: Asked, loan: Loan, row: Paid, channel: str | None, at: dt.datetime) -> dict[str, Any]:
    key = key_within(f"{asked.key}:{loan.number}")
    mine = Asked(asked.user, key, hashlib.sha256(f"{key}:{row.amount}".encode()).digest())
    try:
        event = loan_repay(asked=mine, loan_id=loan.pk, money=Money(row.amount, channel=channel), at=at).event
    except DomainError as error:
        return {"why": str(error.detail or error.title)}
    return {"paid": row.amount, "event": str(event.pk)}


@transaction.atomic
def _meeting(
    asked: Asked,
    group: LoanGroup,
    loans: Mapping[str, Loan],
    dues: Mapping[UUID, int],
    rows: Sequence[Mapping[str, Any]],
    today: dt.date,
    at: dt.datetime,
) -> GroupMeeting:
    due, collected = sum(dues.get(loan.pk, 0) for loan in loans.values()), sum(row["paid"] for row in rows)
    meeting = GroupMeeting.objects.create(
        group=group, held_on=today, due=due, collected=collected, missing=max(due - collected, 0), rows=list(rows),
        taken_by=asked.user, transaction_id=asked.transaction_id, fingerprint=asked.fingerprint,
    )  # fmt: skip
    after = {"due": due, "collected": collected, "loans": len(rows)}
    record(action="lending.group.collected", acting_user=asked.user, target=meeting, after=after, at=at)
    return meeting
