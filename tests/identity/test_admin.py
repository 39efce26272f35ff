"""Users, roles and branches on the staff site."""

from __future__ import annotations

import pytest
from django.urls import reverse

from apps.audit.models import AuditEvent
from tests.factories.identity import PASSWORD, BranchFactory, RoleFactory, UserFactory, user_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client):
    user = user_make("identity.view_users", "identity.view_roles", "backoffice.dashboard")
    client.force_login(user)
    client.user = user
    return client


def test_sign_in_by_e_mail_in_any_case(client):
    user = UserFactory(email="jo@example.com", is_staff=True)
    answer = client.post("/admin/login/?next=/admin/", {"username": "JO@Example.com", "password": PASSWORD})
    assert answer.status_code == 302
    user.refresh_from_db()
    assert user.last_login is not None
    assert user.history.count() == 1
    event = AuditEvent.objects.get(action="identity.session.started")
    assert (event.actor, event.after) == (user, {"place": "staff site"})


@pytest.mark.parametrize(("is_staff", "is_active"), [(False, True), (True, False)])
def test_only_active_staff_get_in(client, is_staff, is_active):
    user = UserFactory(is_staff=is_staff, is_active=is_active)
    answer = client.post("/admin/login/", {"username": user.email, "password": PASSWORD})
    assert answer.status_code == 200
    assert client.get("/admin/").status_code == 302
    assert AuditEvent.objects.get(action="identity.login.failed").object_label == user.email


def test_signing_in_changes_the_session_key(client):
    user = UserFactory(is_staff=True)
    client.get("/admin/login/")
    session = client.session
    session["x"] = 1
    session.save()
    before = session.session_key
    client.post("/admin/login/", {"username": user.email, "password": PASSWORD})
    assert client.session.session_key != before


def test_pages_open_for_those_who_may(staff):
    user = UserFactory(roles=[RoleFactory(name="Porter")], branch=BranchFactory())
    for model, record in (("user", user), ("role", user.roles.get()), ("branch", user.branch)):
        page = staff.get(reverse(f"admin:identity_{model}_changelist"))
        assert page.status_code == 200
        page = staff.get(reverse(f"admin:identity_{model}_change", args=[record.pk]))
        assert page.status_code == 200
        assert staff.get(reverse(f"admin:identity_{model}_history", args=[record.pk])).status_code == 200


def test_the_hash_is_on_no_page(staff):
    user = UserFactory()
    for view in ("change", "history"):
        page = staff.get(reverse(f"admin:identity_user_{view}", args=[user.pk])).content.decode()
        assert user.email in page
        assert user.password not in page
        assert "md5$" not in page


def test_nothing_is_written_here(staff):
    user = UserFactory()
    for model in ("user", "role", "branch"):
        assert staff.get(reverse(f"admin:identity_{model}_add")).status_code == 403
    change = reverse("admin:identity_user_change", args=[user.pk])
    staff.post(change, {"email": "evil@example.com", "is_superuser": "on"})
    staff.post(reverse("admin:identity_user_delete", args=[user.pk]), {"post": "yes"})
    fresh = type(user).objects.get(pk=user.pk)
    assert (fresh.email, fresh.is_superuser) == (user.email, False)


def test_pages_are_closed_without_the_permission(client):
    client.force_login(user_make("members.view"))
    for model in ("user", "role", "branch"):
        assert client.get(reverse(f"admin:identity_{model}_changelist")).status_code in (302, 403)


def test_search_and_filters(staff):
    wanted, other = UserFactory(email="wanted@example.com"), UserFactory(email="somebody@example.com")
    page = staff.get(reverse("admin:identity_user_changelist") + "?q=wanted").content.decode()
    assert wanted.email in page
    assert other.email not in page


def test_the_list_costs_the_same_for_many_users(staff, django_assert_max_num_queries):
    for _ in range(20):
        UserFactory(roles=[RoleFactory()], branch=BranchFactory())
    url = reverse("admin:identity_user_changelist")
    staff.get(url)
    with django_assert_max_num_queries(20):
        assert staff.get(url).status_code == 200
