"""What payments keep on an account that is to be closed, and which entries are of a till or a cheque."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from uuid import UUID

from apps.accounts.closures import ClosurePart, Ties, closure_part_register, counted
from apps.approvals.services import approval_possible
from apps.audit.services import record
from apps.balances.controls import entry_owner_register
from apps.core import clock
from apps.payments import locks, services
from apps.payments.actions import REVERSAL
from apps.payments.holding import hold_owner_register
from apps.payments.models import ChequeDeposit, ChequeLeaf, PendingPayment, StandingInstruction
from apps.payments.selectors import cheque_keeps_hold, cheque_paid_in, payment_find

if TYPE_CHECKING:
    from apps.balances.selectors import Hold
    from apps.identity.models import User

LEAF_LAST = 2_147_483_647
ALIVE = (StandingInstruction.Status.ACTIVE, StandingInstruction.Status.PAUSED)


def _look(account_id: UUID) -> Ties:
    clearing = ChequeDeposit.objects.filter(account=account_id, status=ChequeDeposit.Status.CLEARING)
    unused = ChequeLeaf.objects.filter(account=account_id, status=ChequeLeaf.Status.UNUSED)
    instructions = StandingInstruction.objects.filter(source=account_id, status__in=ALIVE)
    waiting = PendingPayment.objects.filter(account=account_id, status=PendingPayment.Status.WAITING)
    return Ties(
        blocks=counted(clearing.count(), "A cheque is in clearing.", "{} cheques are in clearing."),
        ends=(
            *counted(waiting.count(), "A payment that waits for signatures.", "{} payments that wait for signatures."),
            *counted(instructions.count(), "A standing instruction.", "{} standing instructions."),
            *counted(unused.count(), "An unused cheque leaf.", "{} unused cheque leaves."),
        ),
    )


def _end(*, account_id: UUID, acting_user: User | None, reason: str, at: dt.datetime) -> None:
    """In the order of docs/locking.md: payments that wait, instructions, leaves. Instructions of others that pay into
    it go on, fail at their next date, and tell their owners."""
    waiting = PendingPayment.objects.filter(account=account_id, status=PendingPayment.Status.WAITING).order_by("pk")
    for pk in waiting.values_list("pk", flat=True):
        services.pending_end(
            acting_user=acting_user, pending_id=pk, status=PendingPayment.Status.CANCELLED, outcome=reason, at=at
        )
    for instruction in locks.instructions_from_lock(account_id=account_id):
        services.instruction_end(instruction=instruction, acting_user=acting_user, reason=reason, at=at)
    leaves = locks.cheque_leaves_lock(account_id=account_id, first=0, last=LEAF_LAST)
    unused = [leaf for leaf in leaves if leaf.status == ChequeLeaf.Status.UNUSED]
    if unused:
        ChequeLeaf.objects.filter(pk__in=[leaf.pk for leaf in unused]).update(
            status=ChequeLeaf.Status.STOPPED, stop_reason=reason, changed_at=at, changed_by=acting_user
        )
        record(
            action="payments.cheque_leaf.stopped",
            acting_user=acting_user,
            object_type="accounts.account",
            object_id=str(account_id),
            object_label=unused[0].account.number,
            after={"leaves": [leaf.number for leaf in unused]},
            reason=reason,
            at=at,
        )


def _owner(kind: str, transaction_id: UUID) -> str:
    if kind in {"vault_transfer", "till_difference"}:
        return "a till"
    if kind in services.REVERSIBLE:
        payment = payment_find(transaction_id=transaction_id)
        if payment is not None and approval_possible(kind=REVERSAL, amount=payment.amount, at=clock.now()):
            return "a payment whose reversal a policy wants approved"
    return "a cheque" if kind == "cheque_clearing" or cheque_paid_in(transaction_id=transaction_id) else ""


def _keeper(hold: Hold) -> str:
    return "the cheque, once it has cleared or is returned" if cheque_keeps_hold(hold_id=hold.pk) else ""


def register() -> None:
    """Offer it to the closing of accounts, and to who would reverse an entry or release a hold."""
    closure_part_register(ClosurePart("payments", look=_look, end=_end))
    entry_owner_register(_owner)
    hold_owner_register(_keeper)
