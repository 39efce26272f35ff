"""The trail over HTTP and on the staff site: access log, exports with a hash, verifications."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pypdf import PdfReader

from apps.audit import exporting
from apps.audit.access import read_note
from apps.audit.models import AuditEvent, Verification
from apps.audit.sealing import trail_seal_all
from apps.audit.services import record
from apps.core import clock
from tests.factories.identity import user_make

pytestmark = pytest.mark.django_db

WINDOW = {"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}


@pytest.fixture(autouse=True)
def _files(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def auditor(api_with: Any) -> Any:
    return api_with("audit.view", "audit.export", "audit.verify").step_up()


@pytest.fixture
def run_jobs(django_capture_on_commit_callbacks: Any) -> Any:
    """`with run_jobs():` does what was asked for inside once it is over."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def reads() -> int:
    return AuditEvent.objects.filter(kind="access").count()


def test_an_export_wants_a_second_factor_shown_lately(auditor: Any, client: Any) -> None:
    auditor.step_up(ago=dt.timedelta(hours=1))
    answer = auditor.post("audit/exports", {"format": "csv", "reason": "Audit 2026", **WINDOW})
    assert (answer.status_code, answer.json()["code"]) == (403, "mfa-step-up-required")
    assert not AuditEvent.objects.filter(action="audit.trail.exported").exists()
    client.force_login(auditor.user)
    page = reverse("admin:audit_auditevent_export")
    assert client.get(page).status_code == 200
    session = client.session
    session["numina_verified"] = 0
    session.save()
    assert client.post(page, {"reason": "Audit"})["Location"].startswith(reverse("admin:security_confirm"))


def test_a_csv_export_holds_the_events_with_their_seals_and_its_hash_is_in_the_trail(auditor: Any) -> None:
    event = record(action="a.b.c", acting_user=auditor.user, reason="=cmd|' /C calc'!A0", after={"n": "1"})
    trail_seal_all(at=clock.now())
    answer = auditor.post("audit/exports", {"format": "csv", "reason": "Audit 2026", "action": "a.b.c", **WINDOW})
    assert answer.status_code == 200
    digest = hashlib.sha256(answer.content).hexdigest()
    assert answer["X-Content-SHA256"] == digest
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    mine = next(row for row in rows if row["id"] == str(event.pk))
    assert mine["reason"].startswith("'=")
    assert len(mine["seal"]) == 64
    noted = AuditEvent.objects.get(action="audit.trail.exported")
    assert (noted.object_id, noted.reason, noted.actor) == (digest, "Audit 2026", auditor.user)
    found = auditor.get(f"audit/exports?sha256={digest}")
    assert found.json()["after"]["rows"] == len(rows)
    assert auditor.get(f"audit/exports?sha256={'0' * 64}").status_code == 404


def test_a_pdf_export_can_be_read(auditor: Any, run_jobs: Any) -> None:
    record(action="a.b.c", acting_user=auditor.user, before={"city": "Nairobi"}, after={"city": "Mombasa"})
    with run_jobs():
        asked = auditor.post("audit/exports", {"format": "pdf", "reason": "Board", **WINDOW})
    answer = auditor.get(f"audit/exports/{asked.json()['id']}/file")
    assert (asked.status_code, answer["Content-Type"]) == (202, "application/pdf")
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.getvalue())).pages)
    assert "Mombasa" in text
    assert auditor.user.email in text


def test_an_export_is_refused_when_too_large_or_without_a_reason(auditor: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(exporting.ROWS_MAX, "csv", 2)
    for _ in range(3):
        record(action="a.b.c", acting_user=None)
    answer = auditor.post("audit/exports", {"format": "csv", "reason": "All", **WINDOW})
    assert (answer.status_code, answer.json()["code"]) == (422, "export-too-large")
    assert auditor.post("audit/exports", {"format": "csv", **WINDOW}).status_code == 400
    assert auditor.post("audit/exports", {"format": "exe", "reason": "x"}).status_code == 400
    assert not AuditEvent.objects.filter(action="audit.trail.exported").exists()


def test_an_export_reaches_no_further_than_its_maker(api_with: Any, branch: Any) -> None:
    record(action="a.b.c", acting_user=user_make())
    manager = api_with("audit.view", "audit.export", scope="branch", branch=branch).step_up()
    answer = manager.post("audit/exports", {"format": "csv", "reason": "x", "action": "a.b.c"})
    assert answer.status_code == 200
    assert len(answer.content.decode().splitlines()) == 1


def test_a_long_export_is_made_by_a_job(
    auditor: Any, api_with: Any, client: Any, monkeypatch: Any, run_jobs: Any
) -> None:
    monkeypatch.setitem(exporting.ROWS_AT_ONCE, "csv", 2)
    monkeypatch.setattr(exporting, "CHUNK", 2)
    for number in range(5):
        record(action="a.b.c", acting_user=auditor.user, after={"n": number})
    asked = {"format": "csv", "reason": "Audit 2026", "action": "a.b.c", **WINDOW}
    with run_jobs():
        answer = auditor.post("audit/exports", asked)
        record(action="a.b.c", acting_user=auditor.user, reason="too late for this file")
    assert (answer.status_code, answer["Location"]) == (202, f"/api/v1/jobs/{answer.json()['id']}")
    job = auditor.get(answer["Location"]).json()
    assert (job["status"], job["progress"]["done"], job["result"]["rows"]) == ("done", 5, 5)

    about = auditor.get(f"audit/exports/{answer.json()['id']}").json()
    file = auditor.get(job["result_url"])
    content = b"".join(file.streaming_content)
    assert hashlib.sha256(content).hexdigest() == about["sha256"] == file["X-Content-SHA256"] == job["result"]["sha256"]
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert [json.loads(row["after"])["n"] for row in rows] == list(range(5))
    assert auditor.get(f"audit/exports?sha256={about['sha256']}").json()["reason"] == "Audit 2026"
    assert AuditEvent.objects.filter(action="audit.trail.export_fetched", actor=auditor.user).count() == 1

    other = api_with("audit.view", "audit.export", scope="all").step_up()
    assert other.get(about["file_url"]).status_code == 404
    assert auditor.as_user(auditor.user).get(about["file_url"]).json()["code"] == "mfa-step-up-required"
    client.force_login(auditor.user)
    page = reverse("admin:audit_export_change", args=[about["id"]])
    assert b"Ready" in client.get(page).content
    assert b"".join(client.get(reverse("admin:audit_export_file", args=[about["id"]])).streaming_content) == content
    assert exporting.exports_tidy(at=clock.now() + dt.timedelta(days=8)) == 1
    assert auditor.step_up().get(about["file_url"] or job["result_url"]).json()["code"] == "export-not-ready"
    assert b"Removed after a week" in client.get(page).content


def test_a_verification_is_started_and_read(auditor: Any, django_capture_on_commit_callbacks: Any) -> None:
    record(action="a.b.c", acting_user=None)
    with django_capture_on_commit_callbacks(execute=True):
        answer = auditor.post("audit/verifications")
    assert answer.status_code == 202
    body = auditor.get(answer["Location"]).json()
    assert (body["status"], body["faults"]) == ("passed", [])
    assert auditor.get("audit/verifications").json()["data"][0]["id"] == body["id"]


def test_reads_by_staff_are_noted_once_a_minute_for_a_record(user: Any) -> None:
    user.is_staff = True
    before = reads()
    for _ in range(3):
        read_note(acting_user=user, object_type="members.member", object_id="1")
    read_note(acting_user=user, object_type="members.member", object_id="2")
    assert reads() == before + 2


def test_a_noted_read_costs_one_statement(user: Any, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        read_note(acting_user=user, object_type="members.member", object_id="7")


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(user_make("audit.view", "audit.export", "audit.verify", is_staff=True))
    return client


def test_the_staff_site_verifies_and_exports(staff: Client, django_capture_on_commit_callbacks: Any) -> None:
    record(action="a.b.c", acting_user=None)
    assert b"Verify now" in staff.get(reverse("admin:audit_verification_changelist")).content
    assert b"sealed events" in staff.get(reverse("admin:audit_verification_start")).content
    with django_capture_on_commit_callbacks(execute=True):
        answer = staff.post(reverse("admin:audit_verification_start"))
    verification = Verification.objects.get()
    assert verification.status == Verification.Status.PASSED
    assert "Passed" in staff.get(answer["Location"]).content.decode()

    page = reverse("admin:audit_auditevent_export")
    assert b"Reason" in staff.get(page).content
    form = {"from": "2020-01-01", "to": "2100-01-01", "reason": "Audit", "format": "csv", "actor": "no@example.com"}
    assert b"No user has this e-mail" in staff.post(page, form).content
    assert b"at most 200" in staff.post(page, {**form, "actor": "", "reason": "x" * 201}).content
    answer = staff.post(page, {**form, "actor": ""})
    assert answer["X-Content-SHA256"] == hashlib.sha256(answer.content).hexdigest()
    for name in ("anchor", "archive"):
        assert staff.get(reverse(f"admin:audit_{name}_changelist")).status_code == 200


def test_the_staff_site_verifies_and_exports_for_nobody_else() -> None:
    client = Client()
    client.force_login(user_make("audit.view", is_staff=True))
    assert client.get(reverse("admin:audit_verification_start")).status_code == 403
    assert client.post(reverse("admin:audit_auditevent_export")).status_code == 403
    assert b"Verify now" not in client.get(reverse("admin:audit_verification_changelist")).content
