"""Stories of progressive loans: told to a GrowthLoan, shown as the others are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.calculations.loans import (
    Allocation,
    GrowthLoan,
    GrowthPayer,
    LoanState,
    LoanTerms,
    Portion,
    Row,
    RowState,
)
from tests.cases.handlers_loans import factor_rule
from tests.cases.registry import Case, Unsupported

if TYPE_CHECKING:
    from tests.cases.handlers_servicing import Story


def is_growth(case: Case, story: Story) -> bool:
    """Whether it is a progressive loan whose interest is recalculated, as far as its conventions are told."""
    product = case.inputs.get("product", {})
    name = product.get("source_product", "").upper()
    if case.inputs.get("payment_order") != "ADVANCED_PAYMENT_ALLOCATION" or not product.get("interest_recalculation"):
        return False
    if "LAST_INSTAL" in name or "REAMORT" in name:
        raise Unsupported("where early money goes is not said")
    return case.inputs["interest_method"] == "DECLINING_BALANCE" and bool(story.tranches) and not story.charges


def growth_state(case: Case, story: Story, terms: LoanTerms) -> LoanState:
    """A progressive loan with its payments. Overdue principal bears interest till the last close of business."""
    product = case.inputs.get("product", {})
    loan = GrowthLoan(
        [(period.start, period.due) for period in terms.periods],
        terms.rate,
        factor_rule(case, product.get("days_in_year", "ACTUAL"), product.get("days_in_month", "ACTUAL")),
        rounding=terms.instalment_rounding,
        decimals=case.inputs.get("decimals", 2),
    )
    payer = GrowthPayer(loan)
    told = [(date, 0, amount) for date, amount in story.tranches]
    told += [(payment.date, 1, payment.amount) for payment in story.payments]
    for date, kind, amount in sorted(told):
        if kind:
            payer.pay(date, amount)
        else:
            loan.disburse(date, amount)
    if story.closed > terms.start:
        payer.until(story.closed)
    return growth_shown(loan, payer, terms, story)


def growth_shown(loan: GrowthLoan, payer: GrowthPayer, terms: LoanTerms, story: Story) -> LoanState:
    """The loan as the others are shown."""
    states, opening = [], sum(amount for date, amount in story.tranches if date <= terms.start)
    for number, period in enumerate(loan.periods, start=1):
        tranche = sum(amount for date, amount in story.tranches if period.start < date <= period.due)
        closing = opening + tranche - period.due_principal
        row = Row(
            number, period.start, period.due, opening, period.due_principal, period.due_interest, closing,
            disbursed=tranche,
        )  # fmt: skip
        state = RowState(row)
        for portion in payer.portions:
            if portion.due == period.due:
                state.paid["interest"] += portion.interest
                state.paid["principal"] += portion.principal
                amount = portion.interest + portion.principal
                state.in_advance += amount if portion.date < period.due else 0
                state.late += amount if portion.date > period.due else 0
                if not state.outstanding:
                    state.paid_date = portion.date
        states.append(state)
        opening = closing
    allocations = []
    for payment in sorted(story.payments, key=lambda one: one.date):
        allocation = Allocation(payment.date, payment.amount, 0)
        for portion in payer.portions:
            if portion.date == payment.date:
                allocation.portions.append(Portion(0, "interest", portion.interest, portion.due))
                allocation.portions.append(Portion(0, "principal", portion.principal, portion.due))
        allocations.append(allocation)
    return LoanState(story.as_of, tuple(states), tuple(allocations), payer.overpaid)
