"""Jobs over HTTP: 202 and Location, progress with ETag, cancelling, dead letters, schedules, closes."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext

from apps.core.errors import InvalidRequest
from apps.identity.models import Branch
from apps.jobs.models import CloseRun, DeadLetter, Job
from apps.jobs.registry import JobResult, JobRun
from apps.jobs.services import close_run
from tests.conftest import ApiClient
from tests.jobs.conftest import AT, execute, start

pytestmark = pytest.mark.django_db
ApiWith = Callable[..., ApiClient]
KindWith = Callable[..., str]


def key(value: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": value or uuid.uuid4().hex}


def test_a_job_is_started_watched_and_found_done(api_with: ApiWith, kind_with: KindWith) -> None:
    def work(run: JobRun) -> JobResult:
        assert run.owner is not None
        return JobResult({"rows": run.payload["n"]}, url="/api/v1/members")

    api = api_with("members.view")
    body = {"kind": kind_with(work, permission="members.view"), "payload": {"n": 3}}
    response = api.post("jobs", body, headers=key("one"))
    assert response.status_code == 202, response.content
    job = response.json()
    assert response["Location"] == f"/api/v1/jobs/{job['id']}"
    assert (job["status"], job["progress"]["percent"], job["owner_id"]) == ("queued", 0, str(api.user.pk))  # type: ignore[union-attr]
    again = api.post("jobs", body, headers=key("one"))
    assert (again.json()["id"], again["Idempotency-Replayed"]) == (job["id"], "true")
    assert api.post("jobs", {**body, "payload": {}}, headers=key("one")).json()["code"] == "idempotency-key-reused"
    long = [api.post("jobs", body, headers=key("k" * 254 + end)) for end in ("1", "2", "2")]
    assert [one.get("Idempotency-Replayed") for one in long] == [None, None, "true"]
    execute(Job.objects.get(pk=job["id"]), dt.datetime.now(dt.UTC))
    done = api.get(f"jobs/{job['id']}").json()
    assert (done["status"], done["result"], done["result_url"]) == ("done", {"rows": 3}, "/api/v1/members")


def test_polling_is_answered_with_304_until_something_changes(api_with: ApiWith, kind_with: KindWith) -> None:
    api = api_with()
    job = start(kind_with(lambda run: None), acting_user=api.user)
    first = api.get(f"jobs/{job.pk}")
    tag = {"If-None-Match": f'"0", W/{first["ETag"]}'}  # the weak one of a proxy that compresses, among others
    assert api.get(f"jobs/{job.pk}", headers=tag).status_code == 304
    assert api.get(f"jobs/{job.pk}", headers={"If-None-Match": "*"}).status_code == 304
    execute(job)
    changed = api.get(f"jobs/{job.pk}", headers=tag)
    assert (changed.status_code, changed.json()["status"]) == (200, "done")


def test_kinds_have_permissions_of_their_own(api_with: ApiWith, kind_with: KindWith) -> None:
    def refuse(payload: Any) -> dict[str, Any]:
        raise InvalidRequest("No such file.", pointer="/payload/file")

    kind_with(lambda run: None, name="tests.open", permission="members.view", check=refuse)
    kind_with(lambda run: None, name="tests.inner")
    api = api_with("members.view")
    answers = {
        "tests.open": (400, "invalid-request"),
        "tests.inner": (400, "job-kind-unknown"),
        "tests.none": (400, "job-kind-unknown"),
        "jobs.close_of_business": (403, "permission-denied"),
    }
    for kind, expected in answers.items():
        response = api.post("jobs", {"kind": kind}, headers=key())
        assert (response.status_code, response.json()["code"]) == expected, kind
    assert not Job.objects.exists()


def test_who_sees_which_jobs(api_with: ApiWith, kind_with: KindWith, branch: Branch) -> None:
    kind = kind_with(lambda run: None)
    teller = api_with(scope="branch", branch=branch)
    manager = api_with("jobs.view", scope="branch", branch=branch)
    mine = start(kind, acting_user=teller.user)
    system = start(kind)
    manager_only = start(kind, acting_user=manager.user)

    def seen(client: ApiClient) -> set[str]:
        return {job["id"] for job in client.get("jobs").json()["data"]}

    assert seen(teller) == {str(mine.pk)}
    assert seen(manager) == {str(mine.pk), str(manager_only.pk)}
    assert seen(api_with("jobs.view")) == {str(mine.pk), str(manager_only.pk), str(system.pk)}
    assert teller.get(f"jobs/{system.pk}").json()["code"] == "job-not-found"
    assert teller.delete(f"jobs/{manager_only.pk}").status_code == 404
    assert manager.delete(f"jobs/{mine.pk}").status_code == 403
    assert teller.delete(f"jobs/{mine.pk}").json()["status"] == "cancelled"
    assert api_with("jobs.view", "jobs.manage").delete(f"jobs/{system.pk}").status_code == 202
    assert teller.delete(f"jobs/{mine.pk}").status_code == 202


def test_a_job_that_is_done_cannot_be_cancelled(api_with: ApiWith, kind_with: KindWith) -> None:
    api = api_with()
    job = execute(start(kind_with(lambda run: None), acting_user=api.user))
    response = api.delete(f"jobs/{job.pk}")
    assert (response.status_code, response.json()["code"]) == (409, "job-finished")


def test_lists_are_filtered_paged_and_cost_the_same(
    api_with: ApiWith, kind_with: KindWith, django_assert_num_queries: Any
) -> None:
    from django.db import connection

    api, kind = api_with("jobs.view"), kind_with(lambda run: None)
    jobs = [start(kind, at=AT + dt.timedelta(minutes=n), acting_user=api.user) for n in range(5)]
    execute(jobs[0], AT + dt.timedelta(hours=1))
    page = api.get("jobs?limit=3").json()
    rest = api.get(f"jobs?limit=3&cursor={page['next_cursor']}").json()
    assert [row["id"] for row in page["data"] + rest["data"]] == [str(job.pk) for job in reversed(jobs)]
    assert [row["id"] for row in api.get("jobs?status=done").json()["data"]] == [str(jobs[0].pk)]
    assert len(api.get("jobs?stuck=true").json()["data"]) == 4
    assert api.get("jobs?status=odd").status_code == 400
    with CaptureQueriesContext(
        connection,
    ) as few:
        api.get("jobs?limit=1")
    with CaptureQueriesContext(connection) as many:
        api.get("jobs?limit=5")
    assert len(few) == len(many)


def dead(kind_with: KindWith, **options: Any) -> DeadLetter:
    def work(run: JobRun) -> None:
        raise ZeroDivisionError

    return DeadLetter.objects.get(job=execute(start(kind_with(work), **options)))


def test_dead_letters_are_listed_and_decided(api_with: ApiWith, kind_with: KindWith) -> None:
    letter = dead(kind_with)
    viewer, keeper = api_with("jobs.view"), api_with("jobs.view", "jobs.manage")
    (row,) = viewer.get("dead-letters?decision=open").json()["data"]
    assert (row["id"], row["reason"], row["job_id"]) == (str(letter.pk), "error", str(letter.job_id))
    assert "ZeroDivisionError" in row["traceback"]
    assert viewer.post(f"dead-letters/{letter.pk}/retry", {"note": "x"}).status_code == 403
    assert keeper.post(f"dead-letters/{letter.pk}/retry", {"note": " "}).status_code == 400
    response = keeper.post(f"dead-letters/{letter.pk}/retry", {"note": "fixed"})
    assert (response.status_code, response["Location"]) == (202, f"/api/v1/jobs/{letter.job_id}")
    assert keeper.post(f"dead-letters/{letter.pk}/discard", {"note": "x"}).json()["code"] == "dead-letter-decided"
    other = dead(kind_with)
    assert keeper.post(f"dead-letters/{other.pk}/discard", {"note": "no"}).json()["decision"] == "discarded"
    assert viewer.get("dead-letters?decision=open").json()["data"] == []
    assert keeper.post(f"dead-letters/{uuid.uuid4()}/retry", {"note": "x"}).status_code == 404


def test_dead_letters_of_other_branches_do_not_exist(api_with: ApiWith, kind_with: KindWith, branch: Branch) -> None:
    letter = dead(kind_with)
    keeper = api_with("jobs.view", "jobs.manage", scope="branch", branch=branch)
    assert keeper.get("dead-letters").json()["data"] == []
    assert keeper.post(f"dead-letters/{letter.pk}/retry", {"note": "x"}).status_code == 404


def test_queues_and_schedules_are_seen(api_with: ApiWith, kind_with: KindWith) -> None:
    api = api_with("jobs.view")
    dead(kind_with)
    start("tests.work")
    queues = {row["queue"]: row for row in api.get("job-queues").json()["data"]}
    assert list(queues) == ["critical", "default", "bulk", "mail"]
    assert (queues["default"]["waiting"], queues["default"]["dead_letters"]) == (1, 1)
    names = {row["name"]: row for row in api.get("schedules").json()["data"]}
    assert names["jobs.close_of_business"]["time"] == "00:30:00"
    assert names["jobs.close_of_business"]["last_outcome"] is None


def test_metrics_show_what_waits_and_what_failed(kind_with: KindWith) -> None:
    from prometheus_client import REGISTRY

    dead(kind_with)
    start("tests.work")
    lines = {metric.name: metric for metric in REGISTRY.collect()}

    def value(name: str, queue: str = "default") -> float:
        return next(one.value for one in lines[name].samples if one.labels["queue"] == queue)

    assert (value("numina_jobs_waiting"), value("numina_dead_letters"), value("numina_dead_letters", "bulk")) == (
        1,
        1,
        0,
    )
    assert value("numina_jobs_oldest_seconds") > 0
    assert value("numina_jobs_stuck") == 1, "due since the time of the test's clock"


def test_a_close_is_started_and_reported(api_with: ApiWith) -> None:
    api = api_with("jobs.view", "jobs.close")
    response = api.post("close-of-business", {"dry_run": True}, headers=key())
    assert response.status_code == 202, response.content
    job = execute(Job.objects.get(pk=response.json()["id"]), dt.datetime.now(dt.UTC))
    assert (job.status, job.result["dry_run"]) == ("done", True), job.error  # type: ignore[index]
    day = dt.date.fromisoformat(job.payload["business_date"])
    close_run(acting_user=api.user, business_date=day, now=lambda: AT)
    run = CloseRun.objects.get(business_date=day)
    assert api.get("close-of-business").json()["data"][0]["id"] == str(run.pk)
    report = api.get(f"close-of-business/{run.pk}").json()
    assert (report["status"], report["parts"][-1]["step"]) == ("done", "ledger.business_date")
    assert api_with("jobs.view", scope="branch").get(f"close-of-business/{run.pk}").status_code == 404
