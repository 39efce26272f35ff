"""Changes of roles and limits: who may, what is recorded, when they show. The gate is in test_access_changes."""

from __future__ import annotations

import pytest
from django.urls import reverse

from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.errors import PermissionDenied, ValidationFailed
from apps.identity import services
from apps.identity.errors import OwnRolesRefused, RoleOutOfReach
from apps.identity.models import AmountLimit, RateLimit, UserRole
from tests.factories.identity import BranchFactory, RoleFactory, UserFactory, user_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(db):
    return user_make("identity.manage_roles", "identity.manage_rate_limits", "identity.view_roles")


def test_a_changed_role_shows_at_the_next_request(api, admin):
    role = RoleFactory(permissions=[])
    client = api.as_user(UserFactory(roles=[role]))
    assert client.get("members").status_code == 403
    permit(admin, role, ["members.view"])
    assert client.get("members").status_code == 200
    event = AuditEvent.objects.get(action="identity.role.changed")
    assert (event.before["permissions"], event.after["permissions"]) == ([], ["members.view"])
    assert role.history.first().history_change_reason == "asked for"


def permit(admin, role, permissions, **more):
    return services.role_permissions_set(
        acting_user=admin, role_id=role.pk, permissions=permissions, reason="asked for", at=clock.now(), **more
    )


def test_nobody_widens_a_role_or_a_limit_of_their_own(admin):
    own = admin.roles.get()
    with pytest.raises(OwnRolesRefused):
        permit(admin, own, ["ledger.post"])
    with pytest.raises(OwnRolesRefused):
        services.amount_limit_set(
            acting_user=admin, role_code=own.code, permission="payments.transfer", currency="KES",
            amount_max=None, step_up_above=None, reason="x", at=clock.now(),
        )  # fmt: skip
    mine = RateLimit(role=own, requests=10**6, per_seconds=1, burst=10**6)
    with pytest.raises(OwnRolesRefused):
        services.rate_limit_save(acting_user=admin, limit=mine, at=clock.now())


def test_who_may_not_and_what_is_not_there(admin):
    role = RoleFactory()
    with pytest.raises(PermissionDenied):
        permit(user_make("identity.view_roles"), role, [])
    with pytest.raises(RoleOutOfReach):  # roles belong to the whole bank
        permit(user_make("identity.manage_roles", scope="branch", branch=BranchFactory()), role, [])
    with pytest.raises(ValidationFailed):
        permit(admin, role, ["no.such"])
    with pytest.raises(ValidationFailed):
        permit(admin, role, [], scope="moon")


def test_a_new_limit_ends_the_one_before(admin):
    role, at = RoleFactory(code="clerk-x"), clock.now()
    about = {"role_code": "clerk-x", "permission": "payments.transfer", "currency": "KES", "reason": "policy 7"}
    first = services.amount_limit_set(acting_user=admin, amount_max=100, step_up_above=None, at=at, **about)
    second = services.amount_limit_set(acting_user=admin, amount_max=200, step_up_above=50, at=clock.now(), **about)
    first.refresh_from_db()
    assert first.ends_at == second.starts_at
    event = AuditEvent.objects.filter(action="identity.amountlimit.changed").latest("id")
    assert (event.before["amount_max"], event.after["amount_max"]) == (100, 200)
    assert AmountLimit.objects.filter(role=role, ends_at=None).count() == 1
    with pytest.raises(ValidationFailed):
        services.amount_limit_set(acting_user=admin, amount_max=-1, step_up_above=None, at=at, **about)


def test_rate_limits_are_written_on_the_staff_site(client, admin):
    client.force_login(admin)
    form = {
        "operation": "payments:transfers",
        "requests": "5",
        "per_seconds": "60",
        "burst": "5",
        "starts_at_0": "2026-01-01",
        "starts_at_1": "00:00:00",
    }
    answer = client.post(reverse("admin:identity_ratelimit_add"), form)
    assert answer.status_code == 302, answer.content[:2000]
    limit = RateLimit.objects.get()
    assert AuditEvent.objects.get(action="identity.ratelimit.created").actor == admin
    assert limit.history.count() == 1
    reader = type(client)()
    reader.force_login(user_make("identity.view_roles"))
    assert reader.get(reverse("admin:identity_ratelimit_changelist")).status_code == 200
    assert reader.post(reverse("admin:identity_ratelimit_add"), form).status_code == 403


def test_the_matrix_shows_who_holds_what(client, admin):
    role = RoleFactory(name="Watcher", permissions=["ledger.view"])
    AmountLimit.objects.create(role=role, permission="payments.instruct", currency="KES", amount_max=1)
    client.force_login(admin)
    page = client.get("/admin/permissions/").content.decode()
    assert role.name in page
    assert "See the chart of accounts" in page
    assert "Set up, change, pause and cancel standing instructions" in page.split("Limits by amount")[1]
    stranger = type(client)()
    stranger.force_login(user_make("members.view"))
    assert stranger.get("/admin/permissions/").status_code == 403


def test_a_tree_role_reaches_the_branches_below(api):
    region, other = BranchFactory(), BranchFactory()
    town = BranchFactory(parent=region)
    village = BranchFactory(parent=town)
    manager = user_make("identity.view_users", scope="tree", branch=region)
    assert manager.scope == "branch"
    assert set(manager.branch_ids) == {region.pk, town.pk, village.pk}
    people = {name: UserFactory(branch=branch) for name, branch in (("near", village), ("far", other))}
    seen = {row["email"] for row in api.as_user(manager).get("users").json()["data"]}
    assert people["near"].email in seen
    assert people["far"].email not in seen
    assert UserRole.objects.get(user=manager).role.scope == "tree"
