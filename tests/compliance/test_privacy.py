"""Requests about personal data: what goes, what is kept out of sight, and what the certificate says."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from pypdf import PdfReader

from apps.accounts.models import Account
from apps.compliance.models import PrivacyRequest, RetainedIdentity
from apps.compliance.services import identities_forget
from apps.core import clock
from apps.members.models import Member
from tests.factories.accounts import AccountFactory, cash_move
from tests.factories.books import gl_account_ready
from tests.factories.identity import PASSWORD, user_make
from tests.factories.members import MemberFactory

pytestmark = pytest.mark.django_db

FACTS = {
    "first_name": "Grace",
    "last_name": "Atieno",
    "national_id": "12345678",
    "phone": "+254712345678",
    "email": "grace@example.com",
    "address": "Moi Avenue 1",
    "city": "Nairobi",
    "date_of_birth": dt.date(1990, 2, 28),
}


@pytest.fixture
def officer(api_with: Any) -> Any:
    return api_with("compliance.view", "compliance.decide", "compliance.request", "members.view")


@pytest.fixture
def owner(api_with: Any) -> Any:
    return api_with("members.view", "compliance.request", scope="own", is_staff=False)


@pytest.fixture
def member(branch: Any, owner: Any) -> Member:
    return MemberFactory(branch=branch, user=owner.user, **FACTS)


def ask(client: Any, kind: str, **body: Any) -> Any:
    return client.post("privacy/requests", {"kind": kind, **body})


def decide(client: Any, request_id: str, **body: Any) -> Any:
    etag = client.get(f"privacy/requests/{request_id}")["ETag"]
    body = {"approve": True, "note": "As asked", **body}
    return client.post(f"privacy/requests/{request_id}/decision", body, headers={"If-Match": etag})


def test_a_member_fetches_everything_that_the_bank_has(owner: Any, member: Member, branch: Any) -> None:
    for code in ("1120", "2110"):
        gl_account_ready(code)
    account = AccountFactory(member=member, branch=branch)
    cash_move(account, "12.50")
    made = ask(owner, "export")
    assert (made.status_code, made.json()["status"]) == (201, "done")
    url = f"privacy/requests/{made.json()['id']}/data"
    assert owner.get(url).json()["code"] == "mfa-step-up-required"
    data = json.loads(owner.step_up().get(url).content)
    assert (data["member"]["national_id"], data["member"]["first_name"]) == ("12345678", "Grace")
    assert data["accounts"][0]["movements_minor_units"][0]["amount"] == 1250
    assert data["user"]["email"] == owner.user.email
    PrivacyRequest.objects.update(created_at=clock.now() - dt.timedelta(days=31))
    assert owner.get(url).status_code == 422


def test_nobody_else_reaches_a_request(owner: Any, member: Member, api_with: Any) -> None:
    made = ask(owner, "export").json()["id"]
    assert [row["id"] for row in owner.get(f"privacy/requests?member_id={member.pk}").json()["data"]] == [made]
    stranger = api_with("members.view", "compliance.request", scope="own", is_staff=False)
    clerk = api_with("members.view", "compliance.request")
    for client in (stranger, clerk):
        for path in ("", "/data", "/certificate"):
            assert client.get(f"privacy/requests/{made}{path}").status_code == 404
        assert client.get("privacy/requests").json()["data"] == []
        assert ask(client, "export", member_id=str(member.pk)).status_code == 404


def test_an_erasure_empties_what_may_go_and_seals_what_must_stay(owner: Any, officer: Any, member: Member) -> None:
    made = ask(owner, "erasure", reason="I left").json()
    assert made["status"] == "waiting"
    assert ask(owner, "erasure").status_code == 409
    done = decide(officer, made["id"])
    assert done.status_code == 200, done.content
    member.refresh_from_db()
    assert (member.display_name, member.status) == (f"Erased {member.number}", "exited")
    for name in ("phone", "email", "address", "city", "national_id", "tax_id"):
        assert getattr(member, name) == ""
    assert member.date_of_birth is None
    assert {row.phone for row in member.history.all()} == {""}
    assert {row.national_id for row in member.history.all()} == {""}
    user = member.user
    assert user is not None
    assert (user.is_active, user.full_name, user.email.endswith("@erased.invalid")) == (False, "", True)
    assert not user.check_password(PASSWORD)
    assert owner.get("users/me").status_code == 401

    kept = RetainedIdentity.objects.get(member=member)
    assert json.loads(kept.identity)["national_id"] == "12345678"
    assert kept.keep_until.year == member.joined_on.year + 7
    with connection.cursor() as cursor:
        cursor.execute("SELECT identity FROM compliance_retainedidentity")
        assert b"Grace" not in bytes(cursor.fetchone()[0])

    rows = {row["what"]: row for row in done.json()["certificate"]["rows"]}
    assert rows["Contact data"]["outcome"] == rows["Sign-in"]["outcome"] == "erased"
    assert (rows["Identity"]["outcome"], rows["Identity"]["until"]) == ("pseudonymised", kept.keep_until.isoformat())
    assert rows["Audit trail"]["outcome"] == "kept"
    pdf = officer.get(f"privacy/requests/{made['id']}/certificate")
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf.content)).pages)
    assert "Certificate of erasure" in text
    assert member.number in text
    assert "Grace" not in text


def test_identities_are_forgotten_when_the_years_are_over(owner: Any, officer: Any, member: Member) -> None:
    decide(officer, ask(owner, "erasure").json()["id"])
    kept = RetainedIdentity.objects.get()
    assert identities_forget(today=kept.keep_until - dt.timedelta(days=1)) == 0
    assert identities_forget(today=kept.keep_until) == 1
    assert not RetainedIdentity.objects.exists()


def test_an_erasure_waits_for_holds_and_open_accounts_and_another_person(
    officer: Any, member: Member, branch: Any, api_with: Any
) -> None:
    made = ask(officer, "erasure", member_id=str(member.pk)).json()["id"]
    own = decide(officer, made)
    assert (own.status_code, own.json()["code"]) == (422, "own-privacy-request")
    other = api_with("compliance.view", "compliance.decide", "compliance.request", "members.view")
    hold = other.post("privacy/holds", {"member_id": str(member.pk), "reason": "Court order 7"})
    assert hold.status_code == 201
    assert decide(other, made).json()["code"] == "legal-hold"
    lifted = other.post(f"privacy/holds/{hold.json()['id']}/lift", {"reason": "Case closed"})
    assert lifted.json()["lifted_at"]
    assert other.post(f"privacy/holds/{hold.json()['id']}/lift", {"reason": "Again"}).status_code == 404
    account = AccountFactory(member=member, branch=branch)
    assert decide(other, made).json()["code"] == "member-in-business"
    member.refresh_from_db()
    assert member.first_name == "Grace"
    day = clock.now().date()
    Account.objects.filter(pk=account.pk).update(status="closed", closed_on=day)
    assert decide(other, made).status_code == 200
    assert decide(other, made).json()["code"] == "privacy-request-decided"


def test_an_erasure_that_is_refused_changes_nothing(owner: Any, officer: Any, member: Member) -> None:
    made = ask(owner, "erasure").json()["id"]
    refused = decide(officer, made, approve=False, note="Identity not proved")
    assert (refused.json()["status"], refused.json()["certificate"]) == ("refused", None)
    assert owner.get(f"privacy/requests/{made}/certificate").json()["code"] == "privacy-file-not-available"
    member.refresh_from_db()
    assert member.phone == "+254712345678"


def test_requests_are_decided_on_the_staff_site(owner: Any, member: Member) -> None:
    made = ask(owner, "erasure").json()["id"]
    client = Client()
    client.force_login(user_make("compliance.view", "compliance.decide", "members.view"))
    assert member.number in client.get(reverse("admin:compliance_privacyrequest_changelist")).content.decode()
    page = reverse("admin:compliance_privacyrequest_decide", args=[made])
    assert "cannot be undone" in client.get(page).content.decode()
    client.post(page, {"choice": "erase", "comment": "Checked at the counter"})
    shown = client.get(reverse("admin:compliance_privacyrequest_change", args=[made])).content.decode()
    assert "pseudonymised" in shown
    pdf = client.get(reverse("admin:compliance_privacyrequest_certificate", args=[made]))
    assert pdf["Content-Type"] == "application/pdf"
    assert client.get(reverse("admin:compliance_legalhold_changelist")).status_code == 200


def test_holds_are_placed_and_lifted_on_the_staff_site(client: Client, member: Member, branch: Any) -> None:
    officer = user_make("compliance.view", "compliance.decide", "members.view", scope="branch", branch=branch)
    client.force_login(officer)
    place, page = reverse("admin:compliance_legalhold_place"), reverse("admin:compliance_legalhold_changelist")
    assert "Place a hold" in client.get(page).content.decode()
    foreign = MemberFactory()
    for form in ({"number": member.number}, {"number": foreign.number, "reason": "Court"}, {"number": "x"}):
        assert client.post(place, form).status_code == 422
    answer = client.post(place, {"number": member.number, "reason": "Court order 7"})
    hold = member.legal_holds.get()
    assert answer["Location"] == reverse("admin:compliance_legalhold_change", args=[hold.pk])
    lift = reverse("admin:compliance_legalhold_lift", args=[hold.pk])
    assert client.get(lift).status_code == 200
    assert client.post(lift, {"comment": ""}).status_code == 422
    assert client.post(lift, {"comment": "Court order 8"}).status_code == 302
    assert client.post(lift, {"comment": "again"}).status_code == 422
    hold.refresh_from_db()
    assert (hold.reason, hold.lifted_by) == ("Court order 7", officer)
    reader = Client()
    reader.force_login(user_make("compliance.view", "members.view"))
    assert "Place a hold" not in reader.get(page).content.decode()
    assert (reader.get(place).status_code, reader.get(lift).status_code) == (403, 403)
