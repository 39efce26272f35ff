"""One-time proofs: begun, sent, answered. Each is good once, for minutes, and for five tries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.db import transaction
from django.utils.crypto import constant_time_compare

from apps.core.errors import NotFound
from apps.core.trail import trail_record
from apps.identity import locks
from apps.identity.errors import ChallengeNotValid, ChannelUnavailable, CodeNotValid, LinkNotValid
from apps.identity.messages import channel_ready, message_send
from apps.identity.models import Challenge, RecoveryCode, SecondFactor, Session, User
from apps.identity.otp import totp_step_accepted
from apps.identity.principals import principal_forget
from apps.identity.seals import code_hash, code_new, token_hash, token_new
from apps.identity.selectors import factor_app_key, factor_methods

ATTEMPTS_MAX = 5
CODES_SENT_MAX = 3
Purpose = Challenge.Purpose


@dataclass(frozen=True, slots=True)
class Begun:
    """A challenge as the asker gets it: `token` is shown once, `methods` are the ways to answer."""

    challenge_id: UUID
    token: str
    methods: list[dict[str, str]]
    expires_in: int


def challenge_begin(
    *, user: User, purpose: str, at: datetime, session_id: UUID | None = None, seconds: int | None = None
) -> Begun:
    """Ask a user to prove something, within `seconds` or what is usual for the purpose.

    For sign-in and step-up the methods are the user's second factors.
    """
    token, hashed = token_new()
    seconds = challenge_seconds(purpose) if seconds is None else seconds
    challenge = Challenge.objects.create(
        purpose=purpose,
        user=user,
        session_id=session_id,
        token_hash=hashed,
        created_at=at,
        expires_at=at + timedelta(seconds=seconds),
    )
    return Begun(challenge.pk, token, factor_methods(user), seconds)


def challenge_seconds(purpose: str) -> int:
    """How long a proof of this kind may take."""
    match purpose:
        case Purpose.RESET_PASSWORD:
            return int(settings.NUMINA["RESET_LINK_MINUTES"]) * 60
        case Purpose.CONFIRM_EMAIL:
            return int(settings.NUMINA["CONFIRM_LINK_DAYS"]) * 86_400
        case _:
            return int(settings.NUMINA["CHALLENGE_SECONDS"])


def challenge_user_id(*, token: str, at: datetime) -> UUID:
    """Whose challenge it is, to count tries by; ChallengeNotValid when it is none that can still be answered."""
    found = (
        Challenge.objects.filter(token_hash=token_hash(token), used_at=None, expires_at__gt=at)
        .values_list("user_id", flat=True)
        .first()
    )
    if found is None:
        raise ChallengeNotValid
    return found


@transaction.atomic
def challenge_code_ask(*, token: str, factor_id: UUID, at: datetime) -> UUID:
    """Choose the phone or mailbox that gets a code. Returns the challenge's id, for the task that sends it.

    Raises ChallengeNotValid, NotFound for a factor that is not the user's, ChannelUnavailable, and CodeNotValid when
    three codes were sent already.
    """
    challenge = locks.challenge_lock(token_hash=token_hash(token))
    if challenge is None or not _open(challenge, at) or challenge.purpose not in {Purpose.SIGN_IN, Purpose.STEP_UP}:
        raise ChallengeNotValid
    factor = SecondFactor.objects.filter(pk=factor_id, user=challenge.user, confirmed=True).first()
    if factor is None:
        raise NotFound
    if factor.kind == SecondFactor.Kind.TOTP or not channel_ready(factor.kind):
        raise ChannelUnavailable
    if challenge.codes_sent >= CODES_SENT_MAX:
        raise CodeNotValid("Three codes were sent. Begin anew.")
    challenge.factor = factor
    challenge.codes_sent += 1
    challenge.code_hash = ""
    challenge.save(update_fields=["factor", "codes_sent", "code_hash"])
    return challenge.pk


def challenge_code_send(*, challenge_id: UUID, at: datetime) -> bool:
    """Make the code and send it, in a worker: it is in no message of the broker. False when it is no longer wanted."""
    challenge = Challenge.objects.select_related("user", "factor").filter(pk=challenge_id).first()
    if challenge is None or challenge.factor is None or not _open(challenge, at):
        return False
    code = code_new()
    kept = Challenge.objects.filter(pk=challenge.pk, used_at=None).update(
        code_hash=code_hash(code, str(challenge.pk)),
    )
    if kept:
        message_send(
            channel=challenge.factor.kind,
            kind="code",
            user=challenge.user,
            to=challenge.factor.address,
            subject="Your code for {bank_name}",
            code=code,
            minutes=challenge_seconds(challenge.purpose) // 60,
        )
    return bool(kept)


def challenge_answer(
    *, token: str, code: str, purposes: frozenset[str], at: datetime, session_id: UUID | None = None
) -> Challenge:
    """The challenge that this code answers, used up by it.

    A code is one of an authenticator app, one that was sent, or a recovery code; for a step-up of a user without a
    second factor it is the password. Raises ChallengeNotValid for a token that is unknown, over, of another purpose
    or of another session; CodeNotValid for a wrong or used code. Every try counts, and is counted for good.
    """
    with transaction.atomic():
        # Refused after the commit: a rollback would give the try back.
        challenge = locks.challenge_lock(token_hash=token_hash(token))
        if challenge is None or challenge.purpose not in purposes or not _open(challenge, at):
            raise ChallengeNotValid
        if challenge.session_id != session_id or not challenge.user.is_active:
            raise ChallengeNotValid
        challenge.attempts += 1
        method = _code_method(challenge, code.strip(), at)
        if method:
            challenge.used_at = at
        challenge.save(update_fields=["attempts", "used_at"])
        if not method or method == "recovery":
            trail_record(
                action="identity.factor.used" if method else "identity.factor.refused",
                acting_user=challenge.user if method else None,
                actor_label="" if method else "anonymous",
                kind="security",
                target=challenge.user,
                after={"purpose": challenge.purpose, "method": method or "none", "attempt": challenge.attempts},
                at=at,
            )
    if not method:
        raise CodeNotValid
    return challenge


@transaction.atomic
def link_use(*, token: str, purpose: str, at: datetime) -> Challenge:
    """The challenge behind a link, used up by this, in the caller's transaction. Raises LinkNotValid."""
    challenge = locks.challenge_lock(token_hash=token_hash(token))
    if challenge is None or challenge.purpose != purpose or not _open(challenge, at) or not challenge.user.is_active:
        raise LinkNotValid
    challenge.used_at = at
    challenge.save(update_fields=["used_at"])
    return challenge


def factor_code_accept(*, factor: SecondFactor, code: str, at: datetime) -> bool:
    """Is this the code that an authenticator app shows now? Each time step counts once, also between two requests.

    The step is written by a conditional update, so that of parallel requests with one code one finds a row.
    """
    step = totp_step_accepted(factor_app_key(factor), code, at=at, after=factor.last_step)
    if step is None:
        return False
    return bool(SecondFactor.objects.filter(pk=factor.pk, last_step__lt=step).update(last_step=step, last_used_at=at))


def challenge_begin_for(*, factor: SecondFactor, at: datetime) -> UUID:
    """Begin the confirmation of a phone or mailbox; the task `challenge_code_send` sends its code. Returns its id."""
    _, hashed = token_new()  # answered through the factor, so nobody needs the token
    challenge = Challenge.objects.create(
        purpose=Purpose.CONFIRM_FACTOR,
        user_id=factor.user_id,
        factor=factor,
        token_hash=hashed,
        codes_sent=1,
        created_at=at,
        expires_at=at + timedelta(seconds=challenge_seconds(Purpose.CONFIRM_FACTOR)),
    )
    return challenge.pk


def challenge_answer_sent(*, factor: SecondFactor, code: str, at: datetime) -> bool:
    """Is this the code that was sent to a factor to confirm it? Counts the try; in the caller's transaction."""
    hashed = (
        Challenge.objects.filter(factor=factor, purpose=Purpose.CONFIRM_FACTOR, used_at=None)
        .order_by("-created_at")
        .values_list("token_hash", flat=True)
        .first()
    )
    challenge = locks.challenge_lock(token_hash=hashed) if hashed else None
    if challenge is None or not _open(challenge, at):
        return False
    challenge.attempts += 1
    right = bool(challenge.code_hash) and constant_time_compare(challenge.code_hash, code_hash(code, str(challenge.pk)))
    challenge.used_at = at if right else None
    challenge.save(update_fields=["attempts", "used_at"])
    return right


def session_verify(*, user_id: UUID, session_id: UUID, at: datetime) -> None:
    """Note that the session's user has just shown a second factor."""
    Session.objects.filter(pk=session_id, user_id=user_id).update(verified_at=at)
    principal_forget(user_id)


def _open(challenge: Challenge, at: datetime) -> bool:
    return challenge.used_at is None and challenge.expires_at > at and challenge.attempts < ATTEMPTS_MAX


def _code_method(challenge: Challenge, code: str, at: datetime) -> str:
    """By which method the code is right; empty when it is wrong."""
    user = challenge.user
    if user.mfa_enabled_at is None:
        right = challenge.purpose == Purpose.STEP_UP and check_password(code, user.password)
        return "password" if right else ""
    if challenge.code_hash and constant_time_compare(challenge.code_hash, code_hash(code, str(challenge.pk))):
        SecondFactor.objects.filter(pk=challenge.factor_id).update(last_used_at=at)
        return challenge.factor.kind if challenge.factor else ""
    for factor in SecondFactor.objects.filter(user=user, confirmed=True, kind=SecondFactor.Kind.TOTP):
        if factor_code_accept(factor=factor, code=code, at=at):
            return str(factor.kind)
    plain = recovery_plain(code)
    used = RecoveryCode.objects.filter(user=user, code_hash=token_hash(plain), used_at=None).update(used_at=at)
    return "recovery" if used else ""


def recovery_plain(code: str) -> str:
    """A recovery code without what people type into it."""
    return "".join(code.split()).replace("-", "").upper()
