"""The tables of payments, by subject. Payments themselves are journal entries: the ledger is their only record."""

from apps.payments.models._imports import ImportRefusal, ImportRun
from apps.payments.models._standing import StandingExecution, StandingInstruction
from apps.payments.models._tills import Till, TillMovement, TillSession, VaultTransfer

__all__ = [
    "ImportRefusal",
    "ImportRun",
    "StandingExecution",
    "StandingInstruction",
    "Till",
    "TillMovement",
    "TillSession",
    "VaultTransfer",
]
