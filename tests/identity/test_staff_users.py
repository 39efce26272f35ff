"""Staff come by an invitation, move between branches, leave and come back: by two people where a policy says so."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core import mail
from django.urls import reverse

from apps.approvals.models import ApprovalRequest
from apps.approvals.selectors import policies_forget
from apps.approvals.services import policy_activate, policy_draft, request_decide
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.identity.models import User
from apps.identity.services import user_deactivate, user_pseudonymise
from tests.conftest import ApiClient
from tests.factories.identity import PASSWORD, BranchFactory, RoleFactory, UserFactory, user_make

pytestmark = pytest.mark.django_db

MANAGES = ("identity.view_users", "identity.manage_users", "approvals.request", "members.view")
STRONG = "a long pass phrase 77"
KINDS = ("identity.user_invite", "identity.user_branch", "identity.user_reactivate")


@pytest.fixture
def admin(db: None) -> ApiClient:
    policies_forget()
    return ApiClient(user_make(*MANAGES)).step_up()


def invitation(role: Any, branch: Any = None, **more: Any) -> dict[str, Any]:
    about = {"email": "jane@bank.example", "full_name": "Jane Achieng", "reason": "Joins", "roles": [role.code]}
    return {**about, "branch": branch and branch.code, **more}


def link_token() -> str:
    return mail.outbox[-1].body.split("/account/password?token=")[1].split()[0]


def test_who_is_invited_sets_a_password_by_a_link_and_sets_up_a_second_factor(
    admin: ApiClient, api: ApiClient, client: Any, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    branch, role = BranchFactory(), RoleFactory(permissions=["members.view"], scope="branch")
    with django_capture_on_commit_callbacks(execute=True):
        made = admin.post("users", invitation(role, branch))
    assert made.status_code == 201, made.content
    assert (made.json()["branch"]["code"], made.json()["roles"], made.json()["is_staff"]) == (
        branch.code, [role.code], True,
    )  # fmt: skip
    assert (mail.outbox[-1].to, link_token() != "") == (["jane@bank.example"], True)
    sign_in = {"email": "jane@bank.example", "password": STRONG}
    assert api.post("auth/login", sign_in).json()["code"] == "invalid-credentials"
    assert admin.post("users", invitation(role, branch)).json()["code"] == "email-taken"

    first = link_token()
    with django_capture_on_commit_callbacks(execute=True):
        again = admin.post(f"users/{made.json()['id']}/invitation", {"reason": "Lost it"})
    assert again.status_code == 200
    for token, status in ((first, 422), (link_token(), 204), (link_token(), 422)):
        answer = api.post("auth/password/reset", {"token": token, "password": STRONG})
        assert answer.status_code == status, answer.content
    assert admin.post(f"users/{made.json()['id']}/invitation", {"reason": "x"}).json()["code"] == "invitation-accepted"

    settings.NUMINA = {**settings.NUMINA, "MFA_REQUIRED_FOR_STAFF": True, "EMAIL_CONFIRMATION": True}
    token = api.post("auth/login", sign_in).json()["access"]
    assert api.get("members", headers={"Authorization": f"Bearer {token}"}).json()["code"] == "mfa-enrolment-required"
    denied = AuditEvent.objects.filter(action="core.access.denied").latest("id")
    assert denied.actor == User.objects.get(email="jane@bank.example")
    client.force_login(User.objects.get(email="jane@bank.example"))
    assert client.get(reverse("admin:index"))["Location"] == reverse("admin:security")
    event = AuditEvent.objects.get(action="identity.user.invited")
    assert (event.actor, event.reason, event.after["roles"]) == (admin.user, "Joins", [role.code])


def test_a_user_moves_and_comes_back_and_an_erased_one_does_not(admin: ApiClient, api: ApiClient) -> None:
    old, new = BranchFactory(), BranchFactory()
    user = UserFactory(branch=old, roles=[RoleFactory(permissions=["members.view"], scope="branch")])
    path = f"users/{user.pk}"
    moved = admin.put(f"{path}/branch", {"branch": new.code, "reason": "Moves"}, headers={"If-Match": '"1"'})
    assert (moved.status_code, moved.json()["branch"]["code"]) == (200, new.code), moved.content
    homeless = admin.put(f"{path}/branch", {"branch": None, "reason": "x"}, headers={"If-Match": '"2"'})
    assert homeless.json()["code"] == "branch-out-of-reach", "a role that reaches a branch needs one"
    user_deactivate(acting_user=None, user_id=user.pk, reason="Leaves", at=clock.now())
    sign_in = {"email": user.email, "password": PASSWORD}
    assert api.post("auth/login", sign_in).status_code == 401
    assert admin.post(f"{path}/reactivation", {"reason": "Comes back"}).json()["is_active"] is True
    assert api.post("auth/login", sign_in).status_code == 200
    user_pseudonymise(acting_user=None, user_id=user.pk, at=clock.now(), reason="Asked for it")
    assert admin.post(f"{path}/reactivation", {"reason": "Comes back"}).json()["code"] == "user-erased"
    actions = AuditEvent.objects.filter(object_id=str(user.pk), kind="security").values_list("action", flat=True)
    assert {"identity.user.moved", "identity.user.reactivated"} <= set(actions)


def test_nobody_places_anybody_beyond_their_own_reach_or_without_a_second_factor(admin: ApiClient) -> None:
    own, far = BranchFactory(), BranchFactory()
    near, wide = RoleFactory(scope="branch"), RoleFactory(scope="all")
    local = ApiClient(user_make(*MANAGES, scope="branch", branch=own)).step_up()
    someone = UserFactory(branch=own)
    before = User.objects.count()
    refused = [
        (invitation(near, far), "branch-out-of-reach"), (invitation(near), "role-out-of-reach"),
        (invitation(wide, own), "role-out-of-reach"), (invitation(near, own, roles=[]), "staff-needs-role"),
        (invitation(near, own, roles=["no-such"]), "role-unknown"),
        (invitation(near, own, email="j\u0430ne@bank.example"), "validation-failed"),
        (invitation(near, own, is_superuser=True), "validation-failed"),
    ]  # fmt: skip
    for body, code in refused:
        assert local.post("users", body).json()["code"] == code, body
    moved = local.put(f"users/{someone.pk}/branch", {"branch": far.code, "reason": "x"}, headers={"If-Match": '"1"'})
    assert moved.json()["code"] == "branch-out-of-reach"
    admin.step_up(ago=dt.timedelta(hours=1))
    assert admin.post("users", invitation(near, own)).json()["code"] == "mfa-step-up-required"
    assert admin.post(f"users/{someone.pk}/reactivation", {"reason": "x"}).json()["code"] == "mfa-step-up-required"
    assert User.objects.count() == before


def test_a_policy_sends_each_to_a_second_person(
    admin: ApiClient, client: Any, django_capture_on_commit_callbacks: Any
) -> None:
    decider = RoleFactory(permissions=["approvals.decide", "approvals.request"])
    level = {"name": "Second person", "stage": 1, "who": {"role": decider.code}}
    rule = {"segments": [{"name": "All", "when": {}, "bands": [{"from": "0", "to": None, "levels": [level]}]}]}
    for kind in KINDS:
        policy = policy_draft(acting_user=None, kind=kind, name=kind, effective_from=dt.date(2020, 1, 1), document=rule)
        policy_activate(acting_user=None, policy_id=policy.pk, at=clock.now())
    second = UserFactory(roles=[decider], is_staff=True)
    branch, gone, here = BranchFactory(), UserFactory(is_active=False), UserFactory()
    assert admin.put(f"users/{here.pk}/branch", {"branch": branch.code, "reason": "x"}, headers={"If-Match": '"1"'}
                     ).status_code == 202  # fmt: skip
    assert admin.post(f"users/{gone.pk}/reactivation", {"reason": "x"}).status_code == 202
    client.force_login(admin.user)
    page = reverse("admin:identity_user_invite")
    form = {"email": "jane@bank.example", "full_name": "Jane", "branch": "", "role": [decider.code], "reason": "Joins"}
    assert "waits for approval" in client.post(page, form, follow=True).content.decode()
    assert not User.objects.filter(email="jane@bank.example").exists()
    with django_capture_on_commit_callbacks(execute=True):
        for request in ApprovalRequest.objects.filter(kind__in=KINDS).order_by("pk"):
            decided = request_decide(
                acting_user=second, request_id=request.public_id, expected_version=request.version,
                verdict="approve", comment="", at=clock.now(),
            )  # fmt: skip
            assert decided.request.state == "executed", decided.request.state_reason
    jane = User.objects.get(email="jane@bank.example")
    assert (jane.role_codes, jane.has_usable_password()) == ([decider.code], False)
    assert [jane.email] in [message.to for message in mail.outbox]
    assert (User.objects.get(pk=gone.pk).is_active, User.objects.get(pk=here.pk).branch) == (True, branch)
    shown = client.get(reverse("admin:identity_user_change", args=[jane.pk])).content.decode()
    assert "Invited" in shown
    assert "Invite again" in shown
