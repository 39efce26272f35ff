"""National and tax numbers over HTTP and on the staff site: masked, found, revealed with a reason."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.audit.models import AuditEvent
from apps.members.models import Member
from tests.factories.identity import BranchFactory, user_make
from tests.factories.members import MemberFactory

pytestmark = pytest.mark.django_db

DOTS = "\u2022" * 4


def test_a_number_is_taken_shown_masked_and_never_in_full(api_with: Any, branch: Any) -> None:
    teller = api_with("members.create", "members.view", "members.update", scope="branch", branch=branch)
    body = {"kind": "person", "first_name": "Grace", "last_name": "Atieno", "country": "KE"}
    made = teller.post("members", {**body, "national_id": "12 345-678", "tax_id": "A001234567Z"})
    assert made.status_code == 201, made.content
    assert (made.json()["national_id"], made.json()["tax_id"]) == (f"{DOTS}-678", f"{DOTS}567Z")
    for path in (f"members/{made.json()['id']}", "members"):
        assert b"345-678" not in teller.get(path).content
    again = teller.post("members", {**body, "national_id": "12345678"})
    assert (again.status_code, again.json()["code"]) == (409, "identity-number-taken")
    assert teller.post("members", {**body, "country": "UG", "national_id": "12345678"}).status_code == 201
    business = teller.post("members", {"kind": "business", "business_name": "Duka", "national_id": "1"})
    assert business.status_code == 400


def test_a_member_is_found_by_a_number_within_reach(api_with: Any, branch: Any) -> None:
    member = MemberFactory(branch=branch, national_id="12345678", tax_id="A001234567Z")
    MemberFactory(branch=BranchFactory(), national_id="87654321")
    clerk = api_with("members.view", scope="branch", branch=branch)
    for number in ("1234 5678", "a001234567z"):
        found = clerk.post("members/lookup", {"identity_number": number}).json()["data"]
        assert [row["id"] for row in found] == [str(member.pk)]
    for number in ("87654321", "1234567", "\u202e1"):
        answer = clerk.post("members/lookup", {"identity_number": number})
        assert answer.status_code == 400 or answer.json()["data"] == []


def test_numbers_are_revealed_with_a_reason_which_is_kept(api_with: Any, branch: Any) -> None:
    member = MemberFactory(branch=branch, national_id="12345678")
    officer = api_with("members.view", "members.reveal", scope="branch", branch=branch)
    answer = officer.post(f"members/{member.pk}/reveal", {"reason": "KYC renewal"})
    assert answer.json() == {"national_id": "12345678", "tax_id": "", "phone": member.phone}
    event = AuditEvent.objects.get(action="members.member.revealed")
    assert (event.actor, event.reason, event.kind) == (officer.user, "KYC renewal", "access")
    assert "12345678" not in str(event.after)
    assert officer.post(f"members/{member.pk}/reveal", {}).status_code == 400
    foreign = MemberFactory(national_id="11112222")
    assert officer.post(f"members/{foreign.pk}/reveal", {"reason": "x"}).status_code == 404
    clerk = api_with("members.view", scope="branch", branch=branch)
    assert clerk.post(f"members/{member.pk}/reveal", {"reason": "x"}).status_code == 403


def test_the_staff_site_masks_and_reveals_with_a_reason(branch: Any) -> None:
    member = MemberFactory(branch=branch, national_id="12345678")
    member.national_id = "12349999"
    member.save()
    client = Client()
    client.force_login(user_make("members.view", "members.reveal", scope="branch", branch=branch))
    page = reverse("admin:members_member_change", args=[member.pk])
    for url in (page, reverse("admin:members_member_history", args=[member.pk])):
        text = client.get(url).content.decode()
        assert f"{DOTS}9999" in text
        assert "12349999" not in text
    reveal = reverse("admin:members_member_reveal", args=[member.pk])
    assert "recorded" in client.get(reveal).content.decode()
    assert "Say why" in client.post(reveal, {"reason": " "}).content.decode()
    assert not AuditEvent.objects.filter(action="members.member.revealed").exists()
    assert "12349999" in client.post(reveal, {"reason": "Call back"}).content.decode()
    assert AuditEvent.objects.get(action="members.member.revealed").reason == "Call back"
    other = Client()
    other.force_login(user_make("members.view", scope="branch", branch=branch))
    assert other.get(reveal).status_code == 403
    assert "Show numbers in full" not in other.get(page).content.decode()


def test_opening_a_members_page_is_noted_once(branch: Any) -> None:
    member = MemberFactory(branch=branch)
    client = Client()
    user = user_make("members.view", scope="branch", branch=branch)
    client.force_login(user)
    for name in ("change", "history", "change"):
        client.get(reverse(f"admin:members_member_{name}", args=[member.pk]))
    event = AuditEvent.objects.get(kind="access", object_id=str(member.pk))
    assert (event.actor, event.action, event.object_label) == (user, "members.member.read", member.display_name)


def test_reading_over_the_api_is_noted_for_staff_and_not_for_the_member(api_with: Any, branch: Any) -> None:
    clerk = api_with("members.view", scope="branch", branch=branch)
    owner = api_with("members.view", scope="own", is_staff=False)
    member = MemberFactory(branch=branch, user=owner.user)
    for client in (owner, clerk):
        assert client.get(f"members/{member.pk}").status_code == 200
    event = AuditEvent.objects.get(kind="access", object_id=str(member.pk))
    assert event.actor == clerk.user
    assert clerk.get(f"members/{MemberFactory().pk}").status_code == 404
    assert AuditEvent.objects.filter(kind="access").count() == 1
    assert Member.objects.filter(pk=member.pk).exists()
