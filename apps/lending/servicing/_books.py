"""What the books should hold of a loan on the morning of a day, and how they get there (ADR 0027)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from apps.lending.servicing._position import Position

Moves = Mapping[str, int]
"""Credit-positive minor units by role: the loan's own accounts and those of the product's mapping; no zeros."""


@dataclass(frozen=True, slots=True)
class Books:
    """The books of one loan. Owed amounts as the borrower sees them, totals since it began; minor units."""

    principal: int = 0
    interest: int = 0
    """Earned and not paid; below zero: paid before it was earned."""
    charges: int = 0
    earned: int = 0
    charged: int = 0
    penalties: int = 0
    """Of what was charged."""
    suspended: int = 0
    """Of the interest owed: not income yet."""


def books_due(position: Position, day: dt.date, *, suspends: bool) -> Books:
    """What the books should hold on the morning of `day`.

    `suspends`: interest is income only when it is paid, because the loan does not accrue or is accounted for by cash.
    """
    earned, fees, penalties = position.earned(day), position.fees_due(day), position.made_penalties
    interest = earned - position.paid("interest")
    return Books(
        principal=position.principal,
        interest=interest,
        charges=fees + penalties - position.paid("fees", "penalties"),
        earned=earned,
        charged=fees + penalties,
        penalties=penalties,
        suspended=max(interest, 0) if suspends else 0,
    )


def moves_between(before: Books, after: Books) -> Moves:
    """What changes in the books, income included; the money of the event is the other side."""
    suspended = after.suspended - before.suspended
    penalties = after.penalties - before.penalties
    moves = {
        "principal": before.principal - after.principal,
        "interest": before.interest - after.interest,
        "charges": before.charges - after.charges,
        "suspense": suspended,
        "interest_income": after.earned - before.earned - suspended,
        "fee_income": after.charged - before.charged - penalties,
        "penalty_income": penalties,
    }
    return {role: amount for role, amount in moves.items() if amount}
