"""Working hours, reminders, escalation again and again, expiry, and standing in for somebody."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from apps.approvals.errors import AlreadyDecided, DelegationInvalid, DelegationLoop, MakerIsNotChecker, NotYourApproval
from apps.approvals.hours import WorkTime, worktime_of
from apps.approvals.models import ApprovalTimer, Delegation
from apps.approvals.selectors import levels_in_box, sla_report, trail_of
from apps.approvals.services import delegation_create, delegation_end, timers_sweep
from apps.approvals.services._change import request_end
from apps.approvals.tasks import event_announce
from apps.core.money import Money
from apps.jobs.models import BusinessCalendar, Closure
from apps.jobs.selectors import Calendar
from apps.notifications.models import Delivery, Notification
from tests.approvals.support import AT, Bank, decide, fresh

EAT = "Africa/Nairobi"
UTC = dt.UTC


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "hours", "zone", "end"),
    [
        ("2026-11-23T07:00", 4, EAT, "2026-11-23T11:00"),  # Monday 10:00 to 14:00 in Nairobi
        ("2026-11-23T07:00", 7, EAT, "2026-11-23T14:00"),  # to closing time
        ("2026-11-23T07:00", 8, EAT, "2026-11-24T06:00"),  # an hour of the next morning
        ("2026-11-20T13:30", 1, EAT, "2026-11-23T05:30"),  # Friday evening to Monday morning
        ("2026-11-21T09:00", 9, EAT, "2026-11-23T14:00"),  # Saturday does not count
        ("2026-12-24T13:00", 2, EAT, "2026-12-28T06:00"),  # Christmas and the weekend do not count
        ("2026-11-23T07:00", 90, EAT, "2026-12-07T07:00"),  # ten working days
        ("2026-11-23T22:00", 1, "Asia/Tokyo", "2026-11-24T00:00"),  # 07:00 there: from opening time
        ("2026-03-27T16:00", 9, "Europe/Berlin", "2026-03-30T15:00"),  # the clocks change over the weekend
        ("2026-11-23T07:00", 1, "Nowhere/Atall", "2026-11-23T09:00"),  # an unknown zone is UTC: 08:00 to 09:00
    ],
)
def test_only_working_hours_of_the_branch_count(start: str, hours: int, zone: str, end: str) -> None:
    assert WorkTime(Calendar("KE"), zone).after(at(start), hours) == at(end)


def test_the_calendar_of_the_branch_counts(bank: Bank) -> None:
    calendar = BusinessCalendar.objects.create(code=f"C{bank.word}", name="Six days", country="KE", weekend=[7])
    calendar.branches.add(bank.branch)
    Closure.objects.create(calendar=calendar, day=dt.date(2026, 11, 23), name="Stock-taking")
    clock = worktime_of(bank.branch)
    assert clock.after(at("2026-11-20T13:30"), 1) == at("2026-11-21T05:30")  # Saturday is worked
    calendar.hours.create(weekday=6, opens=dt.time(9), closes=dt.time(12))
    half_day = worktime_of(bank.branch)
    assert half_day.after(at("2026-11-20T13:30"), 3) == at("2026-11-21T08:30")  # from nine on
    assert half_day.after(at("2026-11-20T13:30"), 4) == at("2026-11-24T05:30")  # and to noon only
    assert clock.after(at("2026-11-23T07:00"), 1) == at("2026-11-24T06:00")  # and this Monday is not
    assert worktime_of(bank.head).after(at("2026-11-23T07:00"), 1) == at("2026-11-23T08:00")


def fired(request: Any, moment: dt.datetime) -> list[str]:
    """What a sweep did to this request."""
    done = set(ApprovalTimer.objects.filter(request=request).exclude(fired_at=None).values_list("pk", flat=True))
    timers_sweep(at=moment, limit=100_000)
    rows = ApprovalTimer.objects.filter(request=request).exclude(fired_at=None).exclude(pk__in=done)
    return [row.effect for row in rows.order_by("due_at", "id")]


def test_a_late_level_reminds_escalates_and_escalates_again(bank: Bank) -> None:
    bank.policy(bank.level("manager", 1, sla_hours=4, remind_hours=2), expire_hours=400)
    request = bank.submit()
    due = AT + dt.timedelta(hours=4)
    assert request.due_at == due
    assert fired(request, AT) == []
    assert fired(request, AT + dt.timedelta(hours=2)) == ["reminded"]
    with pytest.raises(NotYourApproval):
        decide(request, bank.chief)
    assert fired(request, due) == ["escalated"]  # the area is asked as well
    assert [level.request_id for level in levels_in_box(user=bank.chief, box="queue", at=due)] == [request.pk]
    assert not levels_in_box(user=bank.finance, box="queue", at=due)
    moment = due
    for times in (2, 3, 4):  # then the head office, again and again
        moment = ApprovalTimer.objects.get(request=request, what="escalate", fired_at=None).due_at
        assert fired(request, moment) == ["escalated"]
        assert request.levels.get().escalations == times
        assert [level.request_id for level in levels_in_box(user=bank.finance, box="breached", at=moment)] == [
            request.pk
        ]
    verbs = [event.action.rpartition(".")[2] for event in trail_of(request)]
    assert verbs == ["submitted", "reminded", "escalated", "escalated", "escalated", "escalated"]
    assert decide(request, bank.manager, at=moment).state == "executed"  # who was asked first may still decide
    assert set(fired(request, moment + dt.timedelta(days=300))) == {"void"}  # what is over does nothing
    assert not ApprovalTimer.objects.filter(request=request, fired_at=None).exists()


def test_escalation_asks_whom_the_policy_names_or_the_next_level(bank: Bank) -> None:
    bank.policy(
        bank.level("manager", 1, sla_hours=4, escalate_to={"role": bank.role("finance")}), bank.level("chief", 2)
    )
    request = bank.submit()
    fired(request, AT + dt.timedelta(hours=4))
    assert decide(request, bank.finance).stage == 2
    bank.policy(bank.level("manager", 1, sla_hours=4), bank.level("chief", 2))
    second = bank.submit()
    fired(second, AT + dt.timedelta(hours=4))
    assert decide(second, bank.chief).stage == 2
    with pytest.raises(AlreadyDecided):  # and is not counted twice
        decide(second, bank.chief, "reject")


def test_nobody_decides_and_it_expires(bank: Bank) -> None:
    bank.policy(bank.level("manager", 1, sla_hours=90), expire_hours=9)
    request = bank.submit()
    assert fired(request, AT + dt.timedelta(days=1)) == ["expired"]
    final = fresh(request)
    assert (final.state, final.state_by, final.process_ptr.status) == ("expired", None, "CANCELED")
    assert not levels_in_box(user=bank.manager, box="queue", at=AT)


def test_one_that_cannot_end_does_not_hold_up_the_others(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    bank.policy(bank.level("manager", 1, sla_hours=90), expire_hours=9)
    stuck, other, over = bank.submit(), bank.submit(), AT + dt.timedelta(days=1)

    def end(request: Any, *values: Any, **more: Any) -> None:
        if request.pk == stuck.pk:
            raise RuntimeError("its record is gone")
        request_end(request, *values, **more)

    with monkeypatch.context() as patched:
        patched.setattr("apps.approvals.services._timers.request_end", end)
        assert (fired(stuck, over), fresh(stuck).state, fresh(other).state) == ([], "pending", "expired")
    assert fired(stuck, over) == ["expired"]


def test_a_new_round_has_its_own_time(bank: Bank) -> None:
    from apps.approvals.services import request_resubmit

    bank.policy(bank.level("manager", 1, sla_hours=90), expire_hours=9)
    request = decide(bank.submit(), bank.manager, "return")
    later = AT + dt.timedelta(hours=5)
    request_resubmit(acting_user=bank.maker, request_id=request.public_id, expected_version=request.version, at=later)
    assert fired(request, AT + dt.timedelta(days=1)) == ["void"]  # the first round's end is not this one's
    assert fresh(request).state == "pending"


def lend(bank: Bank, principal: Any, delegate: Any, **more: Any) -> Any:
    return delegation_create(
        acting_user=principal, delegate=delegate, starts_at=more.pop("starts_at", AT), at=AT,
        ends_at=more.pop("ends_at", AT + dt.timedelta(days=7)), **more,
    )[0]  # fmt: skip


def test_a_delegate_decides_in_the_principals_place_within_limits_and_dates(bank: Bank) -> None:
    bank.policy(bank.level("manager", 1))
    row = lend(bank, bank.manager, bank.chief, limit=Money(100_00, "KES"), kinds=["tests.toy"])
    assert row.state == "active"
    small, large = bank.submit(amount="100.00"), bank.submit(amount="100.01")
    assert {level.request_id for level in levels_in_box(user=bank.chief, box="delegated", at=AT)} == {small.pk}
    with pytest.raises(Exception, match="Above your limit"):
        decide(large, bank.chief)
    with pytest.raises(NotYourApproval):
        decide(small, bank.chief, at=AT + dt.timedelta(days=7))
    final = decide(small, bank.chief)
    decision = final.decisions.get()
    assert (final.state, decision.actor_id, decision.authority_id) == ("executed", bank.chief.pk, bank.manager.pk)
    assert trail_of(final)[1].after["in_place_of"] == bank.manager.email
    delegation_end(delegation_id=row.pk, acting_user=bank.manager, at=AT)
    with pytest.raises(NotYourApproval):
        decide(bank.submit(amount="1.00"), bank.chief)


def test_an_authority_counts_once_however_many_use_it(bank: Bank) -> None:
    bank.policy(bank.level("manager", 1, need=2))
    lend(bank, bank.manager, bank.chief)
    request = bank.submit()
    decide(request, bank.manager)
    with pytest.raises(AlreadyDecided):
        decide(request, bank.chief)


def test_the_maker_lends_nobody_the_authority_over_the_own_request(bank: Bank) -> None:
    both = bank.person("both", "members.view", branch=bank.branch)
    bank.policy(bank.level("both", 1))
    lend(bank, both, bank.chief)
    with pytest.raises(MakerIsNotChecker):
        decide(bank.submit(maker=both), bank.chief)


def test_circles_are_refused(bank: Bank) -> None:
    lend(bank, bank.manager, bank.chief)
    lend(bank, bank.chief, bank.finance)
    for principal, delegate in ((bank.chief, bank.manager), (bank.finance, bank.manager)):
        with pytest.raises(DelegationLoop):
            lend(bank, principal, delegate)
    after = AT + dt.timedelta(days=8)
    assert (
        lend(bank, bank.finance, bank.manager, starts_at=after, ends_at=after + dt.timedelta(days=1)).state == "active"
    )


@pytest.mark.parametrize("days", [0, 367])
def test_a_delegation_ends_within_a_year(bank: Bank, days: int) -> None:
    with pytest.raises(DelegationInvalid):
        lend(bank, bank.manager, bank.chief, ends_at=AT + dt.timedelta(days=days))


def test_a_delegation_is_itself_approved(bank: Bank) -> None:
    bank.policy(bank.level("finance", 1), kind="approvals.delegation")
    row, request = delegation_create(
        acting_user=bank.manager, delegate=bank.chief, starts_at=AT, ends_at=AT + dt.timedelta(days=1), at=AT
    )
    assert request is not None
    assert row.state == "pending"
    assert decide(request, bank.finance).state == "executed"
    assert Delegation.objects.get(pk=row.pk).state == "active"
    second, asked = delegation_create(
        acting_user=bank.manager, delegate=bank.chief, starts_at=AT, ends_at=AT + dt.timedelta(days=1), at=AT
    )
    assert asked is not None
    decide(asked, bank.finance, "reject")
    assert Delegation.objects.get(pk=second.pk).state == "refused"


def test_the_report_counts_open_late_and_decided(bank: Bank) -> None:
    bank.policy(bank.level("manager", 1, sla_hours=4))
    decide(bank.submit(), bank.manager, at=AT + dt.timedelta(hours=1))
    decide(bank.submit(), bank.manager, at=AT + dt.timedelta(hours=5))
    bank.submit()
    since, until = AT - dt.timedelta(days=1), AT + dt.timedelta(days=1)
    rows = sla_report(since=since, until=until, at=AT + dt.timedelta(hours=6), branch_ids=[bank.branch.pk])
    (row,) = rows
    assert (row.kind, row.level, row.open, row.open_late, row.decided, row.decided_late) == (
        "tests.toy",
        "Manager",
        1,
        1,
        2,
        1,
    )
    assert (row.median_seconds, row.p90_seconds) == (3 * 3600, round(4.6 * 3600))
    assert sla_report(since=since, until=until, at=AT, branch_ids=[bank.head.pk]) == []


def test_those_asked_and_the_maker_are_told(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, set[Any], str]] = []
    monkeypatch.setattr(
        "apps.approvals.tasks.notify",
        lambda kind, *, recipients, link, **_: told.append((kind.code, set(recipients), link)),
    )
    bank.policy(bank.level("manager", 1), bank.level("chief", 2))
    request = bank.submit()
    event_announce(request_id=str(request.public_id), event="submitted", number=1)
    link = f"/admin/approvals/task/{request.public_id}/"
    assert told == [("approvals.step_waiting", {bank.manager.pk}, link)]
    told.clear()
    decide(request, bank.manager)
    event_announce(request_id=str(request.public_id), event="approved", number=2)
    assert told == [
        ("approvals.step_taken", {bank.maker.pk}, link), ("approvals.step_waiting", {bank.chief.pk}, link),
    ]  # fmt: skip


def test_a_notice_is_there_for_the_next_approver(bank: Bank) -> None:
    bank.policy(bank.level("manager", 1))
    request = bank.submit(amount="900.00")
    for _ in range(2):  # safe twice
        event_announce(request_id=str(request.public_id), event="submitted", number=1)
    notices = Notification.objects.filter(recipient=bank.manager)
    assert [notice.link for notice in notices] == [f"/admin/approvals/task/{request.public_id}/"]
    assert not Notification.objects.filter(recipient=bank.chief).exists()
    assert set(Delivery.objects.filter(notification__in=notices).values_list("channel", flat=True)) >= {"email"}
