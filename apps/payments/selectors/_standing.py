"""Standing instructions and what became of their dates."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.accounts.selectors import accounts_visible_to
from apps.core.errors import NotFound
from apps.payments.models import StandingExecution, StandingInstruction

if TYPE_CHECKING:
    from apps.identity.models import User


def instructions_visible_to(user: User) -> QuerySet[StandingInstruction]:
    """Instructions whose source is an account in the user's reach: the bank's, the branch's, or the user's own."""
    found = StandingInstruction.objects.select_related("source__branch", "destination", "created_by")
    accounts = accounts_visible_to(user)
    if user.scope == "all" and user.has_permission("accounts.view"):
        return found
    return found.filter(source__in=accounts.order_by().values("pk"))


def instruction_get_for(*, user: User, pk: UUID) -> StandingInstruction:
    """The instruction, if its source is in the user's reach. Raises `NotFound`."""
    instruction = instructions_visible_to(user).filter(pk=pk).first()
    if instruction is None:
        raise NotFound("No such standing instruction.")
    return instruction


def executions_of(instruction: StandingInstruction) -> QuerySet[StandingExecution]:
    """What became of an instruction's dates."""
    return instruction.executions.select_related("instruction")


def instructions_due(*, on: dt.date) -> list[UUID]:
    """Ids of instructions with a date to carry out by a business date, or one that waits for funds; oldest first."""
    due = Q(status=StandingInstruction.Status.ACTIVE, next_on__lte=on)
    waiting = StandingExecution.objects.filter(status=StandingExecution.Status.WAITING, next_try_on__lte=on)
    again = Q(pk__in=waiting.values("instruction")) & ~Q(status=StandingInstruction.Status.PAUSED)
    found = StandingInstruction.objects.filter(due | again).order_by("next_on", "pk")
    return list(found.values_list("pk", flat=True))
