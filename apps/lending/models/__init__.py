"""What lending keeps. Money is in the ledger: a loan points at three ledger accounts and keeps no balance of its own.

LoanProduct 1-n LoanProductTerms (versions by date)     LoanApplication n-1 product, 1-1 Loan
Loan 1-n LoanEvent     what happened, in order: the schedule is replayed from it
     1-n LoanSchedule 1-n LoanInstalment    the schedule as it stood after an event; one version is current
     1-1 LoanStanding  what is in the books, and how late it is
     1-n LoanDay       what a close of business booked for it
docs/explanation/lending.md tells how they work together.
"""

from apps.lending.models._applications import LoanApplication
from apps.lending.models._arrears import LoanOfficer, LoanPause, LoanPenalty, PaymentPromise
from apps.lending.models._events import LoanEvent
from apps.lending.models._groups import GroupMeeting, LoanGroup, LoanGroupMember
from apps.lending.models._lines import CreditLine, CreditLineDay, CreditLineEvent
from apps.lending.models._loans import Loan, LoanDay, LoanStanding
from apps.lending.models._products import BorrowerKind, LoanProduct, LoanProductTerms
from apps.lending.models._provisions import ProvisionChange, ProvisionPolicy
from apps.lending.models._schedules import LoanInstalment, LoanSchedule
from apps.lending.models._securing import Collateral, CollateralValuation, Guarantor

__all__ = [
    "BorrowerKind",
    "Collateral",
    "CollateralValuation",
    "CreditLine",
    "CreditLineDay",
    "CreditLineEvent",
    "GroupMeeting",
    "Guarantor",
    "Loan",
    "LoanApplication",
    "LoanDay",
    "LoanEvent",
    "LoanGroup",
    "LoanGroupMember",
    "LoanInstalment",
    "LoanOfficer",
    "LoanPause",
    "LoanPenalty",
    "LoanProduct",
    "LoanProductTerms",
    "LoanSchedule",
    "LoanStanding",
    "PaymentPromise",
    "ProvisionChange",
    "ProvisionPolicy",
]
