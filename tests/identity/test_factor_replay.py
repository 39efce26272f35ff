"""The same code in two hands at the same moment opens one door (abuse case 21). Threads, real commits."""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections

from apps.identity import services
from apps.identity.errors import ChallengeNotValid, CodeNotValid
from apps.identity.models import User
from apps.identity.otp import totp_code

HANDS = 8
NOON = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def person(committed_db: None) -> tuple[User, str, list[str]]:
    user = User.objects.create_user(f"{uuid.uuid4().hex}@example.com", "correct-horse-battery")
    before = NOON - timedelta(minutes=10)
    enrolled = services.factor_enrol(acting_user=user, kind="totp", at=before)
    code = totp_code(enrolled.secret, int(before.timestamp()))
    recovery = services.factor_confirm(acting_user=user, factor_id=enrolled.factor.pk, code=code, at=before)
    user.refresh_from_db()
    return user, enrolled.secret, recovery


def in_parallel(tokens: list[str], code: str) -> list[str]:
    outcomes: list[str] = []
    start = threading.Barrier(len(tokens))

    def answer(token: str) -> None:
        try:
            start.wait()
            services.challenge_answer(token=token, code=code, purposes=frozenset({"sign_in"}), at=NOON)
            outcomes.append("in")
        except (CodeNotValid, ChallengeNotValid) as error:
            outcomes.append(error.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=answer, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.parametrize("what", ["app", "recovery"])
def test_one_code_with_many_challenges_opens_once(person: tuple[User, str, list[str]], what: str) -> None:
    user, secret, recovery = person
    tokens = [services.challenge_begin(user=user, purpose="sign_in", at=NOON).token for _ in range(HANDS)]
    code = totp_code(secret, int(NOON.timestamp())) if what == "app" else recovery[0]
    outcomes = in_parallel(tokens, code)
    assert sorted(outcomes) == ["code-not-valid"] * (HANDS - 1) + ["in"]


def test_one_challenge_in_many_hands_opens_once(person: tuple[User, str, list[str]]) -> None:
    user, secret, _ = person
    token = services.challenge_begin(user=user, purpose="sign_in", at=NOON).token
    outcomes = in_parallel([token] * HANDS, totp_code(secret, int(NOON.timestamp())))
    assert sorted(outcomes) == ["challenge-not-valid"] * (HANDS - 1) + ["in"]


def test_guesses_in_parallel_are_counted_like_guesses_in_a_row(person: tuple[User, str, list[str]]) -> None:
    user, _, _ = person
    token = services.challenge_begin(user=user, purpose="sign_in", at=NOON).token
    outcomes = in_parallel([token] * HANDS, "000000")
    assert outcomes.count("code-not-valid") == 5
    assert outcomes.count("challenge-not-valid") == HANDS - 5
