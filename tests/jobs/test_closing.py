"""The close of business: in order, by partitions, once a date, on from where it stopped, one runner at a time."""

from __future__ import annotations

import datetime as dt
import io
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections

from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.errors import Unavailable, Unprocessable
from apps.jobs import registry
from apps.jobs.errors import CloseNotPossible, CloseStepFailed, CloseUnderWay
from apps.jobs.locks import CLOSE_LOCK
from apps.jobs.models import ClosePart, CloseRun, Job
from apps.jobs.registry import CloseContext, CloseStep, step_register
from apps.jobs.services import close_date_default, close_preview, close_run, job_start
from apps.ledger.selectors import business_date_current
from tests.jobs.conftest import AT, execute

DAY = dt.date(2026, 3, 3)
Steps = Callable[..., list[str]]


@pytest.fixture
def day_after(registries: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The open business date is the day after DAY."""
    monkeypatch.setattr(registry, "_business_day", [lambda: DAY + dt.timedelta(days=1)])


@pytest.fixture
def steps(day_after: None) -> Steps:
    """`steps(a=("x", "y"), b=("",))` makes these the only steps; the list of what ran is returned and filled."""

    def make(fail: dict[str, Exception] | None = None, **partitions: Sequence[str]) -> list[str]:
        ran: list[str] = []
        registry._steps.clear()

        def run_of(name: str) -> Any:
            def run(context: CloseContext, partition: str) -> dict[str, Any]:
                ran.append(f"{name}.{partition}")
                error = (fail or {}).get(f"{name}.{partition}")
                if error is not None:
                    raise error
                return {"date": context.business_date.isoformat()}

            return run

        for order, (name, parts) in enumerate(partitions.items()):
            step_register(
                CloseStep(name, name.title(), order, run=run_of(name), partitions=lambda context, parts=parts: parts)
            )
        return ran

    return make


def close(day: dt.date = DAY) -> dict[str, Any]:
    return close_run(acting_user=None, business_date=day, now=lambda: AT)


@pytest.mark.django_db
def test_steps_are_done_in_order_and_a_second_close_changes_nothing(steps: Steps) -> None:
    ran = steps(first=("north", "south"), second=("",))
    report = close()
    assert ran == ["first.north", "first.south", "second."]
    assert (report["status"], report["starts"]) == ("done", 1)
    assert [(row["step"], row["partition"], row["status"]) for row in report["steps"]] == [
        ("first", "north", "done"),
        ("first", "south", "done"),
        ("second", "", "done"),
    ]
    assert close() == report
    assert len(ran) == 3
    events = AuditEvent.objects.filter(action__startswith="jobs.close", object_id=report["id"])
    assert list(events.values_list("action", flat=True)) == [
        "jobs.close.finished",
        "jobs.close.started",
    ]


@pytest.mark.django_db
def test_a_failed_partition_stops_later_steps_and_is_where_the_next_run_goes_on(steps: Steps) -> None:
    fail = {"first.b": Unprocessable("No rate for today.")}
    ran = steps(fail, first=("a", "b", "c"), second=("",))
    with pytest.raises(CloseStepFailed, match="No rate for today"):
        close()
    assert ran == ["first.a", "first.b", "first.c"], "the other partitions of the step are done"
    run = CloseRun.objects.get(business_date=DAY)
    part = ClosePart.objects.get(run=run, partition="b")
    assert (run.status, part.status, part.error) == ("failed", "failed", "No rate for today.")
    fail.clear()
    ran.clear()
    assert close()["status"] == "done"
    assert ran == ["first.b", "second."]
    part.refresh_from_db()
    assert (part.attempts, part.error, CloseRun.objects.get().starts) == (2, "", 2)


@pytest.mark.django_db
def test_what_may_pass_is_left_to_the_retries_of_the_job(steps: Steps) -> None:
    fail: dict[str, Exception] = {"first.": Unavailable()}
    steps(fail, first=("",))
    job = execute(_job())
    assert (job.status, job.attempts) == ("queued", 1)
    fail.clear()
    job = execute(job, job.available_at)
    assert job.status == "done"
    assert job.result_url == f"/api/v1/close-of-business/{CloseRun.objects.get().pk}"


def _job(**payload: Any) -> Job:
    payload = {"business_date": DAY.isoformat(), **payload}
    return job_start(acting_user=None, kind="jobs.close_of_business", payload=payload, at=AT)[0]


@pytest.mark.django_db
def test_a_cancelled_close_stops_between_partitions_and_goes_on_later(steps: Steps) -> None:
    from apps.jobs.services import job_cancel

    ran = steps(first=("a", "b"), second=("",))
    job = _job()
    plain = registry._steps["first"]

    def cancels(context: CloseContext, partition: str) -> Any:
        if partition == "b":
            job_cancel(acting_user=None, job_id=job.pk, at=AT)
        return plain.run(context, partition)

    registry._steps["first"] = CloseStep("first", "First", 0, run=cancels, partitions=plain.partitions)
    execute(job)
    assert (job.status, CloseRun.objects.get(business_date=DAY).status) == ("cancelled", "failed")
    assert close()["status"] == "done"
    assert ran == ["first.a", "first.b", "second."]


@pytest.mark.django_db
def test_books_that_do_not_add_up_stop_the_close(day_after: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.balances import closing

    monkeypatch.setattr(closing, "day_faults", lambda day: ["the balances of KES do not sum to zero but to 1"])
    before = business_date_current()
    with pytest.raises(CloseStepFailed, match="do not sum to zero"):
        close()
    assert business_date_current() == before
    failed = ClosePart.objects.get(run__business_date=DAY, status="failed")
    assert failed.step == "balances.day_verify"
    assert not ClosePart.objects.filter(run__business_date=DAY, step="ledger.business_date").exists()


@pytest.mark.django_db
def test_what_a_killed_runner_had_in_hand_is_done_again(steps: Steps) -> None:
    ran = steps(first=("a", "b"))
    run = CloseRun.objects.create(business_date=DAY, started_at=AT, starts=1)
    ClosePart.objects.create(run=run, position=0, step="first", partition="a", status="done")
    ClosePart.objects.create(run=run, position=0, step="first", partition="b", status="running", attempts=1)
    assert close()["status"] == "done"
    assert ran == ["first.b"]


@pytest.mark.django_db
def test_dates_are_closed_when_they_are_over_and_in_order(steps: Steps) -> None:
    fail = {"first.": Unprocessable()}
    steps(fail, first=("",))
    with pytest.raises(CloseNotPossible, match="not over"):
        close(DAY + dt.timedelta(days=1))
    assert close_date_default() == DAY
    yesterday = DAY - dt.timedelta(days=1)
    with pytest.raises(CloseStepFailed):
        close(yesterday)
    with pytest.raises(CloseNotPossible, match=str(yesterday)):
        close()
    assert close_date_default() == yesterday
    fail.clear()
    close(yesterday)
    assert close()["status"] == "done"


@pytest.mark.django_db
def test_a_dry_run_says_what_would_be_done_and_cannot_write(steps: Steps) -> None:
    from django.db import InternalError

    ran = steps(first=("a", "b"))
    preview = close_preview(business_date=DAY, at=AT)
    assert (preview["dry_run"], ran) == (True, [])
    assert [(row["partition"], row["status"]) for row in preview["steps"]] == [("a", "would-run"), ("b", "would-run")]
    assert not CloseRun.objects.exists()

    def writes(context: CloseContext, partition: str) -> None:
        CloseRun.objects.create(business_date=DAY, started_at=AT)

    step_register(CloseStep("careless", "Careless", 9, run=writes, preview=writes))
    with pytest.raises(InternalError, match="read-only"):
        close_preview(business_date=DAY, at=AT)
    assert not CloseRun.objects.exists()


@pytest.mark.django_db
def test_the_report_of_a_dry_run_is_the_result_of_its_job(steps: Steps) -> None:
    steps(first=("a",))
    job = execute(_job(dry_run=True))
    assert job.result is not None
    assert job.result["steps"][0]["status"] == "would-run"


def test_two_runners_at_once_do_each_partition_once(committed_db: None, steps: Steps) -> None:
    day = dt.date(1961, 1, 2)  # of this test alone: what is committed stays
    CloseRun.objects.filter(business_date=day).delete()
    started, finish = threading.Event(), threading.Event()
    ran = steps(first=("a",), second=("",))
    slow = registry._steps["first"]

    def wait(context: CloseContext, partition: str) -> Any:
        started.set()
        assert finish.wait(20)
        return slow.run(context, partition)

    registry._steps["first"] = CloseStep("first", "First", 0, run=wait, partitions=slow.partitions)
    reports: list[Any] = []

    def first() -> None:
        try:
            reports.append(close(day))
        finally:
            connections.close_all()

    thread = threading.Thread(target=first)
    thread.start()
    try:
        assert started.wait(20)
        with pytest.raises(CloseUnderWay):
            close(day)
    finally:
        finish.set()
        thread.join(20)
    assert reports[0]["status"] == "done"
    assert close(day) == reports[0]
    assert ran == ["first.a", "second."]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s", [CLOSE_LOCK])
        assert cursor.fetchone() == (0,)
    CloseRun.objects.filter(business_date=day).delete()


def command(*args: str) -> Any:
    out = io.StringIO()
    call_command("close_of_business", *args, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.mark.django_db
def test_the_command_reports_and_fails_with_the_reason(steps: Steps) -> None:
    fail: dict[str, Exception] = {}
    steps(fail, first=("a",))
    assert command("--dry-run")["status"] == "preview"
    assert command("--date", str(DAY))["status"] == "done"
    out = io.StringIO()
    call_command("close_of_business", "--date", str(DAY), stdout=out)
    assert "First" in out.getvalue()
    with pytest.raises(CommandError, match="not over"):
        call_command("close_of_business", "--date", "2099-01-01", stdout=io.StringIO())


@pytest.mark.django_db
def test_the_bank_s_own_steps_close_a_day_and_the_clock_opens_the_next(settings: Any) -> None:
    today = business_date_current()
    yesterday = today - dt.timedelta(days=1)
    report = close_run(acting_user=None, business_date=yesterday, now=clock.now)
    assert [row["step"] for row in report["steps"]] == [
        step.name for step in registry.steps_all() if step.partitions(CloseContext(yesterday, AT))
    ]
    assert business_date_current() == today
    names = {row["step"]: row["result"] for row in report["steps"]}
    assert names["balances.day_verify"] == {"proofs": 4, "faults": 0}
    assert names["ledger.business_date"] == {"open": today.isoformat()}


@pytest.mark.django_db
def test_the_close_opens_the_next_business_date_where_the_bank_wants_it(settings: Any) -> None:
    from apps.jobs.selectors import calendar_of

    settings.NUMINA = {**settings.NUMINA, "BUSINESS_DATE_ROLL": "close_of_business"}
    today = business_date_current()
    assert close_date_default() == today
    following = calendar_of().next_after(today)
    preview = close_preview(business_date=today, at=clock.now())
    assert preview["steps"][-1]["result"] == {"opens": following.isoformat()}
    close_run(acting_user=None, business_date=today, now=clock.now)
    assert business_date_current() == following
    close_run(acting_user=None, business_date=today, now=clock.now)
    assert business_date_current() == following, "a second close opens no further date"

    from apps.ledger.tasks import business_date_roll

    business_date_roll()
    assert business_date_current() == following
