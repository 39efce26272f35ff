"""Imports over HTTP; the worker runs inside of the request here."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.accounts.models import Account
from apps.core import clock
from apps.jobs.models import DeadLetter, Job
from apps.jobs.services import job_execute, job_sweep
from apps.payments.models import ImportRun
from apps.payments.services._imports import upload_path
from tests.conftest import ApiClient
from tests.factories.identity import BranchFactory
from tests.payments.conftest import booked, key_headers
from tests.payments.importing.test_run import COLUMNS, row

pytestmark = pytest.mark.usefixtures("chart")

PATH = "imports/transactions"


@pytest.fixture(autouse=True)
def _folder(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def text(*lines: list[str]) -> bytes:
    return ("\n".join([",".join(COLUMNS), *(",".join(line) for line in lines)]) + "\n").encode()


def send(client: ApiClient, body: bytes, key: str | None = None, query: str = "") -> Any:
    return client.post(PATH + query, body, content_type="text/csv", headers=key_headers(key))


def execute(run_id: str, at: dt.datetime) -> None:
    """As a worker does it."""
    with clock.frozen(at):
        job_execute(job_id=UUID(run_id), now=clock.now)


@pytest.fixture
def commits(django_capture_on_commit_callbacks: Any) -> Any:
    """Messages leave as after a commit."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def test_a_csv_body_is_accepted_and_a_worker_imports_it(teller: ApiClient, alice: Account, commits: Any) -> None:
    with commits():
        response = send(teller, text(row("A", alice, "5.00"), row("B", alice, "-9999.00")), query="?file_name=may.csv")
    assert response.status_code == 202, response.content
    assert response.json()["status"] == "queued"
    job = teller.get(response["Location"]).json()
    assert (job["status"], job["progress"]["percent"], job["result"]["rows_posted"]) == ("done", 100, 1)
    assert response["Location"] == f"/api/v1/jobs/{response.json()['id']}"
    shown = teller.get(job["result_url"]).json()
    assert (shown["status"], shown["file_name"], shown["progress"]["percent"]) == ("done", "may.csv", 100)
    assert (shown["rows_read"], shown["rows_posted"], shown["rows_refused"]) == (2, 1, 1)
    assert shown["report"]["refused_by_code"] == {"insufficient-funds": 1}
    refused = teller.get(job["result_url"] + "/refusals").json()["data"]
    assert [(one["row"], one["external_id"], one["code"]) for one in refused] == [(3, "B", "insufficient-funds")]
    assert booked(alice) == 100500
    assert not upload_path(UUID(shown["id"])).exists()
    assert teller.get(PATH).json()["data"][0]["id"] == shown["id"]


def test_a_run_that_waits_is_on_the_list_of_the_staff_site(teller: ApiClient, client: Client) -> None:
    assert send(teller, text()).json()["status"] == "queued"
    client.force_login(teller.user)
    assert "Queued" in client.get("/admin/payments/importrun/").content.decode()


def test_a_form_with_a_file(teller: ApiClient, alice: Account, commits: Any) -> None:
    from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

    def form(**parts: Any) -> Any:
        body = encode_multipart(BOUNDARY, parts)
        return teller.post(PATH, body, content_type=MULTIPART_CONTENT, headers=key_headers())

    upload = SimpleUploadedFile("../../june.csv", text(row("A", alice, "5.00")))
    with commits():
        response = form(file=upload)
    assert (response.status_code, response.json()["file_name"]) == (202, "june.csv")
    assert booked(alice) == 100500
    assert form(other="x").status_code == 400
    assert form(file=SimpleUploadedFile("a.csv", b"x"), source="y").status_code == 400


def test_the_same_key_and_file_is_the_same_run(teller: ApiClient, alice: Account, commits: Any) -> None:
    body = text(row("A", alice, "5.00"))
    with commits():
        first = send(teller, body, key="k")
    with commits():
        again = send(teller, body, key="k")
    assert (again.json()["id"], again["Idempotency-Replayed"]) == (first.json()["id"], "true")
    assert again.json()["status"] == "done"
    other = send(teller, body + b"\n", key="k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    changed = send(teller, body, key="k", query="?dry_run=true")
    assert changed.json()["code"] == "idempotency-key-reused"
    assert ImportRun.objects.filter(started_by=teller.user.pk).count() == 1
    assert not list(upload_path(UUID(first.json()["id"])).parent.iterdir())


def test_a_dry_run_changes_nothing(teller: ApiClient, alice: Account, commits: Any) -> None:
    with commits():
        response = send(teller, text(row("A", alice, "5.00")), query="?dry_run=true")
    shown = teller.get(f"{PATH}/{response.json()['id']}").json()
    assert (shown["dry_run"], shown["rows_posted"], booked(alice)) == (True, 1, 100000)


def test_a_wrong_header_fails_the_run_with_its_reason(teller: ApiClient, commits: Any) -> None:
    with commits():
        response = send(teller, b"a,b\n1,2\n")
    shown = teller.get(f"{PATH}/{response.json()['id']}").json()
    assert shown["status"] == "failed"
    assert teller.get(response["Location"]).json()["error"]["detail"].startswith(shown["error"])
    assert DeadLetter.objects.get(job_id=shown["id"]).reason == "refused"
    assert "unknown column 'a'" in shown["error"]


def test_bad_requests(teller: ApiClient, api_with: Any) -> None:
    assert send(teller, b"").status_code in (400, 415)
    assert teller.post(PATH, b"x", content_type="text/csv").json()["code"] == "idempotency-key-missing"
    assert teller.post(PATH, {"file": "x"}, headers=key_headers()).status_code == 415
    for query in ("?x=1", "?dry_run=1", "?source=" + "s" * 41, "?dry_run=true&dry_run=false"):
        assert send(teller, b"x", query=query).status_code == 400, query
    assert send(api_with("payments.transfer"), b"x").status_code == 403


def test_runs_of_others_are_not_found(teller: ApiClient, api_with: Any, alice: Account, commits: Any) -> None:
    with commits():
        location = f"{PATH}/{send(teller, text(row('A', alice, '5.00'))).json()['id']}"
    clerk = api_with("payments.import", scope="branch", branch=BranchFactory()).step_up()
    assert clerk.get(location).status_code == 404
    assert clerk.get(location + "/refusals").status_code == 404
    assert clerk.get(PATH).json()["data"] == []
    assert api_with("payments.import").get(location).status_code == 200


def test_a_run_whose_worker_died_goes_on(teller: ApiClient, alice: Account, commits: Any) -> None:
    """The message is lost: the sweep finds the run and sends it again; what was posted before is skipped."""
    response = send(teller, text(row("A", alice, "5.00"), row("B", alice, "6.00")))  # no commit: no message
    run_id = response.json()["id"]
    later = clock.now() + dt.timedelta(minutes=2)
    ImportRun.objects.filter(pk=run_id).update(status="running")
    Job.objects.filter(pk=run_id).update(status="running", attempts=1, lease_until=clock.now(), run_token=uuid4())
    with commits():
        job_sweep(at=later, depth=lambda queue: 0)
    execute(run_id, later)
    assert ImportRun.objects.get(pk=run_id).status == "done"
    assert booked(alice) == 101100
    execute(run_id, later)
    assert booked(alice) == 101100


def test_who_lost_the_permission_imports_no_more(teller: ApiClient, alice: Account) -> None:
    run_id = send(teller, text(row("A", alice, "5.00"))).json()["id"]
    teller.user.is_active = False
    teller.user.save()
    execute(run_id, clock.now())
    run = ImportRun.objects.get(pk=run_id)
    assert (run.status, booked(alice)) == ("failed", 100000)


def test_another_file_under_the_key_of_a_failed_run_is_not_read_in_its_place(teller: ApiClient, alice: Account) -> None:
    first = text(row("A", alice, "5.00"))
    run_id = UUID(send(teller, first, key="may").json()["id"])
    upload_path(run_id).unlink()  # as after a failure
    ImportRun.objects.filter(pk=run_id).update(status="failed")
    other = send(teller, text(row("A", alice, "900.00")), key="may")
    assert (other.json()["code"], upload_path(run_id).exists()) == ("idempotency-key-reused", False)
    assert send(teller, first, key="may").status_code == 202
    assert upload_path(run_id).exists(), "with its own file it can be tried again"
