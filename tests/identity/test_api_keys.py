"""Keys of machines."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.errors import PermissionDenied
from apps.identity import services
from apps.identity.errors import ApiKeyRefused
from apps.identity.models import ApiKey, Session
from apps.identity.principals import principals_clear
from tests.factories.identity import UserFactory, user_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def machine(db):
    return user_make("members.view", "accounts.view", is_staff=False)


@pytest.fixture
def key(machine):
    return services.api_key_create(
        acting_user=None, user_id=machine.pk, name="Adapter", permissions=["members.view"], at=clock.now()
    )


def with_key(api, secret):
    client = type(api)()
    client.access = secret
    return client


def test_a_key_opens_what_it_names_and_no_more(api, key, machine):
    client = with_key(api, key.secret)
    assert client.get("members").status_code == 200
    assert client.get("accounts").status_code == 403, "its user may, the key may not"
    assert client.get("users/me").json()["permissions"] == ["members.view"]
    by_header = type(api)().get("members", headers={"X-Api-Key": key.secret})
    assert by_header.status_code == 200
    used = ApiKey.objects.get(pk=key.key.pk)
    assert used.last_used_at is not None
    assert used.last_used_ip == "127.0.0.1"


def test_the_key_is_kept_as_a_hash(key):
    stored = ApiKey.objects.get(pk=key.key.pk)
    assert key.secret.startswith("nk_live_")
    assert key.secret.startswith(stored.prefix)
    assert key.secret not in str(vars(stored))
    event = AuditEvent.objects.get(action="identity.api_key.created")
    assert key.secret not in str(vars(event))


def test_keys_for_trying_out_say_so(machine):
    made = services.api_key_create(
        acting_user=None, user_id=machine.pk, name="Try", permissions=["members.view"], at=clock.now(), is_live=False
    )
    assert made.secret.startswith("nk_test_")


@pytest.mark.parametrize("what", ["edited", "expired", "revoked", "deactivated", "long", "both"])
def test_what_is_refused(api, key, machine, what):
    client, headers = with_key(api, key.secret), {}
    assert client.get("members").status_code == 200
    match what:
        case "edited":
            client.access = key.secret[:-1] + ("a" if key.secret[-1] != "a" else "b")
        case "expired":
            ApiKey.objects.update(expires_at=clock.now() - timedelta(seconds=1))
            principals_clear()
        case "revoked":
            services.api_key_revoke(acting_user=None, key_id=key.key.pk, reason="leaked", at=clock.now())
        case "deactivated":
            services.user_deactivate(acting_user=None, user_id=machine.pk, reason="gone")
        case "long":
            client.access = "nk_live_" + "x" * 5_000
        case "both":
            headers = {"X-Api-Key": key.secret}
    refused = client.get("members", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid-token")


def test_a_role_taken_from_the_user_is_taken_from_the_key(api, key, machine):
    client = with_key(api, key.secret)
    assert client.get("members").status_code == 200
    services.user_roles_set(acting_user=None, user_id=machine.pk, role_codes=[], reason="less")
    assert client.get("members").status_code == 403


def test_a_key_has_no_session_and_no_second_factor(api, key):
    client = with_key(api, key.secret)
    assert client.post("auth/logout").status_code == 204
    assert client.post("auth/step-up").status_code == 401
    assert client.get("members").status_code == 200
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "auth/recovery-codes", None),
        ("post", "auth/factors", {"kind": "totp"}),
        ("delete", "auth/factors/{factor}", None),
        ("post", "auth/sessions/end-others", None),
        ("delete", "auth/sessions/{session}", None),
        ("patch", "users/me", {"time_zone": "UTC"}),
    ],
    ids=["codes", "enrol", "remove", "sessions", "session", "particulars"],
)
def test_a_key_that_was_stolen_changes_nothing_of_how_its_person_signs_in(api, key, machine, method, path, body):
    at = clock.now()
    factor = services.factor_enrol(acting_user=machine, kind="totp", at=at).factor
    session = services.token_pair_issue(user=machine, at=at).session_id
    client = with_key(api, key.secret)
    address = path.format(factor=factor.pk, session=session)
    headers = {"If-Match": f'"{machine.version}"'} if method == "patch" else {}

    refused = getattr(client, method)(address, *([body] if body else []), headers=headers)

    assert (refused.status_code, refused.json()["code"]) == (403, "permission-denied")
    assert Session.objects.filter(revoked_at=None).count() == 1


def test_making_one_needs_the_permission_and_a_step_up(api, machine):
    body = {"user_id": str(machine.pk), "name": "Adapter", "permissions": ["members.view"]}
    assert api.as_user(user_make("identity.view_users")).post("api-keys", body).status_code == 403
    admin = user_make("identity.manage_api_keys", "identity.manage_users", "identity.view_users")
    client = api.as_user(admin)
    assert client.post("api-keys", body).json()["code"] == "mfa-step-up-required"
    Session.objects.filter(user=admin).update(verified_at=clock.now())
    made = client.post("api-keys", body)
    assert made.status_code == 201, made.content
    secret = made.json()["key"]
    assert with_key(api, secret).get("members").status_code == 200
    listed = client.get("api-keys", {"user_id": str(machine.pk)}).json()["data"]
    assert [row["name"] for row in listed] == ["Adapter"]
    assert secret not in str(listed)
    ended = client.post(f"api-keys/{listed[0]['id']}/revocation", {"reason": "rotated"})
    assert ended.json()["revoked_at"] is not None
    assert with_key(api, secret).get("members").status_code == 401


def test_nobody_hands_out_what_they_do_not_have(machine):
    clerk = user_make("identity.manage_api_keys", "accounts.view")
    with pytest.raises(PermissionDenied):
        services.api_key_create(
            acting_user=clerk, user_id=machine.pk, name="x", permissions=["members.view"], at=clock.now()
        )


def test_nobody_makes_a_second_person_of_a_key():
    admin = user_make("identity.manage_api_keys", "identity.manage_users", "approvals.decide", "members.view")
    colleague, member = user_make("members.view"), user_make("members.view", scope="own", is_staff=False)
    for person in (colleague, member):
        with pytest.raises(ApiKeyRefused):
            services.api_key_create(
                acting_user=admin, user_id=person.pk, name="x", permissions=["members.view"], at=clock.now()
            )
    with pytest.raises(ApiKeyRefused):
        services.api_key_create(
            acting_user=admin, user_id=admin.pk, name="x", permissions=["approvals.decide"], at=clock.now()
        )
    own = services.api_key_create(
        acting_user=admin, user_id=admin.pk, name="x", permissions=["members.view"], at=clock.now()
    )
    assert own.key.user == admin


@pytest.mark.parametrize(
    ("permissions", "days"),
    [(["payments.transfer"], 90), (["no.such"], 90), ([], 90), (["members.view"], 0), (["members.view"], 366)],
    ids=["beyond", "unknown", "none", "no-days", "too-long"],
)
def test_keys_that_are_not_made(machine, permissions, days):
    with pytest.raises(ApiKeyRefused):
        services.api_key_create(
            acting_user=None, user_id=machine.pk, name="x", permissions=permissions, days=days, at=clock.now()
        )


def test_keys_out_of_reach_do_not_exist(api, key, branch):
    clerk = api.as_user(user_make("identity.manage_api_keys", scope="branch", branch=branch)).step_up()
    assert clerk.get("api-keys").json()["data"] == []
    assert clerk.post(f"api-keys/{key.key.pk}/revocation", {"reason": "x"}).status_code == 404
    assert UserFactory() != key.key.user


def test_the_list_costs_one_query(api, key, machine, django_assert_num_queries):
    for number in range(3):
        services.api_key_create(
            acting_user=None, user_id=machine.pk, name=f"K{number}", permissions=["members.view"], at=clock.now()
        )
    client = api.as_user(user_make("identity.manage_api_keys", "identity.view_users"))
    client.get("users/me")
    with django_assert_num_queries(1):
        assert len(client.get("api-keys").json()["data"]) == 4
