"""Whatever people do with a request, in any order: never two decisions of one, never the maker's, and it ends."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from apps.approvals.models import ApprovalDecision, ApprovalTimer
from apps.approvals.services import (
    request_cancel,
    request_decide,
    request_escalate,
    request_reassign,
    request_resubmit,
    timers_sweep,
)
from apps.core.errors import DomainError
from apps.identity.models import User
from tests.approvals.support import AT, Bank, done, fresh

pytestmark = pytest.mark.no_cover  # some thousand steps, each looked at from all sides

PEOPLE = st.sampled_from(["maker", "manager", "second", "chief", "finance", "both"])
ENDS = {"executed", "rejected", "cancelled", "expired"}


class Requests(RuleBasedStateMachine):
    """One request in the hands of six people and of the clock. Refusals are part of the game."""

    bank: Bank
    people: dict[str, User]

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.now = AT
        self.request = self.bank.submit(maker=self.people["both"])
        self.ended = ""

    def teardown(self) -> None:
        self.finish()
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    def attempt(self, service: object, who: str, **more: object) -> None:
        now = fresh(self.request)
        with transaction.atomic():
            try:
                service(  # type: ignore[operator]
                    acting_user=self.people[who],
                    request_id=now.public_id,
                    expected_version=now.version,
                    at=self.now,
                    **more,
                )
            except DomainError:
                transaction.set_rollback(True)

    @rule(who=PEOPLE, verdict=st.sampled_from(["approve", "approve", "approve", "reject", "return"]))
    def decide(self, who: str, verdict: str) -> None:
        self.attempt(request_decide, who, verdict=verdict, comment="because")

    @rule(who=PEOPLE)
    def resubmit(self, who: str) -> None:
        self.attempt(request_resubmit, who, payload={"name": "again"})

    @rule(who=PEOPLE, to=PEOPLE)
    def delegate(self, who: str, to: str) -> None:
        self.attempt(request_reassign, who, to=self.people[to])

    @rule(who=PEOPLE)
    def escalate(self, who: str) -> None:
        self.attempt(request_escalate, who)

    @precondition(lambda self: self.now > AT + dt.timedelta(days=2))
    @rule(who=PEOPLE)
    def cancel(self, who: str) -> None:
        self.attempt(request_cancel, who)

    @rule(hours=st.integers(1, 60))
    def time_passes(self, hours: int) -> None:
        self.now += dt.timedelta(hours=hours)
        timers_sweep(at=self.now)

    @invariant()
    def nobody_decides_twice_nor_the_maker(self) -> None:
        rows = list(ApprovalDecision.objects.filter(request=self.request))
        assert len({(row.round, row.actor_id) for row in rows}) == len(rows)
        assert all(row.actor_id != self.request.maker_id for row in rows)

    @invariant()
    def an_end_is_an_end(self) -> None:
        now = fresh(self.request)
        if self.ended:
            assert now.state == self.ended
        if now.state in ENDS:
            self.ended = now.state
            assert not now.levels.filter(state="open").exists()
            assert not now.process_ptr.task_set.filter(finished__isnull=True).exists()
        assert done(now) == (now.state == "executed")

    @invariant()
    def what_is_executed_was_approved_on_every_level(self) -> None:
        now = fresh(self.request)
        if now.state != "executed":
            return
        for level in now.levels.filter(round=now.round).exclude(state="skipped"):
            approvals = level.decisions.filter(verdict="approve", payload_hash=now.payload_hash)
            assert approvals.count() >= level.need
            assert level.state == "approved"

    def finish(self) -> None:
        """Left alone, it ends: what nobody decides expires."""
        for _ in range(400):
            now = fresh(self.request)
            if now.state in ENDS:
                return
            # The latest: what falls due on the way is swept with it, as after a long weekend of the sweeper.
            due = ApprovalTimer.objects.filter(request=now, fired_at=None).order_by("-due_at").first()
            assert due is not None, f"{now.state}, and nothing will happen any more"
            self.now = max(self.now, due.due_at)
            timers_sweep(at=self.now, limit=100_000)
        raise AssertionError("it does not end")


@pytest.fixture
def people(bank: Bank) -> dict[str, User]:
    both = bank.person("both", "members.view", branch=bank.branch)
    bank.policy(
        bank.level("manager", 1, need=2), bank.level("both", 2), bank.level("chief", 2), bank.level("finance", 3),
        expire_hours=60,
    )  # fmt: skip
    return {
        "maker": bank.maker,
        "both": both,
        "manager": bank.manager,
        "second": bank.person("manager", branch=bank.branch, scope="branch"),
        "chief": bank.chief,
        "finance": bank.finance,
    }


def test_any_order_of_events_keeps_the_rules(bank: Bank, people: dict[str, User]) -> None:
    machine = type("Machine", (Requests,), {"bank": bank, "people": people})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15, stateful_step_count=20, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
