"""Sessions and permissions in the cache: one read for all processes, forgotten on change, PostgreSQL without Redis."""

from __future__ import annotations

import pytest
from django.core.cache import cache

from apps.core import clock
from apps.core.cache_stats import caches_known
from apps.identity import principals, services, shared
from apps.identity.principals import principal_forget, principal_get, principals_clear
from apps.identity.services import token_pair_issue
from tests.factories.identity import BranchFactory, RoleFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _shared(settings):
    settings.NUMINA = {**settings.NUMINA, "PRINCIPAL_SHARED_SECONDS": 60}
    cache.clear()
    principals.stats.clear()
    shared.stats.clear()


@pytest.fixture
def pair(db):
    role = RoleFactory(permissions=["members.view"], scope="tree")
    return token_pair_issue(user=UserFactory(roles=[role], branch=BranchFactory()), verified_at=clock.now())


def read(pair):
    """As another process, which knows nothing yet."""
    principals_clear()
    return principal_get(user_id=pair.user.pk, session_id=pair.session_id)


def test_the_second_process_asks_redis_and_sees_the_same(pair, django_assert_num_queries):
    first = read(pair)
    with django_assert_num_queries(0):
        second = read(pair)
        assert second == first
        assert second.permission_codes == frozenset({"members.view"})
        assert (second.scope, second.reach, second.branch_ids) == ("branch", "tree", first.branch_ids)
        assert second.branch == first.branch
        assert second.verified_at == first.verified_at
        assert second.date_joined == first.date_joined
        assert not second._state.adding
    assert "password" not in second.__dict__, "a hash does not leave PostgreSQL"


@pytest.mark.parametrize("change", ["role", "user", "sign-out", "deactivation"])
def test_a_change_shows_in_every_process_at_once(pair, change, django_capture_on_commit_callbacks):
    user = pair.user
    assert read(pair) is not None
    with django_capture_on_commit_callbacks(execute=True):
        match change:
            case "role":
                services.role_permissions_set(
                    acting_user=None, role_id=user.roles.get().pk, permissions=[], reason="less", at=clock.now()
                )
            case "user":
                services.user_update(
                    acting_user=user, user_id=user.pk, expected_version=user.version, changes={"full_name": "New"}
                )
            case "sign-out":
                services.token_revoke(acting_user=user, session_id=pair.session_id)
            case "deactivation":
                services.user_deactivate(acting_user=None, user_id=user.pk, reason="gone")
    found = read(pair)
    match change:
        case "role":
            assert found.permission_codes == frozenset()
        case "user":
            assert found.full_name == "New"
        case _:
            assert found is None


def test_what_was_read_while_it_changed_is_not_kept(pair):
    user, marks = shared.shared_get(user_id=pair.user.pk, session_id=pair.session_id, at=clock.now())
    assert user is None
    stale = read(pair)
    principal_forget(pair.user.pk)  # between another process's read and its writing down
    shared.shared_put(user=stale, session_id=pair.session_id, expires_at=clock.now(), marks=marks)
    assert shared.shared_get(user_id=pair.user.pk, session_id=pair.session_id, at=clock.now())[0] is None


def test_a_session_of_another_user_is_not_found(pair):
    read(pair)
    principals_clear()
    assert principal_get(user_id=UserFactory().pk, session_id=pair.session_id) is None


def test_without_redis_postgresql_answers(pair, monkeypatch):
    monkeypatch.setattr(cache, "get_many", lambda _: {})
    monkeypatch.setattr(cache, "set", lambda *_: None)
    assert read(pair) is not None
    assert read(pair).permission_codes == frozenset({"members.view"})


def test_hit_rates_are_counted_and_high(api, pair):
    """A client that works for a while: far more than 80 in 100 look-ups find what they look for."""
    client = api.as_user(pair.user)
    for _ in range(50):
        client.get("users/me")
    assert principals.stats.rate >= 0.9
    names = {stats.name for stats in caches_known()}
    assert {"principals in the process", "principals on redis", "rate limits", "limits by amount"} <= names
