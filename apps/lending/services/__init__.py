"""Writes of lending: products, applications, and every event of a loan.

Events are planned (`*_plan`: what would happen), and carried out by the same plan under the lock.
"""

from apps.lending.services._acts import ACTS, REVERSAL, Act, act_carry_out, act_plan
from apps.lending.services._applications import (
    application_decide,
    application_return,
    application_save,
    application_submit,
    application_verify,
    application_wait,
    application_withdraw,
    document_mark,
    offer_accept,
    position_offered,
)
from apps.lending.services._asked import Asked, Counter, EventAsked
from apps.lending.services._bulk import LoanPast, loans_take_over
from apps.lending.services._carry import Done, plan_carry_out
from apps.lending.services._changing import CHANGES, ChangeAsked, loan_change
from apps.lending.services._limits import limits_check
from apps.lending.services._loans import loan_open
from apps.lending.services._money import CHANNEL_NAMES
from apps.lending.services._paying import (
    Money,
    Quote,
    event_reverse,
    loan_disburse,
    loan_pay_off,
    loan_repay,
    payoff_quote_of,
    recovery_take,
)
from apps.lending.services._plans import Plan, books_held
from apps.lending.services._products import TermsAsked, product_create, product_update, terms_add, terms_check
from apps.lending.services._store import row_values
from apps.lending.services._together import Line, Result, acts_carry_out

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
    "Line",
    "LoanPast",
    "Money",
    "Plan",
    "Quote",
    "Result",
    "TermsAsked",
    "act_carry_out",
    "act_plan",
    "acts_carry_out",
    "application_decide",
    "application_return",
    "application_save",
    "application_submit",
    "application_verify",
    "application_wait",
    "application_withdraw",
    "books_held",
    "document_mark",
    "event_reverse",
    "limits_check",
    "loan_change",
    "loan_disburse",
    "loan_open",
    "loan_pay_off",
    "loan_repay",
    "loans_take_over",
    "offer_accept",
    "payoff_quote_of",
    "plan_carry_out",
    "position_offered",
    "product_create",
    "product_update",
    "recovery_take",
    "row_values",
    "terms_add",
    "terms_check",
]
