"""What people are told of payments."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from apps.core.notices import Kind, Texts, kind_register


@dataclass(frozen=True)
class InstructionFailed:
    """A date of a standing instruction on which nothing was paid; `outlook` says what happens next."""

    account: str
    to: str
    day: dt.date
    reason: str
    outlook: str


INSTRUCTION_FAILED = kind_register(
    Kind(
        code="payments.instruction_failed",
        title="A standing instruction was not paid",
        sample=InstructionFailed(
            "ending 0017", "ending 0024", dt.date(2026, 1, 31), "there was not enough money", "It is tried again."
        ),
        texts={
            "en": Texts(
                "Your standing instruction of {day} was not paid",
                "From your account {account} to the account {to}, due on {day}: {reason}.\n\n{outlook}",
                "Standing instruction from {account}, {day}: {reason}. {outlook}",
            )
        },
    )
)
