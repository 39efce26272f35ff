"""Money out of a loan and into it: disbursement, repayment, prepayment, payoff, settlement, and taking them back.

Each has a `*_plan` of the same arguments, which says what would happen and is what then happens.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from apps.calculations.loans import Payoff, fee_amount
from apps.calculations.loans.options import STRATEGIES
from apps.core.display import money_text
from apps.core.errors import InvalidAmount
from apps.core.text import text_clean
from apps.lending.collateral import security_check
from apps.lending.errors import DisbursementTooHigh, EventNotReversible, LoanOverpaid, LoanStateWrong, PayoffDiffers
from apps.lending.models import Loan, LoanEvent
from apps.lending.selectors import Servicing
from apps.lending.services._asked import Asked, Counter, EventAsked
from apps.lending.services._carry import Done, plan_carry_out
from apps.lending.services._money import side_of
from apps.lending.services._plans import Plan, account_ids_of, event_plan, reversal_plan, state_require
from apps.lending.servicing import Happening, PaidRow, Position

if TYPE_CHECKING:
    from apps.identity.models import User

Kind = LoanEvent.Kind


@dataclass(frozen=True, slots=True)
class Money:
    """Money that moves: minor units of the loan's currency, by an account (number or id) or a channel.

    Neither is the loan's own account. `value_date` None is the business day.
    """

    amount: int
    account: str | None = None
    channel: str | None = None
    value_date: dt.date | None = None
    reference: str = ""
    description: str = ""


def _event(
    servicing: Servicing, user: User | None, money: Money, today: dt.date, kind: str, *, sign: int, **more: Any
) -> EventAsked:
    """The event of money that comes in (`sign` -1: the source is debited) or goes out (1)."""
    side = side_of(user=user, loan=servicing.loan, account=money.account, channel=money.channel, inward=sign < 0)
    moved = more.pop("moved", money.amount)
    counters = (Counter("money", side.ledger_id, sign * moved), *more.pop("counters", ()))
    return EventAsked(
        kind=kind,
        value_date=money.value_date or today,
        amount=money.amount,
        counters=counters,
        account_id=side.account_id,
        channel=side.channel,
        till=side.till,
        reference=text_clean(money.reference, max_length=64, pointer="/reference"),
        description=text_clean(money.description, max_length=200, pointer="/description"),
        **more,
    )


def _positive(amount: int) -> None:
    if amount <= 0:
        raise InvalidAmount("The amount must be above zero.", pointer="/amount")


# -- disbursement


def disbursement_plan(servicing: Servicing, today: dt.date, *, user: User | None, money: Money) -> Plan:
    """What paying out `money.amount` of the principal would do. Fees at the beginning are kept from the first tranche.

    Raises `LoanStateWrong`, `DisbursementTooHigh`, `SecurityMissing`, what `side_of` and the calculations raise.
    """
    loan = servicing.loan
    state_require(loan, Loan.Status.APPROVED, Loan.Status.ACTIVE)
    _positive(money.amount)
    out = [event.amount for event in servicing.events if event.kind == Kind.DISBURSEMENT]
    left = loan.principal - sum(out)
    if money.amount > left:
        still = money_text(left, loan.currency, with_currency=True)
        raise DisbursementTooHigh(f"{still} is still to be paid out.", pointer="/amount", left_minor=left)
    if money.amount < left and len(out) + 1 >= servicing.loaned.conventions.tranches_max:
        raise DisbursementTooHigh("The product pays out in fewer parts.", pointer="/amount", left_minor=left)
    if not out:
        security_check(loan=loan)
    withheld = 0 if out else fees_withheld(servicing)
    if withheld >= money.amount:
        raise DisbursementTooHigh("The fees leave nothing to pay out.", pointer="/amount")
    counters = []
    if withheld:
        counters.append(Counter("fee_income", account_ids_of(loan, ["fee_income"])["fee_income"], withheld))
    event = _event(
        servicing, user, money, today, Kind.DISBURSEMENT,
        sign=1, moved=money.amount - withheld, counters=counters, details={"withheld": withheld},
    )  # fmt: skip
    return event_plan(servicing, event, today=today)


def fees_withheld(servicing: Servicing) -> int:
    """What is kept from the first tranche: upfront fees, and financed ones, which the principal already has."""
    loan, conventions = servicing.loan, servicing.loaned.conventions
    financed = loan.principal - (loan.application.offered_amount or 0) if loan.application is not None else 0
    return financed + sum(fee_amount(fee, loan.principal, 0, loan.principal) for fee in conventions.upfront)


def loan_disburse(*, asked: Asked, loan_id: UUID, money: Money, at: dt.datetime) -> Done:
    """Pay out a loan, or a tranche of it; see `disbursement_plan`. Raises refusals of the books, too."""
    return plan_carry_out(
        asked=asked, loan_id=loan_id, at=at,
        make=lambda servicing, today: disbursement_plan(servicing, today, user=asked.user, money=money),
    )  # fmt: skip


# -- repayment


def repayment_plan(
    servicing: Servicing, today: dt.date, *, user: User | None, money: Money, strategy: str = ""
) -> Plan:
    """What a payment would do. A `strategy` makes what is more than due a prepayment: principal from that day on.

    What is more than is owed goes to the loan's account. Raises `LoanStateWrong`, `LoanOverpaid`,
    `EventDateNotAllowed`, what `side_of` raises.
    """
    state_require(servicing.loan, Loan.Status.ACTIVE)
    _positive(money.amount)
    if strategy and strategy not in STRATEGIES:
        raise InvalidAmount("No strategy is called so.", pointer="/strategy")
    details = {"strategy": strategy} if strategy else {}
    event = _event(servicing, user, money, today, Kind.REPAYMENT, sign=-1, details=details)
    return event_plan(servicing, event, today=today)


def loan_repay(*, asked: Asked, loan_id: UUID, money: Money, strategy: str = "", at: dt.datetime) -> Done:
    """Take a payment; see `repayment_plan`. A payment of an earlier date is replayed as if it had come then."""
    return plan_carry_out(
        asked=asked, loan_id=loan_id, at=at,
        make=lambda servicing, today: repayment_plan(
            servicing, today, user=asked.user, money=money, strategy=strategy
        ),
    )  # fmt: skip


def recovery_plan(servicing: Servicing, today: dt.date, *, user: User | None, money: Money) -> Plan:
    """What money for a loan that was written off would do: income, up to what its schedule asked for at the write-off.

    Raises `LoanStateWrong`, `LoanOverpaid`, what `side_of` raises.
    """
    loan = servicing.loan
    state_require(loan, Loan.Status.WRITTEN_OFF)
    _positive(money.amount)
    came = sum(event.amount for event in servicing.events if event.kind == Kind.RECOVERY)
    owed = sum(event.details.get("owed", 0) for event in servicing.events if event.kind == Kind.WRITE_OFF)
    if (more := came + money.amount - owed) > 0:
        excess = money_text(more, loan.currency, with_currency=True)
        raise LoanOverpaid(f"{excess} more than was written off.", pointer="/amount", excess_minor=more)
    income = Counter("recovery", account_ids_of(loan, ["recovery"])["recovery"], money.amount)
    event = _event(servicing, user, money, today, Kind.RECOVERY, sign=-1, counters=(income,))
    return event_plan(servicing, event, today=today)


def recovery_take(*, asked: Asked, loan_id: UUID, money: Money, at: dt.datetime) -> Done:
    """Take money for a loan that was written off."""
    return plan_carry_out(
        asked=asked, loan_id=loan_id, at=at,
        make=lambda servicing, today: recovery_plan(servicing, today, user=asked.user, money=money),
    )  # fmt: skip


# -- closing


@dataclass(frozen=True, slots=True)
class Quote:
    """What closes a loan on a day, minor units. `rows` are those with something left, as they would be then."""

    date: dt.date
    principal: int
    interest: int
    fees: int
    penalties: int
    closing: Payoff
    rows: tuple[PaidRow, ...]

    @property
    def total(self) -> int:
        """What is to be paid."""
        return self.principal + self.interest + self.fees + self.penalties


def payoff_quote_of(*, servicing: Servicing, date: dt.date) -> Quote:
    """What closes an active loan on a day. `fees` have the fee for closing early. Raises `LoanStateWrong`."""
    state_require(servicing.loan, Loan.Status.ACTIVE)
    position: Position = servicing.position(Happening("quote", Kind.PAYOFF, date))
    left = [one for one in position.rows if one.left]
    parts = {
        name: sum(getattr(one.row, name) - one.paid[name] for one in left)
        for name in ("principal", "interest", "fees", "penalties")
    }
    if position.closing is None:
        raise LoanStateWrong("The loan cannot be closed.")
    return Quote(date, closing=position.closing, rows=tuple(left), **parts)


def payoff_plan(servicing: Servicing, today: dt.date, *, user: User | None, money: Money, discount: int = 0) -> Plan:
    """What closing a loan with exactly what its quote says would do; a `discount` is waived.

    Raises `PayoffDiffers`, `LoanStateWrong`, what `side_of` raises.
    """
    loan, date = servicing.loan, money.value_date or today
    quote = payoff_quote_of(servicing=servicing, date=date)
    if money.amount + discount != quote.total or discount < 0:
        due = money_text(quote.total, loan.currency, with_currency=True)
        raise PayoffDiffers(f"The loan is closed with {due} on {date}.", pointer="/amount", due_minor=quote.total)
    more: dict[str, Any] = {}
    if discount:
        cost = Counter("waivers", account_ids_of(loan, ["waivers"])["waivers"], -discount)
        more = {"details": {"discount": discount}, "counters": (cost,)}
    if not money.amount:
        event = EventAsked(Kind.PAYOFF, date, 0, counters=more.get("counters", ()), details=more.get("details", {}))
    else:
        event = _event(servicing, user, money, today, Kind.PAYOFF, sign=-1, **more)
    return event_plan(servicing, event, today=today)


def loan_pay_off(*, asked: Asked, loan_id: UUID, money: Money, discount: int = 0, at: dt.datetime) -> Done:
    """Close a loan before its end; with a `discount`, settle it for less. See `payoff_plan`."""
    return plan_carry_out(
        asked=asked, loan_id=loan_id, at=at,
        make=lambda servicing, today: payoff_plan(
            servicing, today, user=asked.user, money=money, discount=discount
        ),
    )  # fmt: skip


# -- taking back


def taking_back_plan(servicing: Servicing, today: dt.date, *, event_id: UUID) -> Plan:
    """What taking an event back would do: the loan as if it had never been. Raises `EventNotReversible`."""
    event = next((one for one in servicing.events if one.pk == event_id), None)
    if event is None:
        raise EventNotReversible("No such event of this loan stands.")
    return reversal_plan(servicing, event, today=today)


def event_reverse(*, asked: Asked, loan_id: UUID, event_id: UUID, reason: str, at: dt.datetime) -> Done:
    """Take an event back, with the reason: the loan is replayed without it, the money goes where it came from.

    Raises `EventNotReversible`, refusals of the books, `InvalidText` without a reason.
    """
    reason = text_clean(reason, max_length=200, min_length=3, pointer="/reason")
    return plan_carry_out(
        asked=asked, loan_id=loan_id, at=at, reason=reason,
        make=lambda servicing, today: taking_back_plan(servicing, today, event_id=event_id),
    )  # fmt: skip
