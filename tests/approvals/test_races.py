"""Threads on the real database: one decision each, one execution, one firing of each timer."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from apps.approvals.models import ApprovalTimer
from apps.approvals.services import (
    executions_sweep,
    request_cancel,
    request_decide,
    request_execute,
    request_submit,
    timers_sweep,
)
from apps.core.errors import DomainError, Unavailable
from tests.approvals.support import AT, FAULTS, Bank, decide, done, fresh

pytestmark = pytest.mark.concurrency


@pytest.fixture
def bank(committed_db: None) -> Bank:
    return Bank()


def together(*works: Callable[[], Any]) -> list[Any]:
    """Run at the same moment, each on a connection of its own; a refusal is a result."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        start.wait(timeout=30)
        try:
            return work()
        except DomainError as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(run, work) for work in works]]


def test_eight_clicks_of_one_person_are_one_decision_and_one_execution(bank: Bank) -> None:
    bank.policy(bank.level("manager", 1))
    request = bank.submit()
    results = together(*[lambda: decide(request, bank.manager, expected_version=1) for _ in range(8)])
    assert not [result for result in results if isinstance(result, Exception)]
    assert (request.decisions.count(), fresh(request).state, done(request)) == (1, "executed", 1)


def test_two_people_at_once_on_one_level_decide_once(bank: Bank) -> None:
    other = bank.person("manager", branch=bank.branch, scope="branch")
    bank.policy(bank.level("manager", 1))
    for _ in range(4):
        request = bank.submit()
        results = together(
            lambda request=request: decide(request, bank.manager, expected_version=1),
            lambda request=request: decide(request, other, "reject", expected_version=1),
        )
        refused = [result for result in results if isinstance(result, DomainError)]
        assert [error.code for error in refused] == ["stale-version"]
        assert request.decisions.count() == 1
        assert done(request) == (fresh(request).state == "executed")


def test_a_quorum_of_three_at_once_carries_out_once(bank: Bank) -> None:
    people = [bank.manager, *(bank.person("manager", branch=bank.branch, scope="branch") for _ in range(3))]
    bank.policy(bank.level("manager", 1, need=3))
    request = bank.submit()

    def until_done(user: Any) -> None:
        for _ in range(20):
            try:
                decide(request, user)
            except DomainError as error:
                if error.code == "stale-version":
                    continue
                return
            return

    together(*[lambda user=user: until_done(user) for user in people])
    assert request.decisions.count() == 3
    assert (fresh(request).state, done(request)) == ("executed", 1)


def test_a_decision_and_a_withdrawal_at_once_leave_one_of_them(bank: Bank) -> None:
    bank.policy(bank.level("manager", 1))
    for _ in range(4):
        request = bank.submit()
        together(
            lambda request=request: request_decide(
                acting_user=bank.manager, request_id=request.public_id, verdict="approve", expected_version=1, at=AT
            ),
            lambda request=request: request_cancel(
                acting_user=bank.maker, request_id=request.public_id, expected_version=1, at=AT
            ),
        )
        state = fresh(request).state
        assert state in {"executed", "cancelled"}
        assert done(request) == (state == "executed")


def test_executors_at_once_carry_out_once(bank: Bank) -> None:
    bank.policy(bank.level("manager", 1))
    name = f"busy {bank.word}"
    FAULTS[name] = [Unavailable("busy")]
    request = decide(bank.submit(name=name), bank.manager)
    assert request.state == "approved"
    later = AT + dt.timedelta(minutes=5)
    together(
        *[lambda: request_execute(request_id=request.public_id, at=later) for _ in range(4)],
        *[lambda: executions_sweep(at=later) for _ in range(4)],
    )
    assert (fresh(request).state, done(request)) == ("executed", 1)


def test_the_same_request_asked_for_at_once_is_one(bank: Bank) -> None:
    bank.policy(bank.level("manager", 1))
    name = f"same {bank.word}"
    same = together(*[lambda: bank.submit(name=name, key=f"key {bank.word}") for _ in range(6)])
    assert len({request.pk for request in same}) == 1
    record = {"name": name, "key": f"record {bank.word}"}
    work = lambda: request_submit(kind="tests.toy", maker=bank.maker, payload=record, at=AT)  # noqa: E731
    results = together(*[work for _ in range(6)])
    assert sorted(getattr(result, "code", "made") for result in results) == ["approval-pending"] * 5 + ["made"]


def test_two_sweepers_fire_each_timer_once(bank: Bank) -> None:
    bank.policy(bank.level("manager", 1, sla_hours=4, remind_hours=2))
    requests = [bank.submit() for _ in range(10)]
    moment = AT + dt.timedelta(hours=4)
    together(*[lambda: timers_sweep(at=moment, limit=100_000) for _ in range(4)])
    for request in requests:
        fired = ApprovalTimer.objects.filter(request=request).exclude(fired_at=None).values_list("effect", flat=True)
        assert sorted(fired) == ["escalated", "reminded"]
        assert request.levels.get().escalations == 1
