"""The randomised model of the protocol, with a fixed budget; nightly runs have more (NUMINA_TEST_SCHEDULES)."""

from __future__ import annotations

import os

import pytest

from tests.faults import balance_model

SCHEDULES = int(os.environ.get("NUMINA_TEST_SCHEDULES", "20000"))
STEPS = 300
SEED = 1


def _explored(schedules: int, steps: int, mutation: str) -> tuple[int, list[tuple[int, str, str]]]:
    done, _, bad = balance_model.explore(2, SEED, schedules, steps, mutation)
    return done, bad


@pytest.mark.slow
def test_no_schedule_loses_or_doubles_money() -> None:
    done, bad = _explored(SCHEDULES, STEPS, "")
    assert bad == []
    assert done == SCHEDULES


@pytest.mark.parametrize(
    "rule",
    [
        "ack_early",
        "no_verify",
        "no_unique",
        "no_owner_check",
        "flip_unposted",
        "no_recheck",
        "journal_after_fence",
        "few_no_compare",
        "few_no_flips",
    ],
)
def test_the_model_misses_a_rule_that_is_removed(rule: str) -> None:
    _, bad = _explored(5_000, 2 * STEPS, rule)
    assert bad, f"nothing goes wrong without {rule}: the model does not test it"
