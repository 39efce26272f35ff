"""Passwords: changed by who knows the present one, or set anew by who reads the mailbox. And the mailbox's proof."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction

from apps.core.errors import NotFound
from apps.core.trail import trail_record
from apps.identity import locks
from apps.identity.emails import email_canonical
from apps.identity.errors import ChallengeNotValid, LinkNotValid, PasswordWrong
from apps.identity.messages import EMAIL, message_send
from apps.identity.models import PastPassword, User
from apps.identity.principals import principal_forget
from apps.identity.services._challenges import (
    Purpose,
    challenge_begin,
    challenge_seconds,
    challenge_user_id,
    link_use,
)
from apps.identity.services._tokens import sessions_end
from apps.identity.services._users import password_check, user_save


@transaction.atomic
def password_change(*, acting_user: User, current: str, new: str, at: datetime, session_id: UUID | None = None) -> User:
    """Change the user's own password. All other sessions end; `session_id` is the one that stays.

    Raises PasswordWrong, ValidationFailed when the new one is too weak or was had before.
    """
    user = locks.user_lock(user_id=acting_user.pk)
    if user is None:
        raise NotFound
    if not user.check_password(current):
        raise PasswordWrong(pointer="/current_password")
    _password_write(user, new, acting_user=user, at=at, pointer="/new_password", reason="changed by its owner")
    sessions_end(acting_user=user, user=user, reason="password changed", at=at, except_id=session_id)
    return user


def password_reset_begin(*, email: str, at: datetime) -> bool:
    """Send a link to set a new password, if the address has an active user. Runs in a worker.

    Whoever asked cannot tell whether it did: neither by the answer nor by the time it took.
    """
    user = _user_of(email)
    if user is None:
        return False
    begun = challenge_begin(user=user, purpose=Purpose.RESET_PASSWORD, at=at)
    message_send(
        channel=EMAIL,
        kind="reset",
        user=user,
        to=user.email,
        subject="A new password for {bank_name}",
        link=link_of("password", begun.token),
        minutes=challenge_seconds(Purpose.RESET_PASSWORD) // 60,
    )
    trail_record(action="identity.password.reset_asked", acting_user=None, kind="security", target=user, at=at)
    return True


def password_reset(*, token: str, new: str, at: datetime) -> User:
    """Set a new password by the link that was sent: it works once, and every session of the user ends.

    The address is confirmed by it too. A second factor stays asked for. Raises LinkNotValid, ValidationFailed (the
    link then stays good).
    """
    user_id = _link_user_id(token, at)
    with transaction.atomic():
        user = locks.user_lock(user_id=user_id)
        link_use(token=token, purpose=Purpose.RESET_PASSWORD, at=at)
        if user is None:
            raise LinkNotValid
        if user.email_confirmed_at is None:
            user.email_confirmed_at = at
        _password_write(user, new, acting_user=None, at=at, pointer="/password", reason="set anew by a link")
        sessions_end(acting_user=None, user=user, reason="password reset", at=at)
    return user


def email_confirm_begin(*, email: str, at: datetime) -> bool:
    """Send a link that proves the address, if its user has not done so yet. Runs in a worker."""
    user = _user_of(email)
    if user is None or user.email_confirmed_at is not None:
        return False
    begun = challenge_begin(user=user, purpose=Purpose.CONFIRM_EMAIL, at=at)
    message_send(
        channel=EMAIL,
        kind="confirm",
        user=user,
        to=user.email,
        subject="Confirm your address at {bank_name}",
        link=link_of("confirm", begun.token),
        days=settings.NUMINA["CONFIRM_LINK_DAYS"],
    )
    return True


def email_confirm(*, token: str, at: datetime) -> User:
    """Note that the user reads the mailbox. Works once. Raises LinkNotValid."""
    user_id = _link_user_id(token, at)
    with transaction.atomic():
        user = locks.user_lock(user_id=user_id)
        link_use(token=token, purpose=Purpose.CONFIRM_EMAIL, at=at)
        if user is None:
            raise LinkNotValid
        if user.email_confirmed_at is None:
            user.email_confirmed_at = at
            user_save(user, acting_user=user, fields=["email_confirmed_at"], reason="address confirmed")
            trail_record(action="identity.user.email_confirmed", acting_user=user, target=user, at=at)
    return user


def change_notice_send(*, user_id: UUID, what: str, at: datetime) -> None:
    """Tell a user by e-mail that something of their security was changed. Runs in a worker."""
    user = User.objects.filter(pk=user_id).first()
    if user is not None:
        message_send(channel=EMAIL, kind="changed", user=user, to=user.email, subject=what, what=what, at=at)


def link_of(page: str, token: str) -> str:
    """The address of a link, from the settings and never from the request: a Host header is the attacker's to set."""
    base = settings.NUMINA.get("PUBLIC_URL") or "http://localhost:8000"
    return f"{base.rstrip('/')}/account/{page}?token={token}"


def _link_user_id(token: str, at: datetime) -> UUID:
    try:
        return challenge_user_id(token=token, at=at)
    except ChallengeNotValid:
        raise LinkNotValid from None


def _user_of(email: str) -> User | None:
    try:
        address = email_canonical(email)
    except ValueError:
        return None
    return User.objects.filter(email=address, is_active=True).first()


def _password_write(user: User, new: str, *, acting_user: User | None, at: datetime, pointer: str, reason: str) -> None:
    password_check(new, user, pointer)
    kept = settings.NUMINA["PASSWORD_HISTORY"] - 1
    if user.password and kept > 0:
        PastPassword.objects.create(user=user, password=user.password, set_at=at)
        old = PastPassword.objects.filter(user=user).order_by("-set_at").values_list("pk", flat=True)[kept:]
        PastPassword.objects.filter(pk__in=list(old)).delete()
    user.password = make_password(new)
    user.password_changed_at = at
    user_save(
        user, acting_user=acting_user, fields=["password", "password_changed_at", "email_confirmed_at"], reason=reason
    )
    trail_record(
        action="identity.password.changed", acting_user=acting_user, kind="security", target=user, reason=reason, at=at
    )
    principal_forget(user.pk)
