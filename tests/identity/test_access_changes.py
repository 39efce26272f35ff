"""Changes of rights over HTTP and on the staff site: with a second factor, a second person where a policy says so."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.urls import reverse

from apps.approvals.models import ApprovalRequest
from apps.approvals.selectors import policies_forget
from apps.approvals.services import policy_activate, policy_draft, request_decide
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.identity.models import AmountLimit, RateLimit, User
from tests.conftest import ApiClient
from tests.factories.identity import BranchFactory, RoleFactory, UserFactory, user_make

pytestmark = pytest.mark.django_db

MANAGES = (
    "identity.view_users", "identity.manage_users", "identity.view_roles", "identity.manage_roles",
    "identity.manage_rate_limits", "approvals.request",
)  # fmt: skip
KINDS = ("identity.user_roles", "identity.role_permissions", "identity.amount_limit", "identity.rate_limit")


@pytest.fixture
def admin(db: None) -> ApiClient:
    return ApiClient(user_make(*MANAGES)).step_up()


@pytest.fixture
def second_person(db: None) -> User:
    """Whoever holds this role has to approve each kind of change."""
    policies_forget()
    role = RoleFactory(permissions=["approvals.decide", "approvals.request"])
    level = {"name": "Second person", "stage": 1, "who": {"role": role.code}}
    rule = {"segments": [{"name": "All", "when": {}, "bands": [{"from": "0", "to": None, "levels": [level]}]}]}
    for kind in KINDS:
        policy = policy_draft(acting_user=None, kind=kind, name=kind, effective_from=dt.date(2020, 1, 1), document=rule)
        policy_activate(acting_user=None, policy_id=policy.pk, at=clock.now())
    return UserFactory(roles=[role], is_staff=True)


def changes(user: User, role: Any) -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path, body) of each kind of change that the API offers."""
    limit = {"role": role.code, "permission": "payments.transfer", "currency": "KES", "amount_max": "100.00"}
    return [
        ("put", f"users/{user.pk}/roles", {"roles": [role.code], "reason": "Moves"}),
        ("put", f"roles/{role.pk}/permissions", {"permissions": ["members.view"], "scope": "all", "reason": "Moves"}),
        ("post", "amount-limits", {**limit, "step_up_above": None, "reason": "Moves"}),
    ]


def state(user: User, role: Any) -> tuple[Any, ...]:
    role.refresh_from_db()
    held = sorted(User.objects.get(pk=user.pk).role_codes)
    return held, sorted(role.permissions), AmountLimit.objects.filter(role=role).count()


def send(client: ApiClient, method: str, path: str, body: dict[str, Any]) -> Any:
    headers = {"If-Match": '"1"'} if method == "put" else {}
    return getattr(client, method)(path, body, headers=headers)


def test_without_a_policy_a_change_happens_at_once_but_not_without_a_second_factor(admin: ApiClient) -> None:
    user, role = UserFactory(), RoleFactory()
    before = state(user, role)
    admin.step_up(ago=dt.timedelta(hours=1))
    for method, path, body in changes(user, role):
        answer = send(admin, method, path, body)
        assert (answer.status_code, answer.json()["code"]) == (403, "mfa-step-up-required"), path
    assert state(user, role) == before
    admin.step_up()
    for method, path, body in changes(user, role):
        assert send(admin, method, path, body).status_code in {200, 201}, path
    assert state(user, role) == ([role.code], ["members.view"], 1)


def test_a_policy_sends_each_change_to_a_second_person(admin: ApiClient, second_person: User) -> None:
    user, role = UserFactory(), RoleFactory()
    before = state(user, role)
    for method, path, body in changes(user, role):
        answer = send(admin, method, path, body)
        assert answer.status_code == 202, answer.content
        assert answer.json()["status"] == "waiting"
        again = send(admin, method, path, body)
        assert (again.status_code, again.json()["code"]) == (409, "approval-pending")
    assert state(user, role) == before
    for request in ApprovalRequest.objects.filter(kind__in=KINDS).order_by("pk"):
        decided = request_decide(
            acting_user=second_person, request_id=request.public_id, expected_version=request.version,
            verdict="approve", comment="", at=clock.now(),
        )  # fmt: skip
        assert decided.request.state == "executed", decided.request.state_reason
    assert state(user, role) == ([role.code], ["members.view"], 1)
    event = AuditEvent.objects.filter(action="identity.user.roles_changed").latest("id")
    assert event.actor == admin.user
    assert event.after["approval"] == str(ApprovalRequest.objects.get(kind="identity.user_roles").public_id)


def test_rate_limits_wait_on_the_staff_site(client: Any, admin: ApiClient, second_person: User) -> None:
    client.force_login(admin.user)
    form = {
        "operation": "*", "requests": "5", "per_seconds": "60", "burst": "5",
        "starts_at_0": "2026-01-01", "starts_at_1": "00:00:00",
    }  # fmt: skip
    page = client.post(reverse("admin:identity_ratelimit_add"), form, follow=True)
    assert "waits for approval" in page.content.decode()
    assert not RateLimit.objects.exists()
    request = ApprovalRequest.objects.get(kind="identity.rate_limit")
    request_decide(
        acting_user=second_person, request_id=request.public_id, expected_version=request.version,
        verdict="approve", comment="", at=clock.now(),
    )  # fmt: skip
    assert RateLimit.objects.get().requests == 5


def test_nobody_reaches_beyond_themselves(second_person: User) -> None:
    """A branch's administrator gives no role of the whole bank, changes no role, and asks for neither."""
    branch = BranchFactory()
    client = ApiClient(user_make(*MANAGES, scope="branch", branch=branch)).step_up()
    near, far, wide = UserFactory(branch=branch), UserFactory(branch=BranchFactory()), RoleFactory(scope="all")
    refused = {near.pk: (403, "role-out-of-reach"), far.pk: (404, "not-found")}
    for user_id, expected in refused.items():
        body = {"roles": [wide.code], "reason": "x"}
        answer = send(client, "put", f"users/{user_id}/roles", body)
        assert (answer.status_code, answer.json()["code"]) == expected
        asked = {"kind": "identity.user_roles", "payload": {**body, "user_id": str(user_id)}}
        answer = client.post("approvals", asked, headers={"Idempotency-Key": f"k{user_id}"})
        assert (answer.status_code, answer.json()["code"]) == expected, answer.content
    for method, path, body in changes(near, wide)[1:]:
        assert send(client, method, path, body).json()["code"] == "role-out-of-reach"
    own = send(client, "put", f"users/{client.user.pk}/roles", {"roles": [], "reason": "x"})  # type: ignore[union-attr]
    assert own.json()["code"] == "own-roles-refused"
    assert not ApprovalRequest.objects.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_payloads_of_requests_are_refused(admin: ApiClient, second_person: User, kind: str) -> None:
    """What is asked for through `approvals` has passed no form: it is read as strictly."""
    user, role = UserFactory(), RoleFactory()
    good: dict[str, Any] = {
        "identity.user_roles": {"user_id": str(user.pk), "roles": [role.code]},
        "identity.role_permissions": {"role_id": str(role.pk), "permissions": [], "scope": "own"},
        "identity.amount_limit": {
            "role_code": role.code, "permission": "payments.transfer", "currency": "KES", "amount_max": 1,
            "step_up_above": None,
        },
        "identity.rate_limit": {
            "limit_id": None, "role": "", "operation": "*", "plan": "", "requests": 1, "per_seconds": 1, "burst": 1,
            "starts_at": "2026-01-01T00:00:00+00:00", "ends_at": None,
        },
    }[kind]  # fmt: skip
    wrong = [[], {}, -1, 2**70, "x" * 10_000, ["a"], "2026-13-45"]
    for name in [*good, "reason"]:
        for number, value in enumerate(wrong):
            payload = {"reason": "Moves", **good, name: value}
            answer = admin.post(
                "approvals", {"kind": kind, "payload": payload}, headers={"Idempotency-Key": f"{name}-{number}"}
            )
            assert answer.status_code < 500, (name, value, answer.content)
            ApprovalRequest.objects.filter(maker=admin.user).update(state="cancelled")


def test_the_pages_change_rights_and_lock_people_out(client: Any, admin: ApiClient) -> None:
    user, role = UserFactory(mfa_enabled_at=clock.now()), RoleFactory(permissions=["payments.transfer"])
    client.force_login(admin.user)
    pages = {
        reverse("admin:identity_user_roles", args=[user.pk]): {"role": [role.code]},
        reverse("admin:identity_role_permissions", args=[role.pk]): {
            "permission": ["payments.transfer", "members.view"], "scope": "all",
        },
        reverse("admin:identity_role_limit", args=[role.pk]): {
            "permission": "payments.transfer", "currency": "kes", "most": "1,000.00", "above": "",
        },
        reverse("admin:identity_user_factors", args=[user.pk]): {},
        reverse("admin:identity_user_deactivate", args=[user.pk]): {},
    }  # fmt: skip
    for url, form in pages.items():
        assert client.get(url).status_code == 200
        assert client.post(url, form).status_code == 422  # no reason
        answer = client.post(url, {**form, "reason": "Asked for"})
        assert answer.status_code == 302, (url, answer.content[:3000])
    user.refresh_from_db()
    assert (user.role_codes, user.mfa_enabled_at, user.is_active) == ([role.code], None, False)
    assert state(user, role) == ([role.code], ["members.view", "payments.transfer"], 1)
    assert AmountLimit.objects.get(role=role).amount_max == 100_000
    stranger = user_make("identity.view_users", "identity.view_roles")
    client.force_login(stranger)
    for url in pages:
        assert client.get(url).status_code == 403
