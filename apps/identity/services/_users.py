"""What people do for themselves: sign up, prove who they are, change their own particulars."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from apps.core import clock
from apps.core.api.etag import version_check
from apps.core.currencies import currency_get
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.core.trail import history_stamp, trail_record
from apps.identity import locks
from apps.identity.emails import email_canonical
from apps.identity.errors import EmailNotConfirmed, InvalidCredentials
from apps.identity.models import Role, User, UserRole
from apps.identity.principals import principal_forget
from apps.vault.crypto import masked

MEMBER_ROLE = "member"
OWN_FIELDS = ("full_name", "phone", "locale", "time_zone", "preferred_currency")


def user_register(
    *, email: str, password: str, full_name: str = "", phone: str = "", at: datetime | None = None
) -> User | None:
    """Create a user with the role of members, who signs in once the address is confirmed (`email_confirm`).

    None when the address is taken: nothing is changed, and callers must answer as if it had worked, or addresses could
    be probed. Both ways cost one password hash. Raises ValidationFailed for a bad address or a weak password.
    """
    address = email_read(email)
    user = User(email=address, full_name=full_name, phone=phone, date_joined=at or clock.now())
    password_check(password, user)
    user.password = make_password(password)
    try:
        with transaction.atomic():
            if User.objects.filter(email=address).exists():
                raise IntegrityError(address)
            history_stamp(user, acting_user=None, reason="registered")
            user.save(force_insert=True)
            granted = UserRole(user=user, role=Role.objects.get(code=MEMBER_ROLE))
            history_stamp(granted, acting_user=None, reason="registered")
            granted.save(force_insert=True)
            trail_record(
                action="identity.user.registered",
                acting_user=user,
                target=user,
                after={"email": address, "full_name": full_name, "roles": [MEMBER_ROLE]},
            )
    except IntegrityError:
        # Also when another request took the address between the look and the insert.
        taken = User.objects.filter(email=address).first()
        if taken is None:
            raise
        trail_record(action="identity.user.register_refused", acting_user=None, kind="security", target=taken)
        return None
    return user


def user_authenticate(*, email: str, password: str, at: datetime | None = None) -> User:
    """The user with this address and password; `last_login` becomes `at`.

    Raises InvalidCredentials, alike in words and in time, when the address is unknown or none at all, the password is
    wrong, or the user was deactivated; the audit trail keeps the difference. With the right password, and where
    addresses have to be confirmed, EmailNotConfirmed.
    """
    try:
        address = email_canonical(email)
    except ValueError:
        address = ""
    user = User.objects.filter(email=address).first() if address else None
    if user is None:
        make_password(password)  # as long as checking one takes
        _login_failed(address, None, "unknown")
    # A hash of an older kind is replaced here by Django; that is no change of the record.
    user.__dict__["skip_history_when_saving"] = True
    if not user.check_password(password):
        _login_failed(address, user, "password")
    if not user.is_active:
        _login_failed(address, user, "inactive")
    del user.__dict__["skip_history_when_saving"]
    if user.email_confirmed_at is None and settings.NUMINA.get("EMAIL_CONFIRMATION", False):
        raise EmailNotConfirmed
    user.last_login = at or clock.now()
    User.objects.filter(pk=user.pk).update(last_login=user.last_login)
    return user


def user_update(*, acting_user: User, user_id: Any, expected_version: int, changes: Mapping[str, Any]) -> User:
    """Change a user's own particulars (OWN_FIELDS) and return the user at its new version.

    Raises NotFound, PreconditionFailed when the version is no longer the expected one, ValidationFailed for a locale,
    time zone or currency that does not exist. Other fields are a programming error: ValueError.
    """
    foreign = set(changes) - set(OWN_FIELDS)
    if foreign:
        raise ValueError(f"not for user_update: {sorted(foreign)}")
    particulars_check(changes)
    with transaction.atomic():
        user = locks.user_lock(user_id=user_id)
        if user is None:
            raise NotFound
        version_check(current=user.version, expected=expected_version)
        before = {name: getattr(user, name) for name in changes if getattr(user, name) != changes[name]}
        if not before:
            return user
        for name in before:
            setattr(user, name, changes[name])
        user_save(user, acting_user=acting_user, fields=before, reason="")
        trail_record(
            action="identity.user.updated",
            acting_user=acting_user,
            target=user,
            before=_told(before),
            after=_told({name: changes[name] for name in before}),
        )
        principal_forget(user.pk)
    return user


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the trail says of particulars: a telephone number masked, since the trail is not encrypted."""
    return {name: masked(value) if name == "phone" else value for name, value in values.items()}


def user_save(user: User, *, acting_user: User | None, fields: Any, reason: str) -> None:
    """Write changed fields of a locked user: one version more, one row of history."""
    user.version += 1
    history_stamp(user, acting_user=acting_user, reason=reason)
    user.save(update_fields=[*fields, "version", "updated_at"])


def email_read(email: str, pointer: str = "/email") -> str:
    """The canonical address; ValidationFailed at `pointer` for text that is none."""
    try:
        return email_canonical(email)
    except ValueError as error:
        raise ValidationFailed([{"pointer": pointer, "code": "invalid-email", "detail": str(error)}]) from None


def password_check(password: str, user: User, pointer: str = "/password") -> None:
    """Raise ValidationFailed, with all reasons, when the password is too weak for this user."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        faults = [
            {"pointer": pointer, "code": (item.code or "invalid").replace("_", "-"), "detail": str(item.messages[0])}
            for item in error.error_list
        ]
        raise ValidationFailed(faults) from None


def particulars_check(changes: Mapping[str, Any]) -> None:
    """Raise ValidationFailed for a locale, time zone or currency that does not exist."""
    faults = []
    if "time_zone" in changes and changes["time_zone"] not in available_timezones():
        faults.append({"pointer": "/time_zone", "code": "invalid-time-zone", "detail": "Not an IANA time zone."})
    if "locale" in changes and not _locale_known(changes["locale"]):
        faults.append({"pointer": "/locale", "code": "invalid-locale", "detail": "Not a locale such as en-KE."})
    if changes.get("preferred_currency"):
        try:
            currency_get(changes["preferred_currency"])
        except DomainError as error:
            faults.append({"pointer": "/preferred_currency", "code": error.code, "detail": error.detail})
    if faults:
        raise ValidationFailed(faults)


def _locale_known(text: str) -> bool:
    try:
        return str(Locale.parse(text, sep="-")).replace("_", "-") == text
    except (UnknownLocaleError, ValueError, TypeError):
        return False


def _login_failed(address: str, user: User | None, why: str) -> NoReturn:
    """Record and refuse. Never inside a transaction that the refusal would roll back."""
    trail_record(
        action="identity.login.failed",
        acting_user=None,
        actor_label="anonymous",
        kind="security",
        target=user,
        object_type="identity.user",
        object_label=address,
        after={"why": why},
    )
    raise InvalidCredentials
