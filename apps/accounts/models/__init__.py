"""Deposit products with their terms and fees, the accounts that members hold, and what the close writes of them.

Money itself is in the ledger; an account points at it.
"""

from apps.accounts.models._accounts import Account, AccountHolder, AccountProduct
from apps.accounts.models._authority import AccountNote, MandateRule, Nominee
from apps.accounts.models._dividends import Dividend, DividendShare
from apps.accounts.models._fees import FeeCharge
from apps.accounts.models._interest import (
    Accrual,
    CloseMark,
    DayBalance,
    InterestPosting,
    InterestTotal,
    Reaccrual,
)
from apps.accounts.models._statements import StatementBatch, StatementIssue, StatementPart
from apps.accounts.models._term_deposits import TermDeposit, TermInstalment
from apps.accounts.models._terms import ProductFee, ProductTerms

__all__ = [
    "Account",
    "AccountHolder",
    "AccountNote",
    "AccountProduct",
    "Accrual",
    "CloseMark",
    "DayBalance",
    "Dividend",
    "DividendShare",
    "FeeCharge",
    "InterestPosting",
    "InterestTotal",
    "MandateRule",
    "Nominee",
    "ProductFee",
    "ProductTerms",
    "Reaccrual",
    "StatementBatch",
    "StatementIssue",
    "StatementPart",
    "TermDeposit",
    "TermInstalment",
]
