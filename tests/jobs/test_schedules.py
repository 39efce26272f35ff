"""Schedules: once for each business date, by each branch's clock and calendar, missed dates caught up in order."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from apps.identity.models import Branch
from apps.jobs import registry
from apps.jobs.kinds import CLOSE
from apps.jobs.models import BusinessCalendar, Closure, DeadLetter, Job, ScheduleRun
from apps.jobs.registry import JobRun, Schedule, schedule_register
from apps.jobs.selectors import Calendar, calendar_of, due_at, schedule_states
from apps.jobs.services import dead_letter_discard, dead_letter_retry, schedule_tick
from apps.ledger.selectors import business_date_current
from apps.ledger.services import business_date_advance
from tests.factories.identity import BranchFactory, UserFactory
from tests.jobs.conftest import execute

pytestmark = pytest.mark.django_db
FRIDAY = dt.date(2026, 3, 6)


def moment(day: dt.date, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), tzinfo=dt.UTC)


@pytest.fixture
def schedule_with(kind_with: Any) -> Any:
    """The only schedule: at 08:00 in Nairobi, which is 05:00 UTC."""

    def make(run: Any = lambda run: None, **options: Any) -> Schedule:
        registry._schedules.clear()
        schedule = Schedule("tests.daily", "Daily", kind=kind_with(run), at=dt.time(8), **options)
        schedule_register(schedule)
        return schedule

    return make


def runs() -> list[tuple[str, str]]:
    rows = ScheduleRun.objects.order_by("business_date", "branch__code")
    return [(str(run.business_date), run.outcome) for run in rows]


def work_off(at: dt.datetime) -> None:
    for job in Job.objects.filter(status="queued"):
        execute(job, at)


def test_a_date_is_run_once_when_it_is_due(schedule_with: Any) -> None:
    schedule_with()
    at = moment(FRIDAY, 5, 0)
    assert schedule_tick(at=at - dt.timedelta(minutes=1)) == 1, "a new schedule begins with the newest date"
    work_off(at)
    assert schedule_tick(at=at) == 1
    assert schedule_tick(at=at) == 0
    job = Job.objects.get(payload__business_date=str(FRIDAY))
    assert job.key == f"schedule tests.daily bank {FRIDAY}"
    work_off(at)
    assert schedule_tick(at=moment(FRIDAY, 23)) == 0
    assert runs() == [("2026-03-05", "done"), ("2026-03-06", "done")]


def test_weekends_holidays_and_closures_are_no_business_days(schedule_with: Any) -> None:
    schedule_with()
    calendar = BusinessCalendar.objects.create(code="KE", name="Kenya", country="KE", is_default=True)
    Closure.objects.create(calendar=calendar, day=dt.date(2026, 4, 7), name="Stock taking")
    Closure.objects.create(calendar=calendar, day=dt.date(2026, 4, 4), name="Open Saturday", is_open=True)
    for day in range(1, 10):
        at = moment(dt.date(2026, 4, day), 6)
        schedule_tick(at=at)
        work_off(at)
    # 3 April Good Friday, 4 Saturday, 5 Sunday, 6 Easter Monday
    assert [day for day, _ in runs()] == ["2026-04-01", "2026-04-02", "2026-04-04", "2026-04-08", "2026-04-09"]


def test_missed_dates_are_caught_up_once_and_in_order(schedule_with: Any) -> None:
    done: list[str] = []
    schedule_with(lambda run: done.append(run.payload["business_date"]))
    schedule_tick(at=moment(FRIDAY, 6))
    work_off(moment(FRIDAY, 6))
    back = moment(dt.date(2026, 3, 11), 6)  # down from Friday to Wednesday
    for _ in range(6):
        schedule_tick(at=back)
        schedule_tick(at=back)
        work_off(back)
    assert done == ["2026-03-06", "2026-03-09", "2026-03-10", "2026-03-11"]


def test_a_reminder_that_is_late_is_not_sent_four_times(schedule_with: Any) -> None:
    schedule_with(catch_up=False, every_day=True)
    schedule_tick(at=moment(FRIDAY, 6))
    work_off(moment(FRIDAY, 6))
    back = moment(dt.date(2026, 3, 9), 6)
    schedule_tick(at=back)
    work_off(back)
    assert runs() == [("2026-03-06", "done"), ("2026-03-07", "skipped"), ("2026-03-08", "skipped"),
                      ("2026-03-09", "done")]  # fmt: skip


def test_a_failed_date_holds_the_later_ones_until_somebody_decides(schedule_with: Any) -> None:
    failing = {"on": True}

    def work(run: JobRun) -> None:
        if failing["on"]:
            raise ZeroDivisionError

    schedule_with(work, every_day=True)
    at = moment(FRIDAY, 6)
    schedule_tick(at=at)
    work_off(at)
    later = moment(FRIDAY + dt.timedelta(days=2), 6)
    assert schedule_tick(at=later) == 0
    assert runs() == [("2026-03-06", "failed")]
    failing["on"] = False
    dead_letter_retry(
        acting_user=UserFactory(), letter_id=DeadLetter.objects.get(kind="tests.work").pk, note="fixed", at=later
    )
    work_off(later)
    assert schedule_tick(at=later) == 1
    assert runs() == [("2026-03-06", "done"), ("2026-03-07", "started")]


def test_a_discarded_date_lets_the_later_ones_go_on(schedule_with: Any) -> None:
    def work(run: JobRun) -> None:
        raise ZeroDivisionError

    schedule_with(work, every_day=True)
    schedule_tick(at=moment(FRIDAY, 6))
    work_off(moment(FRIDAY, 6))
    later = moment(FRIDAY + dt.timedelta(days=1), 6)
    dead_letter_discard(
        acting_user=UserFactory(), letter_id=DeadLetter.objects.get(kind="tests.work").pk, note="not needed", at=later
    )
    assert schedule_tick(at=later) == 1


def test_each_branch_has_its_own_clock_and_calendar(schedule_with: Any) -> None:
    Branch.objects.update(is_active=False)
    nairobi = BranchFactory(code="A-NBO", time_zone="Africa/Nairobi")
    dubai = BranchFactory(code="B-DXB", time_zone="Asia/Dubai")
    weekend = BusinessCalendar.objects.create(code="AE", name="Gulf", weekend=[5, 6])
    weekend.branches.add(dubai)
    schedule = schedule_with(per_branch=True)
    assert due_at(schedule, branch=dubai, day=FRIDAY) == moment(FRIDAY, 4)
    thursday = FRIDAY - dt.timedelta(days=1)
    for day, hour in ((thursday, 6), (FRIDAY, 4), (FRIDAY, 5)):
        schedule_tick(at=moment(day, hour))
        work_off(moment(day, hour))
    found = {(run.branch_id, run.business_date) for run in ScheduleRun.objects.all()}
    assert found == {(nairobi.pk, thursday), (dubai.pk, thursday), (nairobi.pk, FRIDAY)}
    assert Job.objects.filter(branch_id=dubai.pk).count() == 1


def test_a_clock_that_is_put_forward_skips_nothing(schedule_with: Any) -> None:
    """2:30 does not exist in Berlin on 29 March 2026; on 25 October it comes twice."""
    Branch.objects.update(is_active=False)
    BranchFactory(time_zone="Europe/Berlin")
    schedule_with(per_branch=True, every_day=True)
    registry._schedules["tests.daily"] = Schedule(
        "tests.daily", "Daily", kind="tests.work", at=dt.time(2, 30), per_branch=True, every_day=True
    )
    for first in (dt.date(2026, 3, 27), dt.date(2026, 10, 23)):
        ScheduleRun.objects.all().delete()
        Job.objects.all().delete()
        at = moment(first, 12)
        for _ in range(4 * 24 * 4):
            schedule_tick(at=at)
            work_off(at)
            at += dt.timedelta(minutes=15)
        days = [day for day, _ in runs()]
        assert days == [str(first + dt.timedelta(days=offset)) for offset in range(5)], days


def test_the_close_waits_for_the_books_however_late_it_is(registries: None) -> None:
    """A bank that comes back after midnight ticks before its business date is rolled: that fails no close."""
    close = registry._schedules[CLOSE]
    today = business_date_current()
    registry._schedules.clear()
    schedule_register(close)
    night = moment(today + dt.timedelta(days=1), 3)
    assert (schedule_tick(at=night), runs()) == (0, [])
    business_date_advance(acting_user=None, to=today + dt.timedelta(days=1), at=night)
    assert (schedule_tick(at=night), runs()) == (1, [(str(today), "started")])


def test_states_say_last_and_next(schedule_with: Any) -> None:
    schedule = schedule_with()
    at = moment(FRIDAY, 6)
    (before,) = schedule_states(at=at)
    assert (before.last, before.next_date) == (None, FRIDAY)
    schedule_tick(at=at)
    work_off(at + dt.timedelta(seconds=90))
    (state,) = schedule_states(at=at + dt.timedelta(minutes=5))
    assert state.last is not None
    assert (state.last.outcome, state.seconds) == ("done", 90)
    assert state.next_date == dt.date(2026, 3, 9)
    assert state.next_at == due_at(schedule, branch=None, day=dt.date(2026, 3, 9))


def test_what_left_the_code_is_not_sent_for_ever() -> None:
    from celery import current_app
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    from apps.jobs.pulse import entries_forget

    every = IntervalSchedule.objects.create(every=60, period="seconds")
    kept = next(iter(current_app.conf.beat_schedule))
    for name in (kept, "payments.import_sweep"):
        PeriodicTask.objects.get_or_create(name=name, defaults={"task": name, "interval": every})
    entries_forget()
    assert set(PeriodicTask.objects.values_list("name", flat=True)) == {kept}


def test_without_a_calendar_the_bank_s_country_decides(settings: Any) -> None:
    assert calendar_of().country == settings.NUMINA["COUNTRY"]
    assert calendar_of() == Calendar(settings.NUMINA["COUNTRY"])
    assert not calendar_of().is_business_day(dt.date(2026, 12, 25))
    assert calendar_of().next_after(dt.date(2026, 12, 24)) == dt.date(2026, 12, 28)


def test_a_calendar_that_never_opens_is_an_error() -> None:
    with pytest.raises(ValueError, match="no business day"):
        Calendar("", weekend=frozenset(range(1, 8))).next_after(FRIDAY)
