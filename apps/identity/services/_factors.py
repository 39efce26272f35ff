"""Second factors of one's own: set up, confirmed, taken away; and the codes for the day they are lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.core.errors import NotFound, ValidationFailed
from apps.core.trail import trail_record
from apps.identity import locks
from apps.identity.errors import ChannelUnavailable, CodeNotValid, FactorRefused
from apps.identity.messages import channel_ready
from apps.identity.models import Challenge, RecoveryCode, SecondFactor, User
from apps.identity.otp import recovery_code_new, totp_secret_new, totp_uri
from apps.identity.principals import principal_forget
from apps.identity.seals import token_hash
from apps.identity.selectors import mfa_required_of
from apps.identity.services._challenges import (
    challenge_answer_sent,
    challenge_begin_for,
    factor_code_accept,
    recovery_plain,
    session_verify,
)
from apps.identity.services._staff import may_manage, other_user_lock, reach_check
from apps.identity.services._tokens import sessions_end
from apps.identity.services._users import user_save

FACTORS_MAX = 5
RECOVERY_CODES = 10
Kind = SecondFactor.Kind


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A factor that waits for its first code. `secret` and `uri` are an app's, shown this once.

    `challenge_id` and `token` belong to a phone or mailbox: a code is to be sent, and answered with the token.
    """

    factor: SecondFactor
    secret: str = ""
    uri: str = ""
    challenge_id: UUID | None = None


@transaction.atomic
def factor_enrol(*, acting_user: User, kind: str, name: str = "", address: str = "", at: datetime) -> Enrolled:
    """Begin a second factor of the user's own; it counts once a code of it was shown (`factor_confirm`).

    A text message goes to `address` (E.164) or the user's phone, an e-mail to the user's own address only. Raises
    FactorRefused beyond five, ChannelUnavailable, ValidationFailed for a phone number that is none.
    """
    user = locks.user_lock(user_id=acting_user.pk)
    if user is None:
        raise NotFound
    SecondFactor.objects.filter(user=user, confirmed=False).delete()  # begun and given up
    if SecondFactor.objects.filter(user=user).count() >= FACTORS_MAX:
        raise FactorRefused(f"At most {FACTORS_MAX} second factors.")
    factor = SecondFactor(user=user, kind=kind, name=name, created_at=at)
    if kind == Kind.TOTP:
        secret = totp_secret_new()
        factor.app_key = secret
        factor.save(force_insert=True)
        return Enrolled(factor, secret=secret, uri=totp_uri(secret, email=user.email))
    if not channel_ready(kind):
        raise ChannelUnavailable
    factor.address = user.email if kind == Kind.EMAIL else phone_read(address or user.phone)
    factor.save(force_insert=True)
    return Enrolled(factor, challenge_id=challenge_begin_for(factor=factor, at=at))


def phone_read(text: str) -> str:
    """A phone number in E.164; ValidationFailed at /address otherwise."""
    plain = "".join(part for part in text if part not in " -().")
    if plain.startswith("+") and plain[1:].isascii() and plain[1:].isdigit() and 8 <= len(plain) <= 16:
        return plain
    fault = {"pointer": "/address", "code": "invalid-phone", "detail": "Give the number as +254712345678."}
    raise ValidationFailed([fault])


def factor_confirm(
    *, acting_user: User, factor_id: UUID, code: str, at: datetime, session_id: UUID | None = None
) -> list[str]:
    """Turn a factor on by its first code. With the user's first one come ten recovery codes, shown this once.

    The first one also ends all sessions but `session_id`, which began without it. Raises NotFound, CodeNotValid.
    Confirming again is refused like a wrong code.
    """
    with transaction.atomic():
        # Refused after the commit, so that tries of a sent code stay counted.
        user = locks.user_lock(user_id=acting_user.pk)
        factor = SecondFactor.objects.filter(pk=factor_id, user_id=acting_user.pk).first()
        if user is None or factor is None:
            raise NotFound
        codes = _confirm(user, factor, code.strip(), at, session_id)
    if codes is None:
        raise CodeNotValid
    return codes


def _confirm(user: User, factor: SecondFactor, code: str, at: datetime, session_id: UUID | None) -> list[str] | None:
    if factor.confirmed:
        return None
    if factor.kind == Kind.TOTP:
        right = factor_code_accept(factor=factor, code=code, at=at)
    else:
        right = challenge_answer_sent(factor=factor, code=code, at=at)
    if not right:
        return None
    SecondFactor.objects.filter(pk=factor.pk).update(confirmed=True)
    trail_record(
        action="identity.factor.added",
        acting_user=user,
        kind="security",
        target=user,
        after={"kind": factor.kind, "name": factor.name},
        at=at,
    )
    if session_id is not None:
        session_verify(user_id=user.pk, session_id=session_id, at=at)
    if user.mfa_enabled_at is not None:
        return []
    sessions_end(acting_user=user, user=user, reason="second factor set up", at=at, except_id=session_id)
    user.mfa_enabled_at = at
    user_save(user, acting_user=user, fields=["mfa_enabled_at"], reason="second factor set up")
    principal_forget(user.pk)
    return _recovery_codes_make(user, at)


@transaction.atomic
def factor_remove(*, acting_user: User, factor_id: UUID, at: datetime) -> None:
    """Take one of the user's own factors away. With the last one sign-in asks for none any more.

    Raises NotFound, and FactorRefused for the last factor of staff where staff must have one. Callers ask for a
    step-up first.
    """
    user = locks.user_lock(user_id=acting_user.pk)
    factor = SecondFactor.objects.filter(pk=factor_id, user_id=acting_user.pk).first()
    if user is None or factor is None:
        raise NotFound
    last = factor.confirmed and not SecondFactor.objects.filter(user=user, confirmed=True).exclude(pk=factor.pk)
    if last and mfa_required_of(user):
        raise FactorRefused("Staff need a second factor: set up another one first.")
    kind, name = factor.kind, factor.name
    factor.delete()
    if last:
        _factors_off(user, acting_user=user, reason="last second factor removed")
    trail_record(
        action="identity.factor.removed",
        acting_user=user,
        kind="security",
        target=user,
        before={"kind": kind, "name": name},
        at=at,
    )


@transaction.atomic
def factors_reset(*, acting_user: User | None, user_id: UUID, reason: str, at: datetime) -> User:
    """An administrator takes all factors of somebody who lost them. Not one's own; the next sign-in sets up new ones.

    Raises PermissionDenied, NotFound, OwnRolesRefused, RoleOutOfReach for a user who reaches further than oneself.
    """
    may_manage(acting_user)
    user = other_user_lock(acting_user, user_id, None)
    reach_check(acting_user, user.roles.all())
    Challenge.objects.filter(user=user, used_at=None).update(used_at=at)
    SecondFactor.objects.filter(user=user).delete()
    _factors_off(user, acting_user=acting_user, reason=reason)
    sessions_end(acting_user=acting_user, user=user, reason="second factors reset", at=at)
    trail_record(
        action="identity.factor.reset", acting_user=acting_user, kind="security", target=user, reason=reason, at=at
    )
    return user


@transaction.atomic
def recovery_codes_renew(*, acting_user: User, at: datetime) -> list[str]:
    """Ten new recovery codes in place of all earlier ones, shown this once. FactorRefused without a second factor."""
    user = locks.user_lock(user_id=acting_user.pk)
    if user is None or user.mfa_enabled_at is None:
        raise FactorRefused("Set up a second factor first.")
    trail_record(action="identity.factor.recovery_renewed", acting_user=user, kind="security", target=user, at=at)
    return _recovery_codes_make(user, at)


def _factors_off(user: User, *, acting_user: User | None, reason: str) -> None:
    RecoveryCode.objects.filter(user=user).delete()
    if user.mfa_enabled_at is not None:
        user.mfa_enabled_at = None
        user_save(user, acting_user=acting_user, fields=["mfa_enabled_at"], reason=reason)
    principal_forget(user.pk)


def _recovery_codes_make(user: User, at: datetime) -> list[str]:
    RecoveryCode.objects.filter(user=user).delete()
    codes = [recovery_code_new() for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(
        [RecoveryCode(user=user, code_hash=token_hash(recovery_plain(code)), created_at=at) for code in codes]
    )
    return codes
