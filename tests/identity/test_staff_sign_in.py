"""Signing in to the staff site: second factor, age and rest of sessions, addresses, showing it again."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse

from apps.audit.models import AuditEvent
from apps.core import clock
from apps.identity import services
from apps.identity.models import SecondFactor, Session
from apps.identity.otp import totp_code
from apps.identity.selectors import factor_app_key
from tests.factories.identity import PASSWORD, UserFactory, user_make

pytestmark = pytest.mark.django_db
LOGIN = "/admin/login/?next=/admin/security/"


@pytest.fixture
def clerk(db):
    return user_make("backoffice.dashboard")


def app_of(user) -> SecondFactor:
    """A confirmed authenticator app, whose last code was used some minutes ago."""
    at = clock.now() - timedelta(minutes=5)
    enrolled = services.factor_enrol(acting_user=user, kind="totp", name="Phone", at=at)
    code = totp_code(enrolled.secret, int(at.timestamp()))
    services.factor_confirm(acting_user=user, factor_id=enrolled.factor.pk, code=code, at=at)
    return SecondFactor.objects.get(pk=enrolled.factor.pk)


def code_of(factor: SecondFactor) -> str:
    return totp_code(factor_app_key(factor), int(time.time()))


def sign_in(client, user, password=PASSWORD):
    return client.post(LOGIN, {"username": user.email, "password": password})


def test_the_password_alone_signs_nobody_in_who_has_a_second_factor(client, clerk):
    factor = app_of(clerk)
    asked = sign_in(client, clerk)
    assert asked["Location"] == reverse("admin:second_step")
    assert client.get("/admin/").status_code == 302, "step 2 cannot be left out"
    page = client.get(asked["Location"])
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    assert client.post(asked["Location"], {"code": "000000"}).status_code == 422
    before = client.session.session_key
    done = client.post(asked["Location"], {"code": code_of(factor)})
    assert (done.status_code, done["Location"]) == (302, "/admin/security/")
    assert client.session.session_key != before
    assert client.get("/admin/security/").status_code == 200
    session = Session.objects.get(user=clerk, place="staff")
    assert session.verified_at is not None
    assert AuditEvent.objects.filter(action="identity.session.started", actor=clerk).count() == 1


def test_five_wrong_codes_go_back_to_the_password(client, clerk):
    factor = app_of(clerk)
    step = sign_in(client, clerk)["Location"]
    for number in range(5):
        assert client.post(step, {"code": f"{number:06d}"}).status_code == 422
    assert client.post(step, {"code": code_of(factor)})["Location"] == "/admin/login/"


def test_a_code_by_e_mail_on_the_staff_site(client, clerk, django_capture_on_commit_callbacks):
    at = clock.now()
    with django_capture_on_commit_callbacks(execute=True):
        enrolled = services.factor_enrol(acting_user=clerk, kind="email", at=at)
    services.challenge_code_send(challenge_id=enrolled.challenge_id, at=at)
    code = re.search(r"\d{6}", mail.outbox[-1].body)[0]
    services.factor_confirm(acting_user=clerk, factor_id=enrolled.factor.pk, code=code, at=at)
    step = sign_in(client, clerk)["Location"]
    with django_capture_on_commit_callbacks(execute=True):
        client.post(step, {"factor": str(enrolled.factor.pk)})
    sent = re.search(r"\d{6}", mail.outbox[-1].body)[0]
    assert client.post(step, {"code": sent})["Location"] == "/admin/security/"


def test_a_forced_session_without_the_second_factor_is_over(client, clerk):
    app_of(clerk)
    client.force_login(clerk)
    assert "/admin/login/" in client.get("/admin/")["Location"]


def test_where_to_go_next_is_a_page_of_ours(client, clerk):
    factor = app_of(clerk)
    client.post("/admin/login/?next=https://evil.example/", {"username": clerk.email, "password": PASSWORD})
    done = client.post(reverse("admin:second_step"), {"code": code_of(factor)})
    assert done["Location"] == "/admin/"


def test_setting_one_up_on_the_page(client, clerk):
    sign_in(client, clerk)
    page = client.post("/admin/security/", {"do": "enrol", "kind": "totp", "name": "Phone"})
    secret = re.search(r"data-secret>([A-Z2-7]+)<", page.content.decode())[1]
    assert "<svg" in page.content.decode()
    wrong = client.post("/admin/security/", {"do": "confirm", "code": "000000"})
    assert wrong.status_code == 422
    assert secret in wrong.content.decode(), "it can be tried again"
    done = client.post("/admin/security/", {"do": "confirm", "code": totp_code(secret, int(time.time()))})
    assert len(re.findall(r"<li><code>", done.content.decode())) == 10
    assert client.get("/admin/security/").status_code == 200, "this session goes on"
    assert secret not in client.get("/admin/security/").content.decode()


def test_staff_set_one_up_before_anything_else_where_it_is_required(client, clerk, settings):
    settings.NUMINA = {**settings.NUMINA, "MFA_REQUIRED_FOR_STAFF": True}
    sign_in(client, clerk)
    assert client.get("/admin/")["Location"] == "/admin/security/"
    page = client.get("/admin/security/")
    assert "Staff need a second factor" in page.content.decode()
    page = client.post("/admin/security/", {"do": "enrol", "kind": "totp"})
    secret = re.search(r"data-secret>([A-Z2-7]+)<", page.content.decode())[1]
    client.post("/admin/security/", {"do": "confirm", "code": totp_code(secret, int(time.time()))})
    assert client.get("/admin/").status_code == 200


def session_set(client, **values):
    session = client.session
    for name, value in values.items():
        session[name] = value
    session.save()


@pytest.mark.parametrize(
    ("mark", "seconds", "over"),
    [
        ("numina_seen", 29 * 60, False),
        ("numina_seen", 31 * 60, True),
        ("numina_started", 9 * 3600, False),
        ("numina_started", 11 * 3600, True),
    ],
)
def test_sessions_end_by_rest_and_by_age(client, clerk, mark, seconds, over):
    client.force_login(clerk)
    session_set(client, **{mark: int(time.time()) - seconds})
    answer = client.get("/admin/")
    assert (answer.status_code == 302) is over
    if over:
        assert AuditEvent.objects.filter(action="identity.session.ended", actor=clerk).exists()
        assert client.get("/admin/").status_code == 302


def test_a_session_without_marks_is_over(client, clerk):
    client.force_login(clerk)
    session = client.session
    del session["numina_started"]
    session.save()
    assert client.get("/admin/").status_code == 302


def test_the_staff_site_opens_from_its_addresses_only(client, clerk, settings):
    client.force_login(clerk)
    settings.NUMINA = {**settings.NUMINA, "STAFF_ADDRESSES": ("10.1.0.0/16", "2001:db8::/32")}
    refused = client.get("/admin/login/")
    assert refused.status_code == 403
    assert "Not from here" in refused.content.decode()
    assert AuditEvent.objects.filter(action="identity.login.address_refused").exists()
    assert client.get("/admin/", REMOTE_ADDR="10.1.2.3").status_code == 200
    assert client.get("/admin/", REMOTE_ADDR="10.2.2.3", headers={"X-Forwarded-For": "10.1.2.3"}).status_code == 403
    assert client.get("/api/v1/health/live").status_code == 200


def test_what_is_dangerous_asks_again(client, settings):
    settings.NUMINA = {**settings.NUMINA, "STAFF_DANGEROUS": frozenset({"permissions"})}
    client.force_login(user_make("identity.view_roles"))
    assert client.get("/admin/permissions/").status_code == 200, "just signed in"
    session_set(client, numina_verified=int(time.time()) - 301)
    asked = client.get("/admin/permissions/")
    assert asked["Location"] == "/admin/security/confirm/?next=%2Fadmin%2Fpermissions%2F"
    assert client.post(asked["Location"], {"code": "wrong"}).status_code == 422
    done = client.post(asked["Location"], {"code": PASSWORD})
    assert done["Location"] == "/admin/permissions/"
    assert client.get("/admin/permissions/").status_code == 200


def test_removing_a_factor_asks_for_it_again(client, clerk):
    factor = app_of(clerk)
    step = sign_in(client, clerk)["Location"]
    client.post(step, {"code": code_of(factor)})
    session_set(client, numina_verified=int(time.time()) - 301)
    for act in ({"do": "remove", "factor": str(factor.pk)}, {"do": "codes"}, {"do": "enrol", "kind": "totp"}):
        assert "/admin/security/confirm/" in client.post("/admin/security/", act)["Location"]
    session_set(client, numina_verified=int(time.time()))
    client.post("/admin/security/", {"do": "remove", "factor": str(factor.pk)})
    assert not SecondFactor.objects.filter(user=clerk).exists()


def test_sessions_are_listed_and_ended(client, clerk, api):
    elsewhere = api.as_user(clerk)
    sign_in(client, clerk)
    other = type(client)()
    sign_in(other, clerk)
    page = client.get("/admin/security/").content.decode()
    assert page.count('name="session"') == 2
    assert "This one" in page
    there = Session.objects.get(web_key=other.session.session_key)
    client.post("/admin/security/", {"do": "end", "session": str(there.pk)})
    assert other.get("/admin/").status_code == 302, "signed out there"
    client.post("/admin/security/", {"do": "end_others"})
    assert elsewhere.get("users/me").status_code == 401
    assert client.get("/admin/security/").status_code == 200


def test_the_password_is_changed_on_the_page(client, clerk):
    sign_in(client, clerk)
    other = type(client)()
    sign_in(other, clerk)
    new = "another-good-phrase-7"
    act = {"do": "password", "current_password": PASSWORD, "new_password": new, "new_password_again": new}
    assert client.post("/admin/security/", {**act, "new_password_again": "x"}).status_code == 422
    assert client.post("/admin/security/", {**act, "current_password": "x"}).status_code == 422
    assert client.post("/admin/security/", act).status_code == 302
    assert client.get("/admin/").status_code == 200
    assert other.get("/admin/").status_code == 302
    assert client.get("/admin/password_change/")["Location"] == "/admin/security/"


def test_long_passwords_are_refused_unhashed(client, clerk, monkeypatch):
    monkeypatch.setattr("django.contrib.auth.authenticate", lambda **_: pytest.fail("hashed"))
    monkeypatch.setattr("django.contrib.auth.forms.authenticate", lambda *_, **__: pytest.fail("hashed"))
    assert sign_in(client, clerk, "x" * 257).status_code == 200


def test_a_device_is_remembered_by_its_own_cookie(client, clerk):
    done = sign_in(client, clerk)
    cookie = done.cookies["numina_device"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert Session.objects.get(user=clerk).device == ""  # the first time there was none
    again = sign_in(client, clerk)
    assert "numina_device" not in again.cookies
    assert Session.objects.filter(user=clerk).exclude(device="").count() == 1


def test_hostile_ids_on_the_page_change_nothing(client, clerk):
    sign_in(client, clerk)
    stranger = app_of(UserFactory())
    for value in ("x", "", str(stranger.pk), "\x00", "9" * 99):
        for act in ("remove", "end", "confirm"):
            answer = client.post("/admin/security/", {"do": act, "factor": value, "session": value, "code": value})
            assert answer.status_code in ({400} if value == "\x00" else {302, 422})
    assert SecondFactor.objects.filter(pk=stranger.pk).exists()
    assert client.post("/admin/security/", {"do": "nothing"}).status_code == 302
