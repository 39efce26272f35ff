"""The runner itself: what is compared, and what counts as unsupported."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from tests.cases.registry import Case, Unsupported, case_work, cases_read, differences, group_key, handles


def _case(group: str, inputs: dict[str, object], expected: dict[str, object]) -> Case:
    return Case("x.json", group, "1", inputs, expected, "", Path())


@handles("test of the runner")
def _doubled(case: Case) -> dict[str, object]:
    (number,) = case.need("number")
    case.only("number")
    return {"double": 2 * int(number)}


@handles("test of the runner")
def _written(case: Case) -> None:
    (text,) = case.need("text")
    assert text == "right"


def test_the_handler_that_knows_the_inputs_answers() -> None:
    assert case_work(_case("07_test of the runner", {"number": 4}, {"double": 8})) == []
    assert case_work(_case("test of the runner", {"number": 4}, {"double": 9})) == ["/double: expected 9, got 8"]
    assert case_work(_case("test of the runner", {"text": "right"}, {})) == []
    with pytest.raises(AssertionError):
        case_work(_case("test of the runner", {"text": "wrong"}, {}))


@pytest.mark.parametrize(
    ("group", "inputs", "reason"),
    [("astrology", {}, "no handler"), ("test of the runner", {"word": 1}, "no input"),
     ("test of the runner", {"number": 1, "base": 16}, "base is not understood")],
)  # fmt: skip
def test_what_nobody_knows_is_unsupported(group: str, inputs: dict[str, object], reason: str) -> None:
    with pytest.raises(Unsupported, match=reason):
        case_work(_case(group, inputs, {}))


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        (Decimal("0.508333333333"), Fraction(183, 360), True),
        (Decimal("0.5083"), Fraction(183, 360), False),
        ({"value": Decimal("1.23"), "tolerance": Decimal("0.01")}, {"value": Decimal("1.235")}, True),
        ({"value": Decimal("1.23"), "tolerance": Decimal("0.001")}, {"value": Decimal("1.235")}, False),
        ("3", 3, True), (3, "3.00", True), (True, 1, False), (None, 0, False), ([1, 2], (1, 2), True),
        ([1, 2], [1], False), ({"a": 1}, {"a": 1, "b": 2}, True), ({"a": 1}, {}, False), ("x", "y", False),
        ({"a": 1}, 5, False), ([1], 5, False),
    ],
)  # fmt: skip
def test_what_is_the_same(expected: object, actual: object, same: bool) -> None:
    assert (differences(expected, actual) == []) is same


def test_groups_and_files(tmp_path: Path) -> None:
    assert group_key("01b_apr") == group_key("apr") == "apr"
    (tmp_path / "b.json").write_text(json.dumps({"cases": [{"inputs": {"x": 1.10}}]}), encoding="utf-8")
    (tmp_path / "a.json").write_text(json.dumps({"group": "g", "cases": [{"id": "one"}]}), encoding="utf-8")
    (tmp_path / "c.json").write_text("[]", encoding="utf-8")
    found = cases_read(tmp_path)
    assert [(case.file, case.group, case.id) for case in found] == [("a.json", "g", "one"), ("b.json", "b", "1")]
    assert found[1].inputs["x"] == Decimal("1.1")


PROVISIONS = [{"from": 0, "to": 0, "rate": "0.02"}, {"from": 1, "to": 30, "rate": "0.1"}, {"from": 31, "rate": "0.25"}]
LOANS = [{"outstanding": 1000, "days_late": 0}, {"outstanding": 500, "days_late": 31}]
VECTOR = {
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "timestamp": 1614265330, "payload": '{"test": 2432232314}',
}  # fmt: skip


@pytest.mark.parametrize(
    ("group", "inputs", "expected"),
    [  # kinds of which the project has no published case: by the definition of the figure, or the standard's vector
        ("arrears_penalties", {"loans": LOANS}, {"par_30_percent": Decimal("33.33"), "par_30_amount": 500}),
        ("arrears_penalties", {"loans": LOANS, "rules": PROVISIONS}, {"total": 145}),
        ("arrears_penalties", {"outstanding": 400, "days_past_due": 12, "rules": PROVISIONS}, {"provision": 40}),
        ("security_vectors", VECTOR, {"signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}),
        ("security_vectors", {**VECTOR, "now": 1614265631}, {"valid": False}),
        ("security_vectors", {"token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."}, {"accepted": False}),
        ("excel_functions", {"function": "RATE", "args": {"nper": 12, "pmt": 400, "pv": 10000}}, {"value": None}),
    ],
)
def test_kinds_without_a_case(group: str, inputs: dict[str, object], expected: dict[str, object]) -> None:
    assert case_work(_case(group, inputs, expected)) == []
