"""One name for every event: what is asked of a loan as one value, planned or carried out.

Previews, endpoints and approvals all go through here, so that they mean the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from apps.core.errors import InvalidRequest
from apps.lending.models import LoanEvent
from apps.lending.selectors import Servicing
from apps.lending.services._asked import Asked
from apps.lending.services._carry import Done, plan_carry_out
from apps.lending.services._changing import CHANGES, ChangeAsked, change_plan
from apps.lending.services._paying import (
    Money,
    disbursement_plan,
    payoff_plan,
    recovery_plan,
    repayment_plan,
    taking_back_plan,
)
from apps.lending.services._plans import Plan

if TYPE_CHECKING:
    from apps.identity.models import User

Kind = LoanEvent.Kind
REVERSAL = "reversal"
ACTS = (Kind.DISBURSEMENT, Kind.REPAYMENT, Kind.PAYOFF, Kind.RECOVERY, *CHANGES, REVERSAL)


@dataclass(frozen=True, slots=True)
class Act:
    """An event to be: money in minor units, and what its kind takes besides (see the `*_plan` functions)."""

    kind: str
    money: Money = field(default_factory=lambda: Money(0))
    strategy: str = ""
    discount: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    event_id: UUID | None = None

    def payload(self) -> dict[str, Any]:
        """As JSON can hold it."""
        found = asdict(self)
        found["money"]["value_date"] = self.money.value_date.isoformat() if self.money.value_date else None
        found["event_id"] = str(self.event_id) if self.event_id else None
        return found | {"kind": str(self.kind), "details": dict(self.details)}

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Act:
        """The act that was put into a payload."""
        money = dict(payload["money"])
        money["value_date"] = dt.date.fromisoformat(money["value_date"]) if money["value_date"] else None
        event_id = UUID(payload["event_id"]) if payload["event_id"] else None
        rest = {name: payload[name] for name in ("kind", "strategy", "discount", "details", "reason")}
        return cls(money=Money(**money), event_id=event_id, **rest)


def act_plan(*, servicing: Servicing, today: dt.date, user: User | None, act: Act) -> Plan:
    """What an act would do. Raises what the plan of its kind raises."""
    if act.kind == Kind.DISBURSEMENT:
        return disbursement_plan(servicing, today, user=user, money=act.money)
    if act.kind == Kind.REPAYMENT:
        return repayment_plan(servicing, today, user=user, money=act.money, strategy=act.strategy)
    if act.kind == Kind.PAYOFF:
        return payoff_plan(servicing, today, user=user, money=act.money, discount=act.discount)
    if act.kind == Kind.RECOVERY:
        return recovery_plan(servicing, today, user=user, money=act.money)
    if act.kind == REVERSAL:
        if act.event_id is None:
            raise InvalidRequest("Which event is it?", pointer="/event_id")
        return taking_back_plan(servicing, today, event_id=act.event_id)
    money = act.money
    change = ChangeAsked(act.kind, money.amount, act.details, act.reason, money.account, money.channel)
    return change_plan(servicing, today, user=user, change=change)


def act_carry_out(*, asked: Asked, loan_id: UUID, act: Act, at: dt.datetime) -> Done:
    """Do it, once under one key. Raises what its plan raises, and refusals of the books."""
    return plan_carry_out(
        asked=asked, loan_id=loan_id, at=at, reason=act.reason,
        make=lambda servicing, today: act_plan(servicing=servicing, today=today, user=asked.user, act=act),
    )  # fmt: skip
