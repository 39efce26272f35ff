"""The tables of identity, by subject."""

from apps.identity.models._factors import Challenge, PastPassword, RecoveryCode, SecondFactor
from apps.identity.models._limits import ALL_OPERATIONS, AmountLimit, RateLimit
from apps.identity.models._people import SCOPES, Branch, Role, User, UserRole, history
from apps.identity.models._sessions import ApiKey, Session

__all__ = [
    "ALL_OPERATIONS",
    "SCOPES",
    "AmountLimit",
    "ApiKey",
    "Branch",
    "Challenge",
    "PastPassword",
    "RateLimit",
    "RecoveryCode",
    "Role",
    "SecondFactor",
    "Session",
    "User",
    "UserRole",
    "history",
]
