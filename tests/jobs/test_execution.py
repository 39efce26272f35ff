"""What becomes of a job: done, tried again, failed for good, cancelled, taken over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError

from apps.audit.models import AuditEvent
from apps.core.errors import IdempotencyKeyReused, Unavailable, Unprocessable
from apps.jobs.errors import DeadLetterDecided, JobFinished, JobKindUnknown
from apps.jobs.models import DeadLetter, Job
from apps.jobs.registry import JobResult, JobRun
from apps.jobs.services import dead_letter_discard, dead_letter_retry, job_cancel, job_sweep
from tests.factories.identity import UserFactory
from tests.jobs.conftest import AT, execute, start

pytestmark = pytest.mark.django_db
KindWith = Callable[..., str]
MINUTE = dt.timedelta(minutes=1)


def raises(error: Exception) -> Callable[[JobRun], None]:
    def run(job: JobRun) -> None:
        raise error

    return run


def test_a_job_is_done_once_and_keeps_what_came_of_it(kind_with: KindWith) -> None:
    seen = []

    def work(run: JobRun) -> JobResult:
        seen.append(run.payload)
        run.progress(done=1, total=4, message="a quarter")
        run.progress(done=4, total=4, message="all")
        return JobResult({"rows": 4}, url="/api/v1/rows")

    job = execute(start(kind_with(work), payload={"file": "a.csv"}))
    assert (job.status, job.result, job.result_url, job.attempts) == ("done", {"rows": 4}, "/api/v1/rows", 1)
    assert (job.progress_done, job.progress_total, job.percent) == (4, 4, 100)
    assert (job.finished_at, job.run_token, job.lease_until) == (AT, None, None)
    assert execute(job).attempts == 1
    assert seen == [{"file": "a.csv"}]


def test_a_key_starts_one_job(kind_with: KindWith) -> None:
    kind, user = kind_with(lambda run: None), UserFactory()
    first = start(kind, acting_user=user, key="a", payload={"n": 1})
    assert start(kind, acting_user=user, key="a", payload={"n": 1}) == first
    assert start(kind, acting_user=UserFactory(), key="a") != first, "keys are each owner's own"
    with pytest.raises(IdempotencyKeyReused):
        start(kind, acting_user=user, key="a", payload={"n": 2})
    assert start(kind, key="of the bank") == start(kind, key="of the bank")


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(JobKindUnknown):
        start("tests.nobody")


def test_the_messages_carry_queue_and_time_limits(
    kind_with: KindWith, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    from apps.jobs.tasks import run

    sent: list[Any] = []
    monkeypatch.setattr(run, "apply_async", lambda args=None, kwargs=None, **options: sent.append((kwargs, options)))
    with django_capture_on_commit_callbacks(execute=True):
        job = start(kind_with(lambda run: None, queue="bulk", minutes=2))
    (kwargs, options) = sent[0]
    assert kwargs == {"job_id": str(job.pk)}
    assert (options["queue"], options["soft_time_limit"], options["time_limit"]) == ("bulk", 120, 180)


@pytest.mark.parametrize("error", [OperationalError("gone"), Unavailable(), ConnectionError(), TimeoutError()])
def test_what_may_pass_is_tried_three_times_more_with_growing_pauses(kind_with: KindWith, error: Exception) -> None:
    job = start(kind_with(raises(error)))
    at, pauses = AT, []
    for attempt in (1, 2, 3):
        assert execute(job, at).status == "queued"
        assert job.attempts == attempt
        pauses.append((job.available_at - at).total_seconds())
        assert execute(job, job.available_at - dt.timedelta(seconds=1)).attempts == attempt, "it waits its pause"
        at = job.available_at
    assert all(low <= pause <= 3 * low for low, pause in zip((5, 20, 80), pauses, strict=True)), pauses
    assert execute(job, at).status == "failed"
    letter = DeadLetter.objects.get(job=job)
    assert (letter.reason, letter.attempts, letter.error["status"]) == ("exhausted", 4, job.error["status"])
    assert "Error" in letter.traceback or "Unavailable" in letter.traceback


@pytest.mark.parametrize(
    ("error", "reason", "code"),
    [
        (Unprocessable("No such file."), "refused", "unprocessable"),
        (ZeroDivisionError("a secret of ours"), "error", "server-error"),
        (SoftTimeLimitExceeded(), "time-limit", "server-error"),
    ],
    ids=["refused", "bug", "time-limit"],
)
def test_what_will_not_pass_is_a_dead_letter_at_once(
    kind_with: KindWith, error: Exception, reason: str, code: str
) -> None:
    job = execute(start(kind_with(raises(error)), payload={"a": 1}))
    letter = DeadLetter.objects.get(job=job)
    assert (job.status, job.attempts, job.error["code"]) == ("failed", 1, code)
    assert (letter.reason, letter.payload, letter.decision) == (reason, {"a": 1}, "open")
    assert "secret" not in str(job.error)
    assert type(error).__name__ in letter.traceback


def test_a_kind_that_is_gone_is_a_dead_letter(kind_with: KindWith) -> None:
    from apps.jobs import registry

    job = start(kind_with(lambda run: None))
    del registry._kinds["tests.work"]
    assert execute(job).error["code"] == "job-kind-unknown"  # type: ignore[index]


def test_a_dead_letter_is_retried_with_all_its_tries(kind_with: KindWith) -> None:
    job, staff = execute(start(kind_with(raises(ZeroDivisionError())))), UserFactory()
    letter = DeadLetter.objects.get(job=job)
    later = AT + MINUTE
    dead_letter_retry(acting_user=staff, letter_id=letter.pk, note="fixed", at=later)
    kind_with(lambda run: JobResult({"ok": True}))
    assert execute(job, later).status == "done"
    assert job.error is None
    letter.refresh_from_db()
    assert (letter.decision, letter.decided_by, letter.note) == ("retried", staff, "fixed")
    event = AuditEvent.objects.get(action="jobs.dead_letter.retried")
    assert (event.actor_id, event.reason, event.after["job"]) == (staff.pk, "fixed", str(job.pk))
    with pytest.raises(DeadLetterDecided):
        dead_letter_discard(acting_user=staff, letter_id=letter.pk, note="no", at=later)


def test_a_discarded_letter_leaves_the_job_failed(kind_with: KindWith) -> None:
    job, staff = execute(start(kind_with(raises(ZeroDivisionError())))), UserFactory()
    letter = DeadLetter.objects.get(job=job)
    dead_letter_discard(acting_user=staff, letter_id=letter.pk, note="not needed", at=AT)
    assert execute(job).status == "failed"
    assert AuditEvent.objects.filter(action="jobs.dead_letter.discarded", actor=staff).exists()


def test_a_waiting_job_is_cancelled_at_once(kind_with: KindWith) -> None:
    job = start(kind_with(lambda run: None))
    job_cancel(acting_user=None, job_id=job.pk, at=AT)
    assert execute(job).status == "cancelled"
    assert job.attempts == 0
    assert job_cancel(acting_user=None, job_id=job.pk, at=AT).status == "cancelled"


def test_a_running_job_stops_where_it_tells_how_far_it_is(kind_with: KindWith) -> None:
    steps = []

    def work(run: JobRun) -> None:
        steps.append("before")
        job_cancel(acting_user=None, job_id=run.id, at=AT)
        run.progress(done=1, total=1)
        steps.append("after")

    job = execute(start(kind_with(work)))
    assert (job.status, steps) == ("cancelled", ["before"])
    assert not DeadLetter.objects.filter(job=job).exists()


def test_a_cancelled_job_that_fails_by_chance_is_not_tried_again(kind_with: KindWith) -> None:
    def work(run: JobRun) -> None:
        job_cancel(acting_user=None, job_id=run.id, at=AT)
        raise OperationalError("gone")

    assert execute(start(kind_with(work))).status == "cancelled"


def test_a_job_that_has_ended_is_not_cancelled(kind_with: KindWith) -> None:
    job = execute(start(kind_with(lambda run: None)))
    with pytest.raises(JobFinished):
        job_cancel(acting_user=None, job_id=job.pk, at=AT)


def lost(job: Job, **values: Any) -> None:
    """As a worker leaves it that was killed."""
    import uuid

    values = {"attempts": 1, "lease_until": AT + MINUTE, **values}
    Job.objects.filter(pk=job.pk).update(status="running", run_token=uuid.uuid4(), started_at=AT, **values)


def test_the_sweep_gives_the_job_of_a_lost_worker_to_another(kind_with: KindWith) -> None:
    job = start(kind_with(lambda run: None))
    lost(job)
    assert job_sweep(at=AT, depth=lambda queue: 0) == 0, "its lease is not over"
    assert execute(job).status == "running", "nobody else takes it meanwhile"
    job_sweep(at=AT + 2 * MINUTE, depth=lambda queue: 0)
    assert execute(job, AT + 2 * MINUTE).status == "done"
    assert job.attempts == 2


def test_a_job_that_kills_each_worker_ends_as_a_dead_letter(kind_with: KindWith) -> None:
    job = start(kind_with(lambda run: None))
    lost(job, attempts=4)
    job_sweep(at=AT + 2 * MINUTE, depth=lambda queue: 0)
    job.refresh_from_db()
    assert (job.status, DeadLetter.objects.get(job=job).reason) == ("failed", "lost")


def test_a_lost_job_that_was_to_be_cancelled_is(kind_with: KindWith) -> None:
    job = start(kind_with(lambda run: None))
    lost(job, cancel_asked_at=AT)
    job_sweep(at=AT + 2 * MINUTE, depth=lambda queue: 0)
    job.refresh_from_db()
    assert job.status == "cancelled"


def test_an_execution_that_was_taken_over_writes_nothing_more(kind_with: KindWith) -> None:
    def work(run: JobRun) -> JobResult:
        lost(Job.objects.get(pk=run.id))
        run.progress(done=1, total=1)
        return JobResult({"late": True})

    job = execute(start(kind_with(work)))
    assert (job.status, job.result, job.progress_done) == ("running", None, 0)

    def silent(run: JobRun) -> JobResult:
        lost(Job.objects.get(pk=run.id))
        return JobResult({"late": True})

    assert execute(start(kind_with(silent))).result is None


def test_old_jobs_are_removed_and_undecided_failures_stay(kind_with: KindWith) -> None:
    from apps.jobs.services import job_tidy

    Job.objects.all().delete()
    done, undecided, decided, waiting = (start(kind_with(raises(ZeroDivisionError()))) for _ in range(4))
    execute(undecided), execute(decided)
    kind_with(lambda run: None)
    execute(done)
    letter = DeadLetter.objects.get(job=decided)
    dead_letter_discard(acting_user=UserFactory(), letter_id=letter.pk, note="no", at=AT)
    assert job_tidy(before=AT) == 0
    assert job_tidy(before=AT + MINUTE) == 2
    assert set(Job.objects.all()) == {undecided, waiting}


def sweeps(at: dt.datetime, depth: int | None) -> int:
    return job_sweep(at=at, depth=lambda queue: depth)


def test_messages_that_an_emptied_broker_lost_are_sent_again(kind_with: KindWith) -> None:
    start(kind_with(lambda run: None))
    assert sweeps(AT + dt.timedelta(seconds=10), 0) == 0, "the worker may be about to take it"
    assert sweeps(AT + MINUTE, 3) == 0, "it waits behind others"
    assert sweeps(AT + MINUTE, None) == 0, "the broker is away"
    assert sweeps(AT + MINUTE, 0) == 1
    assert sweeps(AT + MINUTE, 0) == 0
    assert sweeps(AT + 20 * MINUTE, 3) == 1, "in a queue that is never empty"


def test_a_pause_that_is_over_is_announced(kind_with: KindWith) -> None:
    job = execute(start(kind_with(raises(Unavailable()))))
    assert sweeps(AT + dt.timedelta(seconds=4), 0) == 0
    assert sweeps(job.available_at, 5) == 1
