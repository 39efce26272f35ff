"""Levels, four eyes, execution: what an approval does from asking to being carried out."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from viewflow.workflow.models import Task

from apps.approvals.errors import (
    AlreadyDecided,
    ApprovalPending,
    ApprovalStateConflict,
    ApproverLimitExceeded,
    CommentRequired,
    ConflictOfInterest,
    MakerIsNotChecker,
    NotYourApproval,
)
from apps.approvals.models import ApprovalDecision, ApproverGroup
from apps.approvals.selectors import levels_in_box, queue_count, trail_of
from apps.approvals.services import (
    executions_sweep,
    request_cancel,
    request_reassign,
    request_resubmit,
    request_retry,
    request_submit,
)
from apps.core.errors import IdempotencyKeyReused, PermissionDenied, PreconditionFailed, Unavailable
from tests.approvals.support import AT, FAULTS, Bank, Refused, decide, done, fresh


def test_three_people_take_a_request_through_three_levels(bank: Bank) -> None:
    bank.three_levels()
    request = bank.submit(amount="900.00")
    assert (request.state, request.stage) == ("pending", 1)
    assert decide(request, bank.manager).state == "pending"
    assert decide(request, bank.chief).stage == 3
    final = decide(request, bank.finance)
    assert (final.state, done(final)) == ("executed", 1)
    assert final.result["key"] == f"approval/{final.public_id}/0"
    assert [event.action.rpartition(".")[2] for event in trail_of(final)] == [
        "submitted", "approved", "approved", "approved", "executed",
    ]  # fmt: skip
    assert final.process_ptr.status == "DONE"
    assert not Task.objects.filter(process_id=final.pk, finished__isnull=True).exists()
    assert {row.payload_hash for row in final.decisions.all()} == {final.payload_hash}


def test_without_a_policy_nothing_is_asked(bank: Bank) -> None:
    assert request_submit(kind="tests.toy", maker=bank.maker, payload={"name": "x"}, at=AT) is None


def test_the_maker_needs_the_actions_permission(bank: Bank) -> None:
    bank.three_levels()
    with pytest.raises(PermissionDenied):
        request_submit(kind="tests.toy", maker=bank.manager, payload={"name": "x"}, at=AT)


def test_nobody_decides_out_of_turn_twice_or_on_their_own(bank: Bank) -> None:
    bank.policy(bank.level("manager", 1, need=2), bank.level("finance", 2))
    request = bank.submit()
    for user, error in ((bank.finance, NotYourApproval), (bank.maker, PermissionDenied)):
        with pytest.raises(error):
            decide(request, user)
    other = bank.person("manager", branch=bank.branch, scope="branch")
    decide(request, bank.manager)
    assert fresh(request).stage == 1
    replayed = decide(request, bank.manager)  # the same again: nothing happens
    assert replayed.version == 2
    with pytest.raises(AlreadyDecided):
        decide(request, bank.manager, "reject")
    decide(request, other)
    assert fresh(request).stage == 2


def test_a_maker_who_may_decide_does_not_decide_on_the_own_request(bank: Bank) -> None:
    both = bank.person("both", "members.view", branch=bank.branch)
    bank.policy(bank.level("both", 1))
    request = bank.submit(maker=both)
    with pytest.raises(MakerIsNotChecker):
        decide(request, both)
    assert queue_count(user=both, at=AT) == 0


@pytest.mark.parametrize("who", ["actor", "authority"])
def test_postgresql_refuses_a_maker_who_checks(bank: Bank, who: str) -> None:
    bank.three_levels()
    request = bank.submit()
    fields: dict[str, Any] = {"actor": bank.manager, "authority": bank.manager, who: bank.maker}
    with pytest.raises(IntegrityError), transaction.atomic():
        ApprovalDecision.objects.create(
            request=request, level=request.levels.first(), round=1, maker=bank.maker, verdict="approve",
            payload_hash="x", decided_at=AT, **fields,
        )  # fmt: skip


def test_postgresql_refuses_a_false_maker_a_second_vote_and_a_change(bank: Bank) -> None:
    bank.three_levels()
    request = bank.submit()
    decide(request, bank.manager)
    vote = {
        "request": request, "level": request.levels.first(), "round": 1, "verdict": "approve", "payload_hash": "x",
        "decided_at": AT,
    }  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():  # another is named as maker, so that the maker may vote
        ApprovalDecision.objects.create(maker=bank.finance, actor=bank.maker, authority=bank.maker, **vote)
    with pytest.raises(IntegrityError), transaction.atomic():
        ApprovalDecision.objects.create(maker=bank.maker, actor=bank.manager, authority=bank.manager, **vote)
    with pytest.raises(IntegrityError), transaction.atomic():
        ApprovalDecision.objects.filter(request=request).update(verdict="reject")


def test_a_version_that_is_not_the_present_one_is_refused(bank: Bank) -> None:
    bank.three_levels()
    request = bank.submit()
    with pytest.raises(PreconditionFailed):
        decide(request, bank.manager, expected_version=7)


def test_levels_of_a_stage_are_open_side_by_side(bank: Bank) -> None:
    bank.policy(bank.level("manager", 1), bank.level("chief", 1), bank.level("finance", 2))
    request = bank.submit()
    assert request.levels.filter(state="open").count() == 2
    decide(request, bank.chief)
    assert fresh(request).stage == 1
    decide(request, bank.manager)
    assert fresh(request).stage == 2
    assert decide(request, bank.finance).state == "executed"


def test_all_of_a_level_means_everybody_but_the_maker(bank: Bank) -> None:
    second = bank.person("manager", branch=bank.branch, scope="branch")
    bank.policy(bank.level("manager", 1, need="all"))
    request = bank.submit()
    assert decide(request, bank.manager).state == "pending"
    assert decide(request, second).state == "executed"


def test_a_committee_decides_by_its_quorum(bank: Bank) -> None:
    committee = ApproverGroup.objects.create(code=f"credit-{bank.word}", name="Credit committee")
    people = [bank.person("clerk", branch=bank.head) for _ in range(3)]
    for person in people:
        bank.approver(person, groups=[committee])
    bank.policy({"name": "Committee", "stage": 1, "who": {"group": committee.code}, "need": 2})
    request = bank.submit()
    outsider = bank.person("clerk", branch=bank.head)
    with pytest.raises(NotYourApproval):
        decide(request, outsider)
    assert decide(request, people[0]).state == "pending"
    assert decide(request, people[2]).state == "executed"


@pytest.mark.parametrize(
    ("position", "who"),
    [("branch", "manager"), ("area", "chief"), ("head_office", "finance"), ("own_manager", "chief")],
)
def test_positions_are_found_in_the_tree(bank: Bank, position: str, who: str) -> None:
    bank.approver(bank.maker, manager=bank.chief)
    bank.policy({"name": "One", "stage": 1, "who": {"position": position}})
    request = bank.submit()
    chosen = getattr(bank, who)
    for user in (bank.manager, bank.chief, bank.finance):
        if user != chosen:
            with pytest.raises(NotYourApproval):
                decide(request, user)
    assert decide(request, chosen).state == "executed"


def test_a_level_that_the_maker_outranks_is_skipped_but_never_the_last(bank: Bank) -> None:
    bank.policy(
        bank.level("manager", 1, skip_if_maker_outranks=True),
        bank.level("chief", 2, skip_if_maker_outranks=True),
    )
    bank.roles["manager"].permissions += ["members.view"]
    bank.roles["manager"].save()
    manager = type(bank.manager).objects.get(pk=bank.manager.pk)
    request = bank.submit(maker=manager)
    assert [level.state for level in request.levels.all()] == ["skipped", "open"]
    assert decide(request, bank.chief).state == "executed"


def test_a_branch_manager_decides_for_no_other_branch(bank: Bank) -> None:
    bank.policy(bank.level("manager", 1))
    request = bank.submit()
    elsewhere = Bank()
    stranger = bank.person("manager", branch=elsewhere.branch, scope="branch")
    with pytest.raises(NotYourApproval):
        decide(request, stranger)
    assert queue_count(user=stranger, at=AT) == 0
    assert queue_count(user=bank.manager, at=AT) == 1


def test_limits_and_interests_bar_an_approver(bank: Bank) -> None:
    member = uuid.uuid4()
    bank.approver(bank.manager, limit_minor=100_00, related_members=[member])
    bank.policy(bank.level("manager", 1))
    with pytest.raises(ApproverLimitExceeded):
        decide(bank.submit(amount="100.01"), bank.manager)
    with pytest.raises(ApproverLimitExceeded):  # no rate is known, so it counts as above any limit
        decide(bank.submit(amount="1.00", currency="USD"), bank.manager)
    with pytest.raises(ConflictOfInterest):
        decide(bank.submit(amount="1.00", members=[str(member)]), bank.manager)
    with pytest.raises(ConflictOfInterest):
        decide(bank.submit(amount="1.00", interested=[str(bank.manager.pk)]), bank.manager)
    assert queue_count(user=bank.manager, at=AT) == 0
    assert decide(bank.submit(amount="100.00"), bank.manager).state == "executed"


def test_rejecting_ends_it_and_needs_a_comment(bank: Bank) -> None:
    bank.three_levels()
    request = bank.submit()
    with pytest.raises(CommentRequired):
        decide(request, bank.manager, "reject", comment="")
    final = decide(request, bank.manager, "reject", comment="Not like this")
    assert (final.state, final.state_reason, final.state_by_id) == ("rejected", "Not like this", bank.manager.pk)
    assert [level.state for level in final.levels.all()] == ["rejected", "closed", "closed"]
    with pytest.raises(ApprovalStateConflict):
        decide(final, bank.chief)


def test_what_is_flagged_is_not_approved_without_a_word(bank: Bank) -> None:
    bank.policy(bank.level("manager", 1))
    request = bank.submit(flags=["pep"])
    with pytest.raises(CommentRequired):
        decide(request, bank.manager)
    assert decide(request, bank.manager, comment="Checked").state == "executed"


def test_a_returned_request_is_changed_and_starts_a_new_round(bank: Bank) -> None:
    bank.three_levels()
    request = bank.submit(name="first")
    decide(request, bank.manager)
    returned = decide(request, bank.chief, "return", comment="Which account?")
    assert returned.state == "returned"
    again = request_resubmit(
        acting_user=bank.maker, request_id=request.public_id, expected_version=returned.version, at=AT,
        payload={"name": "second", "value": 5}, comment="This one",
    )  # fmt: skip
    assert (again.state, again.round, again.title) == ("pending", 2, "Toy second")
    assert again.payload_hash != request.payload_hash
    for user in (bank.manager, bank.chief, bank.finance):  # those who decided on the old payload decide on the new
        final = decide(again, user)
    assert (final.state, done(final)) == ("executed", 1)
    assert [event.reason for event in trail_of(final) if event.reason] == ["Which account?", "This one"]


def test_only_the_maker_withdraws_and_the_task_is_gone(bank: Bank) -> None:
    bank.three_levels()
    request = bank.submit()
    with pytest.raises(PermissionDenied):
        request_cancel(acting_user=bank.chief, request_id=request.public_id, expected_version=1, at=AT)
    final = request_cancel(
        acting_user=bank.maker, request_id=request.public_id, expected_version=1, at=AT, comment="Oh"
    )
    assert final.state == "cancelled"
    assert queue_count(user=bank.manager, at=AT) == 0
    assert fresh(request).process_ptr.status == "CANCELED"


def test_a_task_is_handed_on_to_one_colleague(bank: Bank) -> None:
    bank.three_levels()
    request = bank.submit()
    colleague = bank.person("other", branch=bank.branch, scope="branch")
    request_reassign(acting_user=bank.manager, request_id=request.public_id, to=colleague, expected_version=1, at=AT)
    with pytest.raises(NotYourApproval):
        decide(request, bank.manager)
    assert [level.request_id for level in levels_in_box(user=colleague, box="inbox", at=AT)] == [request.pk]
    assert decide(request, colleague).stage == 2
    with pytest.raises(MakerIsNotChecker):
        request_reassign(acting_user=bank.chief, request_id=request.public_id, to=bank.maker, expected_version=3, at=AT)


def test_a_key_stands_for_one_request_and_a_record_for_one_open(bank: Bank) -> None:
    bank.three_levels()
    first = bank.submit(name="a", key="k1", key_of=1)
    assert bank.submit(name="a", key="k1", key_of=1).pk == first.pk
    with pytest.raises(IdempotencyKeyReused):
        bank.submit(name="b", key="k1")


def test_one_open_request_a_record(bank: Bank) -> None:
    bank.three_levels()
    payload = {"name": "a", "key": f"account {bank.word}"}
    first = request_submit(kind="tests.toy", maker=bank.maker, payload=payload, at=AT)
    assert first is not None
    with pytest.raises(ApprovalPending) as caught:
        request_submit(kind="tests.toy", maker=bank.maker, payload=payload, at=AT)
    assert caught.value.extra["approval_id"] == str(first.public_id)
    decide(first, bank.manager, "reject")
    assert request_submit(kind="tests.toy", maker=bank.maker, payload=payload, at=AT) is not None


def test_what_is_not_possible_any_more_is_not_approved_but_can_be_rejected(bank: Bank) -> None:
    bank.policy(bank.level("manager", 1))
    request = bank.submit()
    type(request).objects.filter(pk=request.pk).update(payload={**request.payload, "wrong": True})
    with pytest.raises(Exception, match="Wrong on purpose"):
        decide(request, bank.manager)
    assert fresh(request).state == "pending"
    assert decide(request, bank.manager, "reject").state == "rejected"


def test_a_transient_fault_is_tried_again_with_the_same_key(bank: Bank) -> None:
    bank.policy(bank.level("manager", 1))
    FAULTS["flaky"] = [Unavailable("busy"), OperationalError("gone")]
    FAULTS["flaky"][1].__cause__ = type("Gone", (Exception,), {"sqlstate": "57P01"})()
    request = decide(bank.submit(name="flaky"), bank.manager)
    assert (request.state, request.attempts, request.error_code) == ("approved", 1, "unavailable")
    assert executions_sweep(at=AT) == 0  # not due yet
    assert executions_sweep(at=AT + dt.timedelta(seconds=15)) == 1
    assert executions_sweep(at=AT + dt.timedelta(seconds=60)) == 1
    final = fresh(request)
    assert (final.state, final.attempts, done(final)) == ("executed", 3, 1)
    assert executions_sweep(at=AT + dt.timedelta(days=1)) == 0


def test_what_the_books_refuse_is_a_failure_that_a_person_retries_with_a_new_key(bank: Bank) -> None:
    bank.policy(bank.level("manager", 1))
    FAULTS["refused"] = [Refused("No funds")]
    request = decide(bank.submit(name="refused"), bank.manager)
    assert (request.state, request.state_reason, request.error_code) == ("failed", "No funds", "unprocessable")
    with pytest.raises(PermissionDenied):
        request_retry(acting_user=bank.chief, request_id=request.public_id, expected_version=request.version, at=AT)
    type(bank.maker).objects.filter(pk=bank.maker.pk).update(is_active=False)
    boss = bank.person("boss", "approvals.administer", branch=bank.head)
    with pytest.raises(ApprovalStateConflict):  # nobody does it in the name of a maker who may not any more
        request_retry(acting_user=boss, request_id=request.public_id, expected_version=request.version, at=AT)
    type(bank.maker).objects.filter(pk=bank.maker.pk).update(is_active=True)
    final = request_retry(acting_user=bank.maker, request_id=request.public_id, expected_version=request.version, at=AT)
    assert (final.state, final.result["key"]) == ("executed", f"approval/{request.public_id}/1")


def test_an_executor_that_died_leaves_a_lease_that_ends(bank: Bank) -> None:
    bank.policy(bank.level("manager", 1))
    FAULTS["dies"] = [KeyboardInterrupt()]  # type: ignore[list-item]
    request = bank.submit(name="dies")
    with pytest.raises(KeyboardInterrupt):
        decide(request, bank.manager)
    assert fresh(request).state == "approved"
    assert executions_sweep(at=AT + dt.timedelta(seconds=60)) == 0
    assert executions_sweep(at=AT + dt.timedelta(seconds=121)) == 1
    assert (fresh(request).state, done(request)) == ("executed", 1)


TRANSACTION_WORDS = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE SAVEPOINT")


def test_a_decision_takes_few_queries(bank: Bank) -> None:
    """Of the 20 allowed; the last also carries it out, in a transaction of its own. BEGIN and COMMIT do not count."""
    bank.three_levels()
    request = bank.submit()
    for user, statements in ((bank.manager, 16), (bank.chief, 16), (bank.finance, 17)):
        _ = user.permission_codes, user.branch_ids  # the principal of an API request has them
        version = fresh(request).version
        with CaptureQueriesContext(connection) as queries:
            decide(request, user, expected_version=version)
        texts = [query["sql"] for query in queries if not query["sql"].startswith(TRANSACTION_WORDS)]
        assert len(texts) == statements, "\n".join(sql[:160] for sql in texts)


def test_a_maker_who_may_not_any_more_gets_nothing_approved(bank: Bank) -> None:
    bank.policy(bank.level("manager", 1))
    lost, gone = bank.submit(), bank.submit()
    type(bank.maker).objects.filter(pk=bank.maker.pk).update(is_active=False)
    with pytest.raises(ApprovalStateConflict):
        decide(gone, bank.manager)
    type(bank.maker).objects.filter(pk=bank.maker.pk).update(is_active=True)
    bank.roles["teller"].permissions = []
    bank.roles["teller"].save()
    with pytest.raises(ApprovalStateConflict):
        decide(lost, bank.manager)
    assert decide(lost, bank.manager, "reject").state == "rejected"
