"""Requests and their levels, policies, and who may decide. Everything that was decided is append-only."""

from apps.approvals.models._documents import ApprovalDocument
from apps.approvals.models._people import Approver, ApproverGroup, Delegation
from apps.approvals.models._policies import ApprovalPolicy
from apps.approvals.models._requests import (
    ApprovalCandidate,
    ApprovalDecision,
    ApprovalLevel,
    ApprovalRequest,
    ApprovalTimer,
)

__all__ = [
    "ApprovalCandidate",
    "ApprovalDecision",
    "ApprovalDocument",
    "ApprovalLevel",
    "ApprovalPolicy",
    "ApprovalRequest",
    "ApprovalTimer",
    "Approver",
    "ApproverGroup",
    "Delegation",
]
