"""Writes of lending: products, applications, and every event of a loan.

Events are planned (`*_plan`: what would happen), and carried out by the same plan under the lock.
"""

from apps.lending.services._acts import ACTS, REVERSAL, Act, act_carry_out, act_plan
from apps.lending.services._applications import (
    application_decide,
    application_return,
    application_save,
    application_submit,
    application_wait,
    application_withdraw,
    document_mark,
    limits_check,
    offer_accept,
    position_offered,
)
from apps.lending.services._asked import Asked, Counter, EventAsked
from apps.lending.services._bulk import LoanPast, loans_take_over
from apps.lending.services._carry import Done, loan_read, plan_carry_out
from apps.lending.services._changing import CHANGES, ChangeAsked, change_plan, loan_change
from apps.lending.services._loans import loan_open
from apps.lending.services._money import CHANNEL_NAMES
from apps.lending.services._paying import (
    Money,
    Quote,
    disbursement_plan,
    event_reverse,
    fees_withheld,
    loan_disburse,
    loan_pay_off,
    loan_repay,
    payoff_plan,
    payoff_quote_of,
    recovery_plan,
    recovery_take,
    repayment_plan,
    taking_back_plan,
)
from apps.lending.services._plans import Plan, account_ids_of, books_held, event_plan
from apps.lending.services._products import TermsAsked, product_create, product_update, terms_add
from apps.lending.services._store import row_values

__all__ = [
    "ACTS",
    "CHANGES",
    "CHANNEL_NAMES",
    "REVERSAL",
    "Act",
    "Asked",
    "ChangeAsked",
    "Counter",
    "Done",
    "EventAsked",
    "LoanPast",
    "Money",
    "Plan",
    "Quote",
    "TermsAsked",
    "account_ids_of",
    "act_carry_out",
    "act_plan",
    "application_decide",
    "application_return",
    "application_save",
    "application_submit",
    "application_wait",
    "application_withdraw",
    "books_held",
    "change_plan",
    "disbursement_plan",
    "document_mark",
    "event_plan",
    "event_reverse",
    "fees_withheld",
    "limits_check",
    "loan_change",
    "loan_disburse",
    "loan_open",
    "loan_pay_off",
    "loan_read",
    "loan_repay",
    "loans_take_over",
    "offer_accept",
    "payoff_plan",
    "payoff_quote_of",
    "plan_carry_out",
    "position_offered",
    "product_create",
    "product_update",
    "recovery_plan",
    "recovery_take",
    "repayment_plan",
    "row_values",
    "taking_back_plan",
    "terms_add",
]
