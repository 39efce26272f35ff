"""What identity adds to the bank of this suite: a second factor, a session, a key, and bodies that are accepted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from apps.core import clock
from apps.identity import services
from apps.identity.models import Challenge, Session, User
from apps.identity.otp import totp_code
from apps.identity.tokens import access_claims
from tests.factories.identity import PASSWORD, RoleFactory, UserFactory

Body = tuple[str, str]


def people_things(root: User, access: str) -> tuple[dict[str, Any], dict[Body, dict[str, Any]]]:
    """(ids, bodies). `root` has just shown who they are, so that what asks for a step-up is open to them."""
    at = clock.now()
    session_id = access_claims(access).session_id
    Session.objects.filter(pk=session_id).update(verified_at=at)
    other = services.token_pair_issue(user=root, at=at)
    pending = services.factor_enrol(acting_user=root, kind="totp", at=at)
    code = totp_code(pending.secret, int(at.timestamp()))
    key = services.api_key_create(
        acting_user=None, user_id=root.pk, name="Adapter", permissions=["members.view"], at=at
    )
    role = RoleFactory()
    ids = {
        "factor_id": pending.factor.pk, "session_id": other.session_id, "key_id": key.key.pk, "role_id": role.pk,
    }  # fmt: skip
    return ids, {
        ("POST", "auth/factors/{factor_id}/confirmation"): {"code": code},
        ("POST", "auth/factors"): {"kind": "email"},
        ("POST", "auth/step-up/verify"): {"mfa_token": _token(root, "step_up", session_id), "code": PASSWORD},
        ("POST", "auth/password/change"): {"current_password": PASSWORD, "new_password": "another-good-phrase-7"},
        ("POST", "auth/password/forgotten"): {"email": root.email},
        ("POST", "auth/password/reset"): {"token": _token(root, "reset"), "password": "another-good-phrase-7"},
        ("POST", "auth/email/confirm"): {"token": _token(root, "email")},
        ("POST", "auth/email/resend"): {"email": root.email},
        ("POST", "api-keys"): {"user_id": str(root.pk), "name": "Adapter", "permissions": ["members.view"]},
        ("POST", "api-keys/{key_id}/revocation"): {"reason": "Rotated"},
        ("PUT", "users/{user_id}/roles"): {"roles": [], "reason": "Leaves"},
        ("POST", "users/{user_id}/deactivation"): {"reason": "Leaves"},
        ("POST", "users"): {
            "email": "new@bank.example", "full_name": "New", "roles": [role.code], "branch": None, "reason": "Joins",
        },
        ("PUT", "users/{user_id}/branch"): {"branch": None, "reason": "Moves"},
        ("POST", "users/{user_id}/reactivation"): {"reason": "Comes back"},
        ("POST", "users/{user_id}/invitation"): {"reason": "Lost the message"},
        ("POST", "users/{user_id}/factors-reset"): {"reason": "Lost the phone"},
        ("PUT", "roles/{role_id}/permissions"): {"permissions": [], "reason": "Not needed"},
        ("POST", "amount-limits"): {
            "role": role.code, "permission": "payments.transfer", "currency": "KES",
            "amount_max": "1.00", "step_up_above": None, "reason": "Policy",
        },
        **_second_half(),
    }  # fmt: skip


def _second_half() -> dict[Body, dict[str, Any]]:
    """Somebody with an app and a mailbox, between password and code."""
    user, before = UserFactory(), clock.now() - timedelta(minutes=5)
    app = services.factor_enrol(acting_user=user, kind="totp", at=before)
    code = totp_code(app.secret, int(before.timestamp()))
    services.factor_confirm(acting_user=user, factor_id=app.factor.pk, code=code, at=before)
    mailbox = services.factor_enrol(acting_user=user, kind="email", at=before).factor
    type(mailbox).objects.filter(pk=mailbox.pk).update(confirmed=True)
    token = _token(user, "sign_in")
    return {
        ("POST", "auth/mfa/code"): {"mfa_token": token, "factor_id": str(mailbox.pk)},
        ("POST", "auth/mfa/verify"): {"mfa_token": token, "code": totp_code(app.secret, int(clock.now().timestamp()))},
    }


def _token(user: User, purpose: str, session_id: Any = None) -> str:
    assert purpose in Challenge.Purpose.values
    return services.challenge_begin(user=user, purpose=purpose, at=clock.now(), session_id=session_id).token
