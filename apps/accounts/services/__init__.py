"""Writes of products and accounts."""

from apps.accounts.services._accounts import Holder, account_open, account_status_set, account_update
from apps.accounts.services._accrual import interest_accrue
from apps.accounts.services._authority import (
    NOTE_MAX,
    RULES_MAX,
    MandateTerms,
    holder_add,
    holder_end,
    mandate_set,
    nominee_set,
    note_add,
)
from apps.accounts.services._bulk import accounts_open
from apps.accounts.services._closing import account_close, closure_ledger_ids
from apps.accounts.services._day_balances import day_balances_fold
from apps.accounts.services._dividends import JOB as DIVIDEND_JOB
from apps.accounts.services._dividends import dividend_draw, dividend_pay, dividend_shares_pay, dividend_withdraw
from apps.accounts.services._dormancy import account_blocks_end, accounts_rest
from apps.accounts.services._fees import fees_assess, fees_charge
from apps.accounts.services._instalments import instalments_collect, term_instalment_pay
from apps.accounts.services._interest_entries import interest_entries_post
from apps.accounts.services._interest_posting import interest_post
from apps.accounts.services._products import product_create, product_update
from apps.accounts.services._statement_batches import (
    statement_batch_draw,
    statement_batch_give_up,
    statement_batch_help,
    statement_batch_open,
    statement_batch_start,
)
from apps.accounts.services._statements import statement_issue
from apps.accounts.services._term_deposits import (
    TERM_KINDS,
    BreakPreview,
    term_deposit_break,
    term_deposit_break_preview,
    term_deposit_instruct,
    term_deposit_place,
    term_deposits_mature,
)
from apps.accounts.services._terms import fee_add, fee_end, terms_earliest, terms_set, terms_withdraw
from apps.accounts.services._waivers import fee_waive

__all__ = [
    "DIVIDEND_JOB",
    "NOTE_MAX",
    "RULES_MAX",
    "TERM_KINDS",
    "BreakPreview",
    "Holder",
    "MandateTerms",
    "account_blocks_end",
    "account_close",
    "account_open",
    "account_status_set",
    "account_update",
    "accounts_open",
    "accounts_rest",
    "closure_ledger_ids",
    "day_balances_fold",
    "dividend_draw",
    "dividend_pay",
    "dividend_shares_pay",
    "dividend_withdraw",
    "fee_add",
    "fee_end",
    "fee_waive",
    "fees_assess",
    "fees_charge",
    "holder_add",
    "holder_end",
    "instalments_collect",
    "interest_accrue",
    "interest_entries_post",
    "interest_post",
    "mandate_set",
    "nominee_set",
    "note_add",
    "product_create",
    "product_update",
    "statement_batch_draw",
    "statement_batch_give_up",
    "statement_batch_help",
    "statement_batch_open",
    "statement_batch_start",
    "statement_issue",
    "term_deposit_break",
    "term_deposit_break_preview",
    "term_deposit_instruct",
    "term_deposit_place",
    "term_deposits_mature",
    "term_instalment_pay",
    "terms_earliest",
    "terms_set",
    "terms_withdraw",
]
