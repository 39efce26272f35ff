"""Signing in, staying signed in, signing out: over HTTP."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from apps.audit.models import AuditEvent
from apps.core import clock
from apps.identity.errors import InvalidRefreshToken
from apps.identity.models import Session
from apps.identity.services import token_pair_issue, token_refresh, user_deactivate
from apps.identity.tokens import RefreshToken, claims_read
from tests.factories.identity import PASSWORD, RoleFactory, UserFactory

pytestmark = pytest.mark.django_db


def login(api, user, password=PASSWORD):
    return api.post("auth/login", {"email": user.email, "password": password})


def actions(**filters):
    return list(AuditEvent.objects.filter(**filters).order_by("id").values_list("action", flat=True))


def test_login_gives_tokens_and_the_user(api):
    role = RoleFactory(permissions=["members.view"], scope="branch", code="clerk")
    user = UserFactory(roles=[role])
    answer = login(api, user)
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 900
    assert body["user"]["permissions"] == ["members.view"]
    assert body["user"]["roles"] == ["clerk"]
    assert body["user"]["scope"] == "branch"
    assert "password" not in str(body["user"])
    assert answer["Cache-Control"] == "no-store"
    api.access = body["access"]
    me = api.get("users/me")
    assert me.status_code == 200
    assert me.json()["email"] == user.email
    user.refresh_from_db()
    assert user.last_login is not None
    assert user.history.count() == 1  # a sign-in is no change of the record
    assert actions(actor=user) == ["identity.session.started"]


def test_login_in_any_case_of_the_address(api):
    UserFactory(email="mary@example.com")
    answer = api.post("auth/login", {"email": "  Mary@EXAMPLE.com ", "password": PASSWORD})
    assert answer.status_code == 200


def test_wrong_password_unknown_and_deactivated_look_the_same(api):
    known = UserFactory()
    gone = UserFactory(is_active=False)
    answers = [
        login(api, known, "not the password"),
        api.post("auth/login", {"email": "nobody@example.com", "password": PASSWORD}),
        login(api, gone),
    ]
    bodies = []
    for answer in answers:
        assert answer.status_code == 401
        assert answer["Content-Type"] == "application/problem+json"
        body = answer.json()
        body.pop("trace_id")
        bodies.append(body)
    assert bodies[0] == bodies[1] == bodies[2]
    assert bodies[0]["code"] == "invalid-credentials"
    events = AuditEvent.objects.filter(action="identity.login.failed").order_by("id")
    assert [event.after["why"] for event in events] == ["password", "unknown", "inactive"]
    assert {event.kind for event in events} == {"security"}
    assert PASSWORD not in str(list(events.values()))


def test_an_unknown_address_costs_a_password_hash(api, monkeypatch):
    hashed = []
    monkeypatch.setattr("apps.identity.services._users.make_password", hashed.append)
    api.post("auth/login", {"email": "nobody@example.com", "password": "x"})
    assert hashed == ["x"]


def test_refresh_rotates_and_the_old_pair_lives_its_life(api, user):
    first = login(api, user).json()
    second = api.post("auth/refresh", {"refresh": first["refresh"]})
    assert second.status_code == 200
    assert second.json()["refresh"] != first["refresh"]
    api.access = second.json()["access"]
    assert api.get("users/me").status_code == 200
    assert Session.objects.filter(user=user).count() == 1


def test_reused_refresh_token_kills_the_family(api, user):
    first = login(api, user).json()
    second = api.post("auth/refresh", {"refresh": first["refresh"]}).json()
    stolen = api.post("auth/refresh", {"refresh": first["refresh"]})
    assert stolen.status_code == 401
    assert stolen.json()["code"] == "invalid-refresh-token"
    assert api.post("auth/refresh", {"refresh": second["refresh"]}).status_code == 401
    for access in (first["access"], second["access"]):
        api.access = access
        assert api.get("users/me").status_code == 401
    event = AuditEvent.objects.get(action="identity.session.ended")
    assert event.kind == "security"
    assert event.reason == "refresh token used twice"
    assert Session.objects.get(user=user).revoke_reason == "refresh token used twice"


def test_other_sessions_survive_the_end_of_one(api, user):
    one, two = login(api, user).json(), login(api, user).json()
    api.access = one["access"]
    assert api.post("auth/logout").status_code == 204
    api.access = two["access"]
    assert api.get("users/me").status_code == 200


def test_logout_kills_access_and_refresh_at_once(api, user):
    pair = login(api, user).json()
    api.access = pair["access"]
    assert api.get("users/me").status_code == 200  # the principal is in memory now
    assert api.post("auth/logout").status_code == 204
    refused = api.get("users/me")
    assert refused.status_code == 401
    assert refused.json()["code"] == "invalid-token"
    assert "invalid_token" in refused["WWW-Authenticate"]
    api.access = ""
    assert api.post("auth/refresh", {"refresh": pair["refresh"]}).status_code == 401
    assert actions(actor=user) == ["identity.session.started", "identity.session.ended"]


def test_logout_can_end_another_session_of_the_same_user_only(api, user):
    here, there = login(api, user).json(), login(api, user).json()
    stranger = token_pair_issue(user=UserFactory())
    api.access = here["access"]
    assert api.post("auth/logout", {"refresh": there["refresh"]}).status_code == 204
    assert Session.objects.filter(user=user, revoked_at=None).count() == 0
    api.access = login(api, user).json()["access"]
    assert api.post("auth/logout", {"refresh": stranger.refresh}).status_code == 204
    assert Session.objects.get(pk=stranger.session_id).revoked_at is None


def test_deactivated_users_are_refused_with_every_token(api, user):
    pair = login(api, user).json()
    api.access = pair["access"]
    assert api.get("users/me").status_code == 200
    user_deactivate(acting_user=None, user_id=user.pk, reason="left the bank")
    assert api.get("users/me").status_code == 401
    assert api.post("auth/refresh", {"refresh": pair["refresh"]}).status_code == 401
    assert login(api, user).status_code == 401


def test_another_process_notices_within_the_cache_seconds(api, user, settings):
    api.access = login(api, user).json()["access"]
    assert api.get("users/me").status_code == 200
    # What another process does: the row changes, and this process is not told.
    Session.objects.filter(user=user).update(revoked_at=clock.now())
    assert api.get("users/me").status_code == 200
    settings.NUMINA = {**settings.NUMINA, "PRINCIPAL_CACHE_SECONDS": 0.05}
    time.sleep(0.06)
    assert api.get("users/me").status_code == 401


def test_no_caching_at_all_can_be_asked_for(api, user, settings):
    settings.NUMINA = {**settings.NUMINA, "PRINCIPAL_CACHE_SECONDS": 0}
    api.access = login(api, user).json()["access"]
    assert api.get("users/me").status_code == 200
    Session.objects.filter(user=user).update(revoked_at=clock.now())
    assert api.get("users/me").status_code == 401


def test_a_session_ends_for_good_however_often_it_is_refreshed(api, user):
    start = clock.now()
    pair = token_pair_issue(user=user, at=start)
    Session.objects.filter(pk=pair.session_id).update(expires_at=start + timedelta(seconds=1))
    with pytest.raises(InvalidRefreshToken):
        token_refresh(refresh=pair.refresh, at=start + timedelta(seconds=2))


def test_no_token_outlives_its_session(user, settings):
    settings.NUMINA = {**settings.NUMINA, "SESSION_DAYS_MAX": 1}
    pair = token_pair_issue(user=user)
    claims = claims_read(pair.refresh, RefreshToken)
    session = Session.objects.get(pk=pair.session_id)
    assert claims.expires_at <= session.expires_at.timestamp()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "a@b.co"},
        {"email": "a@b.co", "password": 5},
        {"email": ["a@b.co"], "password": "x"},
        {"email": "a@b.co", "password": "x", "is_staff": True},
        {"email": "not an address", "password": "x"},
        {"email": "a@b.co\x00", "password": "x"},
        {"email": "a@b.co", "password": "x" * 257},
        [],
        "null",
        '{"email": "a@b.co", "email": "b@b.co", "password": "x"}',
        '{"email": "a@b.co", "password": "\\ud800"}',
    ],
)
def test_malformed_logins_are_400(api, body):
    answer = api.post("auth/login", body)
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"


def test_login_is_json_only(api):
    answer = api.post("auth/login", "email=a&password=b", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 415


def test_get_is_not_a_login(api):
    assert api.get("auth/login").status_code == 405


def test_a_broken_token_does_not_stop_a_login(api, user):
    api.access = "rubbish"
    assert login(api, user).status_code == 200
