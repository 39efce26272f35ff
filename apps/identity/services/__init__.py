"""Writes of identity: sign-up, sign-in, second factors, tokens, keys, staff users. Each records what it did."""

from apps.identity.services._challenges import (
    Begun,
    challenge_answer,
    challenge_begin,
    challenge_code_ask,
    challenge_code_send,
    challenge_user_id,
    session_verify,
)
from apps.identity.services._demo import DEMO_PASSWORD, demo_users_create
from apps.identity.services._erasure import user_pseudonymise
from apps.identity.services._factors import (
    Enrolled,
    factor_confirm,
    factor_enrol,
    factor_remove,
    factors_reset,
    recovery_codes_renew,
)
from apps.identity.services._keys import NewKey, api_key_create, api_key_revoke
from apps.identity.services._limits import (
    amount_limit_check,
    amount_limit_set,
    rate_limit_check,
    rate_limit_of,
    rate_limit_payload,
    rate_limit_save,
    role_permissions_check,
    role_permissions_set,
)
from apps.identity.services._passwords import (
    change_notice_send,
    email_confirm,
    email_confirm_begin,
    password_change,
    password_reset,
    password_reset_begin,
)
from apps.identity.services._staff import (
    user_create_staff,
    user_deactivate,
    user_roles_check,
    user_roles_set,
)
from apps.identity.services._tidy import access_tidy, factors_reseal
from apps.identity.services._tokens import (
    Client,
    TokenPair,
    session_start,
    sessions_end,
    token_pair_issue,
    token_refresh,
    token_revoke,
)
from apps.identity.services._users import user_authenticate, user_register, user_update

__all__ = [
    "DEMO_PASSWORD",
    "Begun",
    "Client",
    "Enrolled",
    "NewKey",
    "TokenPair",
    "access_tidy",
    "amount_limit_check",
    "amount_limit_set",
    "api_key_create",
    "api_key_revoke",
    "challenge_answer",
    "challenge_begin",
    "challenge_code_ask",
    "challenge_code_send",
    "challenge_user_id",
    "change_notice_send",
    "demo_users_create",
    "email_confirm",
    "email_confirm_begin",
    "factor_confirm",
    "factor_enrol",
    "factor_remove",
    "factors_reseal",
    "factors_reset",
    "password_change",
    "password_reset",
    "password_reset_begin",
    "rate_limit_check",
    "rate_limit_of",
    "rate_limit_payload",
    "rate_limit_save",
    "recovery_codes_renew",
    "role_permissions_check",
    "role_permissions_set",
    "session_start",
    "session_verify",
    "sessions_end",
    "token_pair_issue",
    "token_refresh",
    "token_revoke",
    "user_authenticate",
    "user_create_staff",
    "user_deactivate",
    "user_pseudonymise",
    "user_register",
    "user_roles_check",
    "user_roles_set",
    "user_update",
]
