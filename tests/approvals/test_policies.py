"""Every rule of choosing a policy's rule, as a table; what does not hold together is refused when it is written."""

from __future__ import annotations

import copy
import datetime as dt
from typing import Any

import pytest

from apps.approvals.errors import PolicyInvalid, PolicyStateConflict
from apps.approvals.models import ApprovalPolicy
from apps.approvals.policies import document_parse, rule_choose
from apps.approvals.selectors import policies_forget, policy_in_force
from apps.approvals.services import (
    approval_possible,
    policy_activate,
    policy_draft,
    policy_propose,
    policy_simulate,
    policy_withdraw,
    request_submit,
)
from apps.core.errors import PermissionDenied
from apps.core.money import Money
from tests.approvals.support import AT, Bank, decide
from tests.factories.identity import user_make


def band(start: str, end: str | None, *names: str) -> dict[str, Any]:
    levels = [{"name": name, "stage": place, "who": {"role": "r"}} for place, name in enumerate(names, 1)]
    return {"from": start, "to": end, "levels": levels}


def segment(name: str, when: dict[str, list[str]], *bands: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "when": when, "bands": list(bands) or [band("0", None, name)]}


RULES = {
    "segments": [
        segment("exposed", {"risk_flags": ["pep", "sanctioned"]}),
        segment("business savings", {"member_types": ["business"], "products": ["SAV", "FIX"]}),
        segment("mobile", {"channels": ["mobile"]}, band("0", "50.00"), band("50.00", None, "mobile")),
        segment("far branch", {"branches": ["WEST"]}),
        segment("all", {}, band("0", "100.00"), band("100.00", "1000.00", "one"), band("1000.00", None, "one", "two")),
    ]
}

CASES = [
    # base minor, facts, segment, levels
    (0, {}, "all", []),
    (99_99, {}, "all", []),
    (100_00, {}, "all", ["one"]),
    (999_99, {}, "all", ["one"]),
    (1000_00, {}, "all", ["one", "two"]),
    (10**13, {}, "all", ["one", "two"]),
    (None, {}, "all", ["one", "two"]),  # no rate is known: the highest band
    (0, {"risk_flags": ["pep"]}, "exposed", ["exposed"]),
    (0, {"risk_flags": ["new_account"]}, "all", []),
    (0, {"risk_flags": ["new_account", "sanctioned"]}, "exposed", ["exposed"]),
    (0, {"member_type": "business", "product": "SAV"}, "business savings", ["business savings"]),
    (0, {"member_type": "business", "product": "CUR"}, "all", []),
    (0, {"member_type": "person", "product": "FIX"}, "all", []),
    (0, {"member_type": "business", "product": "FIX", "risk_flags": ["pep"]}, "exposed", ["exposed"]),  # the first wins
    (49_99, {"channel": "mobile"}, "mobile", []),
    (50_00, {"channel": "mobile"}, "mobile", ["mobile"]),
    (0, {"branch": "WEST"}, "far branch", ["far branch"]),
    (50_00, {"branch": "WEST", "channel": "mobile"}, "mobile", ["mobile"]),
    (0, {"branch": "EAST"}, "all", []),
]


@pytest.mark.parametrize(("minor", "facts", "chosen", "levels"), CASES, ids=range(len(CASES)))
def test_the_first_segment_that_holds_and_its_band_decide(
    minor: int | None, facts: dict[str, Any], chosen: str, levels: list[str]
) -> None:
    rule = rule_choose(document_parse(RULES, currency="KES"), base_minor=minor, facts=facts)
    assert (rule.segment.name, [level.name for level in rule.band.levels]) == (chosen, levels)
    assert rule.asks == bool(levels)


LEVEL = {"name": "One", "stage": 1, "who": {"role": "r"}}
FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("a gap", {"segments": [segment("a", {}, band("0", "10"), band("11", None))]}, "gap"),
    ("an overlap", {"segments": [segment("a", {}, band("0", "10"), band("9.99", None))]}, "overlaps"),
    ("no start at zero", {"segments": [segment("a", {}, band("1", None))]}, "starts at zero"),
    ("no open end", {"segments": [segment("a", {}, band("0", "10"))]}, "open"),
    (
        "an open band in the middle",
        {"segments": [segment("a", {}, band("0", None), band("10", None))]},
        "Only the last",
    ),
    ("an empty band", {"segments": [segment("a", {}, band("0", "0"), band("0", None))]}, "empty"),
    ("no segment for the rest", {"segments": [segment("a", {"channels": ["x"]})]}, "no conditions"),
    ("a segment never met", {"segments": [segment("a", {}), segment("b", {})]}, "without conditions"),
    ("no segment", {"segments": []}, "a segment at least"),
    ("an empty condition", {"segments": [segment("a", {"channels": []}), segment("b", {})]}, "leave the condition out"),
    ("an unknown condition", {"segments": [segment("a", {"moon": ["full"]}), segment("b", {})]}, "Unknown member"),
    (
        "stages with a gap",
        {"segments": [segment("a", {}, {**band("0", None), "levels": [{**LEVEL, "stage": 2}]})]},
        "Stages",
    ),
    (
        "nobody asked",
        {"segments": [segment("a", {}, {**band("0", None), "levels": [{**LEVEL, "who": {}}]})]},
        "Name a role",
    ),
    (
        "a position that is none",
        {"segments": [segment("a", {}, {**band("0", None), "levels": [{**LEVEL, "who": {"position": "moon"}}]})]},
        "One of",
    ),
    (
        "a need of nobody",
        {"segments": [segment("a", {}, {**band("0", None), "levels": [{**LEVEL, "need": 0}]})]},
        "any, all",
    ),
    (
        "half an hour",
        {"segments": [segment("a", {}, {**band("0", None), "levels": [{**LEVEL, "sla_hours": True}]})]},
        "hours",
    ),
    ("too many decimals", {"segments": [segment("a", {}, band("0", "1.001"), band("1.001", None))]}, "decimals"),
    ("an unknown member", {**RULES, "more": 1}, "Unknown member"),
]


@pytest.mark.parametrize(("document", "words"), [case[1:] for case in FAULTS], ids=[case[0] for case in FAULTS])
def test_rules_that_do_not_hold_together_are_refused(document: dict[str, Any], words: str) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        document_parse(document, currency="KES")
    assert any(words in fault["detail"] for fault in caught.value.extra["errors"]), caught.value.extra["errors"]


def test_every_fault_is_said_at_once() -> None:
    document = copy.deepcopy(RULES)
    document["segments"][4]["bands"][1]["from"] = "101.00"
    document["segments"][2]["bands"][0]["to"] = "60.00"
    with pytest.raises(PolicyInvalid) as caught:
        document_parse(document, currency="KES")
    assert [fault["pointer"] for fault in caught.value.extra["errors"]] == [
        "/document/segments/2/bands/1/from",
        "/document/segments/4/bands/1/from",
    ]


def test_names_that_do_not_exist_are_refused_when_saved(bank: Bank) -> None:
    for who in ({"role": "nobody"}, {"group": "nobody"}):
        level = {"name": "One", "stage": 1, "who": who}
        document = {"segments": [segment("a", {}, {**band("0", None), "levels": [level]})]}
        with pytest.raises(PolicyInvalid, match="There is no"):
            policy_draft(
                acting_user=None, kind="tests.toy", name="x", effective_from=dt.date(2020, 1, 1), document=document
            )


def test_the_newest_version_that_has_begun_is_in_force(bank: Bank) -> None:
    for year, name in ((2026, "manager"), (2027, "finance")):
        level = bank.level(name, 1)
        policy = policy_draft(
            acting_user=None, kind="tests.toy", name=name, effective_from=dt.date(year, 1, 1),
            document={"segments": [segment("a", {}, {**band("0", None), "levels": [level]})]},
        )  # fmt: skip
        assert policy_in_force(kind="tests.toy", day=dt.date(year, 6, 1)) is None or year == 2027
        policy_activate(acting_user=None, policy_id=policy.pk, at=AT)
    days = ("2025-12-31", "2026-01-01", "2026-12-31", "2027-01-01")
    items = {day: policy_in_force(kind="tests.toy", day=dt.date.fromisoformat(day)) for day in days}
    found = {day: item.policy.name if item is not None else None for day, item in items.items()}
    assert found == {"2025-12-31": None, "2026-01-01": "manager", "2026-12-31": "manager", "2027-01-01": "finance"}
    # By the midnight of the bank, which is three hours before that of UTC.
    evening = dt.datetime(2025, 12, 31, 20, 59, tzinfo=dt.UTC)
    begun = [approval_possible(kind="tests.toy", at=evening + dt.timedelta(minutes=late)) for late in (0, 1)]
    assert begun == [False, True]
    open_rules = {"segments": [segment("a", {}, band("0", None))]}
    again = policy_draft(
        acting_user=None, kind="tests.toy", name="x", effective_from=dt.date(2027, 1, 1), document=open_rules
    )
    with pytest.raises(PolicyStateConflict):
        policy_activate(acting_user=None, policy_id=again.pk, at=AT)
    assert policy_withdraw(acting_user=None, policy_id=again.pk, at=AT).state == "withdrawn"


def test_requests_keep_the_rules_with_which_they_began(bank: Bank) -> None:
    bank.three_levels()
    request = bank.submit()
    bank.policy(bank.level("finance", 1))
    assert [level.name for level in request.levels.all()] == ["Manager", "Chief", "Finance"]
    assert decide(request, bank.manager).stage == 2
    assert request.rule["version"] == ApprovalPolicy.objects.get(pk=request.policy_id).number


def test_small_amounts_go_at_once_and_cost_nothing(bank: Bank, django_assert_num_queries: Any) -> None:
    bank.rules(
        {
            "segments": [
                segment("a", {}, band("0", "100.00"), {**band("100.00", None), "levels": [bank.level("finance", 1)]})
            ]
        }
    )
    assert request_submit(kind="tests.toy", maker=bank.maker, payload={"name": "s", "amount": "99.99"}, at=AT) is None
    assert bank.submit(amount="100.00").state == "pending"
    with django_assert_num_queries(0):
        assert not approval_possible(kind="tests.toy", amount=Money(99_99, "KES"), at=AT)
        assert approval_possible(kind="tests.toy", amount=Money(100_00, "KES"), at=AT)
        assert approval_possible(kind="tests.toy", amount=Money(1, "USD"), at=AT)
        assert not approval_possible(kind="tests.other", at=AT)


def test_policies_themselves_need_approval(bank: Bank) -> None:
    author = user_make("approvals.manage_policies", branch=bank.head)
    bank.policy(bank.level("finance", 1), kind="approvals.policy")
    draft = policy_draft(
        acting_user=author, kind="tests.toy", name="New", effective_from=dt.date(2026, 1, 1),
        document={"segments": [segment("a", {}, {**band("0", None), "levels": [bank.level("chief", 1)]})]},
    )  # fmt: skip
    _, request = policy_propose(acting_user=author, policy_id=draft.pk, at=AT)
    assert request is not None
    assert ApprovalPolicy.objects.get(pk=draft.pk).state == "draft"
    assert decide(request, bank.finance).state == "executed"
    assert ApprovalPolicy.objects.get(pk=draft.pk).state == "active"
    policies_forget()
    assert policy_in_force(kind="tests.toy", day=AT.date()) is not None
    with pytest.raises(PermissionDenied):
        policy_draft(
            acting_user=bank.finance, kind="tests.toy", name="x", effective_from=dt.date(2026, 2, 1), document=RULES
        )


def test_the_simulator_says_who_would_decide_and_why(bank: Bank, django_assert_num_queries: Any) -> None:
    bank.rules(
        {
            "segments": [
                segment("a", {}, band("0", "100.00"), {**band("100.00", None), "levels": [bank.level("manager", 1)]})
            ]
        }
    )
    before = ApprovalPolicy.objects.count()
    small = policy_simulate(kind="tests.toy", day=AT.date(), amount=Money(1, "KES"), maker=bank.maker)
    assert (small.asks, small.levels) == (False, [])
    large = policy_simulate(kind="tests.toy", day=AT.date(), amount=Money(100_00, "KES"), maker=bank.maker)
    assert large.asks
    assert (large.why["segment"], large.why["from_minor"]) == ("a", 100_00)
    assert large.levels[0].people == [bank.manager.full_name]
    tried = policy_simulate(
        kind="tests.toy", day=AT.date(), maker=bank.maker,
        document={"segments": [segment("b", {}, {**band("0", None), "levels": [bank.level("finance", 1)]})]},
    )  # fmt: skip
    assert tried.levels[0].people == [bank.finance.full_name]
    assert ApprovalPolicy.objects.count() == before
