"""Writes of identity: sign-up, sign-in, tokens, staff users. Each records what it did."""

from apps.identity.services._demo import DEMO_PASSWORD, demo_users_create
from apps.identity.services._staff import user_create_staff, user_deactivate, user_roles_set
from apps.identity.services._tokens import TokenPair, token_pair_issue, token_refresh, token_revoke
from apps.identity.services._users import user_authenticate, user_register, user_update

__all__ = [
    "DEMO_PASSWORD",
    "TokenPair",
    "demo_users_create",
    "token_pair_issue",
    "token_refresh",
    "token_revoke",
    "user_authenticate",
    "user_create_staff",
    "user_deactivate",
    "user_register",
    "user_roles_set",
    "user_update",
]
