"""Signing up, one's own user, and the lists of users, roles and branches: over HTTP."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.db import connection

from apps.audit.models import AuditEvent
from apps.core.errors import NotFound, PermissionDenied, PreconditionFailed, ValidationFailed
from apps.identity.emails import email_canonical
from apps.identity.errors import EmailTaken, OwnRolesRefused, RoleUnknown
from apps.identity.models import Role, User, UserRole
from apps.identity.selectors import branches_visible_to, user_get_for
from apps.identity.services import (
    user_create_staff,
    user_deactivate,
    user_register,
    user_roles_set,
    user_update,
)
from tests.conftest import ApiClient
from tests.factories.identity import BranchFactory, RoleFactory, UserFactory, user_make

pytestmark = pytest.mark.django_db

STRONG = "a long pass phrase 77"


@pytest.fixture
def member_role(db) -> Role:
    return Role.objects.get_or_create(
        code="member",
        defaults={"name": "Member", "scope": "own", "permissions": ["accounts.view"], "is_staff_role": False},
    )[0]


def register(api, email, password=STRONG, **more):
    return api.post("auth/register", {"email": email, "password": password, **more})


def test_register_makes_a_member_who_can_sign_in(api, member_role):
    answer = register(api, "Jane@Example.com", full_name="Jane Achieng")
    assert answer.status_code == 201, answer.content
    assert answer.json() == {"email": "jane@example.com", "status": "registered"}
    user = User.objects.get(email="jane@example.com")
    assert (user.is_staff, user.is_superuser, user.role_codes) == (False, False, ["member"])
    assert user.password.startswith("md5$")
    assert user.history.get().history_change_reason == "registered"
    event = AuditEvent.objects.get(action="identity.user.registered")
    assert event.actor == user
    assert "password" not in str(event.after)
    signed_in = api.post("auth/login", {"email": "jane@example.com", "password": STRONG})
    assert signed_in.status_code == 200


def test_registering_twice_gives_the_same_answer_and_changes_nothing(api, member_role):
    first = register(api, "jane@example.com", full_name="Jane")
    before = User.objects.values().get()
    second = register(api, "JANE@example.com", password="another long phrase 1", full_name="Mallory")
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert User.objects.values().get() == before
    assert AuditEvent.objects.filter(action="identity.user.register_refused", kind="security").count() == 1


@pytest.mark.parametrize("field", ["is_staff", "is_superuser", "roles", "role", "is_active", "branch", "id", "scope"])
def test_registering_takes_no_other_field(api, member_role, field):
    answer = register(api, "jane@example.com", **{field: True})
    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"pointer": f"/{field}", "code": "unknown-field", "detail": "Unknown field."}]
    assert not User.objects.exists()


@pytest.mark.parametrize("password", ["short", "password1234", "123456789012", "jane@example.com", "", " "])
def test_weak_passwords_are_refused_with_reasons(api, member_role, password):
    answer = register(api, "jane@example.com", password=password)
    assert answer.status_code == 400
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {"/password"}


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("Jane@Example.COM", "jane@example.com"),
        ("jane@bücher.example", "jane@xn--bcher-kva.example"),
        ("jane@xn--bcher-kva.example", "jane@xn--bcher-kva.example"),
        ("o'neil+tag@sub.example.co.ke", "o'neil+tag@sub.example.co.ke"),
        ("IRMAK@EXAMPLE.COM", "irmak@example.com"),
    ],
)
def test_one_spelling_of_an_address(text, canonical):
    assert email_canonical(text) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "jane",
        "jane@",
        "@example.com",
        "jane@localhost",
        "jane@127.0.0.1",
        "jane@example..com",
        ".jane@example.com",
        "jane@@example.com",
        "jäne@example.com",
        "j\u0430ne@example.com",  # Cyrillic a
        "\uff4aane@example.com",  # full-width j
        "\u0130@example.com",  # Turkish capital I with dot
        "jane\u200b@example.com",
        "jane@exam\u202eple.com",
        "jane@example.com\n",
        "jane@example.com\x00",
        "ja ne@example.com",
        '"jane doe"@example.com',
        "jane@-example.com",
        "jane@\ud800.com",
        "j" * 65 + "@example.com",
        "jane@" + "a" * 64 + ".com",
        "jane@" + ".".join(["abcdefghij"] * 25) + ".com",
    ],
)
def test_text_that_is_no_address(api, member_role, text):
    with pytest.raises(ValueError):
        email_canonical(text)
    try:
        answer = register(api, text)
    except UnicodeEncodeError:
        return
    assert answer.status_code == 400
    assert not User.objects.exists()


def test_two_spellings_of_one_address_are_one_user(api, member_role):
    register(api, "jane@bücher.example")
    register(api, "jane@XN--BCHER-KVA.example")
    assert User.objects.count() == 1


def test_me_shows_my_user_and_etag(api_with, branch):
    client = api_with("members.view", scope="branch", branch=branch)
    answer = client.get("users/me")
    body = answer.json()
    assert answer["ETag"] == '"1"'
    assert body["branch"] == {"id": str(branch.pk), "code": branch.code, "name": branch.name}
    assert body["permissions"] == ["members.view"]
    assert "password" not in body


def test_changing_my_particulars_needs_the_version(api_with):
    client = api_with()
    assert client.patch("users/me", {"full_name": "New"}).status_code == 428
    done = client.patch("users/me", {"full_name": "New", "phone": "+254700000001"}, headers={"If-Match": '"1"'})
    assert done.status_code == 200, done.content
    assert done["ETag"] == '"2"'
    assert (done.json()["full_name"], done.json()["phone"]) == ("New", "+254700000001")
    stale = client.patch("users/me", {"full_name": "Newer"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert stale.json()["code"] == "stale-version"
    assert client.patch("users/me", {"full_name": "x"}, headers={"If-Match": "W/1"}).status_code == 412
    # the cached principal shows the change at once
    assert client.get("users/me").json()["full_name"] == "New"


def test_a_users_phone_is_readable_nowhere_but_by_its_user(api_with, settings):
    settings.NUMINA = {**settings.NUMINA, "PRINCIPAL_SHARED_SECONDS": 60}
    user = UserFactory(phone="+254712345678")
    user.second_factors.create(kind="sms", address="+254712345678", confirmed=True)
    staff = api_with("identity.view_users")
    assert staff.get(f"users/{user.pk}").json()["phone"] == "\u2022\u2022\u2022\u20225678"
    own = ApiClient(user)
    for _ in range(2):  # the second time from the cache
        assert own.get("users/me").json()["phone"] == "+254712345678"
    own.patch("users/me", {"phone": "+254712345679"}, headers={"If-Match": '"1"'})
    assert user.history.latest().phone == "+254712345679"
    with connection.cursor() as cursor:
        for table in ("identity_user", "identity_historicaluser", "identity_secondfactor", "audit_auditevent"):
            cursor.execute(f"SELECT coalesce(string_agg(row_to_json(t)::text, ''), '') FROM {table} t")
            assert "25471234567" not in cursor.fetchone()[0], table
    kept = cache.client.get_client()
    assert not any(b"25471234567" in (kept.get(key) or b"") for key in kept.scan_iter("*principal:*"))


def test_changes_leave_history_and_an_event_with_the_user(api_with):
    client = api_with()
    client.patch("users/me", {"time_zone": "Africa/Nairobi"}, headers={"If-Match": '"1"', "X-Request-ID": "trace-1234"})
    newest, oldest = client.user.history.all()
    assert newest.history_user == client.user
    assert newest.diff_against(oldest).changed_fields != []
    assert (oldest.time_zone, newest.time_zone) == ("UTC", "Africa/Nairobi")
    event = AuditEvent.objects.get(action="identity.user.updated")
    assert (event.before, event.after) == ({"time_zone": "UTC"}, {"time_zone": "Africa/Nairobi"})
    assert (event.actor, event.object_id, event.ip) == (client.user, str(client.user.pk), "127.0.0.1")
    assert event.correlation_id == "trace-1234"


def test_a_change_to_the_same_is_no_change(api_with):
    client = api_with()
    answer = client.patch("users/me", {"time_zone": "UTC"}, headers={"If-Match": '"1"'})
    assert answer["ETag"] == '"1"'
    assert client.user.history.count() == 1


@pytest.mark.parametrize(
    "field",
    [
        "is_staff",
        "is_superuser",
        "is_active",
        "email",
        "password",
        "roles",
        "branch",
        "permissions",
        "scope",
        "version",
        "id",
    ],
)
def test_nobody_promotes_themselves(api_with, field):
    client = api_with()
    answer = client.patch("users/me", {field: True}, headers={"If-Match": '"1"'})
    assert answer.status_code == 400
    assert answer.json()["errors"][0] == {"pointer": f"/{field}", "code": "unknown-field", "detail": "Unknown field."}
    client.user.refresh_from_db()
    assert (client.user.is_superuser, client.user.version) == (False, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"locale": "xx-YY"},
        {"locale": "en_GB"},
        {"preferred_currency": "ABC"},
        {"preferred_currency": "kes"},
        {"preferred_currency": 404},
        {"full_name": "a\u202eb"},
        {"full_name": "x" * 161},
        {"full_name": None},
        {"phone": {"a": 1}},
    ],
)
def test_particulars_that_cannot_be(api_with, change):
    client = api_with()
    answer = client.patch("users/me", change, headers={"If-Match": '"1"'})
    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"][0]["pointer"] == "/" + next(iter(change))


def test_a_nul_is_refused_anywhere(api_with):
    client = api_with()
    answer = client.patch("users/me", {"full_name": "a\x00b"}, headers={"If-Match": '"1"'})
    assert answer.status_code == 400


def test_particulars_that_can_be(api_with):
    client = api_with()
    change = {"locale": "sw-KE", "preferred_currency": "USD", "full_name": "Ngũgĩ wa Thiong'o"}
    answer = client.patch("users/me", change, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.content
    assert {name: answer.json()[name] for name in change} == change


def test_users_are_listed_within_reach(api_with, branch):
    other = BranchFactory()
    near, far = UserFactory(branch=branch), UserFactory(branch=other)
    everywhere = api_with("identity.view_users")
    assert {near.email, far.email} <= {row["email"] for row in everywhere.get("users").json()["data"]}
    here = api_with("identity.view_users", scope="branch", branch=branch)
    emails = {row["email"] for row in here.get("users").json()["data"]}
    assert near.email in emails
    assert far.email not in emails
    assert here.get("users?is_active=false").json()["data"] == []
    assert here.get(f"users/{near.pk}").status_code == 200
    missing = here.get(f"users/{far.pk}")
    assert missing.status_code == 404
    assert missing.json()["code"] == here.get("users/019a9d0c-4d1e-7c5e-8f3b-2a1d0c9b8a7f").json()["code"]


def test_lists_need_their_permissions(api_with, api):
    nobody = api_with()
    for path in ("users", "roles", f"users/{nobody.user.pk}", "audit/logs"):
        assert nobody.get(path).status_code == 403
        assert api.get(path).status_code == 401
    assert nobody.get("branches").status_code == 200


def test_users_are_filtered_and_paged(api_with, django_assert_max_num_queries):
    client = api_with("identity.view_users")
    role = RoleFactory(code="porter")
    porters = sorted(UserFactory(roles=[role]).email for _ in range(5))
    client.get("users")
    with django_assert_max_num_queries(2):  # the page, and the roles of its users
        first = client.get("users?role=porter&limit=3").json()
    assert [row["email"] for row in first["data"]] == porters[:3]
    assert first["has_more"]
    rest = client.get(f"users?role=porter&limit=3&cursor={first['next_cursor']}").json()
    assert [row["email"] for row in rest["data"]] == porters[3:]
    assert client.get(f"users?limit=3&cursor={first['next_cursor']}").json()["code"] == "invalid-cursor"
    assert client.get("users?sort=password").status_code == 400
    assert client.get("users?password=x").status_code == 400
    assert client.get("users?role=a&role=b").status_code == 400
    one = client.get(f"users?email={porters[0].upper()}").json()
    assert [row["email"] for row in one["data"]] == porters[:1]


def test_branches_within_reach(api_with, branch):
    closed = BranchFactory(is_active=False)
    codes = {row["code"] for row in api_with(scope="own").get("branches").json()["data"]}
    assert branch.code in codes
    assert closed.code not in codes
    mine = api_with("members.view", scope="branch", branch=branch)
    assert [row["code"] for row in mine.get("branches").json()["data"]] == [branch.code]
    assert mine.get("branches?is_active=false").json()["data"] == []
    assert branches_visible_to(user_make(scope="branch")).count() == 0
    assert closed in branches_visible_to(user_make(scope="all"))


def test_staff_users_are_created_by_those_who_may(branch):
    admin = user_make("identity.manage_users")
    role = RoleFactory(code="cashier")
    user = user_create_staff(
        acting_user=admin,
        email="Tom@Example.com",
        full_name="Tom",
        role_codes=["cashier"],
        branch=branch,
        password=STRONG,
    )
    assert (user.email, user.is_staff, user.role_codes) == ("tom@example.com", True, ["cashier"])
    assert user.history.get().history_user == admin
    assert UserRole.objects.get(user=user).granted_by == admin
    assert AuditEvent.objects.get(action="identity.user.created").after["roles"] == ["cashier"]
    with pytest.raises(EmailTaken):
        user_create_staff(acting_user=admin, email="tom@example.com", full_name="T", role_codes=[])
    with pytest.raises(RoleUnknown):
        user_create_staff(acting_user=admin, email="t2@example.com", full_name="T", role_codes=["nosuch"])
    with pytest.raises(ValidationFailed):
        user_create_staff(acting_user=admin, email="t3@example.com", full_name="T", role_codes=[], password="short")
    with pytest.raises(PermissionDenied):
        user_create_staff(acting_user=user, email="t4@example.com", full_name="T", role_codes=[role.code])


def test_roles_are_set_by_others_only_and_recorded():
    admin = user_make("identity.manage_users")
    clerk, cashier = RoleFactory(code="clerk"), RoleFactory(code="cashier", is_staff_role=False)
    user = UserFactory(roles=[clerk], is_staff=True)
    changed = user_roles_set(acting_user=admin, user_id=user.pk, role_codes=[cashier.code], reason="moved")
    assert changed.role_codes == ["cashier"]
    assert (changed.is_staff, changed.version) == (False, 2)
    event = AuditEvent.objects.get(action="identity.user.roles_changed")
    assert (event.before, event.after, event.reason) == ({"roles": ["clerk"]}, {"roles": ["cashier"]}, "moved")
    assert list(UserRole.history.filter(user_id=user.pk).values_list("history_type", flat=True).order_by("history_id"))[
        1:
    ] == ["-", "+"]
    with pytest.raises(OwnRolesRefused):
        user_roles_set(acting_user=admin, user_id=admin.pk, role_codes=[cashier.code], reason="more for me")
    with pytest.raises(OwnRolesRefused):
        user_deactivate(acting_user=admin, user_id=admin.pk, reason="bye")
    with pytest.raises(PreconditionFailed):
        user_roles_set(acting_user=admin, user_id=user.pk, role_codes=[], reason="x", expected_version=1)
    with pytest.raises(NotFound):
        user_roles_set(acting_user=admin, user_id=BranchFactory().pk, role_codes=[], reason="x")
    with pytest.raises(PermissionDenied):
        user_roles_set(acting_user=user, user_id=admin.pk, role_codes=[], reason="x")


def test_services_refuse_fields_that_are_not_theirs(user):
    with pytest.raises(ValueError):
        user_update(acting_user=user, user_id=user.pk, expected_version=1, changes={"is_staff": True})


def test_the_gate_hides_what_is_not_yours(user):
    assert user_get_for(user=user, pk=user.pk) == user
    with pytest.raises(NotFound):
        user_get_for(user=user, pk=UserFactory().pk)


def test_registering_hashes_whether_or_not_the_address_is_free(member_role, monkeypatch):
    hashed = []
    from django.contrib.auth.hashers import make_password

    monkeypatch.setattr(
        "apps.identity.services._users.make_password", lambda raw: hashed.append(raw) or make_password(raw)
    )
    user_register(email="a@example.com", password=STRONG)
    user_register(email="a@example.com", password=STRONG)
    assert hashed == [STRONG, STRONG]
