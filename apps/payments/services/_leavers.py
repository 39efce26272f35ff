"""Standing instructions of users who are locked out."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from apps.audit.services import record
from apps.core.notices import Phrase, notify
from apps.payments import locks
from apps.payments.models import StandingInstruction
from apps.payments.notices import INSTRUCTION_FAILED, InstructionFailed
from apps.payments.selectors import account_refs

if TYPE_CHECKING:
    from apps.identity.models import User

REASON = "the user who set it up was locked out"


def instructions_suspend(*, user: User, acting_user: User | None, at: dt.datetime) -> None:
    """Pause what a customer's user had set up, once that user is locked out, and tell who else holds the accounts.

    What staff set up was asked for by the customer, and goes on without them. Nothing starts again by itself: somebody
    who may act on the account resumes it.
    """
    if user.is_staff:
        return
    for instruction in locks.instructions_lock(created_by_id=user.pk):
        before = instruction.status
        instruction.status, instruction.status_reason = StandingInstruction.Status.PAUSED, REASON.capitalize()
        instruction.version += 1
        instruction.save(update_fields=["status", "status_reason", "version", "updated_at"])
        record(
            action="payments.instruction.paused",
            acting_user=acting_user,
            target=instruction,
            before={"status": before},
            after={"status": instruction.status},
            reason=REASON,
            at=at,
        )
        _tell(instruction, user, at)


def _tell(instruction: StandingInstruction, gone: User, at: dt.datetime) -> None:
    source, destination = instruction.source.number, instruction.destination.number
    ref = account_refs(names=[source])[source]
    people = {ref.owner_user_id, *ref.holder_user_ids} - {None, gone.pk}
    notify(
        INSTRUCTION_FAILED,
        recipients=[person for person in people if person is not None],
        context=InstructionFailed(
            account=f"*{source[-4:]}",
            to=f"*{destination[-4:]}",
            day=instruction.next_on or instruction.starts_on,
            reason=Phrase(REASON),
            outlook=Phrase("The instruction is paused: resume it once all is in order."),
        ),
        at=at,
    )
