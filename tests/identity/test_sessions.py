"""Where one is signed in, and how to end it elsewhere."""

from __future__ import annotations

import pytest

from apps.identity.models import Session
from tests.factories.identity import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


def test_the_list_shows_ones_own_living_sessions(api, user, django_assert_num_queries):
    here = api.as_user(user)
    there = api.post(
        "auth/login",
        {"email": user.email, "password": PASSWORD},
        headers={"User-Agent": "Phone/1", "X-Device-ID": "abcdefgh"},
    ).json()
    api.as_user(UserFactory())
    ended = api.as_user(user)
    ended.post("auth/logout")
    here.get("users/me")
    with django_assert_num_queries(1):
        rows = here.get("auth/sessions").json()["data"]
    assert [row["current"] for row in rows] == [False, True]
    assert rows[0]["user_agent"] == "Phone/1"
    assert Session.objects.get(pk=rows[0]["id"]).device not in {"", "abcdefgh"}
    assert here.delete(f"auth/sessions/{rows[0]['id']}").status_code == 204
    assert here.delete(f"auth/sessions/{rows[0]['id']}").status_code == 404
    assert here.as_user(user).get("users/me").status_code == 200
    stale = here.as_user(user)
    stale.access = there["access"]
    assert stale.get("users/me").status_code == 401


def test_sessions_of_others_do_not_exist(api, user):
    other = UserFactory()
    api.as_user(other)
    session = Session.objects.get(user=other)
    assert api.as_user(user).delete(f"auth/sessions/{session.pk}").status_code == 404
    session.refresh_from_db()
    assert session.revoked_at is None


def test_all_others_end_at_once(api, user):
    here, others = api.as_user(user), [api.as_user(user) for _ in range(3)]
    assert here.post("auth/sessions/end-others").json() == {"ended": 3}
    assert [client.get("users/me").status_code for client in (here, *others)] == [200, 401, 401, 401]
