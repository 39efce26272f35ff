"""Changes of a loan on its way: charges and waivers, another rate, reschedule, moratorium, top-up, write-off."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from apps.calculations.errors import ConventionNeeds, UnknownConvention
from apps.core.display import money_text
from apps.core.errors import InvalidAmount
from apps.core.text import text_clean
from apps.lending.collateral import collateral_check, guarantors_check
from apps.lending.errors import ApplicationOutsideProduct, EventDateNotAllowed, LoanOverpaid
from apps.lending.models import Loan, LoanEvent, LoanProductTerms
from apps.lending.selectors import Servicing, terms_on
from apps.lending.services._asked import Asked, Counter, EventAsked
from apps.lending.services._carry import Done, plan_carry_out
from apps.lending.services._limits import needs_of
from apps.lending.services._money import side_of
from apps.lending.services._plans import Plan, account_ids_of, event_plan, state_require

if TYPE_CHECKING:
    from apps.identity.models import User

Kind = LoanEvent.Kind
CHANGES = (
    Kind.CHARGE, Kind.WAIVER, Kind.RATE_CHANGE, Kind.RESCHEDULE, Kind.MORATORIUM, Kind.TOP_UP, Kind.WRITE_OFF,
)  # fmt: skip
COMPONENTS = ("principal", "interest", "fees", "penalties")
POINTERS = {"rate": "rate_percent"}
MORATORIUM_INTEREST = ("deferred", "forgiven", "paid")


@dataclass(frozen=True, slots=True)
class ChangeAsked:
    """A change of one of the kinds of CHANGES. `amount` minor units where there is one; `details` by kind:

    charge: penalty; waiver: component; rate_change: rate; reschedule: rate, extra_instalments, grace_principal, or
    first_due and instalments; moratorium: periods, interest, extend; top_up: extra_instalments.
    """

    kind: str
    amount: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    account: str | None = None
    channel: str | None = None


def change_plan(servicing: Servicing, today: dt.date, *, user: User | None, change: ChangeAsked) -> Plan:
    """What a change from today on would do.

    Raises `LoanStateWrong`, `InvalidAmount`, `LoanOverpaid` for a waiver of more than is owed,
    `ApplicationOutsideProduct` for a rate or, with a top-up, a debt above the product's, `SecurityMissing` for a
    top-up, CalculationErrors.
    """
    loan = servicing.loan
    state_require(loan, Loan.Status.ACTIVE)
    last = max((event.value_date for event in servicing.events), default=today)
    if last > today:
        raise EventDateNotAllowed("Something of a later day has happened.", pointer="/value_date")
    reason = text_clean(change.reason, max_length=200, pointer="/reason")
    event = EventAsked(change.kind, today, change.amount, dict(change.details), description=reason)
    event = _MAKERS[change.kind](servicing, user, change, event)
    plan = event_plan(servicing, event, today=today)
    if change.kind == Kind.WAIVER and plan.portions.overpaid:
        excess = plan.portions.overpaid
        text = money_text(excess, loan.currency, with_currency=True)
        raise LoanOverpaid(f"{text} more than is due of that.", pointer="/amount", excess_minor=excess)
    return plan


def loan_change(*, asked: Asked, loan_id: UUID, change: ChangeAsked, at: dt.datetime) -> Done:
    """Change a loan from today on; see `change_plan`. Raises refusals of the books for a top-up."""
    return plan_carry_out(
        asked=asked, loan_id=loan_id, at=at,
        make=lambda servicing, today: change_plan(servicing, today, user=asked.user, change=change),
    )  # fmt: skip


Maker = Callable[[Servicing, "User | None", ChangeAsked, EventAsked], EventAsked]


def _amount_needed(servicing: Servicing, user: User | None, change: ChangeAsked, event: EventAsked) -> EventAsked:
    if change.amount <= 0:
        raise InvalidAmount("The amount must be above zero.", pointer="/amount")
    return event


def _no_amount(servicing: Servicing, user: User | None, change: ChangeAsked, event: EventAsked) -> EventAsked:
    if change.amount:
        raise InvalidAmount("This change moves no money.", pointer="/amount")
    return event


def _waiver(servicing: Servicing, user: User | None, change: ChangeAsked, event: EventAsked) -> EventAsked:
    _amount_needed(servicing, user, change, event)
    if change.details.get("component") not in COMPONENTS[1:]:
        raise UnknownConvention("Interest, fees or penalties are waived.", pointer="/component")
    cost = Counter("waivers", account_ids_of(servicing.loan, ["waivers"])["waivers"], -change.amount)
    return replace(event, counters=(cost,))


def _detailed(*names: str) -> Maker:
    """For changes that need details by these names."""

    def make(servicing: Servicing, user: User | None, change: ChangeAsked, event: EventAsked) -> EventAsked:
        for name in names:
            if change.details.get(name) is None:
                raise ConventionNeeds(f"The change needs {name}.", pointer=f"/{POINTERS.get(name, name)}")
        _rate_check(servicing, event)
        return _no_amount(servicing, user, change, event)

    return make


def _in_force(servicing: Servicing, event: EventAsked) -> LoanProductTerms:
    """What the product offers on the day of the change."""
    return terms_on(product_id=servicing.loan.product_id, day=event.value_date) or servicing.loan.terms


def _rate_check(servicing: Servicing, event: EventAsked) -> None:
    """A lower rate helps a borrower; a higher one is at most what was agreed on or what is offered now."""
    rate = event.details.get("rate")
    if rate is None:
        return
    most = max(servicing.loan.terms.rate_max, _in_force(servicing, event).rate_max)
    if Decimal(rate) > most:
        raise ApplicationOutsideProduct(f"A rate of at most {(most * 100).normalize():f} %.", pointer="/rate_percent")


def _reschedule(servicing: Servicing, user: User | None, change: ChangeAsked, event: EventAsked) -> EventAsked:
    details = change.details
    if (details.get("first_due") is None) != (details.get("instalments") is None):
        raise ConventionNeeds("A first due date and instalments go together.", pointer="/instalments")
    _rate_check(servicing, event)
    return _no_amount(servicing, user, change, event)


def _moratorium(servicing: Servicing, user: User | None, change: ChangeAsked, event: EventAsked) -> EventAsked:
    if change.details.get("interest", "deferred") not in MORATORIUM_INTEREST:
        raise UnknownConvention("Interest is " + ", ".join(MORATORIUM_INTEREST) + ".", pointer="/interest")
    return _detailed("periods")(servicing, user, change, event)


def _top_up(servicing: Servicing, user: User | None, change: ChangeAsked, event: EventAsked) -> EventAsked:
    _amount_needed(servicing, user, change, event)
    _top_up_check(servicing, change, event)
    side = side_of(user=user, loan=servicing.loan, account=change.account, channel=change.channel, inward=False)
    return replace(
        event,
        counters=(Counter("money", side.ledger_id, change.amount),),
        account_id=side.account_id,
        channel=side.channel,
        till=side.till,
    )


def _top_up_check(servicing: Servicing, change: ChangeAsked, event: EventAsked) -> None:
    """What is owed then is within what the product lends to such a borrower, with what has to stand behind it."""
    loan, terms = servicing.loan, _in_force(servicing, event)
    narrower = needs_of(terms).limits.get(loan.member.kind)
    most = terms.principal_max
    if narrower is not None and narrower.principal_max is not None:
        most = min(most, narrower.principal_max)
    owed = sum(row.principal - row.principal_paid for row in servicing.rows) + change.amount
    if owed > most:
        text = money_text(most, loan.currency, with_currency=True)
        raise ApplicationOutsideProduct(f"The borrower may owe {text} of it at most.", pointer="/amount")
    guarantors_check(loan=loan)
    collateral_check(loan=loan, principal=owed)


def _write_off(servicing: Servicing, user: User | None, change: ChangeAsked, event: EventAsked) -> EventAsked:
    _no_amount(servicing, user, change, event)
    owed = sum(row.left for row in servicing.rows)
    return replace(event, details={"owed": owed})


_MAKERS: Mapping[str, Maker] = {
    Kind.CHARGE: _amount_needed,
    Kind.WAIVER: _waiver,
    Kind.RATE_CHANGE: _detailed("rate"),
    Kind.RESCHEDULE: _reschedule,
    Kind.MORATORIUM: _moratorium,
    Kind.TOP_UP: _top_up,
    Kind.WRITE_OFF: _write_off,
}
