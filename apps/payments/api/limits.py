"""The limits by amount of the caller's roles, asked before money moves."""

from __future__ import annotations

from collections.abc import Iterable

from apps.core import clock
from apps.core.money import Money
from apps.identity.errors import AmountLimitExceeded, MfaStepUpRequired
from apps.identity.guards import amount_check, amount_rule
from apps.identity.models import User
from apps.payments.errors import InstructionNotValid
from apps.payments.selectors import payment_find
from apps.payments.services import Asked


def amount_guard(asked: Asked, permission: str, amount: Money) -> None:
    """Raise AmountLimitExceeded or MfaStepUpRequired where the roles of who asks say so.

    What was decided before keeps its answer: sent again under its key it is not measured by today's limits.
    """
    try:
        amount_allowed(asked.user, permission, amount)
    except (AmountLimitExceeded, MfaStepUpRequired):
        if payment_find(transaction_id=asked.transaction_id) is None:
            raise


def amount_allowed(user: User, permission: str, amount: Money) -> None:
    """The same for what has no key of its own, such as the amount of a standing instruction."""
    amount_check(user, permission, amount.minor, amount.currency, at=clock.now())


def amount_limited(user: User, permission: str, currency: str) -> bool:
    """Is there any limit on what the user may move at once?"""
    return amount_rule(user, permission, currency, at=clock.now()) is not None


def instruction_allowed(user: User, most: int | None, currency: str) -> None:
    """Hold the most that one date of a standing instruction may move, in minor units, against the user's limits.

    Where it depends on the balance (None), who has a limit must say the most: else it would be a way around it. Raises
    AmountLimitExceeded, MfaStepUpRequired, InstructionNotValid.
    """
    for permission in ("payments.transfer", "payments.instruct"):
        if most is not None:
            amount_allowed(user, permission, Money(most, currency))
        elif amount_limited(user, permission, currency):
            raise InstructionNotValid("You have a limit: say the most that a date may move.", pointer="/amount_max")


def amounts_guard(asked: Asked, permission: str, amounts: Iterable[Money]) -> None:
    """The same for many amounts at once: the largest of each currency is the one that counts."""
    largest: dict[str, Money] = {}
    for amount in amounts:
        known = largest.get(amount.currency)
        if known is None or amount.minor > known.minor:
            largest[amount.currency] = amount
    for amount in largest.values():
        amount_guard(asked, permission, amount)
