"""Reports that are drawn up by a job, kept with their hash, opened under watch; and their schedules."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from typing import Any

import pytest
from django.core.files.storage import default_storage

from apps.audit.models import AuditEvent
from apps.core import clock
from apps.jobs.models import Job
from apps.ledger.selectors import business_date_current
from apps.notifications.models import Notification
from apps.reporting.models import ReportRun, ReportSchedule
from apps.reporting.services import link_make, period_start, report_draw, schedules_run
from apps.reporting.services._delivery import _signer
from tests.conftest import ApiClient
from tests.factories.identity import RoleFactory, user_make
from tests.factories.postings import Books

pytestmark = pytest.mark.django_db
BODY = {"report": "balance-sheet", "format": "csv"}


@pytest.fixture(autouse=True)
def _own_files(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def books() -> Books:
    books = Books()
    books.customer(500_00)
    return books


def asked(client: Any, **body: Any) -> Any:
    return client.post("reports/runs", {**BODY, **body}, headers={"Idempotency-Key": uuid.uuid4().hex})


def test_a_report_is_drawn_up_kept_and_opened(
    api_with: Any, books: Books, django_capture_on_commit_callbacks: Any
) -> None:
    client = api_with("ledger.view", "reporting.read")
    with django_capture_on_commit_callbacks(execute=True):
        answer = asked(client)
    assert answer.status_code == 202
    run_id = answer.json()["id"]
    assert answer["Location"] == f"/api/v1/jobs/{run_id}"
    assert Job.objects.get(pk=run_id).status == "done"
    facts = client.get(f"reports/runs/{run_id}").json()
    assert facts["is_proven"] is True
    file = client.get(f"reports/runs/{run_id}/file")
    content = file.getvalue()
    assert hashlib.sha256(content).hexdigest() == facts["sha256"] == file["X-Content-SHA256"]
    assert "Total assets,KES,500.00" in content.decode("utf-8-sig")
    assert [row["way"] for row in client.get(f"reports/runs/{run_id}/openings").json()["data"]] == ["api"]
    assert [row["id"] for row in client.get("reports/runs").json()["data"]] == [run_id]
    assert AuditEvent.objects.filter(object_type="reporting.report", object_id=run_id, kind="access").exists()


def test_the_same_key_is_the_same_report_and_twice_drawn_is_once(api_with: Any, books: Books) -> None:
    client = api_with("ledger.view", "reporting.read")
    key = {"Idempotency-Key": "report-one"}
    first = client.post("reports/runs", BODY, headers=key)
    again = client.post("reports/runs", BODY, headers=key)
    assert first.json()["id"] == again.json()["id"]
    assert again["Idempotency-Replayed"] == "true"
    other = client.post("reports/runs", {**BODY, "format": "pdf"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")

    run_id = uuid.UUID(first.json()["id"])
    drawn = report_draw(run_id=run_id, at=clock.now())
    assert report_draw(run_id=run_id, at=clock.now()).file == drawn.file


def test_what_is_not_ready_or_not_the_kept_file_is_not_handed_out(api_with: Any, books: Books) -> None:
    client = api_with("ledger.view", "reporting.read")
    run_id = asked(client).json()["id"]
    early = client.get(f"reports/runs/{run_id}/file")
    assert (early.status_code, early.json()["code"]) == (409, "report-not-ready")
    run = report_draw(run_id=uuid.UUID(run_id), at=clock.now())
    default_storage.delete(run.file)
    with default_storage.open(run.file, "wb") as file:
        file.write(b"other figures")
    assert client.get(f"reports/runs/{run_id}/file").status_code == 409


def test_reports_of_others_do_not_exist(api_with: Any, books: Books) -> None:
    run_id = asked(api_with("ledger.view", "reporting.read")).json()["id"]
    other = api_with("ledger.view", "reporting.read")
    assert other.get(f"reports/runs/{run_id}").status_code == 404
    assert other.get(f"reports/runs/{run_id}/file").status_code == 404
    assert other.get("reports/runs").json()["data"] == []


def test_bad_requests_are_refused(api_with: Any, books: Books) -> None:
    client = api_with("ledger.view", "reporting.read")
    assert asked(client, **{"from": "2026-02-01"}, as_of="2026-01-01").json()["code"] == "report-period"
    assert asked(client, branch="NOWHERE").status_code == 404
    assert asked(client, report="tea-leaves").status_code == 400
    assert ReportRun.objects.count() == 0


def test_a_schedule_draws_once_a_date_and_tells_who_may_read(
    api_with: Any, books: Books, django_capture_on_commit_callbacks: Any
) -> None:
    role = RoleFactory(code="board", scope="all", permissions=["ledger.view"])
    reader = user_make("ledger.view", scope="all")
    reader.roles.add(role)
    client = api_with("reporting.read", "reporting.schedule", scope="all").step_up()
    body = {"report": "balance-sheet", "format": "csv", "rhythm": "day", "role": "board"}
    made = client.post("reports/schedules", body)
    assert made.status_code == 201
    assert client.post("reports/schedules", body).json()["code"] == "report-schedule-exists"
    assert client.post("reports/schedules", {**body, "role": "nobody"}).status_code == 404
    day = business_date_current()
    with django_capture_on_commit_callbacks(execute=True):
        assert schedules_run(business_date=day, at=clock.now()) == 1
        assert schedules_run(business_date=day, at=clock.now()) == 0
    run = ReportRun.objects.get(schedule_id=made.json()["id"])
    assert run.drawn_at is not None
    assert Notification.objects.filter(recipient=reader, kind="reporting.report_ready").count() == 1

    now = clock.now()
    link = link_make(run=run, user=reader, at=now)
    assert b"Total assets" in ApiClient().get(link).getvalue()  # the link alone opens it
    assert [(one.user, one.way) for one in run.openings.all()] == [(reader, "link")]
    stale = link_make(run=run, user=reader, at=now - dt.timedelta(days=4))
    stranger = link_make(run=run, user=user_make("members.view", scope="all"), at=now)
    for wrong in (stale, stranger, link[:-3] + "abc"):
        answer = ApiClient().get(wrong)
        assert (answer.status_code, answer.json()["code"]) == (404, "report-link-invalid")

    assert client.delete(f"reports/schedules/{made.json()['id']}").status_code == 204
    assert client.get(f"reports/schedules/{made.json()['id']}").json()["is_active"] is False
    assert schedules_run(business_date=day + dt.timedelta(days=1), at=clock.now()) == 0


def test_a_list_by_schedule_is_opened_by_no_link_but_after_a_second_factor(
    api_with: Any, books: Books, django_capture_on_commit_callbacks: Any
) -> None:
    role = RoleFactory(scope="all", permissions=["accounts.view", "reporting.read"])
    blind = RoleFactory(scope="all", permissions=["accounts.view"])  # could not open what it is told of
    told, untold = user_make(scope="all"), user_make(scope="all")
    told.roles.set([role])
    client = api_with("reporting.read", "reporting.schedule", "accounts.view", scope="all").step_up()
    for one in (role, blind):
        body = {"report": "dormant-accounts", "format": "csv", "rhythm": "day", "role": one.code}
        assert client.post("reports/schedules", body).status_code == 201
    untold.roles.set([blind])
    with django_capture_on_commit_callbacks(execute=True):
        assert schedules_run(business_date=business_date_current(), at=clock.now()) == 2
    run = ReportRun.objects.get(schedule__role=role)
    said = Notification.objects.get(kind="reporting.report_ready")
    assert (said.recipient_id, said.link) == (told.pk, f"/admin/reporting/reportrun/{run.pk}/change/")
    signed = _signer.sign_object({"r": str(run.pk), "u": str(told.pk), "e": 9_999_999_999}, compress=True)
    assert ApiClient().get(f"/api/v1/reports/links/{signed}").json()["code"] == "report-link-invalid"
    reader = ApiClient(told)
    assert reader.get(f"reports/runs/{run.pk}/file").json()["code"] == "mfa-step-up-required"
    assert reader.step_up().get(f"reports/runs/{run.pk}/file").status_code == 200
    assert [(one.user, one.way) for one in run.openings.all()] == [(told, "api")]


def test_a_kept_list_opens_for_those_only_who_may_see_what_is_in_it(
    api_with: Any, client: Any, books: Books, django_capture_on_commit_callbacks: Any
) -> None:
    role = RoleFactory(scope="all", permissions=["reporting.read", "backoffice.dashboard"])
    maker = api_with(
        "reporting.read", "reporting.schedule", "reporting.define", "members.view", "members.reveal", scope="all"
    ).step_up()
    born = {"fields": ["number", "email", "date_of_birth"]}
    spec = {"title": "Born", "dataset": "members", "spec": born, "shared_with": role.code}
    made = maker.post("reports/definitions", spec).json()
    body = {"definition_id": made["id"], "format": "csv", "rhythm": "day", "role": role.code}
    assert maker.post("reports/schedules", body).status_code == 201
    with django_capture_on_commit_callbacks(execute=True):
        assert schedules_run(business_date=business_date_current(), at=clock.now()) == 1
    run = ReportRun.objects.get()
    # What the definition became since does not matter: the file has the fields of its own version.
    plain = {"title": "Born", "spec": {"fields": ["number"]}, "shared_with": role.code}
    maker.put(f"reports/definitions/{made['id']}", plain, headers={"If-Match": '"1"'})
    holder = user_make("members.view", scope="all")
    holder.roles.add(role)

    refused = ApiClient(holder).step_up().get(f"reports/runs/{run.pk}/file")

    assert (refused.status_code, refused.json()["code"]) == (403, "permission-denied")
    client.force_login(holder)
    assert client.get(f"/admin/reporting/reportrun/{run.pk}/file/").status_code == 403
    assert not run.openings.exists()
    holder.roles.add(RoleFactory(scope="all", permissions=["members.reveal"]))
    assert ApiClient(holder).step_up().get(f"reports/runs/{run.pk}/file").status_code == 200


def test_schedules_are_for_those_who_see_the_whole_bank(api_with: Any) -> None:
    RoleFactory(code="board")
    body = {"report": "balance-sheet", "format": "pdf", "rhythm": "day", "role": "board"}
    client = api_with("reporting.read", "reporting.schedule", scope="branch").step_up()
    assert client.post("reports/schedules", body).json()["code"] == "report-schedule-reach"
    assert api_with("ledger.view", "reporting.read").post("reports/schedules", body).status_code == 403


@pytest.mark.parametrize(
    ("rhythm", "day", "first"),
    [
        ("day", "2026-03-17", "2026-01-01"),
        ("month", "2026-02-28", "2026-02-01"),
        ("month", "2026-02-27", None),
        ("quarter", "2026-06-30", "2026-04-01"),
        ("quarter", "2026-05-31", None),
        ("year", "2026-12-31", "2026-01-01"),
        ("year", "2026-11-30", None),
    ],
)
def test_a_rhythm_knows_the_period_that_a_day_ends(rhythm: str, day: str, first: str | None) -> None:
    assert rhythm in ReportSchedule.Rhythm.values
    assert period_start(rhythm=rhythm, day=dt.date.fromisoformat(day)) == (
        dt.date.fromisoformat(first) if first else None
    )


def test_staff_find_and_open_their_reports_on_the_site(
    client: Any, user_with: Any, api_with: Any, books: Books
) -> None:
    user = user_with("ledger.view", "reporting.read", "backoffice.dashboard")
    other = asked(api_with("ledger.view", "reporting.read")).json()["id"]
    run = ReportRun.objects.create(
        report="cash-flow", form="csv", since=dt.date(2026, 1, 1), as_of=dt.date(2026, 1, 31), currency="KES",
        requested_by=user,
    )  # fmt: skip
    client.force_login(user)
    listed = client.get("/admin/reporting/reportrun/").content.decode()
    assert "Being drawn up" in listed
    assert other not in listed
    assert client.get(f"/admin/reporting/reportrun/{run.pk}/file/").status_code == 409
    report_draw(run_id=run.pk, at=clock.now())
    assert client.get(f"/admin/reporting/reportrun/{run.pk}/change/").status_code == 200
    assert client.get(f"/admin/reporting/reportrun/{run.pk}/file/").getvalue().startswith(b"\xef\xbb\xbfKind")
    assert client.get(f"/admin/reporting/reportrun/{other}/file/").status_code == 404
    assert client.get("/admin/reporting/reportschedule/").status_code == 200
