"""Passwords: their rules, their hashes, changing and resetting them; the proof of an address (abuse cases 23, 27)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import check_password, identify_hasher, make_password
from django.core import mail
from django.core.exceptions import ValidationError

from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.errors import ValidationFailed
from apps.identity import services
from apps.identity.hashers import BankBCryptHasher
from apps.identity.models import Challenge, PastPassword, Session
from apps.identity.validators import BreachedValidator, ComplexityValidator, LengthCapValidator
from config.settings import base
from tests.factories.identity import PASSWORD, RoleFactory, UserFactory

pytestmark = pytest.mark.django_db
NEW = "another-good-phrase-7"


def test_production_hashes_with_bcrypt_of_twelve_rounds_or_more(settings):
    settings.PASSWORD_HASHERS = base.PASSWORD_HASHERS
    hashed = make_password("x")
    assert hashed.startswith("bcrypt_sha256$$2b$12$")
    settings.NUMINA = {**settings.NUMINA, "BCRYPT_ROUNDS": 13}
    assert BankBCryptHasher().rounds == 13
    settings.NUMINA = {**settings.NUMINA, "BCRYPT_ROUNDS": 4}
    assert BankBCryptHasher().rounds == 12, "the factor can only be raised"


def test_hashes_of_a_lower_factor_are_replaced_at_sign_in(settings, user):
    settings.PASSWORD_HASHERS = base.PASSWORD_HASHERS
    weak = BankBCryptHasher()
    weak.__class__ = type("Weak", (BankBCryptHasher,), {"rounds": 4})
    user.password = weak.encode(PASSWORD, weak.salt())
    user.save()
    assert "$2b$04$" in user.password
    services.user_authenticate(email=user.email, password=PASSWORD)
    user.refresh_from_db()
    assert "$2b$12$" in user.password
    assert check_password(PASSWORD, user.password)
    assert user.history.count() == 2, "made, and saved above: a sign-in is no change"


def test_imported_argon2_hashes_are_accepted_and_replaced(settings, user):
    settings.PASSWORD_HASHERS = base.PASSWORD_HASHERS
    user.password = make_password(PASSWORD, hasher="argon2")
    user.save()
    services.user_authenticate(email=user.email, password=PASSWORD)
    user.refresh_from_db()
    assert identify_hasher(user.password).algorithm == "bcrypt_sha256"


def test_long_passwords_count_whole(settings):
    settings.PASSWORD_HASHERS = base.PASSWORD_HASHERS
    hashed = make_password("a" * 80 + "b")
    assert not check_password("a" * 80 + "c", hashed)


@pytest.mark.parametrize(
    "password",
    ["Password123!", "P@ssw0rd-2026!", "passwordpassword", "Qwertyuiop-1", "iloveyou123456789", "Sunshine!!!!2025"],
)
def test_leaked_passwords_are_refused_in_disguise(password):
    with pytest.raises(ValidationError):
        BreachedValidator().validate(password)


@pytest.mark.parametrize("password", [PASSWORD, NEW, "a long pass phrase", "Tx9!kQ2#vLmz"])
def test_good_passwords_are_taken(password):
    for validator in (BreachedValidator(), ComplexityValidator(), LengthCapValidator()):
        validator.validate(password)


@pytest.mark.parametrize("password", ["abcdefghijkl", "aaaaaaaaaaaaaaaaaaaa", "abcdefgh1234", "1010101010101010"])
def test_simple_passwords_are_refused(password):
    with pytest.raises(ValidationError):
        ComplexityValidator().validate(password)


def test_a_password_of_a_megabyte_is_refused_unhashed(api, monkeypatch):
    monkeypatch.setattr("apps.identity.services._users.make_password", lambda _: pytest.fail("hashed"))
    answer = api.post("auth/login", {"email": "a@example.com", "password": "x" * 900_000})
    assert answer.status_code == 400


def test_change_needs_the_present_one_and_ends_other_sessions(api, user):
    here, there = api.as_user(user), api.as_user(user)
    wrong = here.post("auth/password/change", {"current_password": "no", "new_password": NEW})
    assert wrong.json()["code"] == "password-wrong"
    done = here.post("auth/password/change", {"current_password": PASSWORD, "new_password": NEW})
    assert done.status_code == 204, done.content
    assert here.get("users/me").status_code == 200
    assert there.get("users/me").status_code == 401
    assert api.post("auth/login", {"email": user.email, "password": PASSWORD}).status_code == 401
    assert api.post("auth/login", {"email": user.email, "password": NEW}).status_code == 200
    event = AuditEvent.objects.get(action="identity.password.changed")
    assert (event.kind, event.actor) == ("security", user)


def test_weak_new_passwords_are_refused_with_reasons(api, user):
    answer = api.as_user(user).post(
        "auth/password/change", {"current_password": PASSWORD, "new_password": "Password123!"}
    )
    assert answer.status_code == 400
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {"/new_password"}
    assert "password-breached" in {fault["code"] for fault in answer.json()["errors"]}


def test_the_last_five_are_not_taken_again(user):
    at, present = clock.now(), PASSWORD
    for number in range(6):
        fresh = f"a-new-long-phrase-{number}"
        services.password_change(acting_user=user, current=present, new=fresh, at=at + timedelta(days=number))
        present = fresh
    assert PastPassword.objects.filter(user=user).count() == 4
    for number in range(1, 6):
        with pytest.raises(ValidationFailed):
            services.password_change(acting_user=user, current=present, new=f"a-new-long-phrase-{number}", at=at)
    services.password_change(acting_user=user, current=present, new="a-new-long-phrase-0", at=at)


def token_of(message) -> str:
    return re.search(r"token=([\w-]+)", message.body)[1]


def forgotten(api, email, capture, **extra):
    with capture(execute=True):
        return api.post("auth/password/forgotten", {"email": email}, **extra)


def test_reset_by_a_link_that_works_once(api, user, django_capture_on_commit_callbacks):
    alive = api.as_user(user)
    assert forgotten(api, user.email, django_capture_on_commit_callbacks).status_code == 202
    token = token_of(mail.outbox[0])
    weak = api.post("auth/password/reset", {"token": token, "password": "short"})
    assert weak.status_code == 400, "and the link stays good"
    assert api.post("auth/password/reset", {"token": token, "password": NEW}).status_code == 204
    again = api.post("auth/password/reset", {"token": token, "password": "yet-another-phrase"})
    assert again.json()["code"] == "link-not-valid"
    assert alive.get("users/me").status_code == 401
    assert Session.objects.filter(user=user, revoked_at=None).count() == 0
    assert api.post("auth/login", {"email": user.email, "password": NEW}).status_code == 200


def test_reset_tells_nobody_who_has_a_user(api, user, django_capture_on_commit_callbacks):
    known = forgotten(api, user.email, django_capture_on_commit_callbacks)
    unknown = forgotten(api, "nobody@example.com", django_capture_on_commit_callbacks)
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    assert len(mail.outbox) == 1


def test_a_poisoned_host_does_not_reach_the_link(api, user, settings, django_capture_on_commit_callbacks):
    settings.NUMINA = {**settings.NUMINA, "PUBLIC_URL": "https://bank.example"}
    headers = {"X-Forwarded-Host": "evil.example", "Host": "localhost"}
    forgotten(api, user.email, django_capture_on_commit_callbacks, headers=headers)
    assert "https://bank.example/account/password?token=" in mail.outbox[0].body
    assert "evil" not in mail.outbox[0].body
    assert (
        forgotten(api, user.email, django_capture_on_commit_callbacks, headers={"Host": "evil.example"}).status_code
        == 400
    )


def test_a_reset_link_expires_and_is_no_confirmation(api, user):
    at = clock.now()
    services.password_reset_begin(email=user.email, at=at - timedelta(minutes=31))
    old = token_of(mail.outbox[0])
    assert api.post("auth/password/reset", {"token": old, "password": NEW}).json()["code"] == "link-not-valid"
    services.password_reset_begin(email=user.email, at=at)
    assert api.post("auth/email/confirm", {"token": token_of(mail.outbox[1])}).json()["code"] == "link-not-valid"
    assert not Challenge.objects.filter(token_hash=old).exists(), "stored as a hash"


def test_links_are_limited_by_address(api, user, rates):
    with rates(mail_email="2/h"):
        answers = [api.post("auth/password/forgotten", {"email": user.email}).status_code for _ in range(3)]
    assert answers == [202, 202, 429]


def test_who_registers_confirms_the_address_first(api, settings, django_capture_on_commit_callbacks):
    RoleFactory(code="member", scope="own", is_staff_role=False)
    settings.NUMINA = {**settings.NUMINA, "EMAIL_CONFIRMATION": True}
    who = {"email": "jane@example.com", "password": PASSWORD}
    with django_capture_on_commit_callbacks(execute=True):
        assert api.post("auth/register", who).status_code == 201
    refused = api.post("auth/login", who)
    assert (refused.status_code, refused.json()["code"]) == (403, "email-not-confirmed")
    assert api.post("auth/login", {**who, "password": "wrong"}).status_code == 401, "only who knows it is told"
    with django_capture_on_commit_callbacks(execute=True):
        assert api.post("auth/email/resend", {"email": who["email"]}).status_code == 202
    token = token_of(mail.outbox[-1])
    assert api.post("auth/email/confirm", {"token": token}).status_code == 204
    assert api.post("auth/email/confirm", {"token": token}).json()["code"] == "link-not-valid"
    assert api.post("auth/login", who).status_code == 200


def test_users_made_by_staff_need_no_confirmation(settings):
    settings.NUMINA = {**settings.NUMINA, "EMAIL_CONFIRMATION": True}
    user = services.user_create_staff(
        acting_user=None, email="x@example.com", full_name="X", role_codes=[], password=PASSWORD
    )
    assert services.user_authenticate(email=user.email, password=PASSWORD) == user


def test_a_deactivated_user_gets_no_link(django_capture_on_commit_callbacks):
    user = UserFactory(is_active=False)
    assert services.password_reset_begin(email=user.email, at=clock.now()) is False
    assert mail.outbox == []


def test_the_pages_behind_the_links(client, user):
    services.password_reset_begin(email=user.email, at=clock.now())
    token = token_of(mail.outbox[0])
    page = client.get("/account/password", {"token": token})
    assert page.status_code == 200
    assert page["Referrer-Policy"] == "same-origin"
    assert "no-store" in page["Cache-Control"]
    assert client.get("/account/password", {"token": '"><script>'}).content.count(b"<script>") == 0
    send = {"token": token, "password": NEW, "password_again": NEW}
    assert client.post("/account/password", {**send, "password_again": "x"}).status_code == 422
    assert client.post("/account/password", {**send, "password": "short", "password_again": "short"}).status_code == 422
    assert client.post("/account/password", send).status_code == 200
    assert client.post("/account/password", send).status_code == 422
    user.refresh_from_db()
    assert user.check_password(NEW)


def test_opening_the_confirmation_does_not_confirm(client, user):
    services.email_confirm_begin(email=user.email, at=clock.now())
    token = token_of(mail.outbox[0])
    assert client.get("/account/confirm", {"token": token}).status_code == 200
    user.refresh_from_db()
    assert user.email_confirmed_at is None
    assert client.post("/account/confirm", {"token": token}).status_code == 200
    user.refresh_from_db()
    assert user.email_confirmed_at is not None
    assert client.post("/account/confirm", {"token": token}).status_code == 422
