"""The tables of payments, by subject. Payments themselves are journal entries: the ledger is their only record."""

from apps.payments.models._cheques import DRAWER, ChequeBook, ChequeDeposit, ChequeLeaf
from apps.payments.models._imports import ImportRefusal, ImportRun
from apps.payments.models._signing import PendingPayment, Signature
from apps.payments.models._standing import StandingExecution, StandingInstruction
from apps.payments.models._terminals import Authorisation, Terminal
from apps.payments.models._tills import Till, TillMovement, TillSession, VaultTransfer

__all__ = [
    "DRAWER",
    "Authorisation",
    "ChequeBook",
    "ChequeDeposit",
    "ChequeLeaf",
    "ImportRefusal",
    "ImportRun",
    "PendingPayment",
    "Signature",
    "StandingExecution",
    "StandingInstruction",
    "Terminal",
    "Till",
    "TillMovement",
    "TillSession",
    "VaultTransfer",
]
