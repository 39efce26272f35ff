"""Unusual activity: each rule sees what it should and nothing else; somebody decides."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.audit.models import AuditEvent
from apps.audit.services import record
from apps.compliance.models import Flag
from apps.compliance.rules import subjects_of
from apps.compliance.services import flags_raise
from apps.core import clock
from apps.identity.models import Session
from apps.identity.services import token_pair_issue
from tests.factories.accounts import AccountFactory, cash_move
from tests.factories.books import gl_account_ready
from tests.factories.identity import user_make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def limits(settings: Any) -> dict[str, int]:
    found = {
        **settings.NUMINA["UNUSUAL"],
        "velocity_count": 4,
        "amount_min": 100,
        "denials_count": 3,
        "failures_count": 3,
        "reads_count": 3,
        "opens_hour": 0,
        "closes_hour": 24,
    }
    settings.NUMINA = {**settings.NUMINA, "UNUSUAL": found}
    return found


def look(**options: Any) -> dict[str, Flag]:
    now = clock.now() + dt.timedelta(seconds=5)
    flags_raise(since=now - dt.timedelta(hours=1), until=now)
    return {flag.rule: flag for flag in Flag.objects.all()}


@pytest.fixture
def account(branch: Any) -> Any:
    for code in ("1120", "1250", "2110"):
        gl_account_ready(code)
    account = AccountFactory(branch=branch)
    cash_move(account, "100000.00")
    return account


def test_many_payments_out_in_an_hour_are_seen_once(account: Any) -> None:
    for _ in range(3):
        cash_move(account, "-10.00")
    assert "velocity" not in look()
    cash_move(account, "-10.00")
    flag = look()["velocity"]
    assert (flag.facts["count"], flag.branch_id, flag.status) == (4, account.branch_id, "open")
    assert account.number in flag.subject_label
    look()
    assert Flag.objects.filter(rule="velocity").count() == 1
    assert AuditEvent.objects.filter(action="compliance.flag.raised").count() == 1


def test_an_amount_far_above_the_usual_is_seen(account: Any, monkeypatch: Any) -> None:
    from apps.compliance import rules
    from apps.ledger.activity import Outflow

    def flows(largest: int, usual_count: int, currency: str = "KES", usual: int = 2_000) -> None:
        found = Outflow(
            account.ledger_account.public_id, account.number, currency, 1, largest, largest, usual, usual_count
        )
        monkeypatch.setattr(rules, "outflows", lambda **_: [found])

    flows(19_000, 9)
    assert "amount" not in look()
    flows(900_000, 2)
    assert "amount" not in look()
    flows(99, 9, "JPY", 9)
    assert "amount" not in look()
    flows(900_000, 9)
    assert "9,000.00 KES out, 20.00 KES is usual" in look()["amount"].summary
    Flag.objects.all().delete()
    flows(100, 9, "JPY", 9)  # the threshold is in units: a hundred yen are not one
    assert "100 JPY out, 9 JPY is usual" in look()["amount"].summary


def test_what_is_usual_is_read_from_the_days_before(account: Any) -> None:
    from apps.ledger.activity import outflows

    for _ in range(3):
        cash_move(account, "-30.00")
    now = clock.now() + dt.timedelta(seconds=5)
    (flow,) = outflows(since=now - dt.timedelta(hours=1), until=now, days=90)
    assert (flow.count, flow.total, flow.largest, flow.usual_count) == (3, 9_000, 3_000, 0)
    assert outflows(since=now, until=now + dt.timedelta(hours=1), days=90) == []


def test_staff_who_post_while_the_bank_is_closed_are_seen(account: Any, limits: dict[str, int], api_with: Any) -> None:
    teller = api_with("payments.deposit", "accounts.view", branch=account.branch)
    cash = {
        "account": account.number,
        "amount": {"amount": "10.00", "currency": "KES"},
        "channel": "online",
        "description": "Paid in",
    }
    assert teller.post("deposits", cash, headers={"Idempotency-Key": "k" * 20}).status_code == 201
    assert "off_hours" not in look()
    limits["closes_hour"] = 0
    seen = look()["off_hours"]
    assert seen.subject_id == str(teller.user.pk)
    assert subjects_of([seen])[seen.subject_id][0] == f"{teller.user.full_name} ({teller.user.email})"


def test_a_sign_in_on_a_device_never_seen_is_seen() -> None:
    user = user_make("members.view")
    token_pair_issue(user=user)
    assert "new_device" not in look()  # the first sign-in of all has nothing to be compared with
    Session.objects.update(created_at=clock.now() - dt.timedelta(days=3), ip="203.0.113.1", user_agent="A")
    token_pair_issue(user=user)
    latest = Session.objects.filter(user=user, created_at__gte=clock.now() - dt.timedelta(days=1))
    latest.update(ip="203.0.113.1", user_agent="A")
    assert "new_device" not in look()
    latest.update(ip="198.51.100.7", user_agent="B")
    assert look()["new_device"].facts["ip"] == "198.51.100.7"


def test_refusals_failures_and_mass_reading_are_seen() -> None:
    user, other = user_make(), user_make()
    for subject in (user, other):
        record(action="core.access.denied", acting_user=subject, kind="security")
    record(action="core.access.denied", acting_user=user, kind="security", after={"held_back_before": 7})
    for _ in range(3):
        record(action="identity.login.failed", acting_user=None, kind="security", target=user)
    for n in range(3):
        record(action="members.member.read", acting_user=user, kind="access", object_id=str(n))
    flags = look()
    assert {"denials", "sign_in_failures", "mass_reading"} <= set(flags)
    assert flags["denials"].summary == "9 refused attempts"
    assert not Flag.objects.filter(subject_id=str(other.pk)).exists()


@pytest.fixture
def flag(branch: Any) -> Flag:
    return Flag.objects.create(
        rule="velocity",
        subject_type="accounts.account",
        subject_id="1",
        subject_label="0100 Alice",
        branch=branch,
        day=clock.now().date(),
        detected_at=clock.now(),
        summary="20 payments out",
    )


def test_a_flag_is_listed_and_decided_once(api_with: Any, flag: Flag) -> None:
    officer = api_with("compliance.view", "compliance.clear")
    assert [row["id"] for row in officer.get("compliance/flags?status=open").json()["data"]] == [str(flag.pk)]
    found = officer.get(f"compliance/flags/{flag.pk}")
    body = {"outcome": "cleared", "comment": "Salary day"}
    assert officer.post(f"compliance/flags/{flag.pk}/decision", body).status_code == 428
    done = officer.post(f"compliance/flags/{flag.pk}/decision", body, headers={"If-Match": found["ETag"]})
    assert (done.status_code, done.json()["status"]) == (200, "cleared")
    again = officer.post(f"compliance/flags/{flag.pk}/decision", body, headers={"If-Match": done["ETag"]})
    assert (again.status_code, again.json()["code"]) == (409, "flag-decided")
    assert AuditEvent.objects.get(action="compliance.flag.cleared").reason == "Salary day"


def test_flags_reach_the_branch_and_never_oneself(api_with: Any, flag: Flag, branch: Any) -> None:
    mine = api_with("compliance.view", "compliance.clear", scope="branch", branch=branch)
    elsewhere = api_with("compliance.view", scope="branch", branch=None)
    assert len(mine.get("compliance/flags").json()["data"]) == 1
    assert elsewhere.get("compliance/flags").json()["data"] == []
    assert elsewhere.get(f"compliance/flags/{flag.pk}").status_code == 404
    Flag.objects.filter(pk=flag.pk).update(subject_id=str(mine.user.pk))
    assert mine.get(f"compliance/flags/{flag.pk}").status_code == 404


def test_flags_are_decided_on_the_staff_site(flag: Flag) -> None:
    client = Client()
    client.force_login(user_make("compliance.view", "compliance.clear"))
    assert "20 payments out" in client.get(reverse("admin:compliance_flag_changelist")).content.decode()
    page = reverse("admin:compliance_flag_decide", args=[flag.pk])
    assert "Say why" in client.post(page, {"choice": "cleared", "comment": ""}).content.decode()
    client.post(page, {"choice": "confirmed", "comment": "Called the member"})
    flag.refresh_from_db()
    assert (flag.status, flag.comment) == ("confirmed", "Called the member")
    viewer = Client()
    viewer.force_login(user_make("compliance.view"))
    assert viewer.get(page).status_code == 403
