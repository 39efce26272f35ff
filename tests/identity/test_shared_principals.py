"""Sessions and permissions in the cache: one read for all processes, forgotten on change, PostgreSQL without Redis."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.core.cache import cache

from apps.core import clock
from apps.core.cache_stats import caches_known
from apps.identity import principals, services, shared
from apps.identity.principals import principal_forget, principal_get, principals_clear
from apps.identity.services import token_pair_issue
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory, cash_move
from tests.factories.books import gl_account_ready
from tests.factories.identity import BranchFactory, RoleFactory, UserFactory
from tests.factories.members import MemberFactory


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


def test_a_day_of_many_users_finds_eight_of_ten_look_ups_in_the_cache(committed_db, settings):
    """Tellers and members in turns, reading and paying, with changes of roles and users in between (MSME-17.5)."""
    settings.NUMINA = {**settings.NUMINA, "LIMITS": True}
    branch = BranchFactory(code=f"C{uuid4().hex[:12]}")  # committed: nothing here may be there already
    for code in ("1120", "2110"):
        gl_account_ready(code)
    role = RoleFactory(permissions=["members.view", "accounts.view", "payments.transfer"], scope="branch")
    accounts = [AccountFactory(branch=branch, member=MemberFactory(branch=branch)) for _ in range(4)]
    for account in accounts:
        cash_move(account, "1000.00")
    emails = [f"{uuid4().hex}@example.com" for _ in range(4)]
    clients = [ApiClient(UserFactory(email=email, roles=[role], branch=branch)) for email in emails]
    for stats in caches_known():
        stats.clear()
    for turn in range(60):
        client, account = clients[turn % 4], accounts[turn % 3]
        if turn % 3 == 2:
            body = {
                "source_account": account.number, "destination_account": accounts[3].number,
                "amount": {"amount": "1.00", "currency": "KES"}, "description": "Rent",
            }  # fmt: skip
            answer = client.post("transfers", body, headers={"Idempotency-Key": f"turn-{turn}"})
            assert answer.status_code == 201, answer.content
        else:
            assert client.get(("members", "accounts")[turn % 2]).status_code == 200
        if turn % 20 == 19:  # another process takes over, and an administrator changes what the role allows
            principals_clear()
            wanted = ["members.view", "accounts.view", "payments.transfer", "products.view"][: 3 + turn % 2]
            services.role_permissions_set(
                acting_user=None, role_id=role.pk, permissions=wanted, reason="change", at=clock.now()
            )
    rates = {stats.name: (stats.hits, stats.misses) for stats in caches_known() if stats.hits + stats.misses}
    assert {"principals in the process", "principals on redis", "rate limits", "account references"} <= set(rates)
    hits, misses = (sum(found[place] for found in rates.values()) for place in (0, 1))
    assert hits / (hits + misses) >= 0.8, rates
