"""Published figures, worked out by the engine. See registry.py for how a kind of case gets its handler."""

from __future__ import annotations

import pytest

from tests.cases.registry import Case, Unsupported, case_work


def test_case(case: Case) -> None:
    try:
        found = case_work(case)
    except Unsupported as reason:
        pytest.skip(f"unsupported: {reason}")
    assert not found, "\n".join(
        [f"{case.file}: {case.id}", *found, f"note: {case.note}", f"inputs: {dict(case.inputs)}"]
    )
