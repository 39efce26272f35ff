"""What people are told of payments."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from apps.core.notices import Kind, Phrase, Texts, kind_register


@dataclass(frozen=True)
class InstructionFailed:
    """A date of a standing instruction on which nothing was paid; `outlook` says what happens next."""

    account: str
    to: str
    day: dt.date
    reason: Phrase
    outlook: Phrase


INSTRUCTION_FAILED = kind_register(
    Kind(
        code="payments.instruction_failed",
        title="A standing instruction was not paid",
        sample=InstructionFailed(
            "*0017",
            "*0024",
            dt.date(2026, 1, 31),
            Phrase("there was not enough money"),
            Phrase("It is tried again on the next bank day."),
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


@dataclass(frozen=True)
class SignatureAsked:
    """A payment that waits for the reader's signature."""

    what: str
    account: str
    by: str
    until: dt.date


@dataclass(frozen=True)
class SignatureEnded:
    """What became of a payment that waited for signatures."""

    what: str
    account: str
    outcome: Phrase


SIGNATURE_ASKED = kind_register(
    Kind(
        code="payments.signature_asked",
        title="A payment waits for your signature",
        sample=SignatureAsked("Transfer of 80,000.00 KES to *0024", "*0017", "Amina Otieno", dt.date(2026, 1, 31)),
        texts={
            "en": Texts(
                "A payment from account {account} waits for your signature",
                "{by} asks for it: {what}, from account {account}.\n\nSign or refuse it by {until}; then it ends.",
                "{what} from {account} waits for your signature until {until}.",
            )
        },
    )
)
SIGNATURE_ENDED = kind_register(
    Kind(
        code="payments.signature_ended",
        title="A payment that waited for signatures has ended",
        sample=SignatureEnded("Transfer of 80,000.00 KES to *0024", "*0017", Phrase("carried out")),
        texts={
            "en": Texts(
                "A payment from account {account}: {outcome}",
                "{what}, from account {account}: {outcome}.",
                "{what} from {account}: {outcome}.",
            )
        },
    )
)
