"""Pages of jobs on the staff site."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from apps.audit.models import AuditEvent
from apps.identity.models import User
from apps.jobs.models import BusinessCalendar, CloseRun, Closure, DeadLetter, Job, ScheduleRun
from apps.jobs.registry import JobRun
from apps.jobs.services import job_start, schedule_tick
from tests.factories.identity import user_make
from tests.jobs.conftest import AT, execute, start

pytestmark = pytest.mark.django_db
ALL = ("backoffice.dashboard", "jobs.view", "jobs.manage", "jobs.close")


@pytest.fixture
def staff() -> Callable[..., tuple[Client, User]]:
    def make(*permissions: str, **options: Any) -> tuple[Client, User]:
        client, user = Client(), user_make(*permissions, **options)
        client.force_login(user)
        return client, user

    return make


@pytest.fixture
def letter(kind_with: Any) -> DeadLetter:
    def work(run: JobRun) -> None:
        raise ZeroDivisionError("<script>alert(1)</script>")

    return DeadLetter.objects.get(job=execute(start(kind_with(work), payload={"text": "<b>"})))


def test_lists_open_empty_and_with_rows(staff: Any, letter: DeadLetter) -> None:
    client, _ = staff(*ALL)
    schedule_tick(at=AT)
    for name in ("job", "deadletter", "schedulerun", "closerun", "businesscalendar", "closure"):
        url = reverse(f"admin:jobs_{name}_changelist")
        assert client.get(url).status_code == 200, name
        assert staff("members.view")[0].get(url).status_code == 403, name
    text = client.get(reverse("admin:jobs_job_changelist")).content.decode()
    assert "1 failed, undecided" in text


def test_tellers_see_their_own_jobs_only(staff: Any, kind_with: Any) -> None:
    client, user = staff("backoffice.dashboard", scope="branch")
    kind = kind_with(lambda run: None)
    mine, other = start(kind, acting_user=user), start(kind)
    assert client.get(reverse("admin:jobs_job_change", args=[mine.pk])).status_code == 200
    assert client.get(reverse("admin:jobs_job_change", args=[other.pk])).status_code == 404
    assert client.get(reverse("admin:jobs_job_live", args=[other.pk])).status_code == 404
    assert client.post(reverse("admin:jobs_job_cancel", args=[other.pk])).status_code == 404
    assert client.get(reverse("admin:jobs_deadletter_changelist")).status_code == 403


def test_a_job_s_page_follows_it(staff: Any, kind_with: Any) -> None:
    client, _ = staff(*ALL)
    job = start(kind_with(lambda run: None))
    page = client.get(reverse("admin:jobs_job_change", args=[job.pk])).content.decode()
    live = reverse("admin:jobs_job_live", args=[job.pk])
    assert f'data-live="{live}"' in page
    assert "jobs/live.js" in page
    part = client.get(live)
    assert part["ETag"] == '"1"'
    assert "data-live-end" not in part.content.decode()
    assert client.get(live, headers={"If-None-Match": '"1"'}).status_code == 304
    execute(job)
    part = client.get(live, headers={"If-None-Match": '"1"'})
    assert part.status_code == 200
    assert "data-live-end" in part.content.decode()


def test_a_job_is_cancelled_by_button(staff: Any, kind_with: Any) -> None:
    client, user = staff(*ALL)
    job = start(kind_with(lambda run: None))
    url = reverse("admin:jobs_job_cancel", args=[job.pk])
    assert client.get(url).status_code == 405
    assert staff("backoffice.dashboard", "jobs.view")[0].post(url).status_code == 403
    assert client.post(url).status_code == 302
    job.refresh_from_db()
    assert job.status == "cancelled"
    assert AuditEvent.objects.filter(action="jobs.job.cancelled", actor=user, object_id=str(job.pk)).exists()


def test_failed_jobs_are_decided_with_a_reason(staff: Any, letter: DeadLetter) -> None:
    client, user = staff(*ALL)
    url = reverse("admin:jobs_deadletter_change", args=[letter.pk])
    page = client.get(url).content.decode()
    assert "<script>alert" not in page
    assert "ZeroDivisionError" in page
    retry = reverse("admin:jobs_deadletter_retry", args=[letter.pk])
    assert staff("backoffice.dashboard", "jobs.view")[0].post(retry, {"note": "x"}).status_code == 403
    client.post(retry, {"note": ""})
    letter.refresh_from_db()
    assert letter.decision == "open", "a decision needs a reason"
    client.post(retry, {"note": "fixed"})
    letter.refresh_from_db()
    assert (letter.decision, letter.decided_by, letter.note) == ("retried", user, "fixed")
    assert "Try again" not in client.get(url).content.decode()


def test_schedules_show_last_and_next(staff: Any) -> None:
    client, _ = staff(*ALL)
    schedule_tick(at=AT)
    cache.delete("pulse:jobs.sweep")
    page = client.get(reverse("admin:jobs_schedules")).content.decode()
    assert "Close of business" in page
    assert "jobs.sweep" in page
    assert ScheduleRun.objects.filter(schedule="jobs.close_of_business").count() == 1
    assert staff("members.view")[0].get(reverse("admin:jobs_schedules")).status_code == 403


def test_the_close_is_previewed_started_and_followed(staff: Any) -> None:
    client, user = staff(*ALL)
    url = reverse("admin:jobs_closerun_start")
    page = client.get(url).content.decode()
    assert "Seal the journal" in page
    assert not CloseRun.objects.exists()
    key = uuid.uuid4().hex
    assert client.post(url, {"key": key}).status_code == 302
    assert client.post(url, {"key": key}).status_code == 302
    (job,) = Job.objects.filter(owner=user)
    execute(job, job.available_at)
    assert job.status == "done", job.error
    run = CloseRun.objects.get()
    page = client.get(reverse("admin:jobs_closerun_change", args=[run.pk])).content.decode()
    assert "Prove the books of the date" in page
    live = client.get(reverse("admin:jobs_closerun_live", args=[run.pk]))
    assert "data-live-end" in live.content.decode()
    assert (
        client.get(
            reverse("admin:jobs_closerun_live", args=[run.pk]), headers={"If-None-Match": live["ETag"]}
        ).status_code
        == 304
    )
    assert staff("backoffice.dashboard", "jobs.view")[0].get(url).status_code == 403


def test_calendars_and_closures_are_kept_here(staff: Any) -> None:
    client, user = staff(*ALL)
    url = reverse("admin:jobs_businesscalendar_add")
    values = {"code": "KE", "name": "Kenya", "country": "ke", "subdivision": "", "weekend": "6,7", "is_default": "on"}
    values |= {"hours-TOTAL_FORMS": "0", "hours-INITIAL_FORMS": "0"}
    assert client.post(url, {**values, "country": "ZZ"}).status_code == 200
    assert client.post(url, {**values, "weekend": "1,2,3,4,5,6,7"}).status_code == 200
    assert not BusinessCalendar.objects.exists()
    response = client.post(url, values)
    assert response.status_code == 302, response.context and response.context["adminform"].form.errors
    calendar = BusinessCalendar.objects.get()
    assert (calendar.country, calendar.weekend) == ("KE", [6, 7])
    added = {"calendar": calendar.pk, "day": "2026-03-04", "name": "Founder's day"}
    assert client.post(reverse("admin:jobs_closure_add"), added).status_code == 302
    assert Closure.objects.get().history.get().history_user == user
    assert AuditEvent.objects.filter(action="jobs.closure.created", actor=user).exists()
    assert staff("jobs.view")[0].post(url, values).status_code == 403


def test_the_owner_of_a_job_is_told_of_its_end(kind_with: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.core import notices

    told: list[Any] = []
    monkeypatch.setattr(notices, "_notifiers", [lambda **options: told.append(options) or []])
    owner, keeper = user_make(), user_make("jobs.manage")
    execute(job_start(acting_user=owner, kind=kind_with(lambda run: None), at=AT)[0])

    def work(run: JobRun) -> None:
        raise ZeroDivisionError

    execute(job_start(acting_user=owner, kind=kind_with(work), at=AT)[0])
    kinds = [(one["kind"].code, list(one["recipients"])) for one in told]
    assert [kind for kind, _ in kinds] == ["jobs.done", "jobs.failed", "jobs.dead_letter"]
    assert kinds[0][1] == kinds[1][1] == [owner.pk]
    assert keeper.pk in kinds[2][1]


def test_nobody_to_tell_undoes_nothing(kind_with: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.core import notices

    monkeypatch.setattr(notices, "_notifiers", [])
    assert execute(job_start(acting_user=user_make(), kind=kind_with(lambda run: None), at=AT)[0]).status == "done"
